package store

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"latchkey/internal/fault"
)

// R20: whichever step of a write the disk refuses, and however, the state before or the state after is read, the
// trouble has its own code, and a later write succeeds.
func TestR20_EveryStepMayFail(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("missing: POSIX error numbers")
	}
	for _, trouble := range []struct {
		err  syscall.Errno
		code fault.Code
	}{
		{syscall.ENOSPC, fault.DiskFull}, {syscall.EDQUOT, fault.DiskFull}, {syscall.EFBIG, fault.DiskFull},
		{syscall.EROFS, fault.DiskReadOnly}, {syscall.EACCES, fault.DiskReadOnly}, {syscall.EPERM, fault.DiskReadOnly},
		{syscall.EIO, fault.DiskFailed}, {syscall.ESTALE, fault.DiskFailed},
	} {
		for failing := 0; ; failing++ {
			d, notices := open(t)
			write(t, d, "state.json", "1")
			write(t, d, "state.json", "2")
			steps, at := 0, ""
			d.disk = func(step string) error {
				if steps++; steps > failing {
					at = step
					return trouble.err
				}
				return nil
			}
			err := d.Write("state.json", []byte("3"))
			d.disk = nil
			if at == "" {
				if err != nil || failing < 5 {
					t.Fatalf("a write of %d steps: %v", failing, err)
				}
				break
			}
			what := fmt.Sprintf("%s at step %d, %s", trouble.err, failing+1, at)
			wantCode(t, what, err, trouble.code)
			got, err := d.Read("state.json")
			if s := string(got); err != nil || s != "2" && s != "3" {
				t.Errorf("%s: then read %q, %v", what, got, err)
			}
			write(t, d, "state.json", "4")
			wantRead(t, d, "state.json", "4")
			if len(*notices) != 0 {
				t.Errorf("%s: notices %v", what, *notices)
			}
			for _, e := range entries(t, d) {
				if strings.HasPrefix(e, ".") {
					t.Errorf("%s: left %s", what, e)
				}
			}
		}
	}
}

// R20: a disk that cannot be read now is no reason to go back to an older state, or to give one up.
func TestR20_AnInputErrorGivesNothingUp(t *testing.T) {
	d, _ := open(t)
	write(t, d, "state.json", "1")
	write(t, d, "state.json", "2")
	before := entries(t, d)
	for failing := range 2 {
		reads := 0
		d.disk = func(string) error {
			if reads++; reads == failing+1 {
				return syscall.EIO
			}
			return nil
		}
		_, err := d.Read("state.json")
		wantCode(t, "read", err, fault.DiskFailed)
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("%v does not name its cause", err)
		}
	}
	d.disk = nil
	wantRead(t, d, "state.json", "2")
	if after := entries(t, d); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("before %v, after %v", before, after)
	}
}

// A file that cannot be removed is still there; a remove that stops half-way never brings an older state back.
func TestR20_ARemoveThatFailsBringsNothingBack(t *testing.T) {
	for failing := range 3 {
		d, _ := open(t)
		write(t, d, "state.json", "1")
		write(t, d, "state.json", "2")
		steps := 0
		d.disk = func(string) error {
			if steps++; steps > failing {
				return syscall.EIO
			}
			return nil
		}
		wantCode(t, "remove", d.Remove("state.json"), fault.DiskFailed)
		d.disk = nil
		wantRead(t, d, "state.json", "2")
	}
}

func entries(t *testing.T, d *Dir) (names []string) {
	t.Helper()
	all, err := os.ReadDir(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}
