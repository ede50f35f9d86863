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
	keys := []key{r.Key}
	for _, k := range r.Retiring {
		keys = append(keys, k.key)
	}
	if r.Next != nil {
		keys = append(keys, *r.Next)
	}
	ctx = context.WithoutCancel(ctx)
	for _, k := range keys {
		if !m.reaches(k) {
			return refusal
		}
		m.revokeItself(ctx, leavingKey{key: k, Session: id, OrganizationID: r.OrganizationID, UserID: r.UserID})
		if err := m.deleteKey(ctx, k); err != nil {
			m.Log.Warn("delete a key", "key", k.PublicKey, "error", err)
			return refusal
		}
	}
	return fault.New(fault.LogOutUnwritten, refusal)
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
