package login

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"latchkey/internal/bundle"
	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/p256"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

// Mail is the way in by a key that comes by e-mail, sealed to a target key that is made here: Turnkey's e-mail auth. The
// key in the message is used once, for a session of a key that was made here, and then revoked; it is held in memory
// alone. It leads into accounts that there are, and makes none. It is safe for parallel use.
type Mail struct{ *Desk }

const methodMail = "mail"

// awaited is what of a log-in by e-mailed key is sealed in the state.
type awaited struct {
	Contact     string    `json:"contact"`
	Target      string    `json:"target"` // public; what the key is sealed to
	Expires     time.Time `json:"expires"`
	ResendAfter time.Time `json:"resendAfter"`
	Options     Options   `json:"options,omitzero"`
}

// keyLife is how long the key in the message is asked to live.
const keyLife = 15 * time.Minute

// Begin has a message with a key sent to an address, if anybody has an account under it: nobody is told. Errors:
// fault.ContactInvalid and fault.WayClosed before anything is sent; what the backend says; those of the key store and of the file. When it
// fails, its keys are deleted.
func (m *Mail) Begin(ctx context.Context, contact string, options Options) (Attempt, error) {
	contact, err := Email(contact)
	if err != nil {
		return Attempt{}, err
	}
	m.sweep(ctx)
	if _, err := m.offering(ctx, ByEmail); err != nil {
		return Attempt{}, err
	}
	key, err := m.Sessions.NewPendingKey(ctx, purpose)
	if err != nil {
		return Attempt{}, err
	}
	record := session.Attempt{ID: rand.Text(), Method: methodMail, Purpose: purpose, PublicKey: key.PublicKey()}
	a, err := m.send(ctx, record, awaited{Contact: contact, Options: options})
	if err != nil {
		return Attempt{}, errors.Join(err, m.cancel(context.WithoutCancel(ctx), record.ID), m.Sessions.DropPendingKey(context.WithoutCancel(ctx), key.PublicKey()))
	}
	m.supersede(ctx, a, func(data []byte) bool {
		var k awaited
		return json.Unmarshal(data, &k) == nil && strings.EqualFold(k.Contact, contact)
	})
	m.sweep(ctx)
	return a, nil
}

// Resend has another message sent, whose key is sealed to another target: the one before opens nothing any more. Before
// its time it is fault.OTPLimited with the time to wait. Errors: fault.AttemptOver; those of Begin, and then the attempt
// is as it was.
func (m *Mail) Resend(ctx context.Context, attemptID string) (Attempt, error) {
	done, err := m.enter(ctx, attemptID)
	if err != nil {
		return Attempt{}, err
	}
	defer done()
	record, k, err := load[awaited](ctx, m.Desk, methodMail, attemptID)
	if err != nil {
		return Attempt{}, err
	}
	if wait := k.ResendAfter.Sub(m.now()); wait > 0 && wait <= resendPause {
		return Attempt{}, &fault.Error{Kind: fault.OTPLimited.Kind(), Code: fault.OTPLimited, RetryAfter: wait}
	}
	a, err := m.send(ctx, record, k)
	if err != nil {
		return Attempt{}, errors.Join(err, m.keep(context.WithoutCancel(ctx), record, k))
	}
	m.forget(ctx, k.Target)
	return a, nil
}

// Continue takes the key of the message, as it stands there or as the link that holds it, and trades it for a session of
// the attempt's own key. After a failure it may be called again. Errors: fault.MailWrong when the text is no key, or not
// sealed to this attempt; fault.MailExpired when the key counts no more and Resend must bring another; fault.AttemptOver;
// what else Turnkey says; those of session.Manager.Store.
func (m *Mail) Continue(ctx context.Context, attemptID, typed string) (session.Session, error) {
	done, err := m.enter(ctx, attemptID)
	if err != nil {
		return session.Session{}, err
	}
	defer done()
	record, k, err := load[awaited](ctx, m.Desk, methodMail, attemptID)
	if err != nil {
		return session.Session{}, err
	}
	key, err := m.open(ctx, k.Target, typed)
	if err != nil {
		return session.Session{}, fmt.Errorf("open the key of the message: %w", err)
	}
	m.reached("whose")
	by := turnkey.StampedBy(context.WithValue(ctx, ownKey{}, true), key)
	who, err := m.API.Whoami(by, m.OrganizationID)
	if err != nil {
		return session.Session{}, fmt.Errorf("log in by e-mail: %w", spent(err))
	}
	user, err := m.API.GetUser(by, who.OrganizationID, who.UserID)
	switch {
	case err != nil:
		return session.Session{}, fmt.Errorf("log in by e-mail: %w", spent(err))
	case !strings.EqualFold(user.UserEmail, k.Contact): // whoever knew the target sealed a key of his own to it
		return session.Session{}, fault.New(fault.MailWrong, errors.New("the key is of another address"))
	}
	// From here on the key may work there, whether or not we hear of it.
	m.maybe(&record, who.OrganizationID, k.Options)
	if err := m.keep(ctx, record, k); err != nil {
		return session.Session{}, err
	}
	m.reached("log in")
	jwt, err := m.stampLogin(ctx, key, who.OrganizationID, record.PublicKey, k.Options)
	if err != nil {
		return session.Session{}, spent(err)
	}
	m.reached("logged in")
	s, err := m.begun(ctx, record, asked{methodMail, k.Contact, who.OrganizationID, k.Options}, jwt)
	if err != nil {
		return session.Session{}, err
	}
	if err := m.revoke(by, key.Signer.PublicKey(), who); err != nil {
		// The session is good whatever becomes of this: unlisted, the key ends by itself within [keyLife].
		_ = m.Sessions.RevokeLater(context.WithoutCancel(ctx), s.ID, key.Signer.PublicKey(), m.now().Add(keyLife))
	}
	m.forget(ctx, k.Target)
	return s, nil
}

