package login

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
)

// finish goes from the answer of the provider to the session.
func (o *OAuth) finish(ctx context.Context, record session.Attempt, k *round) (session.Session, error) {
	p, err := o.provider(k.Provider)
	if err != nil {
		return session.Session{}, err
	}
	person, err := o.identified(ctx, record, k, p)
	if err != nil {
		return session.Session{}, err
	}
	if k.OrganizationID == "" {
		if err := o.account(ctx, record, k, p, person); err != nil {
			return session.Session{}, err
		}
	}
	key, err := o.Keys.Open(ctx, record.PublicKey)
	if err != nil {
		return session.Session{}, fmt.Errorf("log in: %w", err)
	}
	jwt, err := o.logIn(ctx, &record, k, key)
	if err != nil {
		return session.Session{}, err
	}
	return o.begun(ctx, record, asked{methodOAuth, cmp.Or(person.name, k.Title), k.OrganizationID, k.Options}, jwt)
}

// prove turns the code into an id token, and keeps it: a code is good once.
func (o *OAuth) prove(ctx context.Context, record session.Attempt, k *round, p Provider) (err error) {
	if k.IDToken != "" {
		return nil
	}
	o.reached("exchange")
	switch {
	case p.relayed:
		k.IDToken, err = o.Backend.relayed(ctx, k.Code, k.Verifier)
	case p.oauth2 != "":
		k.IDToken, err = o.Backend.oauth2Authenticate(ctx, p.oauth2, p.client.ClientID, k.Code, k.Redirect, k.Verifier, nonceOf(record.PublicKey))
	default:
		k.IDToken, err = o.exchange(ctx, p, *k)
	}
	if err != nil {
		return o.unproven(ctx, record, k, fmt.Errorf("log in by %s: %w", p.Title, err))
	}
	o.reached("exchanged")
	k.Idempotency = rand.Text()
	return o.keep(context.WithoutCancel(ctx), record, *k)
}

// unproven keeps that a round is over whose code or token will never do, and returns why.
func (o *OAuth) unproven(ctx context.Context, record session.Attempt, k *round, err error) error {
	switch fault.CodeOf(err) {
	case fault.BrowserLate, fault.IdentityForeign, fault.ProviderRefused, fault.LoginRefused:
	default: // another try may go through
		return err
	}
	k.Code, k.IDToken, k.Expires = "", "", o.now()
	if e := o.keep(context.WithoutCancel(ctx), record, *k); e != nil {
		return errors.Join(err, e)
	}
	return err
}

// account finds the organization of a person, or makes it.
func (o *OAuth) account(ctx context.Context, record session.Attempt, k *round, p Provider, person who) error {
	o.reached("find")
	id, err := o.Backend.findIdentity(ctx, k.IDToken)
	if err != nil {
		return fmt.Errorf("log in by %s: %w", p.Title, err)
	}
	o.reached("found")
	if id == "" {
		o.reached("sign up")
		if id, err = o.Backend.signUpIdentity(ctx, k.Idempotency, person.name, waysOf(p, k.IDToken, person)); err != nil {
			return fmt.Errorf("sign up: %w", err)
		}
		o.reached("signed up")
	}
	k.OrganizationID = id
	return o.keep(context.WithoutCancel(ctx), record, *k)
}

// logIn asks for the session token: the backend, or Turnkey itself by a stamp that the id token attests.
func (o *OAuth) logIn(ctx context.Context, record *session.Attempt, k *round, key keystore.Signer) (jwt string, err error) {
	// From here on the key may work there, whether or not we hear of it.
	o.maybe(record, k.OrganizationID, k.Options)
	if err := o.keep(ctx, *record, *k); err != nil {
		return "", err
	}
	o.reached("log in")
	if k.Options.Straight {
		jwt, err = o.stampLogin(ctx, stamp.Attested{Signer: key, Scheme: stamp.SchemeOIDC, Token: k.IDToken}, k.OrganizationID, record.PublicKey, k.Options)
	} else {
		jwt, err = o.Backend.logInByIdentity(ctx, k.IDToken, record.PublicKey, k.OrganizationID, o.length(k.Options), k.Options.Invalidate)
	}
	if err != nil {
		return "", fmt.Errorf("log in: %w", err)
	}
	o.reached("logged in")
	return jwt, nil
}
