package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/session"
)

func (t *terminal) sessions() *cobra.Command {
	c := t.sessionList("sessions")
	c.Short = "The sessions of this profile: one is active, any number stand by"
	c.Long = "Without a command: every session, the ended ones of the last days among them. A session is named by its label, its\n" +
		"id, or the beginning of its id."
	c.Example = `  latchkey sessions
  latchkey sessions use work
  latchkey sessions refresh work --length 12h
  latchkey sessions rename 3f2a work
  latchkey sessions clear --ended`
	c.AddCommand(t.chooses(t.sessionList("list"), t.sessionUse(), t.sessionRefresh(), t.sessionRename(), t.sessionClear())...)
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
	return t.chooses(c)[0]
}

// sessionLine is a session as --json prints it.
type sessionLine struct {
	ID             string     `json:"id"`
	Label          string     `json:"label"`
	Active         bool       `json:"active"`
	State          string     `json:"state"` // good, refreshing, retrying, unreachable or ended
	OrganizationID string     `json:"organizationId"`
	UserID         string     `json:"userId"`
	Contact        string     `json:"contact,omitempty"`
	Method         string     `json:"method,omitempty"`
	Type           string     `json:"type,omitempty"`
	ProfileID      string     `json:"sessionProfileId,omitempty"`
	Scope          string     `json:"scope,omitempty"`
	LengthSeconds  int64      `json:"lengthSeconds"` // what refreshes ask for
	KeyStore       string     `json:"keyStore"`
	PublicKey      string     `json:"publicKey"`
	Made           time.Time  `json:"made"`
	Expires        time.Time  `json:"expires"`
	RefreshAt      *time.Time `json:"refreshAt,omitempty"`
	Ended          *endedLine `json:"ended,omitempty"`
}

type endedLine struct {
	Reason  session.Reason `json:"reason"`
	At      time.Time      `json:"at"`
	Revoked bool           `json:"revoked"`
}

func lineOfSession(s session.Session) sessionLine {
	l := sessionLine{
		ID: s.ID, Label: s.Label, Active: s.Active, State: standing(s), OrganizationID: s.OrganizationID, UserID: s.UserID,
		Contact: s.Contact, Method: s.Method, Type: s.Type, ProfileID: s.ProfileID, Scope: s.Scope,
		LengthSeconds: int64(s.Length / time.Second), KeyStore: s.Key.Backend, PublicKey: s.Key.PublicKey,
		Made: s.Made.UTC(), Expires: s.Expires.UTC(),
	}
	if s.Ended != nil {
		l.Ended = &endedLine{s.Ended.Reason, s.Ended.At.UTC(), s.Ended.Revoked}
	} else {
		at := s.RefreshAt.UTC()
		l.RefreshAt = &at
	}
	return l
}

// standing says in a word how a session stands.
func standing(s session.Session) string {
	switch {
	case s.Ended != nil:
		return "ended"
	case !s.Reachable:
		return "unreachable"
	case !s.RetryAt.IsZero():
		return "retrying"
	case s.Refreshing:
		return "refreshing"
	}
	return "good"
}

