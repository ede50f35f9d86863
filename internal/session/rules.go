package session

import (
	"hash/fnv"
	"time"
)

// Grace and patience.
const (
	retireGrace   = 60 * time.Second // how long a replaced key still works
	pendingLife   = time.Hour        // of a log-in's key: longer than any log-in
	endedLife     = 7 * 24 * time.Hour
	endedMost     = 20               // ended sessions that are remembered
	skewFloor     = 30 * time.Second // smaller differences of clocks do not count
	backoffFirst  = time.Second
	backoffMost   = 30 * time.Second
	backoffLeast  = 500 * time.Millisecond
	expiringAhead = 60 * time.Second // when a person is told
)

// standing is how a session stands at an instant.
type standing int

const (
	over   standing = iota // ended, or nothing of it can still be good
	unsure                 // its key is over, but a next key may have been accepted: ask the service
	good
)

func (r record) standing(now instant) standing {
	switch {
	case r.Ended != nil:
		return over
	case now < r.Key.Expires:
		return good
	case r.Next != nil && now < r.Next.Expires:
		return unsure
	}
	return over
}

// life is how long the present key lasts in all.
func (r record) life() time.Duration { return r.Key.Expires.sub(r.Issued) }

// margin is how long before its end a session of this life is refreshed: 20 % of it, but at least two minutes, or 40 %
// where two minutes would be more than that. So a session of 30 seconds is refreshed every 18 and not without pause.
func margin(life time.Duration) time.Duration {
	return max(life/5, min(120*time.Second, life*2/5))
}

// jitter is between 0 and 1, and the same for one key in every process, so that all agree on when to refresh.
func jitter(publicKey string) float64 {
	h := fnv.New32a()
	h.Write([]byte(publicKey)) // never fails
	return float64(h.Sum32()) / (1 << 32)
}

// refreshAt is when r should be refreshed. Jitter of up to a tenth of the margin goes one way: earlier.
func refreshAt(r record) instant {
	if r.Unproven {
		return r.Issued
	}
	m := margin(r.life())
	m += time.Duration(float64(m/10) * jitter(r.Key.PublicKey))
	return r.Key.Expires.add(-m)
}

// refreshDue reports whether r should be refreshed now. A clock that went back behind the moment when the key was
// issued says nothing about how much of its life is left, so then it is due as well.
func refreshDue(r record, now instant) bool {
	return r.standing(now) == good && (now >= refreshAt(r) || now < r.Issued.add(-skewFloor))
}

// backoff is how long to wait after so many failures in a row, when the key has left to live and random is in [0, 1).
// It grows, is never more than a third of what is left, so that there is always another try, and never less than half
// a second. The service may ask for more with retryAfter, which counts as long as a try remains.
func backoff(failures int, left, retryAfter time.Duration, random float64) time.Duration {
	d := backoffMost
	if shift := failures - 1; shift < 5 {
		d = min(d, backoffFirst<<max(shift, 0))
	}
	d = d/2 + time.Duration(float64(d/2)*random)
	d = max(d, retryAfter)
	if left > 0 {
		d = min(d, left/3)
	}
	return max(d, backoffLeast)
}

// waiting reports whether a thing put off until next is still to wait. A clock that went back far does not prolong it.
func waiting(next, now instant, most time.Duration) bool {
	return now < next && next.sub(now) <= most
}
