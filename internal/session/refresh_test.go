package session

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/p256"
	"latchkey/internal/session/sessiontest"
)

func TestRefreshSwapsTheKeyAndRevokesTheOldOne(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	events, cancel := m.Subscribe()
	defer cancel()
	old, err := m.Signer(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	d.step(m)
	if n := d.vendor.Count(sessiontest.OpStamp); n != 0 {
		t.Fatalf("refreshed %d times before it was due", n)
	}
	d.clock.advance(12*time.Minute + time.Second)
	d.step(m)
	now, ok := m.Active()
	if !ok || now.Key.PublicKey == s.Key.PublicKey || now.ID != s.ID || !now.Expires.After(s.Expires) || now.Refreshing {
		t.Fatalf("after the refresh: %+v", now)
	}
	if n := d.vendor.Count(sessiontest.OpStamp); n != 1 {
		t.Errorf("%d refreshes", n)
	}
	digest := make([]byte, 32)
	if _, err := old.Sign(t.Context(), digest); err != nil {
		t.Errorf("the replaced key, at once: %v", err)
	}
	d.clock.advance(retireGrace - time.Second)
	d.step(m)
	if _, err := old.Sign(t.Context(), digest); err != nil {
		t.Errorf("the replaced key, within the minute: %v", err)
	}
	d.clock.advance(time.Second)
	d.step(m)
	if _, ok := d.vendor.Knows(s.Key.PublicKey); ok {
		t.Error("the service still knows the replaced key")
	}
	if _, err := old.Sign(t.Context(), digest); fault.KindOf(err) != fault.Expired {
		t.Errorf("the revoked key signs: %v", err)
	}
	if got := d.keys.List(); !slices.Equal(got, []string{now.Key.PublicKey}) {
		t.Errorf("keys here: %v", got)
	}
	d.accounted(m)
	var types []EventType
	for len(events) > 0 {
		types = append(types, (<-events).Type)
	}
	if !slices.Equal(types, []EventType{RefreshStarted, Refreshed}) {
		t.Errorf("events %v", types)
	}
	if jwt, err := m.Token(t.Context(), s.ID); err != nil || jwt == "" {
		t.Errorf("token after the refresh: %v", err)
	}
}

func TestOneRefreshForAllWhoSawTheSameKey(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	const callers = 50
	results := make(chan error, callers)
	for range callers {
		go func() { results <- m.refresh(t.Context(), s.ID, wish{seen: s.Key.PublicKey}) }()
	}
	for range callers {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if n := d.vendor.Count(sessiontest.OpStamp); n != 1 {
		t.Errorf("%d refreshes", n)
	}
	if now, err := m.RefreshNow(t.Context(), s.ID); err != nil || d.vendor.Count(sessiontest.OpStamp) != 2 || now.Key.PublicKey == s.Key.PublicKey {
		t.Errorf("asked once more: %v, %+v", err, now)
	}
	d.step(m)
	d.accounted(m)
}

// TestR3_AFailedRefreshNeverLogsOut lets every try fail, in every way, until the very end.
func TestR3_AFailedRefreshNeverLogsOut(t *testing.T) {
	ways := map[string]func(d *desk, m *Manager){
		"no network":      func(d *desk, _ *Manager) { d.vendor.Before.Set(failing(sessiontest.OpStamp, errLost)) },
		"the answer lost": func(d *desk, _ *Manager) { d.vendor.After.Set(failing(sessiontest.OpStamp, errLost)) },
		"limited": func(d *desk, _ *Manager) {
			d.vendor.Before.Set(failing(sessiontest.OpStamp, &fault.Error{Kind: fault.Limited, Code: fault.APILimited, RetryAfter: time.Hour}))
		},
		"refused": func(d *desk, _ *Manager) {
			d.vendor.Before.Set(failing(sessiontest.OpStamp, fault.New(fault.APIRefused, nil)))
		},
		"an unknown error": func(d *desk, _ *Manager) { d.vendor.Before.Set(failing(sessiontest.OpStamp, errors.New("what"))) },
		"conflict":         func(d *desk, _ *Manager) { d.vendor.Before.Set(failing(sessiontest.OpStamp, fault.Conflict)) },
		"a forged token":   func(d *desk, m *Manager) { m.Notarizer = &p256.Generate().PublicKey },
		"no token": func(_ *desk, m *Manager) {
			m.Refresh = func(context.Context, Session, keystore.Signer, string) (string, error) { return "", nil }
		},
		"the keychain shut": func(d *desk, _ *Manager) { d.keys.Lock() },
		"nothing answers": func(d *desk, m *Manager) {
			m.Refresh = func(ctx context.Context, _ Session, _ keystore.Signer, _ string) (string, error) {
				ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
				defer cancel()
				<-ctx.Done()
				return "", ctx.Err()
			}
		},
	}
	for name, spoil := range ways {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			m := d.open()
			s := d.logIn(m, 15*time.Minute)
			events, cancel := m.Subscribe()
			defer cancel()
			healthy := m.Notarizer
			refresh := m.Refresh
			spoil(d, m)
			failures := 0
			for d.clock.Now().Before(s.Expires.Add(-30 * time.Second)) {
				d.clock.advance(20 * time.Second)
				d.step(m)
				if m.State() != Authenticated {
					t.Fatalf("logged out %s before the end", s.Expires.Sub(d.clock.Now()))
				}
				for len(events) > 0 {
					if e := <-events; e.Type == RefreshFailed {
						failures++
						now, _ := m.Active()
						if e.Err == nil || !e.Next.After(e.At) || e.Next.After(now.Expires) {
							t.Errorf("event %+v", e)
						}
					}
				}
			}
			if failures < 3 {
				t.Errorf("only %d tries", failures)
			}
			// What was in the way is gone: the next try succeeds.
			d.vendor.Before.Set(nil)
			d.vendor.After.Set(nil)
			m.Notarizer, m.Refresh = healthy, refresh
			d.keys.Unlock()
			m.Wake()
			d.step(m)
			if now, ok := m.Active(); !ok || !now.Expires.After(s.Expires) {
				t.Errorf("not refreshed afterwards: %+v", now)
			}
			d.clock.advance(retireGrace)
			d.step(m)
			d.accounted(m)
			if n := len(d.vendor.Live()); n != 1 {
				t.Errorf("%d keys live at the service", n)
			}
			if n := len(d.keys.List()); n != 1 {
				t.Errorf("%d keys here", n)
			}
		})
	}
}

