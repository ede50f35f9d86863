package login

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/session"
	"latchkey/internal/turnkey"
)

// OTP is the way in by a code that comes by e-mail or text message. The code leaves this machine encrypted to Turnkey's
// enclave, together with the public key that is to use it; the backend sees neither. It is safe for parallel use.
type OTP struct{ *Desk }

const (
	methodOTP     = "otp"
	resendPause   = 30 * time.Second
	codeLifeMost  = 15 * time.Minute
	codeLife      = 5 * time.Minute // if the backend does not say
	triesDefault  = 3
	defaultLength = 6
)

// Begin has a code sent to an e-mail address. Errors: fault.ContactInvalid and fault.WayClosed before anything is sent; fault.OTPLimited,
// fault.BackendDown and what else the backend says; fault.BundleInvalid if it is not this profile's; those of the key
// store and of the file. When it fails, its key is deleted.
func (o *OTP) Begin(ctx context.Context, contact string, options Options) (Attempt, error) {
	contact, err := Email(contact)
	if err != nil {
		return Attempt{}, err
	}
	return o.begin(ctx, kept{Contact: contact, Kind: turnkey.OTPEmail, Options: options})
}

// BeginPhone has a code sent to a phone number. Errors: fault.PhoneInvalid before anything is sent; those of Begin.
func (o *OTP) BeginPhone(ctx context.Context, number string, options Options) (Attempt, error) {
	number, err := Phone(number)
	if err != nil {
		return Attempt{}, err
	}
	return o.begin(ctx, kept{Contact: number, Kind: turnkey.OTPSMS, Options: options})
}

func (o *OTP) begin(ctx context.Context, k kept) (Attempt, error) {
	a, err := o.send(ctx, rand.Text(), k)
	if err != nil {
		return Attempt{}, err
	}
	o.supersede(ctx, a, func(data []byte) bool {
		var earlier kept
		return json.Unmarshal(data, &earlier) == nil && strings.EqualFold(earlier.Contact, k.Contact) && earlier.Options.Link == k.Options.Link
	})
	return a, nil
}

// Resend has a new code sent in place of the one before: id, encryption target and key are replaced together. Before
// its time it is fault.OTPLimited with the time to wait. Errors: fault.AttemptOver; those of Begin, and then the
// attempt is as it was.
func (o *OTP) Resend(ctx context.Context, attemptID string) (Attempt, error) {
	done, err := o.enter(ctx, attemptID)
	if err != nil {
		return Attempt{}, err
	}
	defer done()
	_, k, err := load[kept](ctx, o.Desk, methodOTP, attemptID)
	if err != nil {
		return Attempt{}, err
	}
	if wait := k.ResendAfter.Sub(o.now()); wait > 0 && wait <= cmp.Or(k.Pause, resendPause) {
		return Attempt{}, &fault.Error{Kind: fault.OTPLimited.Kind(), Code: fault.OTPLimited, RetryAfter: wait}
	}
	return o.send(ctx, attemptID, kept{Contact: k.Contact, Kind: k.kind(), Options: k.Options})
}

// Continue goes on with the attempt: with the code, if it was not right before, it signs up if the contact is new, logs
// in, and stores the session, as the active one unless it was begun otherwise. After a failure it may be called again: what was granted is not asked
// for twice. Errors: fault.OTPWrong with TriesLeft, fault.OTPExpired, fault.OTPLocked; fault.AttemptOver;
// fault.LoginRefused, fault.SignUpRefused and what else the backend says; the token codes when an answer is not
// genuine; those of session.Manager.Store.
func (o *OTP) Continue(ctx context.Context, attemptID, code string) (session.Session, error) {
	done, err := o.enter(ctx, attemptID)
	if err != nil {
		return session.Session{}, err
	}
	defer done()
	record, k, err := load[kept](ctx, o.Desk, methodOTP, attemptID)
	if err != nil {
		return session.Session{}, err
	}
	if err := linking(k.Options, false); err != nil {
		return session.Session{}, err
	}
	proof, err := o.proof(record, k)
	if err != nil {
		if proof, err = o.prove(ctx, record, &k, code); err != nil {
			return session.Session{}, err
		}
	}
	key, err := o.Keys.Open(ctx, record.PublicKey)
	if err != nil {
		return session.Session{}, fmt.Errorf("log in: %w", err)
	}
	if k.OrganizationID == "" {
		if err := o.signUp(ctx, &k, proof, key); err != nil {
			return session.Session{}, err
		}
	}
	jwt, err := o.logIn(ctx, &record, &k, proof, key)
	if fault.CodeOf(err) == fault.AccountUnknown { // what the look-up named is gone
		k.OrganizationID = ""
		if err := o.signUp(ctx, &k, proof, key); err != nil {
			return session.Session{}, err
		}
		jwt, err = o.logIn(ctx, &record, &k, proof, key)
	}
	if err != nil {
		return session.Session{}, err
	}
	return o.begun(ctx, record, asked{methodOTP, k.Contact, k.OrganizationID, k.Options}, jwt)
}
