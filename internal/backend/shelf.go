package backend

import (
	"sync"
	"time"
)

// shelf keeps values by key for a time, and at most so many: when it is full, the oldest goes. It is safe for
// parallel use; the values themselves are copied in and out.
type shelf[V any] struct {
	now  func() time.Time
	life time.Duration
	most int

	mu    sync.Mutex
	items map[string]kept[V]
	queue []queued // by the time of their end, since all live equally long
}

type kept[V any] struct {
	value V
	ends  int64 // Unix nanoseconds, as everywhere here: a third of what a time.Time takes, and there are many
}

type queued struct {
	key  string
	ends int64
}

func newShelf[V any](now func() time.Time, life time.Duration, most int) *shelf[V] {
	return &shelf[V]{now: now, life: life, most: most, items: map[string]kept[V]{}}
}

// get returns the value under key, if it is still there.
func (s *shelf[V]) get(key string) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.items[key]
	if !ok || s.now().UnixNano() >= k.ends {
		var none V
		return none, false
	}
	return k.value, true
}

// update puts what change makes of the value under key (the zero value if there is none) and starts its time anew.
func (s *shelf[V]) update(key string, change func(V) V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now().UnixNano()
	old := s.items[key]
	if now >= old.ends {
		old = kept[V]{}
	}
	k := kept[V]{change(old.value), now + int64(s.life)}
	s.items[key] = k
	s.queue = append(s.queue, queued{key, k.ends})
	for len(s.queue) > 0 && (len(s.items) > s.most || len(s.queue) > 2*s.most || now >= s.queue[0].ends) {
		first := s.queue[0]
		s.queue = s.queue[1:]
		if s.items[first.key].ends == first.ends { // else it was renewed, and stands further back too
			delete(s.items, first.key)
		}
	}
}

// change lets f change the value under key, if it is still there, and leaves its end as it is.
func (s *shelf[V]) change(key string, f func(*V)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.items[key]
	if !ok || s.now().UnixNano() >= k.ends {
		return
	}
	f(&k.value)
	s.items[key] = k
}

// put keeps value under key.
func (s *shelf[V]) put(key string, value V) { s.update(key, func(V) V { return value }) }

// drop forgets key.
func (s *shelf[V]) drop(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.items, key)
}

func (s *shelf[V]) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.items)
}
