package login_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/login"
	"latchkey/internal/session"
)

// A key whose time is over ended no session: there was none.
func TestAnExpiredKeyByEMailIsToldAsThat(t *testing.T) {
	p := newPlace(t)
	p.joined()
	a, err := p.otp.Mail.Begin(t.Context(), robin, login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sealed := p.mailed(robin, "")
	p.advance(16 * time.Minute)
	if _, err := p.otp.Continue(t.Context(), a.ID, sealed); fault.CodeOf(err) != fault.MailExpired {
		t.Errorf("%v", err)
	}
	if _, err := p.otp.Resend(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := p.otp.Continue(t.Context(), a.ID, p.mailed(robin, sealed)); err != nil {
		t.Errorf("another message: %v", err)
	}
}

// onFile are the public keys that the service has on file of the active session's user.
func (p *place) onFile(s session.Session) []string {
	p.t.Helper()
	keys, err := p.api.GetAPIKeys(p.t.Context(), s.OrganizationID, s.UserID)
	if err != nil {
		p.t.Fatal(err)
	}
	list := make([]string, len(keys))
	for i, k := range keys {
		list[i] = k.Credential.PublicKey
	}
	return list
}

func TestR1_ALogInByMailWhoseAnswerIsLostAndThatIsGivenUpLeavesNoKeyThere(t *testing.T) {
	p := newPlace(t)
	p.joined()
	a, err := p.otp.Mail.Begin(t.Context(), robin, login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.service.lose = func(path string) bool { return strings.HasSuffix(path, "/stamp_login") }
	if _, err := p.otp.Continue(t.Context(), a.ID, p.mailed(robin, "")); fault.CodeOf(err) != fault.APIDown {
		t.Fatalf("%v", err)
	}
	p.service.lose = nil
	s := p.logIn() // another way, to look
	if !slices.Contains(p.onFile(s), a.PublicKey) {
		t.Fatal("the log-in was not heard, so nothing is tested")
	}
	if err := p.otp.Cancel(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	p.step()
	p.advance(time.Minute) // a log-in whose answer is lost may still be on its way
	p.step()
	if slices.Contains(p.onFile(s), a.PublicKey) {
		t.Error("the key of a log-in that was given up stays at the service")
	}
}

func TestASessionByMailHasTheLengthThatWasAskedFor(t *testing.T) {
	p := newPlace(t)
	p.joined()
	a, err := p.otp.Mail.Begin(t.Context(), robin, login.Options{Length: 3 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.otp.Continue(t.Context(), a.ID, p.mailed(robin, ""))
	if err != nil {
		t.Fatal(err)
	}
	if life := s.Expires.Sub(p.now()); s.Length != 3*time.Hour || life < 179*time.Minute || life > 181*time.Minute {
		t.Errorf("it lasts %s, and refreshes ask for %s", life, s.Length)
	}
}

func TestAKeyOfAMessageThatCannotBeRevokedAtOnceIsRevokedLater(t *testing.T) {
	p := newPlace(t)
	p.joined()
	a, err := p.otp.Mail.Begin(t.Context(), robin, login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.service.lose = func(path string) bool { return strings.HasSuffix(path, "/get_api_keys") }
	s, err := p.otp.Continue(t.Context(), a.ID, p.mailed(robin, ""))
	if err != nil {
		t.Fatal(err)
	}
	p.service.lose = nil
	if n := len(p.onFile(s)); n != 2 {
		t.Fatalf("%d keys, so nothing is tested", n)
	}
	p.step()
	if list := p.onFile(s); len(list) != 1 || list[0] != s.Key.PublicKey {
		t.Errorf("keys at the service: %v", list)
	}
}

// keyless is a key store that keeps no target keys.
type keyless struct{ keystore.Store }

func TestAMessageThatCannotBeAskedForLeavesNoKey(t *testing.T) {
	p := newPlace(t)
	p.otp.Keys = keyless{p.keys}
	if _, err := p.otp.Mail.Begin(t.Context(), robin, login.Options{}); fault.CodeOf(err) != fault.KeyMissing {
		t.Errorf("%v", err)
	}
	if keys, err := p.keys.List(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("keys are left: %v, %v", keys, err)
	}
	if held := p.otp.Sessions.Held(); len(held) != 0 {
		t.Errorf("held: %+v", held)
	}
}
