package login

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"latchkey/internal/ceremony"
	"latchkey/internal/fault"
	"latchkey/internal/profile"
	"latchkey/internal/session"
)

// OAuth is the way in by a provider: the person logs in there in the system's own browser, which comes back to a listener
// on this machine. The key is made first, and the id token is bound to it by its nonce. It is safe for parallel use.
type OAuth struct {
	*Desk
	Settings  func() profile.OAuth // nil: no provider is set up
	Transport http.RoundTripper    // to providers; nil: http.DefaultTransport

	homes homes
}

const methodOAuth = "oauth"

// Providers returns those that the profile has the settings of, in the order in which they are shown.
func (o *OAuth) Providers() []Provider {
	if o.Settings == nil {
		return nil
	}
	return providers(o.Settings())
}

func (o *OAuth) provider(name string) (Provider, error) {
	for _, p := range o.Providers() {
		if p.Name == name {
			return p, nil
		}
	}
	return Provider{}, fault.New(fault.ProviderUnset, fmt.Errorf("%q", name))
}

// Begin listens for the browser and returns the link of the provider's page. Errors: fault.ProviderUnset, fault.WayClosed,
// fault.ProviderDown, fault.PortsTaken; what the backend says; those of the key store and of the file. When it fails, its
// key is deleted.
func (o *OAuth) Begin(ctx context.Context, provider string, options Options) (Attempt, error) {
	p, err := o.provider(provider)
	if err != nil {
		return Attempt{}, err
	}
	if _, err := o.offering(ctx, p.Name); err != nil {
		return Attempt{}, err
	}
	a, err := o.open(ctx, rand.Text(), "", p, options)
	if err != nil {
		return Attempt{}, err
	}
	o.supersede(ctx, a, func(data []byte) bool {
		var k round
		return json.Unmarshal(data, &k) == nil && k.Provider == provider && k.Options.Link == options.Link
	})
	o.homes.tidy(ctx, o.Sessions)
	return a, nil
}

// Resend begins another round, with another state; what comes back from the one before counts no more. The key stays,
// unless a log-in by it may have been heard of already.
func (o *OAuth) Resend(ctx context.Context, attemptID string) (Attempt, error) {
	done, err := o.enter(ctx, attemptID)
	if err != nil {
		return Attempt{}, err
	}
	defer done()
	record, k, err := load[round](ctx, o.Desk, methodOAuth, attemptID)
	if err != nil {
		return Attempt{}, err
	}
	p, err := o.provider(k.Provider)
	if err != nil {
		return Attempt{}, err
	}
	key := record.PublicKey
	if !record.KeyEnds.IsZero() {
		key = ""
	}
	o.homes.leave(attemptID)
	return o.open(ctx, attemptID, key, p, k.Options)
}

// Continue waits for the browser, or takes the address that a person pasted, and then signs up who is new, logs in, and
// stores the session. After a failure it may be called again: what was granted is not asked for twice. Errors:
// fault.BrowserLate when the round is over and Resend must begin another, fault.PasteWrong; fault.ProviderDenied when the
// person turned away, fault.ProviderRefused, fault.ProviderDown; fault.IdentityForeign; fault.AttemptOver;
// fault.LoginRefused, fault.SignUpRefused and what else the backend says; the token codes when an answer is not genuine;
// those of session.Manager.Store.
func (o *OAuth) Continue(ctx context.Context, attemptID, typed string) (session.Session, error) {
	if _, k, err := load[round](ctx, o.Desk, methodOAuth, attemptID); err != nil {
		return session.Session{}, err
	} else if err := linking(k.Options, false); err != nil {
		return session.Session{}, err
	}
	if err := o.answered(ctx, attemptID, typed); err != nil {
		return session.Session{}, err
	}
	defer o.homes.leave(attemptID)
	done, err := o.enter(ctx, attemptID)
	if err != nil {
		return session.Session{}, err
	}
	defer done()
	record, k, err := load[round](ctx, o.Desk, methodOAuth, attemptID)
	if err != nil {
		return session.Session{}, err
	}
	return o.finish(ctx, record, &k)
}

// answered waits until the answer of the provider is kept, or takes the pasted one.
func (o *OAuth) answered(ctx context.Context, id, typed string) error {
	for {
		_, k, err := load[round](ctx, o.Desk, methodOAuth, id)
		switch {
		case err != nil:
			return err
		case k.Code != "" || k.IDToken != "":
			return nil
		}
		var answer url.Values
		if typed != "" {
			answer, err = ceremony.Pasted(typed, k.Home, k.State)
			if err == nil && !o.now().Before(k.Expires) {
				err = fault.New(fault.BrowserLate, nil)
			}
		} else {
			answer, err = o.await(ctx, id, k)
		}
		if err != nil && fault.CodeOf(err) == fault.BrowserLate { // or another round has begun meanwhile
			if _, now, e := load[round](ctx, o.Desk, methodOAuth, id); e != nil || now.State != k.State {
				if e != nil {
					return e
				}
				typed = ""
				continue
			}
		}
		if err != nil {
			return err
		}
		return o.note(ctx, id, k.State, answer)
	}
}

