package keystore

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/zalando/go-keyring"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// system is the one seam to the operating system's keychain: the real ones go through go-keyring, and tests put
// hung, lying and late ones in its place. One call runs at a time. Its errors are faults, save keyring.ErrNotFound.
type system interface {
	// ready makes sure that the keychain can be asked at all, and is unlocked, asking the user if need be.
	ready(ctx context.Context) error
	get(account string) (string, error)
	set(account, value string) error
	remove(account string) error
	// list returns the accounts that begin with prefix, in any order. It unlocks nothing and asks nobody.
	list(ctx context.Context, prefix string) ([]string, error)
	health(ctx context.Context) Health
}

// Keychain keeps keys in the system's keychain: macOS Keychain, Windows Credential Manager, or a Secret Service on
// Linux. Each key is an item of its own, written once.
//
// Once unlocked a key stays in memory until Forget or Delete, so that a signature asks the keychain nothing.
type Keychain struct {
	prefix string // of every account: v1/<profile>/
	bad    error  // a service or profile name that cannot be used
	system system
	worker worker

	mu   sync.Mutex
	keys map[string]*p256.Key // unlocked
	eras int                  // how often keys were dropped: what was opened before is not put back after
}

var _ Store = (*Keychain)(nil)

// NewKeychain returns the keychain of one profile. It asks nothing yet. Service names the program, without a colon
// (Windows finds items by "service:"), such as "dev.latchkey.sandbox"; items are named v1/<profile>/… beneath it.
// Names that cannot be used make every method fail with kind Invalid.
func NewKeychain(service, profile string) *Keychain {
	return newKeychain(profile, checkNames(service, profile), newSystem(service))
}

func newKeychain(profile string, bad error, s system) *Keychain {
	return &Keychain{prefix: "v1/" + profile + "/", bad: bad, system: s, keys: map[string]*p256.Key{}}
}

func checkNames(service, profile string) error {
	for _, name := range []string{service, profile} {
		ok := name != "" && len(name) <= 40
		for _, c := range []byte(name) {
			ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("._-", c) >= 0)
		}
		if !ok {
			return fmt.Errorf("keychain name %q: %w", name, fault.Invalid)
		}
	}
	return nil
}

// Backend returns "keychain".
func (k *Keychain) Backend() string { return "keychain" }

// Health says which program keeps the keys and whether it is unlocked. The user is never asked.
func (k *Keychain) Health(ctx context.Context) Health {
	if k.bad != nil {
		return Health{State: Absent, Err: k.bad}
	}
	return k.system.health(ctx)
}

// Forget drops every unlocked key from memory.
func (k *Keychain) Forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.keys)
	k.eras++
}

// Create makes a key and stores it.
func (k *Keychain) Create(ctx context.Context) (Signer, error) {
	return k.CreateNamed(ctx, func(string) error { return nil })
}

// CreateNamed makes a key, tells its name, and stores it. When ctx ends first and the keychain then stores it after
// all, it is deleted again.
func (k *Keychain) CreateNamed(ctx context.Context, name func(publicKey string) error) (Signer, error) {
	key, err := k.create(ctx, name, k.keyAccount(""), version)
	if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	return k.hold(key), nil
}

func (k *Keychain) keyAccount(publicKey string) string { return k.prefix + "key/" + publicKey }

// create makes a key and stores it under prefix, in the form that begins with version.
func (k *Keychain) create(ctx context.Context, name func(publicKey string) error, prefix, version string) (*p256.Key, error) {
	key := p256.NewKey(p256.Generate())
	if k.bad != nil {
		return nil, k.bad
	}
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	if err := name(key.PublicKey()); err != nil {
		return nil, err
	}
	account := prefix + key.PublicKey()
	undo := func() { _ = k.system.remove(account) }
	return key, k.put(ctx, account, version+p256.PrivateHex(key.Private()), undo)
}

// hold keeps a key that was just stored unlocked.
func (k *Keychain) hold(key *p256.Key) Signer {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[key.PublicKey()] = key
	return &signer{k, key.PublicKey()}
}

// Open returns the key stored under publicKey, from memory if it is unlocked already.
func (k *Keychain) Open(ctx context.Context, publicKey string) (Signer, error) {
	if _, err := k.key(ctx, publicKey); err != nil {
		return nil, fmt.Errorf("open key: %w", err)
	}
	return &signer{k, publicKey}, nil
}

