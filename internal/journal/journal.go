package journal

import (
	"context"
	"errors"
	"fmt"
	"os"

	"latchkey/internal/fault"
	"latchkey/internal/store"
)

const lockName = "journal.lock"

// Journal is the record of one profile. Its methods are safe for parallel use, in many processes at once.
type Journal struct {
	Dir     *store.Dir
	Profile string // which every seal names

	// Sealer returns what seals, under the profile's state key. It may wait for a keychain, until ctx ends. Without
	// it, or when it fails, entries are written unsealed and nothing is proven.
	Sealer func(ctx context.Context) (*store.Sealer, error)

	segmentSize int64 // for tests; 0 means SegmentSize
	keep        int   // for tests; 0 means Segments

	disk func(step string) error // for tests: asked before each step on the disk; an error stands for the step's own
}

func (j *Journal) reached(step string) error {
	if j.disk == nil {
		return nil
	}
	return j.disk(step)
}

// sealer returns what seals, or nil.
func (j *Journal) sealer(ctx context.Context) *store.Sealer {
	if j.Sealer == nil {
		return nil
	}
	s, err := j.Sealer(ctx)
	if err != nil {
		return nil // unsealed is better than unwritten, and Verify says so
	}
	return s
}

// tip is where the chain goes on.
type tip struct {
	head
	why     loss   // there is no head
	covered uint64 // what the last head covers, as far as that is known
}

// next takes l as the newest entry of the chain.
func (t *tip) next(l line) {
	t.Count, t.Hash, t.Segment, t.Offset, t.Last = l.entry.Number, l.hash, l.segment, l.end, l.size
}

// Append writes entries, in order, as one step: number, chain and seal are its own. It returns how many of them are on
// the disk, which is all or none; with an error besides, the head could not be brought up to date, and the next call
// does it. Errors: fault.StateBusy when ctx ends before its turn; fault.JournalFailed around those of the disk.
func (j *Journal) Append(ctx context.Context, entries []Entry) (written int, err error) {
	if len(entries) == 0 {
		return 0, nil
	}
	s := j.sealer(ctx) // before the lock, which is never held over a keychain
	unlock, err := j.Dir.Lock(ctx, lockName)
	if err != nil {
		return 0, err
	}
	defer unlock()
	if written, err = j.append(s, entries); err != nil && fault.KindOf(err) == "" {
		err = fault.New(fault.JournalFailed, err)
	}
	return written, err
}

func (j *Journal) append(s *store.Sealer, entries []Entry) (int, error) {
	f, at, err := j.openLast(s)
	if err != nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // what counts was synced
	var text []byte
	for i, e := range entries {
		e.clean()
		e.Number, e.Previous, e.Head = at.Count+1, at.Hash, at.covered
		if i == 0 {
			e.Cut = f.cut
		}
		if s != nil {
			e.seal(s, j.Profile)
		}
		raw := e.line()
		text = append(append(text, raw...), '\n')
		at.next(line{entry: e, hash: hash(raw), segment: f.segment, end: f.size + int64(len(text)), size: len(raw) + 1})
	}
	if err := j.write(f, text); err != nil {
		return 0, err
	}
	if s == nil {
		return len(entries), nil
	}
	if err := j.cover(s, f, at.head); err != nil {
		return len(entries), err
	}
	return len(entries), nil
}

// write puts text at the end of the log, durably, or leaves the log as it was.
func (j *Journal) write(f *tail, text []byte) error {
	err := j.reached("write")
	if err == nil {
		_, err = f.WriteAt(text, f.size)
	}
	if err == nil {
		err = j.reached("sync")
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("append to %s: %w", segmentName(f.segment), err), f.Truncate(f.size))
	}
	return nil
}

