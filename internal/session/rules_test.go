package session

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMarginIsTheDesigns(t *testing.T) {
	for _, c := range []struct{ life, want time.Duration }{
		{30 * time.Second, 12 * time.Second},
		{100 * time.Second, 40 * time.Second},
		{300 * time.Second, 120 * time.Second},
		{600 * time.Second, 120 * time.Second},
		{900 * time.Second, 180 * time.Second},
		{12 * time.Hour, 144 * time.Minute},
	} {
		if got := margin(c.life); got != c.want {
			t.Errorf("margin(%s) = %s, want %s", c.life, got, c.want)
		}
	}
}

func TestRefreshPointIsEarlyEnoughAndNeverAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		life := time.Duration(rapid.Int64Range(2, 400*24*3600).Draw(t, "life")) * time.Second
		issued := instant(rapid.Int64Range(1, math.MaxInt32).Draw(t, "issued")) * 1000
		r := record{Issued: issued, Key: key{PublicKey: rapid.String().Draw(t, "key"), Expires: issued.add(life)}}
		due := refreshAt(r)
		if latest := r.Key.Expires.add(-margin(life)); due > latest {
			t.Fatalf("due %s after the margin begins", due.sub(latest))
		}
		if m := margin(life); due < r.Key.Expires.add(-m-m/10-time.Millisecond) {
			t.Fatalf("jitter of over a tenth: %s before the margin of %s", r.Key.Expires.add(-m).sub(due), m)
		}
		if wait := due.sub(issued); wait < life/2 {
			t.Fatalf("a session of %s is refreshed after %s", life, wait)
		}
		if refreshDue(r, issued) || !refreshDue(r, due) || refreshDue(r, due-1) || refreshDue(r, r.Key.Expires) {
			t.Fatal("due at the wrong moment")
		}
	})
}

func TestASetBackClockMakesARefreshDue(t *testing.T) {
	r := record{Issued: 1_000_000, Key: key{Expires: instant(1_000_000).add(15 * time.Minute)}}
	if refreshDue(r, r.Issued.add(-30*time.Second)) {
		t.Error("due for a difference that does not count")
	}
	if !refreshDue(r, r.Issued.add(-time.Hour)) {
		t.Error("not due although nobody knows what is left")
	}
}

func TestBackoffAlwaysLeavesAnotherTry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		failures := rapid.IntRange(1, 100).Draw(t, "failures")
		left := time.Duration(rapid.Int64Range(int64(2*time.Second), int64(12*time.Hour)).Draw(t, "left"))
		retryAfter := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "retryAfter"))
		random := rapid.Float64Range(0, 0.999).Draw(t, "random")
		d := backoff(failures, left, retryAfter, random)
		if d < backoffLeast || d > left/3 && d != backoffLeast {
			t.Fatalf("backoff %s with %s left", d, left)
		}
		if retryAfter == 0 && d > backoffMost {
			t.Fatalf("backoff %s", d)
		}
		if d < retryAfter && d < left/3 {
			t.Fatalf("backoff %s, though the service asked for %s and there is time", d, retryAfter)
		}
	})
	if d := backoff(1, 0, 0, 0.5); d < backoffLeast || d > backoffFirst {
		t.Errorf("first backoff %s", d)
	}
}

func TestStanding(t *testing.T) {
	next := &key{Expires: 3000}
	for _, c := range []struct {
		name string
		r    record
		now  instant
		want standing
	}{
		{"before its end", record{Key: key{Expires: 2000}}, 1999, good},
		{"at its end", record{Key: key{Expires: 2000}}, 2000, over},
		{"ended early", record{Key: key{Expires: 2000}, Ended: &ending{}}, 1000, over},
		{"a next key may live", record{Key: key{Expires: 2000}, Next: next}, 2500, unsure},
		{"no next key can live", record{Key: key{Expires: 2000}, Next: next}, 3000, over},
	} {
		if got := c.r.standing(c.now); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
