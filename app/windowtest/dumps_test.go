//go:build linux

package windowtest

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// R9: the window begins without core dumps, however many the session allows.
func TestR9_TheWindowLeavesNoCore(t *testing.T) {
	path := program(t)
	const core = 4 // RLIMIT_CORE
	var before syscall.Rlimit
	if err := syscall.Getrlimit(core, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(core, &syscall.Rlimit{Cur: before.Max, Max: before.Max}); err != nil { // its child has the same
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Setrlimit(core, &before) })
	d := openDesk(t, themes[0].gtk)
	w := d.open(path)
	w.see(heading, "Start in the sandbox")
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", w.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(limits), "Max core file size")
	if fields := strings.Fields(rest); len(fields) == 0 || fields[0] != "0" {
		t.Errorf("cores of %.20q bytes are allowed", rest)
	}
}
