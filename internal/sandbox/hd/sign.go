package hd

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/hex"
	"math/big"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	secp256k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"latchkey/internal/p256"
)

// SignDigest signs 32 bytes with ECDSA, or the message itself, whatever its length, with ed25519. The results are lower
// hex: r and s of 64 characters, v of two, which is the recovery id with ECDSA and 00 with ed25519. ECDSA is low-S
// with nonces by RFC 6979, so that the same digest always gets the same signature.
func SignDigest(k Key, digest []byte) (r, s, v string, err error) {
	if _, err := checkPrivate(k.Curve, k.Private); err != nil {
		return "", "", "", err
	}
	if k.Curve == Ed25519 {
		sig := ed25519.Sign(ed25519.NewKeyFromSeed(k.Private), digest)
		return spell(sig[:32], sig[32:], 0)
	}
	if len(digest) != 32 {
		return "", "", "", errDigest()
	}
	if k.Curve == P256 {
		return signP256(k.Private, digest)
	}
	sig := secp256k1ecdsa.SignCompact(secp256k1.PrivKeyFromBytes(k.Private), digest, false)
	return spell(sig[1:33], sig[33:], sig[0]-27)
}

func errDigest() error { return invalid("expected a 32-bytes-long digest") }

func spell(r, s []byte, v byte) (string, string, string, error) {
	return hex.EncodeToString(r), hex.EncodeToString(s), hex.EncodeToString([]byte{v}), nil
}

// signP256 adds what the standard library leaves out: low S and the recovery id. The nonce's point, whose parity the
// id tells, is found by working the nonce out again from the key.
func signP256(private, digest []byte) (string, string, string, error) {
	der, err := p256Key(private).Sign(nil, digest, crypto.SHA256) // no randomness: RFC 6979
	if err != nil {
		return "", "", "", err
	}
	raw, err := p256.ToRaw(der)
	if err != nil {
		return "", "", "", err
	}
	n := elliptic.P256().Params().N
	r, s := new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])
	nonce := new(big.Int).SetBytes(private)
	nonce.Mul(nonce, r).Add(nonce, new(big.Int).SetBytes(digest))
	nonce.Mul(nonce, new(big.Int).ModInverse(s, n)).Mod(nonce, n)
	point, err := p256Key(nonce.FillBytes(make([]byte, 32))).PublicKey.Bytes() // 4 || x || y
	if err != nil {
		return "", "", "", err
	}
	v := point[64] & 1
	if new(big.Int).SetBytes(point[1:33]).Cmp(n) >= 0 { // r is x less the order
		v |= 2
	}
	if twice := new(big.Int).Lsh(s, 1); twice.Cmp(n) > 0 {
		s.Sub(n, s)
		v ^= 1
	}
	return spell(raw[:32], s.FillBytes(make([]byte, 32)), v)
}
