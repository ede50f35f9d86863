package session

import (
	"context"
	"errors"

	"latchkey/internal/keystore"
)

// Move refreshes the session called id with a next key that is made in to, one of the Manager's stores, and returns what
// it became. The key of before is not copied: it works for a minute more, and is then revoked, and deleted in its own
// store. Where the session's key is in to already, nothing happens. A move whose answer was lost may come to its end with
// the next refresh, as any refresh; one that cannot, because to is locked or gone, is given up by it. Errors: those of
// [Manager.RefreshNow]; those of to.
func (m *Manager) Move(ctx context.Context, id string, to keystore.Store) (Session, error) {
	m.prepare()
	if m.keysIn(to.Backend()) != to { // its keys could not be found again
		return Session{}, errors.New("session: a move to a store of somebody else")
	}
	if err := m.sync(); err != nil {
		return Session{}, err
	}
	st := m.snapshot()
	if _, err := st.live(id); err != nil {
		return Session{}, err
	}
	if err := m.refresh(ctx, id, wish{to: to}); err != nil {
		return Session{}, err
	}
	return m.Get(id)
}
