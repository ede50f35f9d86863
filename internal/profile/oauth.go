package profile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// OAuthClient is an app's registration with one provider, as far as a device needs it. Without a ClientID there is none.
type OAuthClient struct {
	Issuer         string // who signs its id tokens, where the provider is any; no slash is added or taken away
	ClientID       string
	ClientSecret   string // what the provider issues to a desktop app and wants to see: every copy of the app holds it
	OtherClientIDs string // with commas: of the same app elsewhere, whose people are the same
}

// OAuth is what a profile knows of the providers of log-ins. It can be compared.
type OAuth struct {
	Google, Apple, Facebook, Discord, X, OIDC OAuthClient

	Ports        string // with commas: see [OAuth.FixedPorts]
	ProvidersURL string // where a sandbox plays the named providers; "" for the real ones
}

// The ports of the addresses to register with providers that compare them exactly.
const oauthPorts = "47851,47852,47853"

const (
	portsMost  = 10
	othersMost = 9 // what the service stores for one person, beside the device's own
)

// FixedPorts are those on which a browser comes back from providers that compare redirect URIs as texts.
func (o OAuth) FixedPorts() []int {
	ports, err := parsePorts(o.Ports)
	if err != nil || len(ports) == 0 {
		ports, _ = parsePorts(oauthPorts)
	}
	return ports
}

func parsePorts(text string) ([]int, error) {
	ports := []int{}
	for _, word := range splitList(text) {
		n, err := strconv.ParseUint(word, 10, 16)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("port %q: want 1 to 65535", word)
		}
		ports = append(ports, int(n))
	}
	if len(ports) > portsMost {
		return nil, fmt.Errorf("%d ports, at most %d", len(ports), portsMost)
	}
	return ports, nil
}

// Others lists OtherClientIDs.
func (c OAuthClient) Others() []string { return splitList(c.OtherClientIDs) }

// splitList reads a list with commas.
func splitList(text string) []string {
	return slices.DeleteFunc(strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }), func(s string) bool { return s == "" })
}

// sandboxClient is known at all providers that the built-in sandbox plays. It protects nothing.
const sandboxClient = "latchkey-sandbox"

// InSandbox returns o with what it lacks for the providers that the sandbox at apiURL plays.
func (o OAuth) InSandbox(apiURL string) OAuth {
	o.ProvidersURL = apiURL
	for _, c := range []*OAuthClient{&o.Google, &o.Apple, &o.Facebook, &o.Discord, &o.X, &o.OIDC} {
		if c.ClientID == "" {
			c.ClientID = sandboxClient
		}
	}
	if o.Google.ClientSecret == "" {
		o.Google.ClientSecret = sandboxClient
	}
	if o.OIDC.Issuer == "" {
		o.OIDC.Issuer = apiURL + "/oidc/sandbox"
	}
	return o
}

// oauth sets what the sources say of providers.
func (s Sources) oauth(p *Profile, name string) error {
	o := &p.OAuth
	for _, place := range []struct {
		setting string
		to      *string
		check   func(text string) error
	}{
		{SettingGoogleClient, &o.Google.ClientID, checkText},
		{SettingGoogleSecret, &o.Google.ClientSecret, checkText},
		{SettingGoogleOthers, &o.Google.OtherClientIDs, checkOthers},
		{SettingAppleClient, &o.Apple.ClientID, checkText},
		{SettingAppleOthers, &o.Apple.OtherClientIDs, checkOthers},
		{SettingFacebookClient, &o.Facebook.ClientID, checkText},
		{SettingFacebookOthers, &o.Facebook.OtherClientIDs, checkOthers},
		{SettingDiscordClient, &o.Discord.ClientID, checkText},
		{SettingXClient, &o.X.ClientID, checkText},
		{SettingIssuer, &o.OIDC.Issuer, func(text string) error { return checkIssuer(text, p.Kind == KindLive) }},
		{SettingIssuerClient, &o.OIDC.ClientID, checkText},
		{SettingIssuerSecret, &o.OIDC.ClientSecret, checkText},
		{SettingIssuerOthers, &o.OIDC.OtherClientIDs, checkOthers},
		{SettingOAuthPorts, &o.Ports, checkPorts},
		{SettingProvidersURL, &o.ProvidersURL, func(text string) error {
			if p.Kind != KindDevelopment {
				return errors.New("only a development profile says where providers are played")
			}
			return checkURL(text, false)
		}},
	} {
		v := s.Lookup(place.setting, name)
		if v.Text == "" {
			continue
		}
		if err := place.check(v.Text); err != nil {
			return bad("%s: %s: %w", v.Said(), place.setting, err)
		}
		*place.to = v.Text
	}
	return nil
}

func checkText(text string) error {
	if len(text) > 2048 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("want at most 2048 printable characters")
	}
	return nil
}

func checkOthers(text string) error {
	if n := len(splitList(text)); n > othersMost {
		return fmt.Errorf("%d client ids, at most %d", n, othersMost)
	}
	return checkText(strings.ReplaceAll(text, " ", ""))
}

func checkPorts(text string) error {
	ports, err := parsePorts(text)
	if err == nil && len(ports) == 0 {
		err = errors.New("want ports, with commas")
	}
	return err
}

// checkIssuer is checkURL for an issuer, whose text is compared and may end with a slash.
func checkIssuer(text string, live bool) error { return checkURL(strings.TrimSuffix(text, "/"), live) }
