package backend

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/stamp"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// This file answers the bodies of Turnkey's web examples, /api/…: what their server actions and API routes take and
// answer, so that such an action becomes one fetch. They use sealed codes. Lengths of sessions are in
// sessionLengthSeconds or expirationSeconds.
//
// Two of theirs are not here: a route that calls any method with the parent's key for whoever asks, and one that adds an
// OAuth provider to somebody's account, which a user's own session can do.

type webInitIn struct {
	OTPType string `json:"otpType"`
	Contact string `json:"contact"`
	Email   string `json:"email"`
}

func (b *Backend) webInit(ctx context.Context, c *call, in webInitIn) (proxyInitV2Out, error) {
	c.hide(in.Email)
	sent, err := b.send(ctx, c, wish{contact: cmp.Or(in.Contact, in.Email), kind: in.OTPType, encrypted: true})
	return proxyInitV2Out{sent.OTPID, sent.EncryptionTarget}, err
}

// webVerifyOut says too where the proven contact lives, as the magic link's example wants.
type webVerifyOut struct {
	otpVerifyOut
	SubOrgID string `json:"subOrgId,omitempty"`
}

func (b *Backend) webVerify(ctx context.Context, c *call, in guess) (webVerifyOut, error) {
	out, err := b.otpVerify(ctx, c, in)
	return webVerifyOut{out, out.SubOrganizationID}, err
}

type webLoginIn struct {
	SuborgID             string                 `json:"suborgID"`
	VerificationToken    string                 `json:"verificationToken" need:"yes"`
	PublicKey            string                 `json:"publicKey" need:"yes"`
	ClientSignature      *token.ClientSignature `json:"clientSignature"`
	SessionLengthSeconds turnkey.Seconds        `json:"sessionLengthSeconds"`
	ExpirationSeconds    turnkey.Seconds        `json:"expirationSeconds"`
	InvalidateExisting   bool                   `json:"invalidateExisting"`
}

// webLogin logs in whom the token proves, in the contact's own organization. The examples look for that without a proof,
// find nothing here, and make another; it is entered only if the contact has no better one.
func (b *Backend) webLogin(ctx context.Context, c *call, in webLoginIn) (session, error) {
	return b.enter(ctx, c, ticket{jwt: in.VerificationToken, sig: in.ClientSignature, joins: true}, entry{publicKey: in.PublicKey, invalidate: in.InvalidateExisting,
		seconds: cmp.Or(in.SessionLengthSeconds, in.ExpirationSeconds), organizationID: in.SuborgID, orElsewhere: true})
}

type webOAuthIn struct {
	SuborgID             string          `json:"suborgID"`
	OIDCToken            string          `json:"oidcToken" need:"yes"`
	PublicKey            string          `json:"publicKey" need:"yes"`
	SessionLengthSeconds turnkey.Seconds `json:"sessionLengthSeconds"`
	ExpirationSeconds    turnkey.Seconds `json:"expirationSeconds"`
}

func (b *Backend) webOAuth(ctx context.Context, c *call, in webOAuthIn) (session, error) {
	return b.enterByIdentity(ctx, c, identity{oidcToken: in.OIDCToken}, entry{publicKey: in.PublicKey,
		seconds: cmp.Or(in.SessionLengthSeconds, in.ExpirationSeconds), organizationID: in.SuborgID, orElsewhere: true})
}

type webFindIn struct {
	FilterType        string `json:"filterType"`
	FilterValue       string `json:"filterValue" need:"yes"`
	VerificationToken string `json:"verificationToken"`
}

type webFindOut struct {
	OrganizationIDs []string `json:"organizationIds"`
}

func (b *Backend) webFind(ctx context.Context, c *call, in webFindIn) (webFindOut, error) {
	ids, err := b.lookUp(ctx, c, search{kind: cmp.Or(in.FilterType, kindOf(in.FilterValue)), value: in.FilterValue, jwt: in.VerificationToken})
	if ids == nil {
		ids = []string{}
	}
	return webFindOut{ids}, err
}

// kindOf reads what a look-up without a type is by: the examples have one action for each.
func kindOf(value string) string {
	switch {
	case strings.Count(value, ".") == 2 && strings.HasPrefix(value, "ey"):
		return "OIDC_TOKEN"
	case strings.HasPrefix(value, "{"):
		return "OAUTH_CLAIM"
	case strings.Contains(value, "@"):
		return "EMAIL"
	case strings.HasPrefix(value, "+"):
		return "PHONE_NUMBER"
	default:
		return "PUBLIC_KEY"
	}
}