// spent says of a failure that the key of the message counts no more, where it is that: no session has ended.
func spent(err error) error {
	if code := fault.CodeOf(err); code == fault.SessionExpired || code == fault.SessionRejected {
		return fault.New(fault.MailExpired, err)
	}
	return err
}

// revoke deletes the key of the message at Turnkey.
func (m *Mail) revoke(by context.Context, publicKey string, who turnkey.Whoami) error {
	keys, err := m.API.GetAPIKeys(by, who.OrganizationID, who.UserID)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.Credential.PublicKey == publicKey {
			_, err := m.API.DeleteAPIKeys(by, who.OrganizationID, who.UserID, k.APIKeyID)
			return err
		}
	}
	return nil // a log-in that ends all others has ended it too
}

// send makes a target, keeps it with the attempt, and has a key sent to it.
func (m *Mail) send(ctx context.Context, record session.Attempt, k awaited) (Attempt, error) {
	targets, err := m.targets()
	if err != nil {
		return Attempt{}, err
	}
	target, err := targets.CreateTarget(ctx, func(publicKey string) error { // what is made is named before
		k.Target = publicKey
		k.Expires, k.ResendAfter = m.now().Add(keyLife), m.now().Add(resendPause)
		return m.keep(ctx, record, k)
	})
	if err != nil {
		return Attempt{}, fmt.Errorf("make a target key: %w", err)
	}
	public, err := p256.ParsePublic(target.PublicKey())
	if err != nil {
		return Attempt{}, err
	}
	m.reached("send")
	if err := m.Backend.sendKey(ctx, k.Contact, p256.Uncompressed(public), keyLife); err != nil {
		m.forget(ctx, k.Target)
		return Attempt{}, fmt.Errorf("send a key: %w", err)
	}
	m.reached("sent")
	return viewOfMail(record, k), nil
}

// open returns the stamper that typed holds, sealed to a target.
func (m *Mail) open(ctx context.Context, target, typed string) (stamp.APIKey, error) {
	targets, err := m.targets()
	if err != nil {
		return stamp.APIKey{}, err
	}
	d, err := targets.OpenTarget(ctx, target)
	if err != nil {
		return stamp.APIKey{}, err
	}
	exchanger, err := keystore.Exchanger(ctx, d)
	if err != nil {
		return stamp.APIKey{}, err
	}
	private, err := bundle.OpenCredential(exchanger, sealedIn(typed))
	switch {
	case fault.CodeOf(err) == fault.BundleInvalid:
		return stamp.APIKey{}, fault.New(fault.MailWrong, err)
	case err != nil:
		return stamp.APIKey{}, err
	}
	signer, err := keystore.NewMemory().Import(ctx, private)
	return stamp.APIKey{Signer: signer}, err
}

// sealedIn returns the sealed key in what a person pasted: the text alone, or a link that holds it.
func sealedIn(pasted string) string {
	text := strings.TrimSpace(pasted)
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return strings.Join(strings.Fields(text), "") // as mail programs break long lines
	}
	fragment, _ := url.ParseQuery(u.Fragment)
	for _, values := range []url.Values{u.Query(), fragment} {
		for _, name := range []string{"bundle", "credentialBundle", "token", "code"} {
			if v := values.Get(name); v != "" {
				return v
			}
		}
	}
	return cmp.Or(u.Fragment, u.Path[strings.LastIndexByte(u.Path, '/')+1:])
}

func (m *Mail) targets() (keystore.Targets, error) {
	targets, ok := m.Keys.(keystore.Targets)
	if !ok {
		return nil, fault.New(fault.KeyMissing, errors.New("this key store keeps no target keys"))
	}
	return targets, nil
}

// forget deletes a target key. What cannot be deleted now is swept by a later log-in.
func (m *Mail) forget(ctx context.Context, target string) {
	if targets, err := m.targets(); err == nil {
		_ = targets.DeleteTarget(context.WithoutCancel(ctx), target)
	}
}

// sweep deletes the target keys that no attempt names: those of log-ins that were given up.
func (m *Mail) sweep(ctx context.Context) {
	targets, err := m.targets()
	if err != nil {
		return
	}
	all, err := targets.ListTargets(ctx)
	if err != nil || len(all) == 0 {
		return
	}
	list, err := m.Sessions.Attempts(ctx)
	if err != nil {
		return
	}
	needed := map[string]bool{}
	for _, record := range list {
		var k awaited
		if record.Method == methodMail && json.Unmarshal(record.Data, &k) == nil {
			needed[k.Target] = true
		}
	}
	for _, target := range all {
		if !needed[target] {
			_ = targets.DeleteTarget(ctx, target)
		}
	}
}

func (m *Mail) view(record session.Attempt) (Attempt, error) {
	var k awaited
	if err := json.Unmarshal(record.Data, &k); err != nil {
		return Attempt{}, fault.New(fault.AttemptOver, err)
	}
	return viewOfMail(record, k), nil
}

func viewOfMail(record session.Attempt, k awaited) Attempt {
	return Attempt{ID: record.ID, Method: methodMail, Contact: k.Contact, PublicKey: record.PublicKey, Expires: k.Expires, ResendAfter: k.ResendAfter}
}
