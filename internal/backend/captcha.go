package backend

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/internal/fault"
)

// This file asks whether a person stands behind a request of the auth proxy. The other families' clients know no
// captchas. Turnstile, hCaptcha and reCAPTCHA verify by the same form. Source: developers.cloudflare.com/turnstile,
// server-side validation.

const (
	captchaVerifyURL = "https://challenges.cloudflare.com/turnstile/v0/siteverify"
	captchaLimit     = 5 * time.Second
	captchaMost      = 4 << 10 // bytes of a token, and of an answer
)

// personal marks a route that sends a message or makes an account: with a captcha configured, a person must ask for it.
func personal(e endpoint) endpoint {
	e.personal = true
	return e
}

// person refuses a request whose captcha was not solved; without a captcha configured, none. A verifier that cannot be
// asked refuses too. Errors: fault.BackendRefused; fault.BackendDown when the verifier cannot be asked.
func (b *Backend) person(ctx context.Context, c *call) error {
	secret := b.c.CaptchaSecret.reveal()
	if secret == "" {
		return nil
	}
	token := c.Header.Get(CaptchaHeader)
	c.hide(token)
	if token == "" || len(token) > captchaMost {
		return fault.New(fault.BackendRefused, shown{CaptchaHeader + ": missing: solve the captcha first", http.StatusBadRequest})
	}
	solved, err := b.solved(ctx, url.Values{"secret": {secret}, "response": {token}, "remoteip": {c.from.String()}})
	switch {
	case err != nil:
		return fault.New(fault.BackendDown, errors.Join(show("the captcha cannot be checked now: try again"), err))
	case !solved:
		return fault.New(fault.BackendRefused, shown{CaptchaHeader + ": not solved, or used before: solve the captcha again", http.StatusForbidden})
	}
	return nil
}

// solved asks the verifier.
func (b *Backend) solved(ctx context.Context, form url.Values) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, captchaLimit)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, cmp.Or(b.c.CaptchaVerifyURL, captchaVerifyURL), strings.NewReader(form.Encode()))
	if err != nil {
		return false, err
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	h := http.Client{Transport: b.c.HTTP.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	reply, err := h.Do(q)
	if err != nil {
		return false, err
	}
	defer reply.Body.Close() //nolint:errcheck // nothing is kept in it
	text, err := io.ReadAll(io.LimitReader(reply.Body, captchaMost))
	if err != nil {
		return false, err
	}
	var said struct {
		Success bool     `json:"success"`
		Codes   []string `json:"error-codes"`
	}
	if reply.StatusCode != http.StatusOK || json.Unmarshal(text, &said) != nil {
		return false, fmt.Errorf("the verifier answered %d", reply.StatusCode)
	}
	for _, code := range said.Codes {
		if code == "missing-input-secret" || code == "invalid-input-secret" || code == "internal-error" {
			return false, fmt.Errorf("the verifier said %s", code)
		}
	}
	return said.Success, nil
}

// checkCaptcha reports what is wrong with the settings of a captcha.
func (c Config) checkCaptcha() error {
	secret := c.CaptchaSecret.reveal()
	switch {
	case c.CaptchaSiteKey != "" && secret == "":
		return wrong("LATCHKEY_CAPTCHA_SECRET", "missing, and LATCHKEY_CAPTCHA_SITE_KEY is set")
	case secret != "" && c.CaptchaSiteKey == "":
		return wrong("LATCHKEY_CAPTCHA_SITE_KEY", "missing, and LATCHKEY_CAPTCHA_SECRET is set")
	case len(c.CaptchaSiteKey) > 256:
		return wrong("LATCHKEY_CAPTCHA_SITE_KEY", "want at most 256 characters")
	}
	if u, err := url.Parse(c.CaptchaVerifyURL); c.CaptchaVerifyURL != "" && (err != nil || u.Host == "" || u.User != nil ||
		u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost")) {
		return wrong("LATCHKEY_CAPTCHA_VERIFY_URL", "want an address with https, or with http on this machine")
	}
	return nil
}