// key returns the unlocked key, unlocking it if need be.
func (k *Keychain) key(ctx context.Context, publicKey string) (*p256.Key, error) {
	if err := checkPublicKey(publicKey); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	k.mu.Lock()
	key, era := k.keys[publicKey], k.eras
	k.mu.Unlock()
	if key != nil {
		return key, nil
	}
	stored, err := k.get(ctx, k.keyAccount(publicKey))
	if err != nil {
		return nil, err
	}
	scalar, ok := strings.CutPrefix(stored, version)
	private, err := p256.ParsePrivate(scalar)
	if !ok || err != nil {
		return nil, fault.New(fault.KeyCorrupt, errors.New("the keychain holds something else under this name"))
	}
	if key = p256.NewKey(private); key.PublicKey() != publicKey {
		return nil, fault.New(fault.KeyCorrupt, errors.New("the keychain holds another key under this name"))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.eras == era {
		k.keys[publicKey] = key
	}
	return key, nil
}

// Delete removes a key from the keychain and from memory.
func (k *Keychain) Delete(ctx context.Context, publicKey string) error {
	if err := checkPublicKey(publicKey); err != nil {
		return fmt.Errorf("delete key: %w", err)
	}
	k.mu.Lock()
	delete(k.keys, publicKey) // whatever the keychain says, it signs no more from memory
	k.eras++
	k.mu.Unlock()
	if err := k.remove(ctx, k.keyAccount(publicKey)); err != nil {
		return fmt.Errorf("delete key: %w", err)
	}
	return nil
}

// Secret returns the secret stored under name.
func (k *Keychain) Secret(ctx context.Context, name string) ([]byte, error) {
	if err := check(ctx, name); err != nil {
		return nil, err
	}
	stored, err := k.get(ctx, k.prefix+name)
	if err != nil {
		return nil, fmt.Errorf("secret %q: %w", name, err)
	}
	encoded, ok := strings.CutPrefix(stored, version)
	value, err := base64.RawStdEncoding.DecodeString(encoded)
	if !ok || err != nil {
		return nil, fmt.Errorf("secret %q: %w", name, fault.New(fault.KeyCorrupt, errors.New("not in our form")))
	}
	return value, nil
}

// PutSecret stores value under name.
func (k *Keychain) PutSecret(ctx context.Context, name string, value []byte) error {
	if err := check(ctx, name); err != nil {
		return err
	}
	if err := checkSize(name, value); err != nil {
		return err
	}
	if err := k.put(ctx, k.prefix+name, version+base64.RawStdEncoding.EncodeToString(value), nil); err != nil {
		return fmt.Errorf("put secret %q: %w", name, err)
	}
	return nil
}

// DeleteSecret removes a secret.
func (k *Keychain) DeleteSecret(ctx context.Context, name string) error {
	if err := check(ctx, name); err != nil {
		return err
	}
	if err := k.remove(ctx, k.prefix+name); err != nil {
		return fmt.Errorf("delete secret %q: %w", name, err)
	}
	return nil
}

// version begins every stored value. After it a key is its scalar in hex, a secret is base64 without padding.
const version = "v1:"

// maxItem is the size that no stored value may reach, in bytes: see MaxSecret.
const maxItem = 2000

func (k *Keychain) get(ctx context.Context, account string) (string, error) {
	var value string
	err := k.call(ctx, func() (err error) {
		value, err = k.system.get(account)
		return err
	}, nil)
	if err != nil {
		return "", err
	}
	return value, nil
}

// put stores value, then reads it back: a keychain can say "saved" with nothing stored. What is not to stay when it
// cannot be read back, or when nobody waits for it any more, undo removes.
func (k *Keychain) put(ctx context.Context, account, value string, undo func()) error {
	if len(value) >= maxItem {
		return fault.New(fault.KeychainTooLarge, fmt.Errorf("%d bytes", len(value)))
	}
	return k.call(ctx, func() error { return k.save(account, value, undo) }, undo)
}

func (k *Keychain) save(account, value string, undo func()) error {
	if err := k.system.set(account, value); err != nil {
		return err
	}
	err := k.readBack(account, value)
	if err != nil && undo != nil {
		undo()
	}
	return err
}

func (k *Keychain) readBack(account, value string) error {
	kept, err := k.system.get(account)
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return fault.New(fault.KeychainMismatch, errors.New("saved, but not there"))
	case err != nil:
		return err
	case subtle.ConstantTimeCompare([]byte(kept), []byte(value)) != 1:
		return fault.New(fault.KeychainMismatch, errors.New("saved, but something else came back"))
	}
	return nil
}

// remove deletes an item, then looks: a keychain can say "deleted" after the user said no.
func (k *Keychain) remove(ctx context.Context, account string) error {
	return k.call(ctx, func() error {
		if err := k.system.remove(account); err != nil {
			return err
		}
		switch _, err := k.system.get(account); {
		case errors.Is(err, keyring.ErrNotFound):
			return nil
		case err != nil:
			return err
		}
		return fault.New(fault.KeychainDenied, errors.New("deleted, but still there"))
	}, nil)
}

// call runs op in its turn, with the keychain ready. A missing item gets its code here, for every method at once.
func (k *Keychain) call(ctx context.Context, op func() error, undo func()) error {
	if k.bad != nil {
		return k.bad
	}
	err := k.worker.do(ctx, func(ctx context.Context) error {
		if err := k.system.ready(ctx); err != nil {
			return err
		}
		if ctx.Err() != nil { // nobody waits any more: change nothing
			return ended(ctx)
		}
		return op()
	}, undo)
	if errors.Is(err, keyring.ErrNotFound) {
		return fault.New(fault.KeyMissing, nil)
	}
	return err
}

// Format prints what the store is, whatever the verb, and nothing that it holds.
func (k *Keychain) Format(f fmt.State, _ rune) { fmt.Fprint(f, "keychain "+k.prefix) }
