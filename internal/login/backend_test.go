package login

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// roundTrip answers in place of a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(q *http.Request) (*http.Response, error) { return f(q) }

// answering returns a Backend that gets this answer to everything.
func answering(status int, body string, header ...string) *Backend {
	return &Backend{URL: func() string { return "http://127.0.0.1:1" }, HTTP: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
	})}}
}

func TestEveryRefusalHasItsCode(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		header []string
		want   fault.Code
		wait   time.Duration
	}{
		{422, `{"reason":"otp.wrong","triesLeft":2}`, nil, fault.OTPWrong, 0},
		{422, `{"reason":"otp.expired"}`, nil, fault.OTPExpired, 0},
		{422, `{"reason":"otp.locked"}`, nil, fault.OTPLocked, 0},
		{429, `{"reason":"otp.limited","retryAfterSeconds":12}`, nil, fault.OTPLimited, 12 * time.Second},
		{429, `{"reason":"otp.limited"}`, []string{"Retry-After", "7"}, fault.OTPLimited, 7 * time.Second},
		{429, `{}`, nil, fault.BackendBusy, 0},
		{429, ``, []string{"Retry-After", "999999999"}, fault.BackendBusy, time.Hour},
		{429, ``, []string{"Retry-After", "-5"}, fault.BackendBusy, 0},
		{429, ``, []string{"Retry-After", "NaN"}, fault.BackendBusy, 0},
		{404, `{"reason":"account.unknown"}`, nil, fault.AccountUnknown, 0},
		{403, `{"reason":"login.refused"}`, nil, fault.LoginRefused, 0},
		{409, `{"reason":"signup.refused"}`, nil, fault.SignUpRefused, 0},
		{400, `{"reason":"login.generation"}`, nil, fault.GenerationMix, 0},
		{400, `{"reason":"contact.invalid"}`, nil, fault.ContactInvalid, 0},
		{503, `{"reason":"api.unreachable"}`, nil, fault.APIDown, 0},
		{400, `{"reason":"something.new","kind":"denied"}`, nil, fault.BackendRefused, 0},
		{500, `{"reason":"internal"}`, nil, fault.BackendDown, 0},
		{500, `panic`, nil, fault.BackendDown, 0},
		{401, `{"reason":"session.rejected"}`, nil, fault.BackendRefused, 0}, // not its business
		{503, `{"reason":"keychain.locked"}`, nil, fault.BackendDown, 0},     // nor this
		{400, `{"reason":"state.corrupt"}`, nil, fault.BackendRefused, 0},
		{307, ``, []string{"Location", "http://127.0.0.1:2/"}, fault.BackendRefused, 0},
		{204, ``, nil, fault.BackendRefused, 0},
		{200, `{"otpId":`, nil, fault.BackendRefused, 0},
		{200, `[]`, nil, fault.BackendRefused, 0},
		{200, strings.Repeat(" ", replyMax+1), nil, fault.BackendRefused, 0},
	} {
		_, err := answering(c.status, c.body, c.header...).initOTP(t.Context(), turnkey.OTPEmail, "ada@example.com")
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || e.Code != c.want || e.Kind != c.want.Kind() || e.RetryAfter != c.wait {
			t.Errorf("%d %.60s: %v, want %s after %s", c.status, c.body, err, c.want, c.wait)
		}
	}
}

func TestABackendsSentenceIsKeptShort(t *testing.T) {
	_, err := answering(400, `{"message":"`+strings.Repeat("é", 5000)+`"}`).initOTP(t.Context(), turnkey.OTPEmail, "ada@example.com")
	if n := len(err.Error()); n > 1000 {
		t.Errorf("%d bytes", n)
	}
}

func TestWhoTurnsAwayIsNotTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := &Backend{URL: func() string { return "http://127.0.0.1:1" }, HTTP: &http.Client{Transport: roundTrip(func(q *http.Request) (*http.Response, error) {
		cancel()
		return nil, q.Context().Err()
	})}}
	if _, err := b.initOTP(ctx, turnkey.OTPEmail, "ada@example.com"); fault.CodeOf(err) != fault.Cancel {
		t.Errorf("%v", err)
	}
}

func TestTheEmbeddedBackendHearsItsTokenAndKeyOnce(t *testing.T) {
	var got http.Header
	b := answering(200, `{"subOrganizationId":"x"}`)
	inner := b.HTTP.Transport
	b.HTTP.Transport = roundTrip(func(q *http.Request) (*http.Response, error) {
		got = q.Header
		return inner.RoundTrip(q)
	})
	b.Token = func() string { return "hush" }
	if _, err := b.signUp(t.Context(), "key", token.SignupUsage{Email: "ada@example.com"}, "jwt", token.ClientSignature{}); err != nil {
		t.Fatal(err)
	}
	if got.Get("X-Latchkey-Token") != "hush" || got.Get("Idempotency-Key") != "key" || got.Get("Content-Type") != "application/json" {
		t.Errorf("%v", got)
	}
}

func TestTheBackendsClockIsHeard(t *testing.T) {
	b := answering(200, `{}`, "Date", time.Now().Add(90*time.Minute).UTC().Format(http.TimeFormat))
	if b.Skew() != 0 {
		t.Errorf("before anything was heard: %s", b.Skew())
	}
	_, _ = b.initOTP(t.Context(), turnkey.OTPEmail, "ada@example.com")
	if s := b.Skew(); s < 89*time.Minute || s > 91*time.Minute {
		t.Errorf("skew %s", s)
	}
}
