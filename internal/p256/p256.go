// Package p256 spells P-256 keys and signatures as Turnkey writes them: keys in lower-case hex, compressed (66
// characters) in stamps and tokens and uncompressed (130) in bundles; signatures in DER for stamps and as r||s for
// tokens and client signatures.
//
// It owns spelling and nothing else: what is signed is decided by stamp, token and bundle. It depends on fault and
// the standard library.
package p256

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
)

// ParsePublic reads a public key in hex, compressed or uncompressed (SEC 1, section 2.3.4). A point that is not on
// the curve is an error.
func ParsePublic(text string) (*ecdsa.PublicKey, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("public key %q: not hex", clip(text))
	}
	curve := elliptic.P256()
	if len(raw) == 33 {
		x, y := elliptic.UnmarshalCompressed(curve, raw)
		if x == nil {
			return nil, fmt.Errorf("public key %q: not a point", clip(text))
		}
		raw = append(append([]byte{4}, x.FillBytes(make([]byte, 32))...), y.FillBytes(make([]byte, 32))...)
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, raw)
	if err != nil {
		return nil, fmt.Errorf("public key %q: not a point", clip(text))
	}
	return pub, nil
}

// Compressed returns the 66 hex characters that stamps, tokens and API keys carry.
func Compressed(pub *ecdsa.PublicKey) string {
	point, err := pub.Bytes() // 4 || x || y; fails only for a key off the curve, which ParsePublic never returns
	if err != nil {
		panic("p256: " + err.Error())
	}
	return hex.EncodeToString(append([]byte{2 + point[64]&1}, point[1:33]...))
}

// Uncompressed returns the 130 hex characters that bundles and pinned keys carry.
func Uncompressed(pub *ecdsa.PublicKey) string {
	point, err := pub.Bytes()
	if err != nil {
		panic("p256: " + err.Error())
	}
	return hex.EncodeToString(point)
}

// ParsePrivate reads a private key: the 32-byte scalar in hex, as Turnkey's key files and environment hold it. The
// error never repeats the text.
func ParsePrivate(text string) (*ecdsa.PrivateKey, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 32 {
		return nil, errors.New("private key: want 64 hex characters")
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		return nil, errors.New("private key: not a scalar of the curve")
	}
	return key, nil
}

// PrivateHex returns the scalar of key in hex. It is a secret.
func PrivateHex(key *ecdsa.PrivateKey) string {
	raw, err := key.Bytes()
	if err != nil {
		panic("p256: " + err.Error())
	}
	return hex.EncodeToString(raw)
}

// Generate makes a new key.
func Generate() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("p256: " + err.Error()) // crypto/rand does not fail
	}
	return key
}

// DER and raw r||s are two spellings of one signature; integer pairs outside [1, n-1] are left to the verifier.
type signature struct{ R, S *big.Int }

// ToRaw turns a DER signature into 64 bytes r||s.
func ToRaw(der []byte) ([]byte, error) {
	var sig signature
	rest, err := asn1.Unmarshal(der, &sig)
	if err != nil || len(rest) != 0 || sig.R.Sign() <= 0 || sig.S.Sign() <= 0 || sig.R.BitLen() > 256 || sig.S.BitLen() > 256 {
		return nil, errors.New("signature: not DER")
	}
	raw := make([]byte, 64)
	sig.R.FillBytes(raw[:32])
	sig.S.FillBytes(raw[32:])
	return raw, nil
}

// ToDER turns 64 bytes r||s into DER.
func ToDER(raw []byte) ([]byte, error) {
	if len(raw) != 64 {
		return nil, fmt.Errorf("signature: want 64 bytes, got %d", len(raw))
	}
	return asn1.Marshal(signature{new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])})
}

// VerifyRaw reports whether raw is a signature r||s by pub over digest. High S is accepted.
func VerifyRaw(pub *ecdsa.PublicKey, digest, raw []byte) bool {
	der, err := ToDER(raw)
	return err == nil && ecdsa.VerifyASN1(pub, digest, der)
}

// Key is a private key held in memory. It satisfies stamp.Signer. It is safe for parallel use.
type Key struct {
	private *ecdsa.PrivateKey
	public  string
}

// NewKey wraps private.
func NewKey(private *ecdsa.PrivateKey) *Key {
	return &Key{private: private, public: Compressed(&private.PublicKey)}
}

// PublicKey returns the compressed public key in hex.
func (k *Key) PublicKey() string { return k.public }

// Sign returns a DER signature over a 32-byte digest.
func (k *Key) Sign(_ context.Context, digest []byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, k.private, digest)
}

// Private returns the key itself, for the few that must store or derive from it.
func (k *Key) Private() *ecdsa.PrivateKey { return k.private }

// String never prints the scalar.
func (k *Key) String() string { return "key " + k.public }

// Format never prints the scalar, whatever the verb.
func (k *Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

func clip(s string) string {
	if len(s) > 24 {
		return s[:24] + "…"
	}
	return s
}
