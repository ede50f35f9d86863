package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/login"
)

func (t *terminal) openLink() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "open LINK",
		Short: "Go on with a log-in by the link of its e-mail",
		Long: "Goes on with a log-in by e-mail that was begun on this computer (latchkey login --email-link, or in the window), by\n" +
			"the link of the message: latchkey://mail?bundle=…  A link that no log-in here waits for is not followed.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := login.ReadLink(args[0]); err != nil { // before anything is opened
				return err
			}
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Minute)
			defer cancel()
			s, err := c.Login().Mail.Open(ctx, args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(t.err, "Logged in. The session is called %s.\n", visible(s.Label))
			if asJSON {
				return json.NewEncoder(t.out).Encode(lineOfSession(s))
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the session as JSON")
	return c
}
