package backend

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// newcomer is who a sub-organization is made for.
type newcomer struct {
	user   turnkey.RootUserParams
	wallet *turnkey.SubOrgWallet // nil for none
	jwt    string                // verification token, "" for a contact that was not proven
	sig    *token.ClientSignature
	key    string // Idempotency-Key, "" for none

	// attested says that the device logs in by the token itself, straight at the service, which only finds a contact
	// where it was proven: an organization that merely carries it will not do.
	attested bool

	// what enrol finds out
	proof *token.Verification // of jwt
	older bool                // the key of the token agreed in the older form, which version 7 alone takes
	body  string              // keyed hash of all that was asked for
	turn  place               // under which it is made
}

// made is what a sign-up made.
type made struct {
	OrganizationID string
	UserID         string
	Wallet         *wallet
}

// wallet is what was made with an organization.
type wallet struct {
	WalletID  string   `json:"walletId"`
	Addresses []string `json:"addresses"`
}

// credentialsMost is how many of each kind the service allows a user.
const credentialsMost = 10

// signupIn asks for a sub-organization, in the words of either document: the one's fields begin with user, the other's
// are those of the handler that it writes out, which makes a wallet too.
type signupIn struct {
	Email   string                       `json:"email"`
	Phone   string                       `json:"phone"`
	Passkey *swiftPasskey                `json:"passkey"`
	OAuth   *turnkey.OAuthProviderParams `json:"oauth"`

	UserEmail         string                        `json:"userEmail"`
	UserPhoneNumber   string                        `json:"userPhoneNumber"`
	UserName          string                        `json:"userName"`
	APIKeys           []turnkey.APIKeyParams        `json:"apiKeys"`
	Authenticators    []turnkey.AuthenticatorParams `json:"authenticators"`
	OAuthProviders    []turnkey.OAuthProviderParams `json:"oauthProviders"`
	VerificationToken string                        `json:"verificationToken"`
	ClientSignature   *token.ClientSignature        `json:"clientSignature"`
}

// signupOut names what was made, under both names that clients look for.
type signupOut struct {
	SubOrganizationID string `json:"subOrganizationId"`
	OrganizationID    string `json:"organizationId"`
	UserID            string `json:"userId"`
}

func (b *Backend) signup(ctx context.Context, c *call, in signupIn) (signupOut, error) {
	if in.Email != "" || in.Phone != "" || in.Passkey != nil || in.OAuth != nil {
		n := swiftCreateIn{Email: in.Email, Phone: in.Phone, Passkey: in.Passkey, OAuth: in.OAuth, OAuthProviders: in.OAuthProviders, APIKeys: in.APIKeys}.newcomer()
		n.jwt, n.sig, n.user.UserName = in.VerificationToken, in.ClientSignature, in.UserName
		n.user.UserEmail, n.user.UserPhoneNumber = cmp.Or(in.Email, in.UserEmail), cmp.Or(in.Phone, in.UserPhoneNumber)
		n.user.Authenticators = append(n.user.Authenticators, in.Authenticators...)
		m, err := b.enrol(ctx, c, n)
		return signupOut{m.OrganizationID, m.OrganizationID, m.UserID}, err
	}
	byWallet := slices.ContainsFunc(in.APIKeys, func(k turnkey.APIKeyParams) bool { return k.CurveType != turnkey.CurveAPIKeyP256 })
	if in.VerificationToken == "" && strings.TrimSpace(in.UserEmail) == "" && len(in.OAuthProviders)+len(in.Authenticators) == 0 && !byWallet {
		return signupOut{}, bad("userEmail: missing")
	}
	m, err := b.enrol(ctx, c, newcomer{
		user: turnkey.RootUserParams{UserName: in.UserName, UserEmail: in.UserEmail, UserPhoneNumber: in.UserPhoneNumber,
			APIKeys: in.APIKeys, Authenticators: in.Authenticators, OAuthProviders: in.OAuthProviders},
		jwt: in.VerificationToken, sig: in.ClientSignature,
	})
	return signupOut{m.OrganizationID, m.OrganizationID, m.UserID}, err
}

