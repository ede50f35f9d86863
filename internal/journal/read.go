package journal

import (
	"context"
	"slices"
	"strings"
	"time"

	"latchkey/internal/fault"
)

// Filter says which entries are wanted; its zero value wants all of them.
type Filter struct {
	Since  time.Time // at this time or later
	Type   string    // the type or path contains this, in any case
	Limit  int       // the newest this many; 0 or less means all
	Bodies bool      // with the bodies, as far as they were kept and can be opened; they may hold secrets
}

func (f Filter) wants(e Entry) bool {
	return (f.Since.IsZero() || !e.At().Before(f.Since)) &&
		(f.Type == "" || strings.Contains(strings.ToLower(e.Type+" "+e.Path), strings.ToLower(f.Type)))
}

// Read returns the entries that are there, oldest first, whether or not they are in the chain: see Verify. Errors:
// fault.StateBusy when ctx ends first; fault.DiskFailed.
func (j *Journal) Read(ctx context.Context, f Filter) ([]Entry, error) {
	done, err := j.share(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	logs, err := j.loadAll(0)
	if err != nil {
		return nil, fault.New(fault.DiskFailed, err)
	}
	var all []Entry
	for _, l := range logs {
		for _, x := range l.lines {
			if x.ok && f.wants(x.entry) {
				all = append(all, x.entry)
			}
		}
	}
	if f.Limit > 0 && len(all) > f.Limit {
		all = slices.Clone(all[len(all)-f.Limit:])
	}
	if !f.Bodies {
		return all, nil
	}
	if s := j.sealer(ctx); s != nil {
		for i := range all {
			all[i].open(s, j.Profile) // what cannot be opened has no body
		}
	}
	return all, nil
}

// share waits for its turn, so that nothing is read while it is half written: fault.StateBusy when ctx ends first.
// Where there can be no lock, nothing can be written either, and what can be read is read.
func (j *Journal) share(ctx context.Context) (done func(), err error) {
	unlock, err := j.Dir.Lock(ctx, lockName)
	switch {
	case fault.CodeOf(err) == fault.StateBusy:
		return nil, err
	case unlock == nil:
		unlock = func() {}
	}
	return unlock, nil
}
