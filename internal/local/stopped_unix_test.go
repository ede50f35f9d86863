//go:build unix

package local

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/fault"
)

func TestAServingProcessThatIsStoppedIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sandbox")
	child, _ := otherProcess(t, dir)
	if err := child.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait() // it says "killed"
	}()
	var status syscall.WaitStatus // the signal takes its time; only a process that has stopped is silent
	if _, err := syscall.Wait4(child.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("it did not stop: %v, %v", status, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	s, err := Join(ctx, dir, quiet(t))
	if err == nil {
		_ = s.Close()
		t.Fatal("joined a process that does not answer")
	}
	if fault.CodeOf(err) != fault.SandboxBusy || !strings.Contains(err.Error(), strconv.Itoa(child.Process.Pid)) {
		t.Errorf("%v", err)
	}
}
