package login

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"latchkey/internal/bundle"
	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/p256"
	"latchkey/internal/profile"
	"latchkey/internal/session"
	"latchkey/internal/token"
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
	// What was granted already, so that it is not asked for again:
	Verification   string `json:"verification,omitempty"`
	OrganizationID string `json:"organizationId,omitempty"`
	Idempotency    string `json:"idempotency,omitempty"`
}

// Begin has a code sent to an e-mail address. Errors: fault.ContactInvalid before anything is sent; fault.OTPLimited,
// fault.BackendDown and what else the backend says; fault.BundleInvalid if it is not this profile's; those of the key
// store and of the file. When it fails, its key is deleted.
func (o *OTP) Begin(ctx context.Context, contact string) (Attempt, error) {
	contact, err := Email(contact)
	if err != nil {
		return Attempt{}, err
	}
	a, err := o.send(ctx, rand.Text(), contact)
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
	return o.send(ctx, attemptID, k.Contact)
}

// send makes a key, has a code sent, and stores the attempt.
func (o *OTP) send(ctx context.Context, id, contact string) (a Attempt, err error) {
	key, err := o.Sessions.NewPendingKey(ctx, purpose)
	if err != nil {
		return Attempt{}, err
	}
	defer func() {
		if err != nil {
			err = o.unmake(ctx, key.PublicKey(), err)
		}
	}()
	o.reached("init")
	reply, err := o.Backend.initOTP(ctx, contact)
	if err != nil {
		return Attempt{}, fmt.Errorf("send a code: %w", err)
	}
	o.reached("inited")
	// A backend of another profile is noticed before anybody types a code.
	if _, err := o.seal(reply.Target, "000000", key.PublicKey()); err != nil {
		return Attempt{}, fmt.Errorf("send a code: %w", err)
	}
	life := time.Duration(reply.Seconds) * time.Second
	if life <= 0 || life > codeLifeMost {
		life = codeLife
	}
	now := o.now()
	k := kept{
		Contact: contact, OTPID: reply.OTPID, Target: reply.Target, Length: cmp.Or(reply.Length, defaultLength),
		Alphanumeric: reply.Alphanumeric, TriesLeft: cmp.Or(max(reply.MaxTries, 0), triesDefault),
		Expires: now.Add(life), ResendAfter: now.Add(resendPause),
	}
	record := session.Attempt{ID: id, Method: method, Purpose: purpose, PublicKey: key.PublicKey()}
	if err := o.keep(ctx, record, k); err != nil {
		return Attempt{}, fmt.Errorf("send a code: %w", err)
	}
	return view(record, k), nil
}

// unmake gives a key up that no attempt names, and returns err.
func (o *OTP) unmake(ctx context.Context, publicKey string, err error) error {
	if e := o.Sessions.DropPendingKey(context.WithoutCancel(ctx), publicKey); e != nil {
		return errors.Join(err, e)
	}
	return err
}

// Continue goes on with the attempt: with the code, if it was not right before, it signs up if the contact is new, logs
// in, and stores the session as the active one. After a failure it may be called again: what was granted is not asked
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
		if err := o.signUp(ctx, record, &k, proof, key); err != nil {
			return session.Session{}, err
		}
	}
	jwt, err := o.logIn(ctx, &record, &k, proof, key)
	if fault.CodeOf(err) == fault.AccountUnknown { // what the look-up named is gone
		k.OrganizationID = ""
		if err := o.signUp(ctx, record, &k, proof, key); err != nil {
			return session.Session{}, err
		}
		jwt, err = o.logIn(ctx, &record, &k, proof, key)
	}
	if err != nil {
		return session.Session{}, err
	}
	return o.Sessions.Store(ctx, session.StoreRequest{
		JWT: jwt, PublicKey: record.PublicKey, OrganizationID: k.OrganizationID, Label: k.Contact, Contact: k.Contact,
		Method: method, Length: o.length(), Attempt: record.ID, Select: true,
	})
}

// prove turns the code into a verification token, and keeps it.
func (o *OTP) prove(ctx context.Context, record session.Attempt, k *kept, typed string) (token.Verification, error) {
	none := token.Verification{}
	code := tidy(typed)
	switch {
	case k.TriesLeft <= 0:
		return none, fault.New(fault.OTPLocked, nil)
	case !o.now().Before(k.Expires):
		return none, fault.New(fault.OTPExpired, nil)
	case !plausible(code, k.Length, k.Alphanumeric): // not sent, so no try is lost
		return none, wrong(k.TriesLeft, fmt.Errorf("want %d characters", k.Length))
	}
	sealed, err := o.seal(k.Target, code, record.PublicKey)
	if err != nil {
		return none, fmt.Errorf("seal the code: %w", err)
	}
	o.reached("verify")
	reply, err := o.Backend.verifyOTP(ctx, k.OTPID, sealed)
	if err != nil {
		return none, o.unproven(ctx, record, k, err)
	}
	o.reached("verified")
	k.Verification, k.OrganizationID, k.Idempotency = reply.Verification, reply.OrganizationID, rand.Text()
	proof, err := o.proof(record, *k)
	if err != nil {
		return none, fmt.Errorf("check the code: %w", err)
	}
	// The code is used up now: this must be kept, whether or not the caller still waits.
	if err := o.keep(context.WithoutCancel(ctx), record, *k); err != nil {
		return none, err
	}
	return proof, nil
}

