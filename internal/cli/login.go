package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/session"
)

// wayIn is one way in on the command line.
type wayIn struct {
	flag  string // which chooses it
	flags func(f *pflag.FlagSet)
	begin func(ctx context.Context, c *client.Client, o login.Options) (login.Attempt, error)
	says  func(a login.Attempt) string // what was begun, in a sentence
	typed string                       // what is asked for, such as "Code"; "" waits for what comes by itself
	page  bool                         // it goes through the browser, and can be pasted back
}

// waysIn are the ways in, in the order in which they are told of.
func (t *terminal) waysIn() []wayIn {
	shared := new(bool) // what both kinds of wallets may be told
	return append([]wayIn{t.byEmail(), t.byPhone(), t.byMail(), t.byPasskey(), t.byWallet(shared), t.byBrowsersWallet(shared)}, t.byProviders()...)
}

func (t *terminal) byEmail() wayIn {
	var address string
	return wayIn{
		flag:  "email",
		flags: func(f *pflag.FlagSet) { f.StringVar(&address, "email", "", "by a code that is sent to this address") },
		begin: func(ctx context.Context, c *client.Client, o login.Options) (login.Attempt, error) {
			return c.Login().OTP.Begin(ctx, address, o)
		},
		says:  func(a login.Attempt) string { return fmt.Sprintf("A code was sent to %s.", a.Contact) },
		typed: "Code",
	}
}

func (t *terminal) byPhone() wayIn {
	var number string
	return wayIn{
		flag: "phone",
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&number, "phone", "", "by a code that is sent to this number, which begins with + and the country")
		},
		begin: func(ctx context.Context, c *client.Client, o login.Options) (login.Attempt, error) {
			return c.Login().OTP.BeginPhone(ctx, number, o)
		},
		says:  func(a login.Attempt) string { return fmt.Sprintf("A code was sent to %s.", a.Contact) },
		typed: "Code",
	}
}

func (t *terminal) login() *cobra.Command {
	var o login.Options
	var use, asJSON bool
	var again takenUp
	var paste bool
	ways := t.waysIn()
	c := &cobra.Command{
		Use:   "login",
		Args:  t.issuerArgument,
		Short: "Log in, or sign up",
		Long: "Logs in, or signs up whoever is new. Beside a session that there is, a further one is made with --label; the\n" +
			"active session stays the active one, unless --use says otherwise.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			way, err := again.wayOf(cmd, ways)
			if err != nil {
				return err
			}
			if o.SessionProfileID != "" && !o.Straight {
				return usage{errors.New("--session-profile is for --straight, for a log-in that Turnkey itself is asked for")}
			}
			if paste {
				if way, err = pasted(way); err != nil {
					return err
				}
			}
			c, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer t.close(c)
			if s, ok := c.Sessions().Active(); ok && o.Label == "" {
				return usage{fmt.Errorf("you are logged in as %s; for a further session name it: latchkey login … --label …; "+
					"or log out first: latchkey logout", visible(s.Contact))}
			}
			if err := newLabel(c, o.Label); err != nil {
				return err
			}
			o.Stay = !use
			s, err := again.orNew(cmd.Context(), t, c, way, o)
			if err == nil && asJSON {
				return json.NewEncoder(t.out).Encode(lineOfSession(s))
			}
			return err
		},
	}
	c.Flags().SortFlags = false
	for _, w := range ways {
		w.flags(c.Flags())
	}
	again.flags(c.Flags())
	c.Flags().BoolVar(&paste, "paste", false, "in the browser of any computer: print the link, and take the address of the last page")
	c.Flags().BoolVar(&o.Straight, "straight", false, "ask Turnkey itself for the session, and not the backend, where there is a choice")
	c.Flags().StringVar(&o.SessionProfileID, "session-profile", "", "with --straight: the id of a session profile that narrows the session")
	c.Flags().StringVar(&o.Label, "label", "", "what to call the session (default: the address)")
	c.Flags().BoolVar(&use, "use", false, "make it the active session even if there is one")
	c.Flags().BoolVar(&asJSON, "json", false, "print the session as JSON")
	return c
}

// logIn logs in by a way. Meanwhile the sandbox is served, by this process if no other does any more.
func (t *terminal) logIn(ctx context.Context, c *client.Client, way wayIn, o login.Options) (session.Session, error) {
	attempt, err := meanwhile(t, "Still waiting for the backend.", func() (login.Attempt, error) { return way.begin(ctx, c, o) })
	if err != nil {
		return session.Session{}, err
	}
	return t.goOn(ctx, c, way, attempt)
}

// goOn goes on with what was begun, here or before.
func (t *terminal) goOn(ctx context.Context, c *client.Client, way wayIn, attempt login.Attempt) (s session.Session, err error) {
	fmt.Fprintln(t.err, way.says(attempt))
	running, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { _ = c.Run(running) }) // it ends with running alone
	defer work.Wait()
	defer stop()
	if way.typed != "" && !attempt.Verified {
		if inbox := c.InboxURL(); inbox != "" && !way.page {
			what := "mail"
			if attempt.ByPhone {
				what = "text message"
			}
			fmt.Fprintf(t.err, "This is the sandbox: no real %s goes out. The message is at %s\n", what, strings.TrimSuffix(inbox, "/inbox"))
		}
		s, err = t.enter(running, c, attempt, way.typed)
	} else {
		s, err = c.Login().Continue(running, attempt.ID, "")
	}
	if err != nil {
		if errors.Is(err, fault.Cancelled) {
			err = errors.Join(err, c.Login().Cancel(context.WithoutCancel(ctx), attempt.ID))
		}
		return session.Session{}, err
	}
	fmt.Fprintf(t.err, "Logged in. The session ends at %s, and is refreshed while Latchkey is used.\n", s.Expires.Local().Format(time.TimeOnly))
	if !s.Active {
		fmt.Fprintf(t.err, "It is called %s and is not the active one. To use it: latchkey sessions use %s\n", visible(s.Label), s.ID)
	}
	return s, nil
}

// enter asks for what an attempt waits for until it is right, the tries are used up, the input ends or the person turns
// away, which is fault.Cancel.
func (t *terminal) enter(ctx context.Context, c *client.Client, attempt login.Attempt, what string) (session.Session, error) {
	lines := t.lines(ctx)
	for {
		fmt.Fprint(t.err, what+": ")
		var l line
		select {
		case l = <-lines:
		case <-ctx.Done():
			l.err = ctx.Err()
			fmt.Fprintln(t.err)
		}
		if strings.TrimSpace(l.text) == "" {
			return session.Session{}, fault.New(fault.Cancel, l.err)
		}
		s, err := meanwhile(t, "Still waiting for the service.", func() (session.Session, error) {
			return c.Login().Continue(ctx, attempt.ID, l.text)
		})
		if code := fault.CodeOf(err); code != fault.OTPWrong && code != fault.MailWrong && code != fault.PasteWrong || l.err != nil {
			return s, err
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
