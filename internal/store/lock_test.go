package store

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"latchkey/internal/fault"
)

func TestALockExcludes(t *testing.T) {
	d, _ := open(t)
	unlock, err := d.Lock(t.Context(), "state")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(d.Path) // as another part of the program does
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"state", "state.lock"} {
		if _, ok, err := again.TryLock(name); ok || err != nil {
			t.Errorf("%s was free: %v, %v", name, ok, err)
		}
	}
	if other, ok, err := again.TryLock("refresh-1.lock"); !ok || err != nil {
		t.Errorf("another lock: %v, %v", ok, err)
	} else {
		other()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = again.Lock(ctx, "state")
	wantCode(t, "waiting in vain", err, fault.StateBusy)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v does not tell why", err)
	}

	unlock()
	unlock() // a second time changes nothing: the lock may be somebody else's by now
	second, ok, err := again.TryLock("state")
	if !ok || err != nil {
		t.Fatalf("after unlock: %v, %v", ok, err)
	}
	unlock()
	if _, ok, _ := d.TryLock("state"); ok {
		t.Error("unlocking twice released somebody else's lock")
	}
	second()
}

func TestLockWaitsForItsTurn(t *testing.T) {
	d, _ := open(t)
	var group sync.WaitGroup
	counter := 0 // the race detector watches it
	for range 8 {
		group.Go(func() {
			unlock, err := d.Lock(t.Context(), "state")
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			counter++
		})
	}
	group.Wait()
	if counter != 8 {
		t.Errorf("counted %d", counter)
	}
}

// A process that dies, by SIGKILL here, leaves no lock behind.
func TestALockEndsWithItsProcess(t *testing.T) {
	d, _ := open(t)
	holder, lines := child(t, "hold a lock", d.Path)
	if !lines.Scan() || lines.Text() != "locked" {
		t.Fatalf("the other process says %q", lines.Text())
	}
	if _, ok, err := d.TryLock("state"); ok || err != nil {
		t.Fatalf("held by another process, yet %v, %v", ok, err)
	}
	waited := make(chan error, 1)
	go func() {
		unlock, err := d.Lock(t.Context(), "state")
		if err == nil {
			unlock()
		}
		waited <- err
	}()
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Errorf("after the other process died: %v", err)
	}
}

// R20: whenever the writer is killed, what it was told is saved is there, whole.
func TestR20_AKilledWriterLosesNothingThatWasSaved(t *testing.T) {
	d, notices := open(t)
	saved := 0
	for round := range 15 {
		writer, lines := child(t, "write without end", d.Path)
		told := 0
		for lines.Scan() {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatal(lines.Text())
			}
			if told = n; n > round { // then kill it in the middle of a later write
				_ = writer.Process.Kill()
			}
		}
		_ = writer.Wait()
		got, err := d.Read("state.json")
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := bytes.Cut(got, []byte(" "))
		n, _ := strconv.Atoi(string(first))
		if n < told || !bytes.Equal(got, stateOf(n)) {
			t.Fatalf("round %d: told %d, read a state that begins with %q", round, told, first)
		}
		saved += told
	}
	if saved == 0 {
		t.Error("nothing was ever saved")
	}
	if len(*notices) != 0 {
		t.Errorf("notices: %v", *notices)
	}
}
