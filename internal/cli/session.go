package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/login"
	"latchkey/internal/session"
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

func (t *terminal) login() *cobra.Command {
	var email, label string
	var use, asJSON bool
	c := &cobra.Command{
		Use:   "login",
		Short: "Log in, or sign up, by e-mail code",
		Long: "Logs in, or signs up, by a code that comes by e-mail. Beside a session that there is, a further one is made with\n" +
			"--label; the active session stays the active one, unless --use says otherwise.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			if s, ok := c.Sessions().Active(); ok && label == "" {
				return usage{fmt.Errorf("you are logged in as %s; for a further session name it: latchkey login --email … --label …; "+
					"or log out first: latchkey logout", s.Contact)}
			}
			if err := newLabel(c, label); err != nil {
				return err
			}
			attempt, err := c.Login().BeginFurther(cmd.Context(), email, login.Further{Label: label, Stay: !use})
			if err != nil {
				return err
			}
			fmt.Fprintf(t.err, "A code was sent to %s.\n", attempt.Contact)
			if inbox := c.InboxURL(); inbox != "" {
				fmt.Fprintf(t.err, "This is the sandbox: no real mail goes out. The message is at %s\n", strings.TrimSuffix(inbox, "/inbox"))
			}
			s, err := t.enterCode(cmd.Context(), c, attempt)
			if err == nil && asJSON {
				return json.NewEncoder(t.out).Encode(lineOfSession(s))
			}
			return err
		},
	}
	c.Flags().StringVar(&email, "email", "", "the address to send a code to")
	c.Flags().StringVar(&label, "label", "", "what to call the session (default: the address)")
	c.Flags().BoolVar(&use, "use", false, "make it the active session even if there is one")
	c.Flags().BoolVar(&asJSON, "json", false, "print the session as JSON")
	if err := c.MarkFlagRequired("email"); err != nil {
		panic(err) // the flag is declared one line above
	}
	return c
}

// enterCode asks for the code until it is right, the tries are used up, the input ends or the person turns away. While
// it waits the sandbox is served, by this process if no other does any more.
func (t *terminal) enterCode(ctx context.Context, c *client.Client, attempt login.Attempt) (session.Session, error) {
	running, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { _ = c.Run(running) }) // it ends with running alone
	defer work.Wait()
	defer stop()
	lines := t.lines(running)
	for {
		fmt.Fprint(t.err, "Code: ")
		var l line
		select {
		case l = <-lines:
		case <-ctx.Done():
			l.err = ctx.Err()
			fmt.Fprintln(t.err)
		}
		if strings.TrimSpace(l.text) == "" {
			return session.Session{}, errors.Join(fault.New(fault.Cancel, l.err), c.Login().Cancel(context.WithoutCancel(ctx), attempt.ID))
		}
		s, err := c.Login().Continue(ctx, attempt.ID, l.text)
		if err == nil {
			fmt.Fprintf(t.err, "Logged in. The session ends at %s, and is refreshed while Latchkey is used.\n", s.Expires.Local().Format(time.TimeOnly))
			if !s.Active {
				fmt.Fprintf(t.err, "It is called %s and is not the active one. To use it: latchkey sessions use %s\n", visible(s.Label), s.ID)
			}
			return s, nil
		}
		if fault.CodeOf(err) != fault.OTPWrong || l.err != nil {
			return session.Session{}, err
		}
		t.tell(err)
	}
}

// line is one line of input, and what ended the input with it.
type line struct {
	text string
	err  error
}

// lines reads the input line by line until it or ctx ends. A read cannot be interrupted, so the reader may outlive ctx
// by one line that nobody takes; the command ends right after.
func (t *terminal) lines(ctx context.Context) <-chan line {
	lines := make(chan line)
	go func() {
		in := bufio.NewReader(io.LimitReader(t.in, 4096))
		for {
			text, err := in.ReadString('\n')
			select {
			case lines <- line{text, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return lines
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
