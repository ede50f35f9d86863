package login

import (
	"context"
	"encoding/json"
	"errors"
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
	Further      Further   `json:"further,omitzero"`
	// What was granted already, so that it is not asked for again:
	Verification   string `json:"verification,omitempty"`
	OrganizationID string `json:"organizationId,omitempty"`
	Idempotency    string `json:"idempotency,omitempty"`
}

// enter waits until nobody else works on the attempt, so that two clicks spend one try.
func (o *OTP) enter(ctx context.Context, id string) (done func(), err error) {
	for {
		o.mu.Lock()
		other := o.busy[id]
		if other == nil {
			if o.busy == nil {
				o.busy = map[string]chan struct{}{}
			}
			mine := make(chan struct{})
			o.busy[id] = mine
			o.mu.Unlock()
			return func() {
				o.mu.Lock()
				delete(o.busy, id)
				o.mu.Unlock()
				close(mine)
			}, nil
		}
		o.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, fault.New(fault.Cancel, ctx.Err())
		}
	}
}

func (o *OTP) load(ctx context.Context, id string) (session.Attempt, kept, error) {
	record, err := o.Sessions.GetAttempt(ctx, id)
	if err != nil {
		return session.Attempt{}, kept{}, err
	}
	var k kept
	if err := json.Unmarshal(record.Data, &k); err != nil || record.Method != method {
		return session.Attempt{}, kept{}, fault.New(fault.AttemptOver, errors.New("not an attempt of this method"))
	}
	return record, k, nil
}

func (o *OTP) keep(ctx context.Context, record session.Attempt, k kept) error {
	data, err := json.Marshal(k)
	if err != nil {
		return err
	}
	record.Data, record.Expires = data, time.Time{} // an hour from now
	return o.Sessions.PutAttempt(ctx, record)
}

func view(record session.Attempt, k kept) Attempt {
	return Attempt{
		ID: record.ID, Contact: k.Contact, PublicKey: record.PublicKey, Length: k.Length, Alphanumeric: k.Alphanumeric,
		TriesLeft: max(0, k.TriesLeft), Expires: k.Expires, ResendAfter: k.ResendAfter, Verified: k.Verification != "",
	}
}
