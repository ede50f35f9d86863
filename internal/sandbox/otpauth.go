package sandbox

import "latchkey/internal/token"

// initOTPAuth sends a user of the organization a code that is good for a key in a bundle, and for nothing else. It is
// the second version; the others differ in what may be said about the code.
type initOTPAuth struct{ initOTP }

func (in *initOTPAuth) complete() error {
	in.ExpirationSeconds = ""
	return nil
}

// initOTPAuthV1 always sends the usual code.
type initOTPAuthV1 struct{ initOTPAuth }

func (in *initOTPAuthV1) complete() error {
	in.OTPLength, in.Alphanumeric, in.ExpirationSeconds = nil, nil, ""
	return nil
}

// initOTPAuthV3 wants the app's name.
type initOTPAuthV3 struct{ initOTPNamed }

func (in *initOTPAuth) run(t *tx) (any, error)   { return in.sendToUser(t, in.EmailCustomization.app()) }
func (in *initOTPAuthV3) run(t *tx) (any, error) { return in.sendToUser(t, in.AppName) }

// matter shows policies how long the code is. The first version has no length.
func (in *initOTPAuth) matter(*call) matter {
	return matter{params: map[string]any{"otp_length": in.length()}}
}
func (in *initOTPAuthV1) matter(*call) matter { return matter{} }
func (in *initOTPAuthV3) matter(*call) matter {
	return matter{params: map[string]any{"otp_length": in.length()}}
}

// sendToUser sends the code if it will lead to a user.
func (in *initOTP) sendToUser(t *tx, app string) (any, error) {
	if err := checkContact(in.OTPType, in.Contact); err != nil {
		return nil, err
	}
	if _, err := t.contact(token.Verification{VerificationType: in.OTPType, Contact: in.Contact}); err != nil {
		return nil, err
	}
	return in.send(t, app, codeForKey)
}

// otpAuth takes the code and hands over the key.
type otpAuth struct {
	bundled
	OTPID   string `json:"otpId" need:"text"`
	OTPCode string `json:"otpCode" need:"text"`
}

func (in *otpAuth) run(t *tx) (any, error) {
	o, err := t.findOTP(in.OTPID)
	if err != nil {
		return nil, err
	}
	if !o.forKey {
		return nil, invalid("this OTP was not initiated for ACTIVITY_TYPE_OTP_AUTH")
	}
	if err := t.guess(o, in.OTPCode); err != nil {
		return nil, err
	}
	u, err := t.contact(token.Verification{VerificationType: o.kind, Contact: o.contact})
	if err != nil {
		return nil, err
	}
	k := in.hand(t, u, credentialOTPAuth, "OTP Auth")
	return struct {
		UserID           string `json:"userId"`
		APIKeyID         string `json:"apiKeyId"`
		CredentialBundle string `json:"credentialBundle"`
	}{u.id.String(), k.id.String(), in.sealed}, nil
}
