package login

import (
	"context"
	"sync"

	"latchkey/internal/ceremony"
	"latchkey/internal/fault"
	"latchkey/internal/session"
)

// homes are the listeners of attempts that wait for the browser, each for its own. It is safe for parallel use.
type homes struct {
	mu sync.Mutex
	by map[string]*ceremony.Listener // by attempt
}

// settle notes an attempt's listener.
func (h *homes) settle(attemptID string, l *ceremony.Listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by == nil {
		h.by = map[string]*ceremony.Listener{}
	}
	h.by[attemptID] = l
}

// again returns the listener of an attempt that is to come back to home: the one that waits, or the same again after a
// restart. Errors: fault.BrowserLate when another program is there now.
func (h *homes) again(attemptID, home string, e ceremony.Expect) (*ceremony.Listener, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l := h.by[attemptID]; l != nil && l.RedirectURI() == home {
		return l, nil
	}
	e.Again = home
	l, err := ceremony.Listen(e)
	if err != nil {
		return nil, fault.New(fault.BrowserLate, err)
	}
	if h.by == nil {
		h.by = map[string]*ceremony.Listener{}
	}
	h.by[attemptID] = l
	return l, nil
}

// leave ends the wait for an attempt's browser.
func (h *homes) leave(attemptID string) {
	h.mu.Lock()
	l := h.by[attemptID]
	delete(h.by, attemptID)
	h.mu.Unlock()
	if l != nil {
		l.Close()
	}
}

// close ends the wait for every browser. What is kept of the attempts stays.
func (h *homes) close() {
	h.mu.Lock()
	all := h.by
	h.by = nil
	h.mu.Unlock()
	for _, l := range all {
		l.Close()
	}
}

// tidy closes the listeners of attempts that are over.
func (h *homes) tidy(ctx context.Context, sessions *session.Manager) {
	h.mu.Lock()
	var ids []string
	for id := range h.by {
		ids = append(ids, id)
	}
	h.mu.Unlock()
	for _, id := range ids {
		if _, err := sessions.GetAttempt(ctx, id); fault.CodeOf(err) == fault.AttemptOver {
			h.leave(id)
		}
	}
}
