package backend

import (
	"context"
	"errors"
	"sync"
	"time"

	"latchkey/internal/fault"
)

// turns lets one at a time do something under one name. The zero value is ready.
type turns struct {
	mu    sync.Mutex
	names map[string]*turn
}

type turn struct {
	free    chan struct{} // holds one token while nobody has the turn
	wanting int
}

// take waits for the turn of name, or for the end of ctx. The turn is over when done is called.
func (t *turns) take(ctx context.Context, name string) (done func(), err error) {
	t.mu.Lock()
	if t.names == nil {
		t.names = map[string]*turn{}
	}
	mine := t.names[name]
	if mine == nil {
		mine = &turn{free: make(chan struct{}, 1)}
		mine.free <- struct{}{}
		t.names[name] = mine
	}
	mine.wanting++
	t.mu.Unlock()

	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if mine.wanting--; mine.wanting == 0 {
			delete(t.names, name)
		}
	}
	select {
	case <-mine.free:
		return func() { mine.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// turnSeconds is after how many seconds one may ask again whose turn did not come.
const turnSeconds = 5

// noTurn is why a turn did not come, from the error of what was waited under. Only the backend puts an end to a request's
// time: then another one for the same has not ended, as when the replica that had it died, and the caller may ask again
// (fault.BackendBusy). Else he turned away (fault.Cancel).
func noTurn(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return fault.New(fault.Cancel, err)
	}
	return &fault.Error{Kind: fault.BackendBusy.Kind(), Code: fault.BackendBusy, RetryAfter: turnSeconds * time.Second,
		Err: show("another request for the same has not ended yet: try again")}
}