// unproven keeps what a refusal says about the code, and returns it with the tries that are left.
func (o *OTP) unproven(ctx context.Context, record session.Attempt, k *kept, err error) error {
	said, _ := errors.AsType[*fault.Error](err)
	switch fault.CodeOf(err) {
	case fault.OTPWrong:
		k.TriesLeft--
		if said.TriesLeft != untold {
			k.TriesLeft = said.TriesLeft
		}
		err = wrong(k.TriesLeft, err)
	case fault.OTPLocked:
		k.TriesLeft = 0
	case fault.OTPExpired:
		k.Expires = o.now()
	default:
		return fmt.Errorf("check the code: %w", err)
	}
	if e := o.keep(context.WithoutCancel(ctx), record, *k); e != nil {
		return errors.Join(err, e)
	}
	return err
}

func wrong(left int, cause error) error {
	return &fault.Error{Kind: fault.OTPWrong.Kind(), Code: fault.OTPWrong, TriesLeft: max(0, left), Err: cause}
}

// proof returns the verification token that was kept, if it is genuine, ours and not over.
func (o *OTP) proof(record session.Attempt, k kept) (token.Verification, error) {
	none := token.Verification{}
	if k.Verification == "" {
		return none, fault.NotFound
	}
	fetcher, err := o.fetcher()
	if err != nil {
		return none, err
	}
	v, err := token.VerifyVerification(k.Verification, fetcher, nil, o.now())
	switch {
	case err != nil:
		return none, err
	case v.PublicKey != record.PublicKey:
		return none, fault.New(fault.TokenForeign, errors.New("the verification token names another key"))
	case !strings.EqualFold(v.Contact, k.Contact):
		return none, fault.New(fault.TokenForeign, errors.New("the verification token names another contact"))
	case o.OrganizationID != "" && v.OrganizationID != o.OrganizationID:
		return none, fault.New(fault.TokenForeign, fmt.Errorf("the verification token is of the organization %s", v.OrganizationID))
	}
	return v, nil
}

// signUp makes the account and keeps its organization.
func (o *OTP) signUp(ctx context.Context, record session.Attempt, k *kept, proof token.Verification, key keystore.Signer) error {
	signature, err := token.SignSignup(ctx, key, proof.ID, token.SignupUsage{Email: k.Contact})
	if err != nil {
		return fmt.Errorf("sign up: %w", err)
	}
	o.reached("sign up")
	id, err := o.Backend.signUp(ctx, k.Idempotency, k.Contact, k.Verification, signature)
	if err != nil {
		return fmt.Errorf("sign up: %w", err)
	}
	o.reached("signed up")
	k.OrganizationID = id
	return o.keep(context.WithoutCancel(ctx), record, *k)
}

// logIn asks for the session token.
func (o *OTP) logIn(ctx context.Context, record *session.Attempt, k *kept, proof token.Verification, key keystore.Signer) (string, error) {
	signature, err := token.SignLogin(ctx, key, proof.ID, record.PublicKey)
	if err != nil {
		return "", fmt.Errorf("log in: %w", err)
	}
	// From here on the key may work there, whether or not we hear of it.
	record.OrganizationID, record.KeyEnds = k.OrganizationID, o.now().Add(o.length()+time.Minute)
	if err := o.keep(ctx, *record, *k); err != nil {
		return "", err
	}
	o.reached("log in")
	jwt, err := o.Backend.logIn(ctx, k.Verification, record.PublicKey, signature, o.length())
	if err != nil {
		return "", fmt.Errorf("log in: %w", err)
	}
	o.reached("logged in")
	return jwt, nil
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

// seal encrypts a code to the enclave, whose target must be signed by the pinned key.
func (o *OTP) seal(target, code, publicKey string) (string, error) {
	fetcher, err := o.fetcher()
	if err != nil {
		return "", err
	}
	return bundle.SealOTP(target, fetcher, code, publicKey)
}

func (o *OTP) fetcher() (*ecdsa.PublicKey, error) {
	key, err := p256.ParsePublic(o.Pins.TLSFetcher)
	if err != nil {
		return nil, fault.New(fault.ProfileBad, fmt.Errorf("pinned key TLS fetcher: %w", err))
	}
	return key, nil
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
