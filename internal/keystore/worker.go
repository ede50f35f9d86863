package keystore

import (
	"context"
	"errors"
	"sync"
	"time"

	"latchkey/internal/fault"
)

// worker lets one keychain call run at a time, and none of them keep a caller longer than the caller wants. A call
// cannot be interrupted: one whose caller left goes on alone, and until it ends every other caller is told at once
// that the keychain does not answer, rather than sent to wait behind it. The zero value is ready.
type worker struct {
	mu      sync.Mutex
	current *call // nil while nobody calls
}

// grace is how long a call whose caller left may take to notice that itself, before it counts as hung: most end at
// once, since they look at the same ctx, and whoever asks again right after should not be turned away.
const grace = 50 * time.Millisecond

type call struct {
	left chan struct{} // closed when the caller left before the end, and the grace is over
	over chan struct{} // closed at the end
}

var errStuck = errors.New("an earlier question to the keychain is still unanswered")

// do runs op, whose ctx ends when the caller leaves. When the caller left first, the error is that of ctx; if op then
// succeeds after all, undo runs, still in turn.
func (w *worker) do(ctx context.Context, op func(context.Context) error, undo func()) error {
	mine, err := w.turn(ctx)
	if err != nil {
		return err
	}
	result := make(chan error, 1)
	var mu sync.Mutex // decides between "answered" and "left", once
	answered, left := false, false
	go func() {
		err := op(ctx)
		mu.Lock()
		answered = true
		late := left
		mu.Unlock()
		if late && err == nil && undo != nil {
			undo()
		}
		result <- err
		w.mu.Lock()
		w.current = nil
		w.mu.Unlock()
		close(mine.over)
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
	}
	mu.Lock()
	left = !answered
	mu.Unlock()
	if !left {
		return <-result
	}
	time.AfterFunc(grace, func() { close(mine.left) })
	return ended(ctx)
}

// turn waits until nobody else calls.
func (w *worker) turn(ctx context.Context) (*call, error) {
	for {
		if ctx.Err() != nil {
			return nil, ended(ctx)
		}
		w.mu.Lock()
		other := w.current
		if other == nil {
			mine := &call{left: make(chan struct{}), over: make(chan struct{})}
			w.current = mine
			w.mu.Unlock()
			return mine, nil
		}
		w.mu.Unlock()
		select {
		case <-other.over:
		case <-other.left:
			select {
			case <-other.over:
				continue
			default:
				return nil, fault.New(fault.KeychainTimeout, errStuck)
			}
		case <-ctx.Done():
		}
	}
}
