// Package bundle seals and opens what travels encrypted between a device and Turnkey's enclaves: one-time codes,
// credentials, and exported and imported keys.
//
// It owns the envelopes (HPKE, RFC 9180, with Turnkey's parameters) and the check that a target to encrypt to was
// signed by the enclave it claims. It does not own which enclave keys are trusted (profile and sandbox hand them in)
// or what is inside. It depends on fault, p256, base58 and the standard library.
//
// Every failure to open, for whatever reason, is fault.BundleInvalid, save one: what the key's own store says (locked,
// gone, too slow) keeps its code, for the bundle may be good. No error holds a secret.
package bundle

import (
	"crypto/ecdh"
	"crypto/hpke"
	"errors"

	"latchkey/internal/fault"
)

const (
	pointSize  = 65 // uncompressed
	scalarSize = 32
	tagSize    = 16 // of AES-GCM
)

// info separates these envelopes from others of the same keys (RFC 9180, section 5.1).
var info = []byte("turnkey_hpke")

// seal encrypts plaintext to target with a fresh ephemeral key, whose public half it returns uncompressed. The
// additional data are both public keys, uncompressed.
func seal(target *ecdh.PublicKey, plaintext []byte) (encapped, ciphertext []byte, err error) {
	if target.Curve() != ecdh.P256() {
		return nil, nil, errors.New("the target is not on P-256")
	}
	public, err := hpke.NewDHKEMPublicKey(target)
	if err != nil {
		return nil, nil, err
	}
	encapped, sender, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.AES256GCM(), info)
	if err != nil {
		return nil, nil, err
	}
	ciphertext, err = sender.Seal(additional(encapped, target), plaintext)
	return encapped, ciphertext, err
}

// open undoes seal. encapped comes from outside: any length, any bytes. It is a point of P-256 or of no curve, so a key of
// another curve opens nothing.
func open(key ecdh.KeyExchanger, encapped, ciphertext []byte) ([]byte, error) {
	if len(encapped) != pointSize || len(ciphertext) < tagSize {
		return nil, errors.New("too short, or the ephemeral key is not uncompressed")
	}
	private, err := hpke.NewDHKEMPrivateKey(key)
	if err != nil {
		return nil, err
	}
	recipient, err := hpke.NewRecipient(encapped, private, hpke.HKDFSHA256(), hpke.AES256GCM(), info)
	if err != nil {
		return nil, err
	}
	return recipient.Open(additional(encapped, key.PublicKey()), ciphertext)
}

func additional(encapped []byte, target *ecdh.PublicKey) []byte {
	both := make([]byte, 0, 2*pointSize)
	both = append(both, encapped...)
	return append(both, target.Bytes()...)
}

func invalid(err error) error {
	if fault.CodeOf(err) != fault.Internal { // of the key's store
		return err
	}
	return fault.New(fault.BundleInvalid, err)
}
