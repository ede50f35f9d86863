package keystore_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"latchkey/internal/keystore"
)

// crash is a process that could dump as much as it wished, if it were not for NoCoreDumps, and then crashes.
func crash() {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		println("failed", err.Error())
		os.Exit(1)
	}
	limit.Cur = limit.Max
	if err := errors.Join(unix.Setrlimit(unix.RLIMIT_CORE, &limit), keystore.NoCoreDumps(), unix.Getrlimit(unix.RLIMIT_CORE, &limit)); err != nil {
		println("failed", err.Error())
		os.Exit(1)
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	println("dumpable", dumpable, "limit", limit.Cur, err == nil)
	_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
	select {}
}

// R9: a process that holds keys leaves no core behind, whatever the system would allow, and cannot be dumped by other
// programs of its user.
func TestR9_ACrashLeavesNoCore(t *testing.T) {
	if os.Getenv(roleVariable) == "crash" {
		crash()
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Dir = t.TempDir() // where a core would lie, where it is a file
	cmd.Env = append(os.Environ(), roleVariable+"=crash", "GOTRACEBACK=crash")
	cmd.Stderr = &out
	err := cmd.Run()
	if said, _, _ := bytes.Cut(out.Bytes(), []byte("\n")); string(said) != "dumpable 0 limit 0 true" {
		t.Errorf("before its crash it said %q", said)
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatalf("it did not crash: %v", err)
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.CoreDump() {
		t.Errorf("it ended by %v, dumped %t", exit, status.CoreDump())
	}
	if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
