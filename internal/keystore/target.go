package keystore

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"errors"
	"fmt"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// Decapsulator opens what was encrypted to one P-256 target key. It is no [Signer], and no Signer is one: a target key
// never stamps. It is safe for parallel use.
type Decapsulator interface {
	// PublicKey is the compressed public key in hex, as a Signer's. Those who encrypt to it want it uncompressed: see
	// [Exchanger].
	PublicKey() string
	// ECDH returns the secret shared with peer (SEC 1, section 3.3.1): 32 bytes that the caller should clear. A peer of
	// another curve is of kind Invalid; a key that was deleted is fault.KeyMissing; further errors are those of [Reader].
	ECDH(ctx context.Context, peer *ecdh.PublicKey) ([]byte, error)
}

// Targets keeps target keys, in a name space of their own: to OpenTarget a key of Create is missing, and to Open one of
// CreateTarget. Every [Store] of this package is one. Its errors are those of [Reader] and [Writer].
//
// A target key lives for one answer and is used once or twice, so none stays in memory: each ECDH asks the store.
type Targets interface {
	// CreateTarget makes a target key and stores it. As in CreateNamed, name gets the public key before the key exists.
	CreateTarget(ctx context.Context, name func(publicKey string) error) (Decapsulator, error)
	// OpenTarget returns the target key stored under publicKey.
	OpenTarget(ctx context.Context, publicKey string) (Decapsulator, error)
	// DeleteTarget removes a target key for good.
	DeleteTarget(ctx context.Context, publicKey string) error
	// ListTargets returns the public keys that OpenTarget would find, as [Lister] does for Open.
	ListTargets(ctx context.Context) ([]string, error)
}

var (
	_ Targets = (*Keychain)(nil)
	_ Targets = (*TPM)(nil)
	_ Targets = (*PassphraseFile)(nil)
	_ Targets = (*Memory)(nil)
)

// Exchanger is d in the form that crypto/hpke opens with. Each exchange ends with ctx.
func Exchanger(ctx context.Context, d Decapsulator) (ecdh.KeyExchanger, error) {
	public, err := p256.ParsePublic(d.PublicKey())
	if err != nil {
		return nil, err
	}
	point, err := public.ECDH()
	if err != nil {
		return nil, err
	}
	return exchanger{ctx, d, point}, nil
}

// exchanger holds a context because [ecdh.KeyExchanger] takes none. It lives for one opening.
type exchanger struct {
	ctx    context.Context
	key    Decapsulator
	public *ecdh.PublicKey
}

func (e exchanger) PublicKey() *ecdh.PublicKey { return e.public }
func (e exchanger) Curve() ecdh.Curve          { return ecdh.P256() }
func (e exchanger) ECDH(peer *ecdh.PublicKey) ([]byte, error) {
	return e.key.ECDH(e.ctx, peer)
}

// target looks its key up in the store for each exchange, so that a deleted one opens nothing.
type target struct {
	store interface {
		target(ctx context.Context, publicKey string) (*ecdsa.PrivateKey, error)
	}
	publicKey string
}

func (t *target) PublicKey() string { return t.publicKey }

func (t *target) ECDH(ctx context.Context, peer *ecdh.PublicKey) ([]byte, error) {
	if err := checkPeer(peer); err != nil {
		return nil, err
	}
	key, err := t.store.target(ctx, t.publicKey)
	if err != nil {
		return nil, fmt.Errorf("ecdh: %w", err)
	}
	private, err := key.ECDH()
	if err != nil {
		return nil, fmt.Errorf("ecdh: %w", err)
	}
	return private.ECDH(peer)
}

// Format prints the public key, whatever the verb: fmt would follow the pointer to the store, and print its keys.
func (t *target) Format(f fmt.State, _ rune) { fmt.Fprint(f, "target key "+t.publicKey) }

// checkPeer refuses what is on no curve of ours.
func checkPeer(peer *ecdh.PublicKey) error {
	if peer.Curve() != ecdh.P256() {
		return fmt.Errorf("a peer of another curve: %w", fault.Invalid)
	}
	return nil
}

// parseTarget reads the scalar of the target key that publicKey names.
func parseTarget(scalar, publicKey string) (*ecdsa.PrivateKey, error) {
	private, err := p256.ParsePrivate(scalar)
	if err != nil || p256.Compressed(&private.PublicKey) != publicKey {
		return nil, fault.New(fault.KeyCorrupt, errors.New("something else is stored under this name"))
	}
	return private, nil
}
