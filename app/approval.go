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

// dialog asks one question when those before it are closed. It reports how long it was seen: the wait for its turn does
// not count.
func (a *App) dialog(ctx context.Context, text string) (yes bool, seen time.Duration, err error) {
	type answer struct {
		yes  bool
		seen time.Duration
	}
	got, err := shown(ctx, a, func(w Window) (answer, error) {
		begun := a.now()
		yes, err := w.Ask(text)
		return answer{yes, a.now().Sub(begun)}, err
	})
	return got.yes, got.seen, err
}

// chooseFile has the person choose a file. Errors: fault.Cancel when there is none; those of dialog.
func (a *App) chooseFile(ctx context.Context, title string) (path string, err error) {
	path, err = shown(ctx, a, func(w Window) (string, error) { return w.ChooseFile(title) })
	if err == nil && path == "" {
		err = fault.New(fault.Cancel, nil)
	}
	return path, err
}

// shown shows one dialog of the system's when those before it are closed.
func shown[T any](ctx context.Context, a *App, show func(Window) (T, error)) (none T, err error) {
	a.mu.Lock()
	w := a.window
	a.mu.Unlock()
	if w == nil {
		return none, fault.New(fault.ApprovalNeeded, nil)
	}
	select {
	case a.asking <- struct{}{}:
	case <-ctx.Done():
		return none, fault.New(fault.Cancel, ctx.Err())
	}
	type answer struct {
		got T
		err error
	}
	answers := make(chan answer, 1)
	go func() { // outlives ctx until the dialog is closed
		defer func() { <-a.asking }()
		got, err := show(w)
		answers <- answer{got, err}
	}()
	select {
	case said := <-answers:
		if said.err != nil {
			return none, fault.New(fault.ApprovalNeeded, said.err)
		}
		return said.got, nil
	case <-ctx.Done():
		return none, fault.New(fault.Cancel, ctx.Err())
	}
}
