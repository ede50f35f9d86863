package stamp

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// PrivateKey stamps with a key of any curve that is held in memory, as a wallet does and as the key files of a
// developer do. A device keeps its own keys elsewhere (keystore) and they are of P-256: see [APIKey]. It is safe for
// parallel use.
type PrivateKey struct {
	scheme, public string
	sign           func(body []byte) []byte
}

var _ Stamper = PrivateKey{}

// ParseSecp256k1 reads a private key of secp256k1: the scalar in 64 hex characters. scheme is SchemeSecp256k1 or, to
// stamp as an Ethereum wallet does, SchemeEIP191. The error never repeats the text.
func ParseSecp256k1(scheme, private string) (PrivateKey, error) {
	if CurveOf(scheme) != Secp256k1 {
		return PrivateKey{}, fmt.Errorf("scheme %q is not of secp256k1", scheme)
	}
	raw, err := hex.DecodeString(private)
	if err != nil || len(raw) != 32 {
		return PrivateKey{}, errors.New("private key: want 64 hex characters")
	}
	var scalar secp256k1.ModNScalar
	if over := scalar.SetByteSlice(raw); over || scalar.IsZero() {
		return PrivateKey{}, errors.New("private key: not a scalar of the curve")
	}
	key := secp256k1.NewPrivateKey(&scalar)
	return PrivateKey{
		scheme: scheme,
		public: hex.EncodeToString(key.PubKey().SerializeCompressed()),
		sign:   func(body []byte) []byte { return k1ecdsa.Sign(key, secp256k1Digest(scheme, body)).Serialize() },
	}, nil
}

// ParseEd25519 reads a private key of ed25519: the seed in 64 hex characters, or seed and public key in 128, as
// Turnkey's Go SDK writes it; the two must belong together. The error never repeats the text.
func ParseEd25519(private string) (PrivateKey, error) {
	raw, err := hex.DecodeString(private)
	if err != nil || len(raw) != ed25519.SeedSize && len(raw) != ed25519.PrivateKeySize {
		return PrivateKey{}, errors.New("private key: want 64 or 128 hex characters")
	}
	key := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
	if len(raw) == ed25519.PrivateKeySize && !key.Equal(ed25519.PrivateKey(raw)) {
		return PrivateKey{}, errors.New("private key: the public half is another key's")
	}
	return PrivateKey{
		scheme: SchemeEd25519,
		public: hex.EncodeToString(key[ed25519.SeedSize:]),
		sign:   func(body []byte) []byte { return ed25519.Sign(key, body) },
	}, nil
}

// PublicKey returns the public key in lower-case hex, as stamps and API keys spell it.
func (k PrivateKey) PublicKey() string { return k.public }

// Stamp signs body by the key's scheme. Equal bodies have equal stamps. It does not fail.
func (k PrivateKey) Stamp(_ context.Context, body []byte) (*Stamp, error) {
	return walletStamp(k.public, k.scheme, k.sign(body)), nil
}

// String never prints the private key.
func (k PrivateKey) String() string { return "key " + k.public }

// Format never prints the private key, whatever the verb.
func (k PrivateKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }
