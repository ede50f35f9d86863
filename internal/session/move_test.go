package session

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/session/sessiontest"
)

func TestAMoveIsARefreshIntoAnotherStore(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	moved, err := m.Move(t.Context(), s.ID, d.chip)
	if err != nil {
		t.Fatal(err)
	}
	if moved.ID != s.ID || moved.Key.Backend != "tpm" || moved.Key.PublicKey == s.Key.PublicKey || !moved.Active {
		t.Errorf("%+v", moved)
	}
	if err := d.stamp(m); err != nil {
		t.Errorf("stamp from the other store: %v", err)
	}
	if got := d.keys.List(); !slices.Equal(got, []string{s.Key.PublicKey}) {
		t.Errorf("the key of before does not work for its minute: %v", got)
	}
	d.clock.advance(retireGrace)
	d.step(m)
	if here, there := d.keys.List(), d.chip.List(); len(here) != 0 || !slices.Equal(there, []string{moved.Key.PublicKey}) {
		t.Errorf("in the store of before %v, in the other %v", here, there)
	}
	if live := d.vendor.Live(); !slices.Equal(live, []string{moved.Key.PublicKey}) {
		t.Errorf("the service knows %v", live)
	}
	// Refreshes stay where the session is: no store ever stands in for another.
	d.clock.advance(13 * time.Minute)
	d.step(m)
	if now, ok := m.Active(); !ok || now.Key.Backend != "tpm" || now.Key.PublicKey == moved.Key.PublicKey {
		t.Errorf("refreshed: %+v", now)
	}
	before := d.vendor.Count(sessiontest.OpStamp)
	if again, err := m.Move(t.Context(), s.ID, d.chip); err != nil || again.Key.Backend != "tpm" || d.vendor.Count(sessiontest.OpStamp) != before {
		t.Errorf("a move to where it is: %v, %+v", err, again)
	}
	if _, err := m.Move(t.Context(), s.ID, keystore.NewMemory()); err == nil {
		t.Error("moved into a store that nobody finds again")
	}
	if result, err := m.LogOut(t.Context(), s.ID); err != nil || !result.Revoked || !result.Deleted {
		t.Errorf("log-out: %+v, %v", result, err)
	}
	if there := d.chip.List(); len(there) != 0 {
		t.Errorf("left: %v", there)
	}
	d.clock.advance(retireGrace)
	d.step(m)
	d.accounted(m)
}

// A move that fails leaves the session as it was, and no refresh waits for the store that it was to go to.
func TestAFailedMoveTouchesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		spoil, heal func(d *desk)
		completes   bool // by the next refresh
	}{
		"the other store is gone":  {func(d *desk) { d.chip.Vanish() }, func(*desk) {}, false},
		"the service is away":      {func(d *desk) { d.vendor.Before.Set(failing(sessiontest.OpStamp, errLost)) }, func(d *desk) {}, true},
		"the answer is lost":       {func(d *desk) { d.vendor.After.Set(failing(sessiontest.OpStamp, errLost)) }, func(d *desk) {}, true},
		"lost, and then locked up": {func(d *desk) { d.vendor.After.Set(failing(sessiontest.OpStamp, errLost)) }, func(d *desk) { d.chip.Lock() }, false},
		"away, and then it is one that would ask": {func(d *desk) { d.vendor.Before.Set(failing(sessiontest.OpStamp, errLost)) },
			func(d *desk) { d.chip.Prompting() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			m := d.open()
			s := d.logIn(m, 15*time.Minute)
			events, cancel := m.Subscribe()
			defer cancel()
			c.spoil(d)
			if _, err := m.Move(t.Context(), s.ID, d.chip); err == nil {
				t.Fatal("moved")
			}
			if now, ok := m.Active(); !ok || now.Key.Backend != "keychain" || !now.RetryAt.IsZero() {
				t.Errorf("%+v", now)
			}
			for len(events) > 0 {
				if e := <-events; e.Type == RefreshFailed {
					t.Errorf("told of a failed refresh that was not due: %v", e.Err)
				}
			}
			d.vendor.Before.Set(nil)
			d.vendor.After.Set(nil)
			c.heal(d)
			asked := d.chip.Asked()
			d.clock.advance(13 * time.Minute)
			d.step(m)
			now, ok := m.Active()
			if !ok || now.Key.PublicKey == s.Key.PublicKey || (now.Key.Backend == "tpm") != c.completes {
				t.Errorf("after the next refresh: %+v", now)
			}
			if n := d.chip.Asked(); n != asked {
				t.Errorf("the background asked a shut store %d times", n-asked)
			}
			d.chip.Unlock()
			if d.chip.Prompts() { // somebody uses it anyway
				_, _ = d.chip.Secret(t.Context(), "x")
			}
			m.Wake()
			d.clock.advance(retireGrace)
			d.step(m)
			d.step(m)
			d.accounted(m)
			if n := len(d.keys.List()) + len(d.chip.List()); n != 1 {
				t.Errorf("keys left: %v, %v", d.keys.List(), d.chip.List())
			}
			if live := d.vendor.Live(); !slices.Equal(live, []string{now.Key.PublicKey}) {
				t.Errorf("the service knows %v", live)
			}
		})
	}
}

