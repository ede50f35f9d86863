package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"latchkey/internal/ceremony"
	"latchkey/internal/client"
	"latchkey/internal/login"
	"latchkey/internal/profile"
)

// byProviders are the ways in by a provider's page in the browser.
func (t *terminal) byProviders() []wayIn {
	var all []wayIn
	for _, p := range []struct{ name, title string }{
		{login.Google, "Google"}, {login.Apple, "Apple"}, {login.Facebook, "Facebook"}, {login.Discord, "Discord"}, {login.X, "X"},
		{login.OIDC, "the OpenID provider of this issuer, or the profile's"},
	} {
		all = append(all, wayIn{
			flag: p.name,
			flags: func(f *pflag.FlagSet) {
				if p.name == login.OIDC {
					t.issuerFlag(f, p.name, "by "+p.title+", in the browser")
					return
				}
				f.Bool(p.name, false, "by "+p.title+", in the browser")
			},
			begin: func(ctx context.Context, c *client.Client, o login.Options) (login.Attempt, error) {
				return c.Login().OAuth.Begin(ctx, p.name, o)
			},
			says: atProvider,
			page: true,
		})
	}
	return all
}

// atProvider opens the provider's page of an attempt and says what to do there.
func atProvider(a login.Attempt) string {
	how := "The browser opens."
	if err := ceremony.OpenBrowser(context.Background(), a.URL); err != nil {
		how = "No browser could be opened here."
	}
	return fmt.Sprintf("%s Log in by %s within five minutes, at this link on this computer:\n%s", how, visible(a.Contact), a.URL)
}

// issuer is the flag that chooses any OpenID provider, and may name it.
type issuer struct{ said }

// ofProfile stands for no name.
const ofProfile = "the profile's"

func (i issuer) Set(text string) error {
	if text == ofProfile {
		return nil
	}
	return i.said.Set(text)
}

// Type is what the help shows for the name.
func (issuer) Type() string { return "URL" }

func (t *terminal) issuerFlag(f *pflag.FlagSet, name, usage string) {
	f.Var(issuer{said{t.flags, profile.SettingIssuer}}, name, usage)
	f.Lookup(name).NoOptDefVal = ofProfile
}

// issuerArgument takes the name of the OpenID provider also behind its flag, without a sign of equality.
func (t *terminal) issuerArgument(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case len(args) == 1 && cmd.Flags().Changed(login.OIDC) && t.flags[profile.SettingIssuer] == "":
		t.flags[profile.SettingIssuer] = args[0]
		return nil
	}
	return usage{fmt.Errorf("unknown argument %q", args[0])}
}
