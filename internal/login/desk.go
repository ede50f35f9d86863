package login

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/p256"
	"latchkey/internal/profile"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

// Desk is what every way in works with, and what they have in common: the steps that any log-in takes. It is safe for
// parallel use, and must not be copied.
type Desk struct {
	Backend        *Backend
	API            *turnkey.Client // for ways in that end at Turnkey itself
	Sessions       *session.Manager
	Keys           keystore.Store
	Pins           profile.Pins
	OrganizationID string           // the parent, which verification tokens must name; "" when the profile does not know it
	SessionLength  time.Duration    // 0: 900 s
	Now            func() time.Time // the service's time; nil: that of Sessions

	mu   sync.Mutex
	busy map[string]chan struct{} // attempts that are being worked on
	step func(name string)        // told before and after every request; for tests that kill
}

// Options say what the session of a log-in is to be.
type Options struct {
	Label            string        // "" takes the contact
	Stay             bool          // the active session stays the active one, if it is good then
	Length           time.Duration // 0: the profile's
	Invalidate       bool          // Turnkey deletes every other key that a log-in of the user made
	SessionProfileID string        // of a session profile that narrows it; "" for none. Only with Straight, and where Turnkey itself is asked
	Shared           bool          // of a wallet: the account may have other ways in, which are the person's
	Link             string        // "" logs in; else no session begins, and what is proven is to open the account of the user with this id: see [Ways.Prove]
	Straight         bool          // asks Turnkey itself for the session, by a stamp that the proof attests, and not the backend
	By               string        // which face of the program begins, by a word of its own; see [Attempt]
}

// Attempt is a log-in under way, whichever way it goes.
type Attempt struct {
	ID        string
	Method    string // "otp", …
	Contact   string // whom it is for, in words of the person: an address, a number, a provider's name
	PublicKey string // of the key that the session will have
	Expires   time.Time
	By        string // the face that began it, as Pending tells: another leaves alone what waits for the browser

	// One that waits for a code:
	ByPhone      bool // it comes as a text message, else by e-mail
	Length       int  // characters of the code
	Alphanumeric bool // else digits alone
	TriesLeft    int
	ResendAfter  time.Time // when another may be asked for
	Verified     bool      // the proof is here: Continue needs nothing any more

	// One that waits for the browser:
	URL   string // what the browser opens; "" for others
	Match string // the number that the browser shows too; "" without one
}

const (
	purpose        = "login"
	defaultSession = 900 * time.Second
)

type ownKey struct{}

// Own reports whether a request is one of a log-in's own steps: no request of a person's, who wants exactly this.
func Own(ctx context.Context) bool { return ctx.Value(ownKey{}) != nil }

// stampLogin asks Turnkey for a session of publicKey in an organization, stamped by by, and returns its token.
func (d *Desk) stampLogin(ctx context.Context, by stamp.Stamper, organizationID, publicKey string, o Options) (string, error) {
	ctx = turnkey.StampedBy(context.WithValue(ctx, ownKey{}, true), by)
	jwt, err := d.API.StampLogin(ctx, organizationID, d.loginParams(publicKey, o))
	if err != nil {
		return "", fmt.Errorf("log in: %w", err)
	}
	return jwt, nil
}

func (d *Desk) loginParams(publicKey string, o Options) turnkey.LoginParams {
	return turnkey.LoginParams{
		PublicKey: publicKey, ExpirationSeconds: turnkey.Seconds(d.length(o) / time.Second),
		InvalidateExisting: o.Invalidate, SessionProfileID: o.SessionProfileID,
	}
}

// asked is a log-in of which all is known but its token.
type asked struct {
	method, contact, organizationID string
	options                         Options
}

// begun stores the session that a log-in brought, and ends its attempt. Errors: those of session.Manager.Store.
func (d *Desk) begun(ctx context.Context, record session.Attempt, a asked, jwt string) (session.Session, error) {
	_, good := d.Sessions.Active()
	return d.Sessions.Store(ctx, session.StoreRequest{
		JWT: jwt, PublicKey: record.PublicKey, OrganizationID: a.organizationID, Label: cmp.Or(a.options.Label, a.contact),
		Contact: a.contact, Method: a.method, Length: d.length(a.options), Attempt: record.ID,
		Select: !a.options.Stay || !good,
	})
}

