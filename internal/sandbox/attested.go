package sandbox

import (
	"errors"
	"iter"
	"strings"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/stamp"
	"latchkey/internal/token"
)

// readAttestedStamp reads the stamp of a key for which a token vouches. Who it is follows from the token.
func (c *call) readAttestedStamp(value string) (presented, error) {
	s, err := stamp.ParseAttested(value)
	if err != nil {
		return nil, badStamp("attested", err.Error())
	}
	c.seen.Stamp = map[string]string{"header": stamp.HeaderAttested, "publicKey": s.PublicKey, "scheme": s.Scheme, "signature": s.Signature}
	switch s.Scheme {
	case stamp.SchemeVerificationToken:
		return c.readContactStamp(s)
	default:
		return c.readOIDCStamp(s)
	}
}

// contactStamp is the stamp of whoever proved a contact by a one-time code. It stands for the user who has the contact
// and had it verified before: an address that was only typed in opens nothing.
type contactStamp struct {
	stamp.AttestedStamp
	proof token.Verification
}

// readContactStamp believes nothing that the token says before it is known to be genuine, so that nobody can ask by a
// forged one who has which contact.
func (c *call) readContactStamp(s stamp.AttestedStamp) (presented, error) {
	e := c.state.enclave
	v, err := token.VerifyVerification(s.Token, &e.fetcher.PublicKey, &e.legacy.PublicKey, time.UnixMilli(c.now))
	switch {
	case errors.Is(err, fault.Expired):
		return nil, badAttestedKey("it has expired")
	case err != nil:
		return nil, badAttestedKey("not a genuine token")
	case !strings.EqualFold(v.PublicKey, s.PublicKey):
		return nil, badAttestedKey("it names another public key")
	}
	return &contactStamp{s, v}, nil
}

// has reports whether u has the contact, verified.
func (s *contactStamp) has(u *user) bool {
	if s.proof.VerificationType == otpSMS {
		return u.phoneVerified && u.phone == s.proof.Contact
	}
	return u.emailVerified && sameEmail(u.email) == sameEmail(s.proof.Contact)
}

func (s *contactStamp) users(st *state) iter.Seq[*user] {
	all := st.byEmail.all(sameEmail(s.proof.Contact))
	if s.proof.VerificationType == otpSMS {
		all = st.byPhone.all(s.proof.Contact)
	}
	return func(yield func(*user) bool) {
		for u := range all {
			if s.has(u) && !yield(u) {
				return
			}
		}
	}
}

// of is false for one of several users of an organization with the contact: it does not say which is meant.
func (s *contactStamp) of(u *user) (used, bool) {
	if !s.has(u) {
		return used{}, false
	}
	for _, other := range u.org.users {
		if other.id != u.id && s.has(other) {
			return used{}, false
		}
	}
	method := "AUTHENTICATION_TYPE_EMAIL_OTP"
	if s.proof.VerificationType == otpSMS {
		method = "AUTHENTICATION_TYPE_SMS_OTP"
	}
	return used{publicKey: s.PublicKey, token: true, method: method}, true
}

func (s *contactStamp) check(c *call, _ used) error {
	if _, err := c.proof(s.Token); err != nil {
		return badAttestedKey("it was issued by another organization")
	}
	way := featureOTPEmailAuth
	if s.proof.VerificationType == otpSMS {
		way = featureSMSAuth
	}
	on := false
	c.state.reading(func() { _, on = c.org.feature(way) })
	if !on {
		return switchedOff()
	}
	if err := s.Verify(c.body); err != nil {
		return badAttestedSignature(s.PublicKey)
	}
	return nil
}

func (s *contactStamp) vote() (publicKey, signature, scheme string) {
	return s.PublicKey, s.Signature, s.Scheme
}

func (s *contactStamp) unknown(org string) *refusal { return unknownContact(org) }
func (s *contactStamp) shared(org string) *refusal  { return sharedContact(org) }