func TestAMoveDuringARefreshComesAfterIt(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	asked, release := make(chan struct{}, 4), make(chan struct{})
	d.vendor.Before.Set(func(q sessiontest.Request) error {
		if q.Op == sessiontest.OpStamp {
			asked <- struct{}{}
			<-release
		}
		return nil
	})
	refreshed, moved := make(chan error, 1), make(chan error, 1)
	go func() { refreshed <- m.refresh(t.Context(), s.ID, wish{seen: s.Key.PublicKey}) }()
	<-asked
	go func() {
		_, err := m.Move(t.Context(), s.ID, d.chip)
		moved <- err
	}()
	close(release)
	if err := errors.Join(<-refreshed, <-moved); err != nil {
		t.Fatal(err)
	}
	if now, ok := m.Active(); !ok || now.Key.Backend != "tpm" {
		t.Errorf("%+v", now)
	}
	d.clock.advance(retireGrace)
	d.step(m)
	d.accounted(m)
	if n := d.vendor.Most(); n > 2 {
		t.Errorf("%d keys at one time", n)
	}
}

// A program that was opened with one store keeps the sessions whose keys are in the others.
func TestSessionsOfEveryStoreAreKept(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	if _, err := m.Move(t.Context(), s.ID, d.chip); err != nil {
		t.Fatal(err)
	}
	d.clock.advance(time.Minute)
	second := d.logIn(m, 15*time.Minute)

	// The next program makes its keys in the other one.
	other := d.manager(d.chip)
	other.Others = []keystore.Store{d.keys}
	if err := other.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.clock.advance(13 * time.Minute)
	d.step(other)
	for _, want := range []struct{ id, backend string }{{s.ID, "tpm"}, {second.ID, "keychain"}} {
		got, err := other.Get(want.id)
		if err != nil || got.Key.Backend != want.backend || got.Ended != nil || !got.Reachable || !got.Expires.After(d.clock.Now().Add(5*time.Minute)) {
			t.Errorf("%+v, %v", got, err)
		}
		signer, err := other.Signer(t.Context(), want.id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := signer.Sign(t.Context(), make([]byte, 32)); err != nil {
			t.Error(err)
		}
	}
	// One that knows neither store ends nothing, and says that it cannot use them.
	alone := d.manager(keystore.NewMemory())
	alone.Others = nil
	if err := alone.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := alone.Get(s.ID); got.Reachable || got.Ended != nil || alone.State() != Unauthenticated {
		t.Errorf("%+v, %s", got, alone.State())
	}
	if _, err := alone.Signer(t.Context(), s.ID); fault.CodeOf(err) != fault.KeyMissing {
		t.Errorf("%v", err)
	}
	d.clock.advance(retireGrace)
	d.step(other)
	d.accounted(other)
}

// What would have to ask a person is not asked because time passed.
func TestAStoreThatAsksIsNotAskedInPassing(t *testing.T) {
	for name, shut := range map[string]func(*sessiontest.Keys){
		"locked": (*sessiontest.Keys).Lock, "absent": (*sessiontest.Keys).Vanish, "under a passphrase": (*sessiontest.Keys).Prompting,
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			m := d.open()
			s := d.logIn(m, 15*time.Minute)
			if _, err := m.Move(t.Context(), s.ID, d.chip); err != nil {
				t.Fatal(err)
			}
			d.clock.advance(retireGrace)
			d.step(m)
			shut(d.chip)
			again := d.open()
			d.clock.advance(13 * time.Minute)
			for range 5 {
				d.step(again)
				d.clock.advance(5 * time.Second)
			}
			if n := d.chip.Asked(); n != 0 {
				t.Errorf("asked %d times", n)
			}
			if again.State() != Authenticated {
				t.Errorf("%s", again.State())
			}
			d.chip.Unlock()
			if _, err := again.RefreshNow(t.Context(), s.ID); err != nil { // a person did
				t.Errorf("%v", err)
			}
			d.clock.advance(retireGrace)
			d.step(again)
			d.accounted(again)
		})
	}
}

