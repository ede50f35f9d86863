package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"

	"latchkey/internal/fault"
	"latchkey/internal/local"
	"latchkey/internal/profile"
)

// place is where a profile's API and backend are: in this program or another one of this user, for the sandbox, where
// they move when another process takes over; at addresses of the profile, for every other, which this program serves
// in no case.
type place struct {
	profile profile.Profile
	shared  *local.Shared // nil for all but the sandbox
}

// settle finds the place of a profile, and returns the profile with what the place says of itself.
func (c *Client) settle(ctx context.Context) (place, error) {
	p := c.Profile()
	if p.Kind != profile.KindSandbox {
		return place{profile: p}, p.Check()
	}
	shared, err := local.Join(ctx, filepath.Join(c.home.Data, "sandbox"), c.log)
	if err != nil {
		return place{}, err
	}
	at := place{located(p, shared.Endpoints()), shared}
	if err := at.profile.Check(); err != nil {
		return place{}, errors.Join(err, shared.Close())
	}
	return at, nil
}

// located returns the profile with what a sandbox says of itself.
func located(p profile.Profile, e local.Endpoints) profile.Profile {
	p.APIURL, p.BackendURL, p.OrganizationID = e.Sandbox.APIBaseURL, e.BackendURL, e.Sandbox.OrganizationID
	p.Pins = profile.Pins{
		Notarizer: e.Sandbox.NotarizerPublicKey, TLSFetcher: e.Sandbox.TLSFetcherPublicKey,
		TLSFetcherEncryption: e.Sandbox.TLSFetcherEncryptionPublicKey, Signer: e.Sandbox.SignerPublicKey,
		LegacyToken: e.Sandbox.LegacyTokenPublicKey,
	}
	p.OAuth = p.OAuth.InSandbox(e.Sandbox.APIBaseURL)
	return p
}

// oauth is what is known of the providers of log-ins, who move with the sandbox that plays them.
func (p place) oauth() profile.OAuth {
	if p.shared == nil {
		return p.profile.OAuth
	}
	return located(p.profile, p.shared.Endpoints()).OAuth
}

func (p place) apiURL() string {
	if p.shared == nil {
		return p.profile.APIURL
	}
	return p.shared.Endpoints().Sandbox.APIBaseURL
}

func (p place) backendURL() string {
	if p.shared == nil {
		return p.profile.BackendURL
	}
	return p.shared.Endpoints().BackendURL
}

// token is what the backend of the sandbox wants to hear. No other is told anything.
func (p place) token() string {
	if p.shared == nil {
		return ""
	}
	return p.shared.Endpoints().Token
}

// inbox is where the sandbox's messages are, or "".
func (p place) inbox() string {
	if p.shared == nil {
		return ""
	}
	return p.shared.Endpoints().Sandbox.InboxURL
}

// heal makes sure that somebody serves the sandbox.
func (p place) heal(ctx context.Context) error {
	if p.shared == nil {
		return nil
	}
	return p.shared.Heal(ctx)
}

// run keeps the sandbox served until ctx is done.
func (p place) run(ctx context.Context) {
	if p.shared != nil {
		_ = p.shared.Run(ctx) // it ends with ctx alone
	}
}

func (p place) close() error {
	if p.shared == nil {
		return nil
	}
	return p.shared.Close()
}

// load returns the profile that the options name and the sources of its settings.
func load(o Options) (profile.Profile, profile.Sources, error) {
	file, err := profile.ReadFile(o.Home)
	if err != nil {
		return profile.Profile{}, profile.Sources{}, err
	}
	flags := profile.Flags{}
	for name, text := range o.Flags {
		flags[name] = text
	}
	flags[profile.SettingProfile] = cmp.Or(o.Profile, flags[profile.SettingProfile])
	from := profile.Sources{Flags: flags, File: file}
	p, err := profile.Load(o.Home, from)
	return p, from, err
}

// transport is what carries requests to the API and the backend.
func (c *Client) transport() http.RoundTripper {
	if c.carrier != nil {
		return c.carrier
	}
	return http.DefaultTransport
}

// notHere says that something is the sandbox's, and this profile is not it.
func notHere(p profile.Profile) error {
	return fault.New(fault.SandboxOnly, fmt.Errorf("profile %q is of kind %s", p.Name, p.Kind))
}
