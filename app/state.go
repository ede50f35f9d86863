package app

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/login"
	"latchkey/internal/session"
)

// probeTime limits how long a key store may take to say how it is.
const probeTime = 3 * time.Second

// state is the page's picture of now.
func (a *App) state(ctx context.Context) State {
	a.mu.Lock()
	c, open, failed, stores, backend := a.client, a.open, a.failure, a.stores, a.backend
	a.mu.Unlock()
	s := State{
		Profile: profileView(c), Version: a.version, Phase: PhaseLoading, Connection: "none",
		Store: StoreView{State: "unknown"}, Stores: []StoreView{}, Now: ms(a.now()),
		Ways: WaysView{Providers: []ProviderView{}},
	}
	switch {
	case failed != nil:
		s.Phase, s.Failure = PhaseFailed, failure(failed)
	case c == nil:
	case !open && backend == "" && stores != nil:
		s.Phase, s.Stores = PhaseFirstRun, stores
	case open:
		a.openState(ctx, c, &s)
	}
	for _, known := range stores {
		if known.Backend == backend || backend == "" && s.Store.Backend == "" {
			known.Failure = cmp.Or(s.Store.Failure, known.Failure)
			s.Store = known
		}
	}
	return s
}

// openState fills in what an open profile adds.
func (a *App) openState(ctx context.Context, c *client.Client, s *State) {
	skew := c.Skew()
	s.SkewMs, s.Now = skew.Milliseconds(), ms(a.now().Add(skew))
	switch c.Connection() {
	case client.Untried:
	case client.Connected:
		s.Connection = "connected"
	case client.Offline:
		s.Connection = "offline"
	}
	switch c.Sessions().State() {
	case session.Loading:
		return
	case session.Authenticated:
		if active, ok := c.Sessions().Active(); ok {
			s.Phase, s.Session = PhaseIn, sessionView(active)
			return
		}
	case session.Unauthenticated:
	}
	if over, ok := c.Sessions().LastEnded(); ok {
		s.Phase, s.Ended = PhaseEnded, &EndedView{
			Reason: string(over.Ended.Reason), At: ms(over.Ended.At), Contact: over.Contact,
			Revoked: over.Ended.Revoked, EndsAt: ms(over.Ended.EndsAt),
			Kept: over.Ended.Kept,
		}
		return
	}
	s.Phase, s.Ways = PhaseWays, a.offered(c)
	ctx, cancel := context.WithTimeout(ctx, probeTime) // an attempt is sealed, and its key may be behind a question
	defer cancel()
	attempt, pending, err := c.Login().PendingFor(ctx, ours)
	switch {
	case errors.Is(err, fault.Locked): // the sealed log-in waits; the door stays open, and says what it waits for
		s.Store.Failure = failure(err)
	case err != nil:
		s.Phase, s.Failure = PhaseFailed, failure(err)
	case pending:
		s.PendingPublicKey = attempt.PublicKey
		s.Phase, s.Attempt = a.attempt(c, attempt)
	}
}

// attempt is a log-in under way, and the screen that is due for it.
func (a *App) attempt(c *client.Client, attempt login.Attempt) (Phase, *AttemptView) {
	v := &AttemptView{
		ID: attempt.ID, Method: attempt.Method, Contact: attempt.Contact, PublicKey: attempt.PublicKey,
		ExpiresAt: ms(attempt.Expires), ResendAt: ms(attempt.ResendAfter), Verified: attempt.Verified,
		Length: attempt.Length, Alphanumeric: attempt.Alphanumeric, TriesLeft: attempt.TriesLeft, Match: attempt.Match,
	}
	if at, err := url.Parse(attempt.URL); err == nil {
		v.Site = at.Host
	}
	if attempt.Length > 0 {
		return PhaseCode, v
	}
	if attempt.URL == "" && !attempt.Verified {
		return PhaseLink, v
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if w := a.waits[attempt.ID]; w != nil {
		v.Opened = w.opened
		if w.unopened != nil {
			v.Unopened = failure(w.unopened)
		}
		if w.failure != nil {
			v.Failure = failure(w.failure)
		}
	}
	return PhaseBrowser, v
}

func sessionView(s session.Session) *SessionView {
	return &SessionView{
		ID: s.ID, Label: s.Label, Contact: s.Contact, UserName: s.Contact, OrganizationID: s.OrganizationID,
		PublicKey: s.Key.PublicKey, KeyStore: s.Key.Backend, MadeAt: ms(s.Issued), ExpiresAt: ms(s.Expires),
		RefreshAt: ms(s.RefreshAt), LengthSeconds: int64(s.Length.Seconds()),
		Refreshing: s.Refreshing, RetryAt: ms(s.RetryAt),
	}
}

// probe asks every key store how it is, and remembers it: a picture of now must not wait for a keychain.
func (a *App) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	a.mu.Lock()
	used, c := a.backend, a.client
	a.mu.Unlock()
	if c == nil { // it was left meanwhile
		return
	}
	offered := []string{client.Keychain, client.Memory}
	if used != "" && !slices.Contains(offered, used) { // chosen by a setting, or from the terminal
		offered = append(offered, used)
	}
	stores := []StoreView{}
	for _, backend := range offered {
		stores = append(stores, view(backend, c.Health(ctx, backend)))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client == c {
		a.stores = stores
	}
}

// view tells how well a key store protects, in a word and in quarters.
func view(backend string, h keystore.Health) StoreView {
	v := StoreView{Backend: backend, Name: h.Name, State: string(h.State), Available: true}
	switch h.State {
	case keystore.Protected:
		v.Strength, v.Word = 3, "Good"
	case keystore.Locked:
		v.Strength, v.Word, v.Reason = 3, "Good", "It will ask for its password."
	case keystore.Passphrase:
		v.Strength, v.Word, v.Reason = 2, "Fair", "Asked once per start."
	case keystore.InMemory:
		v.Strength, v.Word, v.Reason = 1, "Brief", "You log in again next time."
	case keystore.Absent:
		v.Available, v.Reason = false, "It was not found."
	}
	if h.Err != nil {
		v.Failure = failure(h.Err)
		if !v.Available {
			v.Reason = v.Failure.Title + "."
		}
	}
	return v
}
