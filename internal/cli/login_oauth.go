package cli

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"latchkey/internal/ceremony"
	"latchkey/internal/client"
	"latchkey/internal/login"
)

// byProviders are the ways in by a provider's page in the browser.
func (t *terminal) byProviders() []wayIn {
	var all []wayIn
	for _, p := range []struct{ name, title string }{
		{login.Google, "Google"}, {login.Apple, "Apple"}, {login.Facebook, "Facebook"}, {login.Discord, "Discord"}, {login.X, "X"},
		{login.OIDC, "the OpenID provider that the profile or --issuer names"},
	} {
		all = append(all, wayIn{
			flag:  p.name,
			flags: func(f *pflag.FlagSet) { f.Bool(p.name, false, "by "+p.title+", in the browser") },
			begin: func(ctx context.Context, c *client.Client, o login.Options) (login.Attempt, error) {
				return c.Login().OAuth.Begin(ctx, p.name, o)
			},
			says: func(a login.Attempt) string {
				how := "The browser opens."
				if err := ceremony.OpenBrowser(context.Background(), a.URL); err != nil {
					how = "No browser could be opened here."
				}
				return fmt.Sprintf("%s Log in by %s within five minutes, at this link on this computer:\n%s", how, visible(a.Contact), a.URL)
			},
		})
	}
	return all
}
