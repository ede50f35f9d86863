package sessiontest

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/p256"
)

// Folder returns a folder for a test's state: in memory where the system has such a place, because every change is
// flushed to the disk before it counts, and the disk is not what these tests are about.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "latchkey-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Keys is a key store in a folder, in the clear. Unlike memory it outlives the process, and unlike a keychain its
// content can be listed and its moods be set. It is safe for parallel use, also between processes.
type Keys struct {
	Dir  string
	Name string            // what Backend returns; "" is "keychain"
	Step func(name string) // told before and after every change, for tests that kill

	mu     sync.Mutex
	state  keystore.State
	refuse error // what every method but Health answers while it is set
	asked  int   // how often it was asked while it was locked
	shut   bool  // it would ask a person, and does not say so in Health
}

var _ keystore.Store = (*Keys)(nil)

// Lock makes the store refuse everything, as a locked keychain does; Unlock ends that.
func (k *Keys) Lock() { k.mood(keystore.Locked, fault.New(fault.KeychainLocked, nil)) }

// Vanish makes the store refuse everything, as a system without a keychain does.
func (k *Keys) Vanish() { k.mood(keystore.Absent, fault.New(fault.KeychainAbsent, nil)) }

// Unlock makes the store work again.
func (k *Keys) Unlock() { k.mood("", nil) }

func (k *Keys) mood(s keystore.State, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state, k.refuse = s, err
}

// Prompting makes the store one that asks a person for a passphrase at its next use, as a passphrase file does that is
// not open yet. Its Health does not say so, but Prompts does. The next use counts as asked, and opens it.
func (k *Keys) Prompting() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.shut = true
}

// Prompts reports whether the next use asks a person.
func (k *Keys) Prompts() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.shut
}

// Asked returns how often a refusing store was asked for something, which would have raised a prompt.
func (k *Keys) Asked() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.asked
}

func (k *Keys) ask(ctx context.Context) error {
	if ctx.Err() != nil {
		return fault.New(fault.KeychainTimeout, ctx.Err())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refuse != nil || k.shut {
		k.asked++
	}
	k.shut = false
	return k.refuse
}

func (k *Keys) reached(step string) {
	if k.Step != nil {
		k.Step(step)
	}
}

// List returns the public keys of the keys that are there.
func (k *Keys) List() []string {
	entries, err := os.ReadDir(k.Dir)
	if err != nil {
		panic(err)
	}
	var names []string
	for _, e := range entries {
		if len(e.Name()) == 66 {
			names = append(names, e.Name())
		}
	}
	return names
}

// Backend returns Name, or "keychain".
func (k *Keys) Backend() string { return cmp.Or(k.Name, "keychain") }

// Health says what the store's mood is.
func (k *Keys) Health(context.Context) keystore.Health {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refuse != nil {
		return keystore.Health{State: k.state, Name: "Folder", Err: k.refuse}
	}
	return keystore.Health{State: keystore.Protected, Name: "Folder"}
}

// Forget does nothing: no key is held.
func (k *Keys) Forget() {}

// Create makes a key.
func (k *Keys) Create(ctx context.Context) (keystore.Signer, error) {
	return k.CreateNamed(ctx, func(string) error { return nil })
}

// CreateNamed makes a key after name agreed.
func (k *Keys) CreateNamed(ctx context.Context, name func(string) error) (keystore.Signer, error) {
	if err := k.ask(ctx); err != nil {
		return nil, err
	}
	key := p256.Generate()
	public := p256.Compressed(&key.PublicKey)
	if err := name(public); err != nil {
		return nil, err
	}
	k.reached("create key")
	if err := os.WriteFile(filepath.Join(k.Dir, public), []byte(p256.PrivateHex(key)), 0o600); err != nil {
		return nil, err
	}
	k.reached("created key")
	return &signer{k, public}, nil
}

// Open returns a key.
func (k *Keys) Open(ctx context.Context, publicKey string) (keystore.Signer, error) {
	if err := k.ask(ctx); err != nil {
		return nil, err
	}
	if _, err := k.read(publicKey); err != nil {
		return nil, err
	}
	return &signer{k, publicKey}, nil
}

// Delete removes a key.
func (k *Keys) Delete(ctx context.Context, publicKey string) error {
	if err := k.ask(ctx); err != nil {
		return err
	}
	k.reached("delete key")
	defer k.reached("deleted key")
	return missing(os.Remove(filepath.Join(k.Dir, publicKey)))
}

// Secret returns a secret.
func (k *Keys) Secret(ctx context.Context, name string) ([]byte, error) {
	if err := k.ask(ctx); err != nil {
		return nil, err
	}
	text, err := k.read("secret-" + name)
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(text)
}

// PutSecret stores a secret.
func (k *Keys) PutSecret(ctx context.Context, name string, value []byte) error {
	if err := k.ask(ctx); err != nil {
		return err
	}
	k.reached("put secret")
	defer k.reached("put secret done")
	path := filepath.Join(k.Dir, "secret-"+name)
	if err := os.WriteFile(path+".new", []byte(hex.EncodeToString(value)), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// DeleteSecret removes a secret.
func (k *Keys) DeleteSecret(ctx context.Context, name string) error {
	if err := k.ask(ctx); err != nil {
		return err
	}
	return missing(os.Remove(filepath.Join(k.Dir, "secret-"+name)))
}

func (k *Keys) read(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(k.Dir, name))
	return string(text), missing(err)
}

func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.KeyMissing, err)
	}
	return err
}

type signer struct {
	keys   *Keys
	public string
}

func (s *signer) PublicKey() string { return s.public }

func (s *signer) Sign(ctx context.Context, digest []byte) ([]byte, error) {
	if err := s.keys.ask(ctx); err != nil {
		return nil, err
	}
	text, err := s.keys.read(s.public)
	if err != nil {
		return nil, err
	}
	key, err := p256.ParsePrivate(text)
	if err != nil {
		return nil, fault.New(fault.KeyCorrupt, err)
	}
	return p256.NewKey(key).Sign(ctx, digest)
}
