// Package client is the one wiring that window and terminal share: it opens a profile, hooks key store, sessions,
// log-in, Turnkey's client and the local sandbox together, and offers what a person does with them.
//
// It owns which parts meet and in which order they start and end, the choice of the key store, the repair of an
// answer into a session's end, and the gate in front of every stamp: whose turn it is to be asked, and the file of
// approval rules. It does not own how any part works, nor how anything is shown. It depends on nearly
// every package of the device's side and on local; on chain for the addresses of wallets that log in.
package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/journal"
	"latchkey/internal/keystore"
	"latchkey/internal/login"
	"latchkey/internal/p256"
	"latchkey/internal/profile"
	"latchkey/internal/session"
	"latchkey/internal/store"
	"latchkey/internal/turnkey"
)

// Options say where a client lives. Home is required, the rest has a useful zero value.
type Options struct {
	Home profile.Home
	Log  *slog.Logger
	Now  func() time.Time

	Profile   string            // the name of the profile to open; "": the one that flags, environment and file choose
	Flags     profile.Flags     // what a command line says; it counts before the environment and config.toml
	Transport http.RoundTripper // to API and backend; nil: http.DefaultTransport

	// Ask asks a person for the passphrase of the key file, where LATCHKEY_PASSPHRASE_FILE does not say it. nil:
	// nobody can be asked.
	Ask keystore.Ask

	// ScryptWork is what a new passphrase file costs to open, as a logarithm; see [keystore.PassphraseFile.SetWork].
	ScryptWork int

	// Approve asks a person whether a request may be stamped, one request at a time, and returns when ctx ends at the
	// latest. nil: nobody can be asked, and what must be asked is refused.
	Approve func(ctx context.Context, q Question) (Answer, error)
}

// Client is one opened profile. It is safe for parallel use.
type Client struct {
	home    profile.Home
	log     *slog.Logger
	now     func() time.Time
	dir     *store.Dir
	from    profile.Sources
	carrier http.RoundTripper // see transport
	stores  map[string]keystore.Store
	recall  func() (string, error) // the settings as they were: see readChoice
	reached atomic.Int32           // see Connection

	journal    *journal.Journal
	recorder   *journal.Recorder
	unrecorded atomic.Pointer[error]   // see JournalTrouble
	sealing    atomic.Pointer[running] // whose state key seals; the one of the last Open, also after Close

	gate   gate
	unread atomic.Pointer[error] // see RulesTrouble

	opening sync.Mutex // held by Open and Close, over keychain and network

	mu      sync.Mutex // guards what follows, and is never held over either
	profile profile.Profile
	run     *running // nil until Open
}

// running is what exists once a key store was chosen.
type running struct {
	place    place
	keys     keystore.Store
	sessions *session.Manager
	api      *turnkey.Client
	ways     *login.Ways
}

// New reads the profile's settings. It asks no keychain and opens no connection. Errors: fault.ProfileUnknown,
// fault.ProfileBad; those of the disk.
func New(o Options) (*Client, error) {
	p, from, err := load(o)
	if err != nil {
		return nil, err
	}
	c := &Client{home: o.Home, log: o.Log, now: o.Now, profile: p, from: from, carrier: o.Transport}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	if err := o.Home.Make(); err != nil {
		return nil, err
	}
	dir, err := store.Open(c.profile.Dir)
	if err != nil {
		return nil, err
	}
	dir.Notice = func(name string, err error) { c.log.Warn("an older file is in use", "file", name, "err", err) }
	c.dir = dir
	c.recall = sync.OnceValues(c.readChoice)
	c.stores = c.newStores(o)
	c.newJournal()
	c.gate = gate{person: o.Approve, turn: make(chan struct{}, 1)}
	return c, nil
}

// newStores returns the profile's key stores by their words. None of them is asked anything.
func (c *Client) newStores(o Options) map[string]keystore.Store {
	file := keystore.NewPassphraseFile(c.dir, c.profile.Name, c.asker(o.Ask))
	file.SetWork(o.ScryptWork)
	if c.passphraseFile() != "" {
		file.Unattended()
	}
	return map[string]keystore.Store{
		Keychain:   keystore.NewKeychain(c.profile.KeychainService, c.profile.Name),
		TPM:        keystore.NewTPM(c.dir, keystore.SystemTPM),
		Passphrase: file,
		Memory:     keystore.NewMemory(),
	}
}

// Profile returns the profile, with addresses and pins once it is open.
func (c *Client) Profile() profile.Profile {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.profile
}

// Health asks a key store how it is, without prompting the person.
func (c *Client) Health(ctx context.Context, backend string) keystore.Health {
	return health(ctx, c.stores[backend])
}

// Keys tells how the key store in use is, and its word, or Absent and "" before Open.
func (c *Client) Keys(ctx context.Context) (keystore.Health, string) {
	r, err := c.opened()
	if err != nil {
		return keystore.Health{State: keystore.Absent, Err: err}, ""
	}
	return health(ctx, r.keys), r.keys.Backend()
}

