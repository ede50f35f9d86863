package keystore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Lister is a store that can say which keys it holds. Every [Store] of this package is one; whether the system lets it
// look is the error's to tell. Those who keep a Store ask by assertion: what wraps one need not be a Lister.
type Lister interface {
	// List returns the public keys that Open would find, sorted. No keychain is unlocked for it and nobody is asked:
	// one that hides its names while it is locked is fault.KeychainLocked, one that cannot be searched at all is
	// fault.KeychainUnlisted (macOS: go-keyring v0.2.8 has no search). A passphrase file hides its names too, and is
	// opened as for every other read, which may ask. Further errors are those of [Reader].
	List(ctx context.Context) ([]string, error)
}

var (
	_ Lister = (*Keychain)(nil)
	_ Lister = (*TPM)(nil)
	_ Lister = (*PassphraseFile)(nil)
	_ Lister = (*Memory)(nil)
)

// List looks through the keychain's names, in turn.
func (k *Keychain) List(ctx context.Context) ([]string, error) {
	return k.list(ctx, k.keyAccount(""))
}

func (k *Keychain) list(ctx context.Context, prefix string) ([]string, error) {
	if k.bad != nil {
		return nil, k.bad
	}
	var accounts []string
	err := k.worker.do(ctx, func(ctx context.Context) (err error) {
		accounts, err = k.system.list(ctx, prefix)
		return err
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return publicKeys(slices.Values(accounts), prefix), nil
}

// List looks through the names of the files. It does not need the TPM: a key of another TPM is listed too.
func (t *TPM) List(ctx context.Context) ([]string, error) {
	return t.list(ctx, keyBlobName(""))
}

func (t *TPM) list(ctx context.Context, prefix string) ([]string, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("list keys: %w", ended(ctx))
	}
	names, err := t.dir.Names()
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return publicKeys(slices.Values(names), prefix), nil
}

// List opens the file.
func (p *PassphraseFile) List(ctx context.Context) ([]string, error) {
	return p.list(ctx, keysOf)
}

func (p *PassphraseFile) list(ctx context.Context, kind func(*contents) map[string]string) ([]string, error) {
	c, err := p.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return publicKeys(maps.Keys(kind(c)), ""), nil
}

// List returns what is in memory.
func (m *Memory) List(ctx context.Context) ([]string, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("list keys: %w", ended(ctx))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return publicKeys(maps.Keys(m.keys), ""), nil
}

// publicKeys returns the keys among names that begin with prefix, sorted, each once. What else lies under the prefix is
// not ours: Open would not look at it either.
func publicKeys(names func(yield func(string) bool), prefix string) []string {
	keys := []string{}
	for name := range names {
		if key, ok := strings.CutPrefix(name, prefix); ok && checkPublicKey(key) == nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