// cover brings the head up to date, then what is only a hint of it, and drops what it no longer covers.
func (j *Journal) cover(s *store.Sealer, f *tail, h head) error {
	if err := j.reached("head"); err != nil {
		return err
	}
	if err := j.writeHead(s, h); err != nil {
		return err
	}
	if err := j.reached("hint"); err != nil {
		return err
	}
	if _, err := f.WriteAt(header(h.Count), 0); err != nil {
		return err
	}
	numbers, err := j.segments()
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if n < h.First.Segment {
			if err := os.Remove(j.path(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// openLast opens the log that is written to, a new one when the last is full, and says where the chain goes on.
func (j *Journal) openLast(s *store.Sealer) (*tail, tip, error) {
	numbers, err := j.segments()
	if err != nil {
		return nil, tip{}, err
	}
	last := 1
	if len(numbers) > 0 {
		last = numbers[len(numbers)-1]
	}
	at := tip{}
	if at.head, at.why, err = j.readHead(s); err != nil {
		return nil, tip{}, err
	}
	if at.why == found {
		last = max(last, at.Segment) // else the last log was removed, and a new one takes its name
	}
	f, err := j.openTail(last)
	if err != nil {
		return nil, tip{}, err
	}
	if at.why == found {
		at.covered = at.Count
		err = j.adopt(s, &at)
		if f.covered > at.Count {
			at.Back = &span{at.Count + 1, f.covered}
		}
	} else {
		err = j.begin(s, &at)
	}
	if err == nil && f.size >= j.limit() {
		cut := f.cut
		_ = f.Close() // nothing was written to it
		if f, err = j.openTail(last + 1); err != nil {
			return nil, tip{}, err
		}
		f.cut += cut
		if err = j.retire(s, &at, f.segment); err == nil {
			return f, at, nil
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, tip{}, err
	}
	return f, at, nil
}

func (j *Journal) limit() int64 {
	if j.segmentSize > 0 {
		return j.segmentSize
	}
	return SegmentSize
}

// adopt takes the entries that follow the head, which are there when its write did not come to its end, or while there
// was no key. What is not ours is passed over and not built upon.
func (j *Journal) adopt(s *store.Sealer, at *tip) error {
	logs, err := j.loadFrom(at.Segment, at.Offset)
	if err != nil {
		return err
	}
	for _, l := range logs {
		for _, x := range l.lines {
			if follows(x, at.head) && (x.segment > at.Segment || x.end > at.Offset) && (x.entry.Sealed == nil || x.entry.open(s, j.Profile)) {
				at.next(x)
			}
		}
	}
	return nil
}

// loadFrom is loadAll, but for a first log that ends where the head says it does, which is the usual case.
func (j *Journal) loadFrom(segment int, offset int64) ([]log, error) {
	if info, err := os.Stat(j.path(segment)); err == nil && info.Size() == offset {
		segment++
	}
	return j.loadAll(segment)
}

// follows reports whether x continues the chain of h.
func follows(x line, h head) bool {
	return x.ok && x.entry.Number == h.Count+1 && x.entry.Previous == h.Hash
}

// begin finds where to go on without a head: at the last entry that is there.
func (j *Journal) begin(s *store.Sealer, at *tip) error {
	from := 0
	if s == nil { // then only the last entry counts
		numbers, err := j.segments()
		if err != nil {
			return err
		}
		from = numbers[max(0, len(numbers)-2)] // the last may be new
	}
	logs, err := j.loadAll(from)
	if err != nil {
		return err
	}
	at.head, at.why = headless(logs, at.why, s, j.Profile)
	for _, l := range logs {
		for _, x := range l.lines {
			if x.ok {
				at.covered = x.entry.Head
			}
		}
	}
	return nil
}

// headless returns the head that the logs themselves claim, and why there is no real one.
func headless(logs []log, why loss, s *store.Sealer, profile string) (head, loss) {
	h := head{Hash: nothing, First: start{Number: 1, Previous: nothing, Segment: 1}}
	at := tip{head: h}
	var begun, unsealed, had bool
	var opened, covered bool // a seal of ours; on the entry that the head covered last, which has the key of the head
	hint := uint64(0)
	if len(logs) > 0 {
		hint = logs[len(logs)-1].covered
	}
	for _, l := range logs {
		for _, x := range l.lines {
			if !x.ok {
				continue
			}
			if !begun {
				begun = true
				at.First = start{x.entry.Number, x.entry.Previous, x.segment}
			}
			at.next(x)
			had = had || x.entry.Head > 0
			if x.entry.Sealed == nil {
				unsealed = true
				continue
			}
			own := s != nil && x.entry.open(s, profile)
			opened = opened || own
			if hint == 0 || x.entry.Number <= hint {
				covered = own
			}
		}
	}
	switch {
	case why == noKey:
	case why == fresh && had:
		why = missing
	case why == otherKey && covered:
		why = changed
	case why == fresh && begun && !opened && !unsealed:
		why = otherKey
	case why == fresh && unsealed:
		why = noKey
	}
	h = at.head
	if begun && why != fresh {
		h.From, h.Reason = h.Count+1, why
	}
	return h, why
}

// retire moves the beginning of the chain up when a new log makes too many. Nothing is dropped without a key.
func (j *Journal) retire(s *store.Sealer, at *tip, newest int) error {
	keep := j.keep
	if keep == 0 {
		keep = Segments
	}
	oldest := newest - keep + 1
	if s == nil || oldest <= at.First.Segment {
		return nil
	}
	logs, err := j.loadAll(oldest)
	if err != nil {
		return err
	}
	for _, l := range logs {
		for _, x := range l.lines {
			if x.ok {
				at.First = start{x.entry.Number, x.entry.Previous, l.segment}
				if at.Back != nil && at.Back.First < at.First.Number {
					at.Back = nil // those numbers are dropped with the rest
				}
				return nil
			}
		}
	}
	return nil
}
