package profile

import (
	"slices"
	"strings"
	"testing"

	"latchkey/internal/fault"
)

func TestProvidersAreSetByFileAndEnvironment(t *testing.T) {
	h := written(t, `
[profiles.acme]
kind = "development"
backend_url = "http://127.0.0.1:3000"
oauth_ports = "5001,5002"
providers_url = "http://127.0.0.1:4000"

[profiles.acme.google]
client_id = "desktop"
client_secret = "GOCSPX-x"
other_client_ids = "web, ios"

[profiles.acme.oidc]
issuer = "https://id.example/"
`)
	env := map[string]string{"LATCHKEY_OIDC_CLIENT_ID": "app", "LATCHKEY_X_CLIENT_ID": "x"}
	p, err := Load(h, Sources{Flags: Flags{SettingProfile: "acme"}, File: read(t, h), Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	want := OAuth{
		Google: OAuthClient{ClientID: "desktop", ClientSecret: "GOCSPX-x", OtherClientIDs: "web, ios"},
		OIDC:   OAuthClient{Issuer: "https://id.example/", ClientID: "app"}, X: OAuthClient{ClientID: "x"},
		Ports: "5001,5002", ProvidersURL: "http://127.0.0.1:4000",
	}
	if p.OAuth != want || !slices.Equal(p.OAuth.FixedPorts(), []int{5001, 5002}) || !slices.Equal(p.OAuth.Google.Others(), []string{"web", "ios"}) {
		t.Errorf("%+v", p.OAuth)
	}
	if ports := (OAuth{}).FixedPorts(); len(ports) != 3 {
		t.Errorf("%v", ports)
	}
}

func TestWhatNoProviderCanBeIsRefusedByItsName(t *testing.T) {
	for _, c := range []struct{ kind, variable, text string }{
		{"development", "LATCHKEY_OIDC_ISSUER", "id.example"},
		{"development", "LATCHKEY_OIDC_ISSUER", "http://id.example"},
		{"live", "LATCHKEY_OIDC_ISSUER", "http://127.0.0.1:4000/oidc/sandbox"},
		{"live", "LATCHKEY_PROVIDERS_URL", "https://id.example"},
		{"development", "LATCHKEY_PROVIDERS_URL", "ftp://id.example"},
		{"development", "LATCHKEY_OAUTH_PORTS", "0"},
		{"development", "LATCHKEY_OAUTH_PORTS", "5001;5002"},
		{"development", "LATCHKEY_OAUTH_PORTS", "1,2,3,4,5,6,7,8,9,10,11"},
		{"development", "LATCHKEY_GOOGLE_CLIENT_ID", "two words"},
		{"development", "LATCHKEY_GOOGLE_OTHER_CLIENT_IDS", strings.Repeat("id,", 10)},
	} {
		h := written(t, "[profiles.acme]\nkind = \""+c.kind+"\"\nbackend_url = \"https://login.example\"\n")
		_, err := Load(h, Sources{Flags: Flags{SettingProfile: "acme"}, File: read(t, h), Getenv: func(name string) string {
			if name == c.variable {
				return c.text
			}
			return ""
		}})
		if fault.CodeOf(err) != fault.ProfileBad || !strings.Contains(err.Error(), c.variable) {
			t.Errorf("%s=%s: %v", c.variable, c.text, err)
		}
	}
}

func TestTheSandboxNeedsNoSettings(t *testing.T) {
	o := OAuth{X: OAuthClient{ClientID: "mine"}}.InSandbox("http://127.0.0.1:4000")
	if o.X.ClientID != "mine" || o.Google.ClientSecret == "" || o.OIDC.Issuer != "http://127.0.0.1:4000/oidc/sandbox" || o.ProvidersURL != "http://127.0.0.1:4000" {
		t.Errorf("%+v", o)
	}
	for name, c := range map[string]OAuthClient{"google": o.Google, "apple": o.Apple, "facebook": o.Facebook, "discord": o.Discord, "oidc": o.OIDC} {
		if c.ClientID == "" {
			t.Errorf("%s has no client id", name)
		}
	}
}
