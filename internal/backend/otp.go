package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

const (
	codeLife = 5 * time.Minute
	triesMax = 3 // wrong guesses that end a code, at the service too
)

// attempt is what is remembered of a code that was sent, by its otpId.
type attempt struct {
	encrypted bool // which generation it was begun in, and must be finished in
	contact   string
	ends      time.Time
	wrong     int
}

// otpInit sends a code. The answer is the same whether or not the contact has an account.
func (b *Backend) otpInit(ctx context.Context, c *call) (any, error) {
	var in struct {
		OTPType   string `json:"otpType"`
		Contact   string `json:"contact"`
		Email     string `json:"email"`
		Encrypted bool   `json:"encrypted"`
	}
	if err := decode(c.Request, &in); err != nil {
		return nil, err
	}
	if in.Contact == "" {
		in.Contact = in.Email
	}
	contact, kind, err := contactOf(in.Contact, in.OTPType)
	c.hide(in.Contact, in.Email)
	if err != nil {
		return nil, err
	}
	b.about(c, contact)
	who := b.hash("limit", sameContact(contact))
	if err := b.addressSends.take(network(c.RemoteAddr)); err != nil {
		return nil, err
	}
	if err := b.contactSends.take(who); err != nil {
		return nil, err
	}
	send := b.api.InitOTPPlain
	if in.Encrypted {
		send = b.api.InitOTP
	}
	sent, err := send(ctx, b.c.OrganizationID, turnkey.InitOTPParams{
		OTPType: kind, Contact: contact, AppName: b.c.AppName,
		OTPLength: b.c.OTPLength, Alphanumeric: &b.c.OTPAlphanumeric,
		UserIdentifier: who, ExpirationSeconds: turnkey.Seconds(codeLife.Seconds()),
	})
	if err != nil {
		return nil, upstream(err)
	}
	if sent.OTPID == "" || in.Encrypted && sent.EncryptionTarget == "" {
		return nil, fault.New(fault.APIDown, errors.New("init_otp answered without an id or a target"))
	}
	b.attempts.put(sent.OTPID, attempt{encrypted: in.Encrypted, contact: c.contact, ends: b.c.Now().Add(codeLife)})
	return struct {
		OTPID            string `json:"otpId"`
		EncryptionTarget string `json:"otpEncryptionTargetBundle,omitempty"`
		Length           int    `json:"otpLength"`
		Alphanumeric     bool   `json:"otpAlphanumeric"`
		ExpiresInSeconds int    `json:"expiresInSeconds"`
		MaxTries         int    `json:"maxTries"`
	}{sent.OTPID, sent.EncryptionTarget, b.c.OTPLength, b.c.OTPAlphanumeric, int(codeLife.Seconds()), triesMax}, nil
}

// guess is an answer to a code.
type guess struct {
	OTPID              string `json:"otpId"`
	EncryptedOTPBundle string `json:"encryptedOtpBundle"`
	OTPCode            string `json:"otpCode"`
	PublicKey          string `json:"publicKey"`
}

// otpVerify trades a code for a verification token, and says where its contact lives, if anywhere.
func (b *Backend) otpVerify(ctx context.Context, c *call) (any, error) {
	var in guess
	if err := decode(c.Request, &in); err != nil {
		return nil, err
	}
	c.hide(in.OTPCode, in.EncryptedOTPBundle)
	in.OTPID = strings.ToLower(in.OTPID) // one code has one count, however its id is spelt
	switch {
	case !isUUID(in.OTPID):
		return nil, bad("otpId: want the id that /otp/init answered")
	case in.EncryptedOTPBundle != "" && in.OTPCode != "":
		return nil, fault.New(fault.GenerationMix, show("want encryptedOtpBundle or otpCode, not both"))
	case in.EncryptedOTPBundle == "" && (len(in.OTPCode) == 0 || len(in.OTPCode) > 32):
		return nil, bad("want encryptedOtpBundle or otpCode")
	case in.PublicKey != "" && !isKey(in.PublicKey):
		return nil, bad("publicKey: want a compressed P-256 key in lower-case hex")
	}
	jwt, err := b.judge(ctx, c, in)
	if err != nil {
		return nil, err
	}
	c.hide(jwt)
	v, err := b.proof(jwt)
	if err != nil {
		return nil, fault.New(fault.APIRefused, fmt.Errorf("verify_otp answered with a token that is not genuine: %w", err))
	}
	b.about(c, v.Contact)
	out := struct {
		VerificationToken string `json:"verificationToken"`
		SubOrganizationID string `json:"subOrganizationId,omitempty"`
	}{VerificationToken: jwt}
	// The code is used up: a look-up that fails must not take the token with it. Login and sign-up look again.
	if out.SubOrganizationID, err = b.accountOf(ctx, v); err != nil {
		b.c.Log.Warn("look-up after a code", "id", c.id, "contact", c.contact, "reason", string(fault.CodeOf(err)))
	}
	return out, nil
}

