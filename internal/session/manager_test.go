package session

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
)

func TestAnotherProcessIsSeen(t *testing.T) {
	d := newDesk(t)
	window, terminal := d.open(), d.open()
	events, cancel := window.Subscribe()
	defer cancel()
	s := d.logIn(terminal, 15*time.Minute)
	d.step(window)
	if got, ok := window.Active(); !ok || got.ID != s.ID {
		t.Errorf("%+v", got)
	}
	if err := d.stamp(window); err != nil {
		t.Error(err)
	}
	signer, err := window.Signer(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := terminal.LogOut(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	d.clock.advance(syncEvery + time.Second)
	if _, err := window.Signer(t.Context(), ""); fault.CodeOf(err) != fault.SessionNone {
		t.Errorf("stamping after the other's log-out: %v", err)
	}
	if _, err := signer.Sign(t.Context(), make([]byte, 32)); err == nil {
		t.Error("a signer of before signs on")
	}
	var types []EventType
	for len(events) > 0 {
		types = append(types, (<-events).Type)
	}
	if !slices.Equal(types, []EventType{SessionStored, SessionSelected, Cleared}) {
		t.Errorf("events %v", types)
	}
}

// A process that looked a moment ago finds the key gone that others replaced twice since: it looks again.
func TestAKeyThatWasReplacedTwiceIsLookedUpAgain(t *testing.T) {
	d := newDesk(t)
	window, terminal := d.open(), d.open()
	s := d.logIn(terminal, 15*time.Minute)
	d.step(window)
	for range 3 {
		if _, err := terminal.RefreshNow(t.Context(), s.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := d.vendor.Knows(s.Key.PublicKey); ok {
		t.Fatal("the first key is still there")
	}
	if err := d.stamp(window); err != nil {
		t.Error(err)
	}
}

func TestASlowListenerHoldsNobodyUpAndHearsTheNewest(t *testing.T) {
	m := newDesk(t).manager(keystore.NewMemory())
	events, cancel := m.Subscribe()
	const keys = 2 * listenerRoom
	last := ""
	for i := range keys {
		last = fmt.Sprint(i)
		m.listeners.publish(Event{Type: KeyCreated, PublicKey: last})
	}
	missed, heard, newest := 0, 0, ""
	for len(events) > 0 {
		e := <-events
		missed, heard, newest = missed+e.Missed, heard+1, e.PublicKey
	}
	if missed+heard != keys || heard != listenerRoom || newest != last {
		t.Errorf("heard %d, missed %d of %d; newest %s, want %s", heard, missed, keys, newest, last)
	}
	cancel()
	cancel()
	if _, open := <-events; open {
		t.Error("still open")
	}
}

func TestSkewDecides(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	d.logIn(m, 15*time.Minute)
	for _, c := range []struct {
		skew time.Duration
		want AuthState
	}{
		{0, Authenticated},
		{20 * time.Minute, Unauthenticated},
		{-time.Hour, Authenticated},
	} {
		m.Skew = func() time.Duration { return c.skew }
		if got := m.State(); got != c.want {
			t.Errorf("skew %s: %s", c.skew, got)
		}
	}
	m.Skew = func() time.Duration { return 29 * time.Second }
	if got := m.Time(); !got.Equal(d.clock.Now()) {
		t.Errorf("a small skew moved the time to %s", got)
	}
	// The local clock is an hour fast, which the service's answers show: nothing is over.
	fast := d.manager(d.keys)
	fast.Now = func() time.Time { return d.clock.Now().Add(time.Hour) }
	fast.Skew = func() time.Duration { return -time.Hour }
	if err := fast.Open(t.Context()); err != nil || fast.State() != Authenticated {
		t.Errorf("%v, %s", err, fast.State())
	}
}
