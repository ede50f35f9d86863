package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/session"
)

func (t *terminal) logout() *cobra.Command {
	var all, everywhere, asJSON bool
	c := &cobra.Command{
		Use:   "logout [SESSION]",
		Short: "Log out: the key is revoked and deleted",
		Long: "Ends the active session, or the one named by label, id or the beginning of its id: its key is revoked at Turnkey and\n" +
			"deleted here. Other sessions go on.",
		Example: `  latchkey logout
  latchkey logout work
  latchkey logout --all
  latchkey logout --everywhere`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case all && everywhere:
				return usage{errors.New("--all and --everywhere exclude each other")}
			case all && len(args) > 0:
				return usage{errors.New("--all takes no session")}
			}
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			m := c.Sessions()
			id := ""
			if !all {
				s, err := m.Find(word(args))
				if err != nil {
					return err
				}
				id = s.ID
			}
			var results []session.LogOutResult
			switch {
			case all:
				results, err = m.LogOutAll(cmd.Context())
			case everywhere:
				results, err = m.LogOutEverywhere(cmd.Context(), id)
			default:
				results = make([]session.LogOutResult, 1)
				results[0], err = m.LogOut(cmd.Context(), id)
			}
			if err != nil {
				return err
			}
			return t.loggedOut(results, everywhere, asJSON)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "every session of this profile")
	c.Flags().BoolVar(&everywhere, "everywhere", false, "every session of this user, on other machines too: Turnkey forgets all keys that log-ins made")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// word is the argument that names a session, or "" for the active one.
func word(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// logOutLine is a session that was logged out of as --json prints it.
type logOutLine struct {
	ID      string     `json:"id"`
	Label   string     `json:"label"`
	Revoked bool       `json:"revoked"` // Turnkey has forgotten the key
	Deleted bool       `json:"deleted"` // the key is gone here
	EndsAt  *time.Time `json:"endsAt,omitempty"`
}

func (t *terminal) loggedOut(results []session.LogOutResult, everywhere, asJSON bool) error {
	lines := make([]logOutLine, len(results))
	for i, r := range results {
		lines[i] = logOutLine{ID: r.SessionID, Label: r.Label, Revoked: r.Revoked, Deleted: r.Deleted}
		if !r.Revoked {
			at := r.EndsAt.UTC()
			lines[i].EndsAt = &at
		}
		name := ""
		if len(results) > 1 {
			name = " of " + visible(r.Label)
		}
		here, there := "The key is deleted here.", "It was revoked at Turnkey."
		if !r.Deleted {
			here = "The key store could not be reached: the key signs nothing any more, and is deleted at the next start."
		}
		if !r.Revoked {
			there = "Turnkey could not be told, and forgets it by itself at " + r.EndsAt.Local().Format(time.DateTime) + "."
		}
		fmt.Fprintf(t.err, "Logged out%s. %s %s\n", name, here, there)
	}
	if everywhere {
		fmt.Fprintln(t.err, "Every other session of this user has ended, on other machines too.")
	}
	if asJSON {
		return json.NewEncoder(t.out).Encode(map[string]any{"sessions": lines})
	}
	return nil
}
