package session

import (
	"context"
	"fmt"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
)

// Attempt is a log-in under way. Data is what its method needs to go on, and is sealed in the file.
type Attempt struct {
	ID        string // chosen by the method; random
	Method    string // such as "otp"
	Purpose   string // such as "login"
	PublicKey string // its pending key, "" without one
	Made      time.Time
	Expires   time.Time // when it is forgotten; zero: an hour from now
	// OrganizationID and KeyEnds are set before a log-in with PublicKey is sent: should its answer be lost and the
	// attempt be given up, the key is revoked there, for it may work until then.
	OrganizationID string
	KeyEnds        time.Time
	Data           []byte
}

// NewPendingKey makes a key for a log-in. Its name is in the file before it exists. It waits for an hour, or as long as
// the attempt that names it. Errors: those of the key store and of the file.
func (m *Manager) NewPendingKey(ctx context.Context, purpose string) (keystore.Signer, error) {
	m.prepare()
	name := ""
	signer, err := m.Keys.CreateNamed(ctx, func(publicKey string) error {
		_, err := m.update(ctx, "pending key", keyNamed{publicKey, m.Keys.Backend(), purpose})
		if err == nil {
			name = publicKey
			m.reached("make pending key")
		}
		return err
	})
	if err != nil {
		if name != "" { // it may still have been stored
			ctx, cancel := finishing(ctx)
			defer cancel()
			if _, e := m.update(ctx, "pending key unmade", keyUnmade{name}); e != nil {
				m.Log.Warn("strike out a key that could not be made", "error", e)
			}
		}
		return nil, fmt.Errorf("make a key: %w", err)
	}
	m.reached("made pending key")
	return signer, nil
}

// DropPendingKey gives up a key that no attempt names yet. Errors: those of the file.
func (m *Manager) DropPendingKey(ctx context.Context, publicKey string) error {
	m.prepare()
	if _, err := m.update(ctx, "drop pending key", keyUnmade{publicKey}); err != nil {
		return err
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	m.departKey(ctx, publicKey, false)
	return nil
}

// PutAttempt stores a, over what was stored under its id. When its key is another than before, the former leaves.
// Errors: those of the key store (the state key) and of the file; Conflict if PublicKey is not pending.
func (m *Manager) PutAttempt(ctx context.Context, a Attempt) error {
	m.prepare()
	s, err := m.sealer(ctx)
	if err != nil {
		return fmt.Errorf("seal a log-in attempt: %w", err)
	}
	record := attempt{
		ID: a.ID, Method: a.Method, Purpose: a.Purpose, PublicKey: a.PublicKey, OrganizationID: a.OrganizationID,
		Sealed: s.Seal(a.Data, m.about("attempt", a.ID, a.PublicKey)),
	}
	if !a.KeyEnds.IsZero() {
		record.KeyEnds = at(a.KeyEnds)
	}
	if !a.Expires.IsZero() {
		record.Expires = at(a.Expires)
	}
	before := m.snapshot()
	if _, err := m.update(ctx, "attempt", attemptPut{record}); err != nil {
		return err
	}
	if old := before.attempt(a.ID); old != nil && old.PublicKey != "" && old.PublicKey != a.PublicKey {
		ctx, cancel := finishing(ctx)
		defer cancel()
		m.departKey(ctx, old.PublicKey, false)
	}
	return nil
}

// GetAttempt returns the attempt called id. Errors: fault.AttemptOver if it is over, or was sealed under a state key
// that is lost; those of the key store and of the file.
func (m *Manager) GetAttempt(ctx context.Context, id string) (Attempt, error) {
	m.prepare()
	if err := m.sync(); err != nil {
		return Attempt{}, err
	}
	st := m.snapshot()
	a := st.attempt(id)
	if a == nil || a.Expires <= m.now() {
		return Attempt{}, fault.New(fault.AttemptOver, nil)
	}
	return m.unseal(ctx, *a)
}

func (m *Manager) unseal(ctx context.Context, a attempt) (Attempt, error) {
	s, err := m.sealer(ctx)
	if err != nil {
		return Attempt{}, err
	}
	data, err := s.Open(a.Sealed, m.about("attempt", a.ID, a.PublicKey))
	if err != nil {
		return Attempt{}, fault.New(fault.AttemptOver, err)
	}
	return Attempt{
		ID: a.ID, Method: a.Method, Purpose: a.Purpose, PublicKey: a.PublicKey, OrganizationID: a.OrganizationID,
		KeyEnds: a.KeyEnds.time(), Made: a.Made.time(), Expires: a.Expires.time(), Data: data,
	}, nil
}

// Attempts returns the log-ins under way, oldest first. Those that cannot be unsealed are left out. Errors: those of
// the key store, if there is anything to unseal, and of the file.
func (m *Manager) Attempts(ctx context.Context) ([]Attempt, error) {
	m.prepare()
	if err := m.sync(); err != nil {
		return nil, err
	}
	var list []Attempt
	for _, a := range m.snapshot().Attempts {
		if a.Expires <= m.now() {
			continue
		}
		switch open, err := m.unseal(ctx, a); {
		case err == nil:
			list = append(list, open)
		case fault.CodeOf(err) != fault.AttemptOver:
			return nil, err
		}
	}
	return list, nil
}

// DropAttempt ends the attempt called id: it is forgotten, and its key deleted, at once if the store can be reached.
// Errors: fault.AttemptOver if there is none; those of the file.
func (m *Manager) DropAttempt(ctx context.Context, id string) error {
	m.prepare()
	if err := m.sync(); err != nil {
		return err
	}
	before := m.snapshot()
	if _, err := m.update(ctx, "drop attempt", attemptDropped{id}); err != nil {
		return err
	}
	if a := before.attempt(id); a != nil && a.PublicKey != "" {
		ctx, cancel := finishing(ctx)
		defer cancel()
		m.departKey(ctx, a.PublicKey, false)
	}
	return nil
}
