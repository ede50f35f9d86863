package login

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/oauth2"

	"latchkey/internal/ceremony"
	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

// Passkey is the way in by a passkey, which the system's own browser asks for on a page of the backend's: a desktop window
// has none of its own everywhere. One that is made signs up in the same touch, by a key beside it that lives for a minute;
// one that is there stamps a log-in that was made here, for a key that was made here. It is safe for parallel use.
type Passkey struct {
	*Desk

	homes homes

	mu      sync.Mutex
	helpers map[string]*p256.Key // by attempt: the key beside a passkey that was made; in memory alone
}

const methodPasskey = "passkey"

// helperLife is how long the key beside a new passkey works, in seconds. Turnkey's own kits take as much.
const helperLife = "60"

// Begin listens for the browser and returns the link of the backend's page: there a passkey is used that is there, or,
// where name is not "", one of that name is made, for a new account. Errors: fault.PortsTaken; fault.ProfileBad when the
// profile does not know its organization, which a log-in must name; what the backend says; those of the key store and of
// the file. When it fails, its key is deleted.
func (p *Passkey) Begin(ctx context.Context, name string, options Options) (Attempt, error) {
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
	done, err := p.enter(ctx, attemptID)
	if err != nil {
		return Attempt{}, err
	}
	defer done()
	record, k, err := load[touch](ctx, p.Desk, methodPasskey, attemptID)
	if err != nil {
		return Attempt{}, err
	}
	key := record.PublicKey
	if !record.KeyEnds.IsZero() {
		key = ""
	}
	p.homes.leave(attemptID)
	k.Ticket, k.Stamp = "", ""
	if k.OrganizationID == "" { // what was made is in the authenticator, and no account has it
		k.Made = nil
	}
	return p.open(ctx, attemptID, key, k)
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

// open begins a round: with the attempt's key, or a new one.
func (p *Passkey) open(ctx context.Context, id, publicKey string, k touch) (Attempt, error) {
	if publicKey != "" {
		return p.openWith(ctx, id, publicKey, k)
	}
	key, err := p.Sessions.NewPendingKey(ctx, purpose)
	if err != nil {
		return Attempt{}, err
	}
	a, err := p.openWith(ctx, id, key.PublicKey(), k)
	if err != nil {
		err = p.unmake(ctx, key.PublicKey(), err)
	}
	return a, err
}

func (p *Passkey) openWith(ctx context.Context, id, publicKey string, k touch) (Attempt, error) {
	k.State, k.Verifier = rand.Text(), oauth2.GenerateVerifier()
	k.Expires = p.now().Add(ceremony.Life)
	l, err := ceremony.Listen(ceremony.Expect{State: k.State, Expires: k.Expires, Now: p.now})
	if err != nil {
		return Attempt{}, fmt.Errorf("log in by a passkey: %w", err)
	}
	k.Home = l.RedirectURI()
	if err := p.ask(ctx, publicKey, &k); err != nil {
		l.Close()
		return Attempt{}, fmt.Errorf("log in by a passkey: %w", err)
	}
	record := session.Attempt{ID: id, Method: methodPasskey, Purpose: purpose, PublicKey: publicKey}
	if err := p.keep(ctx, record, k); err != nil {
		l.Close()
		return Attempt{}, err
	}
	p.homes.settle(id, l)
	p.reached("opened")
	return viewOfTouch(record, k), nil
}

// ask has the backend make the page of a round, and notes its address.
func (p *Passkey) ask(ctx context.Context, publicKey string, k *touch) error {
	q := asking{Kind: "passkey-create", ReturnTo: k.Home, State: k.State, Challenge: oauth2.S256ChallengeFromVerifier(k.Verifier), Name: k.Name}
	if k.Name == "" || k.OrganizationID != "" {
		organization := cmp.Or(k.OrganizationID, p.OrganizationID)
		if organization == "" {
			return fault.New(fault.ProfileBad, errors.New("organization_id: a log-in by a passkey must name the parent organization"))
		}
		body, err := p.API.PrepareStampLogin(organization, p.loginParams(publicKey, k.Options))
		if err != nil {
			return err
		}
		k.Body = string(body)
		q.Kind, q.Name, q.Body = "passkey-stamp", "", k.Body
	}
	sealed, match, err := p.Backend.beginCeremony(ctx, q)
	if err != nil {
		return err
	}
	k.Match, k.URL = match, pageOf(p.Backend.URL())+"#"+sealed
	return nil
}

// pageOf is where the backend's page is for a browser. Browsers have passkeys for names alone, and this machine's is
// localhost.
func pageOf(backend string) string {
	u, err := url.Parse(backend)
	if err != nil {
		return backend + ceremonyPath
	}
	if u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" {
		u.Host = net.JoinHostPort("localhost", u.Port())
	}
	return strings.TrimSuffix(u.String(), "/") + ceremonyPath
}

