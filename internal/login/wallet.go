package login

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

// Wallet is the way in by a key that the person has elsewhere, of Ethereum or of Solana: it stamps one log-in, for a
// session of a key that is made here. It is safe for parallel use.
//
// A wallet's public key is no secret, and the service asks nobody to prove a key that is only listed: whoever makes an
// account with somebody's key and one of his own has its wallets. So an account is entered only if nothing else opens
// it and its wallets are not known outside, unless the person says that all of it is his.
type Wallet struct {
	*Desk

	mu   sync.Mutex
	keys map[string]WalletKey // by attempt; in memory alone
}

// WalletKey stamps as a wallet does. See [stamp.PrivateKey].
type WalletKey interface {
	stamp.Stamper
	PublicKey() string // as API keys spell it
}

const methodWallet = "wallet"

// The curves as the service names them for API keys.
const (
	curveSecp256k1 = "API_KEY_CURVE_SECP256K1"
	curveEd25519   = "API_KEY_CURVE_ED25519"
)

// sessionKeyType is the type of a key that a log-in made.
const sessionKeyType = "CREDENTIAL_TYPE_LOGIN"

// entered is what of a log-in by a wallet is sealed in the state.
type entered struct {
	Contact   string  `json:"contact"`
	PublicKey string  `json:"publicKey"` // of the wallet
	Options   Options `json:"options,omitzero"`
	// What was granted already, so that it is not asked for again:
	OrganizationID string `json:"organizationId,omitempty"`
	Idempotency    string `json:"idempotency"`
}

// Begin makes a key for a log-in by a wallet, whose address, as its network spells it, is what the person knows the
// session by. The wallet's key is held in memory until the attempt is over, and never stored. Errors:
// fault.WayClosed; those of the key store and of the file.
func (w *Wallet) Begin(ctx context.Context, by WalletKey, address string, options Options) (Attempt, error) {
	if _, err := w.offering(ctx, ByWallet); err != nil {
		return Attempt{}, err
	}
	key, err := w.Sessions.NewPendingKey(ctx, purpose)
	if err != nil {
		return Attempt{}, err
	}
	k := entered{Contact: address, PublicKey: by.PublicKey(), Options: options, Idempotency: rand.Text()}
	record := session.Attempt{ID: rand.Text(), Method: methodWallet, Purpose: purpose, PublicKey: key.PublicKey()}
	if err := w.keep(ctx, record, k); err != nil {
		return Attempt{}, w.unmake(ctx, key.PublicKey(), err)
	}
	w.hold(record.ID, by)
	a := viewOfWallet(record, k)
	w.supersede(ctx, a, func(data []byte) bool {
		var k entered
		return json.Unmarshal(data, &k) == nil && k.PublicKey == by.PublicKey()
	})
	w.tidy(ctx)
	return a, nil
}

// Continue has the wallet sign, signs up who is new, logs in, and stores the session. After a failure it may be called
// again: what was granted is not asked for twice. Errors: fault.AttemptOver, also after a restart, since the wallet's key
// was in memory alone; fault.WalletShared when others could use the account too; fault.SignUpRefused and what else the
// backend or Turnkey says; those of session.Manager.Store.
func (w *Wallet) Continue(ctx context.Context, attemptID, _ string) (session.Session, error) {
	done, err := w.enter(ctx, attemptID)
	if err != nil {
		return session.Session{}, err
	}
	defer done()
	record, k, err := load[entered](ctx, w.Desk, methodWallet, attemptID)
	if err != nil {
		return session.Session{}, err
	}
	by := w.held(attemptID)
	if by == nil {
		return session.Session{}, fault.New(fault.AttemptOver, errors.New("the wallet's key is not here any more"))
	}
	if err := w.account(ctx, record, &k, by); err != nil {
		return session.Session{}, err
	}
	// From here on the key may work there, whether or not we hear of it.
	w.maybe(&record, k.OrganizationID, k.Options)
	if err := w.keep(ctx, record, k); err != nil {
		return session.Session{}, err
	}
	w.reached("log in")
	jwt, err := w.stampLogin(ctx, by, k.OrganizationID, record.PublicKey, k.Options)
	if err != nil {
		return session.Session{}, err
	}
	w.reached("logged in")
	s, err := w.begun(ctx, record, asked{methodWallet, k.Contact, k.OrganizationID, k.Options}, jwt)
	if err == nil {
		w.hold(attemptID, nil)
	}
	return s, err
}

