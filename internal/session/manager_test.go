package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/p256"
	"latchkey/internal/session/sessiontest"
	"latchkey/internal/token"
)

func TestASessionIsRestoredAtStart(t *testing.T) {
	d := newDesk(t)
	m := d.manager(d.keys)
	if m.State() != Loading {
		t.Errorf("before Open: %s", m.State())
	}
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m.State() != Unauthenticated {
		t.Errorf("without a session: %s", m.State())
	}
	s := d.logIn(m, 15*time.Minute)
	if m.State() != Authenticated || !s.Active || s.Label != "user@example.com" || s.Length != 15*time.Minute {
		t.Errorf("%s, %+v", m.State(), s)
	}
	again := d.open()
	got, ok := again.Active()
	if !ok || got != s {
		t.Errorf("restored %+v, want %+v", got, s)
	}
	if err := d.stamp(again); err != nil {
		t.Error(err)
	}
	jwt, err := again.Token(t.Context(), s.ID)
	if err != nil || !strings.HasPrefix(jwt, "ey") {
		t.Errorf("token %q, %v", jwt, err)
	}
	d.accounted(again)
	if list, err := again.Attempts(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("attempts left %v, %v", list, err)
	}
}

func TestR23_StoreBelievesNoForeignToken(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	pending, err := m.NewPendingKey(t.Context(), "login")
	if err != nil {
		t.Fatal(err)
	}
	issue := func(change func(*token.Session)) string {
		s := token.Session{PublicKey: pending.PublicKey(), SessionType: "SESSION_TYPE_READ_WRITE", UserID: sessiontest.User,
			OrganizationID: sessiontest.Organization, Expires: d.clock.Now().Add(time.Hour)}
		change(&s)
		jwt, err := token.IssueSession(d.vendor.Notarizer, s)
		if err != nil {
			t.Fatal(err)
		}
		return jwt
	}
	other := p256.NewKey(p256.Generate()).PublicKey()
	forged, err := token.IssueSession(p256.Generate(), token.Session{PublicKey: pending.PublicKey(), SessionType: "SESSION_TYPE_READ_WRITE",
		UserID: sessiontest.User, OrganizationID: sessiontest.Organization, Expires: d.clock.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		jwt  string
		want fault.Code
	}{
		"another notarizer":     {forged, fault.TokenInvalid},
		"another key":           {issue(func(s *token.Session) { s.PublicKey = other }), fault.TokenForeign},
		"another organization":  {issue(func(s *token.Session) { s.OrganizationID = sessiontest.User }), fault.TokenForeign},
		"over":                  {issue(func(s *token.Session) { s.Expires = d.clock.Now().Add(-time.Hour) }), fault.TokenExpired},
		"over within leeway":    {issue(func(s *token.Session) { s.Expires = d.clock.Now() }), fault.TokenExpired},
		"nothing":               {"", fault.TokenMalformed},
		"not a token":           {"a.b.c", fault.TokenMalformed},
		"a single hash (ES256)": {issueOnce(t, d, pending.PublicKey()), fault.TokenInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := m.Store(t.Context(), StoreRequest{JWT: c.jwt, PublicKey: pending.PublicKey(), OrganizationID: sessiontest.Organization})
			if fault.CodeOf(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	parents := issue(func(s *token.Session) { s.OrganizationID = sessiontest.Parent })
	if _, err := m.Store(t.Context(), StoreRequest{JWT: parents, PublicKey: pending.PublicKey()}); fault.CodeOf(err) != fault.TokenForeign {
		t.Errorf("a session of the parent organization: %v", err)
	}
	if len(m.List()) != 0 || m.State() != Unauthenticated {
		t.Errorf("stored: %+v", m.List())
	}
	mine := issue(func(*token.Session) {})
	if _, err := m.Store(t.Context(), StoreRequest{JWT: mine, PublicKey: pending.PublicKey()}); err != nil {
		t.Errorf("the key is no longer pending after failures: %v", err)
	}
}

// issueOnce returns a verification token, whose text is hashed once, signed by the notarizer.
func issueOnce(t *testing.T, d *desk, publicKey string) string {
	t.Helper()
	jwt, err := token.IssueVerification(d.vendor.Notarizer, token.Verification{ID: sessiontest.User, OrganizationID: sessiontest.Organization,
		VerificationType: "OTP_TYPE_EMAIL", Contact: "user@example.com", PublicKey: publicKey, Expires: d.clock.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return jwt
}

func TestStoreNeedsTheKeyItself(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	pending, err := m.NewPendingKey(t.Context(), "login")
	if err != nil {
		t.Fatal(err)
	}
	reply, err := d.client.Do(t.Context(), nil, sessiontest.Request{Op: sessiontest.OpLogin, OrganizationID: sessiontest.Organization, PublicKey: pending.PublicKey(), Seconds: 900})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(d.keys.Dir, pending.PublicKey())); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Store(t.Context(), StoreRequest{JWT: reply.JWT, PublicKey: pending.PublicKey()}); fault.CodeOf(err) != fault.KeyMissing {
		t.Errorf("stored a session without a key: %v", err)
	}
}

func TestStoringChangesTheActiveSessionOnlyWhenAsked(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	first := d.logIn(m, 15*time.Minute)
	key, err := m.NewPendingKey(t.Context(), "login")
	if err != nil {
		t.Fatal(err)
	}
	reply, err := d.client.Do(t.Context(), nil, sessiontest.Request{Op: sessiontest.OpLogin, OrganizationID: sessiontest.Organization, PublicKey: key.PublicKey(), Seconds: 900})
	if err != nil {
		t.Fatal(err)
	}
	second, err := m.Store(t.Context(), StoreRequest{JWT: reply.JWT, PublicKey: key.PublicKey(), Label: "second"})
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := m.Active(); a.ID != first.ID {
		t.Errorf("active %q", a.Label)
	}
	if err := m.Select(t.Context(), second.ID); err != nil {
		t.Fatal(err)
	}
	if a, _ := m.Active(); a.Label != "second" {
		t.Errorf("active %q", a.Label)
	}
	if _, err := m.LogOut(t.Context(), second.ID); err != nil {
		t.Fatal(err)
	}
	if got, _ := m.Get(first.ID); got.Ended != nil {
		t.Error("the end of one session ended another")
	}
	if m.State() != Unauthenticated {
		t.Errorf("%s, with the active session ended", m.State())
	}
	if err := m.Select(t.Context(), first.ID); err != nil || m.State() != Authenticated {
		t.Errorf("%s, %v", m.State(), err)
	}
	if err := m.Select(t.Context(), second.ID); fault.CodeOf(err) != fault.SessionNone {
		t.Errorf("selecting an ended session: %v", err)
	}
}

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
		go func() { results <- m.refresh(t.Context(), s.ID, s.Key.PublicKey) }()
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

func TestALostStateKeyEndsNothing(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	key, err := m.NewPendingKey(t.Context(), "login")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.PutAttempt(t.Context(), Attempt{ID: "one", Method: "test", PublicKey: key.PublicKey(), Data: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if err := d.keys.DeleteSecret(t.Context(), stateKeyName); err != nil {
		t.Fatal(err)
	}
	again := d.open()
	if err := d.stamp(again); err != nil {
		t.Errorf("stamp: %v", err)
	}
	if _, err := again.Token(t.Context(), s.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("token: %v", err)
	}
	if _, err := again.GetAttempt(t.Context(), "one"); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("attempt: %v", err)
	}
	if list, err := again.Attempts(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("attempts: %v, %v", list, err)
	}
	d.clock.advance(13 * time.Minute)
	d.step(again)
	if jwt, err := again.Token(t.Context(), s.ID); err != nil || jwt == "" {
		t.Errorf("the next refresh brought no token: %v", err)
	}
	if err := again.DropAttempt(t.Context(), "one"); err != nil {
		t.Errorf("an attempt that cannot be read cannot be dropped: %v", err)
	}
}

func TestAShutKeychainLosesNothing(t *testing.T) {
	for name, shut := range map[string]func(*sessiontest.Keys){"locked": (*sessiontest.Keys).Lock, "absent": (*sessiontest.Keys).Vanish} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			s := d.logIn(d.open(), 15*time.Minute)
			d.clock.advance(13 * time.Minute)
			shut(d.keys)
			m := d.open()
			if m.State() != Authenticated {
				t.Errorf("%s", m.State())
			}
			d.step(m)
			if n := d.keys.Asked(); n != 0 {
				t.Errorf("asked %d times for what would raise a prompt nobody wants", n)
			}
			if got, _ := m.Active(); got.RetryAt.IsZero() || got.Ended != nil {
				t.Errorf("%+v", got)
			}
			if err := d.stamp(m); fault.KindOf(err) != fault.Locked && fault.KindOf(err) != fault.Unavailable {
				t.Errorf("stamp: %v", err)
			}
			result, err := d.openOther().LogOut(t.Context(), "")
			if err != nil || result.Deleted || result.Revoked {
				t.Errorf("log-out with the keychain %s: %+v, %v", name, result, err)
			}
			d.keys.Unlock()
			m.Wake()
			d.step(m)
			if n := d.keys.List(); len(n) != 0 {
				t.Errorf("keys of the session %s left: %v", s.ID, n)
			}
			if n := d.vendor.Live(); len(n) != 0 {
				t.Errorf("live: %v", n)
			}
		})
	}
}

// openOther is another process on the same desk.
func (d *desk) openOther() *Manager { return d.open() }

func TestAShutKeychainIsTriedAgainOnWake(t *testing.T) {
	d := newDesk(t)
	s := d.logIn(d.open(), 15*time.Minute)
	d.clock.advance(13 * time.Minute)
	d.keys.Lock()
	m := d.open()
	d.step(m)
	d.keys.Unlock()
	m.Wake()
	d.step(m)
	if got, ok := m.Active(); !ok || !got.Expires.After(s.Expires) || !got.RetryAt.IsZero() {
		t.Errorf("%+v", got)
	}
}

func TestADamagedStateIsReportedAndKept(t *testing.T) {
	d := newDesk(t)
	d.logIn(d.open(), 15*time.Minute)
	dir := filepath.Join(d.dir, "state")
	for _, name := range []string{stateFile, stateFile + ".1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("latchkey 1 7 nonsense\n{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := d.manager(d.keys)
	if err := m.Open(t.Context()); fault.CodeOf(err) != fault.StateCorrupt {
		t.Fatalf("opened a damaged state: %v", err)
	}
	if m.State() != Loading {
		t.Errorf("%s", m.State())
	}
	if err := m.Open(t.Context()); err != nil || m.State() != Unauthenticated {
		t.Errorf("the second time: %v, %s", err, m.State())
	}
	if aside, err := os.ReadFile(filepath.Join(dir, stateFile+".damaged")); err != nil || !bytes.Contains(aside, []byte("nonsense")) {
		t.Errorf("the damaged file is gone: %v", err)
	}
}

func TestAStateThatIsWholeButNotOursIsSetAside(t *testing.T) {
	d := newDesk(t)
	m := d.manager(d.keys)
	for _, c := range []struct {
		text string
		want fault.Code
	}{
		{`{"version":1,"sessions":[{"id":""}]}`, fault.StateCorrupt},
		{`[]`, fault.StateCorrupt},
		{`{"version":2,"anything":true}`, fault.StateTooNew},
	} {
		text, want := c.text, c.want
		if err := m.Dir.Write(stateFile, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := m.Open(t.Context()); fault.CodeOf(err) != want {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := m.NewPendingKey(t.Context(), "login"); want == fault.StateTooNew && fault.CodeOf(err) != want {
			t.Errorf("wrote over a newer file: %v", err)
		}
	}
	if kept, err := m.Dir.Read("unreadable-" + stateFile); err != nil || len(kept) == 0 {
		t.Errorf("what could not be read is gone: %v", err)
	}
	if text, err := m.Dir.Read(stateFile); err == nil && !bytes.Contains(text, []byte(`"version":2`)) {
		t.Errorf("the newer file became %s", text)
	}
}

func TestAnOlderGenerationIsRepaired(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	d.clock.advance(13 * time.Minute)
	var before []byte
	m.step = func(step string) {
		if step == "wrote next key" {
			before, _ = m.Dir.Read(stateFile)
		}
	}
	d.step(m)
	if before == nil {
		t.Fatal("no refresh")
	}
	// The disk forgot the swap: the next key is only named.
	if err := m.Dir.Write(stateFile, before); err != nil {
		t.Fatal(err)
	}
	again := d.open()
	d.step(again)
	if got, ok := again.Active(); !ok || got.ID != s.ID || got.Refreshing {
		t.Errorf("%+v", got)
	}
	if err := d.stamp(again); err != nil {
		t.Error(err)
	}
	d.clock.advance(retireGrace)
	d.step(again)
	d.accounted(again)
}

func TestMemoryKeysEndWithTheirProcess(t *testing.T) {
	d := newDesk(t)
	m := d.manager(keystore.NewMemory())
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := d.logIn(m, 15*time.Minute)
	withKeychain := d.open()
	if got, err := withKeychain.Get(s.ID); err != nil || got.Ended != nil {
		t.Errorf("another store's session was touched: %+v, %v", got, err)
	}
	if withKeychain.State() != Unauthenticated {
		t.Errorf("%s with a key that is out of reach", withKeychain.State())
	}
	if _, err := withKeychain.Signer(t.Context(), s.ID); fault.CodeOf(err) != fault.KeyMissing {
		t.Errorf("signer: %v", err)
	}
	again := d.manager(keystore.NewMemory())
	if err := again.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := again.Get(s.ID); err != nil || got.Ended == nil || got.Ended.Reason != Startup {
		t.Errorf("%+v, %v", got, err)
	}
	d.step(again)
	d.accounted(again) // on the list for later
}

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

func TestPendingKeysGoWithTheirAttempt(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	key, err := m.NewPendingKey(t.Context(), "login")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.PutAttempt(t.Context(), Attempt{ID: "one", Method: "test", PublicKey: key.PublicKey(), Data: []byte("data")}); err != nil {
		t.Fatal(err)
	}
	again := d.open()
	if a, err := again.GetAttempt(t.Context(), "one"); err != nil || string(a.Data) != "data" || a.PublicKey != key.PublicKey() {
		t.Errorf("after a restart: %+v, %v", a, err)
	}
	if err := again.DropAttempt(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	if n := d.keys.List(); len(n) != 0 {
		t.Errorf("keys left: %v", n)
	}
	if _, err := m.GetAttempt(t.Context(), "one"); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("the other process still has it: %v", err)
	}
	if err := m.PutAttempt(t.Context(), Attempt{ID: "two", PublicKey: "02" + strings.Repeat("0", 64)}); !errors.Is(err, fault.Conflict) {
		t.Errorf("an attempt of a key that is not pending: %v", err)
	}
	// One whose log-in was sent is revoked by itself: the service may know it.
	key, err = m.NewPendingKey(t.Context(), "login")
	if err != nil {
		t.Fatal(err)
	}
	a := Attempt{ID: "three", PublicKey: key.PublicKey(), OrganizationID: sessiontest.Organization, KeyEnds: d.clock.Now().Add(15 * time.Minute)}
	if err := m.PutAttempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if _, err := d.client.Do(t.Context(), nil, sessiontest.Request{Op: sessiontest.OpLogin, OrganizationID: sessiontest.Organization, PublicKey: key.PublicKey(), Seconds: 900}); err != nil {
		t.Fatal(err)
	}
	if err := m.DropAttempt(t.Context(), "three"); err != nil {
		t.Fatal(err)
	}
	if n := d.vendor.Live(); len(n) != 0 {
		t.Errorf("live: %v", n)
	}
	d.accounted(m)
}

func TestAKeyThatCannotBeMadeLeavesNoTrace(t *testing.T) {
	d := newDesk(t)
	m := d.manager(&unmaking{Keys: d.keys})
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.NewPendingKey(t.Context(), "login"); fault.CodeOf(err) != fault.KeychainDismissed {
		t.Fatalf("%v", err)
	}
	d.step(m)
	if names := m.PublicKeys(); len(names) != 0 {
		t.Errorf("named: %v", names)
	}
}

// unmaking says that it could not make a key, though it did.
type unmaking struct{ *sessiontest.Keys }

func (u *unmaking) CreateNamed(ctx context.Context, name func(string) error) (keystore.Signer, error) {
	if _, err := u.Keys.CreateNamed(ctx, name); err != nil {
		return nil, err
	}
	return nil, fault.New(fault.KeychainDismissed, nil)
}

func TestR9_TheFileHoldsNoSecretInClear(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	jwt, err := m.Token(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	key, err := m.NewPendingKey(t.Context(), "login")
	if err != nil {
		t.Fatal(err)
	}
	canary := sessiontest.Canary("code")
	if err := m.PutAttempt(t.Context(), Attempt{ID: "one", PublicKey: key.PublicKey(), Data: []byte(canary)}); err != nil {
		t.Fatal(err)
	}
	seal, err := d.keys.Secret(t.Context(), stateKeyName)
	if err != nil {
		t.Fatal(err)
	}
	private, err := os.ReadFile(filepath.Join(d.keys.Dir, s.Key.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string][]byte{"token": []byte(jwt), "claims": []byte(strings.Split(jwt, ".")[1]), "attempt": []byte(canary), "state key": seal, "private key": private}
	files := 0
	err = filepath.WalkDir(filepath.Join(d.dir, "state"), func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		for name, secret := range secrets {
			if bytes.Contains(data, secret) {
				t.Errorf("%s holds the %s", filepath.Base(path), name)
			}
		}
		return err
	})
	if err != nil || files < 2 {
		t.Fatalf("%d files, %v", files, err)
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