func (t *terminal) sessionList(use string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   use,
		Short: "All sessions: label, how it stands, when it ends, key store, id",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			list := c.Sessions().List()
			if asJSON {
				lines := make([]sessionLine, len(list))
				for i, s := range list {
					lines[i] = lineOfSession(s)
				}
				return json.NewEncoder(t.out).Encode(map[string]any{"sessions": lines})
			}
			if len(list) == 0 {
				fmt.Fprintln(t.err, "No sessions. Log in with: latchkey login --email ADDRESS")
			}
			w := table(t.out)
			for _, s := range list {
				mark := " "
				if s.Active && s.Ended == nil {
					mark = "*"
				}
				fmt.Fprintf(w, "%s %s\t%s\t%s\t%s\t%s\n", mark, visible(s.Label), standing(s), until(s), s.Key.Backend, s.ID)
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// until says when a session ends or ended.
func until(s session.Session) string {
	if s.Ended != nil {
		return fmt.Sprintf("%s (%s)", s.Ended.At.Local().Format(time.DateTime), s.Ended.Reason)
	}
	return "ends " + s.Expires.Local().Format(time.DateTime)
}

// changeSession is a command that changes one session and answers with what it became.
func (t *terminal) changeSession(c *cobra.Command, change func(cmd *cobra.Command, c *client.Client, s session.Session, args []string) (string, error)) *cobra.Command {
	var asJSON bool
	c.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := t.open(cmd.Context())
		if err != nil {
			return err
		}
		defer t.close(c)
		s, err := c.Sessions().Find(word(args))
		if err != nil {
			return err
		}
		said, err := change(cmd, c, s, args)
		if err != nil {
			return err
		}
		fmt.Fprintln(t.err, said)
		if s, err = c.Sessions().Get(s.ID); err == nil && asJSON {
			return json.NewEncoder(t.out).Encode(lineOfSession(s))
		}
		return err
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the session as JSON")
	return c
}

func (t *terminal) sessionUse() *cobra.Command {
	return t.changeSession(&cobra.Command{
		Use:   "use SESSION",
		Short: "Make a session the active one: requests are stamped with its key",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, c *client.Client, s session.Session, _ []string) (string, error) {
		return "Active: " + visible(s.Label) + ".", c.Sessions().Select(cmd.Context(), s.ID)
	})
}

func (t *terminal) sessionRefresh() *cobra.Command {
	var length time.Duration
	c := t.changeSession(&cobra.Command{
		Use:   "refresh [SESSION]",
		Short: "Replace a session's key now, due or not",
		Long: "Replaces the key of the active session, or of the one named, although it is not due yet. With --length the session is\n" +
			"asked for with that length, now and at each later refresh.",
		Args: cobra.MaximumNArgs(1),
	}, func(cmd *cobra.Command, c *client.Client, s session.Session, _ []string) (string, error) {
		if cmd.Flags().Changed("length") {
			if err := c.Sessions().SetLength(cmd.Context(), s.ID, length); err != nil {
				return "", err
			}
		}
		s, err := c.Sessions().RefreshNow(cmd.Context(), s.ID)
		return fmt.Sprintf("Refreshed: %s. It ends at %s.", visible(s.Label), s.Expires.Local().Format(time.DateTime)), err
	})
	c.Flags().DurationVar(&length, "length", 0, "such as 15m or 12h (default: as before)")
	return c
}

func (t *terminal) sessionRename() *cobra.Command {
	return t.changeSession(&cobra.Command{
		Use:   "rename SESSION LABEL",
		Short: "Call a session otherwise",
		Args:  cobra.ExactArgs(2),
	}, func(cmd *cobra.Command, c *client.Client, s session.Session, args []string) (string, error) {
		return fmt.Sprintf("%s is now called %s.", visible(s.Label), visible(args[1])), c.Sessions().Rename(cmd.Context(), s.ID, args[1])
	})
}

func (t *terminal) sessionClear() *cobra.Command {
	var ended, all, asJSON bool
	c := &cobra.Command{
		Use:   "clear SESSION",
		Short: "Forget a session; one that lives is logged out of first",
		Example: `  latchkey sessions clear work
  latchkey sessions clear --ended
  latchkey sessions clear --all`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			named := 0
			for _, said := range []bool{ended, all, len(args) > 0} {
				if said {
					named++
				}
			}
			if named != 1 {
				return usage{errors.New("name one session, or say --ended or --all")}
			}
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			m, cleared := c.Sessions(), 0
			switch {
			case ended:
				cleared, err = m.ForgetEnded(cmd.Context())
			case all:
				if _, err = m.LogOutAll(cmd.Context()); err == nil || fault.CodeOf(err) == fault.SessionNone {
					cleared, err = m.ForgetEnded(cmd.Context())
				}
			default:
				s, e := m.Find(args[0])
				if e != nil {
					return e
				}
				cleared = 1
				_, err = m.Clear(cmd.Context(), s.ID)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(t.err, "Cleared %s.\n", count(cleared, "session"))
			if asJSON {
				return json.NewEncoder(t.out).Encode(map[string]int{"cleared": cleared})
			}
			return nil
		},
	}
	c.Flags().BoolVar(&ended, "ended", false, "every session that has ended")
	c.Flags().BoolVar(&all, "all", false, "every session: those that live are logged out of first")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// newLabel refuses what cannot be the label of a further session, before anything is sent.
func newLabel(c *client.Client, label string) error {
	if label == "" {
		return nil
	}
	if err := session.CheckLabel(label); err != nil {
		return usage{err}
	}
	if c.Sessions().Labelled(label) {
		return fault.New(fault.LabelTaken, nil)
	}
	return nil
}
