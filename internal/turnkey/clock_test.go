package turnkey

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"latchkey/internal/fault"
)

func TestSkewAfter(t *testing.T) {
	at0 := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	s := time.Second
	for _, c := range []struct {
		name       string
		old        time.Duration
		trip, date time.Duration // how long it took; the date, from sent
		least, max time.Duration // what the new one may be
	}{
		{"a right clock stays at zero", 0, s / 10, 0, 0, 0},
		{"cut seconds are not a skew", 0, s / 10, -9 * s / 10, 0, 0},
		{"an hour behind", 0, s / 10, time.Hour, time.Hour - s/10, time.Hour + s},
		{"an hour ahead", 0, s / 10, -time.Hour, -time.Hour - s/10, -time.Hour + s},
		{"a slow answer teaches little", 0, 40 * s, 20 * s, 0, 0},
		{"a slow answer keeps what is known", time.Hour, 40 * s, time.Hour + 20*s, time.Hour, time.Hour},
		{"a clock put right is followed back", time.Hour, s / 10, 0, -s / 10, s},
	} {
		got := skewAfter(c.old, at0, at0.Add(c.trip), at0.Add(c.date))
		if got < c.least || got > c.max {
			t.Errorf("%s: %v, want %v to %v", c.name, got, c.least, c.max)
		}
	}
}

func TestTimestampFollowsTheServicesClock(t *testing.T) {
	local := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		ahead time.Duration // service minus local
		moved bool
	}{{0, false}, {20 * time.Second, false}, {10 * time.Minute, true}, {-10 * time.Minute, true}} {
		cl, s := newClient(t, activity(Completed, `"result":{"r":{}}`))
		cl.Now = at(local)
		cl.heard(local, local, local.Add(c.ahead).Format(http.TimeFormat))
		if _, err := cl.Submit(t.Context(), Activity{Path: "/p", ResultKey: "r"}, nil); err != nil {
			t.Fatal(err)
		}
		ms, err := strconv.ParseInt(member(t, s.sent[0].body, "timestampMs"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		off := time.UnixMilli(ms).Sub(local)
		if c.moved != (off.Abs() > 30*time.Second) || c.moved && (off-c.ahead).Abs() > 2*time.Second {
			t.Errorf("service %v ahead: the request is off by %v", c.ahead, off)
		}
	}
}

func TestSkewIsReadFromRefusalsToo(t *testing.T) {
	local := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	c, _ := newClient(t, answer(401, `{"code":16,"message":"expired api key"}`, "Date", local.Add(time.Hour).Format(http.TimeFormat)))
	c.Now = at(local)
	if c.Skew() != 0 {
		t.Error("a skew before any answer")
	}
	_, err := c.Whoami(t.Context(), "org-1")
	if fault.CodeOf(err) != fault.SessionExpired || (c.Skew()-time.Hour).Abs() > 2*time.Second {
		t.Errorf("%v, skew %v", err, c.Skew())
	}
}

// What stands between us and the service may have any clock.
func TestSkewIsNotReadFromStrangers(t *testing.T) {
	c, _ := newClient(t, answer(403, `<html>blocked</html>`, "Date", "Thu, 01 Jan 1970 00:00:00 GMT"))
	if _, err := c.Whoami(t.Context(), "org-1"); err == nil || c.Skew() != 0 {
		t.Errorf("%v, skew %v", err, c.Skew())
	}
}

func TestARequestRefusedForItsTimeIsMadeAgainOnce(t *testing.T) {
	local := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	date := local.Add(2 * time.Hour).Format(http.TimeFormat)
	stale := answer(400, `{"code":3,"message":"timestampMs is too old","turnkeyErrorCode":"REQUEST_INVALID"}`, "Date", date)

	c, s := newClient(t, stale, activity(Completed, `"result":{"r":{}}`))
	c.Now = at(local)
	if _, err := c.Submit(t.Context(), Activity{Path: "/p", ResultKey: "r"}, nil); err != nil || len(s.sent) != 2 {
		t.Errorf("%v after %d requests", err, len(s.sent))
	}

	c, s = newClient(t, stale)
	c.Now = at(local)
	if _, err := c.Submit(t.Context(), Activity{Path: "/p"}, nil); fault.CodeOf(err) != fault.ClockWrong || len(s.sent) != 2 {
		t.Errorf("%v after %d requests", err, len(s.sent))
	}

	c, s = newClient(t, answer(400, `{"code":3,"message":"timestampMs is too old"}`, "Date", local.Format(http.TimeFormat)))
	c.Now = at(local)
	if _, err := c.Submit(t.Context(), Activity{Path: "/p"}, nil); fault.CodeOf(err) != fault.ClockWrong || len(s.sent) != 1 {
		t.Errorf("a refusal that teaches nothing: %v after %d requests", err, len(s.sent))
	}
}

func TestTimestampsFollowAClockThatIsPutBack(t *testing.T) {
	c, _ := newClient(t, answer(200, `{}`))
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	c.Now = func() time.Time { return now }
	first := c.timestamp()
	now = now.Add(-time.Second)
	if got := c.timestamp(); got != first+1 {
		t.Errorf("a second back: %d after %d", got, first)
	}
	now = now.Add(-time.Hour)
	if got := c.timestamp(); got != now.UnixMilli() {
		t.Errorf("an hour back: %d, want %d", got, now.UnixMilli())
	}
}

func TestTimestampsNeverRepeat(t *testing.T) {
	c, _ := newClient(t, answer(200, `{}`))
	c.Now = at(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	var mu sync.Mutex
	seen := map[int64]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			last := int64(0)
			for range 200 {
				ms := c.timestamp()
				if ms <= last {
					t.Errorf("%d after %d", ms, last)
				}
				last = ms
				mu.Lock()
				if seen[ms] {
					t.Errorf("%d twice", ms)
				}
				seen[ms] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}
