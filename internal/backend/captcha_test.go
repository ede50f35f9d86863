package backend_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"latchkey/internal/backend"
)

// With a captcha configured nobody has a message sent or an account made who has not solved it, and what cannot be
// checked counts as not solved.
func TestACaptchaStandsBeforeMessagesAndAccounts(t *testing.T) {
	const verifier, secret, solved = "https://captcha.example/verify", "captcha-secret-canary", "solved-canary"
	w := newWorld(t, func(c *backend.Config) {
		c.CaptchaSiteKey, c.CaptchaSecret, c.CaptchaVerifyURL = "site-key", backend.SecretOf(secret), verifier
	})
	answer, asked := atomic.Pointer[string]{}, atomic.Int32{}
	answer.Store(new(string)) // by the token
	w.network.setFault(func(path string, body []byte, send func() *http.Response) (*http.Response, error) {
		if path != "/verify" {
			return send(), nil
		}
		asked.Add(1)
		form, err := url.ParseQuery(string(body))
		if err != nil || form.Get("secret") != secret || form.Get("remoteip") == "" {
			t.Errorf("the verifier was asked %q", body)
		}
		text, status, header := *answer.Load(), http.StatusOK, http.Header{}
		switch {
		case text == "away":
			return nil, errors.New("connection refused, of " + form.Get("response"))
		case text == "elsewhere":
			text, status = `{"success":true}`, http.StatusFound
			header.Set("Location", "https://captcha.example/verify?again")
		case strings.HasPrefix(text, "500 "):
			text, status = text[4:], http.StatusInternalServerError
		case text == "broken":
			text, status = "<html>", http.StatusBadGateway
		case text == "" && form.Get("response") == solved:
			text = `{"success":true}`
		case text == "":
			text = `{"success":false,"error-codes":["timeout-or-duplicate"]}`
		}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(text)), Request: &http.Request{}}, nil
	})
	id := w.facts.OrganizationID
	if r := w.post("/v1/wallet_kit_client_params", "{}", backend.ConfigHeader, id); r.raw != `{"turnstileSiteKey":"site-key"}`+"\n" {
		t.Errorf("announced: %s", r.raw)
	}
	guarded := map[string]string{
		"/v1/otp_init": `{"otpType":"OTP_TYPE_EMAIL","contact":"a@example.org"}`, "/v1/otp_init_v2": `{"otpType":"OTP_TYPE_EMAIL","contact":"b@example.org"}`,
		"/v1/signup":    `{"userEmail":"c@example.org","apiKeys":[],"authenticators":[],"oauthProviders":[]}`,
		"/v1/signup_v2": `{"userEmail":"d@example.org","apiKeys":[],"authenticators":[],"oauthProviders":[]}`,
	}
	for path, body := range guarded {
		for name, c := range map[string]struct {
			token, answer string
			status        int
		}{
			"none": {"", "", 400}, "wrong": {"wrong", "", 403}, "huge": {strings.Repeat("x", 5000), "", 400},
			"verifier away": {solved, "away", 502}, "verifier broken": {solved, "broken", 502}, "our secret refused": {solved, `{"success":false,"error-codes":["invalid-input-secret"]}`, 502},
			"our secret missing": {solved, `{"success":true,"error-codes":["missing-input-secret"]}`, 502}, "the verifier at a loss": {solved, `{"success":false,"error-codes":["internal-error"]}`, 502},
			"a yes with 500": {solved, `500 {"success":true}`, 502}, "led elsewhere": {solved, "elsewhere", 502},
			"true as text": {solved, `{"success":"true"}`, 502},
		} {
			answer.Store(&c.answer)
			before := asked.Load()
			sent := w.network.count("/init_otp") + w.network.count("/create_sub_organization")
			r := w.post(path, body, backend.ConfigHeader, id, backend.CaptchaHeader, c.token)
			if r.status != c.status || strings.Contains(r.raw, secret) || strings.Contains(r.raw, "connection refused") {
				t.Errorf("%s, %s: %d %s", path, name, r.status, r.raw)
			}
			if n := asked.Load() - before; n > 1 {
				t.Errorf("%s, %s: the verifier was asked %d times", path, name, n)
			}
			if n := w.network.count("/init_otp") + w.network.count("/create_sub_organization"); n != sent {
				t.Errorf("%s, %s: %d requests reached the service", path, name, n-sent)
			}
		}
		none := ""
		answer.Store(&none)
		if r := w.post(path, body, backend.ConfigHeader, id, backend.CaptchaHeader, solved); r.status != http.StatusOK {
			t.Errorf("%s, solved: %d %s", path, r.status, r.raw)
		}
	}
	if log := w.log.String(); strings.Contains(log, secret) || strings.Contains(log, solved) {
		t.Error("a secret is in the log")
	}
}

func TestHalfACaptchaIsASettingsFault(t *testing.T) {
	f := facts(t)
	for setting, change := range map[string]func(*backend.Config){
		"LATCHKEY_CAPTCHA_SECRET":     func(c *backend.Config) { c.CaptchaSiteKey = "x" },
		"LATCHKEY_CAPTCHA_SITE_KEY":   func(c *backend.Config) { c.CaptchaSecret = backend.SecretOf("x") },
		"LATCHKEY_CAPTCHA_VERIFY_URL": func(c *backend.Config) { c.CaptchaVerifyURL = "http://captcha.example/verify" },
	} {
		c := configFor(f)
		change(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), setting+": ") {
			t.Errorf("%s: %v", setting, err)
		}
	}
}
