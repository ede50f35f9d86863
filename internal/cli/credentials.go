package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/client"
	"latchkey/internal/fault"
)

func (t *terminal) credentials() *cobra.Command {
	c := t.credentialList("credentials", "", "What logs in to this account, and every device that is logged in")
	c.Long = "Without a command: e-mail, phone, providers, passkeys, wallets, keys that stamp, and the sessions of every device.\n" +
		"Each change is shown and asked about on the terminal."
	c.Example = `  latchkey credentials
  latchkey credentials add phone +442079460018
  latchkey credentials add google
  latchkey credentials remove phone
  latchkey credentials devices
  latchkey credentials revoke 5c0f2a7e-…`
	c.AddCommand(t.chooses(
		t.credentialList("list", "", "The same"),
		t.credentialList("devices", client.CredentialDevice, "Every device that is logged in: session, since when, until when, id"),
		t.credentialRemove("remove ID", "Take a credential away: by it, nobody logs in to this account any more", ""),
		t.credentialRemove("revoke ID", "End the session of another device", client.CredentialDevice),
	)...)
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
	c.AddCommand(t.credentialAdd())
	return t.chooses(c)[0]
}

// credentialLine is a credential as --json prints it.
type credentialLine struct {
	Kind       client.CredentialKind `json:"kind"`
	ID         string                `json:"id"`
	Name       string                `json:"name"`
	Issuer     string                `json:"issuer,omitempty"`
	Subject    string                `json:"subject,omitempty"`
	PublicKey  string                `json:"publicKey,omitempty"`
	Made       *time.Time            `json:"made,omitempty"`
	Expires    *time.Time            `json:"expires,omitempty"`
	ThisDevice bool                  `json:"thisDevice,omitempty"`
	Session    string                `json:"session,omitempty"`
}

func lineOfCredential(one client.Credential) credentialLine {
	l := credentialLine{
		Kind: one.Kind, ID: one.ID, Name: one.Name, Issuer: one.Issuer, Subject: one.Subject, PublicKey: one.PublicKey,
		ThisDevice: one.ThisDevice, Session: one.Session,
	}
	if !one.Made.IsZero() {
		at := one.Made.UTC()
		l.Made = &at
	}
	if !one.Expires.IsZero() {
		at := one.Expires.UTC()
		l.Expires = &at
	}
	return l
}

// credentialList lists credentials: of one kind, or all when it is "".
func (t *terminal) credentialList(use string, kind client.CredentialKind, short string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			list, err := c.Credentials(cmd.Context())
			if err != nil {
				return err
			}
			lines := []credentialLine{}
			for _, one := range list {
				if kind == "" || one.Kind == kind {
					lines = append(lines, lineOfCredential(one))
				}
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(map[string]any{"credentials": lines})
			}
			w := table(t.out)
			for _, l := range lines {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.Kind, visible(l.Name), visible(aboutCredential(l)), l.ID)
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// aboutCredential says besides its name what tells a credential from its like.
func aboutCredential(l credentialLine) string {
	text := ""
	switch {
	case l.ThisDevice:
		text = "this device"
	case l.Kind == client.CredentialDevice:
		text = "another device"
	case l.Issuer != "":
		text = l.Issuer
	case l.Made != nil:
		text = "since " + l.Made.Local().Format(time.DateTime)
	}
	if l.Expires != nil {
		text += ", until " + l.Expires.Local().Format(time.DateTime)
	}
	return cmp.Or(text, "-")
}

// credentialRemove removes a credential: of one kind alone, or any when it is "".
func (t *terminal) credentialRemove(use, short string, kind client.CredentialKind) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Long:  short + ".\nID is what the list says: \"email\", \"phone\", or Turnkey's id.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			if kind != "" {
				if err := isOf(cmd, c, args[0], kind); err != nil {
					return err
				}
			}
			if err := c.RemoveCredential(cmd.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintln(t.err, "It is removed.")
			if asJSON {
				return json.NewEncoder(t.out).Encode(map[string]string{"removed": args[0]})
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// isOf refuses the id of a credential of another kind. Errors: fault.CredentialUnknown.
func isOf(cmd *cobra.Command, c *client.Client, id string, kind client.CredentialKind) error {
	list, err := c.Credentials(cmd.Context())
	if err != nil {
		return err
	}
	for _, one := range list {
		if one.ID == id && one.Kind == kind {
			return nil
		}
	}
	return fault.New(fault.CredentialUnknown, fmt.Errorf("no %s is %q", kind, id))
}
