package sandbox

import (
	"math"
	"sync"
	"time"
)

// clock is the sandbox's time: the injected one, moved and perhaps stopped by whoever controls the sandbox. Every
// decision about time is made by it, and the Date header shows it. It is safe for parallel use.
type clock struct {
	real func() time.Time

	mu     sync.Mutex
	offset time.Duration // added to real
	frozen bool
	at     time.Time // the time while frozen
}

// clockState is what survives a restart. A stopped clock stays where it stood.
type clockState struct {
	OffsetMs int64 `json:"offsetMs"`
	Frozen   bool  `json:"frozen"`
	AtMs     int64 `json:"atMs"`
}

func newClock(real func() time.Time) *clock { return &clock{real: real} }

// now returns the time without a monotonic reading, so that a clock that jumps is seen to jump.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read()
}

func (c *clock) read() time.Time {
	if c.frozen {
		return c.at
	}
	return c.real().Round(0).Add(c.offset)
}

// The clock stays within times that every token can name.
var (
	clockFirst = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	clockLast  = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// move sets the clock to t; it goes on from there, or stands there while frozen. It reports whether t is within what
// the clock can show.
func (c *clock) move(t time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.set(t)
}

func (c *clock) set(t time.Time) bool {
	if t.Before(clockFirst) || t.After(clockLast) {
		return false
	}
	c.offset = t.Sub(c.real().Round(0))
	c.at = t
	return true
}

// advance moves the clock by d, which may be negative, as move does.
func (c *clock) advance(d time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.set(c.read().Add(d))
}

// freeze stops the clock where it is, or lets it go on from where it stands.
func (c *clock) freeze(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(c.read())
	c.frozen = on
}

// reset returns to the injected time.
func (c *clock) reset() { c.restore(clockState{}) }

// offsetFromReal is how far the clock is ahead of the injected one.
func (c *clock) offsetFromReal() (d time.Duration, frozen bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read().Sub(c.real().Round(0)), c.frozen
}

func (c *clock) state() clockState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return clockState{OffsetMs: c.offset.Milliseconds(), Frozen: c.frozen, AtMs: c.at.UnixMilli()}
}

func (c *clock) restore(s clockState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset, c.frozen, c.at = time.Duration(s.OffsetMs)*time.Millisecond, s.Frozen, time.UnixMilli(s.AtMs)
}

// possible reports whether a clock can be set so when the injected one shows real.
func (s clockState) possible(real time.Time) bool {
	within := func(t time.Time) bool { return !t.Before(clockFirst) && !t.After(clockLast) }
	const most = int64(math.MaxInt64 / time.Millisecond)
	if s.OffsetMs > most || s.OffsetMs < -most {
		return false // more than a duration holds
	}
	return within(real.Add(time.Duration(s.OffsetMs)*time.Millisecond)) && (!s.Frozen || within(time.UnixMilli(s.AtMs)))
}
