package cli

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"latchkey/internal/client"
	"latchkey/internal/login"
)

func (t *terminal) byMail() wayIn {
	var address string
	return wayIn{
		flag: "email-link",
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&address, "email-link", "", "by a key or a link that is sent to this address")
		},
		begin: func(ctx context.Context, c *client.Client, o login.Options) (login.Attempt, error) {
			return c.Login().Mail.Begin(ctx, address, o)
		},
		says:  saysMail,
		typed: mailTyped,
	}
}

const mailTyped = "Key or link from the message"

func saysMail(a login.Attempt) string {
	return fmt.Sprintf("If %s has an account, a message was sent there. It makes no account: who is new logs in with --email first.", visible(a.Contact))
}
