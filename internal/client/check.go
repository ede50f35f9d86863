package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/profile"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

// What is tried about a profile, in this order.
const (
	CheckAPI          = "API"
	CheckOrganization = "organization"
	CheckBackend      = "backend"
	CheckPins         = "pinned keys"
	CheckClock        = "clock"
)

// Checks are all that is tried.
var Checks = []string{CheckAPI, CheckOrganization, CheckBackend, CheckPins, CheckClock}

// Check is one thing that was tried about a profile.
type Check struct {
	What    string
	Says    string // what was found, in a sentence; with Err, what failed
	Skipped bool   // it could not be tried, or there is nothing to try
	Err     error
}

// Trial tries a profile before anything of it is saved. It stores nothing, stamps with no key of the person's and asks
// for no code.
type Trial struct {
	Profile   profile.Profile
	Transport http.RoundTripper // nil: http.DefaultTransport
	Now       func() time.Time  // nil: time.Now

	heard *time.Duration // the service's time minus ours, once somebody said it
}

const (
	// trialPatience is for one answer.
	trialPatience = 10 * time.Second
	// clockMost is from where a clock is called wrong. Up to it requests are stamped with the service's time, and
	// nobody is told.
	clockMost = time.Minute
)

// Run tries one thing after the other and tells each as it is known. It returns them all.
func (t *Trial) Run(ctx context.Context, tell func(Check)) []Check {
	var all []Check
	done := func(c Check) {
		all = append(all, c)
		if tell != nil {
			tell(c)
		}
	}
	if t.Profile.Kind == profile.KindSandbox {
		for _, what := range Checks {
			done(Check{What: what, Skipped: true, Says: "The sandbox is in this program, and starts with it."})
		}
		return all
	}
	api := t.api(ctx)
	done(api)
	done(t.organization(ctx, api))
	done(t.backend(ctx))
	done(t.pins())
	done(t.clock())
	return all
}

// Failed returns why the first check that failed did, or nil.
func Failed(checks []Check) error {
	for _, c := range checks {
		if c.Err != nil {
			return fmt.Errorf("%s: %w", c.What, c.Err)
		}
	}
	return nil
}

// refused makes a check of a failure: what it says is what was seen, without the operation's wrapping.
func refused(what string, code fault.Code, format string, args ...any) Check {
	err := fmt.Errorf(format, args...)
	return Check{What: what, Says: sentence(err.Error()), Err: fault.New(code, err)}
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "."
}

// whoamiPath is a query that Turnkey refuses to whoever does not stamp it, in words of its own.
const whoamiPath = "/public/v1/query/whoami"

// nobody is an organization that no service has.
const nobody = "00000000-0000-0000-0000-000000000000"

// api asks a question without a stamp. Only Turnkey's API, and what imitates it, answers that one is missing.
func (t *Trial) api(ctx context.Context) Check {
	if err := t.Profile.CheckAPIURL(); err != nil {
		return refused(CheckAPI, fault.ProfileBad, "%w", bare(err))
	}
	body := fmt.Sprintf(`{"organizationId":%q}`, cmp.Or(t.Profile.OrganizationID, nobody))
	status, answer, err := t.post(ctx, t.Profile.APIURL+whoamiPath, body, nil)
	if err != nil {
		return refused(CheckAPI, fault.APIDown, "no answer: %w", err)
	}
	var said turnkey.VendorError
	if json.Unmarshal(answer, &said) != nil || status != http.StatusUnauthorized || said.GRPC != 16 ||
		said.TurnkeyCode != "SIGNATURE_MISSING" && !strings.Contains(said.Message, "stamp") && !strings.Contains(said.Message, "signature") {
		return refused(CheckAPI, fault.APIForeign, "it answered %d, and not as Turnkey does", status)
	}
	return Check{What: CheckAPI, Says: "Turnkey's API answers."}
}

// organization asks the same, stamped by a key that is made for this and thrown away: the API names what it does not
// know, first of all the organization.
func (t *Trial) organization(ctx context.Context, api Check) Check {
	id := t.Profile.OrganizationID
	switch {
	case id == "":
		return Check{What: CheckOrganization, Skipped: true, Says: "None is named: log-ins of any organization of the backend count."}
	case api.Err != nil:
		return Check{What: CheckOrganization, Skipped: true, Says: "It has the form of an id. The API could not be asked about it."}
	}
	body := fmt.Sprintf(`{"organizationId":%q}`, id)
	by, err := stamp.APIKey{Signer: p256.NewKey(p256.Generate())}.Stamp(ctx, []byte(body))
	if err != nil {
		return Check{What: CheckOrganization, Says: sentence(err.Error()), Err: err}
	}
	status, answer, err := t.post(ctx, t.Profile.APIURL+whoamiPath, body, by)
	if err != nil {
		return refused(CheckOrganization, fault.APIDown, "no answer: %w", err)
	}
	var said turnkey.VendorError
	_ = json.Unmarshal(answer, &said) // what cannot be read says nothing
	switch {
	case said.TurnkeyCode == "ORGANIZATION_NOT_FOUND", said.TurnkeyCode == "INVALID_ORGANIZATION_ID", strings.Contains(said.Message, "no organization found"):
		return refused(CheckOrganization, fault.OrganizationUnknown, "the API does not know it")
	case said.TurnkeyCode == "PUBLIC_KEY_NOT_FOUND", strings.Contains(said.Message, "could not find public key"):
		return Check{What: CheckOrganization, Says: "The API knows it."}
	}
	return refused(CheckOrganization, fault.APIForeign, "it answered %d, and neither that it knows it nor that it does not", status)
}

