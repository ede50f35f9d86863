package backend

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/turnkey"
)

// statuses maps every kind of failure to HTTP.
var statuses = map[fault.Kind]int{
	fault.Invalid:     400,
	fault.NotFound:    404,
	fault.Conflict:    409,
	fault.Denied:      403,
	fault.Cancelled:   499, // nobody reads it
	fault.Expired:     401,
	fault.Pending:     409,
	fault.Limited:     429,
	fault.Locked:      423,
	fault.Unavailable: 502,
	fault.Corrupt:     500,
	"":                500,
}

// exceptions are codes whose status is more exact than their kind's.
var exceptions = map[fault.Code]int{
	fault.OTPWrong:     422,
	fault.OTPExpired:   422,
	fault.OTPLocked:    422,
	fault.TokenInvalid: 401,
	fault.APIRefused:   502, // the service refuses us, not the caller
	fault.ActivityLate: 504,
	fault.BackendState: 503,
}

// grpc maps every kind to the number that Turnkey's own clients look at.
var grpc = map[fault.Kind]int{
	fault.Invalid:     3,  // InvalidArgument
	fault.NotFound:    5,  // NotFound
	fault.Conflict:    6,  // AlreadyExists
	fault.Denied:      7,  // PermissionDenied
	fault.Cancelled:   1,  // Cancelled
	fault.Expired:     16, // Unauthenticated
	fault.Pending:     9,  // FailedPrecondition
	fault.Limited:     8,  // ResourceExhausted
	fault.Locked:      9,  // FailedPrecondition
	fault.Unavailable: 14, // Unavailable
	fault.Corrupt:     15, // DataLoss
	"":                13, // Internal
}

// stateSeconds is after how many seconds one may ask again when the state cannot be asked.
const stateSeconds = 5

// failure is the body of every refusal. Each family of clients finds the field it looks for.
type failure struct {
	Error             string     `json:"error"`
	Message           string     `json:"message"`
	Code              int        `json:"code"`
	Reason            fault.Code `json:"reason"`
	Kind              fault.Kind `json:"kind"` // "internal" when it has none
	TriesLeft         *int       `json:"triesLeft,omitempty"`
	RetryAfterSeconds int        `json:"retryAfterSeconds,omitempty"`
	RequestID         string     `json:"requestId"`
}

// describe returns the status and body for err.
func describe(err error, requestID string) (int, failure) {
	kind, code := fault.KindOf(err), fault.CodeOf(err)
	if kind == "" {
		code = fault.Internal
	}
	status, ok := exceptions[code]
	if !ok || kind != code.Kind() {
		status = statuses[kind]
	}
	f := failure{Message: fault.Tell(err).Happened, Code: grpc[kind], Reason: code, Kind: kind, RequestID: requestID}
	if kind == "" {
		f.Kind, f.Message = "internal", fault.Tell(nil).Happened
	}
	if s, ok := errors.AsType[shown](err); ok && kind != "" {
		f.Message = s.text
		if s.status != 0 {
			status = s.status
		}
	}
	f.Error = f.Message
	if e, ok := errors.AsType[*fault.Error](err); ok {
		if (code == fault.OTPWrong || code == fault.OTPLocked) && e.TriesLeft >= 0 {
			f.TriesLeft = &e.TriesLeft
		}
		switch {
		case kind == fault.Limited:
			f.RetryAfterSeconds = max(1, int(math.Ceil(e.RetryAfter.Seconds())))
		case code == fault.BackendState:
			f.RetryAfterSeconds = stateSeconds
		}
	}
	return status, f
}

// rpcStatus is google.rpc.Status, in which the kits of the auth proxy read a refusal. It has these three fields alone;
// what else is to be said stands in its details.
type rpcStatus struct {
	Code    int         `json:"code"`
	Message string      `json:"message"`
	Details []rpcDetail `json:"details"`
}

type rpcDetail struct {
	Type string `json:"@type"`
	failure
}

// vendorWords are what Turnkey's own clients look for in a refusal, to tell it apart. Our words follow.
var vendorWords = map[fault.Code]string{
	fault.OTPWrong:   "Invalid OTP code",
	fault.OTPExpired: "Invalid OTP code",
	fault.OTPLocked:  "Invalid OTP code",
	fault.OTPLimited: "Max number of OTPs have been initiated",
}

// in is the body of f for a family.
func (f failure) in(who family, status int) any {
	if who != proxied {
		return f
	}
	s := rpcStatus{Code: f.Code, Message: f.Message, Details: []rpcDetail{{"type.googleapis.com/latchkey.Failure", f}}}
	switch status {
	case http.StatusUnauthorized:
		s.Code = grpc[fault.Expired]
	case http.StatusUnprocessableEntity: // a code that the service itself calls an invalid argument
		s.Code = grpc[fault.Invalid]
	}
	if words := vendorWords[f.Reason]; words != "" {
		s.Message = words + ": " + s.Message
	}
	return s
}

// upstream turns a failure of the API into one that is the caller's to see: whatever is wrong with the backend's own
// key is not a matter of the caller's session.
func upstream(err error) error {
	switch fault.CodeOf(err) {
	case fault.SessionExpired, fault.SessionRejected, fault.StampInvalid, fault.StampMalformed, fault.ClockWrong, fault.ProfileBad:
		return &fault.Error{Kind: fault.APIRefused.Kind(), Code: fault.APIRefused, Err: err}
	case fault.OTPLimited, fault.APILimited:
		e, _ := errors.AsType[*fault.Error](err)
		if e.RetryAfter == 0 {
			return &fault.Error{Kind: e.Kind, Code: e.Code, RetryAfter: time.Minute, Err: e.Err}
		}
	}
	return err
}

// refusedAs gives a failure the code of what was tried, where the service read the request and would not do it.
func refusedAs(code fault.Code, err error) error {
	switch fault.CodeOf(err) {
	case fault.RequestInvalid, fault.ActivityFailed, fault.ActivityRejected:
		if _, ok := errors.AsType[*turnkey.VendorError](err); ok {
			return fault.New(code, err)
		}
	}
	return upstream(err)
}

// lost reports whether what was asked for may have been done all the same.
func lost(err error) bool {
	kind := fault.KindOf(err)
	return kind == fault.Unavailable || kind == fault.Cancelled || kind == ""
}

// vendorTextMax is the longest message of the service that is logged.
const vendorTextMax = 500

// scrubbed is the text of err for a log, without what the request must keep to itself.
func scrubbed(err error, private []string) string {
	text := err.Error()
	if v, ok := errors.AsType[*turnkey.VendorError](err); ok && len(v.Message) >= vendorTextMax {
		text = strings.ReplaceAll(text, fmt.Sprintf("%q", v.Message), "[long]") // it was cut, perhaps in the middle of a secret
	}
	for _, p := range private {
		if len(p) > 2 {
			text = strings.ReplaceAll(text, p, "[private]")
			if q := fmt.Sprintf("%q", p); len(q) > 2 { // as it stands inside a quoted message
				text = strings.ReplaceAll(text, q[1:len(q)-1], "[private]")
			}
		}
	}
	return text
}
