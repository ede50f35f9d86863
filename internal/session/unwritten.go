package session

import (
	"context"
	"errors"
	"slices"

	"latchkey/internal/fault"
)

// diskTroubles are the codes of a disk that takes no write.
var diskTroubles = []fault.Code{fault.DiskFull, fault.DiskReadOnly, fault.DiskFailed}

// logOutUnwritten does of the log-out of the session called id what needs no disk, when the disk refuses the note of it:
// its keys are revoked and deleted, so that nothing is stamped with them any more, whatever the file still says. Who
// reads there of the session next finds its key gone, and ends it. The cause of refusal is returned: around it
// fault.LogOutUnwritten when the keys are gone.
func (m *Manager) logOutUnwritten(ctx context.Context, id string, refusal error) error {
	if !slices.Contains(diskTroubles, fault.CodeOf(refusal)) {
		return refusal
	}
	st := m.snapshot()
	r, err := st.live(id)
	if err != nil {
		return refusal
	}
	m.mu.Lock()
	f := m.flights[id]
	m.mu.Unlock()
	if f != nil {
		f.cancel()
	}
	ctx = context.WithoutCancel(ctx)
	// The session's own key goes last: by it the others are revoked that lie where nobody gets at them now. A next key that
	// the service may know would else bring the session back.
	settled := true
	for _, k := range r.Retiring {
		settled = m.endUnwritten(ctx, r, k.key, false) && settled
	}
	if r.Next != nil {
		settled = m.endUnwritten(ctx, r, *r.Next, true) && settled
	}
	m.revokeItself(ctx, leavingKey{key: r.Key, Session: id, OrganizationID: r.OrganizationID, UserID: r.UserID})
	if !m.deletedUnwritten(ctx, r.Key) || !settled {
		return refusal
	}
	return fault.New(fault.LogOutUnwritten, refusal)
}

// endUnwritten revokes and deletes k, another key of the session r, and reports whether nothing can be stamped with it any
// more: it is gone from here, or the service has surely forgotten it. A key is unsure whose registration may still be on
// its way to the service.
func (m *Manager) endUnwritten(ctx context.Context, r *record, k key, unsure bool) bool {
	if m.reaches(k) {
		m.revokeItself(ctx, leavingKey{key: k, Session: r.ID, OrganizationID: r.OrganizationID, UserID: r.UserID, Unsure: unsure})
		if m.deletedUnwritten(ctx, k) {
			return true
		}
	}
	if m.Revoke == nil {
		return false
	}
	own, err := m.unlock(ctx, r.Key)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, revokePatience)
	defer cancel()
	err = m.Revoke(ctx, m.view(*r, ""), own, k.PublicKey)
	return err == nil || !unsure && errors.Is(err, fault.NotFound)
}

// deletedUnwritten deletes k here, and reports whether it is gone.
func (m *Manager) deletedUnwritten(ctx context.Context, k key) bool {
	if !m.reaches(k) {
		m.Log.Warn("delete a key", "key", k.PublicKey, "error", "its store is not open here")
		return false
	}
	if err := m.deleteKey(ctx, k); err != nil {
		m.Log.Warn("delete a key", "key", k.PublicKey, "error", err)
		return false
	}
	return true
}

// logOutAllUnwritten is logOutUnwritten for every live session; one whose key could not be deleted leaves the refusal as
// it is.
func (m *Manager) logOutAllUnwritten(ctx context.Context, refusal error) error {
	live, gone := 0, 0
	for _, r := range m.snapshot().Sessions {
		if r.Ended != nil {
			continue
		}
		live++
		if fault.CodeOf(m.logOutUnwritten(ctx, r.ID, refusal)) == fault.LogOutUnwritten {
			gone++
		}
	}
	if live == 0 || gone < live {
		return refusal
	}
	return fault.New(fault.LogOutUnwritten, refusal)
}

// deleteKey deletes k from its store; that it is not there is no trouble.
func (m *Manager) deleteKey(ctx context.Context, k key) error {
	ctx, cancel := finishing(ctx)
	defer cancel()
	if err := m.keysIn(k.Backend).Delete(ctx, k.PublicKey); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	return nil
}
