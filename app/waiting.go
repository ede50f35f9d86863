package app

import (
	"context"
	"fmt"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/login"
)

// waiting is one attempt that goes on by itself, in the background, when an answer comes from the browser. It is guarded
// by App.mu.
type waiting struct {
	stop     context.CancelFunc
	over     chan struct{} // closed when nobody waits any more; nil before somebody did
	failure  error         // why not; nil while somebody waits
	opened   bool          // the browser was opened for it
	unopened error         // why not; nil when nobody tried
}

// here is the window's word in what it begins.
const here = "window"

// ours reports whether the window has a use for an attempt: what waits for the browser or a message and was begun in a
// terminal goes on there.
func ours(attempt login.Attempt) bool { return attempt.By == here || attempt.Length > 0 }

// waits reports whether an attempt goes on by itself, by an answer of the browser.
func waits(attempt login.Attempt) bool { return attempt.By == here && attempt.URL != "" }

// attend sees to it that the attempt under way is waited for, if that is how it goes on. One whose waiting failed rests
// until the person says what next.
func (a *App) attend(ctx context.Context, c *client.Client) {
	attempt, ok, err := c.Login().PendingFor(ctx, ours)
	if err != nil || !ok || !waits(attempt) {
		return // the state tells why
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.open || a.client != c {
		return
	}
	w := a.waiting(attempt.ID)
	if w.over != nil {
		return
	}
	id, over := attempt.ID, make(chan struct{})
	within, stop := context.WithCancel(a.ctx)
	w.stop, w.over = stop, over
	a.work.Go(func() {
		defer close(over)
		defer stop()
		defer func() { // not goes: what breaks here is this attempt's failure, not the window's
			if p := recover(); p != nil {
				a.came(within, id, fmt.Errorf("panic: %T", p))
			}
		}()
		_, err := c.Login().Continue(within, id, "")
		a.came(within, id, err)
	})
}

// waiting returns the note of an attempt, and makes one if there is none. The caller holds mu.
func (a *App) waiting(attemptID string) *waiting {
	if a.waits == nil {
		a.waits = map[string]*waiting{}
	}
	w := a.waits[attemptID]
	if w == nil {
		w = &waiting{}
		a.waits[attemptID] = w
	}
	return w
}

// came notes how the waiting for an attempt ended, and brings the window to the front: the person is elsewhere, in the
// browser.
func (a *App) came(ctx context.Context, attemptID string, err error) {
	if ctx.Err() != nil { // whoever stopped it knows
		return
	}
	a.mu.Lock()
	window, w := a.window, a.waits[attemptID]
	over := fault.CodeOf(err) == fault.AttemptOver // it went on, or was given up, elsewhere
	if err == nil || over {
		delete(a.waits, attemptID)
	} else if w != nil {
		w.failure = err
		a.log.Info("a log-in did not go on", "code", fault.CodeOf(err), "err", err)
	}
	a.mu.Unlock()
	a.changed()
	if !over {
		window.Raise()
	}
}

// rest stops the waiting for an attempt, and returns when nobody waits any more. What is known of its failure stays.
func (a *App) rest(attemptID string) {
	a.mu.Lock()
	w := a.waits[attemptID]
	if w == nil || w.over == nil {
		a.mu.Unlock()
		return
	}
	stop, over := w.stop, w.over
	a.mu.Unlock()
	stop()
	<-over
	a.mu.Lock()
	defer a.mu.Unlock()
	if w.failure == nil {
		w.over = nil // attend may begin anew
	}
}

// forget ends the waiting for an attempt, and what is known of it.
func (a *App) forget(attemptID string) {
	a.rest(attemptID)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waits, attemptID)
}

// forgetAll ends every waiting: the profile is left.
func (a *App) forgetAll() {
	a.mu.Lock()
	ids := []string{}
	for id := range a.waits {
		ids = append(ids, id)
	}
	a.mu.Unlock()
	for _, id := range ids {
		a.forget(id)
	}
}

// browse opens the attempt's page in the system's browser. That it could not is no failure of the log-in: the link can be
// opened elsewhere, so it is told beside it. Errors: fault.BrowserUnopened.
func (a *App) browse(attempt login.Attempt) error {
	if attempt.URL == "" {
		return nil
	}
	a.mu.Lock()
	window := a.window
	a.mu.Unlock()
	err := window.Open(attempt.URL)
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.waiting(attempt.ID)
	w.opened, w.unopened = err == nil, err
	return err
}
