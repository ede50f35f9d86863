package keystore

import (
	"context"
	"crypto/ecdh"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"latchkey/internal/fault"
)

func targetBlobName(publicKey string) string { return "tpm-target-" + publicKey }

// CreateTarget makes a target key in the TPM, tells its name, and stores it.
func (t *TPM) CreateTarget(ctx context.Context, name func(publicKey string) error) (Decapsulator, error) {
	publicKey, err := t.create(ctx, name, (*chip).makeTarget, targetBlobName)
	if err != nil {
		return nil, fmt.Errorf("create target key: %w", err)
	}
	return &tpmTarget{t, publicKey}, nil
}

// OpenTarget returns the target key stored under publicKey, once the TPM has taken it.
func (t *TPM) OpenTarget(ctx context.Context, publicKey string) (Decapsulator, error) {
	err := t.useTarget(ctx, publicKey, func(c *chip, b blob) error {
		return c.under(b, func(root, keyHandle) error { return nil })
	})
	if err != nil {
		return nil, fmt.Errorf("open target key: %w", err)
	}
	return &tpmTarget{t, publicKey}, nil
}

// useTarget runs op with the wrapped target key.
func (t *TPM) useTarget(ctx context.Context, publicKey string, op func(*chip, blob) error) error {
	if err := checkPublicKey(publicKey); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ended(ctx)
	}
	return t.with(ctx, func(c *chip) error {
		b, err := t.readKey(targetBlobName(publicKey), publicKey, decrypts)
		if err != nil {
			return err
		}
		return op(c, b)
	})
}

// DeleteTarget removes the wrapped target key. It does not need the TPM.
func (t *TPM) DeleteTarget(ctx context.Context, publicKey string) error {
	err := checkPublicKey(publicKey)
	if err == nil {
		err = t.remove(ctx, targetBlobName(publicKey))
	}
	if err != nil {
		return fmt.Errorf("delete target key: %w", err)
	}
	return nil
}

// ListTargets looks through the names of the files. It does not need the TPM.
func (t *TPM) ListTargets(ctx context.Context) ([]string, error) {
	return t.list(ctx, targetBlobName(""))
}

// tpmTarget exchanges in the TPM.
type tpmTarget struct {
	store     *TPM
	publicKey string
}

func (d *tpmTarget) PublicKey() string { return d.publicKey }

func (d *tpmTarget) ECDH(ctx context.Context, peer *ecdh.PublicKey) ([]byte, error) {
	if err := checkPeer(peer); err != nil {
		return nil, err
	}
	var shared []byte
	err := d.store.useTarget(ctx, d.publicKey, func(c *chip, b blob) (err error) {
		shared, err = c.exchange(b, peer)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ecdh: %w", err)
	}
	return shared, nil
}

// Format prints the public key, whatever the verb.
func (d *tpmTarget) Format(f fmt.State, _ rune) { fmt.Fprint(f, "target key "+d.publicKey) }

// signs and decrypts tell the two kinds of keys apart, as the TPM does.
func signs(a tpm2.TPMAObject) bool    { return a.SignEncrypt && !a.Decrypt }
func decrypts(a tpm2.TPMAObject) bool { return a.Decrypt && !a.SignEncrypt }

// makeTarget makes a key that exchanges, and nothing else.
func (c *chip) makeTarget() (blob, error) {
	return c.make(tpm2.TPMTPublic{
		Type: tpm2.TPMAlgECC, NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{
			FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, NoDA: true, Decrypt: true,
		},
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{
			CurveID: tpm2.TPMECCNistP256,
			Scheme: tpm2.TPMTECCScheme{
				Scheme:  tpm2.TPMAlgECDH,
				Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDH, &tpm2.TPMSKeySchemeECDH{HashAlg: tpm2.TPMAlgSHA256}),
			},
		}),
	}, nil)
}

// exchange returns the x-coordinate of the shared point, which crosses the bus encrypted.
func (c *chip) exchange(b blob, peer *ecdh.PublicKey) (shared []byte, err error) {
	point := peer.Bytes() // 4 || x || y
	err = c.under(b, func(r root, key keyHandle) error {
		answer, err := tpm2.ECDHZGen{
			KeyHandle: tpm2.AuthHandle{Handle: key.handle, Name: key.name, Auth: r.unsealing()},
			InPoint: tpm2.New2B(tpm2.TPMSECCPoint{
				X: tpm2.TPM2BECCParameter{Buffer: point[1:33]}, Y: tpm2.TPM2BECCParameter{Buffer: point[33:]},
			}),
		}.Execute(c.tpm)
		if err != nil {
			return err
		}
		out, err := answer.OutPoint.Contents()
		if err != nil {
			return err
		}
		if len(out.X.Buffer) > 32 {
			return errors.New("a point over the curve's size")
		}
		shared = make([]byte, 32)
		copy(shared[32-len(out.X.Buffer):], out.X.Buffer) // some TPMs leave out zeros in front
		return nil
	})
	return shared, err
}

// readKey returns the wrapped key of a kind, if it is the one that publicKey names.
func (t *TPM) readKey(file, publicKey string, kind func(tpm2.TPMAObject) bool) (blob, error) {
	b, err := t.read(file)
	if err != nil {
		return blob{}, err
	}
	_, area, _, err := b.parts()
	if err != nil {
		return blob{}, err
	}
	if kept, err := b.publicKey(); err != nil || kept != publicKey || !kind(area.ObjectAttributes) {
		return blob{}, fault.New(fault.KeyCorrupt, errors.New("the folder holds something else under this name"))
	}
	return b, nil
}
