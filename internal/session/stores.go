package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
)

// stores returns every key store of this Manager, the one where keys of log-ins are made first.
func (m *Manager) stores() []keystore.Store { return append([]keystore.Store{m.Keys}, m.Others...) }

// keysIn returns the store called backend, or nil.
func (m *Manager) keysIn(backend string) keystore.Store {
	for _, keys := range m.stores() {
		if keys.Backend() == backend {
			return keys
		}
	}
	return nil
}

// reaches reports whether k's private half can be where this process may look. What is in memory is in the memory of
// one process, and no other can do anything with it.
func (m *Manager) reaches(k key) bool {
	keys := m.keysIn(k.Backend)
	if keys == nil || k.Backend != inMemory || m.alone.Load() {
		return keys != nil
	}
	_, err := keys.Open(context.Background(), k.PublicKey) // which asks nobody
	return err == nil
}

// openKey opens k in the store that its record names, and in no other.
func (m *Manager) openKey(ctx context.Context, k key) (keystore.Signer, error) {
	keys := m.keysIn(k.Backend)
	if keys == nil {
		return nil, elsewhere(k)
	}
	return keys.Open(ctx, k.PublicKey)
}

func elsewhere(k key) error {
	return fault.New(fault.KeyMissing, fmt.Errorf("the key is out of reach, in another process or store: %q", k.Backend))
}

// prompter is what a store implements whose next use may ask a person although its Health does not say Locked: one that
// can ask for its passphrase, and has not yet.
type prompter interface {
	// Prompts reports whether the next use asks a person.
	Prompts() bool
}

// Quiet returns nil when the store called backend can be used without a prompt that nobody asked for, and else why not.
// Whoever opened the Manager has chosen Keys, and answers for its passphrase; no other store asks for one in passing.
func (m *Manager) Quiet(ctx context.Context, backend string) error {
	keys := m.keysIn(backend)
	if keys == nil {
		return fault.New(fault.KeyMissing, fmt.Errorf("no key store %q", backend))
	}
	if p, ok := keys.(prompter); ok && backend != m.Keys.Backend() && p.Prompts() {
		return fault.New(fault.PassphraseNeeded, errors.New("nobody is asked in passing"))
	}
	h := keys.Health(ctx)
	switch {
	case h.State != keystore.Locked && h.State != keystore.Absent:
		return nil
	case h.Err != nil:
		return h.Err
	}
	return fault.New(fault.KeychainLocked, nil)
}

// backendOf names the store that t needs.
func (m *Manager) backendOf(t task) string {
	st := m.snapshot()
	if t.kind == taskDepart {
		i := slices.IndexFunc(st.Leaving, func(k leavingKey) bool { return k.PublicKey == t.publicKey })
		if i >= 0 && m.reaches(st.Leaving[i].key) {
			return st.Leaving[i].Backend
		}
	} else if r := st.session(t.session); r != nil {
		return r.Key.Backend
	}
	return m.Keys.Backend() // there is nothing to open
}
