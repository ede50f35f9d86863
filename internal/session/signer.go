package session

import (
	"context"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
)

// syncEvery is how long a stamp relies on what was read before. It is far below the time for which a replaced key works.
const syncEvery = 2 * time.Second

// Signer returns the key of the session called id, or of the active one when id is "". It is to be asked for at each
// stamp: the key changes with each refresh. The clock is looked at here and again when it signs, so an expired key never
// signs. The keychain may be asked. Errors: fault.SessionNone, fault.SessionExpired, fault.SessionRejected, and those of
// the key store.
func (m *Manager) Signer(ctx context.Context, id string) (keystore.Signer, error) {
	m.prepare()
	now := m.now()
	m.mu.Lock()
	stale := now.sub(m.synced).Abs() > syncEvery
	m.mu.Unlock()
	if stale {
		if err := m.sync(); err != nil {
			m.Log.Warn("look at the state file", "error", err) // what we know still holds
		}
	}
	signer, seen, err := m.signer(ctx, id, now)
	if fault.CodeOf(err) == fault.KeyMissing && m.sync() == nil { // replaced twice since we looked, by others
		st := m.snapshot()
		if r := st.session(seen.ID); r != nil && r.Key.PublicKey != seen.Key.PublicKey {
			signer, _, err = m.signer(ctx, id, now)
		}
	}
	if err != nil {
		return nil, err
	}
	return &guarded{m, seen.ID, signer}, nil
}

// signer opens the key of the session called id as this process believes it to be, and returns that too.
func (m *Manager) signer(ctx context.Context, id string, now instant) (keystore.Signer, record, error) {
	s := m.snapshot()
	if id == "" {
		id = s.Active
	}
	r, err := s.live(id)
	if err != nil {
		return nil, record{}, err
	}
	if r.standing(now) != good {
		m.nudge()
		return nil, *r, fault.New(fault.SessionExpired, nil)
	}
	signer, err := m.openKey(ctx, r.Key)
	return signer, *r, err
}

// guarded signs as long as the session may use the key.
type guarded struct {
	m       *Manager
	session string
	keystore.Signer
}

func (g *guarded) Sign(ctx context.Context, digest []byte) ([]byte, error) {
	if err := g.m.usable(g.session, g.PublicKey()); err != nil {
		return nil, err
	}
	return g.Signer.Sign(ctx, digest)
}

// usable reports whether the session called id may sign with publicKey now: its key, or one that is retiring.
func (m *Manager) usable(id, publicKey string) error {
	s, now := m.snapshot(), m.now()
	r, err := s.live(id)
	if err != nil {
		return err
	}
	if r.Key.PublicKey == publicKey && now < r.Key.Expires {
		return nil
	}
	for _, k := range r.Retiring {
		if k.PublicKey == publicKey && now < k.Expires {
			return nil
		}
	}
	return fault.New(fault.SessionExpired, nil)
}
