package keystore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/store"
)

// PassphraseFile keeps keys in one file of the profile's folder, sealed under a passphrase. The passphrase is asked for
// when the file is first needed, once per process; several processes may change the file at the same time.
//
// What Forget drops are the keys: the file stays open to this process until it ends, and who holds its memory holds
// the keys. A deleted key is in no generation of the file; one that a crash leaves in the older generation, sealed,
// goes with the next change.
type PassphraseFile struct {
	file   keyFile
	worker worker

	unattended bool // see Unattended

	mu   sync.Mutex
	keys map[string]*p256.Key // unlocked
	eras int                  // how often keys were dropped
}

var _ Store = (*PassphraseFile)(nil)

// NewPassphraseFile returns the store of one profile, in the folder of its state. It asks nothing and reads nothing
// yet. A nil ask means that nobody can be asked: a file that is not open then is fault.PassphraseNeeded.
//
// Besides those of [Reader] and [Writer], its errors are fault.PassphraseNeeded, fault.PassphraseWrong,
// fault.PassphraseShort, fault.KeysCorrupt, and those of the disk.
func NewPassphraseFile(dir *store.Dir, profile string, ask Ask) *PassphraseFile {
	return &PassphraseFile{
		file: keyFile{dir: dir, profile: profile, ask: ask, work: scryptWork},
		keys: map[string]*p256.Key{},
	}
}

// SetWork sets what a file that p makes costs to open, as the logarithm of scrypt's cost; 0 leaves it at about a second
// and 256 MB. Less is for tests, which open many. It must be called before p is used.
func (p *PassphraseFile) SetWork(work int) {
	if work != 0 {
		p.file.work = work
	}
}

// Unattended says that the answer is read from somewhere and disturbs nobody, so that the file may be opened because time
// passed. It must be called before p is used.
func (p *PassphraseFile) Unattended() { p.unattended = true }

// Backend returns "passphrase".
func (p *PassphraseFile) Backend() string { return "passphrase" }

// Health returns Passphrase, or Locked where nobody can be asked for it.
func (p *PassphraseFile) Health(context.Context) Health {
	h := Health{State: Passphrase, Name: "Passphrase file"}
	if p.file.ask == nil && p.file.current() == nil {
		h.State, h.Err = Locked, fault.New(fault.PassphraseNeeded, nil)
	}
	return h
}

// Prompts reports whether looking for a key asks for the passphrase, which Health does not say: there is a file, and it
// is not open yet.
func (p *PassphraseFile) Prompts() bool {
	if p.file.ask == nil || p.unattended || p.file.current() != nil {
		return false
	}
	return p.Exists()
}

// Forget drops every unlocked key from memory.
func (p *PassphraseFile) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.keys)
	p.eras++
}

// Create makes a key and stores it.
func (p *PassphraseFile) Create(ctx context.Context) (Signer, error) {
	return p.CreateNamed(ctx, func(string) error { return nil })
}

// CreateNamed makes a key, tells its name, and stores it. When ctx ends first and the key is stored after all, it is
// deleted again.
func (p *PassphraseFile) CreateNamed(ctx context.Context, name func(publicKey string) error) (Signer, error) {
	key, err := p.create(ctx, name, keysOf)
	if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	return p.hold(key), nil
}

// create makes a key and stores it among those of its kind.
func (p *PassphraseFile) create(ctx context.Context, name func(publicKey string) error, kind func(*contents) map[string]string) (*p256.Key, error) {
	key := p256.NewKey(p256.Generate())
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	if err := name(key.PublicKey()); err != nil {
		return nil, err
	}
	return key, p.put(ctx, key, kind)
}

// put stores a key. One that is there already stays, even when ctx ends first.
func (p *PassphraseFile) put(ctx context.Context, key *p256.Key, kind func(*contents) map[string]string) error {
	public, scalar := key.PublicKey(), p256.PrivateHex(key.Private())
	was := false
	return p.worker.do(ctx, func(ctx context.Context) error {
		return p.file.change(ctx, true, func(c *contents) error {
			was = kind(c)[public] == scalar
			kind(c)[public] = scalar
			return nil
		})
	}, func() {
		if !was {
			p.undo(kind, public)
		}
	})
}

// hold keeps a key that was just stored unlocked.
func (p *PassphraseFile) hold(key *p256.Key) Signer {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys[key.PublicKey()] = key
	return &signer{p, key.PublicKey()}
}

// undoTime limits how long a key that nobody waited for may take to go.
const undoTime = 10 * time.Second

func (p *PassphraseFile) undo(kind func(*contents) map[string]string, publicKey string) {
	ctx, cancel := context.WithTimeout(context.Background(), undoTime)
	defer cancel()
	_ = p.file.remove(ctx, func(c *contents) error { return drop(kind(c), publicKey) })
}

