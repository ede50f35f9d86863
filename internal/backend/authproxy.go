package backend

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// This file is the auth proxy: the thirteen routes that every kit of Turnkey's calls when it is told an authProxyUrl.
// Answers have exactly the fields of Turnkey's description. Source: proxy_api.swagger.json.

// Headers of the auth proxy.
const (
	ConfigHeader  = "X-Auth-Proxy-Config-ID"
	CaptchaHeader = "X-Captcha-Token"
)

// configured refuses who calls for another configuration.
func (b *Backend) configured(r *http.Request) error {
	if strings.EqualFold(r.Header.Get(ConfigHeader), b.c.AuthProxyConfigID) {
		return nil
	}
	return fault.New(fault.BackendRefused, shown{ConfigHeader + ": not the configuration of this backend", http.StatusUnauthorized})
}

type nothing struct{}

type proxyConfigOut struct {
	EnabledProviders         []string          `json:"enabledProviders"`
	SessionExpirationSeconds string            `json:"sessionExpirationSeconds"`
	OrganizationID           string            `json:"organizationId"`
	OAuthClientIDs           map[string]string `json:"oauthClientIds"`
	OAuthRedirectURL         string            `json:"oauthRedirectUrl"`
	OTPAlphanumeric          bool              `json:"otpAlphanumeric"`
	OTPLength                string            `json:"otpLength"`
}

func (b *Backend) proxyConfig(context.Context, *call, nothing) (proxyConfigOut, error) {
	ids := b.c.OAuthClientIDs
	if ids == nil {
		ids = map[string]string{}
	}
	return proxyConfigOut{
		EnabledProviders: b.c.announced(), SessionExpirationSeconds: strconv.Itoa(b.c.SessionSeconds), OrganizationID: b.c.OrganizationID,
		OAuthClientIDs: ids, OAuthRedirectURL: b.c.OAuthRedirectURL, OTPAlphanumeric: b.c.OTPAlphanumeric, OTPLength: strconv.Itoa(b.c.OTPLength),
	}, nil
}

type proxyParamsOut struct {
	TurnstileSiteKey string `json:"turnstileSiteKey,omitempty"`
}

func (b *Backend) proxyParams(context.Context, *call, nothing) (proxyParamsOut, error) {
	return proxyParamsOut{b.c.CaptchaSiteKey}, nil
}

type proxyAccountIn struct {
	FilterType        string `json:"filterType" need:"yes"`
	FilterValue       string `json:"filterValue" need:"yes"`
	VerificationToken string `json:"verificationToken"`
	OIDCToken         string `json:"oidcToken"`
}

type proxyAccountOut struct {
	OrganizationID string `json:"organizationId,omitempty"`
}

// proxyAccount finds an account. A contact that merely stands in an organization is not found even with proof: the
// kits then log in by the token itself, which the service takes only where the contact was proven.
func (b *Backend) proxyAccount(ctx context.Context, c *call, in proxyAccountIn) (out proxyAccountOut, err error) {
	ids, err := b.lookUp(ctx, c, search{kind: in.FilterType, value: in.FilterValue, jwt: in.VerificationToken, idToken: in.OIDCToken})
	if len(ids) > 0 {
		out.OrganizationID = ids[0]
	}
	return out, err
}

type proxyInitIn struct {
	OTPType            string `json:"otpType" need:"yes"`
	Contact            string `json:"contact" need:"yes"`
	EmailCustomization struct {
		TemplateID string `json:"templateId"`
	} `json:"emailCustomization"`
}

func (in proxyInitIn) wish(encrypted bool) wish {
	return wish{contact: in.Contact, kind: in.OTPType, encrypted: encrypted, templateID: in.EmailCustomization.TemplateID}
}

type proxyInitOut struct {
	OTPID string `json:"otpId"`
}

func (b *Backend) proxyInit(ctx context.Context, c *call, in proxyInitIn) (proxyInitOut, error) {
	sent, err := b.send(ctx, c, in.wish(false))
	return proxyInitOut{sent.OTPID}, err
}

type proxyInitV2Out struct {
	OTPID            string `json:"otpId"`
	EncryptionTarget string `json:"otpEncryptionTargetBundle"`
}

