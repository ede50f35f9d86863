package login

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
)

// Passkey is the way in by a passkey, which the system's own browser asks for on a page of the backend's: a desktop window
// has none of its own everywhere. One that is made signs up in the same touch, by a key beside it that lives for a minute;
// one that is there stamps a log-in that was made here, for a key that was made here. It is safe for parallel use.
type Passkey struct {
	*rounds

	mu      sync.Mutex
	helpers map[string]*p256.Key // by attempt: the key beside a passkey that was made; in memory alone
}

const methodPasskey = "passkey"

func newPasskey(d *Desk) *Passkey {
	p := &Passkey{rounds: &rounds{Desk: d, method: methodPasskey, what: "a passkey", denied: fault.PasskeyDenied}}
	p.rounds.ask, p.rounds.here = p.ask, p.here
	return p
}

// helperLife is how long the key beside a new passkey works, in seconds. Turnkey's own kits take as much.
const helperLife = "60"

// Begin listens for the browser and returns the link of the backend's page: there a passkey is used that is there, or,
// where name is not "", one of that name is made, for a new account. Errors: fault.WayClosed; fault.PortsTaken; fault.ProfileBad when the
// profile does not know its organization, which a log-in must name; what the backend says; those of the key store and of
// the file. When it fails, its key is deleted.
func (p *Passkey) Begin(ctx context.Context, name string, options Options) (Attempt, error) {
	if _, err := p.offering(ctx, ByPasskey); err != nil {
		return Attempt{}, err
	}
	k := touch{Name: strings.TrimSpace(name), Options: options, Idempotency: rand.Text()}
	a, err := p.open(ctx, rand.Text(), "", k)
	if err != nil {
		return Attempt{}, err
	}
	p.supersede(ctx, a, func([]byte) bool { return true })
	p.homes.tidy(ctx, p.Sessions)
	return a, nil
}

// Resend opens another page; what comes back from the one before counts no more. Where the account is made already, it
// asks for the passkey that was made. The key stays, unless a log-in by it may have been heard of already.
func (p *Passkey) Resend(ctx context.Context, attemptID string) (Attempt, error) {
	return p.again(ctx, attemptID, func(k *touch) {
		if k.OrganizationID == "" { // what was made is in the authenticator, and no account has it
			k.Made = nil
		}
	})
}

// Continue waits for the browser, or takes the address that a person pasted, and then signs up with what was made, or logs
// in with what was stamped, and stores the session. After a failure it may be called again: what was granted is not asked
// for twice. Errors: fault.BrowserLate when the round is over and Resend must open another page, fault.PasteWrong;
// fault.PasskeyDenied when the person turned away; fault.AttemptOver; fault.LoginRefused, fault.SignUpRefused and what
// else the backend and Turnkey say; those of session.Manager.Store.
func (p *Passkey) Continue(ctx context.Context, attemptID, typed string) (session.Session, error) {
	if err := p.answered(ctx, attemptID, typed); err != nil {
		return session.Session{}, err
	}
	defer p.homes.leave(attemptID)
	done, err := p.enter(ctx, attemptID)
	if err != nil {
		return session.Session{}, err
	}
	defer done()
	record, k, err := load[touch](ctx, p.Desk, methodPasskey, attemptID)
	if err != nil {
		return session.Session{}, err
	}
	if err := p.fetch(ctx, record, &k); err != nil {
		return session.Session{}, p.over(ctx, record, &k, err)
	}
	if k.Made != nil && k.OrganizationID == "" {
		if err := p.signUp(ctx, record, &k); err != nil {
			return session.Session{}, err
		}
	}
	s, err := p.logIn(ctx, record, &k)
	if err == nil {
		p.help(attemptID, nil)
	}
	return s, err
}

// ask has the page make a passkey, or, once there is an account of it, use one.
func (p *Passkey) ask(publicKey string, k *touch) (q asking, err error) {
	if k.Name != "" && k.OrganizationID == "" {
		k.Body = ""
		return asking{Kind: "passkey-create", Name: k.Name}, nil
	}
	k.Body, err = p.loginBody(k.OrganizationID, publicKey, k.Options)
	return asking{Kind: "passkey-stamp"}, err
}

