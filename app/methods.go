package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/internal/client"
	"latchkey/internal/fault"
)

// The bound methods: together with Ready these are all that the page may call. bound_test.go holds the list.

// State returns everything that is not a list.
func (a *App) State() (State, error) {
	return call(a, "State", func(ctx context.Context) (State, error) { return a.state(ctx), nil })
}

// CheckStores asks the key stores again how they are, or opens the profile again after a failure.
func (a *App) CheckStores() (State, error) {
	return call(a, "CheckStores", func(ctx context.Context) (State, error) {
		a.mu.Lock()
		c, failed, backend, open := a.client, a.failure != nil, a.backend, a.open
		a.mu.Unlock()
		switch {
		case open:
		case failed && backend == "": // it failed before a key store was chosen
			a.mu.Lock()
			a.failure = nil
			a.mu.Unlock()
			a.begin(ctx)
		case c == nil: // still beginning
		case failed && backend != "":
			a.start(ctx, c, backend)
		default:
			a.probe(ctx)
		}
		return a.state(ctx), nil
	})
}

// ChooseStores leaves the failure of a key store for the choice of another.
func (a *App) ChooseStores() (State, error) {
	return call(a, "ChooseStores", func(ctx context.Context) (State, error) {
		a.mu.Lock()
		ready := a.client != nil && !a.open
		if ready {
			a.failure, a.backend = nil, ""
		}
		a.mu.Unlock()
		if ready {
			a.probe(ctx)
		}
		return a.state(ctx), nil
	})
}

// Start leaves the first run with a key store: "keychain" or "memory".
func (a *App) Start(backend string) (State, error) {
	return call(a, "Start", func(ctx context.Context) (State, error) {
		if backend != client.Keychain && backend != client.Memory {
			return State{}, fault.New(fault.RequestInvalid, errors.New("no such key store"))
		}
		a.mu.Lock()
		c, open := a.client, a.open
		a.mu.Unlock()
		if c != nil && !open {
			a.start(ctx, c, backend)
		}
		return a.state(ctx), nil
	}, backend)
}

// SandboxCode returns the newest code, or sealed key, that the sandbox sent for an attempt, so that it can be filled in.
func (a *App) SandboxCode(attemptID string) (string, error) {
	return call(a, "SandboxCode", func(ctx context.Context) (string, error) {
		c, err := a.opened()
		if err != nil {
			return "", err
		}
		attempt, err := pending(ctx, c, attemptID)
		if err != nil {
			return "", err
		}
		if attempt.Length == 0 {
			return c.SandboxKey(ctx, attempt.Contact)
		}
		return c.SandboxCode(ctx, attempt.Contact)
	}, attemptID)
}

// Wallets returns the wallets of the active session with their addresses.
func (a *App) Wallets() ([]Wallet, error) {
	return call(a, "Wallets", func(ctx context.Context) ([]Wallet, error) {
		c, err := a.opened()
		if err != nil {
			return nil, err
		}
		wallets, err := c.Wallets(ctx)
		if err != nil {
			a.changed() // the session may have ended, or the network
			return nil, err
		}
		views := make([]Wallet, len(wallets))
		for i, w := range wallets {
			views[i] = wallet(w)
		}
		return views, nil
	})
}

// maxChains is far above the chains there are.
const maxChains = 16

// CreateWallet makes a wallet with the first account of each chain.
func (a *App) CreateWallet(name string, chains []string) (Wallet, error) {
	return call(a, "CreateWallet", func(ctx context.Context) (Wallet, error) {
		if len(chains) > maxChains {
			return Wallet{}, fault.New(fault.RequestInvalid, fmt.Errorf("%d chains", len(chains)))
		}
		c, err := a.opened()
		if err != nil {
			return Wallet{}, err
		}
		w, err := c.CreateWallet(ctx, strings.TrimSpace(name), chains)
		if err != nil {
			a.changed()
			return Wallet{}, err
		}
		return wallet(w), nil
	}, append([]string{name}, chains...)...)
}

func wallet(w client.Wallet) Wallet {
	view := Wallet{ID: w.ID, Name: w.Name, CreatedAt: ms(w.Created), Exported: w.Exported, Imported: w.Imported, Accounts: []Account{}}
	for _, acc := range w.Accounts {
		view.Accounts = append(view.Accounts, Account(acc))
	}
	return view
}

// RefreshSession refreshes the active session now.
func (a *App) RefreshSession() (State, error) {
	return call(a, "RefreshSession", func(ctx context.Context) (State, error) {
		c, err := a.opened()
		if err != nil {
			return State{}, err
		}
		s, ok := c.Sessions().Active()
		if !ok {
			return State{}, fault.New(fault.SessionNone, nil)
		}
		if _, err := c.Sessions().RefreshNow(ctx, s.ID); err != nil {
			return State{}, err
		}
		return a.state(ctx), nil
	})
}

// LogOut ends the active session.
func (a *App) LogOut() (State, error) {
	return call(a, "LogOut", func(ctx context.Context) (State, error) {
		c, err := a.opened()
		if err != nil {
			return State{}, err
		}
		if _, err := c.LogOut(ctx); err != nil {
			return State{}, err
		}
		a.changed()
		return a.state(ctx), nil
	})
}

// Acknowledge leaves the notice of a session's end.
func (a *App) Acknowledge() (State, error) {
	return call(a, "Acknowledge", func(ctx context.Context) (State, error) {
		c, err := a.opened()
		if err != nil {
			return State{}, err
		}
		if ended, ok := c.Sessions().LastEnded(); ok {
			if err := c.Sessions().Dismiss(ctx, ended.ID); err != nil {
				return State{}, err
			}
		}
		return a.state(ctx), nil
	})
}

// focusPause is how often looking at everything anew may be asked for.
const focusPause = 2 * time.Second

// Focus is called when the window comes to the front, or the page notices that time was skipped: clock, network and
// keychain are looked at anew. A refresh that waited for the network is tried at once.
func (a *App) Focus() error {
	_, err := call(a, "Focus", func(ctx context.Context) (struct{}, error) {
		a.mu.Lock()
		c, open, now := a.client, a.open, a.now()
		due := c != nil && now.Sub(a.focused).Abs() >= focusPause
		if due {
			a.focused = now
		}
		a.mu.Unlock()
		if due {
			c.Wake()
			if open {
				a.goes(func(ctx context.Context) { a.askOffers(ctx, c) })
			}
			a.probe(ctx)
			a.changed()
		}
		return struct{}{}, nil
	})
	return err
}

// Copy puts text on the clipboard.
func (a *App) Copy(text string) error {
	_, err := call(a, "Copy", func(context.Context) (struct{}, error) {
		a.mu.Lock()
		w := a.window
		a.mu.Unlock()
		return struct{}{}, w.Copy(text)
	}, text)
	return err
}

// opened returns the client once the profile is open.
func (a *App) opened() (*client.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.open {
		return nil, fault.New(fault.ProfileShut, nil)
	}
	return a.client, nil
}
