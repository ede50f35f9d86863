package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/client"
	"latchkey/internal/keystore"
	"latchkey/internal/turnkey"
)

// chooses gives commands that open the profile the flag that chooses the key store.
func (t *terminal) chooses(commands ...*cobra.Command) []*cobra.Command {
	for _, c := range commands {
		t.keyStoreFlag(c)
		t.settingFlags(c)
	}
	return commands
}

// protection says in a word how a key store protects.
func protection(s keystore.State) string {
	switch s {
	case keystore.Protected:
		return "unlocked"
	case keystore.Passphrase:
		return "under a passphrase"
	case keystore.InMemory:
		return "gone when this ends"
	case keystore.Locked, keystore.Absent:
	}
	return string(s)
}

// open wires the profile up and restores its session. Whoever opens closes.
func (t *terminal) open(ctx context.Context) (*client.Client, error) {
	o, err := t.options()
	if err != nil {
		return nil, err
	}
	c, err := client.New(o)
	if err != nil {
		return nil, err
	}
	before, _ := c.Remembered() // only told of
	backend, err := c.Choose()
	if err != nil {
		t.close(c)
		return nil, err
	}
	backend = cmp.Or(backend, client.Keychain)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute) // a person may be answering the keychain
	defer cancel()
	if err := c.Open(ctx, backend); err != nil {
		t.close(c)
		return nil, err
	}
	switch {
	case backend == client.Memory:
		fmt.Fprintln(t.err, "Keys are in memory alone: they end with this command.")
	case before != "" && before != backend:
		fmt.Fprintf(t.err, "From now on keys are made in: %s (before: %s). Sessions stay where their keys are; latchkey keys move takes one along.\n", backend, before)
	}
	if err := c.Step(ctx); err != nil { // refresh, repair and revoke what is due: no window may be running
		t.close(c)
		return nil, err
	}
	return c, nil
}

// close ends what open began. What goes wrong at the end changes no answer, so it is only told.
func (t *terminal) close(c *client.Client) {
	if err := c.Close(); err != nil {
		t.tell(err)
	}
	for _, err := range []error{c.JournalTrouble(), c.RulesTrouble()} {
		if err != nil {
			t.tell(err)
		}
	}
}

func (t *terminal) whoami() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "whoami",
		Short: "Who is logged in",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			who, err := c.Whoami(cmd.Context())
			if err != nil {
				return err
			}
			s, _ := c.Sessions().Active()
			h := c.Health(cmd.Context(), s.Key.Backend)
			if asJSON {
				return json.NewEncoder(t.out).Encode(struct {
					turnkey.Whoami
					KeyStore      string         `json:"keyStore"`
					KeyStoreState keystore.State `json:"keyStoreState"`
					Session       sessionLine    `json:"session"`
				}{who, s.Key.Backend, h.State, lineOfSession(s)})
			}
			_, err = fmt.Fprintf(t.out, "user          %s  %s\norganization  %s  %s\nsession       %s  %s, ends at %s\nkey store     %s  %s, %s\n",
				visible(who.Username), who.UserID, visible(who.OrganizationName), who.OrganizationID,
				visible(s.Label), s.ID, s.Expires.Local().Format(time.DateTime), s.Key.Backend, h.Name, protection(h.State))
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