// Open starts or finds the sandbox, where the profile is that, restores the session and remembers the key store. It may wait for a person who
// is asked by the keychain; ctx limits that.
func (c *Client) Open(ctx context.Context, backend string) error {
	c.opening.Lock()
	defer c.opening.Unlock()
	if _, err := c.opened(); err == nil {
		return nil
	}
	keys, ok := c.stores[backend]
	if !ok {
		return fault.New(fault.ProfileBad, fmt.Errorf("key store %q", backend))
	}
	if h := health(ctx, keys); h.State == keystore.Absent || fault.CodeOf(h.Err) == fault.PassphraseNeeded {
		return h.Err
	}
	at, err := c.settle(ctx)
	if err != nil {
		return err
	}
	r, err := c.wire(ctx, at, keys)
	if err != nil {
		return errors.Join(err, at.close())
	}
	if err := c.remember(backend); err != nil {
		r.sessions.Close()
		return errors.Join(err, at.close())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.profile, c.run = at.profile, r
	return nil
}

// wire hooks the parts together over the place of the profile.
func (c *Client) wire(ctx context.Context, at place, keys keystore.Store) (*running, error) {
	p := at.profile
	notarizer, err := p256.ParsePublic(p.Pins.Notarizer)
	if err != nil {
		return nil, fault.New(fault.ProfileBad, err)
	}
	r := &running{place: at, keys: keys}
	r.sessions = &session.Manager{
		Profile: p.Name, Dir: c.dir, Keys: keys, Notarizer: notarizer, OrganizationParent: p.OrganizationID,
		Now: c.now, Log: c.log, Refresh: r.refresh, Everywhere: r.everywhere, Revoke: r.revoke, Probe: r.probe,
		Skew: r.skew, Others: c.others(keys),
	}
	r.api = &turnkey.Client{
		BaseURL: at.apiURL,
		Stamper: stamper{r.sessions}, HTTP: &http.Client{Transport: c.transport()}, Now: c.now,
		Before: func(ctx context.Context, q turnkey.Request) (string, error) { return c.approve(ctx, r, q) },
		After: func(ctx context.Context, x turnkey.Exchange) {
			c.heard(ctx, x)
			c.record(ctx, r, x)
		},
	}
	c.sealing.Store(r)
	r.ways = login.New(&login.Desk{
		Backend: &login.Backend{
			URL:   at.backendURL,
			Token: at.token,
			HTTP:  &http.Client{Transport: watched{&c.reached, c.transport()}},
		},
		API: r.api, Sessions: r.sessions, Keys: keys, Pins: p.Pins, OrganizationID: p.OrganizationID,
		SessionLength: p.SessionLength,
	})
	r.ways.OAuth.Settings, r.ways.OAuth.Transport = at.oauth, c.transport()
	if err := r.sessions.Open(ctx); err != nil {
		r.sessions.Close()
		return nil, err
	}
	return r, nil
}

// skew is what the service's clock is ahead of ours, by Turnkey's own answers, or before the first of them by the
// backend's.
func (r *running) skew() time.Duration { return cmp.Or(r.api.Skew(), r.ways.Backend.Skew()) }

// Connection says whether the service was reached when it was last called.
type Connection int32

// The answers.
const (
	Untried Connection = iota
	Connected
	Offline
)

// Connection returns how the last call to Turnkey or to the backend went.
func (c *Client) Connection() Connection { return Connection(c.reached.Load()) }

// heard notes from every exchange whether Turnkey can be reached.
func (c *Client) heard(_ context.Context, x turnkey.Exchange) {
	switch {
	case x.Status != 0:
		c.reached.Store(int32(Connected))
	case errors.Is(x.Err, fault.Unavailable):
		c.reached.Store(int32(Offline))
	}
}

// watched is the transport to the backend. It notes whether that can be reached.
type watched struct {
	reached *atomic.Int32
	by      http.RoundTripper
}

func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.by.RoundTrip(r)
	switch {
	case err == nil:
		w.reached.Store(int32(Connected))
	case r.Context().Err() == nil:
		w.reached.Store(int32(Offline))
	}
	return resp, err
}

// opened returns the wiring, or a failure before Open.
func (c *Client) opened() (*running, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.run == nil {
		return nil, fault.New(fault.ProfileShut, nil)
	}
	return c.run, nil
}

// Run keeps the session fresh and the sandbox served until ctx is done, its only clean end.
func (c *Client) Run(ctx context.Context) error {
	r, err := c.opened()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	work.Go(func() { r.place.run(ctx) })
	err = r.sessions.Run(ctx)
	cancel()
	work.Wait()
	return err
}

// Step does once what Run does all the time, and waits for it: for commands, which end soon.
func (c *Client) Step(ctx context.Context) error {
	r, err := c.opened()
	if err != nil {
		return err
	}
	return r.sessions.Step(ctx)
}

// Wake looks at clock and keychain at once: after sleep, on focus, and before something that needs the session.
func (c *Client) Wake() {
	if r, err := c.opened(); err == nil {
		r.sessions.Wake()
	}
}

// Skew returns what the service's clock is ahead of ours, or 0 while nothing is known.
func (c *Client) Skew() time.Duration {
	r, err := c.opened()
	if err != nil {
		return 0
	}
	return r.skew()
}

// Close waits for the journal, stops what this process serves and forgets unlocked keys. Sessions stay as they are.
func (c *Client) Close() error {
	c.opening.Lock()
	defer c.opening.Unlock()
	c.recorder.Flush()
	for _, s := range c.stores {
		s.Forget()
	}
	c.mu.Lock()
	r := c.run
	c.run = nil
	c.mu.Unlock()
	if r == nil {
		return nil
	}
	r.ways.Close()
	r.sessions.Close()
	return r.place.close()
}
