package session

import (
	"errors"
	"math/rand/v2"
	"time"

	"latchkey/internal/fault"
)

// try is when something that failed is tried again.
type try struct {
	failures    int
	since, next instant
}

// failed notes that what is called name did not work, and returns when it may be tried again.
func (m *Manager) failed(name string, err error, left time.Duration) instant {
	var retryAfter time.Duration
	if e, ok := errors.AsType[*fault.Error](err); ok {
		retryAfter = e.RetryAfter
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tries[name]
	t.failures, t.since = t.failures+1, m.now()
	t.next = t.since.add(backoff(t.failures, left, retryAfter, rand.Float64()))
	m.tries[name] = t
	m.nudge() // to sleep no longer than until then
	return t.next
}

func (m *Manager) succeeded(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.tries, name)
}

// resting reports whether what is called name waits to be tried again. A clock that went back ends the wait.
func (m *Manager) resting(name string, now instant) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tries[name]
	return ok && now < t.next && now >= t.since
}
