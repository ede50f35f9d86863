package oidc

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	coreos "github.com/coreos/go-oidc/v3/oidc"
)

const (
	tokenMax   = 16 << 10        // characters of an id token
	issuedSlip = 5 * time.Minute // how far in the future a token may say it was issued
)

// Token is what a genuine id token says.
type Token struct {
	Issuer        string
	Subject       string
	Audience      []string
	Nonce         string
	TKNonce       string
	Email         string
	EmailVerified bool
	Expires       time.Time
	OfTurnkey     bool // issued by this sandbox for an account of X or Discord
	OfGoogle      bool // issued by Google, or by what plays Google here
}

// Verifier judges id tokens. It is safe for parallel use.
type Verifier struct {
	own   *Provider
	now   func() time.Time
	reach *reach
}

// NewVerifier returns a Verifier that takes own's tokens without asking anybody, and every other issuer's by their
// discovery. It starts nothing.
func NewVerifier(own *Provider) *Verifier {
	return &Verifier{own: own, now: own.Now, reach: newReach()}
}

// Verify returns what an id token says if its issuer signed it (RS256 or ES256) and it is not over. Whom it is for is
// left to the caller: see Token.Audience and Token.Binds. The error says why not, and holds nothing of the token but
// its issuer.
func (v *Verifier) Verify(ctx context.Context, raw string) (Token, error) {
	head, issuer, err := peek(raw)
	if err != nil {
		return Token{}, err
	}
	h, keys, err := v.keys(ctx, issuer, head.KeyID)
	if err != nil {
		return Token{}, err
	}
	config := &coreos.Config{SkipClientIDCheck: true, SupportedSigningAlgs: []string{coreos.RS256, coreos.ES256}, Now: v.now}
	genuine, err := coreos.NewVerifier(issuer, keys, config).Verify(ctx, raw)
	if err != nil {
		if _, over := errors.AsType[*coreos.TokenExpiredError](err); over {
			return Token{}, errors.New("the token has expired")
		}
		return Token{}, errors.New("the token is not genuine: " + short(err))
	}
	t, err := v.read(genuine)
	t.OfTurnkey = h != nil && h.name == Turnkey
	t.OfGoogle = h != nil && h.name == Google || issuer == "https://accounts.google.com"
	return t, err
}

// Foreign returns the issuer that Verify would have to ask about a token, "" if it would ask nobody. Nothing of the token
// is believed: it lets a caller whom no one vouches for be turned away before anything is sent in his name.
func (v *Verifier) Foreign(raw string) (issuer string, err error) {
	head, issuer, err := peek(raw)
	if err != nil || v.ours(issuer, head.KeyID) != nil {
		return "", err
	}
	return issuer, nil
}

// ours returns which of this sandbox's own issuers signs by that name with that key, or nil.
func (v *Verifier) ours(issuer, kid string) *house {
	if h := v.own.house(issuer); h != nil && v.own.signers[h.name]().kid == kid {
		return h
	}
	return nil
}

// short is what is told of an error that may repeat what came from outside.
func short(err error) string {
	const most = 200
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// read takes over the claims of a token whose signature is checked.
func (v *Verifier) read(genuine *coreos.IDToken) (Token, error) {
	var extra struct {
		TKNonce       string          `json:"tknonce"`
		Email         string          `json:"email"`
		EmailVerified json.RawMessage `json:"email_verified"` // Apple may send a string
	}
	if err := genuine.Claims(&extra); err != nil {
		return Token{}, errors.New("the claims cannot be read")
	}
	switch now := v.now(); {
	case !now.Before(genuine.Expiry):
		return Token{}, errors.New("the token has expired")
	case genuine.IssuedAt.After(now.Add(issuedSlip)):
		return Token{}, errors.New("the token was issued in the future")
	case genuine.Subject == "" || len(genuine.Subject) > 255:
		return Token{}, errors.New("the subject is missing or too long")
	case len(genuine.Audience) == 0 || len(genuine.Audience) > 20:
		return Token{}, errors.New("the audience is missing or too long")
	}
	for _, a := range genuine.Audience {
		if a == "" || len(a) > 255 {
			return Token{}, errors.New("the audience is missing or too long")
		}
	}
	return Token{Issuer: genuine.Issuer, Subject: genuine.Subject, Audience: genuine.Audience, Nonce: genuine.Nonce, TKNonce: extra.TKNonce,
		Email: extra.Email, EmailVerified: string(extra.EmailVerified) == "true" || string(extra.EmailVerified) == `"true"`, Expires: genuine.Expiry}, nil
}

// keys returns what an issuer signs with. The keys of this sandbox's own issuers are at hand; h is which. A token that
// names one of them and another key is somebody else's: another sandbox on this machine may have the same issuers.
func (v *Verifier) keys(ctx context.Context, issuer, kid string) (h *house, keys coreos.KeySet, err error) {
	if h := v.ours(issuer, kid); h != nil {
		return h, &coreos.StaticKeySet{PublicKeys: []crypto.PublicKey{v.own.signers[h.name]().key.Public()}}, nil
	}
	found, err := v.reach.keys(ctx, issuer)
	if err != nil {
		return nil, nil, err
	}
	return nil, found, nil
}

// house returns which of the Provider's issuers an issuer is, or nil.
func (p *Provider) house(issuer string) *house {
	if p.BaseURL != "" {
		if path, ok := strings.CutPrefix(issuer, p.BaseURL); ok {
			return p.issuing(path)
		}
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "http" || !loopbackHost(u.Host) {
		return nil
	}
	return p.issuing(u.Path)
}

func (p *Provider) issuing(path string) *house {
	if h := p.houses[path]; h != nil && h.alg != "" {
		return h
	}
	return nil
}

// head is what is read of a token before anything is known of it.
type head struct {
	KeyID string `json:"kid"`
}

// peek reads who claims to have issued a token. It believes nothing.
func peek(raw string) (head, string, error) {
	var h head
	if len(raw) > tokenMax {
		return h, "", errors.New("the token is too long")
	}
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return h, "", errors.New("the token has not three parts")
	}
	var c struct {
		Issuer string `json:"iss"`
	}
	for i, into := range []any{&h, &c} {
		text, err := base64.RawURLEncoding.Strict().DecodeString(parts[i])
		if err != nil || json.Unmarshal(text, into) != nil {
			return h, "", errors.New("the token cannot be read")
		}
	}
	if c.Issuer == "" || len(c.Issuer) > 512 {
		return h, "", errors.New("the issuer is missing or too long")
	}
	return h, c.Issuer, nil
}
