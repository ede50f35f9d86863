package session

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
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