// webCreateIn is a sign-up in the words of all the examples: one by contact, one by id token, one by a wallet's key, one
// by passkey with a key for the first minute.
type webCreateIn struct {
	Email     string `json:"email"`
	UserEmail string `json:"userEmail"`
	Phone     string `json:"phoneNumber"`

	OAuthProviders     []turnkey.OAuthProviderParams `json:"oauthProviders"`
	OIDCToken          string                        `json:"oidcToken"`
	ProviderName       string                        `json:"providerName"`
	SecondaryClientIDs []string                      `json:"secondaryClientIds"`

	PublicKey string     `json:"publicKey"`
	CurveType string     `json:"curveType"`
	Wallet    *walletKey `json:"wallet"`

	Passkey       *turnkey.AuthenticatorParams `json:"passkey"`
	Challenge     string                       `json:"challenge"`
	Attestation   *turnkey.Attestation         `json:"attestation"`
	TempPublicKey string                       `json:"tempPublicKey"`

	CustomAccounts    []turnkey.WalletAccountParams `json:"customAccounts"`
	VerificationToken string                        `json:"verificationToken"`
	ClientSignature   *token.ClientSignature        `json:"clientSignature"`
}

// walletKey is a wallet of the person's own, by which he signs up.
type walletKey struct {
	PublicKey string `json:"publicKey"`
	Type      string `json:"type"` // "ethereum" or "solana"
}

// temporarySeconds is how long the key of a sign-up by passkey lives, as Turnkey's kits have it.
const temporarySeconds = 60

func (in webCreateIn) newcomer() newcomer {
	n := newcomer{
		user:   turnkey.RootUserParams{UserEmail: cmp.Or(in.Email, in.UserEmail), UserPhoneNumber: in.Phone, OAuthProviders: in.OAuthProviders},
		wallet: &turnkey.SubOrgWallet{WalletName: "Wallet 1", Accounts: in.CustomAccounts}, jwt: in.VerificationToken, sig: in.ClientSignature,
	}
	if len(in.CustomAccounts) == 0 {
		n.wallet.Accounts = []turnkey.WalletAccountParams{firstEthereum, firstSolana}
	}
	u := &n.user
	if in.OIDCToken != "" {
		name, who := cmp.Or(in.ProviderName, "OAuth"), identityOf(in.OIDCToken)
		u.OAuthProviders = append(u.OAuthProviders, turnkey.OAuthProviderParams{ProviderName: name, OIDCToken: in.OIDCToken})
		for _, id := range in.SecondaryClientIDs {
			u.OAuthProviders = append(u.OAuthProviders, turnkey.OAuthProviderParams{ProviderName: name,
				OIDCClaims: &turnkey.OIDCClaims{Issuer: who.Issuer, Subject: who.Subject, Audience: id}})
		}
	}
	if in.PublicKey != "" {
		u.APIKeys = append(u.APIKeys, turnkey.APIKeyParams{APIKeyName: "wallet-auth:" + in.PublicKey, PublicKey: in.PublicKey, CurveType: in.CurveType})
	}
	if in.Wallet != nil {
		curve := "API_KEY_CURVE_ED25519"
		if strings.EqualFold(in.Wallet.Type, "ethereum") {
			curve = "API_KEY_CURVE_SECP256K1"
		}
		u.APIKeys = append(u.APIKeys, turnkey.APIKeyParams{APIKeyName: "wallet-auth:" + in.Wallet.PublicKey, PublicKey: in.Wallet.PublicKey, CurveType: curve})
	}
	if in.TempPublicKey != "" {
		u.APIKeys = append(u.APIKeys, turnkey.APIKeyParams{APIKeyName: "passkey-auth-" + in.TempPublicKey, PublicKey: in.TempPublicKey,
			CurveType: turnkey.CurveAPIKeyP256, ExpirationSeconds: temporarySeconds})
	}
	if in.Passkey != nil {
		u.Authenticators = passkeyOf(in.Passkey.AuthenticatorName, in.Passkey.Challenge, in.Passkey.Attestation)
	}
	if in.Attestation != nil {
		u.Authenticators = append(u.Authenticators, passkeyOf("", in.Challenge, *in.Attestation)...)
	}
	return n
}

// webCreateOut is what was made, under the names of all the examples. id and address are the wallet's and its Solana
// address, as the example for Solana has them.
type webCreateOut struct {
	signupOut
	SubOrgID    string   `json:"subOrgId"`
	RootUserIDs []string `json:"rootUserIds"`
	Activity    webDone  `json:"activity"`
	Wallet      *webMade `json:"wallet,omitempty"`
	ID          string   `json:"id,omitempty"`
	Address     string   `json:"address,omitempty"`
}

