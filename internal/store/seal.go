package store

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"

	"latchkey/internal/fault"
)

// KeySize is the size of a sealing key in bytes.
const KeySize = 32

// sealVersion begins every sealed value: AES-256-GCM, random 96-bit nonce in front.
const sealVersion = 1

// Sealer encrypts parts of the state under a key that is kept elsewhere, by AES-256-GCM. The context (what the value
// is and whose) is not stored but must be the same again, so that a sealed value cannot be moved to another place.
// It is safe for parallel use.
type Sealer struct{ aead cipher.AEAD }

// NewSealer returns a Sealer for a key of [KeySize] bytes; another size is of kind Invalid.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("sealing key of %d bytes: %w", len(key), fault.Invalid)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Sealer{aead}, nil
}

// Seal encrypts plain. The result is 29 bytes longer and different each time.
func (s *Sealer) Seal(plain, context []byte) []byte {
	return s.aead.Seal([]byte{sealVersion}, nil, plain, context)
}

// Open decrypts what Seal returned for the same context under the same key; anything else is fault.StateCorrupt.
func (s *Sealer) Open(sealed, context []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != sealVersion {
		return nil, fault.New(fault.StateCorrupt, errors.New("not a sealed value"))
	}
	plain, err := s.aead.Open(nil, nil, sealed[1:], context)
	if err != nil {
		return nil, fault.New(fault.StateCorrupt, errors.New("sealed under another key, for another context, or changed since"))
	}
	return plain, nil
}
