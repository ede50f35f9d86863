package cli

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"latchkey/internal/need"
)

// R9: every command begins without core dumps, however many the shell allows.
func TestR9_TheProgramLeavesNoCore(t *testing.T) {
	need.Command(t, "bash")
	cmd := exec.CommandContext(t.Context(), "bash", "-c", "ulimit -S -c $(ulimit -H -c); exec latchkey sandbox --listen 127.0.0.1:0")
	cmd.Env = append(os.Environ(), "LATCHKEY_HOME="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if ready := bufio.NewScanner(out); !ready.Scan() {
		t.Fatalf("it did not begin: %v", ready.Err())
	}
	proc := fmt.Sprintf("/proc/%d/", cmd.Process.Pid)
	limits, err := os.ReadFile(proc + "limits")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if rest, ok := strings.CutPrefix(line, "Max core file size"); ok && strings.Fields(rest)[0] != "0" {
			t.Errorf("cores of %s bytes are allowed", strings.Fields(rest)[0])
		}
	}
	// What must not be dumped belongs to root. Run by root there is nothing to see here; the keystore's own test asks.
	info, err := os.Stat(proc + "environ")
	if err != nil {
		t.Fatal(err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || owner.Uid != 0 {
		t.Errorf("its memory is open to user %d", owner.Uid)
	}
}
