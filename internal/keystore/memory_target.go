package keystore

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"maps"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// CreateTarget makes a target key after name agreed.
func (m *Memory) CreateTarget(ctx context.Context, name func(publicKey string) error) (Decapsulator, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("create target key: %w", ended(ctx))
	}
	key := p256.NewKey(p256.Generate())
	if err := name(key.PublicKey()); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.targets[key.PublicKey()] = key.Private()
	return &target{m, key.PublicKey()}, nil
}

// OpenTarget returns the target key stored under publicKey.
func (m *Memory) OpenTarget(ctx context.Context, publicKey string) (Decapsulator, error) {
	if _, err := m.target(ctx, publicKey); err != nil {
		return nil, fmt.Errorf("open target key: %w", err)
	}
	return &target{m, publicKey}, nil
}

func (m *Memory) target(ctx context.Context, publicKey string) (*ecdsa.PrivateKey, error) {
	if err := checkPublicKey(publicKey); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key, ok := m.targets[publicKey]
	if !ok {
		return nil, fmt.Errorf("target key %q: %w", publicKey, fault.New(fault.KeyMissing, nil))
	}
	return key, nil
}

// DeleteTarget removes a target key.
func (m *Memory) DeleteTarget(ctx context.Context, publicKey string) error {
	if _, err := m.target(ctx, publicKey); err != nil {
		return fmt.Errorf("delete target key: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.targets, publicKey)
	return nil
}

// ListTargets returns what is in memory.
func (m *Memory) ListTargets(ctx context.Context) ([]string, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("list keys: %w", ended(ctx))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return publicKeys(maps.Keys(m.targets), ""), nil
}
