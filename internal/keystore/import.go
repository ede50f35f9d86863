package keystore

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// Importer takes in a key that was made elsewhere. It exists for credential bundles alone, whose key the vendor made:
// the session of such a key is to be refreshed at once to one that was made here. Every [Store] of this package is one.
type Importer interface {
	// Import stores key, and from then on it is as one of Create; one that is there already stays. Whoever must know of it
	// first has its public key before. That no copy of it remains outside is not the store's to say. A key of another
	// curve is of kind Invalid; further errors are those of [Writer].
	Import(ctx context.Context, key *ecdsa.PrivateKey) (Signer, error)
}

var (
	_ Importer = (*Keychain)(nil)
	_ Importer = (*TPM)(nil)
	_ Importer = (*PassphraseFile)(nil)
	_ Importer = (*Memory)(nil)
)

// imported returns key as one of ours.
func imported(key *ecdsa.PrivateKey) (*p256.Key, error) {
	if key == nil || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("import key: not of the curve: %w", fault.Invalid)
	}
	if _, err := key.Bytes(); err != nil { // no scalar of the curve
		return nil, fmt.Errorf("import key: not a key: %w", fault.Invalid)
	}
	return p256.NewKey(key), nil
}

// Import stores a key of a credential bundle. When ctx ends first and the keychain then stores it after all, it is
// deleted again.
func (k *Keychain) Import(ctx context.Context, private *ecdsa.PrivateKey) (Signer, error) {
	key, err := imported(private)
	if err != nil {
		return nil, err
	}
	account, value := k.keyAccount(key.PublicKey()), version+p256.PrivateHex(private)
	was := false
	undo := func() {
		if !was {
			_ = k.system.remove(account)
		}
	}
	err = k.call(ctx, func() error {
		kept, err := k.system.get(account)
		if was = err == nil && kept == value; was {
			return nil
		}
		return k.save(account, value, undo)
	}, undo)
	if err != nil {
		return nil, fmt.Errorf("import key: %w", err)
	}
	return k.hold(key), nil
}

// Import stores a key of a credential bundle. When ctx ends first and the key is stored after all, it is deleted again.
func (p *PassphraseFile) Import(ctx context.Context, private *ecdsa.PrivateKey) (Signer, error) {
	key, err := imported(private)
	if err != nil {
		return nil, err
	}
	if err := p.put(ctx, key, keysOf); err != nil {
		return nil, fmt.Errorf("import key: %w", err)
	}
	return p.hold(key), nil
}

// Import keeps a key of a credential bundle.
func (m *Memory) Import(ctx context.Context, private *ecdsa.PrivateKey) (Signer, error) {
	key, err := imported(private)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("import key: %w", ended(ctx))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys[key.PublicKey()] = key
	return &signer{m, key.PublicKey()}, nil
}

// Import wraps a key of a credential bundle by the TPM. It crosses the bus encrypted to the storage root key; unlike one
// that was made in the TPM, it was outside of it.
func (t *TPM) Import(ctx context.Context, private *ecdsa.PrivateKey) (Signer, error) {
	key, err := imported(private)
	if err != nil {
		return nil, err
	}
	publicKey := key.PublicKey()
	file := keyBlobName(publicKey)
	was := false
	err = t.worker.do(ctx, func(ctx context.Context) error {
		unlock, err := t.dir.Lock(ctx, blobLock)
		if err != nil {
			return err
		}
		defer unlock()
		return t.connected(func(c *chip) error {
			if b, err := t.readKey(file, publicKey, signs); err == nil {
				if was = c.under(b, func(root, keyHandle) error { return nil }) == nil; was {
					return nil
				} // else another TPM wrapped it, or it is damaged: now there is a good one
			}
			b, err := c.wrap(private)
			if err != nil {
				return err
			}
			return t.write(file, b)
		})
	}, func() {
		if !was {
			_ = t.dir.Remove(file)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("import key: %w", err)
	}
	return &tpmSigner{t, publicKey}, nil
}

// wrap makes a key of the TPM out of one that was made elsewhere: it may leave the TPM as little as one that was made
// inside, since duplicating it would take a policy, and it has none.
func (c *chip) wrap(private *ecdsa.PrivateKey) (b blob, err error) {
	point, err := private.PublicKey.Bytes() // 4 || x || y
	if err != nil {
		return blob{}, err
	}
	scalar, err := private.Bytes()
	if err != nil {
		return blob{}, err
	}
	defer clear(scalar)
	public := signerTemplate(tpm2.TPMAObject{UserWithAuth: true, NoDA: true, SignEncrypt: true})
	public.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{
		X: tpm2.TPM2BECCParameter{Buffer: point[1:33]}, Y: tpm2.TPM2BECCParameter{Buffer: point[33:]},
	})
	name, err := tpm2.ObjectName(&public)
	if err != nil {
		return blob{}, err
	}
	sensitive := tpm2.Marshal(tpm2.TPMTSensitive{
		SensitiveType: tpm2.TPMAlgECC,
		Sensitive:     tpm2.NewTPMUSensitiveComposite(tpm2.TPMAlgECC, &tpm2.TPM2BECCParameter{Buffer: scalar}),
	})
	defer clear(sensitive)
	err = c.withRoot(func(r root) error {
		to, err := tpm2.ImportEncapsulationKey(&r.area)
		if err != nil {
			return err
		}
		duplicate, seed, err := tpm2.CreateDuplicate(rand.Reader, to, name.Buffer, sensitive)
		if err != nil {
			return errors.New("the key could not be encrypted to the TPM") // not its text, which is of foreign making
		}
		taken, err := tpm2.Import{
			ParentHandle: tpm2.AuthHandle{Handle: r.handle.Handle, Name: r.handle.Name, Auth: tpm2.PasswordAuth(nil)},
			ObjectPublic: tpm2.New2B(public),
			Duplicate:    tpm2.TPM2BPrivate{Buffer: duplicate},
			InSymSeed:    tpm2.TPM2BEncryptedSecret{Buffer: seed},
		}.Execute(c.tpm)
		if err != nil {
			return err
		}
		b = blob{Version: blobVersion, Parent: r.handle.Name.Buffer, Public: tpm2.Marshal(tpm2.New2B(public)), Private: tpm2.Marshal(taken.OutPrivate)}
		return nil
	})
	return b, err
}
