package backend

import (
	"maps"
	"slices"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/turnkey"
)

// The ways in that a configuration may allow, as wallet_kit_config spells them. "oidc" is every issuer that has no
// name of its own here.
const (
	methodEmail   = "email"
	methodSMS     = "sms"
	methodPasskey = "passkey"
	methodWallet  = "wallet"
	methodOIDC    = "oidc"
	methodX       = "x"
	methodDiscord = "discord"
)

// providersNamed are the OAuth providers that kits know by name.
var providersNamed = []string{"google", "apple", "facebook", methodX, methodDiscord}

// methods is every way in.
var methods = append([]string{methodEmail, methodSMS, methodPasskey, methodWallet, methodOIDC}, providersNamed...)

// issuers are the issuers that are meant by a name.
var issuers = map[string]string{
	"https://accounts.google.com": "google",
	"https://appleid.apple.com":   "apple",
	"https://www.facebook.com":    "facebook",
}

// allows refuses a way in that the configuration leaves out. Without a list all are allowed. Errors:
// fault.BackendRefused.
func (b *Backend) allows(method string) error {
	if len(b.c.AuthMethods) == 0 || slices.Contains(b.c.AuthMethods, method) {
		return nil
	}
	return fault.New(fault.BackendRefused, show("this backend does not allow log-ins by "+method))
}

// allowsIdentity is allows for the issuer of an id token. The words are those by which kits know the refusal.
func (b *Backend) allowsIdentity(issuer string) error {
	method, ok := issuers[issuer]
	if !ok {
		method = methodOIDC
	}
	if b.allows(method) != nil {
		return fault.New(fault.BackendRefused, show("OAUTH disallowed: this backend does not allow log-ins by "+method))
	}
	return nil
}

// allowsAll is allows for every credential of a user who is to be made.
func (b *Backend) allowsAll(u turnkey.RootUserParams) error {
	if len(u.Authenticators) > 0 {
		if err := b.allows(methodPasskey); err != nil {
			return err
		}
	}
	for _, k := range u.APIKeys {
		if k.CurveType == turnkey.CurveAPIKeyP256 { // a device's own
			continue
		}
		if err := b.allows(methodWallet); err != nil {
			return err
		}
	}
	for _, p := range u.OAuthProviders {
		issuer := identityOf(p.OIDCToken).Issuer
		if p.OIDCClaims != nil {
			issuer = p.OIDCClaims.Issuer
		}
		if err := b.allowsIdentity(issuer); err != nil {
			return err
		}
	}
	return nil
}

// announced are the ways in that a page should show: a provider without a client id could not be used.
func (c Config) announced() []string {
	all := []string{methodEmail, methodSMS, methodPasskey, methodWallet}
	for _, p := range providersNamed {
		if c.OAuthClientIDs[p] != "" {
			all = append(all, p)
		}
	}
	if len(c.AuthMethods) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(m string) bool { return !slices.Contains(c.AuthMethods, m) })
}

// checkMethods reports the first of the settings about ways in that cannot be used.
func (c Config) checkMethods() error {
	for _, m := range c.AuthMethods {
		if !slices.Contains(methods, m) {
			return wrong("LATCHKEY_AUTH_METHODS", "want some of "+strings.Join(methods, ", "))
		}
	}
	for _, p := range slices.Sorted(maps.Keys(c.OAuthClientIDs)) {
		if !slices.Contains(providersNamed, p) || c.OAuthClientIDs[p] == "" {
			return wrong("LATCHKEY_OAUTH_CLIENT_IDS", "want client ids of "+strings.Join(providersNamed, ", ")+", as google=ID,apple=ID")
		}
	}
	return nil
}
