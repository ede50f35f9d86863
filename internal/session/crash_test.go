package session

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/session/sessiontest"
)

// TestR1_KilledAtEveryStep kills a process at every step of log-in, refresh, revocation and log-out, one after another,
// and then at random ones. Nothing is lost, nobody holds a key that is not accounted for, and the next start repairs
// what is left within two seconds.
func TestR1_KilledAtEveryStep(t *testing.T) {
	for _, whole := range []struct {
		story string
		least int // steps
	}{{"login,refresh,retire,logout", 30}, {"login,move,retire,everywhere", 30}} {
		kills := 0
		for n := 1; ; n++ {
			d := newDesk(t)
			killed := crash(t, d, d.serve(), n, whole.story, false)
			if !killed {
				break
			}
			kills++
		}
		if kills < whole.least {
			t.Errorf("%s: only %d steps", whole.story, kills)
		}
		t.Logf("%s: %d steps", whole.story, kills)
	}
}

func TestR1_KilledAtRandomAgainAndAgain(t *testing.T) {
	random := seed(t)
	kills, want := 0, campaign(15, 2000)
	stories := []struct {
		what  string
		steps int // about as many as it has
	}{{"login", 13}, {"login,refresh", 24}, {"login,refresh,retire", 32}, {"login,refresh,retire,logout", 46}, {"retire,logout", 14},
		{"login,move,retire", 32}, {"login,move,back,refresh", 44}, {"everywhere", 22}}
	for kills < want {
		d := newDesk(t)
		url := d.serve()
		for range 8 { // the same profile is hit again before it was ever whole
			story := stories[random.IntN(len(stories))]
			lossy := random.IntN(4) == 0
			if lossy { // the service does it, and nobody hears of it
				d.vendor.After.Set(func(q sessiontest.Request) error {
					if q.Op == sessiontest.OpStamp || q.Op == sessiontest.OpStampAlone {
						return errLost
					}
					return nil
				})
			}
			if crash(t, d, url, 1+random.IntN(story.steps), story.what, lossy) {
				kills++
			}
			d.vendor.After.Set(nil)
		}
	}
	t.Logf("%d kills", kills)
}

// repaired logs a repair that took longer than the promised two seconds.
func repaired(t *testing.T, took time.Duration) {
	t.Helper()
	if took > 2*time.Second {
		t.Logf("repaired after %s", took.Round(time.Millisecond))
	}
}

// crash runs a child that dies at step n of the story, checks what it left, repairs it, and reports whether it died.
func crash(t *testing.T, d *desk, url string, n int, story string, lossy bool) bool {
	t.Helper()
	before := d.open()
	had, authenticated := before.Active()
	o := d.order(url)
	o.killAt, o.more, o.progress = n, story, filepath.Join(t.TempDir(), "progress")
	err := o.start(t, "crash").Wait()
	text, readErr := os.ReadFile(o.progress)
	if readErr != nil && !os.IsNotExist(readErr) {
		t.Fatal(readErr)
	}
	steps := strings.Split(strings.TrimSpace(string(text)), "\n")
	last := steps[len(steps)-1]
	exit, isExit := errors.AsType[*exec.ExitError](err)
	killed := isExit && exit.ExitCode() == -1
	if err != nil && !killed && !lossy {
		t.Fatalf("step %d (%s) of %s: the child failed: %v", n, last, story, err)
	}

	// As it lies there: every key is named.
	look := d.manager(d.keys)
	if err := look.Open(t.Context()); err != nil {
		t.Fatalf("step %d (%s): %v", n, last, err)
	}
	d.accounted(look)

	// The next start repairs.
	d.vendor.After.Set(nil)
	began := time.Now()
	m := d.open()
	d.step(m)
	repaired(t, time.Since(began))
	d.accounted(m)
	ended := slices.Contains(steps, "wrote log-out")
	stored := authenticated || slices.Contains(steps, "wrote session")
	switch {
	case stored && !ended:
		now, ok := m.Active()
		if !ok || authenticated && now.ID != had.ID {
			t.Errorf("step %d (%s) of %s: the session is lost: %+v", n, last, story, now)
		}
		if err := d.stamp(m); err != nil {
			t.Errorf("step %d (%s) of %s: stamp: %v", n, last, story, err)
		}
	case ended:
		if m.State() == Authenticated {
			t.Errorf("step %d (%s): still logged in", n, last)
		}
		st := m.snapshot()
		for _, k := range append(d.keys.List(), d.chip.List()...) {
			if st.pending(k) == nil {
				t.Errorf("step %d (%s): a key after the log-out: %v", n, last, k)
			}
		}
	default: // in the middle of a log-in: it goes on, or begins anew
		if err := resumeLogIn(t.Context(), m, d.client); err != nil {
			t.Errorf("step %d (%s): the log-in cannot go on: %v", n, last, err)
		}
		if err := d.stamp(m); err != nil {
			t.Errorf("step %d (%s): stamp: %v", n, last, err)
		}
	}
	d.clock.advance(retireGrace)
	d.step(m)
	d.accounted(m)
	st := m.snapshot()
	most := 1 + len(st.Pending)
	if keys := append(d.keys.List(), d.chip.List()...); len(keys) > most {
		t.Errorf("step %d (%s): keys here: %v", n, last, keys)
	}
	return killed
}
