// Package app is what the window adds: the bound methods, the views they return, the words of failures, and the window
// itself.
//
// The page is taken for hostile: it may ask for anything that is bound, and learns only views. So every method takes
// strings, is measured, has a deadline and survives a panic ([call]), and no session key, API key or token is in any
// answer. State lives here and below; the page asks again when it hears [ChangedEvent].
//
// It owns the phases of the window. It does not own log-in, sessions or wallets: client does. It depends on client and
// on Wails, which only run.go knows.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/profile"
	"latchkey/internal/session"
)

// ChangedEvent is the one event that Go sends to the page. It carries nothing.
const ChangedEvent = "latchkey:changed"

// Options set an App up. Log is required.
type Options struct {
	Version string
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
}

// Window is what an App needs of the window around it.
type Window interface {
	Changed()               // tells the page to ask again
	Copy(text string) error // puts text on the clipboard
	Title(text string)      // names the window
	Open(url string) error  // opens the system's browser, or says why not
	Raise()                 // brings the window to the front

	// ChooseFile lets the person choose a file in a dialog of the system's own, and returns its path, or "" when the
	// person turned away.
	ChooseFile(title string) (path string, err error)

	// Ask puts a question in a dialog of the system's own, which the page can neither see nor press, and returns whether
	// the answer was yes. It returns when the dialog is closed.
	Ask(text string) (yes bool, err error)
}

// App is bound to the page: each exported method can be called by it. Whatever the page must not call is a function
// of this package instead.
type App struct {
	version string
	log     *slog.Logger
	now     func() time.Time

	work    sync.WaitGroup // what begin started
	asking  chan struct{}  // holds one while a dialog is shown
	opening sync.Mutex     // held by prepare and start, over keychain and network: two Starts at once open once

	mu      sync.Mutex
	ctx     context.Context // of the window, from Attach to Close: the one context that is stored
	cancel  context.CancelFunc
	window  Window
	begun   bool
	profile string              // to open; "": as the settings say
	client  *client.Client      // nil until begin
	open    bool                // the client is open
	stop    context.CancelFunc  // ends what follows the client
	done    *sync.WaitGroup     // and when it has ended
	backend string              // the key store in use
	stores  []StoreView         // as probed last
	failure error               // why opening failed
	focused time.Time           // when Focus last looked
	offers  login.Offers        // what the backend said last
	waits   map[string]*waiting // log-ins that go on by themselves, by their attempts' ids
}

// New returns an App that waits for its page.
func New(o Options) *App {
	a := &App{version: o.Version, log: o.Log, now: o.Now, ctx: context.Background(), asking: make(chan struct{}, 1)}
	if a.now == nil {
		a.now = time.Now
	}
	return a
}

// Attach gives the App its window. Nothing with effects happens before the page reports that it is ready.
func Attach(ctx context.Context, a *App, w Window) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ctx, a.cancel = context.WithCancel(ctx)
	a.window = w
}

// Close ends what runs, waits for it, and stops the sandbox.
func Close(a *App) {
	a.mu.Lock()
	cancel := a.cancel
	a.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	a.work.Wait()
	a.mu.Lock()
	c := a.client
	a.mu.Unlock()
	if c != nil {
		if err := c.Close(); err != nil {
			a.log.Error("close", "err", err)
		}
	}
}

// context returns the window's context.
func (a *App) context() context.Context {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ctx
}

// changed tells the page to ask again.
func (a *App) changed() {
	a.mu.Lock()
	w := a.window
	a.mu.Unlock()
	if w != nil {
		w.Changed()
	}
}

// goes runs f until the window closes; Close waits for it. A panic in it is shown as a failure, not as the end of the
// program.
func (a *App) goes(f func(ctx context.Context)) {
	ctx := a.context()
	a.work.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				a.fail(fmt.Errorf("panic: %T", p))
				a.changed()
			}
		}()
		f(ctx)
	})
}

// Ready is called once the page has painted. Only now is a keychain asked, a port opened or a file written.
func (a *App) Ready() error {
	_, err := call(a, "Ready", func(context.Context) (struct{}, error) {
		a.mu.Lock()
		first := !a.begun
		a.begun = true
		a.mu.Unlock()
		if first {
			a.goes(a.begin)
		}
		return struct{}{}, nil
	})
	return err
}

// begin reads the settings and opens the profile, or asks where keys shall live.
func (a *App) begin(ctx context.Context) {
	defer a.changed()
	if err := a.prepare(); err != nil {
		a.fail(err)
		return
	}
	a.mu.Lock()
	c := a.client
	a.mu.Unlock()
	if c == nil { // it was left meanwhile, for another that begins by itself
		return
	}
	backend, err := c.Chosen()
	switch {
	case err != nil:
		a.fail(err)
	case backend == "":
		a.probe(ctx)
	default:
		a.start(ctx, c, backend)
	}
}

// prepare makes the client, once. It may be called again after a failure.
func (a *App) prepare() error {
	a.opening.Lock()
	defer a.opening.Unlock()
	a.mu.Lock()
	made, name, w := a.client != nil, a.profile, a.window
	a.mu.Unlock()
	if made {
		return nil
	}
	home, err := profile.DefaultHome()
	if err != nil {
		return err
	}
	c, err := client.New(client.Options{Home: home, Profile: name, Log: a.log, Now: a.now, Approve: a.approve})
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.client = c
	a.mu.Unlock()
	if w != nil {
		w.Title(title(c.Profile().Kind))
	}
	return nil
}

// fail shows why the profile cannot be opened.
func (a *App) fail(err error) {
	a.log.Warn("cannot open the profile", "code", fault.CodeOf(err), "err", err)
	a.mu.Lock()
	a.failure = err
	a.mu.Unlock()
}

// start opens c with the key store that was chosen for it, and follows its events until the window closes. If it was left
// meanwhile for another profile, nothing happens: a choice made for one is none for another.
func (a *App) start(ctx context.Context, c *client.Client, backend string) {
	a.opening.Lock()
	defer a.opening.Unlock()
	a.mu.Lock()
	ready := a.client == c && !a.open
	if ready {
		a.backend, a.failure = backend, nil
	}
	a.mu.Unlock()
	if !ready {
		return
	}
	opening, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	a.probe(opening)
	defer a.probe(ctx) // what was locked may have been unlocked
	if err := c.Open(opening, backend); err != nil {
		a.fail(err)
		return
	}
	events, unsubscribe := c.Sessions().Subscribe()
	while, stop := context.WithCancel(a.context())
	done := &sync.WaitGroup{}
	done.Add(2)
	a.mu.Lock()
	a.open, a.backend = true, backend // whatever was chosen meanwhile
	a.stop, a.done = stop, done
	a.mu.Unlock()
	a.attend(opening, c)
	a.goes(func(context.Context) {
		defer done.Done()
		defer unsubscribe()
		a.follow(while, events)
	})
	a.goes(func(ctx context.Context) { a.askOffers(ctx, c) })
	a.goes(func(context.Context) {
		defer done.Done()
		ctx := while
		if err := c.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			a.log.Error("sessions stopped", "err", err)
		}
	})
}

// follow turns the session's events into changes of the page.
func (a *App) follow(ctx context.Context, events <-chan session.Event) {
	for {
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			a.log.Debug("session", "event", e.Type, "reason", e.Reason, "err", e.Err)
			a.changed()
		case <-ctx.Done():
			return
		}
	}
}
