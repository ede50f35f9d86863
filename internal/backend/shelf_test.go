package backend

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/internal/fault"
)

type wall struct{ at time.Time }

func (w *wall) now() time.Time { return w.at }

func TestShelfForgetsByTime(t *testing.T) {
	w := &wall{time.Unix(1000, 0)}
	s := newShelf[int](w.now, time.Minute, 10)
	s.put("a", 1)
	w.at = w.at.Add(59 * time.Second)
	if v, ok := s.get("a"); !ok || v != 1 {
		t.Error("gone too early")
	}
	s.update("a", func(v int) int { return v + 1 }) // which starts its time anew
	w.at = w.at.Add(59 * time.Second)
	if v, ok := s.get("a"); !ok || v != 2 {
		t.Errorf("%d %v", v, ok)
	}
	w.at = w.at.Add(time.Second)
	if _, ok := s.get("a"); ok {
		t.Error("still there")
	}
	s.update("a", func(v int) int {
		if v != 0 {
			t.Error("an ended value came back")
		}
		return 7
	})
	s.drop("a")
	if _, ok := s.get("a"); ok || s.len() != 0 {
		t.Error("dropped, and still there")
	}
}

func TestShelfIsBounded(t *testing.T) {
	w := &wall{time.Unix(1000, 0)}
	s := newShelf[int](w.now, time.Hour, 100)
	for i := range 10_000 {
		w.at = w.at.Add(time.Millisecond)
		s.put(fmt.Sprint(i), i)
		s.put("often", i)
		if s.len() > 100 || len(s.queue) > 201 {
			t.Fatalf("%d items, %d queued", s.len(), len(s.queue))
		}
	}
	if v, ok := s.get("often"); !ok || v != 9999 {
		t.Errorf("the newest is gone: %d %v", v, ok)
	}
	w.at = w.at.Add(2 * time.Hour)
	s.put("one", 1)
	if s.len() != 1 || len(s.queue) != 1 {
		t.Errorf("%d items, %d queued", s.len(), len(s.queue))
	}
}

func TestLimitIsExactInEverySpan(t *testing.T) {
	w := &wall{time.Unix(1000, 0)}
	l := newLimit(w.now, 3, time.Minute, fault.OTPLimited)
	var allowed []time.Time
	for range 1000 {
		if err := l.take("k"); err == nil {
			allowed = append(allowed, w.at)
		} else if e, _ := errors.AsType[*fault.Error](err); e.Kind != fault.Limited || e.RetryAfter <= 0 || e.RetryAfter > time.Minute {
			t.Fatalf("%+v", e)
		}
		w.at = w.at.Add(7 * time.Second)
	}
	for i := 3; i < len(allowed); i++ {
		if d := allowed[i].Sub(allowed[i-3]); d < time.Minute {
			t.Errorf("four within %v", d)
		}
	}
	if len(allowed) < 300 {
		t.Errorf("only %d of 1000 allowed", len(allowed))
	}
}

func TestRetryAfterIsTrue(t *testing.T) {
	w := &wall{time.Unix(1000, 0)}
	l := newLimit(w.now, 2, time.Minute, fault.OTPLimited)
	for range 2 {
		if err := l.take("k"); err != nil {
			t.Fatal(err)
		}
		w.at = w.at.Add(10 * time.Second)
	}
	e, _ := errors.AsType[*fault.Error](l.take("k"))
	w.at = w.at.Add(e.RetryAfter - time.Nanosecond)
	if l.take("k") == nil {
		t.Error("allowed too early")
	}
	w.at = w.at.Add(time.Nanosecond)
	if err := l.take("k"); err != nil {
		t.Error(err)
	}
}

func TestALimitCanBeSwitchedOff(t *testing.T) {
	l := newLimit(time.Now, -1, time.Minute, fault.OTPLimited)
	for range 100 {
		if err := l.take("k"); err != nil {
			t.Fatal(err)
		}
	}
}
