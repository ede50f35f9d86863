package session

import (
	"context"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/store"
)

// Sealer returns what seals under the profile's state key, which is made when it is not there. The keychain may be
// asked, once. Errors: those of the key store; fault.KeychainTimeout when ctx ends first.
func (m *Manager) Sealer(ctx context.Context) (*store.Sealer, error) {
	m.prepare()
	return m.sealer(ctx)
}

// ReadSealer returns what seals under a profile's state key, and makes none: for those who only look. Errors: those of
// the key store, fault.KeyMissing among them; fault.KeyCorrupt when it holds no state key under that name.
func ReadSealer(ctx context.Context, keys keystore.Reader) (*store.Sealer, error) {
	value, err := keys.Secret(ctx, stateKeyName)
	if err != nil {
		return nil, err
	}
	s, err := store.NewSealer(value)
	if err != nil {
		return nil, fault.New(fault.KeyCorrupt, err)
	}
	return s, nil
}
