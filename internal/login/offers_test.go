package login_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/stamp"
)

// says has the backend answer /config with status and body, and passes the rest on.
func (p *place) says(status int, body string) {
	next := p.backend.Handler
	p.backend.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/config" {
			next.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func TestTheDeviceHearsWhatTheBackendOffers(t *testing.T) {
	p := newPlace(t)
	o, err := p.otp.Offers(t.Context())
	if err != nil || !o.Said || !o.Allows(login.ByPasskey) || !o.Allows(login.Google) || o.Allows("telepathy") ||
		o.OTPLength != 6 || o.OTPAlphanumeric || o.ResendAfter != 30*time.Second || o.SessionLength != 15*time.Minute {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestABackendThatSaysNothingOffersEverything(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		down   bool
	}{
		"no such route":    {404, `{"reason":"request.invalid"}`, false},
		"a page":           {200, "<!doctype html>", false},
		"other JSON":       {200, `{"otpLength":8}`, false},
		"wants a token":    {401, "", false},
		"odd figures":      {200, `{"methods":["email"],"otpLength":400,"otpResendAfterSeconds":86400,"sessionExpirationSeconds":-5}`, false},
		"another's method": {405, "", false},
		"out of order":     {503, "", true},
	} {
		p := newPlace(t)
		p.says(c.status, c.body)
		o, err := p.otp.Offers(t.Context())
		if c.down {
			if fault.CodeOf(err) != fault.BackendDown {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || !o.Allows(login.ByEmail) || o.OTPLength != 6 || o.OTPAlphanumeric || o.ResendAfter != 30*time.Second || o.SessionLength != 0 {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
		if s := p.logIn(); s.ID == "" {
			t.Errorf("%s: no log-in", name)
		}
	}
}

func TestTheDeviceTakesTheFormOfCodesFromTheBackendsOffer(t *testing.T) {
	p := newPlace(t)
	p.says(200, `{"methods":["email"],"otpLength":9,"otpAlphanumeric":true,"otpResendAfterSeconds":90}`)
	next := p.backend.Handler
	p.backend.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // an older one, whose answer does not say it
		if r.URL.Path != "/otp/init" {
			next.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		var reply map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &reply); err != nil {
			t.Error(err)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"otpId": reply["otpId"], "otpEncryptionTargetBundle": reply["otpEncryptionTargetBundle"]})
	})
	a, err := p.otp.OTP.Begin(t.Context(), robin, login.Options{})
	if err != nil || a.Length != 9 || !a.Alphanumeric || a.ResendAfter.Sub(p.now()) != 90*time.Second {
		t.Fatalf("%+v, %v", a, err)
	}
	p.advance(89 * time.Second)
	if _, err := p.otp.Resend(t.Context(), a.ID); fault.CodeOf(err) != fault.OTPLimited {
		t.Errorf("resent too early: %v", err)
	}
	p.advance(2 * time.Second)
	if again, err := p.otp.Resend(t.Context(), a.ID); err != nil || again.Length != 9 {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestAWayThatIsNotOfferedIsRefusedBeforeAnythingIsSent(t *testing.T) {
	p, _, _ := withProviders(t, nil)
	p.says(200, `{"methods":[]}`)
	next, asked := p.backend.Handler, 0
	p.backend.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/config" {
			asked++
		}
		next.ServeHTTP(w, r)
	})
	key, err := stamp.ParseSecp256k1(stamp.SchemeEIP191, "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
	if err != nil {
		t.Fatal(err)
	}
	for name, begin := range map[string]func() (login.Attempt, error){
		"email": func() (login.Attempt, error) { return p.otp.OTP.Begin(t.Context(), robin, login.Options{}) },
		"sms": func() (login.Attempt, error) {
			return p.otp.OTP.BeginPhone(t.Context(), "+14155550100", login.Options{})
		},
		"email-link":  func() (login.Attempt, error) { return p.otp.Mail.Begin(t.Context(), robin, login.Options{}) },
		"passkey":     func() (login.Attempt, error) { return p.otp.Passkey.Begin(t.Context(), "", login.Options{}) },
		"wallet":      func() (login.Attempt, error) { return p.otp.Wallet.Begin(t.Context(), key, "0x", login.Options{}) },
		"wallet-page": func() (login.Attempt, error) { return p.otp.WalletPage.Begin(t.Context(), login.Options{}) },
		"google":      func() (login.Attempt, error) { return p.otp.OAuth.Begin(t.Context(), login.Google, login.Options{}) },
		"oidc":        func() (login.Attempt, error) { return p.otp.OAuth.Begin(t.Context(), login.OIDC, login.Options{}) },
	} {
		if _, err := begin(); fault.CodeOf(err) != fault.WayClosed {
			t.Errorf("%s: %v", name, err)
		}
	}
	if keys, err := p.keys.List(t.Context()); asked != 0 || err != nil || len(keys) != 0 {
		t.Errorf("%d requests, keys %v, %v", asked, keys, err)
	}
}

// Of one that begins with a plus, only a number is one.
func TestAnAddressThatBeginsWithAPlusIsAnAddress(t *testing.T) {
	p := newPlace(t)
	const plus = "+x@example.com"
	a, err := p.otp.OTP.Begin(t.Context(), plus, login.Options{})
	if err != nil || a.ByPhone {
		t.Fatalf("%+v, %v", a, err)
	}
	s, err := p.otp.Continue(t.Context(), a.ID, p.code(plus))
	if err != nil {
		t.Fatal(err)
	}
	me, err := p.api.Whoami(t.Context(), s.OrganizationID)
	if err != nil {
		t.Fatal(err)
	}
	users, err := p.api.ListUsers(t.Context(), me.OrganizationID)
	if err != nil || len(users) != 1 || users[0].UserEmail != plus || users[0].UserPhoneNumber != "" {
		t.Errorf("%+v, %v", users, err)
	}
}

// Straight at Turnkey, the backend signs up and gives no session.
func TestALogInByACodeGoesStraightToTurnkey(t *testing.T) {
	p := newPlace(t)
	for _, what := range []string{"sign-up", "log-in again"} {
		loggedIn := false
		p.backend.lose = func(path string) bool { loggedIn = loggedIn || path == "/otp-login"; return false }
		var stamped string
		api := p.service.Handler
		p.service.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/public/v1/submit/stamp_login" {
				stamped = r.Header.Get(stamp.HeaderAttested)
			}
			api.ServeHTTP(w, r)
		})
		a, err := p.otp.OTP.Begin(t.Context(), robin, login.Options{Straight: true})
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.otp.Continue(t.Context(), a.ID, p.code(robin))
		if err != nil || loggedIn || s.OrganizationID == "" {
			t.Fatalf("%s: %+v, %v, asked the backend: %v", what, s, err, loggedIn)
		}
		if by, err := stamp.ParseAttested(stamped); err != nil || by.Scheme != stamp.SchemeVerificationToken || by.PublicKey != a.PublicKey {
			t.Errorf("%s: %+v, %v", what, by, err)
		}
		if _, err := p.api.Whoami(t.Context(), s.OrganizationID); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		p.service.Handler = api
		p.advance(time.Minute)
	}
}