// judge has the service look at a guess, and keeps count: one guess at a time for each code, and none after the
// third wrong one, even if the service should still listen.
func (b *Backend) judge(ctx context.Context, c *call, in guess) (verificationToken string, err error) {
	done, err := b.guesses.take(ctx, in.OTPID)
	if err != nil {
		return "", fault.New(fault.Cancel, err)
	}
	defer done()
	encrypted := in.EncryptedOTPBundle != ""
	a, known := b.attempts.get(in.OTPID) // not known: begun before a restart, or with another replica
	if known {
		c.contact = a.contact
		switch {
		case a.encrypted != encrypted:
			return "", fault.New(fault.GenerationMix, show("this log-in was begun with a code of the other kind"))
		case a.wrong >= triesMax:
			return "", fault.New(fault.OTPLocked, nil)
		case !b.c.Now().Before(a.ends):
			return "", fault.New(fault.OTPExpired, nil)
		}
	}
	if encrypted {
		verificationToken, err = b.api.VerifyOTP(ctx, b.c.OrganizationID, turnkey.VerifyOTPParams{
			OTPID: in.OTPID, EncryptedOTPBundle: in.EncryptedOTPBundle})
	} else {
		verificationToken, err = b.api.VerifyOTPPlain(ctx, b.c.OrganizationID, turnkey.VerifyOTPPlainParams{
			OTPID: in.OTPID, OTPCode: in.OTPCode, PublicKey: in.PublicKey})
	}
	switch {
	case err == nil:
		b.attempts.drop(in.OTPID)
		return verificationToken, nil
	case fault.CodeOf(err) != fault.OTPWrong:
		return "", upstream(err)
	case !known: // how many tries are left, the service alone knows
		return "", &fault.Error{Kind: fault.OTPWrong.Kind(), Code: fault.OTPWrong, TriesLeft: -1, Err: err}
	}
	a.wrong++
	b.attempts.put(in.OTPID, a)
	if a.wrong >= triesMax {
		return "", fault.New(fault.OTPLocked, err)
	}
	return "", &fault.Error{Kind: fault.OTPWrong.Kind(), Code: fault.OTPWrong, TriesLeft: triesMax - a.wrong, Err: err}
}

// proof reads a verification token and believes it only if it is genuine, not over, and made for this organization.
// Tokens of plain codes name no organization; the service refuses those of others where they are used. Errors:
// fault.TokenMalformed, fault.TokenInvalid, fault.TokenForeign, fault.TokenExpired.
func (b *Backend) proof(jwt string) (token.Verification, error) {
	v, err := token.VerifyVerification(jwt, b.keys.fetcher, b.keys.legacyOTPs, b.c.Now())
	if err != nil {
		return token.Verification{}, err
	}
	if !v.Legacy && v.OrganizationID != b.c.OrganizationID {
		return token.Verification{}, fault.New(fault.TokenForeign, errors.New("a verification token of another organization"))
	}
	if v.VerificationType != turnkey.OTPEmail && v.VerificationType != turnkey.OTPSMS {
		return token.Verification{}, fault.New(fault.TokenMalformed, errors.New("a verification token of an unknown type"))
	}
	return v, nil
}
