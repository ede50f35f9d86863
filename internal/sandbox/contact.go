package sandbox

import "latchkey/internal/token"

// updateUserEmail gives a user another e-mail address, or none. A verification token proves that it is the user's.
type updateUserEmail struct {
	UserID            string  `json:"userId" need:"text"`
	UserEmail         *string `json:"userEmail" need:"yes"`
	VerificationToken string  `json:"verificationToken,omitempty"`

	proven bool
}

func (in *updateUserEmail) prepare(c *call) (err error) {
	in.proven, err = c.proves(in.VerificationToken, otpEmail, *in.UserEmail)
	return err
}

func (in *updateUserEmail) run(t *tx) (any, error) {
	u, err := t.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	next := *u
	if err := next.setEmail(*in.UserEmail, in.proven); err != nil {
		return nil, err
	}
	return t.updated(next)
}

// updateUserPhoneNumber is the same for a phone number.
type updateUserPhoneNumber struct {
	UserID            string  `json:"userId" need:"text"`
	UserPhoneNumber   *string `json:"userPhoneNumber" need:"yes"`
	VerificationToken string  `json:"verificationToken,omitempty"`

	proven bool
}

func (in *updateUserPhoneNumber) prepare(c *call) (err error) {
	in.proven, err = c.proves(in.VerificationToken, otpSMS, *in.UserPhoneNumber)
	return err
}

func (in *updateUserPhoneNumber) run(t *tx) (any, error) {
	u, err := t.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	next := *u
	if err := next.setPhone(*in.UserPhoneNumber, in.proven); err != nil {
		return nil, err
	}
	return t.updated(next)
}

// proves reports whether a token was given, and checks that it proves this very contact.
func (c *call) proves(jwt, kind, contact string) (bool, error) {
	if jwt == "" {
		return false, nil
	}
	v, err := c.proof(jwt)
	if err != nil {
		return false, err
	}
	if v.VerificationType != kind || contact == "" || !sameContact(v, contact) {
		return false, badToken("it does not prove this contact")
	}
	return true, nil
}

func sameContact(v token.Verification, contact string) bool {
	if v.VerificationType == otpEmail {
		return sameEmail(v.Contact) == sameEmail(contact)
	}
	return v.Contact == contact
}

// setEmail gives u, a version that is not installed yet, that address; "" takes it away. What was proven before stays
// so while the address is the same.
func (u *user) setEmail(email string, proven bool) error {
	if email != "" {
		if err := checkEmail(email); err != nil {
			return err
		}
	}
	u.emailVerified = proven || u.emailVerified && sameEmail(email) == sameEmail(u.email)
	u.email = email
	return nil
}

// setPhone is setEmail for a phone number.
func (u *user) setPhone(phone string, proven bool) error {
	if phone != "" {
		if err := checkPhone(phone); err != nil {
			return err
		}
	}
	u.phoneVerified = proven || u.phoneVerified && phone == u.phone
	u.phone = phone
	return nil
}
