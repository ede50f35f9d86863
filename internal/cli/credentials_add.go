package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/ceremony"
	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/login"
)

func (t *terminal) credentialAdd() *cobra.Command {
	c := &cobra.Command{
		Use:   "add",
		Short: "Let something more log in to this account",
		Example: `  latchkey credentials add email robin@example.org
  latchkey credentials add phone +442079460018
  latchkey credentials add google
  latchkey credentials add wallet ethereum.key
  latchkey credentials add key build-server 02c3…`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usage{errors.New("say what to add: see latchkey credentials add --help")}
		},
	}
	subs := []*cobra.Command{
		t.addContact("email ADDRESS", "An e-mail address, by a code that is sent there", (*client.Client).BeginEmail),
		t.addContact("phone NUMBER", "A phone number, which begins with + and the country, by a code that is sent there", (*client.Client).BeginPhone),
		t.addWallet(), t.addKey(),
	}
	for _, p := range []struct{ name, title string }{
		{login.Google, "Google"}, {login.Apple, "Apple"}, {login.Facebook, "Facebook"}, {login.Discord, "Discord"}, {login.X, "X"},
		{login.OIDC, "the OpenID provider that the profile or --issuer names"},
	} {
		subs = append(subs, t.addProvider(p.name, p.title))
	}
	c.AddCommand(t.chooses(subs...)...)
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
	wrapArgs(c)
	return c
}

// adds is a command that adds a credential and answers with what became of it.
func (t *terminal) adds(c *cobra.Command, add func(ctx context.Context, c *client.Client, args []string) (client.Credential, error)) *cobra.Command {
	var asJSON bool
	c.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := t.open(cmd.Context())
		if err != nil {
			return err
		}
		defer t.close(c)
		one, err := add(cmd.Context(), c, args)
		if err != nil {
			return err
		}
		line := lineOfCredential(one)
		fmt.Fprintf(t.err, "Added: %s %s. Its id is %s\n", line.Kind, visible(line.Name), line.ID)
		if asJSON {
			return json.NewEncoder(t.out).Encode(line)
		}
		return nil
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the credential as JSON")
	return c
}

func (t *terminal) addContact(use, short string, begin func(*client.Client, context.Context, string) (login.Attempt, error)) *cobra.Command {
	var replace bool
	c := t.adds(&cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1)},
		func(ctx context.Context, c *client.Client, args []string) (client.Credential, error) {
			a, err := begin(c, ctx, args[0])
			if err != nil {
				return client.Credential{}, err
			}
			fmt.Fprintf(t.err, "A code was sent to %s.\n", visible(a.Contact))
			if inbox := c.InboxURL(); inbox != "" {
				fmt.Fprintf(t.err, "This is the sandbox: no real mail goes out. The message is at %s\n", strings.TrimSuffix(inbox, "/inbox"))
			}
			return t.prove(ctx, c, a, func(ctx context.Context) (client.Credential, error) {
				lines := t.lines(ctx)
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
						return client.Credential{}, fault.New(fault.Cancel, l.err)
					}
					one, err := c.FinishCredential(ctx, a.ID, l.text, replace)
					if fault.CodeOf(err) != fault.OTPWrong || l.err != nil {
						return one, err
					}
					t.tell(err)
				}
			})
		})
	c.Flags().BoolVar(&replace, "replace", false, "in place of the one that is there, which then logs in no more")
	return c
}

func (t *terminal) addProvider(name, title string) *cobra.Command {
	return t.adds(&cobra.Command{Use: name, Short: "An account at " + title + ", in the browser", Args: cobra.NoArgs},
		func(ctx context.Context, c *client.Client, _ []string) (client.Credential, error) {
			a, err := c.BeginProvider(ctx, name)
			if err != nil {
				return client.Credential{}, err
			}
			how := "The browser opens."
			if err := ceremony.OpenBrowser(ctx, a.URL); err != nil {
				how = "No browser could be opened here."
			}
			fmt.Fprintf(t.err, "%s Log in by %s within five minutes, at this link on this computer:\n%s\n", how, visible(a.Contact), a.URL)
			return t.prove(ctx, c, a, func(ctx context.Context) (client.Credential, error) {
				return c.FinishCredential(ctx, a.ID, "", false)
			})
		})
}

// prove does f for an attempt, which is over afterwards. Meanwhile the sandbox is served, by this process if no other does.
func (t *terminal) prove(ctx context.Context, c *client.Client, a login.Attempt, f func(context.Context) (client.Credential, error)) (client.Credential, error) {
	running, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { _ = c.Run(running) }) // it ends with running alone
	defer work.Wait()
	defer stop()
	one, err := f(running)
	if err != nil { // nobody could go on with it: the next command begins anew
		err = errors.Join(err, c.Login().Cancel(context.WithoutCancel(ctx), a.ID))
	}
	return one, err
}

func (t *terminal) addWallet() *cobra.Command {
	return t.adds(&cobra.Command{
		Use: "wallet FILE", Short: "The wallet of Ethereum or Solana whose key is in this file, for development",
		Long: "The wallet of Ethereum or Solana whose key is in this file, for development. It logs in by: latchkey login --wallet FILE --shared",
		Args: cobra.ExactArgs(1),
	}, func(ctx context.Context, c *client.Client, args []string) (client.Credential, error) {
		key, _, err := login.ReadWallet(args[0])
		if err != nil {
			return client.Credential{}, err
		}
		return c.AddWallet(ctx, key.PublicKey())
	})
}

func (t *terminal) addKey() *cobra.Command {
	var life time.Duration
	c := t.adds(&cobra.Command{
		Use: "key NAME PUBLICKEY", Short: "A P-256 key that is elsewhere, a program's for instance: it stamps, and logs nobody in",
		Args: cobra.ExactArgs(2),
	}, func(ctx context.Context, c *client.Client, args []string) (client.Credential, error) {
		if life < 0 || life > 0 && life < time.Second {
			return client.Credential{}, usage{fmt.Errorf("--for %s: want a second or more", life)}
		}
		return c.AddKey(ctx, args[0], args[1], life)
	})
	c.Flags().DurationVar(&life, "for", 0, "when it ends by itself, such as 720h (default: never)")
	return c
}
