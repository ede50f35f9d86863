package login

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/p256"
	"latchkey/internal/session"
	"latchkey/internal/session/sessiontest"
	"latchkey/internal/token"
)

const ada = "ada@example.com"

func revoke(client sessiontest.Client) session.RevokeFunc {
	return func(ctx context.Context, s session.Session, by keystore.Signer, publicKey string) error {
		_, err := client.Do(ctx, by, sessiontest.Request{Op: sessiontest.OpRevoke, OrganizationID: s.OrganizationID, PublicKey: publicKey})
		return err
	}
}

func TestWhoIsNewSignsUpAndWhoIsNotLogsIn(t *testing.T) {
	d := newDesk(t)
	o := d.open()
	a := d.begin(o, "  "+ada+"\n")
	if a.Contact != ada || a.Length != 6 || a.Alphanumeric || a.TriesLeft != 3 || a.Verified ||
		!a.Expires.Equal(d.now().Add(5*time.Minute)) || !a.ResendAfter.Equal(d.now().Add(30*time.Second)) {
		t.Errorf("attempt %+v", a)
	}
	s, err := o.Continue(t.Context(), a.ID, d.wire.code(ada))
	if err != nil {
		t.Fatal(err)
	}
	if s.Contact != ada || s.Label != ada || s.Method != "otp" || !s.Active || s.Key.PublicKey != a.PublicKey || s.Length != 15*time.Minute {
		t.Errorf("session %+v", s)
	}
	if o.Sessions.State() != session.Authenticated {
		t.Errorf("%s", o.Sessions.State())
	}
	if n := d.wire.count("/signup"); n != 1 {
		t.Errorf("%d sign-ups", n)
	}
	again := d.logIn(o, strings.ToUpper(ada))
	if again.OrganizationID != s.OrganizationID || d.wire.count("/signup") != 1 {
		t.Errorf("%d sign-ups; organizations %s, %s", d.wire.count("/signup"), s.OrganizationID, again.OrganizationID)
	}
	if _, pending, err := o.Pending(t.Context()); pending || err != nil {
		t.Errorf("an attempt is left: %v", err)
	}
	d.accounted(o)
}

func TestWrongCodesAreCountedAndLock(t *testing.T) {
	d := newDesk(t)
	o := d.open()
	a := d.begin(o, ada)
	wrong := "000000"
	if d.wire.code(ada) == wrong {
		wrong = "000001"
	}
	for i, c := range []struct {
		code string
		want fault.Code
		left int
	}{
		{"", fault.OTPWrong, 3}, {"12345", fault.OTPWrong, 3}, {"12345x", fault.OTPWrong, 3}, // not worth a try
		{wrong, fault.OTPWrong, 2}, {wrong, fault.OTPWrong, 1}, {wrong, fault.OTPLocked, 0},
		{d.wire.code(ada), fault.OTPLocked, 0},
	} {
		_, err := o.Continue(t.Context(), a.ID, c.code)
		e, _ := errors.AsType[*fault.Error](err)
		if fault.CodeOf(err) != c.want || c.want == fault.OTPWrong && e.TriesLeft != c.left {
			t.Errorf("%d: %v with %d left, want %s with %d", i, err, e.TriesLeft, c.want, c.left)
		}
		got, ok, err := d.open().Pending(t.Context()) // after a restart too
		if err != nil || !ok || got.TriesLeft != c.left {
			t.Errorf("%d: pending %+v, %v, %v", i, got, ok, err)
		}
	}
	if n := d.wire.count("/otp/verify"); n != 3 {
		t.Errorf("%d guesses were sent", n)
	}
	d.advance(31 * time.Second)
	if _, err := o.Resend(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Continue(t.Context(), a.ID, d.wire.code(ada)); err != nil {
		t.Errorf("with the new code: %v", err)
	}
}

func TestABackendThatDoesNotCountIsCountedFor(t *testing.T) {
	d := newDesk(t)
	o := d.open()
	a := d.begin(o, ada)
	d.wire.before = func(path string) (int, string) {
		if path == "/otp/verify" {
			return 422, `{"reason":"otp.wrong"}`
		}
		return 0, ""
	}
	for _, want := range []int{2, 1, 0} {
		_, err := o.Continue(t.Context(), a.ID, "123456")
		if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.OTPWrong || e.TriesLeft != want {
			t.Errorf("%v, want %d left", err, want)
		}
	}
	if _, err := o.Continue(t.Context(), a.ID, "123456"); fault.CodeOf(err) != fault.OTPLocked {
		t.Errorf("%v", err)
	}
}

func TestACodeEndsByTime(t *testing.T) {
	d := newDesk(t)
	o := d.open()
	a := d.begin(o, ada)
	d.advance(5 * time.Minute)
	if _, err := o.Continue(t.Context(), a.ID, d.wire.code(ada)); fault.CodeOf(err) != fault.OTPExpired {
		t.Errorf("%v", err)
	}
	if n := d.wire.count("/otp/verify"); n != 0 {
		t.Errorf("%d guesses were sent", n)
	}
	if _, ok, err := o.Pending(t.Context()); !ok || err != nil {
		t.Errorf("the attempt is gone, and with it the way to send a new code: %v", err)
	}
	d.advance(time.Hour)
	if _, err := o.Continue(t.Context(), a.ID, "123456"); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("an hour later: %v", err)
	}
	d.accounted(o)
	if k := d.keys.List(); len(k) != 0 {
		t.Errorf("keys left: %v", k)
	}
}

