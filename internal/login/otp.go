package login

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/profile"
	"latchkey/internal/session"
)

// OTP is the way in by a code that comes by e-mail. The code leaves this machine encrypted to Turnkey's enclave, together
// with the public key that is to use it; the backend sees neither. It is safe for parallel use.
type OTP struct {
	Backend        *Backend
	Sessions       *session.Manager
	Keys           keystore.Store
	Pins           profile.Pins
	OrganizationID string           // the parent, which verification tokens must name; "" when the profile does not know it
	SessionLength  time.Duration    // 0: 900 s
	Now            func() time.Time // the service's time; nil: that of Sessions

	mu   sync.Mutex
	busy map[string]chan struct{} // attempts that are being worked on
	step func(name string)        // told before and after every request; for tests that kill
}

// Attempt is a log-in by code under way.
type Attempt struct {
	ID           string
	Contact      string
	PublicKey    string // of the key that the session will have
	Length       int    // characters of the code
	Alphanumeric bool   // else digits alone
	TriesLeft    int
	Expires      time.Time // of the code
	ResendAfter  time.Time // when another may be asked for
	Verified     bool      // the code was right: Continue needs none any more
}

const (
	method         = "otp"
	purpose        = "login"
	resendPause    = 30 * time.Second
	codeLifeMost   = 15 * time.Minute
	codeLife       = 5 * time.Minute // if the backend does not say
	triesDefault   = 3
	defaultLength  = 6
	defaultSession = 900 * time.Second
)

// Begin has a code sent to an e-mail address. Errors: fault.ContactInvalid before anything is sent; fault.OTPLimited,
// fault.BackendDown and what else the backend says; fault.BundleInvalid if it is not this profile's; those of the key
// store and of the file. When it fails, its key is deleted.
func (o *OTP) Begin(ctx context.Context, contact string) (Attempt, error) {
	return o.BeginFurther(ctx, contact, Further{})
}

// Further says what the session of a log-in is to be beside those that there are.
type Further struct {
	Label string // "" takes the contact
	Stay  bool   // the active session stays the active one, if it is good then
}

// BeginFurther is Begin for a session beside others.
func (o *OTP) BeginFurther(ctx context.Context, contact string, f Further) (Attempt, error) {
	contact, err := Email(contact)
	if err != nil {
		return Attempt{}, err
	}
	a, err := o.send(ctx, rand.Text(), kept{Contact: contact, Further: f})
	if err != nil {
		return Attempt{}, err
	}
	_ = o.supersede(ctx, a) // what could not be ended is over within the hour; this attempt stands
	return a, nil
}

// supersede ends earlier attempts with the same contact: whoever begins anew has given them up.
func (o *OTP) supersede(ctx context.Context, by Attempt) error {
	list, err := o.Sessions.Attempts(ctx)
	if err != nil {
		return err
	}
	for _, record := range list {
		var k kept
		if record.Method != method || record.ID == by.ID || json.Unmarshal(record.Data, &k) != nil || !strings.EqualFold(k.Contact, by.Contact) {
			continue
		}
		if err := o.Cancel(ctx, record.ID); err != nil {
			return err
		}
	}
	return nil
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
	_, k, err := o.load(ctx, attemptID)
	if err != nil {
		return Attempt{}, err
	}
	if wait := k.ResendAfter.Sub(o.now()); wait > 0 && wait <= resendPause {
		return Attempt{}, &fault.Error{Kind: fault.OTPLimited.Kind(), Code: fault.OTPLimited, RetryAfter: wait}
	}
	return o.send(ctx, attemptID, kept{Contact: k.Contact, Further: k.Further})
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
	record, k, err := o.load(ctx, attemptID)
	if err != nil {
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
	_, good := o.Sessions.Active()
	return o.Sessions.Store(ctx, session.StoreRequest{
		JWT: jwt, PublicKey: record.PublicKey, OrganizationID: k.OrganizationID, Label: cmp.Or(k.Further.Label, k.Contact), Contact: k.Contact,
		Method: method, Length: o.length(), Attempt: record.ID, Select: !k.Further.Stay || !good,
	})
}

// Cancel ends the attempt and deletes its key. One that is over is no error. Errors: those of the file.
func (o *OTP) Cancel(ctx context.Context, attemptID string) error {
	done, err := o.enter(ctx, attemptID)
	if err != nil {
		return err
	}
	defer done()
	if err := o.Sessions.DropAttempt(ctx, attemptID); fault.CodeOf(err) != fault.AttemptOver {
		return err
	}
	return nil
}

// Pending returns the newest attempt that can still be continued, after a restart for instance, and whether there is
// one. Errors: those of the key store and of the file.
func (o *OTP) Pending(ctx context.Context) (Attempt, bool, error) {
	list, err := o.Sessions.Attempts(ctx)
	if err != nil {
		return Attempt{}, false, err
	}
	for i := len(list) - 1; i >= 0; i-- {
		var k kept
		if list[i].Method == method && json.Unmarshal(list[i].Data, &k) == nil {
			return view(list[i], k), true, nil
		}
	}
	return Attempt{}, false, nil
}

func (o *OTP) length() time.Duration { return cmp.Or(o.SessionLength, defaultSession) }

func (o *OTP) now() time.Time {
	if o.Now != nil {
		return o.Now().Round(0)
	}
	return o.Sessions.Time()
}

func (o *OTP) reached(step string) {
	if o.step != nil {
		o.step(step)
	}
}
