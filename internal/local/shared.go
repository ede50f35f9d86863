package local

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/store"
)

// Endpoints says where a data folder's sandbox and backend are, and what a device must know of them. Token opens the
// backend to this user's own programs; it is new at each start.
type Endpoints struct {
	Sandbox    Ready  `json:"sandbox"`
	BackendURL string `json:"backendUrl"`
	Token      string `json:"token"`
	Process    int    `json:"process"` // its id, to name it when it is silent
}

// Shared is the sandbox and backend of one data folder. However many windows and terminals use the folder, one of
// them serves: the first starts both and writes where they are, and when it ends another takes over. It is safe for
// parallel use.
type Shared struct {
	dir *store.Dir
	log *slog.Logger

	healing sync.Mutex // held while a pair is started, looked for or stopped; guards served and closed
	served  *serving   // nil while another process serves
	closed  bool

	mu sync.Mutex
	at Endpoints
}

// serving is the pair that this process runs.
type serving struct {
	sandbox *Sandbox
	backend *Backend
	unlock  func()
}

// The files of a data folder: the lock of the process that serves, and where it serves.
const (
	lockName      = "local.lock"
	endpointsName = "local.json"
)

// Join uses the pair that serves the folder, or starts it. Errors: SandboxFailed, or those of store.
func Join(ctx context.Context, path string, log *slog.Logger) (*Shared, error) {
	dir, err := store.Open(path)
	if err != nil {
		return nil, err
	}
	s := &Shared{dir: dir, log: log}
	ctx, cancel := context.WithTimeout(ctx, joinPatience)
	defer cancel()
	for {
		switch err := s.Heal(ctx); {
		case err == nil:
			return s, nil
		case !errors.Is(err, errNotReady):
			return nil, err
		}
		select {
		case <-time.After(50 * time.Millisecond): // the other process is starting or ending
		case <-ctx.Done():
			return nil, fault.New(fault.SandboxBusy, fmt.Errorf("process %d holds %s: %w", s.last().Process, path, ctx.Err()))
		}
	}
}

// joinPatience is how long another process may take to start serving, or to end.
const joinPatience = 8 * time.Second

// last returns where the folder was served last, as far as its file says.
func (s *Shared) last() Endpoints {
	data, err := s.dir.Read(endpointsName)
	var at Endpoints
	if err != nil || json.Unmarshal(data, &at) != nil {
		return Endpoints{}
	}
	return at
}

// again returns the address of a URL to listen on once more, and one with a free port if that is taken or none.
func again(url string) string {
	const free = "127.0.0.1:0"
	at, ok := strings.CutPrefix(url, "http://127.0.0.1:")
	if !ok {
		return free
	}
	at = "127.0.0.1:" + at
	l, err := net.Listen("tcp", at)
	if err != nil {
		return free
	}
	if l.Close() != nil {
		return free
	}
	return at
}

// errNotReady: another process holds the lock, but does not answer (yet, or any more).
var errNotReady = errors.New("the process that serves this folder does not answer")

// Endpoints returns where to call now. The answer may change after [Shared.Heal].
func (s *Shared) Endpoints() Endpoints {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

// Heal makes sure that somebody serves: it takes over where the process that served has ended. It costs one attempt
// at a file lock when all is well, and should be called before work and after a call that found nobody.
func (s *Shared) Heal(ctx context.Context) error {
	s.healing.Lock()
	defer s.healing.Unlock()
	if s.served != nil || s.closed {
		return nil
	}
	unlock, ok, err := s.dir.TryLock(lockName)
	if err != nil {
		return err
	}
	if !ok {
		return s.follow(ctx)
	}
	if err := s.serve(unlock); err != nil {
		unlock()
		return failed(err)
	}
	return nil
}

// serve starts the pair in this process, which holds the lock. It listens where the folder's pair listened last, if it
// can: the issuers of the sandbox's identity providers are named by its address, and so who logged in by one of them.
func (s *Shared) serve(unlock func()) error {
	last := s.last()
	box, err := StartSandbox(SandboxOptions{
		Listen: again(last.Sandbox.APIBaseURL), Control: again(last.Sandbox.ControlURL), StateDir: filepath.Join(s.dir.Path, "sandbox"), Log: s.log,
	})
	if err != nil {
		return err
	}
	token := rand.Text()
	c, err := BackendFor(box.Ready, s.log)
	if err != nil {
		return errors.Join(err, box.Close())
	}
	c.Token = token
	if err := knowApps(c); err != nil {
		return errors.Join(err, box.Close())
	}
	back, err := StartBackend(again(last.BackendURL), c)
	if err != nil {
		return errors.Join(err, box.Close())
	}
	at := Endpoints{Sandbox: box.Ready, BackendURL: back.Ready.URL, Token: token, Process: os.Getpid()}
	at.Sandbox.APIPrivateKey = "" // the parent's key is the backend's alone
	data, err := json.Marshal(at)
	if err == nil {
		err = s.dir.Write(endpointsName, data)
	}
	if err != nil {
		back.Close()
		return errors.Join(err, box.Close())
	}
	s.served = &serving{box, back, unlock}
	s.moved(at)
	s.log.Info("serving the sandbox", "api", at.Sandbox.APIBaseURL, "backend", at.BackendURL)
	return nil
}

// follow reads where the serving process is, and asks it for a sign of life.
func (s *Shared) follow(ctx context.Context) error {
	data, err := s.dir.Read(endpointsName)
	if errors.Is(err, fault.NotFound) {
		return errNotReady
	}
	if err != nil {
		return err
	}
	var at Endpoints
	if err := json.Unmarshal(data, &at); err != nil {
		return errNotReady
	}
	if at == s.Endpoints() {
		return nil // nothing new; a caller that found nobody comes back, and by then the lock is free
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.Sandbox.ControlURL+"/clock", nil)
	if err != nil {
		return errNotReady
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return errNotReady
	}
	_ = resp.Body.Close() // a GET whose body nobody reads
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: status %d", errNotReady, resp.StatusCode)
	}
	s.moved(at)
	return nil
}

func (s *Shared) moved(at Endpoints) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = at
}

// Run keeps healing until ctx is done, so that a window whose terminal served takes over within a second.
func (s *Shared) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := s.Heal(ctx); err != nil && !errors.Is(err, errNotReady) {
				s.log.Error("cannot serve the sandbox", "err", err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close stops what this process serves and frees the folder for another.
func (s *Shared) Close() error {
	s.healing.Lock()
	defer s.healing.Unlock()
	s.closed = true
	if s.served == nil {
		return nil
	}
	s.served.backend.Close()
	err := s.served.sandbox.Close()
	s.served.unlock()
	s.served = nil
	return err
}