// answered waits until what the page was answered is kept, or takes the pasted address.
func (p *Passkey) answered(ctx context.Context, id, typed string) error {
	for {
		_, k, err := load[touch](ctx, p.Desk, methodPasskey, id)
		switch {
		case err != nil:
			return err
		case k.Ticket != "" || k.Stamp != "" || k.Made != nil && (k.OrganizationID == "" || p.helper(id) != nil):
			return nil
		}
		var answer url.Values
		switch {
		case !p.now().Before(k.Expires):
			err = fault.New(fault.BrowserLate, nil)
		case typed != "":
			answer, err = ceremony.Pasted(typed, k.Home, k.State)
		default:
			answer, err = p.await(ctx, id, k)
		}
		if err != nil && fault.CodeOf(err) == fault.BrowserLate { // or another page was opened meanwhile
			if _, now, e := load[touch](ctx, p.Desk, methodPasskey, id); e != nil || now.State != k.State {
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
		return p.note(ctx, id, k.State, answer)
	}
}

func (p *Passkey) await(ctx context.Context, id string, k touch) (url.Values, error) {
	l, err := p.homes.again(id, k.Home, ceremony.Expect{State: k.State, Expires: k.Expires, Now: p.now})
	if err != nil {
		return nil, err
	}
	if _, err := p.Sessions.GetAttempt(ctx, id); err != nil { // cancelled meanwhile
		if fault.CodeOf(err) == fault.AttemptOver {
			p.homes.leave(id)
		}
		return nil, err
	}
	return l.Wait(ctx)
}

// note keeps the ticket that an answer brought, or what ends the round in its place.
func (p *Passkey) note(ctx context.Context, id, state string, answer url.Values) error {
	ctx = context.WithoutCancel(ctx) // the answer is used up now, whether or not the caller still waits
	done, err := p.enter(ctx, id)
	if err != nil {
		return err
	}
	defer done()
	record, k, err := load[touch](ctx, p.Desk, methodPasskey, id)
	switch {
	case err != nil:
		return err
	case k.State != state:
		return fault.New(fault.BrowserLate, nil)
	}
	var refusal error
	if k.Ticket = answer.Get("code"); answer.Has("error") || k.Ticket == "" {
		k.Ticket, k.Expires = "", p.now()
		refusal = fault.New(fault.PasskeyDenied, nil)
	}
	if err := p.keep(ctx, record, k); err != nil {
		return err
	}
	p.reached("answered")
	return refusal
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
		by := turnkey.StampedBy(context.WithValue(ctx, ownKey{}, true), ready{[]byte(k.Body), k.Stamp})
		if jwt, err = p.API.StampLoginPrepared(by, cmp.Or(k.OrganizationID, p.OrganizationID), []byte(k.Body)); err != nil {
			err = fmt.Errorf("log in: %w", err)
		}
	}
	if err != nil {
		return session.Session{}, p.over(ctx, record, k, err)
	}
	p.reached("logged in")
	return p.begun(ctx, record, asked{methodPasskey, cmp.Or(k.Name, "passkey"), k.OrganizationID, k.Options}, jwt)
}

// over keeps that a round is over whose stamp or ticket will never do, and returns why. What another try may mend stays.
func (p *Passkey) over(ctx context.Context, record session.Attempt, k *touch, err error) error {
	switch fault.CodeOf(err) {
	case fault.BrowserLate, fault.LoginRefused, fault.ClockWrong, fault.APIRefused:
	default:
		return err
	}
	k.Ticket, k.Stamp, k.Expires = "", "", p.now()
	p.help(record.ID, nil)
	if e := p.keep(context.WithoutCancel(ctx), record, *k); e != nil {
		return errors.Join(err, e)
	}
	return err
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

// ready is a stamp that is there already, over one body.
type ready struct {
	body   []byte
	header string
}

// Stamp returns the stamp. Another body than its own has none.
func (r ready) Stamp(_ context.Context, body []byte) (*stamp.Stamp, error) {
	if !bytes.Equal(body, r.body) {
		return nil, fault.New(fault.RequestInvalid, errors.New("the passkey stamped another request"))
	}
	return &stamp.Stamp{HeaderName: stamp.HeaderWebAuthn, HeaderValue: r.header}, nil
}
