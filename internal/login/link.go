package login

import (
	"cmp"
	"context"
	"fmt"

	"latchkey/internal/fault"
	"latchkey/internal/session"
	"latchkey/internal/turnkey"
)

// Proof is what a person has proven to be his, so that it can log him in to the account that he is logged in to. It is
// proven as at a log-in, by the same steps, but begins no session: see [Options.Link].
type Proof struct {
	Contact      string                        // an address or a number, with
	Phone        bool                          // whether it is a number, and
	Verification string                        // the token that proves it
	Providers    []turnkey.OAuthProviderParams // or an identity at a provider, and at its other client ids
	Title        string                        // by which the provider, or the person there, is known

	For            string // the user whose account it was begun for
	OrganizationID string // of the account that it logs in to already; "" for none
}

const purposeLink = "link"

// purpose says what the key of an attempt is for.
func (o Options) purpose() string {
	if o.Link != "" {
		return purposeLink
	}
	return purpose
}

// linking refuses to end an attempt as the other kind: what proves a credential logs nobody in, and the reverse.
func linking(o Options, want bool) error {
	if (o.Link != "") != want {
		return fault.New(fault.AttemptOver, fmt.Errorf("the attempt is for: %s", o.purpose()))
	}
	return nil
}

// Prove goes on with an attempt that was begun with Options.Link, as Continue does with others: by the code, or by what
// the browser brings. The attempt stays, so that what was proven is not asked for again; [Ways.Cancel] ends it. Errors:
// those of Continue up to the proof; fault.AttemptOver for an attempt of another kind.
func (w *Ways) Prove(ctx context.Context, attemptID, typed string) (Proof, error) {
	way, err := w.find(ctx, attemptID)
	if err != nil {
		return Proof{}, err
	}
	switch way := way.(type) {
	case *OTP:
		return way.proveContact(ctx, attemptID, typed)
	case *OAuth:
		return way.proveIdentity(ctx, attemptID, typed)
	}
	return Proof{}, linking(Options{}, true)
}

func (o *OTP) proveContact(ctx context.Context, attemptID, code string) (Proof, error) {
	done, err := o.enter(ctx, attemptID)
	if err != nil {
		return Proof{}, err
	}
	defer done()
	record, k, err := load[kept](ctx, o.Desk, methodOTP, attemptID)
	if err != nil {
		return Proof{}, err
	}
	if err := linking(k.Options, true); err != nil {
		return Proof{}, err
	}
	if _, err := o.proof(record, k); err != nil {
		if _, err = o.prove(ctx, record, &k, code); err != nil {
			return Proof{}, err
		}
	}
	return Proof{Contact: k.Contact, Phone: k.kind() == turnkey.OTPSMS, Verification: k.Verification, Title: k.Contact, For: k.Options.Link, OrganizationID: k.OrganizationID}, nil
}

func (o *OAuth) proveIdentity(ctx context.Context, attemptID, typed string) (Proof, error) {
	if _, k, err := load[round](ctx, o.Desk, methodOAuth, attemptID); err != nil {
		return Proof{}, err
	} else if err := linking(k.Options, true); err != nil {
		return Proof{}, err
	}
	if err := o.answered(ctx, attemptID, typed); err != nil {
		return Proof{}, err
	}
	defer o.homes.leave(attemptID)
	done, err := o.enter(ctx, attemptID)
	if err != nil {
		return Proof{}, err
	}
	defer done()
	record, k, err := load[round](ctx, o.Desk, methodOAuth, attemptID)
	if err != nil {
		return Proof{}, err
	}
	p, err := o.provider(k.Provider)
	if err != nil {
		return Proof{}, err
	}
	person, err := o.identified(ctx, record, &k, p)
	if err != nil {
		return Proof{}, err
	}
	o.reached("find")
	id, err := o.Backend.findIdentity(ctx, k.IDToken)
	if err != nil {
		return Proof{}, fmt.Errorf("look %s up: %w", p.Title, err)
	}
	o.reached("found")
	proof := Proof{Title: cmp.Or(person.name, k.Title), For: k.Options.Link, OrganizationID: id}
	for _, one := range waysOf(p, k.IDToken, person) {
		out := turnkey.OAuthProviderParams{ProviderName: one.Name, OIDCToken: one.Token}
		if one.Claims != nil {
			out.OIDCClaims = &turnkey.OIDCClaims{Issuer: one.Claims.Issuer, Subject: one.Claims.Subject, Audience: one.Claims.Audience}
		}
		proof.Providers = append(proof.Providers, out)
	}
	return proof, nil
}

// identified goes from the answer of the provider to who the person is there.
func (o *OAuth) identified(ctx context.Context, record session.Attempt, k *round, p Provider) (who, error) {
	if err := o.prove(ctx, record, k, p); err != nil {
		return who{}, err
	}
	person, err := o.check(ctx, p, k.IDToken, record.PublicKey)
	if err != nil {
		return who{}, o.unproven(ctx, record, k, err)
	}
	return person, nil
}

// waysOf are the ways in that an id token proves: itself, and the same person at the provider's other client ids.
func waysOf(p Provider, idToken string, person who) []oauthProvider {
	ways := []oauthProvider{{Name: p.Title, Token: idToken}}
	for _, other := range p.client.Others() {
		if other != p.client.ClientID {
			ways = append(ways, oauthProvider{Name: p.Title, Claims: &oidcClaims{person.issuer, person.subject, other}})
		}
	}
	return ways
}
