package keystore

import (
	"context"
	"fmt"

	"latchkey/internal/p256"
)

// signer looks its key up in the store for each signature, so that a forgotten key is opened again and a deleted one
// signs nothing.
type signer struct {
	store interface {
		key(ctx context.Context, publicKey string) (*p256.Key, error)
	}
	publicKey string
}

func (s *signer) PublicKey() string { return s.publicKey }

func (s *signer) Sign(ctx context.Context, digest []byte) ([]byte, error) {
	if err := checkDigest(digest); err != nil {
		return nil, err
	}
	key, err := s.store.key(ctx, s.publicKey)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return key.Sign(ctx, digest)
}

// Format prints the public key, whatever the verb: fmt would follow the pointer to the store, and print its keys.
func (s *signer) Format(f fmt.State, _ rune) { fmt.Fprint(f, "key "+s.publicKey) }
