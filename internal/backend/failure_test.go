package backend

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/turnkey"
)

func TestEveryKindHasAStatusAndANumber(t *testing.T) {
	for _, kind := range append(fault.Kinds, "") {
		if s := statuses[kind]; s < 400 || s > 599 {
			t.Errorf("%q: status %d", kind, s)
		}
		if n := grpc[kind]; n < 1 || n > 16 {
			t.Errorf("%q: number %d", kind, n)
		}
		if kind != fault.Corrupt && kind != "" && statuses[kind] == 500 {
			t.Errorf("%q looks like a fault of the backend's", kind)
		}
	}
}

// Each family of clients looks for its own field: error (the example servers), message and code (the kits), reason.
func TestEveryCodeHasABody(t *testing.T) {
	for _, code := range fault.Codes() {
		status, f := describe(fmt.Errorf("context: %w", fault.New(code, errors.New("QXZ"))), "id")
		if status < 400 || f.Error == "" || f.Error != f.Message || f.Code == 0 || f.Reason != code || f.Kind == "" || f.RequestID != "id" {
			t.Errorf("%s: %d %+v", code, status, f)
		}
		if strings.Contains(f.Error, "QXZ") {
			t.Errorf("%s shows its cause: %q", code, f.Error)
		}
		raw, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(string(raw), "retryAfterSeconds"); has != (code.Kind() == fault.Limited || code == fault.BackendState) {
			t.Errorf("%s: %s", code, raw)
		}
		if has := strings.Contains(string(raw), "triesLeft"); has != (code == fault.OTPWrong || code == fault.OTPLocked) {
			t.Errorf("%s: %s", code, raw)
		}
	}
}

func TestStatuses(t *testing.T) {
	vendor := &turnkey.VendorError{HTTPStatus: 400, GRPC: 3, Message: "no"}
	for name, c := range map[string]struct {
		err    error
		status int
		reason fault.Code
	}{
		"wrong code":                      {fault.New(fault.OTPWrong, nil), 422, fault.OTPWrong},
		"expired code":                    {fault.New(fault.OTPExpired, nil), 422, fault.OTPExpired},
		"locked code":                     {fault.New(fault.OTPLocked, nil), 422, fault.OTPLocked},
		"forged token":                    {fault.New(fault.TokenInvalid, nil), 401, fault.TokenInvalid},
		"expired token":                   {fault.New(fault.TokenExpired, nil), 401, fault.TokenExpired},
		"foreign token":                   {fault.New(fault.TokenForeign, nil), 403, fault.TokenForeign},
		"conflict":                        {&fault.Error{Kind: fault.Conflict, Code: fault.SignUpRefused}, 409, fault.SignUpRefused},
		"no route":                        {&fault.Error{Kind: fault.NotFound, Code: fault.RequestInvalid}, 404, fault.RequestInvalid},
		"nobody's":                        {errors.New("boom"), 500, fault.Internal},
		"a kind without a code":           {fault.Denied, 403, fault.Internal},
		"the backend's key has ended":     {upstream(fault.New(fault.SessionExpired, vendor)), 502, fault.APIRefused},
		"the backend's key is unknown":    {upstream(fault.New(fault.SessionRejected, vendor)), 502, fault.APIRefused},
		"the backend's clock is wrong":    {upstream(fault.New(fault.ClockWrong, vendor)), 502, fault.APIRefused},
		"the backend may not":             {upstream(fault.New(fault.APIRefused, vendor)), 502, fault.APIRefused},
		"the service is away":             {upstream(fault.New(fault.APIDown, nil)), 502, fault.APIDown},
		"the service is late":             {upstream(fault.New(fault.ActivityLate, nil)), 504, fault.ActivityLate},
		"the service limits":              {upstream(fault.New(fault.APILimited, vendor)), 429, fault.APILimited},
		"others must approve":             {upstream(fault.New(fault.ActivityPending, nil)), 409, fault.ActivityPending},
		"the service refuses the log-in":  {refusedAs(fault.LoginRefused, fault.New(fault.RequestInvalid, vendor)), 403, fault.LoginRefused},
		"the service fails at the log-in": {refusedAs(fault.LoginRefused, fault.New(fault.ActivityFailed, vendor)), 403, fault.LoginRefused},
		"we wrote nonsense":               {refusedAs(fault.LoginRefused, fault.New(fault.RequestInvalid, nil)), 400, fault.RequestInvalid},
	} {
		if status, f := describe(c.err, ""); status != c.status || f.Reason != c.reason {
			t.Errorf("%s: %d %s", name, status, f.Reason)
		}
	}
}

func TestLimitedNeverSaysZero(t *testing.T) {
	for after, want := range map[time.Duration]int{0: 1, time.Millisecond: 1, time.Second: 1, 1001 * time.Millisecond: 2} {
		_, f := describe(&fault.Error{Kind: fault.Limited, Code: fault.OTPLimited, RetryAfter: after}, "")
		if f.RetryAfterSeconds != want {
			t.Errorf("%v: %d", after, f.RetryAfterSeconds)
		}
	}
}

func TestScrubbed(t *testing.T) {
	err := fmt.Errorf("send to %q: %w", `a"b@example.com`, &turnkey.VendorError{Message: `no such user a"b@example.com, code 123456`})
	got := scrubbed(err, []string{`a"b@example.com`, "123456", "", "x"})
	for _, p := range []string{"example.com", "123456"} {
		if strings.Contains(got, p) {
			t.Errorf("%q in %q", p, got)
		}
	}
	long := &turnkey.VendorError{Message: strings.Repeat("x", 495) + "12345"} // "123456", cut
	if got := scrubbed(fmt.Errorf("send: %w", long), []string{"123456"}); strings.Contains(got, "12345") {
		t.Errorf("half of a secret in %q", got)
	}
	if !strings.Contains(got, "no such user") {
		t.Errorf("too much gone: %q", got)
	}
}
