package login

import (
	"encoding/json"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/session"
)

// kept is what of an attempt is sealed in the state.
type kept struct {
	Contact      string    `json:"contact"`
	OTPID        string    `json:"otpId"`
	Target       string    `json:"target"` // where the code is encrypted to
	Length       int       `json:"length"`
	Alphanumeric bool      `json:"alphanumeric"`
	TriesLeft    int       `json:"triesLeft"`
	Expires      time.Time `json:"expires"`
	ResendAfter  time.Time `json:"resendAfter"`
	Options      Options   `json:"options,omitzero"`
	// What was granted already, so that it is not asked for again:
	Verification   string `json:"verification,omitempty"`
	OrganizationID string `json:"organizationId,omitempty"`
	Idempotency    string `json:"idempotency,omitempty"`
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
	}
}
