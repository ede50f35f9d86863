package app

import (
	"context"
	"strings"
	"time"

	"latchkey/internal/client"
	"latchkey/internal/fault"
)

// seenFirst is how long a dialog must have been on the screen before a yes counts: less is a key press that was meant
// for what lay under it.
const seenFirst = 700 * time.Millisecond

// approve asks the person, in a dialog outside the page, whether a request may be stamped. A yes that comes too soon is
// asked for again. When ctx ends first the question is over, but its dialog stays until it is closed: the next one is
// not put before, so that no answer can be meant for another question. Errors: fault.Cancel when ctx ends;
// fault.ApprovalNeeded when no window can ask.
func (a *App) approve(ctx context.Context, q client.Question) (client.Answer, error) {
	for {
		yes, seen, err := a.dialog(ctx, question(q))
		switch {
		case err != nil:
			return client.Answer{}, err
		case !yes:
			return client.Answer{}, nil
		case seen >= seenFirst:
			return q.Consent(client.Typed), nil
		}
		a.log.Info("a yes came before the question could be read", "request", q.Summary.Digest)
	}
}

// question is what the dialog says.
func question(q client.Question) string {
	lines := q.Summary.Shown()
	text := lines[0] + "\n\n" + strings.Join(lines[1:], "\n")
	if q.EachTime() {
		text += "\n\nThis is asked each time."
	}
	return text + "\n\nStamp it with your key?"
}

// dialog shows one question when those before it are closed. It reports how long it was seen: the wait for its turn does
// not count.
func (a *App) dialog(ctx context.Context, text string) (yes bool, seen time.Duration, err error) {
	a.mu.Lock()
	w := a.window
	a.mu.Unlock()
	if w == nil {
		return false, 0, fault.New(fault.ApprovalNeeded, nil)
	}
	select {
	case a.asking <- struct{}{}:
	case <-ctx.Done():
		return false, 0, fault.New(fault.Cancel, ctx.Err())
	}
	type answer struct {
		yes  bool
		seen time.Duration
		err  error
	}
	answers := make(chan answer, 1)
	go func() { // outlives ctx until the dialog is closed
		defer func() { <-a.asking }()
		shown := a.now()
		yes, err := w.Ask(text)
		answers <- answer{yes, a.now().Sub(shown), err}
	}()
	select {
	case got := <-answers:
		if got.err != nil {
			return false, 0, fault.New(fault.ApprovalNeeded, got.err)
		}
		return got.yes, got.seen, nil
	case <-ctx.Done():
		return false, 0, fault.New(fault.Cancel, ctx.Err())
	}
}
