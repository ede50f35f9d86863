package backend

import (
	"fmt"
	"testing"
	"time"
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
