package keystore

import (
	"context"
	"crypto/ecdsa"
	"fmt"

	"latchkey/internal/fault"
)

// CreateTarget makes a target key, tells its name, and stores it. When ctx ends first and the key is stored after all,
// it is deleted again.
func (p *PassphraseFile) CreateTarget(ctx context.Context, name func(publicKey string) error) (Decapsulator, error) {
	key, err := p.create(ctx, name, targetsOf)
	if err != nil {
		return nil, fmt.Errorf("create target key: %w", err)
	}
	return &target{p, key.PublicKey()}, nil
}

// OpenTarget returns the target key stored under publicKey.
func (p *PassphraseFile) OpenTarget(ctx context.Context, publicKey string) (Decapsulator, error) {
	if _, err := p.target(ctx, publicKey); err != nil {
		return nil, fmt.Errorf("open target key: %w", err)
	}
	return &target{p, publicKey}, nil
}

func (p *PassphraseFile) target(ctx context.Context, publicKey string) (*ecdsa.PrivateKey, error) {
	if err := checkPublicKey(publicKey); err != nil {
		return nil, err
	}
	c, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	scalar, ok := c.Targets[publicKey]
	if !ok {
		return nil, fault.New(fault.KeyMissing, nil)
	}
	return parseTarget(scalar, publicKey)
}

// DeleteTarget removes a target key from the file.
func (p *PassphraseFile) DeleteTarget(ctx context.Context, publicKey string) error {
	err := checkPublicKey(publicKey)
	if err == nil {
		err = p.worker.do(ctx, func(ctx context.Context) error {
			return p.file.remove(ctx, func(c *contents) error { return drop(c.Targets, publicKey) })
		}, nil)
	}
	if err != nil {
		return fmt.Errorf("delete target key: %w", err)
	}
	return nil
}

// ListTargets opens the file.
func (p *PassphraseFile) ListTargets(ctx context.Context) ([]string, error) {
	return p.list(ctx, targetsOf)
}
