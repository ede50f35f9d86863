package app

import (
	"context"
	"errors"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/profile"
)

// begins returns how a way in begins, by its word and with what it needs to know: an address, a number, a provider. It
// is nil for a word that is none.
func begins(ways *login.Ways, way string) func(ctx context.Context, with string, o login.Options) (login.Attempt, error) {
	switch way {
	case "email":
		return ways.OTP.Begin
	case "phone":
		return ways.OTP.BeginPhone
	case "emailLink":
		return ways.Mail.Begin
	case "provider":
		return ways.OAuth.Begin
	case "passkey": // with the name of a new one, or with nothing
		return ways.Passkey.Begin
	case "wallet": // with "all" when the person has said that every way into the account is his
		return func(ctx context.Context, with string, o login.Options) (login.Attempt, error) {
			o.Shared = with == "all"
			return ways.WalletPage.Begin(ctx, o)
		}
	}
	return nil
}

// offered tells which ways in there are, of what the backend said last: a picture of now does not wait for the network.
// Until it has said anything all are shown, and one that is not offered is refused when it begins.
func (a *App) offered(c *client.Client) WaysView {
	a.mu.Lock()
	o := a.offers
	a.mu.Unlock()
	pages := c.Login().OrganizationID != "" // which what is stamped in a browser must name
	v := WaysView{
		Email: o.Allows(login.ByEmail), Phone: o.Allows(login.BySMS), EmailLink: o.Allows(login.ByEmail),
		Passkey: pages && o.Allows(login.ByPasskey), Wallet: pages && o.Allows(login.ByWallet), WalletFile: development(c) && o.Allows(login.ByWallet),
		Providers: []ProviderView{},
	}
	for _, p := range c.Login().OAuth.Providers() {
		if o.Allows(p.Name) {
			v.Providers = append(v.Providers, ProviderView{p.Name, p.Title})
		}
	}
	return v
}

// askOffers asks the backend of c what it offers. What was known stays when it does not answer.
func (a *App) askOffers(ctx context.Context, c *client.Client) {
	ways := c.Login()
	if ways == nil { // it was left meanwhile
		return
	}
	o, err := ways.Offers(ctx)
	if err != nil {
		a.log.Info("it is not known what the backend offers", "err", err)
		return
	}
	a.mu.Lock()
	if a.client == c {
		a.offers = o
	}
	a.mu.Unlock()
	a.changed()
}

// development reports whether nothing in the profile is anybody's real money.
func development(c *client.Client) bool { return c.Profile().Kind != profile.KindLive }

// BeginLogin makes a key and begins a way in: a code or a link is sent, or the browser is opened. An attempt of the
// window's that was under way is given up for it.
func (a *App) BeginLogin(way, with string) (State, error) {
	return a.logIn("BeginLogin", func(ctx context.Context, c *client.Client) error {
		begin := begins(c.Login(), way)
		if begin == nil {
			return fault.New(fault.RequestInvalid, errors.New("no such way in"))
		}
		before, had, err := c.Login().PendingFor(ctx, func(attempt login.Attempt) bool { return attempt.By == here })
		if err != nil {
			return err
		}
		attempt, err := begin(ctx, with, login.Options{By: here})
		if err != nil {
			return err
		}
		if err := a.browse(attempt); err != nil {
			a.log.Info("no browser was opened", "err", err) // the page says so, and offers the link
		}
		if !had {
			return nil
		}
		a.forget(before.ID)
		return c.Login().Cancel(ctx, before.ID)
	}, way, with)
}

// LogInByWalletFile lets the person choose a wallet's key file, whose path the page neither names nor learns, and logs in
// with it. all is "all" when the person has said that every way into the account is his. Errors: fault.WalletFile,
// fault.WalletShared; fault.Cancel when the person turned away.
func (a *App) LogInByWalletFile(all string) (State, error) {
	return a.logIn("LogInByWalletFile", func(ctx context.Context, c *client.Client) error {
		if !development(c) {
			return fault.New(fault.RequestInvalid, errors.New("a key in a file is for development"))
		}
		path, err := a.chooseFile(ctx, "The key file of your wallet")
		if err != nil {
			return err
		}
		key, address, err := login.ReadWallet(path)
		if err != nil {
			return err
		}
		attempt, err := c.Login().Wallet.Begin(ctx, key, address, login.Options{Shared: all == "all"})
		if err != nil {
			return err
		}
		if _, err := c.Login().Continue(ctx, attempt.ID, ""); err != nil {
			// Nothing of it is worth keeping: the key is read anew, and one stamp is all that it takes.
			return errors.Join(err, c.Login().Cancel(context.WithoutCancel(ctx), attempt.ID))
		}
		return nil
	}, all)
}

