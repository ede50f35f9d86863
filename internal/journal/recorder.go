package journal

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// batch is the most that is appended at once.
	batch = 64
	// waiting is the most that waits in memory for a disk that cannot be written. Beyond it the oldest are counted
	// as lost.
	waiting     = 1000
	waitingSize = 8 << 20
	// patience ends one attempt to append, keychain and lock included.
	patience = 20 * time.Second
)

// Recorder appends in the background, so that nobody waits for disk, lock or keychain. What cannot be written stays
// in memory and goes with the next entry, or with Flush. It is safe for parallel use.
type Recorder struct {
	Journal *Journal
	// Trouble, if set, is told when recording begins to fail, and once more when it fails again after it worked.
	Trouble func(err error)

	mu      sync.Mutex // guards what follows
	queue   []Entry
	size    int           // of the bodies in queue
	lost    int           // entries that had to be given up since the last that was written
	work    chan struct{} // closed when whoever works on the queue has ended; nil while nobody does
	failing bool
}

// Add hands over an entry, and returns at once.
func (r *Recorder) Add(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue, r.size = append(r.queue, e), r.size+len(e.body)
	r.bound()
	if r.work == nil {
		r.work = make(chan struct{})
		go r.drain() // it ends with the queue, or at the first failure; Flush waits for it
	}
}

// Flush waits until what was added is written, or an attempt to write it failed, and returns how many entries are not.
// Whoever ends the program calls it last.
func (r *Recorder) Flush() (left int) {
	for tried := false; ; {
		r.mu.Lock()
		work, left := r.work, len(r.queue)+r.lost
		mine := work == nil && len(r.queue) > 0 && !tried
		if mine {
			r.work = make(chan struct{})
		}
		r.mu.Unlock()
		switch {
		case mine:
			tried = true
			r.drain()
		case work != nil:
			<-work
		default:
			return left
		}
	}
}

// bound gives up the oldest entries of a queue that is too long.
func (r *Recorder) bound() {
	drop := 0
	for len(r.queue)-drop > waiting || r.size > waitingSize && len(r.queue)-drop > 1 {
		r.size -= len(r.queue[drop].body)
		r.lost += 1 + r.queue[drop].Lost
		drop++
	}
	r.queue = r.queue[drop:]
}

// drain appends what waits until nothing does, or it fails. Whoever calls it has made r.work.
func (r *Recorder) drain() {
	for {
		r.mu.Lock()
		next := slices.Clone(r.queue[:min(len(r.queue), batch)])
		if len(next) == 0 {
			r.rest()
			r.mu.Unlock()
			return
		}
		r.queue = r.queue[len(next):]
		for _, e := range next {
			r.size -= len(e.body)
		}
		next[0].Lost += r.lost
		r.lost = 0
		r.mu.Unlock()

		ctx, cancel := context.WithTimeout(context.Background(), patience)
		written, err := r.Journal.Append(ctx, next)
		cancel()

		r.mu.Lock()
		tell := err != nil && !r.failing
		r.failing = err != nil
		if written == 0 {
			r.queue = append(next, r.queue...)
			for _, e := range next {
				r.size += len(e.body)
			}
			r.bound()
		}
		r.mu.Unlock()
		if tell && r.Trouble != nil {
			r.Trouble(err) // before rest, so that whoever waited knows
		}
		if written == 0 {
			r.mu.Lock()
			r.rest()
			r.mu.Unlock()
			return
		}
	}
}

func (r *Recorder) rest() {
	close(r.work)
	r.work = nil
}
