package session

import (
	"slices"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/session/sessiontest"
)

func TestWhatEndedWhileNobodyRanSaysSo(t *testing.T) {
	d := newDesk(t)
	d.logIn(d.open(), 15*time.Minute)
	d.clock.advance(time.Hour)
	m := d.manager(d.keys)
	events, cancel := m.Subscribe()
	defer cancel()
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := <-events; e.Type != Expired || e.Reason != Startup {
		t.Errorf("event %+v", e)
	}
	if got, ok := m.LastEnded(); !ok || got.Ended.Reason != Startup {
		t.Errorf("%+v", got)
	}
	d.step(m)
	if n := d.keys.List(); len(n) != 0 {
		t.Errorf("keys left: %v", n)
	}
	if err := m.Dismiss(t.Context(), m.List()[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := m.LastEnded(); ok || len(m.List()) != 0 {
		t.Errorf("after it was read: %+v", m.List())
	}
}

func TestARejectedKeyEndsItsSessionAndNoOther(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	first, second := d.logIn(m, 15*time.Minute), d.logIn(m, 15*time.Minute)
	if err := m.Reject(t.Context(), second.ID, first.Key.PublicKey); err != nil {
		t.Fatal(err)
	}
	if m.State() != Authenticated {
		t.Fatal("ended by what was said of another key")
	}
	d.vendor.Forget(second.Key.PublicKey)
	if _, err := m.RefreshNow(t.Context(), second.ID); fault.CodeOf(err) != fault.SessionRejected {
		t.Errorf("%v", err)
	}
	if got, _ := m.Get(second.ID); got.Ended == nil || got.Ended.Reason != Rejected {
		t.Errorf("%+v", got)
	}
	if got, _ := m.Get(first.ID); got.Ended != nil {
		t.Errorf("%+v", got.Ended)
	}
	if err := d.stamp(m); fault.CodeOf(err) != fault.SessionRejected {
		t.Errorf("stamping after the end: %v", err)
	}
	if err := m.Reject(t.Context(), second.ID, second.Key.PublicKey); err != nil {
		t.Errorf("rejected twice: %v", err)
	}
	d.step(m)
	d.accounted(m)
	if got := d.keys.List(); !slices.Equal(got, []string{first.Key.PublicKey}) {
		t.Errorf("keys here: %v", got)
	}
}

func TestWhoLogsInAgainDoesNotWaitForAnOldSession(t *testing.T) {
	for name, turn := range map[string]func(*desk, *Manager, Session){
		"logged in again": func(d *desk, m *Manager, _ Session) { d.vendor.Before.Set(nil); d.logIn(m, 15*time.Minute) },
		"read the news": func(d *desk, m *Manager, s Session) {
			if err := m.Dismiss(d.t.Context(), s.ID); err != nil {
				d.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			m := d.open()
			s := d.logIn(m, 15*time.Minute)
			d.clock.advance(13 * time.Minute)
			d.vendor.After.Set(failing(sessiontest.OpStamp, errLost))
			d.step(m) // the service knows a next key, and we do not know that
			d.vendor.Before.Set(func(sessiontest.Request) error { return errLost })
			d.vendor.After.Set(nil)
			d.clock.advance(2*time.Minute + time.Second)
			m.Wake()
			d.step(m)
			if _, over := m.LastEnded(); !over {
				t.Fatal("not over")
			}
			turn(d, m, s)
			if st := m.snapshot(); st.session(s.ID) != nil {
				t.Errorf("the old session is still there: %+v", st.session(s.ID))
			}
			d.vendor.Before.Set(nil)
			m.Wake()
			d.step(m)
			d.accounted(m)
			want := 0
			if _, ok := m.Active(); ok {
				want = 1
			}
			if n := d.keys.List(); len(n) != want {
				t.Errorf("keys: %v", n)
			}
		})
	}
}

func TestASignerThatWasKeptLooksAtTheClockAgain(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	signer, err := m.Signer(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	digest := make([]byte, 32)
	d.clock.advance(15*time.Minute - time.Second)
	if _, err := signer.Sign(t.Context(), digest); err != nil {
		t.Errorf("a second before the end: %v", err)
	}
	d.clock.advance(time.Second)
	if _, err := signer.Sign(t.Context(), digest); fault.CodeOf(err) != fault.SessionExpired {
		t.Errorf("at the end: %v", err)
	}
}
