package keystore

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/google/go-tpm/tpm2/transport"

	"latchkey/internal/fault"
	"latchkey/internal/store"
)

// TPM keeps keys in the computer's TPM 2.0: each is made inside, save those of Import, and never leaves it in clear. What
// lies in the profile's folder is the key wrapped by the TPM's storage root key, which follows from the owner seed, so
// nothing is kept in the TPM itself and keys work after any restart. On another machine, or after the TPM was cleared, they
// are fault.TPMForeign for good.
//
// It keeps keys from being taken away, not from being used: every program that may open the TPM and read the folder can
// sign with them here. There is no PCR in their policy, so an update of the firmware locks nobody out. Secrets are sealed
// under a key of 32 bytes that the TPM seals; parameters that are secret cross the bus encrypted, which an eavesdropper
// cannot read, and somebody who replaces the TPM's answers could. An overwritten secret stays sealed in the older
// generation of its file until the next change.
//
// Commands end when the TPM answers; a call whose caller left goes on alone, as with a keychain.
type TPM struct {
	open   OpenTPM
	dir    *store.Dir
	worker worker

	mu     sync.Mutex
	loaded map[string]loadedKey // what the TPM gave back of keys in use, so that a signature costs no loading
	eras   int                  // how often that was dropped
}

// OpenTPM connects to a TPM. Each operation opens and closes it.
type OpenTPM func() (transport.TPMCloser, error)

var _ Store = (*TPM)(nil)

// NewTPM returns the store of one profile, with its wrapped keys in dir. It asks the TPM nothing yet.
//
// Besides those of [Reader] and [Writer], its errors are fault.TPMAbsent, fault.TPMDenied, fault.TPMForeign,
// fault.TPMFailed, and those of the disk.
func NewTPM(dir *store.Dir, open OpenTPM) *TPM {
	return &TPM{open: open, dir: dir, loaded: map[string]loadedKey{}}
}

// Backend returns "tpm".
func (t *TPM) Backend() string { return "tpm" }

// Health returns Protected, or Absent where the TPM cannot be used.
func (t *TPM) Health(ctx context.Context) Health {
	h := Health{State: Protected, Name: "TPM 2.0"}
	var maker string
	err := t.with(ctx, func(c *chip) (err error) {
		maker, err = c.maker()
		return err
	})
	switch {
	case err != nil:
		h.State, h.Err = Absent, err
	case maker != "":
		h.Name += " (" + maker + ")"
	}
	return h
}

// Forget drops what speeds up the keys in use; the next signature loads its key again.
func (t *TPM) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.loaded)
	t.eras++
}

// with runs op with the TPM, in turn.
func (t *TPM) with(ctx context.Context, op func(c *chip) error) error {
	return t.worker.do(ctx, func(context.Context) error { return t.connected(op) }, nil)
}

// connected runs op with the TPM. The turn is the caller's.
func (t *TPM) connected(op func(c *chip) error) error {
	conn, err := t.open()
	if err != nil {
		return translateTPM(err)
	}
	defer conn.Close() //nolint:errcheck // every answer was read
	return translateTPM(op(&chip{conn}))
}

// Create makes a key.
func (t *TPM) Create(ctx context.Context) (Signer, error) {
	return t.CreateNamed(ctx, func(string) error { return nil })
}

// CreateNamed makes a key, tells its name, and stores it. Until it is stored it is nowhere: a TPM keeps nothing of it.
func (t *TPM) CreateNamed(ctx context.Context, name func(publicKey string) error) (Signer, error) {
	publicKey, err := t.create(ctx, name, (*chip).makeKey, keyBlobName)
	if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	return &tpmSigner{t, publicKey}, nil
}

// create makes a key of a kind, and stores it in the file of that kind.
func (t *TPM) create(ctx context.Context, name func(publicKey string) error, kind func(*chip) (blob, error), file func(publicKey string) string) (publicKey string, err error) {
	var made blob
	err = t.with(ctx, func(c *chip) (err error) {
		made, err = kind(c)
		return err
	})
	if err != nil {
		return "", err
	}
	if publicKey, err = made.publicKey(); err != nil {
		return "", err
	}
	if err := name(publicKey); err != nil {
		return "", err
	}
	return publicKey, t.worker.do(ctx, func(context.Context) error { return t.write(file(publicKey), made) },
		func() { _ = t.dir.Remove(file(publicKey)) })
}

// Open returns the key stored under publicKey, once the TPM has taken it.
func (t *TPM) Open(ctx context.Context, publicKey string) (Signer, error) {
	if err := t.use(ctx, publicKey, func(*chip, keyHandle) error { return nil }); err != nil {
		return nil, fmt.Errorf("open key: %w", err)
	}
	return &tpmSigner{t, publicKey}, nil
}

// use runs op with the key in the TPM.
func (t *TPM) use(ctx context.Context, publicKey string, op func(*chip, keyHandle) error) error {
	if err := checkPublicKey(publicKey); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ended(ctx)
	}
	t.mu.Lock()
	known, ok := t.loaded[publicKey]
	era := t.eras
	t.mu.Unlock()
	return t.with(ctx, func(c *chip) error {
		if ok && c.again(known, op) == nil {
			return nil
		} // else the TPM was restarted meanwhile, and knows nothing of it
		b, err := t.readKey(keyBlobName(publicKey), publicKey, signs)
		if err != nil {
			return err
		}
		now, err := c.load(b, op)
		if err != nil {
			return err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.eras == era {
			t.loaded[publicKey] = now
		}
		return nil
	})
}

