package login

import (
	"encoding/json"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/session"
)

// round is what of a log-in by a provider is sealed in the state.
type round struct {
	Provider string    `json:"provider"`
	Title    string    `json:"title"`
	URL      string    `json:"url"`      // of the provider's page
	Home     string    `json:"home"`     // where the browser comes back to, on this machine
	Redirect string    `json:"redirect"` // where the provider sends it: the same, or the backend's relay
	State    string    `json:"state"`    // what comes home with the answer
	Verifier string    `json:"verifier"` // of PKCE, or of the relay
	Expires  time.Time `json:"expires"`
	Options  Options   `json:"options,omitzero"`
	// What was granted already, so that it is not asked for again:
	Code           string `json:"code,omitempty"`
	IDToken        string `json:"idToken,omitempty"`
	OrganizationID string `json:"organizationId,omitempty"`
	Idempotency    string `json:"idempotency,omitempty"`
}

func (o *OAuth) view(record session.Attempt) (Attempt, error) {
	var k round
	if err := json.Unmarshal(record.Data, &k); err != nil {
		return Attempt{}, fault.New(fault.AttemptOver, err)
	}
	return viewOfRound(record, k), nil
}

func viewOfRound(record session.Attempt, k round) Attempt {
	a := Attempt{ID: record.ID, Method: methodOAuth, Contact: k.Title, PublicKey: record.PublicKey, Expires: k.Expires, URL: k.URL}
	if k.Code != "" || k.IDToken != "" {
		a.URL, a.Verified = "", true
	}
	return a
}
