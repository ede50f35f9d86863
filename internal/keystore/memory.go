package keystore

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"slices"
	"sync"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// Memory is a store that ends with the process. Nothing of it is ever on disk. Forget keeps its keys: there is
// nowhere to open them from again.
type Memory struct {
	mu      sync.Mutex
	keys    map[string]*p256.Key
	targets map[string]*ecdsa.PrivateKey
	secrets map[string][]byte
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{keys: map[string]*p256.Key{}, targets: map[string]*ecdsa.PrivateKey{}, secrets: map[string][]byte{}}
}

// Backend returns "memory".
func (m *Memory) Backend() string { return "memory" }

// Health returns InMemory, always.
func (m *Memory) Health(context.Context) Health {
	return Health{State: InMemory, Name: "Memory, until you quit"}
}

// Forget does nothing.
func (m *Memory) Forget() {}

// Create makes a key.
func (m *Memory) Create(ctx context.Context) (Signer, error) {
	return m.CreateNamed(ctx, func(string) error { return nil })
}

// CreateNamed makes a key after name agreed.
func (m *Memory) CreateNamed(ctx context.Context, name func(publicKey string) error) (Signer, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("create key: %w", ended(ctx))
	}
	key := p256.NewKey(p256.Generate())
	if err := name(key.PublicKey()); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys[key.PublicKey()] = key
	return &signer{m, key.PublicKey()}, nil
}

// Open returns the key stored under publicKey.
func (m *Memory) Open(ctx context.Context, publicKey string) (Signer, error) {
	if _, err := m.key(ctx, publicKey); err != nil {
		return nil, fmt.Errorf("open key: %w", err)
	}
	return &signer{m, publicKey}, nil
}

func (m *Memory) key(ctx context.Context, publicKey string) (*p256.Key, error) {
	if err := checkPublicKey(publicKey); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key, ok := m.keys[publicKey]
	if !ok {
		return nil, fmt.Errorf("key %q: %w", publicKey, fault.New(fault.KeyMissing, nil))
	}
	return key, nil
}

// Delete removes a key.
func (m *Memory) Delete(ctx context.Context, publicKey string) error {
	if _, err := m.key(ctx, publicKey); err != nil {
		return fmt.Errorf("delete key: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.keys, publicKey)
	return nil
}

// Secret returns the secret stored under name.
func (m *Memory) Secret(ctx context.Context, name string) ([]byte, error) {
	if err := check(ctx, name); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.secrets[name]
	if !ok {
		return nil, fmt.Errorf("secret %q: %w", name, fault.New(fault.KeyMissing, nil))
	}
	return slices.Clone(value), nil
}

// PutSecret stores value under name.
func (m *Memory) PutSecret(ctx context.Context, name string, value []byte) error {
	if err := check(ctx, name); err != nil {
		return err
	}
	if err := checkSize(name, value); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.secrets[name] = append([]byte{}, value...)
	return nil
}

// DeleteSecret removes a secret.
func (m *Memory) DeleteSecret(ctx context.Context, name string) error {
	if err := check(ctx, name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.secrets[name]; !ok {
		return fmt.Errorf("delete secret %q: %w", name, fault.New(fault.KeyMissing, nil))
	}
	delete(m.secrets, name)
	return nil
}

func check(ctx context.Context, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("secret %q: %w", name, ended(ctx))
	}
	return nil
}

func checkSize(name string, value []byte) error {
	if len(value) > MaxSecret {
		return fmt.Errorf("secret %q: %w", name, fault.New(fault.KeychainTooLarge, fmt.Errorf("%d bytes", len(value))))
	}
	return nil
}

// Format prints what the store is, whatever the verb, and nothing that it holds.
func (m *Memory) Format(f fmt.State, _ rune) { fmt.Fprint(f, "memory") }
