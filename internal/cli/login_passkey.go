package cli

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"latchkey/internal/ceremony"
	"latchkey/internal/client"
	"latchkey/internal/login"
)

// byPasskey is the way in by a passkey, on the backend's page in the browser.
func (t *terminal) byPasskey() wayIn {
	var name string
	return wayIn{
		flag: "passkey",
		flags: func(f *pflag.FlagSet) {
			f.Bool("passkey", false, "by a passkey, in the browser")
			f.StringVar(&name, "new", "", "with --passkey: sign up with a new one of this name")
		},
		begin: func(ctx context.Context, c *client.Client, o login.Options) (login.Attempt, error) {
			return c.Login().Passkey.Begin(ctx, name, o)
		},
		says: func(a login.Attempt) string {
			how := "The browser opens."
			if err := ceremony.OpenBrowser(context.Background(), a.URL); err != nil {
				how = "No browser could be opened here."
			}
			what := "Use your passkey"
			if name != "" {
				what = "Create the passkey"
			}
			return fmt.Sprintf("%s %s there within five minutes. It shows the number %s. The link, for a browser on this computer:\n%s", how, what, a.Match, a.URL)
		},
	}
}
