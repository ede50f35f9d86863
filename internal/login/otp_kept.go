package login

import (
	"encoding/json"
	"strings"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/session"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// kept is what of an attempt is sealed in the state.
type kept struct {
	Contact      string        `json:"contact"`
	Kind         string        `json:"otpType,omitempty"` // of the contact; see kind
	OTPID        string        `json:"otpId"`
	Target       string        `json:"target"` // where the code is encrypted to
	Length       int           `json:"length"`
	Alphanumeric bool          `json:"alphanumeric"`
	TriesLeft    int           `json:"triesLeft"`
	Expires      time.Time     `json:"expires"`
	ResendAfter  time.Time     `json:"resendAfter"`
	Pause        time.Duration `json:"pause,omitempty"` // between two codes; 0 is resendPause
	Options      Options       `json:"options,omitzero"`
	// What was granted already, so that it is not asked for again:
	Verification   string `json:"verification,omitempty"`
	OrganizationID string `json:"organizationId,omitempty"`
	Idempotency    string `json:"idempotency,omitempty"`
}

// kind is how the code is sent. Attempts of older versions do not say it: their numbers are told by the plus, which an
// address may begin with too.
func (k kept) kind() string {
	switch {
	case k.Kind != "":
		return k.Kind
	case strings.HasPrefix(k.Contact, "+") && !strings.Contains(k.Contact, "@"):
		return turnkey.OTPSMS
	}
	return turnkey.OTPEmail
}

// usage is what the key of a new account agrees to.
func (k kept) usage() token.SignupUsage {
	if k.kind() == turnkey.OTPSMS {
		return token.SignupUsage{PhoneNumber: k.Contact}
	}
	return token.SignupUsage{Email: k.Contact}
}

func (o *OTP) view(record session.Attempt) (Attempt, error) {
	var k kept
	if err := json.Unmarshal(record.Data, &k); err != nil {
		return Attempt{}, fault.New(fault.AttemptOver, err)
	}
	return view(record, k), nil
}

func view(record session.Attempt, k kept) Attempt {
	return Attempt{
		ID: record.ID, Method: methodOTP, Contact: k.Contact, PublicKey: record.PublicKey, Length: k.Length, Alphanumeric: k.Alphanumeric,
		TriesLeft: max(0, k.TriesLeft), Expires: k.Expires, ResendAfter: k.ResendAfter, Verified: k.Verification != "",
		ByPhone: k.kind() == turnkey.OTPSMS,
	}
}