func (b *Backend) proxyInitV2(ctx context.Context, c *call, in proxyInitIn) (proxyInitV2Out, error) {
	sent, err := b.send(ctx, c, in.wish(true))
	return proxyInitV2Out{sent.OTPID, sent.EncryptionTarget}, err
}

type proxyVerifyIn struct {
	OTPID     string `json:"otpId" need:"yes"`
	OTPCode   string `json:"otpCode" need:"yes"`
	PublicKey string `json:"publicKey"`
}

type proxyVerifyV2In struct {
	OTPID              string `json:"otpId" need:"yes"`
	EncryptedOTPBundle string `json:"encryptedOtpBundle" need:"yes"`
}

type proxyVerifyOut struct {
	VerificationToken string `json:"verificationToken"`
}

func (b *Backend) proxyVerify(ctx context.Context, c *call, in proxyVerifyIn) (proxyVerifyOut, error) {
	jwt, _, err := b.prove(ctx, c, guess{OTPID: in.OTPID, OTPCode: in.OTPCode, PublicKey: in.PublicKey})
	return proxyVerifyOut{jwt}, err
}

func (b *Backend) proxyVerifyV2(ctx context.Context, c *call, in proxyVerifyV2In) (proxyVerifyOut, error) {
	jwt, _, err := b.prove(ctx, c, guess{OTPID: in.OTPID, EncryptedOTPBundle: in.EncryptedOTPBundle})
	return proxyVerifyOut{jwt}, err
}

type proxyOTPLoginIn struct {
	VerificationToken  string                 `json:"verificationToken" need:"yes"`
	PublicKey          string                 `json:"publicKey" need:"yes"`
	InvalidateExisting bool                   `json:"invalidateExisting"`
	OrganizationID     string                 `json:"organizationId"`
	ClientSignature    *token.ClientSignature `json:"clientSignature"`
}

type proxySessionOut struct {
	Session string `json:"session"`
}

func (b *Backend) proxyOTPLogin(ctx context.Context, c *call, in proxyOTPLoginIn) (proxySessionOut, error) {
	s, err := b.enter(ctx, c, ticket{jwt: in.VerificationToken, sig: in.ClientSignature},
		entry{publicKey: in.PublicKey, invalidate: in.InvalidateExisting, organizationID: in.OrganizationID})
	return proxySessionOut{s.Session}, err
}

func (b *Backend) proxyOTPLoginV2(ctx context.Context, c *call, in proxyOTPLoginIn) (proxySessionOut, error) {
	if in.ClientSignature == nil {
		return proxySessionOut{}, bad("clientSignature: missing")
	}
	return b.proxyOTPLogin(ctx, c, in)
}

type proxyOAuthLoginIn struct {
	OIDCToken          string `json:"oidcToken" need:"yes"`
	PublicKey          string `json:"publicKey" need:"yes"`
	InvalidateExisting bool   `json:"invalidateExisting"`
	OrganizationID     string `json:"organizationId"`
}

func (b *Backend) proxyOAuthLogin(ctx context.Context, c *call, in proxyOAuthLoginIn) (proxySessionOut, error) {
	s, err := b.enterByIdentity(ctx, c, identity{oidcToken: in.OIDCToken},
		entry{publicKey: in.PublicKey, invalidate: in.InvalidateExisting, organizationID: in.OrganizationID})
	return proxySessionOut{s.Session}, err
}

type proxyOAuth2In struct {
	Provider     string `json:"provider" need:"yes"`
	AuthCode     string `json:"authCode" need:"yes"`
	RedirectURI  string `json:"redirectUri" need:"yes"`
	CodeVerifier string `json:"codeVerifier" need:"yes"`
	Nonce        string `json:"nonce" need:"yes"`
	ClientID     string `json:"clientId" need:"yes"`
}

type proxyOAuth2Out struct {
	OIDCToken string `json:"oidcToken"`
}

// oauth2Methods are the providers that issue no id tokens of their own.
var oauth2Methods = map[string]string{"OAUTH2_PROVIDER_X": methodX, "OAUTH2_PROVIDER_DISCORD": methodDiscord}

