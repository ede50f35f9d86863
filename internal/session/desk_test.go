package session

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/session/sessiontest"
	"latchkey/internal/store"
)

// clock is a wall clock that is set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_800_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// desk is a profile's folder, a key store that outlives processes, and the service.
type desk struct {
	t      testing.TB
	dir    string
	keys   *sessiontest.Keys
	chip   *sessiontest.Keys // another store, which outlives processes too
	vendor *sessiontest.Vendor
	clock  *clock
	client sessiontest.Client
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{t: t, dir: sessiontest.Folder(t), clock: newClock()}
	d.keys = &sessiontest.Keys{Dir: filepath.Join(d.dir, "keys")}
	d.chip = chipIn(d.dir)
	for _, keys := range []*sessiontest.Keys{d.keys, d.chip} {
		if err := os.MkdirAll(keys.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	d.vendor = sessiontest.NewVendor(d.clock.Now)
	d.client = sessiontest.Client{Vendor: d.vendor}
	return d
}

// chipIn is the other store of the desk in dir.
func chipIn(dir string) *sessiontest.Keys {
	return &sessiontest.Keys{Dir: filepath.Join(dir, "chip"), Name: "tpm"}
}

// manager returns a Manager on the desk, as a process that starts would have it, not yet open.
func (d *desk) manager(keys keystore.Store) *Manager {
	d.t.Helper()
	dir, err := store.Open(filepath.Join(d.dir, "state"))
	if err != nil {
		d.t.Fatal(err)
	}
	m := manage(dir, keys, d.client, d.clock.Now)
	if keys != d.chip {
		m.Others = []keystore.Store{d.chip}
	}
	return m
}

// manage wires a Manager to the stand-in of the service.
func manage(dir *store.Dir, keys keystore.Store, client sessiontest.Client, now func() time.Time) *Manager {
	m := &Manager{Profile: "test", Dir: dir, Keys: keys, OrganizationParent: sessiontest.Parent, Now: now}
	if client.Vendor != nil {
		m.Notarizer = &client.Vendor.Notarizer.PublicKey
	}
	m.Refresh = func(ctx context.Context, s Session, current keystore.Signer, next string) (string, error) {
		reply, err := client.Do(ctx, current, sessiontest.Request{
			Op: sessiontest.OpStamp, OrganizationID: s.OrganizationID, PublicKey: next, Seconds: int64(s.Length / time.Second),
		})
		return reply.JWT, err
	}
	m.Everywhere = func(ctx context.Context, s Session, current keystore.Signer, next string) (string, error) {
		reply, err := client.Do(ctx, current, sessiontest.Request{
			Op: sessiontest.OpStampAlone, OrganizationID: s.OrganizationID, PublicKey: next, Seconds: int64(s.Length / time.Second),
		})
		return reply.JWT, err
	}
	m.Revoke = func(ctx context.Context, s Session, by keystore.Signer, publicKey string) error {
		_, err := client.Do(ctx, by, sessiontest.Request{Op: sessiontest.OpRevoke, OrganizationID: s.OrganizationID, PublicKey: publicKey})
		return err
	}
	m.Probe = func(ctx context.Context, s Session, by keystore.Signer) error {
		_, err := client.Do(ctx, by, sessiontest.Request{Op: sessiontest.OpWhoami, OrganizationID: s.OrganizationID})
		return err
	}
	return m
}

// open returns an open Manager with the desk's own keys.
func (d *desk) open() *Manager {
	d.t.Helper()
	m := d.manager(d.keys)
	if err := m.Open(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return m
}

// logIn goes through a log-in without its method.
func (d *desk) logIn(m *Manager, length time.Duration) Session {
	d.t.Helper()
	s, err := logIn(d.t.Context(), m, d.client, length)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

func logIn(ctx context.Context, m *Manager, client sessiontest.Client, length time.Duration) (Session, error) {
	key, err := m.NewPendingKey(ctx, "login")
	if err != nil {
		return Session{}, err
	}
	a := Attempt{ID: "attempt-" + key.PublicKey()[:8], Method: "test", PublicKey: key.PublicKey(), Data: []byte(sessiontest.Canary("code"))}
	if err := m.PutAttempt(ctx, a); err != nil {
		return Session{}, err
	}
	return finishLogIn(ctx, m, client, a, length)
}

// finishLogIn asks the service and stores the session, for an attempt that is kept.
func finishLogIn(ctx context.Context, m *Manager, client sessiontest.Client, a Attempt, length time.Duration) (Session, error) {
	a.OrganizationID, a.KeyEnds = sessiontest.Organization, m.Time().Add(length+time.Minute)
	if err := m.PutAttempt(ctx, a); err != nil {
		return Session{}, err
	}
	m.reached("ask for a log-in")
	reply, err := client.Do(ctx, nil, sessiontest.Request{
		Op: sessiontest.OpLogin, OrganizationID: sessiontest.Organization, PublicKey: a.PublicKey, Seconds: int64(length / time.Second),
	})
	if err != nil {
		return Session{}, err
	}
	m.reached("logged in")
	return m.Store(ctx, StoreRequest{
		JWT: reply.JWT, PublicKey: a.PublicKey, OrganizationID: sessiontest.Organization, Contact: "user@example.com",
		Method: "test", Length: length, Attempt: a.ID, Select: true,
	})
}

// step lets everything happen that is due, and what follows from it.
func (d *desk) step(m *Manager) {
	d.t.Helper()
	for range 3 {
		if err := m.Step(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
	}
}

// accounted checks that nobody holds a key that the file does not name: neither this machine nor the service.
func (d *desk) accounted(m *Manager) {
	d.t.Helper()
	if err := m.sync(); err != nil {
		d.t.Fatal(err)
	}
	names := m.PublicKeys()
	for _, k := range append(d.keys.List(), d.chip.List()...) {
		if !slices.Contains(names, k) {
			d.t.Errorf("a key store holds %s, which nobody accounts for", k)
		}
	}
	for _, k := range d.vendor.Live() {
		if !slices.Contains(names, k) {
			d.t.Errorf("the service knows %s, which nobody accounts for", k)
		}
	}
}

// stamp signs something with the active session and reports whether the service would take it.
func (d *desk) stamp(m *Manager) error {
	signer, err := m.Signer(context.Background(), "")
	if err != nil {
		return err
	}
	_, err = d.client.Do(context.Background(), signer, sessiontest.Request{Op: sessiontest.OpWhoami, OrganizationID: sessiontest.Organization})
	return err
}

var errLost = fault.New(fault.APIDown, errors.New("the answer was lost"))
