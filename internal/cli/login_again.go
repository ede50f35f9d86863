package cli

import (
	"context"
	"errors"
	"fmt"
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

// takenUp says that a log-in is one that was begun before, in a terminal that was closed for instance.
type takenUp struct{ goOn, resend bool }

func (u *takenUp) flags(f *pflag.FlagSet) {
	f.BoolVar(&u.goOn, "continue", false, "go on with the log-in that was begun last, after the terminal was closed")
	f.BoolVar(&u.resend, "resend", false, "as --continue, with another code, message or link first")
}

// wayOf returns the one way that the command's flags name; none is needed to go on with one that was begun.
func (u *takenUp) wayOf(cmd *cobra.Command, ways []wayIn) (wayIn, error) {
	u.goOn = u.goOn || u.resend
	var named []wayIn
	flags := make([]string, len(ways))
	for i, w := range ways {
		flags[i] = "--" + w.flag
		if cmd.Flags().Changed(w.flag) {
			named = append(named, w)
		}
	}
	switch {
	case u.goOn && len(named) > 0:
		return wayIn{}, usage{errors.New("--continue goes on as it was begun: leave out --" + named[0].flag)}
	case u.goOn:
		for _, name := range []string{"label", "use", "straight", "session-profile"} {
			if cmd.Flags().Changed(name) {
				return wayIn{}, usage{errors.New("--continue goes on as it was begun: leave out --" + name)}
			}
		}
		return wayIn{page: true}, nil // which it is, the attempt says
	case len(named) != 1:
		return wayIn{}, usage{fmt.Errorf("say how to log in, by one of: %s", strings.Join(flags, ", "))}
	}
	return named[0], nil
}

// orNew goes on with the newest attempt, or begins one by a way.
func (u *takenUp) orNew(ctx context.Context, t *terminal, c *client.Client, way wayIn, o login.Options) (session.Session, error) {
	if !u.goOn {
		return t.logIn(ctx, c, way, o)
	}
	attempt, ok, err := c.Login().Pending(ctx)
	if err == nil && !ok {
		err = fault.New(fault.AttemptOver, errors.New("none was begun, or it is over"))
	}
	if err == nil && u.resend {
		attempt, err = meanwhile(t, "Still waiting for the backend.", func() (login.Attempt, error) { return c.Login().Resend(ctx, attempt.ID) })
	}
	if err != nil {
		return session.Session{}, err
	}
	way.page = attempt.URL != ""
	switch {
	case attempt.Verified: // nothing is needed any more
		way.typed, way.says = "", func(a login.Attempt) string {
			return fmt.Sprintf("Going on with the log-in of %s.", visible(a.Contact))
		}
	case attempt.URL == "" && attempt.Length > 0:
		way.typed, way.says = "Code", func(a login.Attempt) string { return fmt.Sprintf("A code was sent to %s.", visible(a.Contact)) }
	case attempt.URL == "":
		way.typed, way.says = mailTyped, saysMail
	case way.typed == "":
		way.says = func(a login.Attempt) string {
			if a.Match != "" {
				return onThePage(a, "Go on")
			}
			return atProvider(a)
		}
	}
	return t.goOn(ctx, c, way, attempt)
}

// pasted is a way through the browser of any computer: the link is opened by the person, who pastes what comes of it.
func pasted(way wayIn) (wayIn, error) {
	if !way.page {
		return wayIn{}, usage{errors.New("--paste is for ways that go through the browser")}
	}
	way.typed = "Address of the last page"
	way.says = func(a login.Attempt) string {
		match := ""
		if a.Match != "" {
			match = " The page shows the number " + a.Match + "."
		}
		return fmt.Sprintf("Open this link in a browser within five minutes.%s On another computer the last page cannot load: copy its address.\n%s", match, a.URL)
	}
	return way, nil
}

// silence is how long nothing is said while an answer is waited for.
const silence = 4 * time.Second

// meanwhile does something, and says what is waited for when that takes long.
func meanwhile[T any](t *terminal, what string, do func() (T, error)) (T, error) {
	done := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		late := time.NewTimer(silence)
		defer late.Stop()
		select {
		case <-late.C:
			fmt.Fprintln(t.err, what)
		case <-done:
		}
	})
	defer work.Wait()
	defer close(done)
	return do()
}