func (p *Passkey) here(attemptID string, k touch) bool {
	return k.Stamp != "" || k.Made != nil && (k.OrganizationID == "" || p.helper(attemptID) != nil)
}

// fetch trades the ticket for what the page came to, and keeps it.
func (p *Passkey) fetch(ctx context.Context, record session.Attempt, k *touch) error {
	if k.Ticket == "" {
		return nil
	}
	p.reached("fetch")
	result, err := p.Backend.ceremonyResult(ctx, k.Ticket, k.Verifier)
	if err != nil {
		return fmt.Errorf("log in by a passkey: %w", err)
	}
	k.Ticket = ""
	if k.Body == "" {
		k.Made = result
	} else {
		var stamped struct {
			Stamp           string   `json:"stamp"`
			OrganizationIDs []string `json:"organizationIds"`
		}
		if err := json.Unmarshal(result, &stamped); err != nil || stamped.Stamp == "" {
			return incomplete(ceremonyPath + "/token")
		}
		k.Stamp = stamped.Stamp
		if k.OrganizationID == "" && len(stamped.OrganizationIDs) == 1 {
			k.OrganizationID = stamped.OrganizationIDs[0]
		}
	}
	p.reached("fetched")
	return p.keep(context.WithoutCancel(ctx), record, *k)
}

// signUp makes the account of a passkey that was made, with a key beside it that logs in once. When the answer of an
// earlier try was lost together with that key, the account is found, and the passkey must be used again.
func (p *Passkey) signUp(ctx context.Context, record session.Attempt, k *touch) error {
	helper := p.helper(record.ID)
	if helper == nil && k.Asked {
		found, err := p.Backend.findPasskey(ctx, k.Made)
		if err != nil {
			return fmt.Errorf("sign up: %w", err)
		}
		if found != "" {
			k.OrganizationID = found
			return p.over(ctx, record, k, fault.New(fault.BrowserLate, errors.New("the account is made; its passkey logs in")))
		}
		k.Idempotency = rand.Text() // what was asked for before had another key in it
	}
	if helper == nil {
		helper = p256.NewKey(p256.Generate())
		p.help(record.ID, helper)
	}
	k.Asked = true
	if err := p.keep(ctx, record, *k); err != nil {
		return err
	}
	p.reached("sign up")
	id, err := p.Backend.signUpPasskey(ctx, k.Idempotency, k.Name, k.Made, helper.PublicKey())
	if err != nil {
		return fmt.Errorf("sign up: %w", err)
	}
	p.reached("signed up")
	k.OrganizationID = id
	return p.keep(context.WithoutCancel(ctx), record, *k)
}

// logIn asks Turnkey for the session: by the key beside a new passkey, or by what the passkey has stamped.
func (p *Passkey) logIn(ctx context.Context, record session.Attempt, k *touch) (session.Session, error) {
	helper := p.helper(record.ID)
	if k.Stamp == "" && helper == nil { // it was in the memory of a process that ended
		return session.Session{}, p.over(ctx, record, k, fault.New(fault.BrowserLate, errors.New("the account is made; its passkey logs in")))
	}
	// From here on the key may work there, whether or not we hear of it.
	p.maybe(&record, k.OrganizationID, k.Options)
	if err := p.keep(ctx, record, *k); err != nil {
		return session.Session{}, err
	}
	p.reached("log in")
	var jwt string
	var err error
	if k.Stamp == "" {
		jwt, err = p.stampLogin(ctx, stamp.APIKey{Signer: helper}, k.OrganizationID, record.PublicKey, k.Options)
	} else {
		jwt, err = p.stamped(ctx, k, stamp.HeaderWebAuthn)
	}
	if err != nil {
		p.help(record.ID, nil)
		return session.Session{}, p.over(ctx, record, k, err)
	}
	p.reached("logged in")
	return p.begun(ctx, record, asked{methodPasskey, cmp.Or(k.Name, "passkey"), k.OrganizationID, k.Options}, jwt)
}

func (p *Passkey) help(id string, key *p256.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if key == nil {
		delete(p.helpers, id)
		return
	}
	if p.helpers == nil {
		p.helpers = map[string]*p256.Key{}
	}
	p.helpers[id] = key
}

func (p *Passkey) helper(id string) *p256.Key {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.helpers[id]
}
