package sandbox

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/p256"
	"latchkey/internal/sandbox/oidc"
)

// Options says how a sandbox is made. The zero value is a sandbox with a random seed that forgets everything.
type Options struct {
	Seed     uint64           // 0 takes a random one; it is logged, so that a run can be repeated
	Now      func() time.Time // nil is time.Now; the sandbox's own clock starts from it
	StateDir string           // "" keeps the state in memory; one process at a time may use a folder
	Log      *slog.Logger     // nil discards

	// What clients must not rely on, varied by seed so that they learn not to.
	PendingRate float64 // how often, of 0 to 1, the first answer about an activity says that it is pending
	Shuffle     bool    // lists whose order means nothing are in another order than that of making

	// ProviderURL is where clients reach API, without a path, and so what the issuers of the identity providers begin with.
	// "" takes the Host of each request, which must be loopback then.
	ProviderURL string

	// Exposed says that API can be reached from other machines. No seed is chosen then, by a reset or a dump, for whoever
	// knows it has every key.
	Exposed bool
}

// Sandbox is one imitation of the service with its organizations. Its handlers may serve at once.
type Sandbox struct {
	seeded   atomic.Bool // see Seeded
	log      *slog.Logger
	clock    *clock
	disk     *disk
	requests *requests
	faults   mishaps
	api      http.Handler
	control  http.Handler

	providerURL string
	pendingRate float64
	pending     atomic.Pointer[choices] // when, by pendingRate
	shuffle     bool
	exposed     bool

	resetMu sync.Mutex // one reset or restore at a time
	starts  uint64     // how often the state was opened or restored; guarded by resetMu
	state   atomic.Pointer[state]
}

// New makes a sandbox, or opens the one of o.StateDir, whose own seed then counts and not o.Seed. It starts nothing.
func New(o Options) (*Sandbox, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if math.IsNaN(o.PendingRate) || o.PendingRate < 0 || o.PendingRate > 1 {
		return nil, fmt.Errorf("sandbox: pending rate %v: want a number from 0 to 1", o.PendingRate)
	}
	if err := oidc.CheckBase(o.ProviderURL); err != nil {
		return nil, fmt.Errorf("sandbox: provider URL: %w", err)
	}
	s := &Sandbox{log: o.Log, clock: newClock(o.Now), requests: newRequests(), pendingRate: o.PendingRate, shuffle: o.Shuffle, providerURL: o.ProviderURL, exposed: o.Exposed}
	s.api, s.control = newAPI(s), newControl(s)
	if o.StateDir == "" {
		s.seeded.Store(o.Seed != 0)
		st := newState(newEnclave(seedOr(o.Seed)), 0, nil)
		st.found(s.clock.now().UnixMilli())
		s.state.Store(st)
		s.chances(st)
	} else if err := s.openFolder(o.StateDir, o.Seed); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s.log.Info("sandbox ready", "seed", s.state.Load().enclave.seed, "organization", s.state.Load().enclave.parentID)
	return s, nil
}

// API is the public API: everything below /public/v1/.
func (s *Sandbox) API() http.Handler { return s.api }

// Control is what the sandbox's owner sees and does: inbox, clock, requests, reset. It answers only where the Host is
// loopback and the Origin its own, and must listen on another port than API.
func (s *Sandbox) Control() http.Handler { return s.control }

// Facts returns what clients need to know. A reset to another seed changes them.
func (s *Sandbox) Facts() Facts { return s.state.Load().enclave.facts() }

// Seeded reports whether a person chose the seed, now or when the state folder was made: whoever knows the seed knows
// every key.
func (s *Sandbox) Seeded() bool { return s.seeded.Load() }

// Close closes the state folder. Requests under way fail after it, so the servers are stopped first.
func (s *Sandbox) Close() error { return s.disk.close() }

func seedOr(seed uint64) uint64 {
	for seed == 0 {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails
		seed = binary.BigEndian.Uint64(b[:])
	}
	return seed
}