// ContinueLogin goes on with an attempt: with the code, the address or the key that a person typed or pasted, or with
// nothing where nothing is missing any more. One that waits by itself goes on waiting, which ends a failure of it.
func (a *App) ContinueLogin(attemptID, typed string) (State, error) {
	return a.logIn("ContinueLogin", func(ctx context.Context, c *client.Client) error {
		attempt, err := pending(ctx, c, attemptID)
		if err != nil {
			return err
		}
		if typed == "" && waits(attempt) {
			a.forget(attemptID)
			return nil // logIn takes the waiting up again
		}
		if _, err := c.Login().Continue(ctx, attemptID, typed); err != nil {
			return err
		}
		a.forget(attemptID)
		return nil
	}, attemptID, typed)
}

// ResendLogin begins an attempt anew: another code, another link, another round through the browser. What came before
// counts no more.
func (a *App) ResendLogin(attemptID string) (State, error) {
	return a.logIn("ResendLogin", func(ctx context.Context, c *client.Client) error {
		a.rest(attemptID)
		attempt, err := c.Login().Resend(ctx, attemptID)
		if err != nil {
			return err
		}
		a.forget(attemptID)
		if err := a.browse(attempt); err != nil {
			a.log.Info("no browser was opened", "err", err)
		}
		return nil
	}, attemptID)
}

// CancelLogin gives an attempt up and deletes its key.
func (a *App) CancelLogin(attemptID string) (State, error) {
	return a.logIn("CancelLogin", func(ctx context.Context, c *client.Client) error {
		a.rest(attemptID)
		if err := c.Login().Cancel(ctx, attemptID); err != nil {
			return err
		}
		a.forget(attemptID)
		return nil
	}, attemptID)
}

// OpenBrowser opens the attempt's own page in the system's browser, once more. The page names the attempt and cannot
// choose an address. Errors: fault.BrowserUnopened.
func (a *App) OpenBrowser(attemptID string) (State, error) {
	return a.logIn("OpenBrowser", func(ctx context.Context, c *client.Client) error {
		attempt, err := pending(ctx, c, attemptID)
		if err != nil {
			return err
		}
		return a.browse(attempt)
	}, attemptID)
}

// CopyLink puts the address of the attempt's page on the clipboard, for a browser that Latchkey cannot open.
func (a *App) CopyLink(attemptID string) error {
	_, err := call(a, "CopyLink", func(ctx context.Context) (struct{}, error) {
		c, err := a.opened()
		if err != nil {
			return struct{}{}, err
		}
		attempt, err := pending(ctx, c, attemptID)
		if err != nil {
			return struct{}{}, err
		}
		if attempt.URL == "" {
			return struct{}{}, fault.New(fault.RequestInvalid, errors.New("this way in has no page"))
		}
		a.mu.Lock()
		w := a.window
		a.mu.Unlock()
		return struct{}{}, w.Copy(attempt.URL)
	}, attemptID)
	return err
}

// logIn does one step of a log-in and returns what the page then shows. A step that failed changed the state too (a
// try is used up), so the page is told to ask again. What waits for the browser is waited for afterwards.
func (a *App) logIn(method string, step func(context.Context, *client.Client) error, args ...string) (State, error) {
	return call(a, method, func(ctx context.Context) (State, error) {
		c, err := a.opened()
		if err != nil {
			return State{}, err
		}
		defer a.changed()
		err = step(ctx, c)
		a.attend(ctx, c)
		if err != nil {
			return State{}, err
		}
		return a.state(ctx), nil
	}, args...)
}

// pending returns the window's attempt under way, if it is the one of that id. Errors: fault.AttemptOver; those of
// login.Ways.Pending.
func pending(ctx context.Context, c *client.Client, attemptID string) (login.Attempt, error) {
	attempt, ok, err := c.Login().PendingFor(ctx, ours)
	if err == nil && (!ok || attempt.ID != attemptID) {
		err = fault.New(fault.AttemptOver, nil)
	}
	return attempt, err
}