// enrol makes a sub-organization with one root user: the step that every family takes. Without a verification token
// its contact is stored, and proves nothing. What comes back is the same whether or not the contact has an account.
func (b *Backend) enrol(ctx context.Context, c *call, n newcomer) (made, error) {
	u := &n.user
	c.hide(n.jwt, u.UserEmail, u.UserPhoneNumber, u.UserName)
	for _, p := range u.OAuthProviders {
		c.hide(p.OIDCToken)
	}
	u.UserEmail, u.UserName = strings.TrimSpace(u.UserEmail), strings.TrimSpace(u.UserName)
	if n.key == "" {
		n.key = c.Header.Get("Idempotency-Key")
	}
	if err := n.check(); err != nil {
		return made{}, err
	}
	if err := b.allowsAll(n.user); err != nil {
		return made{}, err
	}
	if n.jwt != "" {
		v, err := b.proof(n.jwt)
		if err != nil {
			return made{}, err
		}
		n.proof = &v
		if err := n.claim(v); err != nil {
			return made{}, err
		}
		b.about(c, v.Contact)
	} else if contact := cmp.Or(u.UserEmail, u.UserPhoneNumber); contact != "" {
		b.about(c, contact)
	}
	asked, err := json.Marshal([]any{n.user, n.jwt, n.wallet})
	if err != nil {
		return made{}, err
	}
	n.body = b.hash("body", string(asked))

	turn, err := b.kept.joining.take(ctx, b.turnOf(n))
	if err != nil {
		return made{}, err
	}
	defer turn.done()
	n.turn = turn
	if n.proof != nil {
		if existing, err := b.alreadyIn(ctx, n); err != nil || existing.OrganizationID != "" {
			return existing, err
		}
	}
	return b.join(ctx, c, n)
}

// check refuses what no service would take.
func (n *newcomer) check() error {
	u := &n.user
	if u.UserEmail != "" {
		if err := checkEmail(u.UserEmail); err != nil {
			return err
		}
	}
	if u.UserPhoneNumber != "" {
		phone, err := phoneNumber(u.UserPhoneNumber)
		if err != nil {
			return err
		}
		if n.sig == nil { // a signature covers every field as it is
			u.UserPhoneNumber = phone
		}
	}
	switch {
	case u.UserEmail == "" && u.UserPhoneNumber == "" && n.jwt == "" && len(u.APIKeys)+len(u.Authenticators)+len(u.OAuthProviders) == 0:
		return bad("want a contact, or a way in")
	case n.wallet != nil && (len(n.wallet.WalletName) == 0 || len(n.wallet.WalletName) > 256 || len(n.wallet.Accounts) > accountsMost):
		return bad("wallet: want a name, and at most %d accounts", accountsMost)
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
	return checkProviders(u.OAuthProviders)
}

// accountsMost is how many accounts a wallet may begin with.
const accountsMost = 100

// checkProviders refuses claims without a token of the same person beside them: by themselves they prove nothing, and
// would let anybody sit in another's place. Whether the tokens are genuine is for the service to say.
func checkProviders(all []turnkey.OAuthProviderParams) error {
	for i := range all {
		p := &all[i]
		p.ProviderName = cmp.Or(p.ProviderName, fmt.Sprintf("OpenID Connect provider %d", i+1))
		switch {
		case (p.OIDCToken == "") == (p.OIDCClaims == nil):
			return bad("oauthProviders[%d]: want oidcToken, or oidcClaims beside another's oidcToken", i)
		case p.OIDCToken != "":
			continue
		}
		if !slices.ContainsFunc(all, func(o turnkey.OAuthProviderParams) bool {
			who := identityOf(o.OIDCToken)
			return o.OIDCToken != "" && who.Issuer == p.OIDCClaims.Issuer && who.Subject == p.OIDCClaims.Subject
		}) {
			return bad("oauthProviders[%d]: want an oidcToken of the same person beside oidcClaims", i)
		}
	}
	return nil
}

// claim puts the proven contact into the user, and checks that the token's key agreed to exactly this sign-up.
func (n *newcomer) claim(v token.Verification) error {
	switch {
	case v.VerificationType == turnkey.OTPSMS && n.user.UserPhoneNumber == "":
		n.user.UserPhoneNumber = v.Contact
	case v.VerificationType == turnkey.OTPSMS:
		if n.user.UserPhoneNumber != v.Contact {
			return fault.New(fault.SignUpRefused, show("userPhoneNumber: not the number that was proven"))
		}
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
		got, n.older = usage.Signup, true
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