// open reads the state of a folder, or founds one there.
func (s *Sandbox) open(dir string, seed uint64) (err error) {
	if s.disk, err = openDisk(dir); err != nil {
		return err
	}
	format, starts, stored, newest, seeded, clock := 0, uint64(0), uint64(0), uint64(0), false, clockState{}
	known, err := s.disk.readMeta("seed", &stored)
	if err != nil {
		return err
	}
	if !known {
		return s.begin(seedOr(seed), seed != 0)
	}
	for name, v := range map[string]any{"format": &format, "starts": &starts, "clock": &clock, "seeded": &seeded, "newest": &newest} {
		if _, err := s.disk.readMeta(name, v); err != nil {
			return err
		}
	}
	s.seeded.Store(seeded)
	if format != diskFormat && format != diskFormatOld {
		return fmt.Errorf("state folder %q: format %d, this version reads %d and %d", dir, format, diskFormatOld, diskFormat)
	}
	if seed != 0 && seed != stored {
		s.log.Warn("the state folder has a seed of its own, which counts", "asked", seed, "seed", stored)
	}
	starts++
	s.starts = starts
	if err := s.disk.write([]row{metaRow("starts", starts)}); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	s.clock.restore(clock)
	st := newState(newEnclave(stored), starts, s.disk)
	st.history.last = newest
	if err := st.load(); err != nil {
		return err
	}
	if format == diskFormatOld {
		if err := s.disk.write(append(st.settle(), metaRow("format", diskFormat))); err != nil {
			return fmt.Errorf("write state: %w", err)
		}
	}
	s.state.Store(st)
	s.chances(st)
	return s.goOn()
}

// chances begins anew what goes wrong by chance, and takes every fault away.
func (s *Sandbox) chances(st *state) {
	s.faults.clear(st.enclave.seed)
	s.pending.Store(newChances(st.enclave.seed, "pending"))
}

// begin puts a new state with that seed, which a person chose or not, in the place of the old one, in memory and on disk.
func (s *Sandbox) begin(seed uint64, chosen bool) error {
	s.resetMu.Lock()
	defer s.resetMu.Unlock()
	old := s.state.Load()
	if old != nil {
		old.mu.Lock()
		defer old.mu.Unlock()
	}
	was := s.clock.state()
	s.clock.reset()
	st := newState(newEnclave(seed), 0, s.disk)
	rows := st.found(s.clock.now().UnixMilli())
	if s.disk != nil {
		rows = append(rows, metaRow("seed", seed), metaRow("format", diskFormat), metaRow("starts", 0), metaRow("seeded", chosen), metaRow("clock", s.clock.state()))
		if err := s.disk.wipe(rows); err != nil {
			s.clock.restore(was)
			return fmt.Errorf("write state: %w", err)
		}
	}
	if old != nil {
		st.inbox.last = old.inbox.last // ids go on, so that whoever waits for what came after one waits for the right one
	}
	s.starts = 0
	s.seeded.Store(chosen)
	s.state.Store(st)
	s.chances(st)
	if old != nil {
		old.over = true
		old.inbox.wake()
	}
	s.requests.clear()
	return nil
}

// found makes the parent organization with its root user and API key. Both ids and the key follow from the seed.
func (s *state) found(now int64) []row {
	p, ok := parsePoint(p256.Compressed(&s.enclave.parentKey.PublicKey))
	if !ok {
		panic("sandbox: a derived key is no point")
	}
	org := &organization{id: s.enclave.parentID, created: now,
		settings: &settings{name: "Sandbox", threshold: 1, root: []uuid.UUID{s.enclave.parentUserID}, features: featuresAtFirst}}
	s.made++
	root := &user{id: s.enclave.parentUserID, number: s.made, org: org, name: "Root user", created: now, updated: now,
		keys: []*apiKey{{id: s.choices.id(), name: "Sandbox API key", public: p, kind: credentialP256, created: now}}}
	org.install(s)
	root.install(s)
	return []row{org.row(), root.row()}
}