// maybe notes in record that its key may work from now on, whether or not the answer of the log-in is heard: should the
// attempt be given up, the key is revoked. It is to be kept before the log-in is sent.
func (d *Desk) maybe(record *session.Attempt, organizationID string, o Options) {
	record.OrganizationID, record.KeyEnds = organizationID, d.now().Add(d.length(o)+time.Minute)
}

// enter waits until nobody else works on the attempt, so that two clicks spend one try.
func (d *Desk) enter(ctx context.Context, id string) (done func(), err error) {
	for {
		d.mu.Lock()
		other := d.busy[id]
		if other == nil {
			if d.busy == nil {
				d.busy = map[string]chan struct{}{}
			}
			mine := make(chan struct{})
			d.busy[id] = mine
			d.mu.Unlock()
			return func() {
				d.mu.Lock()
				delete(d.busy, id)
				d.mu.Unlock()
				close(mine)
			}, nil
		}
		d.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, fault.New(fault.Cancel, ctx.Err())
		}
	}
}

// load reads what is kept of an attempt of a method. Errors: fault.AttemptOver; those of the key store and of the file.
func load[Kept any](ctx context.Context, d *Desk, method, id string) (session.Attempt, Kept, error) {
	var k Kept
	record, err := d.Sessions.GetAttempt(ctx, id)
	if err != nil {
		return session.Attempt{}, k, err
	}
	if err := json.Unmarshal(record.Data, &k); err != nil || record.Method != method {
		return session.Attempt{}, k, fault.New(fault.AttemptOver, errors.New("not an attempt of this method"))
	}
	return record, k, nil
}

// keep seals what a method keeps of its attempt, which then lasts an hour more.
func (d *Desk) keep(ctx context.Context, record session.Attempt, kept any) error {
	data, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	record.Data, record.Expires = data, time.Time{} // an hour from now
	return d.Sessions.PutAttempt(ctx, record)
}

// unmake gives a key up that no attempt names, and returns err.
func (d *Desk) unmake(ctx context.Context, publicKey string, err error) error {
	if e := d.Sessions.DropPendingKey(context.WithoutCancel(ctx), publicKey); e != nil {
		return errors.Join(err, e)
	}
	return err
}

// cancel ends an attempt and deletes its key. One that is over is no error. Errors: those of the file.
func (d *Desk) cancel(ctx context.Context, id string) error {
	if err := d.Sessions.DropAttempt(ctx, id); fault.CodeOf(err) != fault.AttemptOver {
		return err
	}
	return nil
}

// supersede ends the earlier attempts of a method that same holds for: whoever begins anew has given them up. What
// could not be ended is over within the hour.
func (d *Desk) supersede(ctx context.Context, by Attempt, same func(kept []byte) bool) {
	list, err := d.Sessions.Attempts(ctx)
	if err != nil {
		return
	}
	for _, record := range list {
		if record.Method != by.Method || record.ID == by.ID || !same(record.Data) {
			continue
		}
		if done, err := d.enter(ctx, record.ID); err == nil {
			_ = d.cancel(ctx, record.ID)
			done()
		}
	}
}

func (d *Desk) length(o Options) time.Duration {
	return cmp.Or(o.Length, d.SessionLength, defaultSession)
}

func (d *Desk) now() time.Time {
	if d.Now != nil {
		return d.Now().Round(0)
	}
	return d.Sessions.Time()
}

func (d *Desk) reached(step string) {
	if d.step != nil {
		d.step(step)
	}
}

// fetcher is the pinned key that signs encryption targets and verification tokens.
func (d *Desk) fetcher() (*ecdsa.PublicKey, error) {
	key, err := p256.ParsePublic(d.Pins.TLSFetcher)
	if err != nil {
		return nil, fault.New(fault.ProfileBad, fmt.Errorf("pinned key TLS fetcher: %w", err))
	}
	return key, nil
}
