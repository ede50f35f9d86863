package session

import (
	"context"
	"slices"
	"sync"
	"time"

	"latchkey/internal/fault"
)

// LogOutResult says what became of the session's key.
type LogOutResult struct {
	SessionID string
	Label     string
	Revoked   bool      // the service has forgotten it
	Deleted   bool      // it is gone here; false only while the key store cannot be reached, which is tried again
	EndsAt    time.Time // when it ends by itself if it was not revoked
}

// LogOut ends the session called id, "" for the active one. From the first moment nothing is stamped with it any more,
// and its token is gone. Its keys are deleted at the service, each by itself, for which it has three seconds (and a
// person who is asked by the key store a minute before that), and then here. What could not be revoked stays on a list
// that any later session of the same user works off. The end of one session touches no other. Errors: fault.SessionNone,
// fault.SessionExpired, fault.SessionRejected when it is over already; fault.LogOutUnwritten when the keys are gone, but
// the disk took no note of it; those of the file besides, and then nothing has changed.
func (m *Manager) LogOut(ctx context.Context, id string) (LogOutResult, error) {
	m.prepare()
	if id == "" {
		id = m.snapshot().Active
	}
	st, err := m.update(ctx, "log-out", loggedOut{id})
	if err != nil {
		return LogOutResult{}, m.logOutUnwritten(ctx, id, err)
	}
	return m.leave(ctx, st, id), nil
}

// LogOutAll ends every live session, in one write, and then does for each what [Manager.LogOut] does. Errors:
// fault.SessionNone when there is none; fault.LogOutUnwritten when all keys are gone, but the disk took no note of it;
// those of the file besides.
func (m *Manager) LogOutAll(ctx context.Context) ([]LogOutResult, error) {
	results, err := m.logOutMany(ctx, allLoggedOut{})
	if err != nil {
		return nil, m.logOutAllUnwritten(ctx, err)
	}
	return results, nil
}

// LogOutEverywhere ends the session called id, "" for the active one, and every other session of its user, on this
// machine and on every other: the service forgets all keys of the user that log-ins made. It takes an answer of the
// service; without one it fails, and nothing has ended. Errors: those of [Manager.RefreshNow] and of [Manager.LogOut].
func (m *Manager) LogOutEverywhere(ctx context.Context, id string) ([]LogOutResult, error) {
	m.prepare()
	if err := m.sync(); err != nil {
		return nil, err
	}
	st := m.snapshot()
	if id == "" {
		id = st.Active
	}
	if _, err := st.live(id); err != nil {
		return nil, err
	}
	// It is a refresh like any other, so no crash can come between: the session lives until the next write ends it.
	if err := m.refresh(ctx, id, wish{everywhere: true}); err != nil {
		return nil, err
	}
	return m.logOutMany(ctx, userLoggedOut{id})
}

func (m *Manager) logOutMany(ctx context.Context, e event) ([]LogOutResult, error) {
	m.prepare()
	var live []string
	st, err := m.update(ctx, "log-out", eventOf(func(s *state, now instant) error {
		for _, r := range s.Sessions {
			if r.Ended == nil {
				live = append(live, r.ID)
			}
		}
		return e.apply(s, now)
	}))
	if err != nil {
		return nil, err
	}
	live = slices.DeleteFunc(live, func(id string) bool { return st.session(id).Ended == nil })
	results := make([]LogOutResult, len(live))
	var work sync.WaitGroup
	for i, id := range live {
		work.Go(func() { results[i] = m.leave(ctx, st, id) })
	}
	work.Wait()
	return results, nil
}

// leave lets the keys of the session called id go, which st says has ended.
func (m *Manager) leave(ctx context.Context, st state, id string) LogOutResult {
	// A refresh under way here is called off, and sees to its key itself.
	m.mu.Lock()
	f := m.flights[id]
	m.mu.Unlock()
	if f != nil {
		f.cancel()
	}
	r := st.session(id)
	result := LogOutResult{SessionID: id, Label: r.Label, Deleted: true, EndsAt: r.Ended.EndsAt.time()}
	// The session's own key goes first: it is the one that could still be used.
	leaving := slices.DeleteFunc(slices.Clone(st.Leaving), func(k leavingKey) bool { return k.Session != id })
	unlocking, unlocked := context.WithTimeout(ctx, unlockPatience) // for all of them together
	for _, k := range leaving {                                     // the service's three seconds begin when nobody has to be asked any more
		if _, err := m.openKey(unlocking, k.key); err != nil {
			m.Log.Debug("unlock a key that leaves", "key", k.PublicKey, "error", err)
		}
	}
	unlocked()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokePatience)
	defer cancel()
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
	return result
}

// eventOf is an event that is its own apply.
type eventOf func(s *state, now instant) error

func (f eventOf) apply(s *state, now instant) error { return f(s, now) }

// allLoggedOut: the user ends every session.
type allLoggedOut struct{}

func (allLoggedOut) apply(s *state, now instant) error {
	ended := false
	for i := range s.Sessions {
		if r := &s.Sessions[i]; r.Ended == nil {
			s.end(r, LoggedOut, now)
			ended = true
		}
	}
	if !ended {
		return fault.New(fault.SessionNone, nil)
	}
	return nil
}

// userLoggedOut: the user ends every session of the user whose session is called id.
type userLoggedOut struct{ id string }

func (e userLoggedOut) apply(s *state, now instant) error {
	own, err := s.live(e.id)
	if err != nil {
		return err
	}
	organization, user := own.OrganizationID, own.UserID
	for i := range s.Sessions {
		if r := &s.Sessions[i]; r.Ended == nil && r.OrganizationID == organization && r.UserID == user {
			s.end(r, LoggedOut, now)
		}
	}
	return nil
}

// endedForgotten: the user has seen why sessions ended, all of them.
type endedForgotten struct{}

func (endedForgotten) apply(s *state, _ instant) error {
	s.Sessions = slices.DeleteFunc(s.Sessions, func(r record) bool { return r.Ended != nil })
	if s.session(s.Active) == nil {
		s.Active = ""
	}
	return nil
}

// ForgetEnded forgets every session that has ended, and returns how many they were. Errors: those of the file.
func (m *Manager) ForgetEnded(ctx context.Context) (int, error) {
	m.prepare()
	before := 0
	st, err := m.update(ctx, "forget", eventOf(func(s *state, now instant) error {
		before = len(s.Sessions)
		return endedForgotten{}.apply(s, now)
	}))
	return before - len(st.Sessions), err
}

// Clear forgets the session called id, and logs out of it first if it lives; what became of its key is only known in
// the latter case. Errors: fault.SessionNone; those of the file.
func (m *Manager) Clear(ctx context.Context, id string) (LogOutResult, error) {
	m.prepare()
	if err := m.sync(); err != nil {
		return LogOutResult{}, err
	}
	st := m.snapshot()
	r := st.session(id)
	if r == nil {
		return LogOutResult{}, fault.New(fault.SessionNone, nil)
	}
	var result LogOutResult
	if r.Ended == nil {
		var err error
		if result, err = m.LogOut(ctx, id); err != nil {
			return result, err
		}
	}
	return result, m.Dismiss(ctx, id)
}