func TestAlphanumericCodesMayBeTypedAnyhow(t *testing.T) {
	d := newDesk(t)
	d.wire.alphanumeric, d.wire.length = true, 9
	o := d.open()
	a := d.begin(o, ada)
	code := d.wire.code(ada)
	typed := " " + strings.ToLower(code[:3]) + "-" + code[3:6] + "\u00a0" + strings.ToLower(code[6:]) + "\n"
	if _, err := o.Continue(t.Context(), a.ID, typed); err != nil {
		t.Errorf("%q for %q: %v", typed, code, err)
	}
}

func TestAnAttemptOutlivesARestart(t *testing.T) {
	d := newDesk(t)
	a := d.begin(d.open(), ada)
	o := d.open()
	got, ok, err := o.Pending(t.Context())
	if err != nil || !ok || got.ID != a.ID || got.PublicKey != a.PublicKey || !got.Expires.Equal(a.Expires) {
		t.Fatalf("%+v, %v, %v", got, ok, err)
	}
	if _, err := o.Continue(t.Context(), got.ID, d.wire.code(ada)); err != nil {
		t.Error(err)
	}
}

func TestResendReplacesIDTargetAndKeyTogether(t *testing.T) {
	d := newDesk(t)
	o := d.open()
	a := d.begin(o, ada)
	old := d.wire.code(ada)
	_, err := o.Resend(t.Context(), a.ID)
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.OTPLimited || e.RetryAfter != 30*time.Second {
		t.Errorf("at once: %v", err)
	}
	if n := d.wire.count("/otp/init"); n != 1 {
		t.Errorf("%d codes were sent", n)
	}
	d.advance(30 * time.Second)
	b, err := o.Resend(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if b.ID != a.ID || b.PublicKey == a.PublicKey || b.TriesLeft != 3 || !b.Expires.After(a.Expires) {
		t.Errorf("%+v", b)
	}
	if k := d.keys.List(); !slices.Equal(k, []string{b.PublicKey}) {
		t.Errorf("keys %v", k)
	}
	if old != d.wire.code(ada) {
		if _, err := o.Continue(t.Context(), a.ID, old); fault.CodeOf(err) != fault.OTPWrong {
			t.Errorf("the old code: %v", err)
		}
	}
	if _, err := o.Continue(t.Context(), a.ID, d.wire.code(ada)); err != nil {
		t.Error(err)
	}
}

func TestAFailedResendLeavesTheAttempt(t *testing.T) {
	d := newDesk(t)
	o := d.open()
	a := d.begin(o, ada)
	d.advance(time.Minute)
	d.wire.before = func(string) (int, string) { return 503, "" }
	if _, err := o.Resend(t.Context(), a.ID); fault.CodeOf(err) != fault.BackendDown {
		t.Errorf("%v", err)
	}
	d.wire.before = nil
	if k := d.keys.List(); !slices.Equal(k, []string{a.PublicKey}) {
		t.Errorf("keys %v", k)
	}
	if _, err := o.Continue(t.Context(), a.ID, d.wire.code(ada)); err != nil {
		t.Errorf("the first code: %v", err)
	}
}

func TestCancelDeletesTheKey(t *testing.T) {
	d := newDesk(t)
	o := d.open()
	a := d.begin(o, ada)
	if err := o.Cancel(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if k := d.keys.List(); len(k) != 0 {
		t.Errorf("keys %v", k)
	}
	if err := o.Cancel(t.Context(), a.ID); err != nil {
		t.Errorf("twice: %v", err)
	}
	for name, f := range map[string]func() error{
		"continue": func() error { _, err := o.Continue(t.Context(), a.ID, "123456"); return err },
		"resend":   func() error { _, err := o.Resend(t.Context(), a.ID); return err },
	} {
		if err := f(); fault.CodeOf(err) != fault.AttemptOver {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACancelledLogInThatWasSentIsRevoked(t *testing.T) {
	d := newDesk(t)
	o := d.open()
	a := d.begin(o, ada)
	d.wire.after = on("/otp-login", -1)
	if _, err := o.Continue(t.Context(), a.ID, d.wire.code(ada)); fault.CodeOf(err) != fault.BackendDown {
		t.Fatalf("%v", err)
	}
	if len(d.vendor.Live()) != 1 {
		t.Fatal("the log-in did not arrive")
	}
	if err := o.Cancel(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if k := d.vendor.Live(); len(k) != 0 {
		t.Errorf("live: %v", k)
	}
	d.accounted(o)
}

// on misbehaves on one path.
func on(path string, status int) func(string) (int, string) {
	return func(p string) (int, string) {
		if p == path {
			return status, "{}"
		}
		return 0, ""
	}
}

func TestALostAnswerNeedsNoSecondCodeAndMakesNoSecondAccount(t *testing.T) {
	for _, path := range []string{"/signup", "/otp-login"} {
		for name, spoil := range map[string]func(*wire){
			"the answer was lost":      func(w *wire) { w.after = on(path, -1) },
			"the answer was an error":  func(w *wire) { w.after = on(path, 502) },
			"the request did not come": func(w *wire) { w.before = on(path, -1) },
			"the answer was empty":     func(w *wire) { w.after = on(path, 200) },
		} {
			t.Run(strings.TrimPrefix(path, "/")+", "+name, func(t *testing.T) {
				d := newDesk(t)
				spoil(d.wire)
				o := d.open()
				a := d.begin(o, ada)
				_, err := o.Continue(t.Context(), a.ID, d.wire.code(ada))
				if code := fault.CodeOf(err); code != fault.BackendDown && code != fault.BackendRefused {
					t.Fatalf("%v", err)
				}
				d.wire.before, d.wire.after = nil, nil
				o = d.open() // and the window was closed in between
				p, ok, err := o.Pending(t.Context())
				if err != nil || !ok || !p.Verified {
					t.Fatalf("%+v, %v, %v", p, ok, err)
				}
				d.advance(10 * time.Minute) // longer than the code lives
				s, err := o.Continue(t.Context(), a.ID, "")
				if err != nil {
					t.Fatal(err)
				}
				if n := len(d.wire.signUps); n != 1 {
					t.Errorf("%d accounts", n)
				}
				if path == "/otp-login" && d.wire.count("/signup") != 1 {
					t.Error("signed up twice")
				}
				if d.wire.count("/otp/verify") != 1 || d.wire.count("/otp/init") != 1 {
					t.Error("a second code was asked for")
				}
				if s.OrganizationID != d.wire.accounts[ada] {
					t.Errorf("organization %s", s.OrganizationID)
				}
				d.accounted(o)
			})
		}
	}
}

func TestAVerificationThatRanOutNeedsANewCode(t *testing.T) {
	d := newDesk(t)
	d.wire.changeProof = func(v *token.Verification) *ecdsa.PrivateKey { v.Expires = d.now().Add(10 * time.Minute); return nil }
	d.wire.after = on("/otp-login", -1)
	o := d.open()
	a := d.begin(o, ada)
	if _, err := o.Continue(t.Context(), a.ID, d.wire.code(ada)); err == nil {
		t.Fatal("no failure")
	}
	d.wire.after = nil
	d.advance(11 * time.Minute)
	if _, err := o.Continue(t.Context(), a.ID, d.wire.code(ada)); fault.CodeOf(err) != fault.OTPExpired {
		t.Fatalf("%v", err)
	}
	if _, err := o.Resend(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Continue(t.Context(), a.ID, d.wire.code(ada)); err != nil {
		t.Error(err)
	}
	d.accounted(o)
}

func TestAnAccountThatIsGoneIsMadeAnew(t *testing.T) {
	d := newDesk(t)
	o := d.open()
	d.logIn(o, ada)
	a := d.begin(o, ada)
	d.wire.before = func(path string) (int, string) {
		if path == "/otp-login" {
			d.wire.mu.Lock()
			defer d.wire.mu.Unlock()
			if d.wire.counts["/signup"] == 1 {
				delete(d.wire.accounts, ada)
			}
		}
		return 0, ""
	}
	s, err := o.Continue(t.Context(), a.ID, d.wire.code(ada))
	if err != nil {
		t.Fatal(err)
	}
	if s.OrganizationID != d.wire.accounts[ada] || d.wire.count("/signup") != 2 {
		t.Errorf("%+v", s)
	}
}

func TestR23_NothingForgedIsBelieved(t *testing.T) {
	other := p256.Generate()
	foreign := p256.NewKey(other).PublicKey()
	for name, c := range map[string]struct {
		spoil func(d *desk)
		want  fault.Code
		where string // the last route that is asked
	}{
		"a target by another key": {func(d *desk) { d.wire.changeTarget = func(string) string { return newWireTarget(t, other) } }, fault.BundleInvalid, "/otp/init"},
		"a target that is none":   {func(d *desk) { d.wire.changeTarget = func(string) string { return "{}" } }, fault.BundleInvalid, "/otp/init"},
		"a proof by another key":  {func(d *desk) { d.wire.changeProof = func(*token.Verification) *ecdsa.PrivateKey { return other } }, fault.TokenInvalid, "/otp/verify"},
		"a proof by the notarizer": {func(d *desk) {
			d.wire.changeProof = func(*token.Verification) *ecdsa.PrivateKey { return d.vendor.Notarizer }
		}, fault.TokenInvalid, "/otp/verify"},
		"a proof for another key":      {proofWith(func(v *token.Verification) { v.PublicKey = foreign }), fault.TokenForeign, "/otp/verify"},
		"a proof of another contact":   {proofWith(func(v *token.Verification) { v.Contact = "eve@example.com" }), fault.TokenForeign, "/otp/verify"},
		"another organization's proof": {proofWith(func(v *token.Verification) { v.OrganizationID = sessiontest.User }), fault.TokenForeign, "/otp/verify"},
		"a proof that is over": {func(d *desk) {
			d.wire.changeProof = func(v *token.Verification) *ecdsa.PrivateKey { v.Expires = d.now(); return nil }
		}, fault.TokenExpired, "/otp/verify"},
		"a proof of the older kind":  {proofWith(func(v *token.Verification) { v.Legacy = true }), fault.TokenInvalid, "/otp/verify"},
		"a session by another key":   {sessionWith(func(_ *desk, s *token.Session) *ecdsa.PrivateKey { return other }), fault.TokenInvalid, "/otp-login"},
		"a session of another key":   {sessionWith(func(_ *desk, s *token.Session) *ecdsa.PrivateKey { s.PublicKey = foreign; return nil }), fault.TokenForeign, "/otp-login"},
		"another customer's session": {sessionWith(func(_ *desk, s *token.Session) *ecdsa.PrivateKey { s.OrganizationID = sessiontest.User; return nil }), fault.TokenForeign, "/otp-login"},
		"the parent's session":       {sessionWith(func(_ *desk, s *token.Session) *ecdsa.PrivateKey { s.OrganizationID = sessiontest.Parent; return nil }), fault.TokenForeign, "/otp-login"},
		"a session that is over":     {sessionWith(func(d *desk, s *token.Session) *ecdsa.PrivateKey { s.Expires = d.now().Add(-time.Minute); return nil }), fault.TokenExpired, "/otp-login"},
		"production pins":            {func(*desk) {}, fault.BundleInvalid, "/otp/init"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			c.spoil(d)
			o := d.open()
			if name == "production pins" {
				o.Pins.TLSFetcher = "046b4f88421f76b6ba418afc2ea1d8ced671337d7db6b80478a60d8531bf8f17fa9a512f0fef96fc0c9b4cd9dff70b34992e520ce04c79d931f6ff6296b547d201"
			}
			a, err := o.OTP.Begin(t.Context(), ada, Options{})
			if err == nil {
				_, err = o.Continue(t.Context(), a.ID, d.wire.code(ada))
			}
			if fault.CodeOf(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			after := map[string]string{"/otp/init": "/otp/verify", "/otp/verify": "/signup", "/otp-login": "none"}[c.where]
			if d.wire.count(c.where) != 1 || d.wire.count(after) != 0 {
				t.Errorf("went on to %s", after)
			}
			if len(o.Sessions.List()) != 0 {
				t.Errorf("stored %+v", o.Sessions.List())
			}
			if a.ID != "" {
				if err := o.Cancel(t.Context(), a.ID); err != nil {
					t.Fatal(err)
				}
			}
			if k := d.keys.List(); len(k) != 0 {
				t.Errorf("keys left: %v", k)
			}
			d.accounted(o)
		})
	}
}

func proofWith(change func(*token.Verification)) func(*desk) {
	return func(d *desk) {
		d.wire.changeProof = func(v *token.Verification) *ecdsa.PrivateKey { change(v); return nil }
	}
}

// sessionWith issues the session token again after a change, by the key that the change returns or the notarizer.
func sessionWith(change func(*desk, *token.Session) *ecdsa.PrivateKey) func(*desk) {
	return func(d *desk) {
		d.wire.changeSession = func(jwt string) string {
			s, err := token.ParseSession(jwt)
			if err != nil {
				d.t.Error(err)
			}
			key := change(d, &s)
			if key == nil {
				key = d.vendor.Notarizer
			}
			jwt, err = token.IssueSession(key, s)
			if err != nil {
				d.t.Error(err)
			}
			return jwt
		}
	}
}

func newWireTarget(t *testing.T, fetcher *ecdsa.PrivateKey) string {
	t.Helper()
	w := newWire(nil, time.Now)
	w.fetcher = fetcher
	reply, err := w.init("x")
	if err != nil {
		t.Fatal(err)
	}
	return reply.(map[string]any)["otpEncryptionTargetBundle"].(string)
}

func TestTwoClicksSpendOneTry(t *testing.T) {
	d := newDesk(t)
	o := d.open()
	a := d.begin(o, ada)
	code := d.wire.code(ada)
	results := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := o.Continue(t.Context(), a.ID, code)
			results <- err
		}()
	}
	first, second := <-results, <-results
	if first != nil {
		first, second = second, first
	}
	if first != nil || fault.CodeOf(second) != fault.AttemptOver {
		t.Errorf("%v, %v", first, second)
	}
	if n := d.wire.count("/otp/verify"); n != 1 {
		t.Errorf("%d guesses", n)
	}
	if n := len(o.Sessions.List()); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

func TestACallerWhoTurnsAwayLosesNothing(t *testing.T) {
	d := newDesk(t)
	o := d.open()
	a := d.begin(o, ada)
	ctx, cancel := context.WithCancel(t.Context())
	d.wire.after = func(path string) (int, string) {
		if path == "/otp/verify" {
			cancel()
		}
		return 0, ""
	}
	if _, err := o.Continue(ctx, a.ID, d.wire.code(ada)); err == nil {
		t.Fatal("went on without its caller")
	}
	d.wire.after = nil
	_, err := o.Continue(t.Context(), a.ID, d.wire.code(ada))
	// The answer came or it did not; if it did not, the code is used up.
	if code := fault.CodeOf(err); err != nil && code != fault.OTPExpired {
		t.Error(err)
	}
	d.accounted(o)
}

func TestBeginFailsWithoutATrace(t *testing.T) {
	for name, c := range map[string]struct {
		spoil   func(d *desk)
		contact string
		want    fault.Code
	}{
		"no address":          {func(*desk) {}, "ada", fault.ContactInvalid},
		"no backend":          {func(d *desk) { d.url = "http://127.0.0.1:1" }, ada, fault.BackendDown},
		"a locked keychain":   {func(d *desk) { d.keys.Lock() }, ada, fault.KeychainLocked},
		"limited":             {func(d *desk) { d.wire.before = always(429, `{"reason":"otp.limited","retryAfterSeconds":40}`) }, ada, fault.OTPLimited},
		"half an answer":      {func(d *desk) { d.wire.before = always(200, `{"otpId":"x"}`) }, ada, fault.BackendRefused},
		"not an answer":       {func(d *desk) { d.wire.before = always(200, `<html>`) }, ada, fault.BackendRefused},
		"somebody else's":     {func(d *desk) { d.wire.before = always(404, `<html>`) }, ada, fault.BackendRefused},
		"a proxy's complaint": {func(d *desk) { d.wire.before = always(502, `<html>`) }, ada, fault.BackendDown},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			o := d.open()
			c.spoil(d)
			_, err := o.OTP.Begin(t.Context(), c.contact, Options{})
			if fault.CodeOf(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			d.keys.Unlock()
			o.Sessions.Wake()
			d.accounted(o)
			if k, names := d.keys.List(), o.Sessions.PublicKeys(); len(k)+len(names) != 0 {
				t.Errorf("keys left: %v, %v", k, names)
			}
			if _, pending, err := o.Pending(t.Context()); pending || err != nil {
				t.Errorf("an attempt is left: %v", err)
			}
		})
	}
}

func always(status int, body string) func(string) (int, string) {
	return func(string) (int, string) { return status, body }
}

func TestR9_NoCodeAndNoTokenStaysInClear(t *testing.T) {
	d := newDesk(t)
	d.wire.alphanumeric, d.wire.length = true, 9
	var secrets []string
	d.wire.changeProof = func(v *token.Verification) *ecdsa.PrivateKey {
		jwt, err := token.IssueVerification(d.wire.fetcher, *v)
		if err != nil {
			t.Error(err)
		}
		secrets = append(secrets, strings.Split(jwt, ".")[1]) // the claims are the same in the one that is sent
		return nil
	}
	d.wire.changeSession = func(jwt string) string { secrets = append(secrets, strings.Split(jwt, ".")[1]); return jwt }
	o := d.open()
	var told []string
	for _, failing := range []string{"", "/otp/verify", "/signup", "/otp-login"} {
		if failing != "" {
			d.wire.after = func(path string) (int, string) {
				if path == failing {
					return http.StatusBadGateway, "{}"
				}
				return 0, ""
			}
		}
		d.advance(time.Minute)
		contact := fmt.Sprintf("ada%d@example.com", len(secrets))
		a := d.begin(o, contact)
		secrets = append(secrets, d.wire.code(contact))
		if _, err := o.Continue(t.Context(), a.ID, d.wire.code(contact)); err != nil {
			told = append(told, err.Error())
		}
	}
	if len(told) != 3 || len(secrets) < 8 {
		t.Fatalf("%d failures, %d secrets", len(told), len(secrets))
	}
	err := filepath.WalkDir(filepath.Join(d.dir, "state"), func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		told = append(told, string(bytes.ToUpper(data)), string(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range told {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("a secret in clear: %.60q…", text)
			}
		}
	}
}

func TestBeginningAnewEndsWhatWasBegunWithTheSameContact(t *testing.T) {
	d := newDesk(t)
	o := d.open()
	first, other := d.begin(o, ada), d.begin(o, "eve@example.com")
	second := d.begin(o, strings.ToUpper(ada))
	if _, err := o.Continue(t.Context(), first.ID, "123456"); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("the first: %v", err)
	}
	if k := d.keys.List(); len(k) != 2 || slices.Contains(k, first.PublicKey) {
		t.Errorf("keys %v", k)
	}
	for _, a := range []Attempt{other, second} {
		if _, err := o.Continue(t.Context(), a.ID, d.wire.code(a.Contact)); err != nil {
			t.Errorf("%s: %v", a.Contact, err)
		}
	}
}
