package token

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// SchemeClient names the only scheme of client signatures: ECDSA on P-256 over the SHA-256 of the message, as r||s.
const SchemeClient = "CLIENT_SIGNATURE_SCHEME_API_P256"

// What a client signature agrees to.
const (
	UsageLogin  = "USAGE_TYPE_LOGIN"
	UsageSignup = "USAGE_TYPE_SIGNUP"
)

// messageMax is the longest message that is looked at. A sign-up with several authenticators stays far below.
const messageMax = 32 << 10

// Signer signs with one P-256 key, which it does not show. It is the same as stamp.Signer.
type Signer interface {
	PublicKey() string                                               // compressed, 66 lower-case hex characters
	Sign(ctx context.Context, digest []byte) (der []byte, err error) // over 32 bytes
}

// ClientSignature is the agreement of the key that a verification token names, as it travels.
type ClientSignature struct {
	PublicKey string `json:"publicKey"` // compressed, in hex; the token's
	Scheme    string `json:"scheme"`    // SchemeClient
	Message   string `json:"message"`   // the exact text that was signed: the JSON of a [Usage]
	Signature string `json:"signature"` // r||s, 128 hex characters
}

// Usage is what a client signature's message says. Exactly one of Login, Signup and SignupV2 is set.
type Usage struct {
	Login    *LoginUsage
	Signup   *SignupUsage // the older form, which goes with version 7 of create_sub_organization
	SignupV2 *SignupUsage
	TokenID  string // the id of the verification token
	Type     string // UsageLogin or UsageSignup
}

// LoginUsage agrees to a session of PublicKey.
type LoginUsage struct{ PublicKey string }

// SignupUsage agrees to an account with these ways in. The elements are JSON values or what encodes to them: those
// that Usage returns are map[string]any.
type SignupUsage struct {
	APIKeys        []any
	Authenticators []any
	OAuthProviders []any
	Email          string // "" when absent
	PhoneNumber    string // "" when absent
}

// SignLogin agrees, with signer's key, that the verification token tokenID starts a session of publicKey. Errors are
// the signer's.
func SignLogin(ctx context.Context, signer Signer, tokenID, publicKey string) (ClientSignature, error) {
	type login struct {
		PublicKey string `json:"publicKey"`
	}
	return sign(ctx, signer, struct {
		Login   login  `json:"login"`
		TokenID string `json:"tokenId"`
		Type    string `json:"type"`
	}{login{publicKey}, tokenID, UsageLogin})
}

// SignSignup agrees, with signer's key, that the verification token tokenID makes an account with exactly the ways in
// of u, in the form that version 8 of create_sub_organization takes. Errors are the signer's.
func SignSignup(ctx context.Context, signer Signer, tokenID string, u SignupUsage) (ClientSignature, error) {
	type signup struct {
		APIKeys        []any  `json:"apiKeys"`
		Authenticators []any  `json:"authenticators"`
		OAuthProviders []any  `json:"oauthProviders"`
		Email          string `json:"email,omitempty"`
		PhoneNumber    string `json:"phoneNumber,omitempty"`
	}
	return sign(ctx, signer, struct {
		Signup  signup `json:"signupV2"`
		TokenID string `json:"tokenId"`
		Type    string `json:"type"`
	}{signup{list(u.APIKeys), list(u.Authenticators), list(u.OAuthProviders), u.Email, u.PhoneNumber}, tokenID, UsageSignup})
}

// list spells an absent list [] and not null.
func list(v []any) []any {
	if v == nil {
		return []any{}
	}
	return v
}

func sign(ctx context.Context, signer Signer, usage any) (ClientSignature, error) {
	message, err := encode(usage)
	if err != nil {
		return ClientSignature{}, fmt.Errorf("client signature: %w", err)
	}
	sum := sha256.Sum256(message)
	der, err := signer.Sign(ctx, sum[:])
	if err != nil {
		return ClientSignature{}, fmt.Errorf("client signature: %w", err)
	}
	raw, err := p256.ToRaw(der)
	if err != nil {
		return ClientSignature{}, fmt.Errorf("client signature: %w", err)
	}
	return ClientSignature{
		PublicKey: signer.PublicKey(),
		Scheme:    SchemeClient,
		Message:   string(message),
		Signature: hex.EncodeToString(raw),
	}, nil
}

