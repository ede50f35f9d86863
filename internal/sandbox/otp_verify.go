package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/bundle"
	"latchkey/internal/p256"
	"latchkey/internal/token"
)

// verifyOTP takes a plain code.
type verifyOTP struct {
	OTPID             string  `json:"otpId" need:"text"`
	OTPCode           string  `json:"otpCode" need:"text"`
	ExpirationSeconds numeral `json:"expirationSeconds,omitempty"`
	PublicKey         string  `json:"publicKey,omitempty"`
	nobody
}

func (in *verifyOTP) run(t *tx) (any, error) {
	if in.PublicKey != "" {
		if _, ok := parsePoint(in.PublicKey); !ok {
			return nil, invalid("invalid public key")
		}
	}
	o, err := t.findOTP(in.OTPID)
	if err != nil {
		return nil, err
	}
	switch {
	case o.target != nil:
		return nil, invalid("this OTP was initiated for encryption: use ACTIVITY_TYPE_VERIFY_OTP_V2")
	case o.forKey:
		return nil, invalid("this OTP was initiated for a credential bundle: use ACTIVITY_TYPE_OTP_AUTH")
	}
	return t.verify(o, in.OTPCode, strings.ToLower(in.PublicKey), in.ExpirationSeconds)
}

// verifyOTPEncrypted takes a code that is sealed together with the key that is to use the token.
type verifyOTPEncrypted struct {
	OTPID              string  `json:"otpId" need:"text"`
	EncryptedOTPBundle string  `json:"encryptedOtpBundle" need:"text"`
	ExpirationSeconds  numeral `json:"expirationSeconds,omitempty"`

	code, publicKey string
	opened          error
}

// prepare opens the bundle, which costs as much as a signature.
func (in *verifyOTPEncrypted) prepare(c *call) error {
	var o *otp
	var err error
	c.state.reading(func() { o, err = c.findOTP(in.OTPID) })
	if err != nil || o.target == nil {
		return err // run says what is wrong with the generation
	}
	in.code, in.publicKey, in.opened = bundle.OpenOTP(o.target, in.EncryptedOTPBundle)
	return nil
}

func (in *verifyOTPEncrypted) run(t *tx) (any, error) {
	o, err := t.findOTP(in.OTPID)
	if err != nil {
		return nil, err
	}
	if o.target == nil {
		return nil, invalid("this OTP was not initiated for encryption: use ACTIVITY_TYPE_VERIFY_OTP")
	}
	if in.opened != nil { // no guess: whoever sealed it to another key knows nothing of the code
		return nil, invalid("invalid encrypted OTP bundle").because("otp", "sealed to the target of this OTP", in.opened.Error())
	}
	return t.verify(o, in.code, strings.ToLower(in.publicKey), in.ExpirationSeconds)
}

// findOTP returns the code of the organization with that id. The caller holds the lock.
func (c *call) findOTP(id string) (*otp, error) {
	parsed, ok := parseID(id)
	if o := c.state.otps.byID[parsed]; ok && o != nil && o.org == c.org {
		return o, nil
	}
	return nil, notFound("no OTP found with the given ID", "otpId", id)
}

// verify takes a guess and issues the token.
func (t *tx) verify(o *otp, guess, publicKey string, life numeral) (any, error) {
	lasts, ok := seconds(life, 3600)
	if !ok || lasts > 86400 {
		return nil, invalid("invalid verification token expiration: must be between 1 and 86400 seconds")
	}
	if err := t.guess(o, guess); err != nil {
		return nil, err
	}
	e := t.state.enclave
	v := token.Verification{
		ID: t.state.tokenID(t.org.id).String(), OrganizationID: t.org.id.String(), VerificationType: o.kind, Contact: o.contact,
		PublicKey: publicKey, Expires: time.UnixMilli(t.now + lasts*1000), Legacy: o.target == nil,
	}
	key := e.fetcher
	if v.Legacy {
		key = e.legacy
	}
	jwt, err := token.IssueVerification(key, v)
	if err != nil {
		return nil, err
	}
	return struct {
		VerificationToken string `json:"verificationToken"`
	}{jwt}, nil
}

// guess compares a guess with the code, which is used with that. A wrong one is counted although the activity fails.
func (t *tx) guess(o *otp, guess string) error {
	next := *o
	switch {
	case o.finished:
		return wrongOTP("it was used already").because("otp", "unused", "used")
	case o.wrong >= triesMax:
		return wrongOTP("too many wrong attempts, initiate a new one").because("otp", "fewer than 3 wrong attempts", "locked")
	case t.now >= o.expires:
		return wrongOTP("it has expired").because("otp", "now before "+isoTime(o.expires), isoTime(t.now))
	case subtle.ConstantTimeCompare([]byte(strings.ToUpper(guess)), []byte(o.code)) == 0:
		next.wrong++
		t.evenSo(&next)
		return wrongOTP("").because("otp", "the code of this OTP", fmt.Sprintf("wrong attempt %d of %d", next.wrong, triesMax))
	}
	next.finished = true
	t.stage(&next)
	return nil
}

// tokenID returns an id for a token that org issues. The older kind of token names no organization, so its id is bound
// to the one that issued it; otherwise a sub-organization's token would be good in another.
func (s *state) tokenID(org uuid.UUID) uuid.UUID {
	id := s.choices.id()
	return s.bindID(id, org)
}

func (s *state) bindID(id, org uuid.UUID) uuid.UUID {
	mac := hmac.New(sha256.New, []byte(p256.PrivateHex(s.enclave.legacy)))
	mac.Write(org[:])
	mac.Write(id[:8])
	copy(id[8:], mac.Sum(nil))
	return version4(id)
}

// issuedBy reports whether a token with that id was issued by org.
func (s *state) issuedBy(id string, org uuid.UUID) bool {
	parsed, ok := parseID(id)
	return ok && s.bindID(parsed, org) == parsed
}
