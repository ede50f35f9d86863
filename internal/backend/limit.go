package backend

import (
	"net/netip"
	"time"

	"latchkey/internal/fault"
)

// limit allows most events per key within any span. A negative most allows all.
type limit struct {
	most int
	span time.Duration
	code fault.Code // what who is over the limit is told
	past *shelf[[]time.Time]
}

// watched is how many keys one limit remembers at most: some 20 MB when every one is at its limit.
const watched = 1 << 16

func newLimit(now func() time.Time, most int, span time.Duration, code fault.Code) *limit {
	return &limit{most: most, span: span, code: code, past: newShelf[[]time.Time](now, span, watched)}
}

// take counts one event of key, or refuses it with the time after which one more is allowed. A refused event does
// not count: who keeps knocking is not kept out for longer.
func (l *limit) take(key string) error {
	if l.most < 0 {
		return nil
	}
	var err error
	l.past.update(key, func(past []time.Time) []time.Time {
		now := l.past.now()
		recent := make([]time.Time, 0, min(len(past)+1, l.most))
		for _, at := range past {
			if now.Sub(at) < l.span {
				recent = append(recent, at)
			}
		}
		if len(recent) >= l.most {
			err = &fault.Error{Kind: l.code.Kind(), Code: l.code, RetryAfter: l.span - now.Sub(recent[0])}
			return recent
		}
		return append(recent, now)
	})
	return err
}

// network names the part of the net that a caller is counted by: its address, or the /56 that one IPv6 customer has.
// What cannot be read is counted together.
func network(remote string) string {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return "?"
	}
	addr := ap.Addr().Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(56)
	if err != nil {
		return "?"
	}
	return prefix.String()
}