// Open returns the key stored under publicKey, from memory if it is unlocked already.
func (p *PassphraseFile) Open(ctx context.Context, publicKey string) (Signer, error) {
	if _, err := p.key(ctx, publicKey); err != nil {
		return nil, fmt.Errorf("open key: %w", err)
	}
	return &signer{p, publicKey}, nil
}

func (p *PassphraseFile) key(ctx context.Context, publicKey string) (*p256.Key, error) {
	if err := checkPublicKey(publicKey); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	p.mu.Lock()
	key, era := p.keys[publicKey], p.eras
	p.mu.Unlock()
	if key != nil {
		return key, nil
	}
	c, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	scalar, ok := c.Keys[publicKey]
	if !ok {
		return nil, fault.New(fault.KeyMissing, nil)
	}
	private, err := p256.ParsePrivate(scalar)
	if err != nil {
		return nil, fault.New(fault.KeyCorrupt, errors.New("the file holds something else under this name"))
	}
	if key = p256.NewKey(private); key.PublicKey() != publicKey {
		return nil, fault.New(fault.KeyCorrupt, errors.New("the file holds another key under this name"))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.eras == era {
		p.keys[publicKey] = key
	}
	return key, nil
}

// read returns what the file holds now, in turn.
func (p *PassphraseFile) read(ctx context.Context) (*contents, error) {
	var c *contents
	err := p.worker.do(ctx, func(ctx context.Context) (err error) {
		c, err = p.file.read(ctx)
		return err
	}, nil)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Delete removes a key from the file and from memory.
func (p *PassphraseFile) Delete(ctx context.Context, publicKey string) error {
	if err := checkPublicKey(publicKey); err != nil {
		return fmt.Errorf("delete key: %w", err)
	}
	p.mu.Lock()
	delete(p.keys, publicKey) // whatever becomes of the file, it signs no more from memory
	p.eras++
	p.mu.Unlock()
	err := p.worker.do(ctx, func(ctx context.Context) error {
		return p.file.remove(ctx, func(c *contents) error { return drop(c.Keys, publicKey) })
	}, nil)
	if err != nil {
		return fmt.Errorf("delete key: %w", err)
	}
	return nil
}

// Secret returns the secret stored under name.
func (p *PassphraseFile) Secret(ctx context.Context, name string) ([]byte, error) {
	if err := check(ctx, name); err != nil {
		return nil, err
	}
	c, err := p.read(ctx)
	if err == nil {
		if value, ok := c.Secrets[name]; ok {
			return value, nil
		}
		err = fault.New(fault.KeyMissing, nil)
	}
	return nil, fmt.Errorf("secret %q: %w", name, err)
}

// PutSecret stores value under name.
func (p *PassphraseFile) PutSecret(ctx context.Context, name string, value []byte) error {
	if err := check(ctx, name); err != nil {
		return err
	}
	if err := checkSize(name, value); err != nil {
		return err
	}
	value = slices.Clone(value) // the caller may clear it while a late call still goes on
	err := p.worker.do(ctx, func(ctx context.Context) error {
		return p.file.change(ctx, true, func(c *contents) error {
			c.Secrets[name] = value
			return nil
		})
	}, nil)
	if err != nil {
		return fmt.Errorf("put secret %q: %w", name, err)
	}
	return nil
}

// DeleteSecret removes a secret.
func (p *PassphraseFile) DeleteSecret(ctx context.Context, name string) error {
	if err := check(ctx, name); err != nil {
		return err
	}
	err := p.worker.do(ctx, func(ctx context.Context) error {
		return p.file.remove(ctx, func(c *contents) error {
			if _, ok := c.Secrets[name]; !ok {
				return fault.New(fault.KeyMissing, nil)
			}
			delete(c.Secrets, name)
			return nil
		})
	}, nil)
	if err != nil {
		return fmt.Errorf("delete secret %q: %w", name, err)
	}
	return nil
}

// contents is what the file holds, when it is open.
type contents struct {
	Keys    map[string]string `json:"keys"`              // scalars in hex, by public key
	Targets map[string]string `json:"targets,omitempty"` // those of target keys
	Secrets map[string][]byte `json:"secrets"`
}

func keysOf(c *contents) map[string]string    { return c.Keys }
func targetsOf(c *contents) map[string]string { return c.Targets }

func drop(keys map[string]string, publicKey string) error {
	if _, ok := keys[publicKey]; !ok {
		return fault.New(fault.KeyMissing, nil)
	}
	delete(keys, publicKey)
	return nil
}

func (c *contents) encode() ([]byte, error) { return json.Marshal(c) }

// Format prints what the store is, whatever the verb, and nothing that it holds.
func (p *PassphraseFile) Format(f fmt.State, _ rune) {
	fmt.Fprint(f, "passphrase file of "+p.file.profile)
}