// webDone says that what was asked for was done: one of the examples insists on reading it.
type webDone struct {
	Status turnkey.Status `json:"status"`
}

type webMade struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	Accounts []webAccount `json:"accounts"`
}

type webAccount struct {
	Address string `json:"address"`
	Path    string `json:"path,omitempty"`
}

func (b *Backend) webCreate(ctx context.Context, c *call, in webCreateIn) (webCreateOut, error) {
	n := in.newcomer()
	m, err := b.enrol(ctx, c, n)
	if err != nil {
		return webCreateOut{}, err
	}
	out := webCreateOut{signupOut: signupOut{m.OrganizationID, m.OrganizationID, m.UserID}, SubOrgID: m.OrganizationID,
		RootUserIDs: []string{m.UserID}, Activity: webDone{turnkey.Completed}}
	if m.Wallet != nil {
		out.Wallet, out.ID = &webMade{m.Wallet.WalletID, n.wallet.WalletName, []webAccount{}}, m.Wallet.WalletID
		for i, address := range m.Wallet.Addresses {
			a := webAccount{Address: address}
			if len(m.Wallet.Addresses) == len(n.wallet.Accounts) { // else they were changed since
				a.Path = n.wallet.Accounts[i].Path
				if n.wallet.Accounts[i].AddressFormat == firstSolana.AddressFormat {
					out.Address = address
				}
			}
			out.Wallet.Accounts = append(out.Wallet.Accounts, a)
		}
	}
	return out, nil
}

type webGetOrCreateIn struct {
	webFindIn
	AdditionalData webCreateIn `json:"additionalData"`
}

type webGetOrCreateOut struct {
	SubOrganizationIDs []string `json:"subOrganizationIds"`
}

func (b *Backend) webGetOrCreate(ctx context.Context, c *call, in webGetOrCreateIn) (webGetOrCreateOut, error) {
	found, err := b.webFind(ctx, c, in.webFindIn)
	if err != nil || len(found.OrganizationIDs) > 0 {
		return webGetOrCreateOut{found.OrganizationIDs}, err
	}
	if in.AdditionalData.VerificationToken == "" {
		in.AdditionalData.VerificationToken = in.VerificationToken
	}
	made, err := b.enrol(ctx, c, in.AdditionalData.newcomer())
	return webGetOrCreateOut{[]string{made.OrganizationID}}, err
}

type webMailIn struct {
	SuborgID             string          `json:"suborgID"`
	Email                string          `json:"email" need:"yes"`
	TargetPublicKey      string          `json:"targetPublicKey" need:"yes"`
	SessionLengthSeconds turnkey.Seconds `json:"sessionLengthSeconds"`
	ExpirationSeconds    turnkey.Seconds `json:"expirationSeconds"`
}

// webMailOut has the examples' three fields. Who asks for an e-mail has proven nothing, so the two that would tell of an
// account are empty; the key that the e-mail brings can ask whose it is.
type webMailOut struct {
	UserID         string `json:"userId"`
	APIKeyID       string `json:"apiKeyId"`
	OrganizationID string `json:"organizationId"`
}

// webMail sends a key to a person's mailbox, sealed to the page's. The answer is the same, to the byte, whether or not
// there is anybody to send it to, and is given before that is looked for; see mailings. invalidateExisting, which the examples offer, is ignored: a stranger must not end
// somebody's sessions.
func (b *Backend) webMail(ctx context.Context, c *call, in webMailIn) (webMailOut, error) {
	email, kind, err := contactOf(in.Email, turnkey.OTPEmail)
	c.hide(in.Email)
	if err != nil {
		return webMailOut{}, err
	}
	b.about(c, email)
	_, err = p256.ParsePublic(in.TargetPublicKey)
	seconds := cmp.Or(in.SessionLengthSeconds, in.ExpirationSeconds, turnkey.Seconds(b.c.SessionSeconds))
	switch {
	case err != nil || len(in.TargetPublicKey) != 130:
		return webMailOut{}, bad("targetPublicKey: want an uncompressed P-256 key in hex")
	case in.SuborgID != "" && !isUUID(in.SuborgID):
		return webMailOut{}, bad("suborgID: want a UUID")
	case seconds < 1 || seconds > sessionMost:
		return webMailOut{}, bad("sessionLengthSeconds: want 1 to %d", sessionMost)
	}
	if err := b.allows(methodEmail); err != nil {
		return webMailOut{}, err
	}
	if err := b.mailings.place(); err != nil {
		return webMailOut{}, err
	}
	if _, err := b.maySend(ctx, c.from, email); err != nil {
		b.mailings.leave()
		return webMailOut{}, err
	}
	whose := token.Verification{VerificationType: kind, Contact: email} // not proven: the mailbox is the proof
	m := mailing{id: c.id, contact: c.contact, private: slices.Clone(c.private),
		find:   func(ctx context.Context) (string, error) { return b.mailTarget(ctx, whose, in.SuborgID) },
		params: turnkey.EmailAuthParams{Email: email, TargetPublicKey: in.TargetPublicKey, ExpirationSeconds: seconds}}
	m.params.Customization.AppName, m.params.Customization.EmailCustomization = b.c.AppName, b.mailLook("")
	c.after = func() { go b.mail(m) } // not even the processor is used by it before the answer has left
	return webMailOut{OrganizationID: cmp.Or(in.SuborgID, b.c.OrganizationID)}, nil
}

