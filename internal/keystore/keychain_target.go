package keystore

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"strings"

	"latchkey/internal/fault"
)

// targetVersion begins a stored target key: an item that somebody moved between the name spaces opens as neither kind.
const targetVersion = version + "target:"

func (k *Keychain) targetAccount(publicKey string) string { return k.prefix + "target/" + publicKey }

// CreateTarget makes a target key, tells its name, and stores it. When ctx ends first and the keychain then stores it
// after all, it is deleted again.
func (k *Keychain) CreateTarget(ctx context.Context, name func(publicKey string) error) (Decapsulator, error) {
	key, err := k.create(ctx, name, k.targetAccount(""), targetVersion)
	if err != nil {
		return nil, fmt.Errorf("create target key: %w", err)
	}
	return &target{k, key.PublicKey()}, nil
}

// OpenTarget returns the target key stored under publicKey.
func (k *Keychain) OpenTarget(ctx context.Context, publicKey string) (Decapsulator, error) {
	if _, err := k.target(ctx, publicKey); err != nil {
		return nil, fmt.Errorf("open target key: %w", err)
	}
	return &target{k, publicKey}, nil
}

func (k *Keychain) target(ctx context.Context, publicKey string) (*ecdsa.PrivateKey, error) {
	if err := checkPublicKey(publicKey); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	stored, err := k.get(ctx, k.targetAccount(publicKey))
	if err != nil {
		return nil, err
	}
	scalar, ok := strings.CutPrefix(stored, targetVersion)
	if !ok {
		return nil, fault.New(fault.KeyCorrupt, errors.New("the keychain holds something else under this name"))
	}
	return parseTarget(scalar, publicKey)
}

// DeleteTarget removes a target key from the keychain.
func (k *Keychain) DeleteTarget(ctx context.Context, publicKey string) error {
	err := checkPublicKey(publicKey)
	if err == nil {
		err = k.remove(ctx, k.targetAccount(publicKey))
	}
	if err != nil {
		return fmt.Errorf("delete target key: %w", err)
	}
	return nil
}

// ListTargets looks through the keychain's names, in turn.
func (k *Keychain) ListTargets(ctx context.Context) ([]string, error) {
	return k.list(ctx, k.targetAccount(""))
}
