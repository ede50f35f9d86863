package backend

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

// What the memory of one process keeps at most. An attempt is some 200 bytes, a sign-up some 300.
const (
	attemptsMost = 100_000
	signUpsMost  = 50_000
	familiarMost = 100_000
	countersMost = 100_000
	watched      = 1 << 16 // keys of each span that a limit remembers
)

// inMemory returns the state of a backend that is alone. A restart forgets it.
func inMemory(now func() time.Time, rate int) *state {
	s := &state{
		limits:   newMemoryLimits(now),
		attempts: &memoryAttempts{now, newShelf[memoryAttempt](now, attemptLife, attemptsMost)},
		signUps:  memoryRecords{now, newShelf[endingSignUp](now, signUpLife, signUpsMost)},
		joining:  &memoryQueue{},
		familiar: memoryMarks{now, newShelf[time.Time](now, familiarLife, familiarMost)},
		counters: memoryCounters{newShelf[uint32](now, counterLife, countersMost)},
		check:    func(context.Context) error { return nil },
		close:    func() error { return nil },
	}
	if rate > 0 {
		s.outbound = &memoryBucket{now: now, rate: rate}
	}
	return s
}

// memoryLimits is a limiter that keeps the times of events, one list for all quotas of a key: they always come together.
type memoryLimits struct {
	now func() time.Time

	mu   sync.Mutex
	past map[time.Duration]*shelf[[]int64] // Unix nanoseconds, the oldest first; by the longest span of the key, since a shelf keeps all equally long
}

func newMemoryLimits(now func() time.Time) *memoryLimits {
	return &memoryLimits{now: now, past: map[time.Duration]*shelf[[]int64]{}}
}

func (l *memoryLimits) take(_ context.Context, of ...quota) error { return l.count(true, of) }
func (l *memoryLimits) room(_ context.Context, of ...quota) error { return l.count(false, of) }

func (l *memoryLimits) count(counts bool, of []quota) error {
	of = slices.DeleteFunc(slices.Clone(of), func(q quota) bool { return q.most < 0 })
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now().UnixNano()
	var wait time.Duration
	var full quota
	for _, q := range of {
		past, _ := l.shelfOf(q, of).get(q.key)
		if recent := since(past, now-int64(q.span)); len(recent) >= q.most {
			if left := q.span - time.Duration(now-recent[len(recent)-q.most]); left > wait {
				wait, full = left, q
			}
		}
	}
	if wait > 0 {
		return full.over(wait)
	}
	if !counts {
		return nil
	}
	for i, q := range of {
		if slices.ContainsFunc(of[:i], func(other quota) bool { return other.key == q.key }) {
			continue // counted
		}
		s := l.shelfOf(q, of)
		s.update(q.key, func(past []int64) []int64 { return append(since(past, now-int64(s.life)), now) })
	}
	return nil
}

// shelfOf returns where the events of q's key are, which the longest span among of has.
func (l *memoryLimits) shelfOf(q quota, of []quota) *shelf[[]int64] {
	span := q.span
	for _, other := range of {
		if other.key == q.key {
			span = max(span, other.span)
		}
	}
	s := l.past[span]
	if s == nil {
		s = newShelf[[]int64](l.now, span, watched)
		l.past[span] = s
	}
	return s
}

// since returns the times after at, of times in their order.
func since(times []int64, at int64) []int64 {
	for len(times) > 0 && times[0] <= at {
		times = times[1:]
	}
	return times
}

type memoryAttempt struct {
	attempt
	ends int64 // Unix nanoseconds
}

type memoryAttempts struct {
	now   func() time.Time
	shelf *shelf[memoryAttempt]
}

func (m *memoryAttempts) begin(_ context.Context, id string, a attempt) error {
	m.shelf.put(id, memoryAttempt{a, m.now().Add(codeLife).UnixNano()})
	return nil
}

func (m *memoryAttempts) spend(_ context.Context, id string, encrypted bool) (got attempt, known bool, err error) {
	m.shelf.change(id, func(a *memoryAttempt) {
		a.over = m.now().UnixNano() >= a.ends
		got, known = a.attempt, true
		got.tries++
		if a.encrypted == encrypted && !a.over && a.tries < triesMax {
			a.tries++
		}
	})
	return got, known, nil
}

func (m *memoryAttempts) refund(_ context.Context, id string) error {
	m.shelf.change(id, func(a *memoryAttempt) { a.tries = max(0, a.tries-1) })
	return nil
}

func (m *memoryAttempts) finish(_ context.Context, id string) error {
	m.shelf.drop(id)
	return nil
}

type endingSignUp struct {
	signUp
	ends time.Time
}

type memoryRecords struct {
	now   func() time.Time
	shelf *shelf[endingSignUp]
}

func (m memoryRecords) get(_ context.Context, slot string) (signUp, bool, error) {
	s, ok := m.shelf.get(slot)
	return s.signUp, ok && m.now().Before(s.ends), nil
}

func (m memoryRecords) put(_ context.Context, slot string, s signUp, life time.Duration) error {
	m.shelf.put(slot, endingSignUp{s, m.now().Add(life)})
	return nil
}

func (m memoryRecords) drop(_ context.Context, slot string) error {
	m.shelf.drop(slot)
	return nil
}

// memoryQueue is the queue of one process: whose turn it is cannot be lost.
type memoryQueue struct{ turns turns }

func (q *memoryQueue) take(ctx context.Context, name string) (place, error) {
	done, err := q.turns.take(ctx, name)
	if err != nil {
		return nil, noTurn(err)
	}
	return memoryPlace(done), nil
}

type memoryPlace func()

func (memoryPlace) still(context.Context) error { return nil }
func (p memoryPlace) done()                     { p() }

type memoryMarks struct {
	now   func() time.Time
	shelf *shelf[time.Time]
}

func (m memoryMarks) mark(_ context.Context, key string, life time.Duration) error {
	m.shelf.put(key, m.now().Add(life))
	return nil
}

func (m memoryMarks) marked(_ context.Context, key string) (bool, error) {
	ends, ok := m.shelf.get(key)
	return ok && m.now().Before(ends), nil
}

type memoryCounters struct{ shelf *shelf[uint32] }

func (m memoryCounters) rise(_ context.Context, key string, n uint32, _ time.Duration) (rises bool, _ error) {
	m.shelf.update(key, func(before uint32) uint32 {
		rises = n > before || n == 0 && before == 0
		return max(n, before)
	})
	return rises, nil
}

// memoryBucket is a leaky bucket (the generic cell rate algorithm): next is when all that was booked has left it.
type memoryBucket struct {
	now  func() time.Time
	rate int // a second, and how many may go at once

	mu   sync.Mutex
	next time.Time
}

func (b *memoryBucket) book(_ context.Context, first bool) (time.Duration, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	each, now := time.Duration(math.Ceil(float64(time.Second)/float64(b.rate))), b.now()
	next := b.next
	if next.Before(now) {
		next = now
	}
	next = next.Add(each)
	wait := next.Sub(now) - time.Second
	ahead := time.Duration(0)
	if first {
		ahead = aheadMost
	}
	if wait > ahead {
		return wait - ahead, false, nil
	}
	b.next = next
	return max(0, wait), true, nil
}
