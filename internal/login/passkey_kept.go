package login

import (
	"cmp"
	"encoding/json"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/session"
)

// touch is what of a log-in by a passkey is sealed in the state.
type touch struct {
	Name        string    `json:"name,omitempty"` // of a passkey that is made; "" uses one that is there
	URL         string    `json:"url"`            // of the backend's page
	Match       string    `json:"match"`
	Home        string    `json:"home"` // where the browser comes back to, on this machine
	State       string    `json:"state"`
	Verifier    string    `json:"verifier"`
	Expires     time.Time `json:"expires"`
	Options     Options   `json:"options,omitzero"`
	Idempotency string    `json:"idempotency"`
	Body        string    `json:"body,omitempty"` // of the log-in that the page has stamped
	// What was granted already, so that it is not asked for again:
	Ticket         string          `json:"ticket,omitempty"`
	Stamp          string          `json:"stamp,omitempty"`
	Made           json.RawMessage `json:"made,omitempty"`  // what registers the new passkey
	Asked          bool            `json:"asked,omitempty"` // for the account
	OrganizationID string          `json:"organizationId,omitempty"`
}

func (p *Passkey) view(record session.Attempt) (Attempt, error) {
	var k touch
	if err := json.Unmarshal(record.Data, &k); err != nil {
		return Attempt{}, fault.New(fault.AttemptOver, err)
	}
	return viewOfTouch(record, k), nil
}

func viewOfTouch(record session.Attempt, k touch) Attempt {
	a := Attempt{ID: record.ID, Method: methodPasskey, Contact: cmp.Or(k.Name, "a passkey"), PublicKey: record.PublicKey, Expires: k.Expires, URL: k.URL, Match: k.Match}
	if k.Ticket != "" || k.Stamp != "" || k.Made != nil && k.OrganizationID == "" {
		a.URL, a.Match, a.Verified = "", "", true
	}
	return a
}
