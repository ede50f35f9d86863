package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/session"
)

func (t *terminal) keys() *cobra.Command {
	c := t.keyList("keys")
	c.Short = "The keys of this profile: where each is, and what for"
	c.Long = "Without a command: every key that a session or a log-in needs, and those that a key store holds although nobody does."
	c.Example = `  latchkey keys
  latchkey keys move --to tpm
  latchkey keys delete 02…`
	c.AddCommand(t.chooses(t.keyList("list"), t.keyMove(), t.keyDelete())...)
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
	return t.chooses(c)[0]
}

// keyLine is a key as --json prints it.
type keyLine struct {
	PublicKey string          `json:"publicKey"`
	Role      session.Role    `json:"role"`
	KeyStore  string          `json:"keyStore,omitempty"`
	Presence  client.Presence `json:"presence"`
	SessionID string          `json:"sessionId,omitempty"`
	Label     string          `json:"label,omitempty"`
	Active    bool            `json:"active"`
	Made      *time.Time      `json:"made,omitempty"`
	Expires   *time.Time      `json:"expires,omitempty"`
}

// unlistedLine is a key store that would not say which keys it holds.
type unlistedLine struct {
	KeyStore string     `json:"keyStore"`
	Code     fault.Code `json:"code"`
}

func known(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}

func (t *terminal) keyList(use string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   use,
		Short: "All keys: what for, key store, whether it is there, session, when it ends, public key",
		Long: "What a key is for: session (it stamps), next (it is to replace the session's), retiring (replaced, revoked in a minute),\n" +
			"pending (of a log-in), leaving (to be revoked and deleted), revoke (deleted here, to be revoked by another session of its\n" +
			"user), orphan (in a key store, and nobody's).",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			lines, unlisted, err := c.KeyLines(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				keys, not := make([]keyLine, len(lines)), make([]unlistedLine, len(unlisted))
				for i, l := range lines {
					keys[i] = keyLine{l.PublicKey, l.Role, l.Backend, l.Presence, l.SessionID, l.Label, l.Active, known(l.Made), known(l.Expires)}
				}
				for i, u := range unlisted {
					not[i] = unlistedLine{u.Backend, fault.CodeOf(u.Err)}
				}
				return json.NewEncoder(t.out).Encode(map[string]any{"keys": keys, "unlisted": not})
			}
			w := table(t.out)
			for _, l := range lines {
				ends := ""
				if !l.Expires.IsZero() {
					ends = "ends " + l.Expires.Local().Format(time.DateTime)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Role, l.Backend, l.Presence, visible(l.Label), ends, l.PublicKey)
			}
			for _, u := range unlisted {
				if fault.KindOf(u.Err) == fault.Unavailable { // a store that this computer does not have
					continue
				}
				fmt.Fprintf(t.err, "%s was not looked through for keys that nobody needs (%s).\n", u.Backend, fault.CodeOf(u.Err))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// lasting are the key stores into which a session can be moved.
var lasting = slices.DeleteFunc(slices.Clone(client.KeyStores), func(s string) bool { return s == client.Memory })

func (t *terminal) keyMove() *cobra.Command {
	var to string
	c := t.changeSession(&cobra.Command{
		Use:   "move --to KEYSTORE [SESSION]",
		Short: "Move a session into another key store",
		Long: "A key is never copied: the session gets a new key that is made in the other key store, and the one before is revoked and\n" +
			"deleted a minute later. From then on new keys are made there.",
		Example: "  latchkey keys move --to tpm",
		Args:    cobra.MaximumNArgs(1),
	}, func(cmd *cobra.Command, c *client.Client, s session.Session, _ []string) (string, error) {
		before := s.Key.PublicKey
		s, err := c.MoveKey(cmd.Context(), s.ID, to)
		if err == nil && s.Key.PublicKey == before {
			return fmt.Sprintf("%s is already in: %s. Its key stays. New keys are made there.", visible(s.Label), s.Key.Backend), nil
		}
		return fmt.Sprintf("%s is now in: %s. New keys are made there, too. The key of before is revoked and deleted in a minute, while Latchkey is used.",
			visible(s.Label), s.Key.Backend), err
	})
	run := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(lasting, to) {
			return usage{fmt.Errorf("--to is %q, want %s", to, strings.Join(lasting, ", "))}
		}
		return run(cmd, args)
	}
	c.Flags().StringVar(&to, "to", "", "the key store: "+strings.Join(lasting, ", "))
	if err := c.MarkFlagRequired("to"); err != nil {
		panic(err) // the flag is declared one line above
	}
	return c
}

func (t *terminal) keyDelete() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "delete PUBLICKEY",
		Short: "Delete a key that nobody needs",
		Long:  "Deletes a key that keys list calls an orphan. The key of a session goes with it: latchkey logout.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			backend, err := c.DeleteOrphan(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(t.err, "Deleted from: %s.\n", backend)
			if asJSON {
				return json.NewEncoder(t.out).Encode(map[string]string{"publicKey": args[0], "keyStore": backend})
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