func (b *Backend) proxyOAuth2(ctx context.Context, c *call, in proxyOAuth2In) (proxyOAuth2Out, error) {
	c.hide(in.AuthCode, in.CodeVerifier, in.Nonce)
	method, ok := oauth2Methods[in.Provider]
	switch {
	case !ok:
		return proxyOAuth2Out{}, bad("provider: want OAUTH2_PROVIDER_X or OAUTH2_PROVIDER_DISCORD")
	case in.AuthCode == "" || in.RedirectURI == "" || in.CodeVerifier == "" || in.Nonce == "" || in.ClientID == "":
		return proxyOAuth2Out{}, bad("want authCode, redirectUri, codeVerifier, nonce and clientId")
	}
	if err := b.allows(method); err != nil {
		return proxyOAuth2Out{}, err
	}
	known, err := b.api.ListOAuth2Credentials(ctx, b.c.OrganizationID)
	if err != nil {
		return proxyOAuth2Out{}, upstream(err)
	}
	at := slices.IndexFunc(known, func(o turnkey.OAuth2Credential) bool { return o.Provider == in.Provider && o.ClientID == in.ClientID })
	if at < 0 {
		return proxyOAuth2Out{}, fault.New(fault.LoginRefused, show("clientId: no secret was uploaded for it"))
	}
	jwt, err := b.api.OAuth2Authenticate(ctx, b.c.OrganizationID, turnkey.OAuth2AuthenticateParams{
		CredentialID: known[at].CredentialID, AuthCode: in.AuthCode, RedirectURI: in.RedirectURI, CodeVerifier: in.CodeVerifier, Nonce: in.Nonce})
	c.hide(jwt)
	if err == nil && jwt == "" {
		err = fault.New(fault.APIDown, errors.New("oauth2_authenticate answered without a token"))
	}
	return proxyOAuth2Out{jwt}, refusedAs(fault.LoginRefused, err)
}

// proxySignupIn is a sign-up. Two of the fields that kits send too are ignored. organizationName: an organization is named
// so that a repeated sign-up finds it, whose answer was lost. userTag: tags are an organization's own, one that is being
// made has none yet, and the service takes none with its root users.
type proxySignupIn struct {
	UserEmail         string                        `json:"userEmail"`
	UserPhoneNumber   string                        `json:"userPhoneNumber"`
	UserName          string                        `json:"userName"`
	APIKeys           []turnkey.APIKeyParams        `json:"apiKeys" need:"yes"`
	Authenticators    []turnkey.AuthenticatorParams `json:"authenticators" need:"yes"`
	OAuthProviders    []turnkey.OAuthProviderParams `json:"oauthProviders" need:"yes"`
	VerificationToken string                        `json:"verificationToken"`
	Wallet            *turnkey.SubOrgWallet         `json:"wallet"`
	ClientSignature   *token.ClientSignature        `json:"clientSignature"`
}

type proxySignupOut struct {
	OrganizationID string  `json:"organizationId"`
	UserID         string  `json:"userId"`
	Wallet         *wallet `json:"wallet,omitempty"`
	AppProofs      []any   `json:"appProofs"` // none: they come once, with the activity, and a sign-up that is found again must be answered the same
}

func (b *Backend) proxySignup(ctx context.Context, c *call, in proxySignupIn) (proxySignupOut, error) {
	for i, p := range in.OAuthProviders {
		if p.OIDCClaims != nil {
			return proxySignupOut{}, bad("oauthProviders[%d]: oidcClaims are of the newer /v1/signup_v2", i)
		}
	}
	return b.proxySignupV2(ctx, c, in)
}

func (b *Backend) proxySignupV2(ctx context.Context, c *call, in proxySignupIn) (proxySignupOut, error) {
	m, err := b.enrol(ctx, c, newcomer{
		user: turnkey.RootUserParams{UserName: in.UserName, UserEmail: in.UserEmail, UserPhoneNumber: in.UserPhoneNumber,
			APIKeys: in.APIKeys, Authenticators: in.Authenticators, OAuthProviders: in.OAuthProviders},
		wallet: in.Wallet, jwt: in.VerificationToken, sig: in.ClientSignature, attested: true,
	})
	return proxySignupOut{m.OrganizationID, m.UserID, m.Wallet, []any{}}, err
}
