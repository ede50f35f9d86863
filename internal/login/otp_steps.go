package login

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/internal/bundle"
	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
	"latchkey/internal/token"
)

// send makes a key, has a code sent, and stores the attempt, of which k holds what it began with.
func (o *OTP) send(ctx context.Context, id string, k kept) (a Attempt, err error) {
	offers, err := o.offering(ctx, methodOf(k.kind()))
	if err != nil {
		return Attempt{}, err
	}
	key, err := o.Sessions.NewPendingKey(ctx, k.Options.purpose())
	if err != nil {
		return Attempt{}, err
	}
	defer func() {
		if err != nil {
			err = o.unmake(ctx, key.PublicKey(), err)
		}
	}()
	o.reached("init")
	reply, err := o.Backend.initOTP(ctx, k.kind(), k.Contact)
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
	k.OTPID, k.Target, k.TriesLeft = reply.OTPID, reply.Target, cmp.Or(max(reply.MaxTries, 0), triesDefault)
	k.Length, k.Alphanumeric = reply.Length, reply.Alphanumeric
	if k.Length == 0 { // the answer does not say what it sent
		k.Length, k.Alphanumeric = offers.OTPLength, offers.OTPAlphanumeric
	}
	k.Pause = offers.ResendAfter
	k.Expires, k.ResendAfter = now.Add(life), now.Add(k.Pause)
	record := session.Attempt{ID: id, Method: methodOTP, Purpose: k.Options.purpose(), PublicKey: key.PublicKey()}
	if err := o.keep(ctx, record, k); err != nil {
		return Attempt{}, fmt.Errorf("send a code: %w", err)
	}
	return view(record, k), nil
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
	case !strings.EqualFold(v.Contact, k.Contact) || v.VerificationType != k.kind():
		return none, fault.New(fault.TokenForeign, errors.New("the verification token names another contact"))
	case o.OrganizationID != "" && v.OrganizationID != o.OrganizationID:
		return none, fault.New(fault.TokenForeign, fmt.Errorf("the verification token is of the organization %s", v.OrganizationID))
	}
	return v, nil
}

// signUp makes the account. Its organization is kept by logIn, which follows; until then the Idempotency-Key, which is
// kept already, brings the same answer again.
func (o *OTP) signUp(ctx context.Context, k *kept, proof token.Verification, key keystore.Signer) error {
	signature, err := token.SignSignup(ctx, key, proof.ID, k.usage())
	if err != nil {
		return fmt.Errorf("sign up: %w", err)
	}
	o.reached("sign up")
	id, err := o.Backend.signUp(ctx, k.Idempotency, k.usage(), k.Verification, signature)
	if err != nil {
		return fmt.Errorf("sign up: %w", err)
	}
	o.reached("signed up")
	k.OrganizationID = id
	return nil
}

// logIn asks for the session token: the backend, or Turnkey itself by a stamp that the verification token attests.
func (o *OTP) logIn(ctx context.Context, record *session.Attempt, k *kept, proof token.Verification, key keystore.Signer) (string, error) {
	var signature token.ClientSignature
	if !k.Options.Straight {
		var err error
		if signature, err = token.SignLogin(ctx, key, proof.ID, record.PublicKey); err != nil {
			return "", fmt.Errorf("log in: %w", err)
		}
	}
	// From here on the key may work there, whether or not we hear of it.
	o.maybe(record, k.OrganizationID, k.Options)
	if err := o.keep(ctx, *record, *k); err != nil {
		return "", err
	}
	o.reached("log in")
	if k.Options.Straight {
		jwt, err := o.stampLogin(ctx, stamp.Attested{Signer: key, Scheme: stamp.SchemeVerificationToken, Token: k.Verification}, k.OrganizationID, record.PublicKey, k.Options)
		if err == nil {
			o.reached("logged in")
		}
		return jwt, err
	}
	jwt, err := o.Backend.logIn(ctx, k.Verification, record.PublicKey, signature, o.length(k.Options), k.Options.Invalidate)
	if err != nil {
		return "", fmt.Errorf("log in: %w", err)
	}
	o.reached("logged in")
	return jwt, nil
}

// seal encrypts a code to the enclave, whose target must be signed by the pinned key.
func (o *OTP) seal(target, code, publicKey string) (string, error) {
	fetcher, err := o.fetcher()
	if err != nil {
		return "", err
	}
	return bundle.SealOTP(target, fetcher, code, publicKey)
}