func (o *OAuth) await(ctx context.Context, id string, k round) (url.Values, error) {
	if !o.now().Before(k.Expires) {
		return nil, fault.New(fault.BrowserLate, nil)
	}
	l, err := o.homes.again(id, k.Home, ceremony.Expect{State: k.State, Expires: k.Expires, Now: o.now})
	if err != nil {
		return nil, err
	}
	if _, err := o.Sessions.GetAttempt(ctx, id); err != nil { // cancelled meanwhile
		if fault.CodeOf(err) == fault.AttemptOver {
			o.homes.leave(id)
		}
		return nil, err
	}
	return l.Wait(ctx)
}

// note keeps the code that an answer brought, or what ends the round in its place.
func (o *OAuth) note(ctx context.Context, id, state string, answer url.Values) error {
	ctx = context.WithoutCancel(ctx) // the answer is used up now, whether or not the caller still waits
	done, err := o.enter(ctx, id)
	if err != nil {
		return err
	}
	defer done()
	record, k, err := load[round](ctx, o.Desk, methodOAuth, id)
	switch {
	case err != nil:
		return err
	case k.State != state:
		return fault.New(fault.BrowserLate, nil)
	}
	p, err := o.provider(k.Provider)
	if err != nil {
		return err
	}
	refusal := refusalOf(p, answer)
	if refusal == nil {
		k.Code = answer.Get("code")
	} else {
		k.Expires = o.now()
	}
	if err := o.keep(ctx, record, k); err != nil {
		return err
	}
	o.reached("answered")
	return refusal
}

// refusalOf is what an answer says instead of a code.
func refusalOf(p Provider, answer url.Values) error {
	switch said := answer.Get("error"); {
	case said == "access_denied", said == "user_cancelled_authorize", said == "user_denied", said == "login_required":
		return fault.New(fault.ProviderDenied, fmt.Errorf("%q", clip(said)))
	case said != "":
		return fault.New(fault.ProviderRefused, fmt.Errorf("%q", clip(said)))
	case answer.Has("iss") && p.issuer != "" && answer.Get("iss") != p.issuer: // RFC 9207
		return fault.New(fault.IdentityForeign, errors.New("the answer is another issuer's"))
	}
	return nil
}

// open begins a round: with the attempt's key, or a new one.
func (o *OAuth) open(ctx context.Context, id, publicKey string, p Provider, options Options) (Attempt, error) {
	at, err := o.places(ctx, p)
	if err != nil {
		return Attempt{}, fmt.Errorf("log in by %s: %w", p.Title, err)
	}
	if publicKey == "" {
		key, err := o.Sessions.NewPendingKey(ctx, options.purpose())
		if err != nil {
			return Attempt{}, err
		}
		a, err := o.openWith(ctx, id, key.PublicKey(), p, at, options)
		if err != nil {
			err = o.unmake(ctx, key.PublicKey(), err)
		}
		return a, err
	}
	return o.openWith(ctx, id, publicKey, p, at, options)
}

func (o *OAuth) openWith(ctx context.Context, id, publicKey string, p Provider, at oauth2.Endpoint, options Options) (Attempt, error) {
	k := round{Provider: p.Name, Title: p.Title, State: rand.Text(), Verifier: oauth2.GenerateVerifier(), Expires: o.now().Add(ceremony.Life), Options: options}
	expect := ceremony.Expect{State: k.State, Host: p.exact, Ports: p.ports, Expires: k.Expires, Now: o.now}
	if p.exact != "" {
		expect.Path = exactPath
	}
	l, err := ceremony.Listen(expect)
	if err != nil {
		return Attempt{}, fmt.Errorf("log in by %s: %w", p.Title, err)
	}
	k.Home, k.Redirect = l.RedirectURI(), l.RedirectURI()
	if err := o.link(ctx, &k, p, at, publicKey); err != nil {
		l.Close()
		return Attempt{}, fmt.Errorf("log in by %s: %w", p.Title, err)
	}
	record := session.Attempt{ID: id, Method: methodOAuth, Purpose: options.purpose(), PublicKey: publicKey}
	if err := o.keep(ctx, record, k); err != nil {
		l.Close()
		return Attempt{}, err
	}
	o.homes.settle(id, l)
	o.reached("opened")
	return viewOfRound(record, k), nil
}

// link makes the address of the provider's page.
func (o *OAuth) link(ctx context.Context, k *round, p Provider, at oauth2.Endpoint, publicKey string) error {
	state := k.State
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(k.Verifier)}
	if p.relayed {
		var err error
		if state, err = o.Backend.beginRelay(ctx, k.Home, k.State, oauth2.S256ChallengeFromVerifier(k.Verifier)); err != nil {
			return err
		}
		k.Redirect, options = o.Backend.URL()+relayPath, nil // its code is exchanged by nobody
	}
	if p.issuer != "" {
		options = append(options, oauth2.SetAuthURLParam("nonce", nonceOf(publicKey)))
	}
	for name, v := range p.more {
		options = append(options, oauth2.SetAuthURLParam(name, v[0]))
	}
	c := oauth2.Config{ClientID: p.client.ClientID, Endpoint: at, RedirectURL: k.Redirect, Scopes: p.scopes}
	k.URL = c.AuthCodeURL(state, options...)
	return nil
}
