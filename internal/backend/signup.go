package backend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// newcomer is who a sub-organization is made for.
type newcomer struct {
	user  turnkey.RootUserParams
	proof *token.Verification // nil for a contact that was not proven
	jwt   string              // of proof
	sig   *token.ClientSignature
	key   string // Idempotency-Key, "" for none
	body  string // hash of all that was asked for
}

// made is the answer to a sign-up.
type made struct {
	SubOrganizationID string `json:"subOrganizationId"`
	OrganizationID    string `json:"organizationId"`
	UserID            string `json:"userId"`
}

// credentialsMost is how many of each kind the service allows a user.
const credentialsMost = 10

// signup makes a sub-organization with one root user. Without a verification token its contact is stored, and proves
// nothing. The answer is the same whether or not the contact has an account.
func (b *Backend) signup(ctx context.Context, c *call) (any, error) {
	var in struct {
		UserEmail         string                        `json:"userEmail"`
		UserName          string                        `json:"userName"`
		APIKeys           []turnkey.APIKeyParams        `json:"apiKeys"`
		Authenticators    []turnkey.AuthenticatorParams `json:"authenticators"`
		OAuthProviders    []turnkey.OAuthProviderParams `json:"oauthProviders"`
		VerificationToken string                        `json:"verificationToken"`
		ClientSignature   *token.ClientSignature        `json:"clientSignature"`
	}
	if err := decode(c.Request, &in); err != nil {
		return nil, err
	}
	in.UserEmail = strings.TrimSpace(in.UserEmail)
	c.hide(in.VerificationToken, in.UserEmail, in.UserName)
	n := newcomer{
		user: turnkey.RootUserParams{UserName: strings.TrimSpace(in.UserName), UserEmail: in.UserEmail,
			APIKeys: in.APIKeys, Authenticators: in.Authenticators, OAuthProviders: in.OAuthProviders},
		jwt: in.VerificationToken, sig: in.ClientSignature, key: c.Header.Get("Idempotency-Key"),
	}
	if err := n.check(); err != nil {
		return nil, err
	}
	if n.jwt != "" {
		v, err := b.proof(n.jwt)
		if err != nil {
			return nil, err
		}
		n.proof = &v
		if err := n.claim(v); err != nil {
			return nil, err
		}
		b.about(c, v.Contact)
	} else if n.user.UserEmail == "" {
		return nil, bad("userEmail: missing")
	} else {
		b.about(c, n.user.UserEmail)
	}
	asked, err := json.Marshal([]any{n.user, n.jwt})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(asked)
	n.body = hex.EncodeToString(sum[:])

	done, err := b.joining.take(ctx, b.turnOf(n))
	if err != nil {
		return nil, fault.New(fault.Cancel, err)
	}
	defer done()
	if n.proof != nil {
		if existing, err := b.alreadyIn(ctx, n); err != nil || existing.OrganizationID != "" {
			return existing, err
		}
	}
	m, err := b.join(ctx, c, n)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// check refuses what no service would take.
func (n *newcomer) check() error {
	u := &n.user
	if u.UserEmail != "" {
		if err := checkEmail(u.UserEmail); err != nil {
			return err
		}
	}
	switch {
	case len(u.UserName) > 256:
		return bad("userName: over 256 bytes")
	case len(u.APIKeys) > credentialsMost, len(u.Authenticators) > credentialsMost, len(u.OAuthProviders) > credentialsMost:
		return bad("at most %d credentials of each kind", credentialsMost)
	case len(n.key) > 255 || strings.ContainsFunc(n.key, func(r rune) bool { return r < ' ' || r > '~' }):
		return bad("Idempotency-Key: want at most 255 printable characters")
	case n.sig != nil && n.jwt == "":
		return bad("clientSignature: there is no verificationToken that it belongs to")
	}
	for i := range u.APIKeys {
		k := &u.APIKeys[i]
		if n.sig == nil { // a signature covers every field as it is
			if k.APIKeyName == "" {
				k.APIKeyName = fmt.Sprintf("API key %d", i+1)
			}
			if k.CurveType == "" {
				k.CurveType = turnkey.CurveAPIKeyP256
			}
		}
		switch {
		case len(k.PublicKey) < 64 || len(k.PublicKey) > 66 || strings.Trim(strings.ToLower(k.PublicKey), "0123456789abcdef") != "":
			return bad("apiKeys[%d].publicKey: want a compressed key in hex", i)
		case !strings.HasPrefix(k.CurveType, "API_KEY_CURVE_"):
			return bad("apiKeys[%d].curveType: want %s or its like", i, turnkey.CurveAPIKeyP256)
		case len(k.APIKeyName) == 0 || len(k.APIKeyName) > 256:
			return bad("apiKeys[%d].apiKeyName: want 1 to 256 bytes", i)
		case k.ExpirationSeconds < 0:
			return bad("apiKeys[%d].expirationSeconds: want a positive number", i)
		}
	}
	for i, a := range u.Authenticators {
		if a.Challenge == "" || a.Attestation.CredentialID == "" || a.Attestation.ClientDataJSON == "" || a.Attestation.AttestationObject == "" {
			return bad("authenticators[%d]: want challenge and attestation", i)
		}
		if a.Attestation.Transports == nil {
			u.Authenticators[i].Attestation.Transports = []string{}
		}
	}
	for i, p := range u.OAuthProviders {
		// Claims without a token prove nothing, and would let anybody sit in another's place.
		if p.OIDCToken == "" || p.OIDCClaims != nil {
			return bad("oauthProviders[%d]: want oidcToken", i)
		}
	}
	return nil
}

// claim puts the proven contact into the user, and checks that the token's key agreed to exactly this sign-up.
func (n *newcomer) claim(v token.Verification) error {
	switch {
	case v.VerificationType == turnkey.OTPSMS:
		n.user.UserPhoneNumber = v.Contact
	case n.user.UserEmail == "":
		n.user.UserEmail = v.Contact
	case sameContact(n.user.UserEmail) != sameContact(v.Contact):
		return fault.New(fault.SignUpRefused, show("userEmail: not the address that was proven"))
	}
	usage, err := agreed(v, n.sig)
	if err != nil || usage == nil {
		return as(fault.SignUpRefused, err)
	}
	got := usage.SignupV2
	if got == nil {
		got = usage.Signup
	}
	want := token.SignupUsage{
		APIKeys: anys(n.user.APIKeys), Authenticators: anys(n.user.Authenticators), OAuthProviders: anys(n.user.OAuthProviders),
		Email: n.user.UserEmail, PhoneNumber: n.user.UserPhoneNumber,
	}
	if got == nil || !got.Equal(want) {
		return fault.New(fault.SignUpRefused, show("clientSignature: signed for something else"))
	}
	return nil
}

func anys[T any](list []T) []any {
	var out []any
	for _, v := range list {
		out = append(out, v)
	}
	return out
}
