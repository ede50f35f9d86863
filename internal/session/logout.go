package session

import (
	"context"
	"slices"
	"time"
)

// LogOutResult says what became of the session's key.
type LogOutResult struct {
	Revoked bool      // the service has forgotten it
	Deleted bool      // it is gone here; false only while the key store cannot be reached, which is tried again
	EndsAt  time.Time // when it ends by itself if it was not revoked
}

// LogOut ends the session called id, "" for the active one. From the first moment nothing is stamped with it any more,
// and its token is gone. Its keys are deleted at the service, each by itself, for which it has three seconds, and then
// here. What could not be revoked stays on a list that any later session of the same user works off. The end of one
// session touches no other. Errors: fault.SessionNone, fault.SessionExpired, fault.SessionRejected when it is over
// already; those of the file, and then nothing has changed.
func (m *Manager) LogOut(ctx context.Context, id string) (LogOutResult, error) {
	m.prepare()
	if id == "" {
		id = m.snapshot().Active
	}
	st, err := m.update(ctx, "log-out", loggedOut{id})
	if err != nil {
		return LogOutResult{}, err
	}
	// A refresh under way here is called off, and sees to its key itself.
	m.mu.Lock()
	f := m.flights[id]
	m.mu.Unlock()
	if f != nil {
		f.cancel()
	}
	r := st.session(id)
	result := LogOutResult{Deleted: true, EndsAt: r.Ended.EndsAt.time()}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokePatience)
	defer cancel()
	// The session's own key goes first: it is the one that could still be used.
	leaving := slices.DeleteFunc(slices.Clone(st.Leaving), func(k leavingKey) bool { return k.Session != id })
	for _, k := range leaving {
		gone, revoked := m.departKey(ctx, k.PublicKey, false)
		result.Deleted = result.Deleted && gone
		if k.PublicKey == r.Key.PublicKey {
			result.Revoked = revoked
		}
	}
	last := m.snapshot()
	if r := last.session(id); r != nil && r.Ended != nil && r.Ended.Revoked { // by Run, or another process
		result.Revoked = true
	}
	m.Log.Info("logged out", "session", id, "revoked", result.Revoked)
	m.nudge()
	return result, nil
}
