package cli

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"latchkey/internal/client"
	"latchkey/internal/login"
)

func (t *terminal) byWallet(shared *bool) wayIn {
	var file string
	return wayIn{
		flag: "wallet",
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&file, "wallet", "", "by the key of Ethereum or Solana in this file, for development")
			f.BoolVar(shared, "shared", false, "with a wallet: the account has other ways in, and they are mine")
		},
		begin: func(ctx context.Context, c *client.Client, o login.Options) (login.Attempt, error) {
			key, address, err := login.ReadWallet(file)
			if err != nil {
				return login.Attempt{}, err
			}
			o.Shared = *shared
			return c.Login().Wallet.Begin(ctx, key, address, o)
		},
		says: func(a login.Attempt) string {
			return fmt.Sprintf("The wallet %s signs one log-in.", visible(a.Contact))
		},
	}
}
