package session

import (
	"context"
	"crypto/ecdsa"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/internal/keystore"
	"latchkey/internal/store"
)

// RefreshFunc asks the service for a session of nextPublicKey, stamped by current: the session's own key. It returns
// the token. Errors keep their fault codes: SessionRejected and SessionExpired say that the service does not know
// current; what is of kind Unavailable or has no kind says nothing about whether the request arrived.
type RefreshFunc func(ctx context.Context, s Session, current keystore.Signer, nextPublicKey string) (jwt string, err error)

// RevokeFunc makes the service forget publicKey, a key of s's user, stamped by by, which may be that key itself. A key
// that the service does not know is of kind NotFound, or SessionRejected when by is that key. s.UserID is empty where
// a log-in was given up before anybody knew it.
type RevokeFunc func(ctx context.Context, s Session, by keystore.Signer, publicKey string) error

// ProbeFunc reports whether the service accepts by as a key of s's user: nil, or SessionRejected or SessionExpired; any
// other error says nothing.
type ProbeFunc func(ctx context.Context, s Session, by keystore.Signer) error

// Manager keeps the sessions of one profile. Set the fields, call Open once, then Run or, in a program that ends soon,
// Step. Its methods are safe for parallel use, and several processes may have a Manager on one folder.
type Manager struct {
	Profile            string
	Dir                *store.Dir
	Keys               keystore.Store       // where the keys of log-ins are made, and the state key is
	Others             []keystore.Store     // where the keys of earlier sessions may be
	Notarizer          *ecdsa.PublicKey     // signs session tokens; required before a session is stored or refreshed
	OrganizationParent string               // no user's session is of this organization; "" when it is not known
	Now                func() time.Time     // the wall clock; nil: time.Now
	Skew               func() time.Duration // what the service's clock is ahead; nil: nothing. Counts over 30 seconds
	ExpiringAhead      time.Duration        // when Expiring is told before an end that no refresh put off; 0: a minute. At most half of what refreshes have
	Refresh            RefreshFunc
	Everywhere         RefreshFunc // as Refresh, and the service forgets every other log-in key of the user
	Revoke             RevokeFunc
	Probe              ProbeFunc
	Log                *slog.Logger // nil: nothing is logged

	listeners listeners
	once      sync.Once
	wake      chan struct{}
	seal      sealing
	clock     clockwork
	alone     atomic.Bool       // this process holds memoryLock: what is in memory at all is in its memory
	step      func(name string) // told before every step of a write order; for tests that kill
	every     time.Duration     // how often the clock is looked at, 0: tick; for the test that shows what that is for

	mu      sync.Mutex // guards what follows; never held over file, keychain or network
	mem     state      // as last seen
	loaded  bool       // mem was read
	opened  bool
	release func()  // of memoryLock; nil while it is not held
	started instant // when Open was called
	synced  instant
	tries   map[string]try        // what failed, by task
	running map[task]bool         // what Run is doing
	flights map[string]*flight    // refreshes of this process, by session
	told    map[telling]bool      // what warn has announced
	asked   map[string]bool       // unsure sessions about which the service was asked, by next key
	leaving map[string]*departure // keys on their way out, by public key
}

// AuthState is what an interface must know first.
type AuthState string

// The states.
const (
	Loading         AuthState = "loading"         // not yet known
	Unauthenticated AuthState = "unauthenticated" // log in first
	Authenticated   AuthState = "authenticated"   // the active session is good
)

const (
	stateFile = "state.json"
	stateLock = "state.lock"
	// lockPatience is how long to wait for the state lock, which is held for one write.
	lockPatience = 10 * time.Second
	// finishPatience is how long something may take that was begun and must be ended.
	finishPatience = 10 * time.Second
)

func (m *Manager) prepare() {
	m.once.Do(func() {
		m.wake, m.seal.turn = make(chan struct{}, 1), make(chan struct{}, 1)
		m.tries, m.running, m.flights = map[string]try{}, map[task]bool{}, map[string]*flight{}
		m.told, m.asked, m.leaving = map[telling]bool{}, map[string]bool{}, map[string]*departure{}
		if m.Log == nil {
			m.Log = slog.New(slog.DiscardHandler)
		}
		if m.Now == nil {
			m.Now = time.Now
		}
	})
}

func (m *Manager) reached(step string) {
	if m.step != nil {
		m.step(step)
	}
}

// Open restores the sessions. It asks neither keychain nor network: what is left to do is done by Run or Step. What
// ended while no program ran has the reason Startup. Errors: fault.StateCorrupt, once, after the damaged file was set
// aside; fault.StateTooNew; fault.StateBusy; disk codes.
func (m *Manager) Open(ctx context.Context) error {
	m.prepare()
	if err := m.setAside(ctx); err != nil {
		return err
	}
	if err := m.sync(); err != nil { // it may say by how much this machine's clock is wrong
		return err
	}
	m.mu.Lock()
	m.started = m.atLeast()
	m.mu.Unlock()
	if _, err := m.update(ctx, "start", m.elapsed()); err != nil {
		return err
	}
	if m.Keys.Backend() == inMemory {
		if err := m.loseMemory(ctx); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.opened = true
	return nil
}

// memoryLock is held by a process that keeps keys in its memory, as long as it lives: the first of its profile.
const memoryLock = "memory.lock"

// loseMemory ends the sessions whose keys were in the memory of a process that has ended. While another with keys in
// memory lives, they may be there, and are left alone.
func (m *Manager) loseMemory(ctx context.Context) error {
	unlock, alone, err := m.Dir.TryLock(memoryLock)
	if err != nil || !alone {
		return err
	}
	m.mu.Lock()
	m.release = unlock
	m.mu.Unlock()
	m.alone.Store(true)
	for _, r := range m.snapshot().Sessions {
		if r.Ended != nil || r.Key.Backend != inMemory {
			continue
		}
		if _, err := m.Keys.Open(ctx, r.Key.PublicKey); err == nil {
			continue
		}
		if _, err := m.update(ctx, "lost", keyLost{r.ID, r.Key.PublicKey}); err != nil {
			return err
		}
	}
	return nil
}

// Close says that what this process has in memory is gone from now on, as the end of the process does. It waits for
// nothing: Run ends by its context.
func (m *Manager) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.release != nil {
		m.release()
		m.release = nil
	}
}

// Subscribe returns what happens from now on, in order. A listener that does not read loses the oldest events, and is
// told how many; it never holds anybody up. cancel ends it and closes the channel.
func (m *Manager) Subscribe() (events <-chan Event, cancel func()) { return m.listeners.subscribe() }

// Wake says that time may have passed unseen, or that what was missing may be back: the machine woke, the window has
// focus, the network or the keychain is there again. Everything is looked at, and what waits to be retried is retried.
func (m *Manager) Wake() {
	m.prepare()
	m.mu.Lock()
	clear(m.tries)
	m.mu.Unlock()
	m.nudge()
}

// nudge makes Run look now.
func (m *Manager) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}