// mailTarget returns the account that a credential for whose contact may lead into: the one that was asked for, or the
// one that is found; "" when there is none.
func (b *Backend) mailTarget(ctx context.Context, whose token.Verification, asked string) (string, error) {
	if asked == "" {
		return b.accountOf(ctx, whose)
	}
	switch err := b.mayEnter(ctx, whose, asked); {
	case fault.CodeOf(err) == fault.LoginRefused:
		return "", nil
	case err != nil:
		return "", err
	}
	return asked, nil
}

type webRelayIn struct {
	URL   string   `json:"url" need:"yes"`
	Body  string   `json:"body" need:"yes"`
	Stamp webStamp `json:"stamp" need:"yes"`
}

type webStamp struct {
	Name  string `json:"stampHeaderName"`
	Value string `json:"stampHeaderValue"`
}

type webRelayOut struct {
	Message        string          `json:"message"`
	ActivityID     string          `json:"activityId,omitempty"`
	OrganizationID string          `json:"organizationId,omitempty"`
	Response       json.RawMessage `json:"response"`
}

var (
	apiPath     = regexp.MustCompile(`^/public/v1/(query|submit)/[a-z0-9_]{1,64}$`)
	stampHeader = map[string]string{"x-stamp": stamp.HeaderAPIKey, "x-stamp-webauthn": stamp.HeaderWebAuthn, "x-stamp-attested": stamp.HeaderAttested}
)

// given is a stamp that somebody else has made.
type given stamp.Stamp

func (g given) Stamp(context.Context, []byte) (*stamp.Stamp, error) { return (*stamp.Stamp)(&g), nil }

// webRelay passes a request that the page's person has stamped on to the service, byte for byte and under that stamp
// alone. Where to is the backend's to say: of the address the path counts, and only of what the API has.
func (b *Backend) webRelay(ctx context.Context, c *call, in webRelayIn) (webRelayOut, error) {
	c.hide(in.Body, in.Stamp.Value)
	u, err := url.Parse(in.URL)
	name := stampHeader[strings.ToLower(in.Stamp.Name)]
	switch {
	case err != nil || !apiPath.MatchString(u.Path) || u.RawQuery != "":
		return webRelayOut{}, bad("url: want one of the API's, as …/public/v1/submit/create_wallet")
	case name == "" || in.Stamp.Value == "" || len(in.Stamp.Value) > 8<<10 || strings.ContainsFunc(in.Stamp.Value, func(r rune) bool { return r < ' ' || r > '~' }):
		return webRelayOut{}, bad("stamp: want stampHeaderName and stampHeaderValue")
	case in.Body == "":
		return webRelayOut{}, bad("body: missing")
	}
	api := &turnkey.Client{BaseURL: b.api.BaseURL, HTTP: b.c.HTTP, Now: b.c.Now, Stamper: given{HeaderName: name, HeaderValue: in.Stamp.Value}}
	raw, err := api.Post(ctx, u.Path, []byte(in.Body))
	if err != nil {
		return webRelayOut{}, err // the stamp is the caller's own, and so is the refusal
	}
	var answer struct {
		Activity struct {
			ID             string `json:"id"`
			OrganizationID string `json:"organizationId"`
		} `json:"activity"`
	}
	_ = json.Unmarshal(raw, &answer) // a query has none
	return webRelayOut{"Request sent", answer.Activity.ID, answer.Activity.OrganizationID, raw}, nil
}
