package login

import (
	"net/url"
	"strings"

	"latchkey/internal/profile"
)

// The names of the providers.
const (
	Google   = "google"
	Apple    = "apple"
	Facebook = "facebook"
	Discord  = "discord"
	X        = "x"
	OIDC     = "oidc" // any other that has OpenID Connect's discovery
)

// Provider is one that a profile has the settings of.
type Provider struct {
	Name  string // "google", …
	Title string // "Google"; of any other, the host of its issuer

	issuer string // of its id tokens; "" where Turnkey vouches for its accounts
	client profile.OAuthClient
	scopes []string

	authorize, token string // "" is what its discovery says

	exact string // how this machine is named where redirect URIs are compared as texts; "" where any port will do
	ports []int

	oauth2  string                // its name for the service's own exchange; "" where the device has the code exchanged
	vouches func(iss string) bool // whether an issuer is the service's, for those
	relayed bool                  // it comes back by a form to the backend
	more    url.Values            // further parameters of its page
}

// exactPath is the path of redirect URIs that are compared as texts.
const exactPath = "/oauth"

// providers returns those of which a profile has the settings, in the order in which they are shown.
func providers(o profile.OAuth) []Provider {
	issuer := func(real, name string) string {
		if o.ProvidersURL == "" {
			return real
		}
		return o.ProvidersURL + "/oidc/" + name
	}
	page := func(real, name string) string {
		if o.ProvidersURL == "" {
			return real
		}
		return o.ProvidersURL + "/oauth2/" + name + "/authorize"
	}
	facebook := Provider{
		Name: Facebook, Title: "Facebook", issuer: issuer("https://www.facebook.com", Facebook), client: o.Facebook,
		scopes: []string{"openid", "email"}, exact: "localhost",
	}
	if o.ProvidersURL == "" { // its discovery names no token endpoint
		facebook.authorize, facebook.token = "https://www.facebook.com/v23.0/dialog/oauth", "https://graph.facebook.com/v23.0/oauth/access_token"
	}
	all := []Provider{
		{Name: Google, Title: "Google", issuer: issuer("https://accounts.google.com", Google), client: o.Google,
			scopes: []string{"openid", "email", "profile"}},
		{Name: Apple, Title: "Apple", issuer: issuer("https://appleid.apple.com", Apple), client: o.Apple, scopes: []string{"email"}, relayed: true,
			more: url.Values{"response_type": {"code id_token"}, "response_mode": {"form_post"}}},
		facebook,
		{Name: Discord, Title: "Discord", client: o.Discord, scopes: []string{"identify", "email"}, exact: "127.0.0.1",
			authorize: page("https://discord.com/oauth2/authorize", Discord), oauth2: "OAUTH2_PROVIDER_DISCORD", vouches: vouches(o.ProvidersURL)},
		{Name: X, Title: "X", client: o.X, scopes: []string{"tweet.read", "users.read"}, exact: "127.0.0.1",
			authorize: page("https://x.com/i/oauth2/authorize", X), oauth2: "OAUTH2_PROVIDER_X", vouches: vouches(o.ProvidersURL)},
	}
	if u, err := url.Parse(o.OIDC.Issuer); err == nil && o.OIDC.Issuer != "" {
		all = append(all, Provider{Name: OIDC, Title: u.Host, issuer: o.OIDC.Issuer, client: o.OIDC, scopes: []string{"openid", "email", "profile"}})
	}
	var set []Provider
	for _, p := range all {
		if p.client.ClientID == "" {
			continue
		}
		if p.exact != "" {
			p.ports = o.FixedPorts()
		}
		set = append(set, p)
	}
	return set
}

// vouches returns which issuers are the service's own. No source names the real one's address, only whose it is.
func vouches(providersURL string) func(string) bool {
	return func(issuer string) bool {
		if providersURL != "" {
			return issuer == providersURL+"/oidc/turnkey"
		}
		u, err := url.Parse(issuer)
		return err == nil && u.Scheme == "https" && u.User == nil && (u.Host == "turnkey.com" || strings.HasSuffix(u.Host, ".turnkey.com"))
	}
}
