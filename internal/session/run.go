package session

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"latchkey/internal/fault"
)

// tick is how often the clock is looked at whatever happens. A timer is a hint: a laptop sleeps through it.
const tick = 5 * time.Second

// soonest keeps a clock that runs wild from making a tight loop.
const soonest = 50 * time.Millisecond

// Run keeps the sessions until ctx is done, its only clean end: it refreshes, ends, revokes and repairs what is due.
// Keychain and network never keep it from looking at the clock. When it returns, everything it began has ended.
func (m *Manager) Run(ctx context.Context) error {
	m.prepare()
	var work sync.WaitGroup
	defer work.Wait()
	for {
		for _, t := range m.pass(ctx) {
			if m.begin(t) {
				work.Go(func() {
					defer m.finish(t)
					m.do(ctx, t)
				})
			}
		}
		select {
		case <-time.After(m.pause()):
		case <-m.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Step does once what Run does all the time, and waits for it: for programs that end soon, such as commands. Errors:
// those of the file.
func (m *Manager) Step(ctx context.Context) error {
	m.prepare()
	if err := m.sync(); err != nil {
		return err
	}
	var work sync.WaitGroup
	for _, t := range m.pass(ctx) {
		if m.begin(t) {
			work.Go(func() {
				defer m.finish(t)
				m.do(ctx, t)
			})
		}
	}
	work.Wait()
	return nil
}

// pass looks at file and clock, writes what time made of the sessions, and returns what is to be done now.
func (m *Manager) pass(ctx context.Context) []task {
	if err := m.sync(); err != nil {
		m.Log.Warn("look at the state file", "error", err)
	}
	late, now, doubt := m.look()
	s := m.snapshot()
	if after, err := reduce(s, m.elapsed(), now); err != nil || !after.same(s) {
		if _, err := m.update(ctx, "time", m.elapsed()); err != nil && ctx.Err() == nil {
			m.Log.Warn("write what time made of the sessions", "error", err)
		}
		s = m.snapshot()
	}
	m.warn(s, late)
	var due []task
	tasks := plan(s, m.reaches, now)
	if doubt {
		tasks = append(tasks, planAsk(s, m.reaches, now)...)
	}
	for _, t := range tasks {
		if !m.resting(t.name(), now) {
			due = append(due, t)
		}
	}
	return due
}

// name is what a task's failures are counted under.
func (t task) name() string {
	if t.kind == taskRefresh {
		return refreshName(t.session)
	}
	return string(t.kind) + " " + t.publicKey
}

// pause is how long nothing needs to be looked at, at most a tick.
func (m *Manager) pause() time.Duration {
	s, now := m.snapshot(), m.now()
	wait := cmp.Or(m.every, tick)
	if look := nextLook(s, now); look != 0 {
		wait = min(wait, look.sub(now))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.tries {
		if t.next > now {
			wait = min(wait, t.next.sub(now))
		}
	}
	return max(wait, soonest)
}

// begin reports whether nobody in this process does t already.
func (m *Manager) begin(t task) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running[t] {
		return false
	}
	m.running[t] = true
	return true
}

func (m *Manager) finish(t task) {
	m.mu.Lock()
	delete(m.running, t)
	m.mu.Unlock()
}

func (m *Manager) do(ctx context.Context, t task) {
	if err := m.Quiet(ctx, m.backendOf(t)); err != nil {
		if t.kind == taskRefresh {
			m.refreshFailed(t.session, err)
		} else {
			m.failed(t.name(), err, 0)
		}
		return
	}
	switch t.kind {
	case taskRefresh:
		if err := m.refresh(ctx, t.session, wish{}); err != nil {
			m.noteUnled(ctx, t, err)
		}
	case taskDepart:
		m.departKey(ctx, t.publicKey, false)
	case taskAsk:
		m.askTime(ctx, t)
	case taskRetire, taskRevoke:
		m.revokeOther(ctx, t)
	}
}

// noteUnled counts a failure that refresh did not count itself, such as a lock that cannot be taken.
func (m *Manager) noteUnled(ctx context.Context, t task, err error) {
	if now := m.now(); ctx.Err() == nil && !m.resting(t.name(), now) {
		m.failed(t.name(), err, 0)
	}
}

// revokeOther revokes a key by the key of a session of the same user.
func (m *Manager) revokeOther(ctx context.Context, t task) {
	ctx, cancel := context.WithTimeout(ctx, refreshPatience)
	defer cancel()
	st := m.snapshot()
	r, err := st.live(t.session)
	if err != nil {
		return
	}
	by, err := m.openKey(ctx, r.Key)
	if err == nil {
		err = m.revokeKey(ctx, *r, by, t.publicKey)
	}
	switch {
	case err == nil:
		m.succeeded(t.name())
	case unknownKey(err): // about the key that stamped: a stamp of a person will find out too
		if e := m.Reject(ctx, t.session, r.Key.PublicKey); e != nil && !errors.Is(e, fault.NotFound) {
			m.Log.Warn("end a rejected session", "session", t.session, "error", e)
		}
	default:
		m.failed(t.name(), err, 0)
		m.Log.Debug("revoke a key", "key", t.publicKey, "error", err)
	}
}

// warn announces, once each, that the end of a key is near and no refresh came, and that a session is over although a
// next key might still bring it back.
func (m *Manager) warn(s state, now instant) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range s.Sessions {
		e := Event{SessionID: r.ID, PublicKey: r.Key.PublicKey, At: now.time()}
		switch r.standing(now) {
		case good:
			if e.In = r.Key.Expires.sub(now); e.In > min(cmp.Or(m.ExpiringAhead, expiringAhead), margin(r.life())/2) {
				continue
			}
			e.Type = Expiring
		case unsure:
			end := m.ending(r, now)
			if end == nil {
				continue
			}
			e.Type, e.Reason = Expired, end.Reason
		default:
			continue
		}
		if told := (telling{e.Type, e.PublicKey}); !m.told[told] {
			m.told[told] = true
			m.listeners.publish(e)
		}
	}
}

// telling is what is said once of a key.
type telling struct {
	event     EventType
	publicKey string
}
