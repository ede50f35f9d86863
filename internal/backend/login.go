package backend

import (
	"context"
	"errors"
	"fmt"

	"latchkey/internal/fault"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// entry is a session that is asked for.
type entry struct {
	publicKey      string
	seconds        turnkey.Seconds // 0 is the configuration's
	invalidate     bool
	organizationID string // where to, "" for wherever the proof leads
	orElsewhere    bool   // that is only a hint
}

// check refuses what no service would take, and fills in the length.
func (e *entry) check(c Config) error {
	switch {
	case !isKey(e.publicKey):
		return bad("publicKey: want a compressed P-256 key in lower-case hex")
	case e.organizationID != "" && !isUUID(e.organizationID):
		return bad("organizationId: want a UUID")
	case e.seconds < 0 || e.seconds > sessionMost:
		return bad("expirationSeconds: want 1 to %d", sessionMost)
	case e.seconds == 0:
		e.seconds = turnkey.Seconds(c.SessionSeconds)
	}
	return nil
}

func (e entry) params() turnkey.LoginParams {
	return turnkey.LoginParams{PublicKey: e.publicKey, ExpirationSeconds: e.seconds, InvalidateExisting: e.invalidate}
}

// session is one session under the names that clients look for.
type session struct {
	Session        string `json:"session"`
	SessionToken   string `json:"sessionToken"`
	Token          string `json:"token"`
	OrganizationID string `json:"organizationId"`
	UserID         string `json:"userId"`
}

// begun reads the session that the service answered with, and believes it only if it is genuine and the one that was
// asked for.
func (b *Backend) begun(jwt, publicKey, organizationID string) (session, error) {
	s, err := token.VerifySessionSignature(jwt, b.keys.notarizer)
	if err == nil && (s.PublicKey != publicKey || s.OrganizationID != organizationID) {
		err = errors.New("it names another key or organization")
	}
	if err != nil {
		return session{}, fault.New(fault.APIRefused, fmt.Errorf("the service answered a log-in with a session that is not ours: %w", err))
	}
	return session{jwt, jwt, jwt, s.OrganizationID, s.UserID}, nil
}

// ticket is a proof that may be traded for a session.
type ticket struct {
	jwt string // the verification token
	sig *token.ClientSignature
	// joins makes an account for a contact that has none, if its token names no key; with a key the device must sign
	// what is made in its name.
	joins bool
}

// enter trades a verification token for a session: the step that every family takes.
func (b *Backend) enter(ctx context.Context, c *call, t ticket, e entry) (session, error) {
	ctx = first(ctx)
	c.hide(t.jwt)
	if t.jwt == "" {
		return session{}, bad("verificationToken: missing")
	}
	if err := e.check(b.c); err != nil {
		return session{}, err
	}
	v, err := b.proof(t.jwt)
	if err != nil {
		return session{}, err
	}
	b.about(c, v.Contact)
	if err := agreedToLogin(v, t.sig, e.publicKey); err != nil {
		return session{}, err
	}
	organizationID, err := b.accountFor(ctx, c, v, t, e)
	if err != nil {
		return session{}, err
	}
	login := b.api.OTPLogin
	if v.Legacy {
		login = b.api.OTPLoginPlain
	}
	jwt, err := login(ctx, organizationID, turnkey.OTPLoginParams{
		VerificationToken: t.jwt, LoginParams: e.params(), ClientSignature: (*turnkey.ClientSignature)(t.sig)})
	if err != nil {
		return session{}, refusedAs(fault.LoginRefused, err)
	}
	return b.begun(jwt, e.publicKey, organizationID)
}

// otpLoginIn asks for a session.
type otpLoginIn struct {
	VerificationToken  string                 `json:"verificationToken"`
	PublicKey          string                 `json:"publicKey"`
	ClientSignature    *token.ClientSignature `json:"clientSignature"`
	ExpirationSeconds  turnkey.Seconds        `json:"expirationSeconds"`
	InvalidateExisting bool                   `json:"invalidateExisting"`
}

func (b *Backend) otpLogin(ctx context.Context, c *call, in otpLoginIn) (session, error) {
	return b.enter(ctx, c, ticket{in.VerificationToken, in.ClientSignature, true},
		entry{publicKey: in.PublicKey, seconds: in.ExpirationSeconds, invalidate: in.InvalidateExisting})
}

// accountFor returns the organization in which the contact logs in: the one that e names, if the contact may enter it.
func (b *Backend) accountFor(ctx context.Context, c *call, v token.Verification, t ticket, e entry) (string, error) {
	turn, err := b.kept.joining.take(ctx, b.hash("join", sameContact(v.Contact)))
	if err != nil {
		return "", err
	}
	defer turn.done()
	if e.organizationID != "" {
		err := b.mayEnter(ctx, v, e.organizationID)
		if err == nil || !e.orElsewhere || fault.CodeOf(err) != fault.LoginRefused {
			return e.organizationID, err
		}
	}
	id, err := b.accountOf(ctx, v)
	if err != nil || id != "" {
		return id, err
	}
	if v.PublicKey != "" || !t.joins {
		return "", fault.New(fault.AccountUnknown, errors.New("no organization for the proven contact"))
	}
	made, err := b.join(ctx, c, newcomer{proof: &v, jwt: t.jwt, turn: turn})
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
