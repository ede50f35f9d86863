package oidc

import (
	"sync"
	"time"
)

const (
	codeLife = 60 * time.Second
	storeMax = 1000 // codes, and as many access tokens
)

// grant is what a log-in allows an app: an id token, and to ask who it is.
type grant struct {
	request
	account
	secret  string // the code or the access token that stands for it
	expires time.Time
	used    bool   // a code: it was exchanged
	access  string // the access token that it was exchanged for
}

// store keeps the newest grants of one kind, by secret. It is safe for parallel use.
type store struct {
	mu   sync.Mutex
	byID map[string]*grant
	ring [storeMax]string // the secrets in the order in which they came
	next int
}

func newStore() *store { return &store{byID: map[string]*grant{}} }

func (s *store) put(g *grant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, s.ring[s.next]) // "" was never put
	s.ring[s.next], s.next = g.secret, (s.next+1)%storeMax
	s.byID[g.secret] = g
}

func (s *store) drop(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, secret)
}

// valid returns the grant of a secret that has not ended.
func (s *store) valid(secret string, now time.Time) (grant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.byID[secret]
	if g == nil || !now.Before(g.expires) {
		return grant{}, false
	}
	return *g, true
}

// use takes a code. A second time it returns the access token that the first one brought, for then somebody else has
// the code too and neither may keep what it opened. ok is false for a code that is unknown, over or used.
func (s *store) use(code, access string, now time.Time) (g grant, stolen string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.byID[code]
	if found == nil || !now.Before(found.expires) {
		return grant{}, "", false
	}
	if found.used {
		return grant{}, found.access, false
	}
	found.used, found.access = true, access
	return *found, "", true
}
