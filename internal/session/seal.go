package session

import (
	"context"
	"crypto/rand"
	"errors"
	"sync/atomic"

	"latchkey/internal/fault"
	"latchkey/internal/store"
)

const (
	stateKeyName = "state-key" // of the secret
	stateKeyLock = "state-key.lock"
)

// sealing is the state key, once it was read. Reading it may wait for a person, so whoever comes meanwhile waits for a
// turn no longer than its own context allows.
type sealing struct {
	turn   chan struct{} // one at a time; made by prepare
	sealer atomic.Pointer[store.Sealer]
}

// sealer returns what seals tokens and attempts. Its key lies in the key store and is made when it is first needed,
// under a lock of its own, so that two processes do not make two. The keychain may be asked.
func (m *Manager) sealer(ctx context.Context) (*store.Sealer, error) {
	s := &m.seal
	if sealer := s.sealer.Load(); sealer != nil {
		return sealer, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, fault.New(fault.KeychainTimeout, ctx.Err())
	}
	if sealer := s.sealer.Load(); sealer != nil {
		return sealer, nil
	}
	value, err := m.Keys.Secret(ctx, stateKeyName)
	if lost(err, value) {
		value, err = m.makeStateKey(ctx)
	}
	if err != nil {
		return nil, err
	}
	sealer, err := store.NewSealer(value)
	if err != nil {
		return nil, err
	}
	s.sealer.Store(sealer)
	return sealer, nil
}

// lost reports whether there is no state key that could be used. What was sealed under a lost one is lost too, and
// that ends nothing.
func lost(err error, value []byte) bool {
	code := fault.CodeOf(err)
	return err != nil && (code == fault.KeyMissing || code == fault.KeyCorrupt) || err == nil && len(value) != store.KeySize
}

func (m *Manager) makeStateKey(ctx context.Context) ([]byte, error) {
	unlock, err := m.Dir.Lock(ctx, stateKeyLock)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if value, err := m.Keys.Secret(ctx, stateKeyName); !lost(err, value) {
		return value, err // another process was faster
	}
	value := make([]byte, store.KeySize)
	rand.Read(value) // never fails
	if err := m.Keys.PutSecret(ctx, stateKeyName, value); err != nil {
		return nil, err
	}
	return value, nil
}

// sealToken seals a token for the file, or returns nil when that cannot be done: a session lives without its token.
func (m *Manager) sealToken(ctx context.Context, id, publicKey, jwt string) []byte {
	s, err := m.sealer(ctx)
	if err != nil {
		m.Log.Warn("seal a session token", "session", id, "error", err)
		return nil
	}
	return s.Seal([]byte(jwt), m.about("token", id, publicKey))
}

// about is the context of a sealed value: it opens nowhere else.
func (m *Manager) about(what, id, more string) []byte {
	return []byte("latchkey " + what + "\n" + m.Profile + "\n" + id + "\n" + more)
}

// Token returns the session's token: a bearer token for one's own backend, and nothing to Turnkey. It is a secret. A
// session may be without one until its next refresh. Errors: fault.SessionNone, fault.SessionExpired,
// fault.SessionRejected; NotFound when there is no token; those of the key store.
func (m *Manager) Token(ctx context.Context, id string) (string, error) {
	m.prepare()
	st := m.snapshot()
	r, err := st.live(id)
	if err != nil {
		return "", err
	}
	if r.standing(m.now()) != good {
		return "", fault.New(fault.SessionExpired, nil)
	}
	none := &fault.Error{Kind: fault.NotFound, Code: fault.SessionNone, Err: errors.New("the session has no token until its next refresh")}
	if r.Token == nil {
		return "", none
	}
	s, err := m.sealer(ctx)
	if err != nil {
		return "", err
	}
	jwt, err := s.Open(r.Token, m.about("token", id, r.Key.PublicKey))
	if err != nil {
		return "", none
	}
	return string(jwt), nil
}
