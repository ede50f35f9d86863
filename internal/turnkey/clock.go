package turnkey

import (
	"net/http"
	"time"
)

// skewLimit is the distance from which the service's clock is followed instead of ours. Below it a difference does
// no harm: the service accepts requests up to an hour old and five minutes ahead.
const skewLimit = 30 * time.Second

// Skew returns the service's time minus ours, read from the answers so far; 0 while nothing speaks against it. It is
// true to a second plus the time of one round trip.
func (c *Client) Skew() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew
}

// heard learns from an answer that was on its way between sent and got, by our clock.
func (c *Client) heard(sent, got time.Time, date string) {
	at, err := http.ParseTime(date)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skew = skewAfter(c.skew, sent, got, at)
}

// skewAfter returns the skew nearest to old that agrees with an answer dated date. The date is cut to whole seconds
// and was written somewhere between sent and got, so the truth lies between date-got and date+1s-sent: a slow answer
// says little and changes little, a clock that is right stays at exactly 0.
func skewAfter(old time.Duration, sent, got, date time.Time) time.Duration {
	least, most := date.Sub(got), date.Add(time.Second).Sub(sent)
	return max(least, min(old, most))
}

// timestamp returns the timestampMs of the next activity: the service's time, as far as it is known, and never the
// number of the one before. Two equal requests in one millisecond would else be one activity to the service. A clock
// that was put back by more than a minute is followed back.
func (c *Client) timestamp() int64 {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.skew.Abs() > skewLimit {
		now = now.Add(c.skew)
	}
	ms := now.UnixMilli()
	if back := c.lastStamp - ms; back >= 0 && back < time.Minute.Milliseconds() {
		ms = c.lastStamp + 1
	}
	c.lastStamp = ms
	return ms
}

// now is wall time, without the monotonic reading that stands still while a laptop sleeps.
func (c *Client) now() time.Time {
	if c.Now == nil {
		return time.Now().Round(0)
	}
	return c.Now().Round(0)
}
