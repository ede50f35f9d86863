package bundle

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/mr-tron/base58"
)

const (
	compressedSize    = 33
	checksumSize      = 4
	credentialSize    = compressedSize + scalarSize + tagSize // 81
	credentialTextMax = 120                                   // 85 bytes in base58 have 116 or 117 characters
)

// SealCredential encrypts a new API key to target as a credential bundle: base58check of the ephemeral key, compressed,
// and the sealed scalar.
func SealCredential(target *ecdh.PublicKey, key *ecdsa.PrivateKey) (string, error) {
	scalar, err := key.Bytes()
	if err != nil {
		return "", fmt.Errorf("credential bundle: %w", err)
	}
	encapped, ciphertext, err := seal(target, scalar)
	if err != nil {
		return "", fmt.Errorf("credential bundle: %w", err)
	}
	payload := append([]byte{2 + encapped[pointSize-1]&1}, encapped[1:compressedSize]...)
	payload = append(payload, ciphertext...)
	return base58.Encode(append(payload, checksum(payload)...)), nil
}

// OpenCredential decrypts a credential bundle with the target's key and returns the API key in it. No enclave signs
// such a bundle: that it opens says only that its maker knew our target. Errors: fault.BundleInvalid.
func OpenCredential(key ecdh.KeyExchanger, bundle string) (*ecdsa.PrivateKey, error) {
	credential, err := openCredential(key, bundle)
	if err != nil {
		return nil, invalid(fmt.Errorf("credential bundle: %w", err))
	}
	return credential, nil
}

func openCredential(key ecdh.KeyExchanger, bundle string) (*ecdsa.PrivateKey, error) {
	if len(bundle) > credentialTextMax {
		return nil, fmt.Errorf("%d characters, at most %d", len(bundle), credentialTextMax)
	}
	raw, err := base58.Decode(bundle)
	if err != nil {
		return nil, errors.New("not base58")
	}
	if len(raw) != credentialSize+checksumSize {
		return nil, fmt.Errorf("want %d bytes, got %d", credentialSize+checksumSize, len(raw))
	}
	payload, sum := raw[:credentialSize], raw[credentialSize:]
	if string(checksum(payload)) != string(sum) {
		return nil, errors.New("the checksum does not match")
	}
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), payload[:compressedSize])
	if x == nil {
		return nil, errors.New("the ephemeral key is not a point")
	}
	encapped := make([]byte, pointSize)
	encapped[0] = 4
	x.FillBytes(encapped[1:33])
	y.FillBytes(encapped[33:])
	scalar, err := open(key, encapped, payload[compressedSize:])
	if err != nil {
		return nil, err
	}
	defer clear(scalar)
	credential, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		return nil, errors.New("sealed well, but not a private key")
	}
	return credential, nil
}

// checksum is that of base58check: the head of the SHA-256 of the SHA-256.
func checksum(payload []byte) []byte {
	sum := sha256.Sum256(payload)
	sum = sha256.Sum256(sum[:])
	return sum[:checksumSize]
}