// What is in the memory of another process is out of reach, and still its own.
func TestMemoryOfAnotherProcessIsLeftAlone(t *testing.T) {
	d := newDesk(t)
	window := d.manager(keystore.NewMemory())
	if err := window.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := logIn(t.Context(), window, d.client, 15*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	terminal := d.manager(d.keys)
	terminal.Others = []keystore.Store{d.chip, keystore.NewMemory()}
	if err := terminal.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.clock.advance(13 * time.Minute)
	d.step(terminal)
	got, err := terminal.Get(s.ID)
	if err != nil || got.Ended != nil || got.Reachable || !got.RetryAt.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := terminal.Signer(t.Context(), s.ID); fault.CodeOf(err) != fault.KeyMissing {
		t.Errorf("%v", err)
	}
	if _, err := terminal.Move(t.Context(), s.ID, d.chip); fault.CodeOf(err) != fault.KeyMissing {
		t.Errorf("moved what is in the memory of another: %v", err)
	}
	if window.State() != Authenticated {
		t.Errorf("%s", window.State())
	}
	// The window's own memory can move to where it lasts.
	window.Others = []keystore.Store{d.keys}
	if moved, err := window.Move(t.Context(), s.ID, d.keys); err != nil || moved.Key.Backend != "keychain" {
		t.Errorf("%+v, %v", moved, err)
	}
	d.step(terminal)
	if got, err := terminal.Get(s.ID); err != nil || !got.Reachable {
		t.Errorf("%+v, %v", got, err)
	}
}

// A second program with keys in memory does not take the first one's for lost; once that has ended, they are.
func TestMemoryIsLostWithItsProcessAndNotBefore(t *testing.T) {
	d := newDesk(t)
	window := d.manager(keystore.NewMemory())
	if err := window.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := logIn(t.Context(), window, d.client, 15*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	terminal := d.manager(keystore.NewMemory())
	if err := terminal.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.step(terminal)
	if got, err := terminal.Get(s.ID); err != nil || got.Ended != nil || got.Reachable {
		t.Errorf("%+v, %v", got, err)
	}
	if err := d.stamp(window); err != nil {
		t.Errorf("the window's session: %v", err)
	}
	terminal.Close()
	window.Close()
	again := d.manager(keystore.NewMemory())
	if err := again.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := again.Get(s.ID); err != nil || got.Ended == nil || got.Ended.Reason != Startup {
		t.Errorf("%+v, %v", got, err)
	}
}

// A request that was stamped just before its key was replaced still counts, and so does one that was given the key then.
func TestRequestsInFlightSurviveARefreshAndAMove(t *testing.T) {
	for name, replace := range map[string]func(d *desk, m *Manager, id string) error{
		"refreshed here": func(d *desk, m *Manager, id string) error {
			_, err := m.RefreshNow(d.t.Context(), id)
			return err
		},
		"refreshed by another process": func(d *desk, _ *Manager, id string) error {
			_, err := d.open().RefreshNow(d.t.Context(), id)
			return err
		},
		"moved": func(d *desk, m *Manager, id string) error {
			_, err := m.Move(d.t.Context(), id, d.chip)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			m := d.open()
			s := d.logIn(m, 15*time.Minute)
			inFlight, arrived := make(chan struct{}), make(chan error, 2)
			gate := make(chan struct{})
			var first bool
			d.vendor.Before.Set(func(q sessiontest.Request) error {
				if q.Op == sessiontest.OpWhoami && q.By == s.Key.PublicKey && !first {
					first = true
					close(inFlight)
					<-gate
				}
				return nil
			})
			go func() { arrived <- d.stamp(m) }()
			<-inFlight
			late, err := m.Signer(t.Context(), "") // looked up before, stamps after
			if err != nil {
				t.Fatal(err)
			}
			if err := replace(d, m, s.ID); err != nil {
				t.Fatal(err)
			}
			d.step(m)
			close(gate)
			if err := <-arrived; err != nil {
				t.Errorf("stamped before the swap, arrived after it: %v", err)
			}
			whoami := sessiontest.Request{Op: sessiontest.OpWhoami, OrganizationID: sessiontest.Organization}
			if _, err := d.client.Do(context.Background(), late, whoami); err != nil {
				t.Errorf("stamped after the swap with the key of before: %v", err)
			}
			if err := d.stamp(m); err != nil {
				t.Errorf("a new request: %v", err)
			}
			d.clock.advance(retireGrace - time.Second)
			d.step(m)
			if _, err := d.client.Do(context.Background(), late, whoami); err != nil {
				t.Errorf("within the minute: %v", err)
			}
			d.clock.advance(time.Second)
			d.step(m)
			if _, err := d.client.Do(context.Background(), late, whoami); err == nil {
				t.Error("after the minute the replaced key still stamps")
			}
			d.accounted(m)
		})
	}
}
