package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"latchkey/internal/fault"
)

// lockPoll is how often a lock that another process holds is asked for again: no system's lock both waits and can be
// interrupted.
const lockPoll = 20 * time.Millisecond

// Lock takes the lock called name, waiting for it until ctx ends (fault.StateBusy, around ctx's error). It excludes
// other processes and other callers in this one. The system itself releases it when the process dies, however it
// dies. The returned function releases it, and may be called twice.
func (d *Dir) Lock(ctx context.Context, name string) (unlock func(), err error) {
	file, turn, err := d.lock(name)
	if err != nil {
		return nil, err
	}
	if ctx.Err() == nil {
		select {
		case <-turn:
			ok, err := file.TryLockContext(ctx, lockPoll)
			if ok {
				return release(file, turn), nil
			}
			turn <- struct{}{}
			if ctx.Err() == nil {
				return nil, fmt.Errorf("lock %q: %w", name, writeFault(err))
			}
		case <-ctx.Done():
		}
	}
	return nil, fmt.Errorf("lock %q: %w", name, fault.New(fault.StateBusy, ctx.Err()))
}

// TryLock takes the lock called name if it is free, and says whether it was. See [Dir.Lock].
func (d *Dir) TryLock(name string) (unlock func(), ok bool, err error) {
	file, turn, err := d.lock(name)
	if err != nil {
		return nil, false, err
	}
	select {
	case <-turn:
	default:
		return nil, false, nil
	}
	ok, err = file.TryLock()
	if ok {
		return release(file, turn), true, nil
	}
	turn <- struct{}{}
	if err != nil {
		return nil, false, fmt.Errorf("lock %q: %w", name, writeFault(err))
	}
	return nil, false, nil
}

// lock returns the file of a lock, and the turn to ask for it in this process: the system's lock alone would exclude,
// but it is no synchronization in the sense of Go's memory model.
func (d *Dir) lock(name string) (*flock.Flock, chan struct{}, error) {
	name = strings.TrimSuffix(name, locked)
	if err := checkName(name); err != nil {
		return nil, nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	turn, ok := d.turns[name]
	if !ok {
		turn = make(chan struct{}, 1)
		turn <- struct{}{}
		if d.turns == nil {
			d.turns = map[string]chan struct{}{}
		}
		d.turns[name] = turn
	}
	return flock.New(d.file(name + locked)), turn, nil
}

func release(file *flock.Flock, turn chan struct{}) func() {
	return sync.OnceFunc(func() {
		_ = file.Close()
		turn <- struct{}{}
	})
}
