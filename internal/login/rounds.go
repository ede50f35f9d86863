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
	"time"

	"golang.org/x/oauth2"

	"latchkey/internal/ceremony"
	"latchkey/internal/fault"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

// rounds are the log-ins by a page of the backend's in the system's own browser: the page does what only a browser can,
// and leads back to a listener here.
type rounds struct {
	*Desk
	method string
	what   string     // that the person has, such as "a passkey"
	denied fault.Code // when he turned away

	ask  func(publicKey string, k *touch) (asking, error) // what the page is to do, for the session of a key; it sets k.Body
	here func(attemptID string, k touch) bool             // whether all is here that the browser was to bring

	homes homes
}

// touch is what of a log-in by such a page is sealed in the state.
type touch struct {
	Name        string    `json:"name,omitempty"` // of a passkey that is made; "" uses one that is there
	URL         string    `json:"url"`            // of the backend's page
	Match       string    `json:"match"`
	Home        string    `json:"home"` // where the browser comes back to, on this machine
	State       string    `json:"state"`
	Verifier    string    `json:"verifier"`
	Expires     time.Time `json:"expires"`
	Options     Options   `json:"options,omitzero"`
	Idempotency string    `json:"idempotency"`
	Body        string    `json:"body,omitempty"` // of the log-in that the page has stamped
	// What was granted already, so that it is not asked for again:
	Ticket         string          `json:"ticket,omitempty"`
	Stamp          string          `json:"stamp,omitempty"`
	Made           json.RawMessage `json:"made,omitempty"`      // what registers the new passkey
	Asked          bool            `json:"asked,omitempty"`     // for the account
	PublicKey      string          `json:"publicKey,omitempty"` // of the wallet that stamped
	Address        string          `json:"address,omitempty"`   // of it
	OrganizationID string          `json:"organizationId,omitempty"`
}

func (r *rounds) view(record session.Attempt) (Attempt, error) {
	var k touch
	if err := json.Unmarshal(record.Data, &k); err != nil {
		return Attempt{}, fault.New(fault.AttemptOver, err)
	}
	return r.seen(record, k), nil
}

func (r *rounds) seen(record session.Attempt, k touch) Attempt {
	a := Attempt{ID: record.ID, Method: r.method, Contact: cmp.Or(k.Name, k.Address, r.what), PublicKey: record.PublicKey, Expires: k.Expires, URL: k.URL, Match: k.Match}
	if k.Ticket != "" || r.here(record.ID, k) {
		a.URL, a.Match, a.Verified = "", "", true
	}
	return a
}

// open begins a round: with the attempt's key, or a new one.
func (r *rounds) open(ctx context.Context, id, publicKey string, k touch) (Attempt, error) {
	if publicKey != "" {
		return r.openWith(ctx, id, publicKey, k)
	}
	key, err := r.Sessions.NewPendingKey(ctx, purpose)
	if err != nil {
		return Attempt{}, err
	}
	a, err := r.openWith(ctx, id, key.PublicKey(), k)
	if err != nil {
		err = r.unmake(ctx, key.PublicKey(), err)
	}
	return a, err
}

func (r *rounds) openWith(ctx context.Context, id, publicKey string, k touch) (Attempt, error) {
	k.State, k.Verifier = rand.Text(), oauth2.GenerateVerifier()
	k.Expires = r.now().Add(ceremony.Life)
	l, err := ceremony.Listen(ceremony.Expect{State: k.State, Expires: k.Expires, Now: r.now})
	if err != nil {
		return Attempt{}, fmt.Errorf("log in by %s: %w", r.what, err)
	}
	k.Home = l.RedirectURI()
	if err := r.page(ctx, publicKey, &k); err != nil {
		l.Close()
		return Attempt{}, fmt.Errorf("log in by %s: %w", r.what, err)
	}
	record := session.Attempt{ID: id, Method: r.method, Purpose: purpose, PublicKey: publicKey}
	if err := r.keep(ctx, record, k); err != nil {
		l.Close()
		return Attempt{}, err
	}
	r.homes.settle(id, l)
	r.reached("opened")
	return r.seen(record, k), nil
}

// page has the backend make the page of a round, and notes its address.
func (r *rounds) page(ctx context.Context, publicKey string, k *touch) error {
	q, err := r.ask(publicKey, k)
	if err != nil {
		return err
	}
	return r.pageOf(ctx, q, k)
}

// pageOf has the backend make a page that does what q says, with the body of k.
func (r *rounds) pageOf(ctx context.Context, q asking, k *touch) error {
	q.ReturnTo, q.State, q.Challenge, q.Body = k.Home, k.State, oauth2.S256ChallengeFromVerifier(k.Verifier), k.Body
	sealed, match, err := r.Backend.beginCeremony(ctx, q)
	if err != nil {
		return err
	}
	k.Match, k.URL = match, pageAt(r.Backend.URL())+"#"+sealed
	return nil
}

