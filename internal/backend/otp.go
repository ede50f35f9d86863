package backend

import (
	"cmp"
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

// wish is a code to be sent.
type wish struct {
	contact, kind string // kind may be empty
	encrypted     bool
	templateID    string // of the e-mail; "" is the configuration's
}

// send sends a code: the step that every family takes. What comes back is the same whether or not the contact has an
// account.
func (b *Backend) send(ctx context.Context, c *call, w wish) (turnkey.InitOTPResult, error) {
	var none turnkey.InitOTPResult
	contact, kind, err := contactOf(w.contact, w.kind)
	c.hide(w.contact, w.templateID)
	if err != nil {
		return none, err
	}
	b.about(c, contact)
	method := methodEmail
	if kind == turnkey.OTPSMS {
		method = methodSMS
	}
	if err := b.allows(method); err != nil {
		return none, err
	}
	ctx = first(ctx)
	who, err := b.maySend(ctx, c.from, contact)
	if err != nil {
		return none, err
	}
	init := b.api.InitOTPPlain
	if w.encrypted {
		init = b.api.InitOTP
	}
	p := turnkey.InitOTPParams{
		OTPType: kind, Contact: contact, AppName: b.c.AppName,
		OTPLength: b.c.OTPLength, Alphanumeric: &b.c.OTPAlphanumeric,
		UserIdentifier: who, ExpirationSeconds: turnkey.Seconds(codeLife.Seconds()),
	}
	if kind == turnkey.OTPSMS {
		if b.c.SMSTemplate != "" {
			p.SMSCustomization = &turnkey.SMSCustomization{Template: b.c.SMSTemplate}
		}
	} else if look := b.mailLook(w.templateID); look != (turnkey.EmailCustomization{}) {
		p.EmailCustomization = &look
	}
	sent, err := init(ctx, b.c.OrganizationID, p)
	if err != nil {
		return none, upstream(err)
	}
	if sent.OTPID == "" || w.encrypted && sent.EncryptionTarget == "" {
		return none, fault.New(fault.APIDown, errors.New("init_otp answered without an id or a target"))
	}
	return sent, b.kept.attempts.begin(ctx, strings.ToLower(sent.OTPID), attempt{encrypted: w.encrypted, contact: c.contact})
}

// mailLook is how e-mails look.
func (b *Backend) mailLook(templateID string) turnkey.EmailCustomization {
	return turnkey.EmailCustomization{
		LogoURL: b.c.LogoURL, MagicLinkTemplate: b.c.MagicLink, TemplateID: cmp.Or(templateID, b.c.EmailTemplateID)}
}

// otpInitIn asks for a code.
type otpInitIn struct {
	OTPType   string `json:"otpType"`
	Contact   string `json:"contact"`
	Email     string `json:"email"`
	Encrypted bool   `json:"encrypted"`
}

// otpInitOut names the code that was sent, and says what to expect of it.
type otpInitOut struct {
	OTPID            string `json:"otpId"`
	EncryptionTarget string `json:"otpEncryptionTargetBundle,omitempty"`
	Length           int    `json:"otpLength"`
	Alphanumeric     bool   `json:"otpAlphanumeric"`
	ExpiresInSeconds int    `json:"expiresInSeconds"`
	MaxTries         int    `json:"maxTries"`
}

func (b *Backend) otpInit(ctx context.Context, c *call, in otpInitIn) (otpInitOut, error) {
	c.hide(in.Email)
	sent, err := b.send(ctx, c, wish{contact: cmp.Or(in.Contact, in.Email), kind: in.OTPType, encrypted: in.Encrypted})
	if err != nil {
		return otpInitOut{}, err
	}
	return otpInitOut{sent.OTPID, sent.EncryptionTarget, b.c.OTPLength, b.c.OTPAlphanumeric, int(codeLife.Seconds()), triesMax}, nil
}

// guess is an answer to a code.
type guess struct {
	OTPID              string `json:"otpId"`
	EncryptedOTPBundle string `json:"encryptedOtpBundle"`
	OTPCode            string `json:"otpCode"`
	PublicKey          string `json:"publicKey"`
}

// prove trades a code for a verification token: the step that every family takes.
func (b *Backend) prove(ctx context.Context, c *call, in guess) (string, token.Verification, error) {
	c.hide(in.OTPCode, in.EncryptedOTPBundle)
	in.OTPID = strings.ToLower(in.OTPID) // one code has one count, however its id is spelt
	var wrong error
	switch {
	case !isUUID(in.OTPID):
		wrong = bad("otpId: want the id that /otp/init answered")
	case in.EncryptedOTPBundle != "" && in.OTPCode != "":
		wrong = fault.New(fault.GenerationMix, show("want encryptedOtpBundle or otpCode, not both"))
	case in.EncryptedOTPBundle == "" && (len(in.OTPCode) == 0 || len(in.OTPCode) > 32):
		wrong = bad("want encryptedOtpBundle or otpCode")
	case in.PublicKey != "" && !isKey(in.PublicKey):
		wrong = bad("publicKey: want a compressed P-256 key in lower-case hex")
	}
	if wrong != nil {
		return "", token.Verification{}, wrong
	}
	jwt, err := b.judge(ctx, c, in)
	if err != nil {
		return "", token.Verification{}, err
	}
	c.hide(jwt)
	v, err := b.proof(jwt)
	if err != nil {
		return "", token.Verification{}, fault.New(fault.APIRefused, fmt.Errorf("verify_otp answered with a token that is not genuine: %w", err))
	}
	b.about(c, v.Contact)
	b.befriend(ctx, c.from, v.Contact)
	return jwt, v, nil
}

// otpVerifyOut is the token, and where its contact lives, if anywhere.
type otpVerifyOut struct {
	VerificationToken string `json:"verificationToken"`
	SubOrganizationID string `json:"subOrganizationId,omitempty"`
}

func (b *Backend) otpVerify(ctx context.Context, c *call, in guess) (out otpVerifyOut, err error) {
	jwt, v, err := b.prove(ctx, c, in)
	if err != nil {
		return out, err
	}
	out.VerificationToken = jwt
	// The code is used up: a look-up that fails must not take the token with it. Login and sign-up look again.
	if out.SubOrganizationID, err = b.accountOf(ctx, v); err != nil {
		b.c.Log.Warn("look-up after a code", "id", c.id, "contact", c.contact, "reason", string(fault.CodeOf(err)))
	}
	return out, nil
}

// judge has the service look at a guess. It is counted before, and no code gets more than triesMax, even if the service
// should still listen. A guess whose judgement was never heard of stays counted.
func (b *Backend) judge(ctx context.Context, c *call, in guess) (verificationToken string, err error) {
	ctx = first(ctx)
	encrypted := in.EncryptedOTPBundle != ""
	a, known, err := b.kept.attempts.spend(ctx, in.OTPID, encrypted)
	switch {
	case err != nil:
		return "", err
	case !known && b.kept.shared:
		return "", fault.New(fault.OTPExpired, nil)
	case !known: // begun before a restart, which the service alone remembers
	case a.encrypted != encrypted:
		return "", fault.New(fault.GenerationMix, show("this log-in was begun with a code of the other kind"))
	case a.tries > triesMax:
		return "", fault.New(fault.OTPLocked, nil)
	case a.over:
		return "", fault.New(fault.OTPExpired, nil)
	}
	if known {
		c.contact = a.contact
	}
	wrong := b.wrongGuesses(c.from)
	if a.tries != 1 {
		if err := b.kept.limits.room(ctx, wrong...); err != nil {
			return "", errors.Join(err, b.kept.attempts.refund(ctx, in.OTPID))
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
	case err == nil: // the code is used up, whether or not that can be kept
		_ = b.kept.attempts.finish(ctx, in.OTPID)
		return verificationToken, nil
	case fault.CodeOf(err) != fault.OTPWrong && lost(err):
		return "", upstream(err)
	case fault.CodeOf(err) != fault.OTPWrong:
		_ = b.kept.attempts.refund(ctx, in.OTPID) // else it stays counted
		return "", upstream(err)
	}
	_ = b.kept.limits.take(ctx, wrong...) // the next guess finds it full, or its try taken
	switch {
	case !known: // how many tries are left, the service alone knows
		return "", &fault.Error{Kind: fault.OTPWrong.Kind(), Code: fault.OTPWrong, TriesLeft: -1, Err: err}
	case a.tries >= triesMax:
		return "", fault.New(fault.OTPLocked, err)
	}
	return "", &fault.Error{Kind: fault.OTPWrong.Kind(), Code: fault.OTPWrong, TriesLeft: triesMax - a.tries, Err: err}
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