// Resend goes on with the same key: nothing was sent that could be sent anew.
func (w *Wallet) Resend(ctx context.Context, attemptID string) (Attempt, error) {
	record, k, err := load[entered](ctx, w.Desk, methodWallet, attemptID)
	return viewOfWallet(record, k), err
}

// account finds the organization of the wallet's key, or makes it. Of several it takes the first that is the person's
// alone: anybody can make more of them. One that was found is looked at each time.
func (w *Wallet) account(ctx context.Context, record session.Attempt, k *entered, by WalletKey) error {
	w.reached("find")
	found, err := w.Backend.findKey(ctx, by.PublicKey())
	if err != nil {
		return fmt.Errorf("log in by a wallet: %w", err)
	}
	w.reached("found")
	k.OrganizationID = ""
	for _, id := range found {
		if k.Options.Shared {
			k.OrganizationID, err = id, nil
			break
		}
		if err = w.alone(ctx, by, id, by.PublicKey()); err == nil {
			k.OrganizationID = id
			break
		}
	}
	switch {
	case err != nil && k.OrganizationID == "":
		return err
	case k.OrganizationID != "":
		return nil
	}
	w.reached("sign up")
	if k.OrganizationID, err = w.Backend.signUpKey(ctx, k.Idempotency, by.PublicKey()); err != nil {
		return fmt.Errorf("sign up: %w", err)
	}
	w.reached("signed up")
	return w.keep(context.WithoutCancel(ctx), record, *k)
}

// alone refuses an account that anything but these keys and the sessions here opens or has opened, and one whose wallets
// are known outside: whoever made it could export them and then take his own key away. A session elsewhere counts while it
// lasts. What somebody signed before he left is not seen here.
func (d *Desk) alone(ctx context.Context, by stamp.Stamper, organizationID string, keys ...string) error {
	ctx = turnkey.StampedBy(context.WithValue(ctx, ownKey{}, true), by)
	users, err := d.API.ListUsers(ctx, organizationID)
	if err != nil {
		return fmt.Errorf("log in by a wallet: %w", err)
	}
	if len(users) != 1 {
		return fault.New(fault.WalletShared, fmt.Errorf("%d users", len(users)))
	}
	own := append(d.Sessions.PublicKeys(), keys...)
	other := ""
	switch u := users[0]; {
	case u.UserEmail != "":
		other = "an e-mail address"
	case u.UserPhoneNumber != "":
		other = "a phone number"
	case len(u.Authenticators) > 0:
		other = "a passkey"
	case len(u.OAuthProviders) > 0:
		other = "a provider"
	default:
		for _, k := range u.APIKeys {
			over := k.Credential.Type == sessionKeyType && k.ExpirationSeconds > 0 && d.now().After(k.CreatedAt.Time().Add(time.Duration(k.ExpirationSeconds)*time.Second))
			if !over && !slices.Contains(own, k.Credential.PublicKey) {
				other = "another key"
			}
		}
	}
	if other != "" {
		return fault.New(fault.WalletShared, errors.New(other+" opens it too"))
	}
	wallets, err := d.API.ListWallets(ctx, organizationID)
	if err != nil {
		return fmt.Errorf("log in by a wallet: %w", err)
	}
	for _, one := range wallets {
		if one.Exported || one.Imported {
			return fault.New(fault.WalletShared, errors.New("a wallet in it was exported or imported"))
		}
	}
	return nil
}

func (w *Wallet) hold(id string, by WalletKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keys == nil {
		w.keys = map[string]WalletKey{}
	}
	if by == nil {
		delete(w.keys, id)
		return
	}
	w.keys[id] = by
}

// tidy forgets the keys of attempts that are over.
func (w *Wallet) tidy(ctx context.Context) {
	w.mu.Lock()
	ids := slices.Collect(maps.Keys(w.keys))
	w.mu.Unlock()
	for _, id := range ids {
		if _, err := w.Sessions.GetAttempt(ctx, id); fault.CodeOf(err) == fault.AttemptOver {
			w.hold(id, nil)
		}
	}
}

func (w *Wallet) held(id string) WalletKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.keys[id]
}

func (w *Wallet) view(record session.Attempt) (Attempt, error) {
	var k entered
	if err := json.Unmarshal(record.Data, &k); err != nil || w.held(record.ID) == nil {
		return Attempt{}, fault.New(fault.AttemptOver, err)
	}
	return viewOfWallet(record, k), nil
}

func viewOfWallet(record session.Attempt, k entered) Attempt {
	return Attempt{ID: record.ID, Method: methodWallet, Contact: k.Contact, PublicKey: record.PublicKey, Expires: record.Expires, Verified: true}
}
