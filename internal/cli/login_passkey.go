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
			if name != "" {
				return onThePage(a, "Create the passkey")
			}
			return onThePage(a, "Use your passkey")
		},
		page: true,
	}
}

// byBrowsersWallet is the way in by a wallet that stands in the browser, on the backend's page there.
func (t *terminal) byBrowsersWallet(shared *bool) wayIn {
	return wayIn{
		flag: "browser-wallet",
		flags: func(f *pflag.FlagSet) {
			f.Bool("browser-wallet", false, "by a wallet in the browser, of Ethereum or Solana")
		},
		begin: func(ctx context.Context, c *client.Client, o login.Options) (login.Attempt, error) {
			o.Shared = *shared
			return c.Login().WalletPage.Begin(ctx, o)
		},
		says: func(a login.Attempt) string { return onThePage(a, "Sign with your wallet") },
		page: true,
	}
}

// onThePage opens the backend's page of an attempt and says what to do there.
func onThePage(a login.Attempt, what string) string {
	how := "The browser opens."
	if err := ceremony.OpenBrowser(context.Background(), a.URL); err != nil {
		how = "No browser could be opened here."
	}
	return fmt.Sprintf("%s %s there within five minutes. The page shows the number %s. Its link, for a browser on this computer:\n%s", how, what, a.Match, a.URL)
}
