package backend

import (
	"context"
	"time"

	"latchkey/internal/fault"
)

// This file says what a backend remembers between requests, and what all replicas of one must agree on. Each part is
// its own interface with two implementations, the memory of this process and Redis; one suite of tests defines both.
// Every method may be called in parallel. Keys are hashes (see [Backend.hash]), so that nobody reads a contact or an
// address from what is kept, and everything kept has an end. Errors, besides those named: fault.BackendState when it
// cannot be told what is so, and then nobody may go on as if it were known.

// state is all of it.
type state struct {
	limits   limiter
	attempts attempts
	signUps  records
	joining  queue // by contact, identity, token or Idempotency-Key
	familiar marks
	counters counters // of passkeys
	outbound bucket   // nil lets everything through

	shared bool // by all replicas: what is not in it never was
	check  func(context.Context) error
	close  func() error
}

// quota allows most events of key within any span. Who is over it is told code. A negative most allows all. All quotas of
// one key are asked together, always.
type quota struct {
	key  string
	most int
	span time.Duration
	code fault.Code
}

// over is what who is over q is told; wait is the time after which one more is allowed.
func (q quota) over(wait time.Duration) error {
	return &fault.Error{Kind: q.code.Kind(), Code: q.code, RetryAfter: wait}
}

// limiter counts events. A refused event does not count: who keeps knocking is not kept out for longer.
type limiter interface {
	// take counts one event under every quota, or refuses it under all when one of them is full, and names the longest wait.
	take(ctx context.Context, of ...quota) error
	// room refuses as take does, and counts nothing.
	room(ctx context.Context, of ...quota) error
}

// attempt is what is remembered of a code that was sent, by its otpId.
type attempt struct {
	encrypted bool // which generation it was begun in, and must be finished in
	contact   string
	tries     int  // guesses that were taken for it, the one at hand included; over triesMax: not taken
	over      bool // its time has passed
}

// attempts count guesses before they are judged: whoever asks first and counts after lets as many through at once as
// ask at once, and one whose judge is never heard of would be free.
type attempts interface {
	// begin remembers a code that was sent.
	begin(ctx context.Context, id string, a attempt) error
	// spend takes one try, unless the code is over, begun in the other generation, or out of tries.
	spend(ctx context.Context, id string, encrypted bool) (a attempt, known bool, err error)
	// refund gives a try back that the service did not judge.
	refund(ctx context.Context, id string) error
	// finish forgets a code that was used up.
	finish(ctx context.Context, id string) error
}

// records remember sign-ups.
type records interface {
	get(ctx context.Context, slot string) (signUp, bool, error)
	put(ctx context.Context, slot string, s signUp, life time.Duration) error
	drop(ctx context.Context, slot string) error
}

// queue lets one at a time do something under one name.
type queue interface {
	// take waits for the turn of name, or for the end of ctx. Errors: those of noTurn.
	take(ctx context.Context, name string) (place, error)
}

// place is somebody's turn.
type place interface {
	// still reports, right before what must happen once, whether the turn is certainly one's own for turnLife from now.
	still(ctx context.Context) error
	// done ends the turn.
	done()
}

// marks remember that something was so.
type marks interface {
	mark(ctx context.Context, key string, life time.Duration) error
	marked(ctx context.Context, key string) (bool, error)
}

// counters remember how far something has counted.
type counters interface {
	// rise notes n, and reports whether it is more than what was noted before. Who always says 0 does not count, and may.
	rise(ctx context.Context, key string, n uint32, life time.Duration) (bool, error)
}

// bucket books requests to the API at its rate. It answers how long to wait before sending one. A request that is
// first may be booked ahead of its time, by at most aheadMost: whatever is not first finds the rate used up meanwhile,
// and has to ask again after the wait.
type bucket interface {
	book(ctx context.Context, first bool) (wait time.Duration, booked bool, err error)
}

const (
	attemptLife  = 15 * time.Minute // a code ends after 5; later than that it is told from one that never was
	signUpLife   = 24 * time.Hour
	familiarLife = 30 * 24 * time.Hour
	// turnLife is how long a turn lasts whose holder died; it outlives whatever a holder may do (callLimit and createLimit).
	turnLife = 60 * time.Second
)
