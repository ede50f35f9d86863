package client

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/p256"
	"latchkey/internal/profile"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

// sessionProfile makes a session profile in the parent organization and returns its id.
func (s service) sessionProfile(t *testing.T, name, scope string) string {
	t.Helper()
	private, err := p256.ParsePrivate(s.box.APIPrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	parent := &turnkey.Client{
		BaseURL: func() string { return s.box.APIBaseURL }, Stamper: stamp.APIKey{Signer: p256.NewKey(private)},
		HTTP: http.DefaultClient, Now: time.Now,
	}
	var out struct {
		SessionProfileID string `json:"sessionProfileId"`
	}
	if _, err := parent.Submit(t.Context(), turnkey.Activity{
		Path: "/public/v1/submit/create_session_profile", Type: "ACTIVITY_TYPE_CREATE_SESSION_PROFILE", OrganizationID: s.box.OrganizationID,
		Parameters: map[string]string{"sessionProfileName": name, "scope": scope}, ResultKey: "createSessionProfileResult",
	}, &out); err != nil {
		t.Fatal(err)
	}
	return out.SessionProfileID
}

// narrowed logs in once more by the session full, with a session profile, and makes that the active session.
func narrowed(t *testing.T, c *Client, full session.Session, profileID, label string) session.Session {
	t.Helper()
	m := c.Sessions()
	key, err := m.NewPendingKey(t.Context(), "login")
	if err != nil {
		t.Fatal(err)
	}
	by, err := m.Signer(t.Context(), full.ID)
	if err != nil {
		t.Fatal(err)
	}
	jwt, err := c.run.api.StampLogin(stampedBy(t.Context(), full, by), full.OrganizationID,
		turnkey.LoginParams{PublicKey: key.PublicKey(), ExpirationSeconds: 900, SessionProfileID: profileID})
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Store(t.Context(), session.StoreRequest{JWT: jwt, PublicKey: key.PublicKey(), Label: label, Contact: full.Contact, Select: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A session with a profile says so, may do what its scope allows and nothing else, and is the same after a refresh.
func TestASessionProfileNarrowsAndOutlivesRefreshes(t *testing.T) {
	service, home := serve(t), profile.At(t.TempDir())
	configured(t, home, `profile = "acme"`+"\n"+service.development("acme"))
	c := opened(t, Options{Home: home})
	m := c.Sessions()
	full := throughInbox(t, c, service, "robin@example.org")
	const scope = "activity.type == 'ACTIVITY_TYPE_STAMP_LOGIN'"
	id := service.sessionProfile(t, "refreshes only", scope)
	s := narrowed(t, c, full, id, "agent")
	check := func(got session.Session) {
		t.Helper()
		if got.Type != "refreshes only" || got.ProfileID != id || got.Scope != scope {
			t.Errorf("%+v", got)
		}
	}
	check(s)
	if full.Type != "SESSION_TYPE_READ_WRITE" || full.ProfileID != "" {
		t.Errorf("the full session: %+v", full)
	}
	refreshed, err := m.RefreshNow(t.Context(), s.ID)
	if err != nil || refreshed.Key.PublicKey == s.Key.PublicKey {
		t.Fatalf("refresh within the scope: %+v, %v", refreshed, err)
	}
	check(refreshed)
	if _, err := c.Whoami(t.Context()); err != nil {
		t.Errorf("a query: %v", err)
	}
	if _, err := c.CreateWallet(t.Context(), "Beyond", []string{"ethereum"}); !errors.Is(err, fault.Denied) {
		t.Errorf("beyond the scope: %v", err)
	}
	// Its own end is beyond its scope, so the user's other session sees to that.
	result, err := m.LogOut(t.Context(), s.ID)
	if err != nil || result.Revoked || !result.Deleted || result.EndsAt.IsZero() {
		t.Errorf("log-out: %+v, %v", result, err)
	}
	c.Wake()
	for range 3 {
		if err := c.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := m.Get(s.ID); err != nil || got.Ended == nil || !got.Ended.Revoked {
		t.Errorf("the other session did not revoke it: %+v, %v", got.Ended, err)
	}
}

// A session that may only read can ask who it is and read on, and can neither change anything nor be refreshed: it lasts
// until its end, and no refusal ends it before.
func TestASessionThatMayOnlyReadLastsUntilItsEnd(t *testing.T) {
	service, home := serve(t), profile.At(t.TempDir())
	configured(t, home, `profile = "acme"`+"\n"+service.development("acme"))
	c := opened(t, Options{Home: home})
	m := c.Sessions()
	full := throughInbox(t, c, service, "robin@example.org")
	s := narrowed(t, c, full, service.sessionProfile(t, "reads only", "activity.type == 'ACTIVITY_TYPE_NONE'"), "reader")
	if _, err := c.Wallets(t.Context()); err != nil {
		t.Errorf("reading: %v", err)
	}
	if _, err := c.CreateWallet(t.Context(), "Beyond", []string{"ethereum"}); !errors.Is(err, fault.Denied) {
		t.Errorf("writing: %v", err)
	}
	if _, err := m.RefreshNow(t.Context(), s.ID); !errors.Is(err, fault.Denied) {
		t.Errorf("refreshing: %v", err)
	}
	if now, ok := m.Active(); !ok || now.ID != s.ID || now.RetryAt.IsZero() {
		t.Errorf("%+v", now)
	}
	if _, err := c.Whoami(t.Context()); err != nil {
		t.Errorf("after the refusals: %v", err)
	}
}

// throughInbox goes the whole way in by a code from the service's inbox.
func throughInbox(t *testing.T, c *Client, s service, contact string) session.Session {
	t.Helper()
	attempt, err := c.Login().OTP.Begin(t.Context(), contact, login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.Login().Continue(t.Context(), attempt.ID, s.code(t, contact))
	if err != nil {
		t.Fatal(err)
	}
	return in
}
