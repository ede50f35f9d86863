package login_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/internal/bundle"
	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/p256"
	"latchkey/internal/session"
)

// mailed waits for the newest message with a key to an address, which comes after the answer, and returns its sealed key.
func (p *place) mailed(to, not string) string {
	p.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		rec := httptest.NewRecorder()
		p.box.Control().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://127.0.0.1:1/inbox?to="+url.QueryEscape(to), nil))
		var box struct {
			Messages []struct{ Kind, Bundle string } `json:"messages"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &box); err != nil {
			p.t.Fatal(err)
		}
		if len(box.Messages) > 0 && box.Messages[0].Kind == "email_auth" && box.Messages[0].Bundle != not {
			return box.Messages[0].Bundle
		}
	}
	p.t.Fatal("no message with a key came")
	return ""
}

// joined signs an address up by a code, and logs out again.
func (p *place) joined() session.Session {
	p.t.Helper()
	s := p.logIn()
	if _, err := p.otp.Sessions.LogOut(p.t.Context(), s.ID); err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *place) targets() []string {
	p.t.Helper()
	list, err := p.keys.ListTargets(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

func TestAKeyByEMailBecomesASessionOfAKeyMadeHere(t *testing.T) {
	p := newPlace(t)
	known := p.joined()
	a, err := p.otp.Mail.Begin(t.Context(), robin, login.Options{Label: "by mail"})
	if err != nil {
		t.Fatal(err)
	}
	sealed := p.mailed(robin, "")
	next := login.New(p.otp.Desk) // after a restart
	if got, pending, err := next.Pending(t.Context()); err != nil || !pending || got.ID != a.ID || got.Contact != robin {
		t.Fatalf("after a restart: %+v, %v", got, err)
	}
	// What is no key, or not whole, is said so, and costs nothing.
	for name, wrong := range map[string]string{
		"nothing": "", "a word": "hello", "half": sealed[:len(sealed)/2], "a link without one": "https://example.org/",
		"one letter": strings.Replace(sealed, sealed[20:21], map[bool]string{true: "z", false: "y"}[sealed[20] != 'z'], 1),
	} {
		if _, err := next.Continue(t.Context(), a.ID, wrong); fault.CodeOf(err) != fault.MailWrong {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := next.Continue(t.Context(), a.ID, "https://app.example.org/login?bundle="+sealed)
	if err != nil {
		t.Fatal(err)
	}
	if s.OrganizationID != known.OrganizationID || s.UserID != known.UserID || s.Key.PublicKey != a.PublicKey || s.Label != "by mail" || s.Method != "mail" {
		t.Errorf("%+v", s)
	}
	keys, err := p.api.GetAPIKeys(t.Context(), s.OrganizationID, s.UserID)
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) != 1 || keys[0].Credential.PublicKey != s.Key.PublicKey {
		t.Errorf("keys at the service: %+v", keys) // the one of the message is revoked
	}
	if left := p.targets(); len(left) != 0 {
		t.Errorf("target keys are left: %v", left)
	}
	if _, err := next.Continue(t.Context(), a.ID, sealed); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("used twice: %v", err)
	}
	p.advance(13 * time.Minute)
	p.step()
	if _, good := p.otp.Sessions.Active(); !good {
		t.Error("it is not refreshed")
	}
}

func TestAKeyByEMailIsSentAgainForAnotherTarget(t *testing.T) {
	p := newPlace(t)
	p.joined()
	a, err := p.otp.Mail.Begin(t.Context(), robin, login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	first := p.mailed(robin, "")
	if _, err := p.otp.Resend(t.Context(), a.ID); fault.CodeOf(err) != fault.OTPLimited {
		t.Errorf("at once: %v", err)
	}
	p.advance(time.Minute)
	if _, err := p.otp.Resend(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	second := p.mailed(robin, first)
	if _, err := p.otp.Continue(t.Context(), a.ID, first); fault.CodeOf(err) != fault.MailWrong {
		t.Errorf("the one before: %v", err)
	}
	if n := len(p.targets()); n != 1 {
		t.Errorf("%d target keys", n)
	}
	// A backend that is away costs neither the attempt nor the message.
	p.advance(time.Minute)
	p.backend.lose = func(string) bool { return true }
	if _, err := p.otp.Resend(t.Context(), a.ID); fault.CodeOf(err) != fault.BackendDown {
		t.Errorf("away: %v", err)
	}
	p.backend.lose = nil
	if _, err := p.otp.Continue(t.Context(), a.ID, second); err != nil {
		t.Errorf("after that: %v", err)
	}
}

// Whoever has no account is told nothing, and a log-in that is given up leaves nothing behind.
func TestAKeyByEMailThatNeverComes(t *testing.T) {
	p := newPlace(t)
	a, err := p.otp.Mail.Begin(t.Context(), "nobody@example.org", login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.otp.Cancel(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	p.backend.lose = func(string) bool { return true }
	if _, err := p.otp.Mail.Begin(t.Context(), robin, login.Options{}); fault.CodeOf(err) != fault.BackendDown {
		t.Errorf("away: %v", err)
	}
	p.backend.lose = nil
	if keys, err := p.keys.List(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("keys are left: %v, %v", keys, err)
	}
	if _, err := p.otp.Mail.Begin(t.Context(), "not an address", login.Options{}); fault.CodeOf(err) != fault.ContactInvalid {
		t.Errorf("%v", err)
	}
	if left := p.targets(); len(left) > 0 {
		p.otp.Mail.Begin(context.Background(), "other@example.org", login.Options{}) //nolint:errcheck // it sweeps
		if now := p.targets(); len(now) != 1 {
			t.Errorf("target keys: %v, then %v", left, now)
		}
	}
}

// Nobody signs a sealed key, so whoever learns the target could seal one of his own account to it.
func TestAKeyOfSomebodyElsesAccountIsNotTaken(t *testing.T) {
	p := newPlace(t)
	p.joined()
	key := p256.Generate()
	body := `{"userEmail":"attacker@example.org","apiKeys":[{"apiKeyName":"x","publicKey":"` + p256.Compressed(&key.PublicKey) + `","curveType":"API_KEY_CURVE_P256"}],"authenticators":[],"oauthProviders":[]}`
	q, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:3000/signup", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	if reply, err := p.backend.RoundTrip(q); err != nil || reply.StatusCode != http.StatusOK {
		t.Fatalf("the attacker's sign-up: %v, %v", reply, err)
	}
	a, err := p.otp.Mail.Begin(t.Context(), robin, login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	target, err := p256.ParsePublic(p.targets()[0])
	if err != nil {
		t.Fatal(err)
	}
	point, err := target.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := bundle.SealCredential(point, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.otp.Continue(t.Context(), a.ID, sealed); fault.CodeOf(err) != fault.MailWrong {
		t.Errorf("%v", err)
	}
	if _, err := p.otp.Continue(t.Context(), a.ID, p.mailed(robin, "")); err != nil {
		t.Errorf("the genuine one after it: %v", err)
	}
}