// backend asks for a code for nobody. A log-in backend refuses that for want of a contact, before it does anything.
func (t *Trial) backend(ctx context.Context) Check {
	if err := t.Profile.CheckBackendURL(); err != nil {
		return refused(CheckBackend, fault.ProfileBad, "%w", bare(err))
	}
	status, answer, err := t.post(ctx, t.Profile.BackendURL+"/otp/init", `{"otpType":"OTP_TYPE_EMAIL","contact":"","encrypted":true}`, nil)
	switch {
	case err != nil:
		return refused(CheckBackend, fault.BackendDown, "no answer: %w", err)
	case status == http.StatusTooManyRequests:
		return Check{What: CheckBackend, Says: "A log-in backend answers, and asks to wait."}
	case status >= http.StatusInternalServerError:
		return refused(CheckBackend, fault.BackendDown, "it answered %d", status)
	case (status == http.StatusBadRequest || status == http.StatusUnprocessableEntity) && json.Valid(answer):
		return Check{What: CheckBackend, Says: "A log-in backend answers."}
	case status == http.StatusForbidden && json.Valid(answer):
		return refused(CheckBackend, fault.BackendRefused, "it does not serve this program by this address")
	}
	return refused(CheckBackend, fault.BackendForeign, "it answered %d to a request for a code", status)
}

// pins says what can be said before anything signed was seen: each is a key, and Turnkey's own API goes with the keys of
// production and nothing else does. Whether another API signs with them shows at the first log-in, before a code is
// typed: neither an API nor a backend tells its keys.
func (t *Trial) pins() Check {
	if err := t.Profile.CheckPins(); err != nil {
		return refused(CheckPins, fault.ProfileBad, "%w", bare(err))
	}
	u, err := url.Parse(t.Profile.APIURL)
	vendor := err == nil && (u.Hostname() == "turnkey.com" || strings.HasSuffix(u.Hostname(), ".turnkey.com"))
	production := t.Profile.Pins == profile.ProductionPins()
	switch {
	case vendor && !production:
		return refused(CheckPins, fault.PinsForeign, "turnkey's own API signs with the keys of production, and the profile trusts others")
	case !vendor && production && t.Profile.Kind == profile.KindDevelopment:
		return refused(CheckPins, fault.PinsForeign, "the profile trusts the keys of production, with which no other API can sign")
	case production:
		return Check{What: CheckPins, Says: "Turnkey's production keys."}
	}
	return Check{What: CheckPins, Says: "Five keys, well formed. The first log-in shows whether the API signs with them."}
}

// clock compares ours with what the answers said.
func (t *Trial) clock() Check {
	if t.heard == nil {
		return Check{What: CheckClock, Skipped: true, Says: "Nobody answered who could tell the time."}
	}
	by := t.heard.Abs().Round(time.Second)
	way := "slow"
	if *t.heard < 0 {
		way = "fast"
	}
	switch {
	case by < 2*time.Second: // a date has whole seconds
		return Check{What: CheckClock, Says: "It agrees with the service's."}
	case by < clockMost:
		return Check{What: CheckClock, Says: fmt.Sprintf("It is %s %s, which is corrected.", by, way)}
	}
	return refused(CheckClock, fault.ClockWrong, "this computer's clock is %s %s", by, way)
}

// bare is the cause of an error with a code, for where the code is given anew.
func bare(err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Err != nil {
		return e.Err
	}
	return err
}

// post sends body, follows no redirect, and reads at most 64 KiB.
func (t *Trial) post(ctx context.Context, to, body string, by *stamp.Stamp) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, trialPatience)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Accept", "application/json")
	if by != nil {
		q.Header.Set(by.HeaderName, by.HeaderValue)
	}
	c := http.Client{
		Transport:     t.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	sent := t.now()
	reply, err := c.Do(q)
	if err != nil {
		return 0, nil, reason(err)
	}
	defer reply.Body.Close() //nolint:errcheck // it was only read
	answer, err = io.ReadAll(io.LimitReader(reply.Body, 64<<10))
	t.hear(sent, t.now(), reply.Header.Get("Date"))
	return reply.StatusCode, answer, err
}

// reason is why there was no answer, without the operation and the address, which the person typed.
func reason(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("none within %s", trialPatience)
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*os.SyscallError](err); ok {
		err = e.Err
	}
	return err
}

// hear keeps the first time that was told.
func (t *Trial) hear(sent, got time.Time, date string) {
	at, err := http.ParseTime(date)
	if err != nil || t.heard != nil {
		return
	}
	// The date is cut to whole seconds and was written between sent and got: within that, nothing speaks against ours.
	skew := max(at.Sub(got), min(0, at.Add(time.Second).Sub(sent)))
	t.heard = &skew
}

func (t *Trial) now() time.Time {
	if t.Now == nil {
		return time.Now().Round(0)
	}
	return t.Now().Round(0)
}
