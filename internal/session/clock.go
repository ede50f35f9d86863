package session

import (
	"context"
	"sync"
	"time"
)

// clockwork turns the wall clock into the service's time. The skew that the service's answers showed is true for the
// setting of the clock at which it was measured: when the clock was set since, or the program was started again, it is
// in doubt until the service answers once more. In doubt a key counts as over as soon as it may be, so that none signs
// that is over; and a session is ended only when it must be, so that none is lost that is good.
type clockwork struct {
	mu     sync.Mutex
	looked bool
	start  time.Time // for the monotonic clock
	wall   instant   // at the last look
	mono   time.Duration
	skew   time.Duration
	stored time.Duration // from the file: what an earlier process saw
	doubt  bool
	heard  bool // the service has answered this process
}

// look returns the latest and the earliest that the service's time can be, and whether they differ. A large skew counts
// in full, a small one not at all.
func (c *clockwork) look(wall instant, skew time.Duration, mono time.Time) (late, early instant, doubt bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.looked {
		c.looked, c.start = true, mono
	} else if jump := wall.sub(c.wall) - (mono.Sub(c.start) - c.mono); jump.Abs() > skewFloor {
		c.doubt = true // the clock was set, or the machine slept: both look alike
	}
	c.wall, c.mono = wall, mono.Sub(c.start)
	if skew != c.skew {
		c.skew, c.doubt, c.heard = skew, false, true
	}
	doubt = c.doubt
	if skew == 0 && !c.heard {
		skew, doubt = c.stored, true
	}
	switch there := wall.add(skew); {
	case skew.Abs() <= skewFloor:
		return wall, wall, false
	case !doubt:
		return there, there, false
	default:
		return max(wall, there), min(wall, there), true
	}
}

// sure says that the service has just answered, so that the skew is what it is.
func (c *clockwork) sure() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doubt, c.heard = false, true
}

// remember takes the skew that stands in the file.
func (c *clockwork) remember(skew time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stored = skew
}

// memorable returns the skew that the file should hold, and whether it is known.
func (c *clockwork) memorable() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew.Truncate(time.Second), c.heard && !c.doubt
}

func (m *Manager) look() (late, early instant, doubt bool) {
	m.prepare()
	var skew time.Duration
	if m.Skew != nil {
		skew = m.Skew()
	}
	return m.clock.look(at(m.Now()), skew, time.Now())
}

// now is the service's time, and in doubt the latest that it can be: for what must not happen after an end.
func (m *Manager) now() instant {
	late, _, _ := m.look()
	return late
}

// atLeast is the service's time, and in doubt the earliest that it can be: for what cannot be taken back.
func (m *Manager) atLeast() instant {
	_, early, _ := m.look()
	return early
}

// askTime makes the service answer, so that the skew is known again.
func (m *Manager) askTime(ctx context.Context, t task) {
	ctx, cancel := context.WithTimeout(ctx, refreshPatience)
	defer cancel()
	st := m.snapshot()
	r, err := st.live(t.session)
	if err != nil || m.Probe == nil {
		return
	}
	by, err := m.openKey(ctx, r.Key)
	if err == nil {
		err = m.Probe(ctx, m.view(*r, ""), by)
	}
	switch {
	case err == nil:
		m.clock.sure()
		m.succeeded(t.name())
		m.nudge()
	case unknownKey(err):
		m.clock.sure()
		if e := m.Reject(ctx, r.ID, r.Key.PublicKey); e != nil {
			m.Log.Warn("end a rejected session", "session", r.ID, "error", e)
		}
	default:
		m.failed(t.name(), err, 0)
	}
}