func failing(op string, err error) func(sessiontest.Request) error {
	return func(q sessiontest.Request) error {
		if q.Op == op {
			return err
		}
		return nil
	}
}

func TestALostAnswerIsAdopted(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	d.clock.advance(14 * time.Minute)
	d.vendor.After.Set(failing(sessiontest.OpStamp, errLost))
	d.step(m)
	next := ""
	for _, k := range d.vendor.Live() {
		if k != s.Key.PublicKey {
			next = k
		}
	}
	if next == "" {
		t.Fatal("the request did not arrive")
	}
	// The program ends, and starts again when the old key is over.
	d.vendor.After.Set(nil)
	d.clock.advance(2 * time.Minute)
	again := d.open()
	if again.State() != Loading {
		t.Errorf("%s, though nobody knows yet", again.State())
	}
	if err := d.stamp(again); fault.CodeOf(err) != fault.SessionExpired {
		t.Errorf("an expired key was handed out: %v", err)
	}
	events, cancel := again.Subscribe()
	defer cancel()
	d.step(again)
	if got, ok := again.Active(); !ok || got.ID != s.ID || got.Key.PublicKey == s.Key.PublicKey {
		t.Errorf("%+v", got)
	}
	if jwt, err := again.Token(t.Context(), s.ID); err != nil || jwt == "" {
		t.Errorf("no verified token after the adoption: %v", err)
	}
	for len(events) > 0 {
		if e := <-events; e.Type == Expired {
			t.Error("announced an end that was none")
		}
	}
	d.clock.advance(retireGrace)
	d.step(again)
	d.accounted(again)
	if n := len(d.vendor.Live()); n != 1 {
		t.Errorf("%d keys live", n)
	}
}

func TestANextKeyNobodyKnowsIsUsedForTheNextTry(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	d.clock.advance(13 * time.Minute)
	d.vendor.Before.Set(failing(sessiontest.OpStamp, errLost))
	d.step(m)
	named := d.keys.List()
	if len(named) != 2 {
		t.Fatalf("keys %v", named)
	}
	d.vendor.Before.Set(nil)
	d.clock.advance(time.Minute)
	d.step(m)
	now, _ := m.Active()
	if now.Key.PublicKey == s.Key.PublicKey || !slices.Contains(named, now.Key.PublicKey) {
		t.Errorf("a third key was made: %v, %s", named, now.Key.PublicKey)
	}
}

func TestAnUnsureSessionEndsWhenTheServiceKnowsNothing(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	d.clock.advance(13 * time.Minute)
	d.vendor.Before.Set(func(sessiontest.Request) error { return errLost })
	d.step(m)
	d.clock.advance(4 * time.Minute)
	again := d.open()
	d.step(again) // no network: kept
	if st := again.snapshot(); st.session(s.ID).Ended != nil {
		t.Fatalf("given up without an answer: %+v", st.session(s.ID).Ended)
	}
	if got, over := again.LastEnded(); !over || got.Ended.Reason != Startup || again.State() != Unauthenticated {
		t.Errorf("nobody is told: %+v", got)
	}
	d.vendor.Before.Set(nil)
	again.Wake()
	d.step(again)
	got, _ := again.Get(s.ID)
	if got.Ended == nil || got.Ended.Reason != Startup || again.State() != Unauthenticated {
		t.Errorf("%s, %+v", again.State(), got.Ended)
	}
	if n := d.keys.List(); len(n) != 0 {
		t.Errorf("keys left: %v", n)
	}
}
