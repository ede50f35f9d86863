package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/internal/fault"
)

// setAside moves a state file that is whole but not readable out of the way, and says so. One that is damaged was set
// aside by the store.
func (m *Manager) setAside(ctx context.Context) error {
	unlock, err := m.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	data, err := m.Dir.Read(stateFile)
	if errors.Is(err, fault.NotFound) {
		return nil
	} else if err != nil {
		return err
	}
	_, err = decode(data)
	if fault.CodeOf(err) != fault.StateCorrupt {
		return err
	}
	if aside := m.Dir.Write("unreadable-"+stateFile, data); aside != nil {
		return aside
	}
	if aside := m.Dir.Remove(stateFile); aside != nil {
		return aside
	}
	return err
}

func (m *Manager) lock(ctx context.Context) (func(), error) {
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	return m.Dir.Lock(ctx, stateLock)
}

// finishing returns a context for what must be brought to an end although the caller has gone, within bounds: a
// keychain may hang.
func finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), finishPatience)
}

// read reads the file. What was never written is an empty state.
func (m *Manager) read() (state, error) {
	data, err := m.Dir.Read(stateFile)
	if errors.Is(err, fault.NotFound) {
		return state{Version: fileVersion}, nil
	} else if err != nil {
		return state{}, err
	}
	return decode(data)
}

// update reads, lets the core decide, and writes, under the state lock. step names it for tests that kill.
func (m *Manager) update(ctx context.Context, step string, e event) (state, error) {
	unlock, err := m.lock(ctx)
	if err != nil {
		return state{}, err
	}
	defer unlock()
	before, err := m.read()
	if err != nil {
		return state{}, err
	}
	now := m.atLeast()
	after, err := reduce(before, e, now)
	if err != nil {
		m.commit(before, now, true)
		return state{}, err
	}
	if skew, known := m.clock.memorable(); known && (skew-time.Duration(after.SkewMillis)*time.Millisecond).Abs() > skewFloor {
		after.SkewMillis = skew.Milliseconds()
	}
	if !after.same(before) {
		after.Serial = before.Serial + 1
		m.reached("write " + step)
		if err := m.Dir.Write(stateFile, after.encode()); err != nil {
			return state{}, fmt.Errorf("%s: %w", step, err)
		}
		m.reached("wrote " + step)
	}
	m.commit(before, now, true)
	m.commit(after, now, true)
	return after, nil
}

// commit makes s what this process believes, and tells the listeners how it differs from what it believed before. What
// was read without the lock may be older than what this process wrote meanwhile, and then it counts for nothing.
func (m *Manager) commit(s state, now instant, locked bool) {
	if m.exchange(s, now, locked) {
		for _, keys := range m.stores() {
			keys.Forget() // what another process deleted must not linger here unlocked
		}
	}
}

// exchange reports whether a session ended.
func (m *Manager) exchange(s state, now instant, locked bool) (ended bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.synced = now
	before := m.mem
	if !locked && m.loaded && s.Serial <= before.Serial {
		return false
	}
	m.mem = s
	m.clock.remember(time.Duration(s.SkewMillis) * time.Millisecond)
	if !m.loaded {
		m.loaded = true
		return false
	}
	for _, e := range changes(before, s, now) {
		if !m.told[telling{e.Type, e.PublicKey}] {
			m.listeners.publish(e)
		}
	}
	for _, r := range before.Sessions {
		now := s.session(r.ID)
		ended = ended || r.Ended == nil && (now == nil || now.Ended != nil)
	}
	return ended
}

// sync looks at what other processes wrote.
func (m *Manager) sync() error {
	s, err := m.read()
	if err != nil {
		return err
	}
	m.commit(s, m.now(), false)
	return nil
}

// elapsed is the event that time went by.
func (m *Manager) elapsed() passed {
	m.mu.Lock()
	defer m.mu.Unlock()
	return passed{m.started}
}

// snapshot returns what this process believes. It must not be changed.
func (m *Manager) snapshot() state {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mem
}