// Verify reports whether the key PublicKey signed Message. Whether that key and that message are the right ones is for
// the caller to say. Errors: fault.TokenMalformed, fault.TokenInvalid.
func (c ClientSignature) Verify() error {
	if c.Scheme != SchemeClient {
		return fault.New(fault.TokenMalformed, fmt.Errorf("client signature: unknown scheme %.64q", c.Scheme))
	}
	if len(c.Message) > messageMax {
		return fault.New(fault.TokenMalformed, fmt.Errorf("client signature: message of %d bytes, at most %d", len(c.Message), messageMax))
	}
	if len(c.PublicKey) != 66 || len(c.Signature) != 128 {
		return fault.New(fault.TokenMalformed, errors.New("client signature: want a compressed key and a signature of 64 bytes, in hex"))
	}
	pub, err := p256.ParsePublic(c.PublicKey)
	if err != nil {
		return fault.New(fault.TokenMalformed, fmt.Errorf("client signature: %w", err))
	}
	raw, err := hex.DecodeString(c.Signature)
	if err != nil {
		return fault.New(fault.TokenMalformed, errors.New("client signature: not hex"))
	}
	sum := sha256.Sum256([]byte(c.Message))
	if !p256.VerifyRaw(pub, sum[:], raw) {
		return fault.New(fault.TokenInvalid, errors.New("client signature: not by this key over this message"))
	}
	return nil
}

// Usage reads the message, which the caller has verified before. The order of its fields and the escaping of its
// strings are free: every client writes them its own way. Errors: fault.TokenMalformed.
func (c ClientSignature) Usage() (Usage, error) {
	u, err := readUsage(c.Message)
	if err != nil {
		return Usage{}, fault.New(fault.TokenMalformed, fmt.Errorf("client signature: %w", err))
	}
	return u, nil
}

func readUsage(message string) (Usage, error) {
	if len(message) > messageMax {
		return Usage{}, fmt.Errorf("message of %d bytes, at most %d", len(message), messageMax)
	}
	c, err := readClaims([]byte(message))
	if err != nil {
		return Usage{}, err
	}
	u := Usage{TokenID: c.id("tokenId"), Type: c.text("type")}
	uses := 0
	if part := c.object("login"); part != nil {
		uses++
		u.Login = &LoginUsage{PublicKey: part.key("publicKey")}
		c.join(part)
	}
	for name, to := range map[string]**SignupUsage{"signup": &u.Signup, "signupV2": &u.SignupV2} {
		if part := c.object(name); part != nil {
			uses++
			*to = &SignupUsage{
				APIKeys:        part.list("apiKeys"),
				Authenticators: part.list("authenticators"),
				OAuthProviders: part.list("oauthProviders"),
				Email:          part.optional("email"),
				PhoneNumber:    part.optional("phoneNumber"),
			}
			c.join(part)
		}
	}
	switch {
	case c.err != nil:
		return Usage{}, c.err
	case uses != 1, u.Type == UsageLogin != (u.Login != nil), u.Type != UsageLogin && u.Type != UsageSignup:
		return Usage{}, errors.New("want one usage and its type")
	}
	return u, nil
}

// Equal reports whether u and v agree to the same, comparing JSON values: an absent list is an empty one, and neither
// the order of fields nor the Go types behind them count.
func (u SignupUsage) Equal(v SignupUsage) bool {
	return u.Email == v.Email && u.PhoneNumber == v.PhoneNumber && sameList(u.APIKeys, v.APIKeys) &&
		sameList(u.Authenticators, v.Authenticators) && sameList(u.OAuthProviders, v.OAuthProviders)
}

func sameList(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	left, errLeft := plain(a)
	right, errRight := plain(b)
	return errLeft == nil && errRight == nil && reflect.DeepEqual(left, right)
}

// plain turns a list into what reading its JSON gives.
func plain(v []any) (any, error) {
	text, err := encode(map[string]any{"list": list(v)})
	if err != nil {
		return nil, err
	}
	object, err := readObject(text)
	return object["list"], err
}
