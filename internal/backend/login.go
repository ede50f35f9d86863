package backend

import (
	"context"
	"errors"
	"fmt"

	"latchkey/internal/fault"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// otpLogin trades a verification token for a session of a key. A contact without an account gets one if its token
// names no key; with a key the device must sign what is made in its name, at /signup.
func (b *Backend) otpLogin(ctx context.Context, c *call) (any, error) {
	var in struct {
		VerificationToken  string                 `json:"verificationToken"`
		PublicKey          string                 `json:"publicKey"`
		ClientSignature    *token.ClientSignature `json:"clientSignature"`
		ExpirationSeconds  turnkey.Seconds        `json:"expirationSeconds"`
		InvalidateExisting bool                   `json:"invalidateExisting"`
	}
	if err := decode(c.Request, &in); err != nil {
		return nil, err
	}
	c.hide(in.VerificationToken)
	switch {
	case in.VerificationToken == "":
		return nil, bad("verificationToken: missing")
	case !isKey(in.PublicKey):
		return nil, bad("publicKey: want a compressed P-256 key in lower-case hex")
	case in.ExpirationSeconds < 0 || in.ExpirationSeconds > sessionMost:
		return nil, bad("expirationSeconds: want 1 to %d", sessionMost)
	case in.ExpirationSeconds == 0:
		in.ExpirationSeconds = turnkey.Seconds(b.c.SessionSeconds)
	}
	v, err := b.proof(in.VerificationToken)
	if err != nil {
		return nil, err
	}
	b.about(c, v.Contact)
	if err := agreedToLogin(v, in.ClientSignature, in.PublicKey); err != nil {
		return nil, err
	}
	organizationID, err := b.accountFor(ctx, c, v, in.VerificationToken)
	if err != nil {
		return nil, err
	}
	params := turnkey.OTPLoginParams{
		VerificationToken: in.VerificationToken,
		LoginParams: turnkey.LoginParams{
			PublicKey: in.PublicKey, ExpirationSeconds: in.ExpirationSeconds, InvalidateExisting: in.InvalidateExisting},
		ClientSignature: (*turnkey.ClientSignature)(in.ClientSignature),
	}
	login := b.api.OTPLogin
	if v.Legacy {
		login = b.api.OTPLoginPlain
	}
	jwt, err := login(ctx, organizationID, params)
	if err != nil {
		return nil, refusedAs(fault.LoginRefused, err)
	}
	s, err := token.VerifySessionSignature(jwt, b.keys.notarizer)
	if err == nil && (s.PublicKey != in.PublicKey || s.OrganizationID != organizationID) {
		err = errors.New("it names another key or organization")
	}
	if err != nil {
		return nil, fault.New(fault.APIRefused, fmt.Errorf("otp_login answered with a session that is not ours: %w", err))
	}
	return struct { // one session under the three names that clients look for
		Session        string `json:"session"`
		SessionToken   string `json:"sessionToken"`
		Token          string `json:"token"`
		OrganizationID string `json:"organizationId"`
		UserID         string `json:"userId"`
	}{jwt, jwt, jwt, s.OrganizationID, s.UserID}, nil
}

// accountFor returns the organization in which the contact logs in.
func (b *Backend) accountFor(ctx context.Context, c *call, v token.Verification, jwt string) (string, error) {
	done, err := b.joining.take(ctx, b.hash("join", sameContact(v.Contact)))
	if err != nil {
		return "", fault.New(fault.Cancel, err)
	}
	defer done()
	id, err := b.accountOf(ctx, v)
	if err != nil || id != "" {
		return id, err
	}
	if v.PublicKey != "" {
		return "", fault.New(fault.AccountUnknown, errors.New("no organization for the proven contact"))
	}
	made, err := b.join(ctx, c, newcomer{proof: &v, jwt: jwt})
	return made.OrganizationID, err
}

// agreedToLogin checks that the key which a token names has signed the log-in of publicKey. A token without a key
// is a bearer's.
func agreedToLogin(v token.Verification, sig *token.ClientSignature, publicKey string) error {
	usage, err := agreed(v, sig)
	if err != nil || usage == nil {
		return as(fault.LoginRefused, err)
	}
	if usage.Login == nil || usage.Login.PublicKey != publicKey {
		return fault.New(fault.LoginRefused, show("clientSignature: signed for something else"))
	}
	return nil
}

// agreed returns what the key of a token signed; nil when the token names no key.
func agreed(v token.Verification, sig *token.ClientSignature) (*token.Usage, error) {
	switch {
	case v.PublicKey == "":
		return nil, nil
	case sig == nil:
		return nil, show("clientSignature: missing, and the token names a key")
	case sig.PublicKey != v.PublicKey:
		return nil, show("clientSignature: not by the key that the token names")
	}
	if err := sig.Verify(); err != nil {
		return nil, show("clientSignature: does not verify")
	}
	u, err := sig.Usage()
	if err != nil {
		return nil, show("clientSignature: its message cannot be read")
	}
	if u.TokenID != v.ID {
		return nil, show("clientSignature: signed for another token")
	}
	return &u, nil
}

// as gives err a code; nil stays nil.
func as(code fault.Code, err error) error {
	if err == nil {
		return nil
	}
	return fault.New(code, err)
}