// loginBody makes the log-in that the page has stamped, for the session of a key: in an organization, or, where that is
// "", in whichever Turnkey finds whoever stamps. Errors: fault.ProfileBad when the profile does not know the parent.
func (r *rounds) loginBody(organizationID, publicKey string, o Options) (string, error) {
	organizationID = cmp.Or(organizationID, r.OrganizationID)
	if organizationID == "" {
		return "", fault.New(fault.ProfileBad, fmt.Errorf("organization_id: a log-in by %s must name the parent organization", r.what))
	}
	body, err := r.API.PrepareStampLogin(organizationID, r.loginParams(publicKey, o))
	return string(body), err
}

// stamped sends the log-in of a round with the stamp that the page brought.
func (r *rounds) stamped(ctx context.Context, k *touch, header string) (jwt string, err error) {
	by := turnkey.StampedBy(context.WithValue(ctx, ownKey{}, true), ready{[]byte(k.Body), &stamp.Stamp{HeaderName: header, HeaderValue: k.Stamp}})
	if jwt, err = r.API.StampLoginPrepared(by, cmp.Or(k.OrganizationID, r.OrganizationID), []byte(k.Body)); err != nil {
		err = fmt.Errorf("log in: %w", err)
	}
	return jwt, err
}

// over keeps that a round is over whose stamp or ticket will never do, and returns why. What another try may mend stays.
func (r *rounds) over(ctx context.Context, record session.Attempt, k *touch, err error) error {
	switch fault.CodeOf(err) {
	case fault.BrowserLate, fault.LoginRefused, fault.ClockWrong, fault.APIRefused:
	default:
		return err
	}
	k.Ticket, k.Stamp, k.Expires = "", "", r.now()
	if e := r.keep(context.WithoutCancel(ctx), record, *k); e != nil {
		return errors.Join(err, e)
	}
	return err
}

// again opens another page for an attempt, after change. The key stays, unless a log-in by it may have been heard of
// already.
func (r *rounds) again(ctx context.Context, attemptID string, change func(*touch)) (Attempt, error) {
	done, err := r.enter(ctx, attemptID)
	if err != nil {
		return Attempt{}, err
	}
	defer done()
	record, k, err := load[touch](ctx, r.Desk, r.method, attemptID)
	if err != nil {
		return Attempt{}, err
	}
	key := record.PublicKey
	if !record.KeyEnds.IsZero() {
		key = ""
	}
	r.homes.leave(attemptID)
	k.Ticket, k.Stamp = "", ""
	change(&k)
	return r.open(ctx, attemptID, key, k)
}

// pageAt is where the backend's page is for a browser. Browsers have passkeys for names alone, and this machine's is
// localhost.
func pageAt(backend string) string {
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
func (r *rounds) answered(ctx context.Context, id, typed string) error {
	for {
		_, k, err := load[touch](ctx, r.Desk, r.method, id)
		switch {
		case err != nil:
			return err
		case k.Ticket != "" || r.here(id, k):
			return nil
		}
		var answer url.Values
		switch {
		case !r.now().Before(k.Expires):
			err = fault.New(fault.BrowserLate, nil)
		case typed != "":
			answer, err = ceremony.Pasted(typed, k.Home, k.State)
		default:
			answer, err = r.await(ctx, id, k)
		}
		if err != nil && fault.CodeOf(err) == fault.BrowserLate { // or another page was opened meanwhile
			if _, now, e := load[touch](ctx, r.Desk, r.method, id); e != nil || now.State != k.State {
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
		return r.note(ctx, id, k.State, answer)
	}
}

func (r *rounds) await(ctx context.Context, id string, k touch) (url.Values, error) {
	l, err := r.homes.again(id, k.Home, ceremony.Expect{State: k.State, Expires: k.Expires, Now: r.now})
	if err != nil {
		return nil, err
	}
	if _, err := r.Sessions.GetAttempt(ctx, id); err != nil { // cancelled meanwhile
		if fault.CodeOf(err) == fault.AttemptOver {
			r.homes.leave(id)
		}
		return nil, err
	}
	return l.Wait(ctx)
}

// note keeps the ticket that an answer brought, or what ends the round in its place.
func (r *rounds) note(ctx context.Context, id, state string, answer url.Values) error {
	ctx = context.WithoutCancel(ctx) // the answer is used up now, whether or not the caller still waits
	done, err := r.enter(ctx, id)
	if err != nil {
		return err
	}
	defer done()
	record, k, err := load[touch](ctx, r.Desk, r.method, id)
	switch {
	case err != nil:
		return err
	case k.State != state:
		return fault.New(fault.BrowserLate, nil)
	}
	var refusal error
	if k.Ticket = answer.Get("code"); answer.Has("error") || k.Ticket == "" {
		k.Ticket, k.Expires = "", r.now()
		refusal = fault.New(r.denied, nil)
	}
	if err := r.keep(ctx, record, k); err != nil {
		return err
	}
	r.reached("answered")
	return refusal
}

// ready is a stamp that is there already, over one body.
type ready struct {
	body  []byte
	stamp *stamp.Stamp
}

// Stamp returns the stamp. Another body than its own has none.
func (r ready) Stamp(_ context.Context, body []byte) (*stamp.Stamp, error) {
	if !bytes.Equal(body, r.body) {
		return nil, fault.New(fault.RequestInvalid, errors.New("what was stamped is another request"))
	}
	return r.stamp, nil
}