// Delete removes the wrapped key, without which the TPM cannot sign. It does not need the TPM.
func (t *TPM) Delete(ctx context.Context, publicKey string) error {
	if err := checkPublicKey(publicKey); err != nil {
		return fmt.Errorf("delete key: %w", err)
	}
	t.mu.Lock()
	maps.DeleteFunc(t.loaded, func(k string, _ loadedKey) bool { return k == publicKey })
	t.eras++
	t.mu.Unlock()
	if err := t.remove(ctx, keyBlobName(publicKey)); err != nil {
		return fmt.Errorf("delete key: %w", err)
	}
	return nil
}

// Secret returns the secret stored under name. One that another TPM sealed is fault.KeyCorrupt, around fault.TPMForeign:
// it is lost, and a new one may take its place.
func (t *TPM) Secret(ctx context.Context, name string) ([]byte, error) {
	if err := check(ctx, name); err != nil {
		return nil, err
	}
	var value []byte
	err := t.with(ctx, func(c *chip) error {
		b, err := t.read(secretBlobName(name))
		if err != nil {
			return err
		}
		key, err := c.unseal(b)
		if fault.CodeOf(err) == fault.TPMForeign {
			return fault.New(fault.KeyCorrupt, err)
		}
		if err != nil {
			return err
		}
		defer clear(key)
		sealer, err := store.NewSealer(key)
		if err != nil {
			return fault.New(fault.KeyCorrupt, errors.New("what the TPM sealed is no key"))
		}
		if value, err = sealer.Open(b.Box, secretContext(name)); err != nil {
			return fault.New(fault.KeyCorrupt, errors.New("the box does not open"))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("secret %q: %w", name, err)
	}
	return value, nil
}

// PutSecret stores value under name.
func (t *TPM) PutSecret(ctx context.Context, name string, value []byte) error {
	if err := check(ctx, name); err != nil {
		return err
	}
	if err := checkSize(name, value); err != nil {
		return err
	}
	key := make([]byte, store.KeySize)
	rand.Read(key) // never fails
	sealer, err := store.NewSealer(key)
	if err != nil {
		return err
	}
	box := sealer.Seal(value, secretContext(name))
	err = t.with(ctx, func(c *chip) error {
		defer clear(key)
		b, err := c.seal(key)
		if err != nil {
			return err
		}
		b.Box = box
		unlock, err := t.dir.Lock(ctx, blobLock)
		if err != nil {
			return err
		}
		defer unlock()
		return t.write(secretBlobName(name), b)
	})
	if err != nil {
		return fmt.Errorf("put secret %q: %w", name, err)
	}
	return nil
}

// DeleteSecret removes a secret.
func (t *TPM) DeleteSecret(ctx context.Context, name string) error {
	if err := check(ctx, name); err != nil {
		return err
	}
	if err := t.remove(ctx, secretBlobName(name)); err != nil {
		return fmt.Errorf("delete secret %q: %w", name, err)
	}
	return nil
}

// The files: one for each key and secret. Names of secrets may hold what names of files may not.
const blobLock = "tpm"

func keyBlobName(publicKey string) string { return "tpm-key-" + publicKey }
func secretBlobName(name string) string {
	return fmt.Sprintf("tpm-secret-%x", sha256.Sum256([]byte(name)))
}
func secretContext(name string) []byte { return []byte("latchkey tpm secret\n" + name) }

// write stores a blob and reads it back.
func (t *TPM) write(file string, b blob) error {
	data := b.encode()
	if err := t.dir.Write(file, data); err != nil {
		return err
	}
	kept, err := t.dir.Read(file)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if !bytes.Equal(kept, data) {
		return fault.New(fault.KeychainMismatch, errors.New("saved, but something else came back"))
	}
	return nil
}

func (t *TPM) read(file string) (blob, error) {
	data, err := t.dir.Read(file)
	switch {
	case notWritten(err):
		return blob{}, fault.New(fault.KeyMissing, nil)
	case errors.Is(err, fault.Corrupt):
		return blob{}, fault.New(fault.KeyCorrupt, err)
	case err != nil:
		return blob{}, err
	}
	return decodeBlob(data)
}

func (t *TPM) remove(ctx context.Context, file string) error {
	return t.worker.do(ctx, func(ctx context.Context) error {
		unlock, err := t.dir.Lock(ctx, blobLock)
		if err != nil {
			return err
		}
		defer unlock()
		if err = t.dir.Remove(file); notWritten(err) {
			return fault.New(fault.KeyMissing, nil)
		}
		return err
	}, nil)
}

// tpmSigner signs in the TPM.
type tpmSigner struct {
	store     *TPM
	publicKey string
}

func (s *tpmSigner) PublicKey() string { return s.publicKey }

func (s *tpmSigner) Sign(ctx context.Context, digest []byte) ([]byte, error) {
	if err := checkDigest(digest); err != nil {
		return nil, err
	}
	digest = bytes.Clone(digest) // a late call still reads it
	var signature []byte
	err := s.store.use(ctx, s.publicKey, func(c *chip, key keyHandle) (err error) {
		signature, err = c.sign(key, digest)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return signature, nil
}

// Format prints the public key, whatever the verb.
func (s *tpmSigner) Format(f fmt.State, _ rune) { fmt.Fprint(f, "key "+s.publicKey) }

// Format prints what the store is, whatever the verb.
func (t *TPM) Format(f fmt.State, _ rune) { fmt.Fprint(f, "tpm") }
