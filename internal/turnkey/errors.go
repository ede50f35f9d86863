package turnkey

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"latchkey/internal/fault"
)

// VendorError is a refusal in the service's own words. It stands in the chain of every error that came from an
// answer, for logs and the terminal; a program decides by the fault code around it. Message is foreign text of at
// most 1,000 bytes, and may name the contact, the key or the organization of the request.
type VendorError struct {
	HTTPStatus  int    // 0 for the failure of an activity, which travels in a good answer
	GRPC        int    // 0 when the answer had none
	Message     string // "" when the answer was not Turnkey's: a proxy's page, a captive portal
	TurnkeyCode string // "SIGNATURE_INVALID"; "" when the answer had none
}

func (e *VendorError) Error() string {
	return fmt.Sprintf("turnkey said %d (%d %s): %q", e.HTTPStatus, e.GRPC, e.TurnkeyCode, e.Message)
}

// UnmarshalJSON reads google.rpc.Status as the service writes it, with its own code in one or both of two places.
func (e *VendorError) UnmarshalJSON(raw []byte) error {
	var s struct {
		Code        int             `json:"code"`
		Message     string          `json:"message"`
		Details     json.RawMessage `json:"details"`
		TurnkeyCode string          `json:"turnkeyErrorCode"`
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	e.GRPC, e.Message, e.TurnkeyCode = s.Code, s.Message[:min(len(s.Message), 1000)], s.TurnkeyCode
	var details []struct {
		TurnkeyCode string `json:"turnkeyErrorCode"`
	}
	if json.Unmarshal(s.Details, &details) == nil { // details of another shape say nothing that we use
		for _, d := range details {
			if e.TurnkeyCode == "" {
				e.TurnkeyCode = d.TurnkeyCode
			}
		}
	}
	return nil
}

func parseVendorError(httpStatus int, answer []byte) *VendorError {
	e := &VendorError{HTTPStatus: httpStatus}
	if json.Unmarshal(answer, e) != nil {
		return &VendorError{HTTPStatus: httpStatus}
	}
	return e
}

// spoken reports whether the answer was Turnkey's own, and not that of something in between.
func (e *VendorError) spoken() bool { return e.TurnkeyCode != "" || e.GRPC != 0 && e.Message != "" }

// fault wraps e in the code that it stands for; after is what the service asked to wait.
func (e *VendorError) fault(after time.Duration) error {
	code := e.code()
	if code.Kind() != fault.Limited {
		return fault.New(code, e)
	}
	return &fault.Error{Kind: fault.Limited, Code: code, RetryAfter: after, Err: e}
}

// code reads e from the surest sign to the least sure: Turnkey's own code, its words, the status.
func (e *VendorError) code() fault.Code {
	if c, ok := e.said(); ok {
		return c
	}
	switch s := e.HTTPStatus; {
	case s == http.StatusTooManyRequests:
		return fault.APILimited
	case s == http.StatusNotImplemented:
		return fault.APIRefused // a sandbox that lacks something
	case s >= 500, s < 400, s == http.StatusRequestTimeout, s == http.StatusProxyAuthRequired:
		return fault.APIDown // nobody we know has answered
	case s == http.StatusBadRequest:
		return fault.RequestInvalid
	default:
		return fault.APIRefused
	}
}

// said returns the code for what Turnkey itself says. An answer that is not its own never ends a session.
func (e *VendorError) said() (fault.Code, bool) {
	if !e.spoken() {
		return "", false
	}
	if c, ok := byCode[e.TurnkeyCode]; ok {
		return c, true
	}
	words := strings.ToLower(e.Message)
	for _, m := range byMessage {
		if strings.Contains(words, m.part) && strings.Contains(words, m.and) {
			return m.code, true
		}
	}
	if c, ok := byVagueCode[e.TurnkeyCode]; ok {
		return c, true
	}
	return "", false
}

// byCode holds Turnkey's codes that say enough by themselves. Source: docs, api-reference/overview/errors.
var byCode = map[string]fault.Code{
	"API_KEY_EXPIRED":        fault.SessionExpired,
	"PUBLIC_KEY_NOT_FOUND":   fault.SessionRejected,
	"SIGNATURE_MISSING":      fault.StampMalformed,
	"RATE_LIMIT_EXCEEDED":    fault.APILimited,
	"SIGNING_QUOTA_EXCEEDED": fault.APILimited,
	"MAX_OTP_INITIATED":      fault.OTPLimited,
	"INVALID_EMAIL":          fault.ContactInvalid,
	"INVALID_FQDN":           fault.ContactInvalid,
	"INVALID_OIDC_TOKEN":     fault.LoginRefused,
	"INTERNAL":               fault.APIDown,
}

// byMessage holds the words, in lower case, for what has no code or one that stands for many things. The first whose
// two parts are both there decides.
var byMessage = []struct {
	part, and string
	code      fault.Code
}{
	{"max number of otps have been initiated", "", fault.OTPLimited},
	{"invalid otp code", "expired", fault.OTPExpired},
	{"invalid otp code", "used already", fault.OTPExpired},
	{"invalid otp code", "too many", fault.OTPLocked},
	{"invalid otp code", "", fault.OTPWrong},
	{"otp expired", "", fault.OTPExpired},
	{"otp has expired", "", fault.OTPExpired},
	{"expired api key", "", fault.SessionExpired},
	{"could not find public key in organization", "", fault.SessionRejected},
	{"failed while looking up public key in parent organization", "", fault.SessionRejected},
	{"public key could not be found in organization", "", fault.SessionRejected},
	{"malformed activity stamp", "", fault.StampMalformed},
	{"could not extract api key stamp", "", fault.StampMalformed},
	{"could not extract webauthn stamp", "", fault.StampMalformed},
	{"without a stamp", "", fault.StampMalformed},
	{"no valid authentication signature", "", fault.StampMalformed},
	{"could not verify api key signature", "", fault.StampInvalid},
	{"could not verify webauth", "", fault.StampInvalid},
	{"timestamp", "", fault.ClockWrong},
	{"too many requests", "", fault.APILimited},
	{"rate limited", "", fault.APILimited},
	{"over its allotted quota", "", fault.APILimited},
	{"invalid email address", "", fault.ContactInvalid},
	{"could not reach email", "", fault.ContactInvalid},
	{"invalid oidc token", "", fault.LoginRefused},
}

// byVagueCode holds the codes that are asked last, because the words next to them are more exact.
var byVagueCode = map[string]fault.Code{
	"SIGNATURE_INVALID": fault.StampInvalid,
	"REQUEST_INVALID":   fault.RequestInvalid,
	"INVALID_TIME":      fault.ClockWrong,
}
