package session

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/keystore"
	"latchkey/internal/p256"
	"latchkey/internal/session/sessiontest"
	"latchkey/internal/store"
)

// The test binary runs itself as another process of the same profile: what it is to do is in childVariable, the rest in
// the variables of order.
const childVariable = "LATCHKEY_SESSION_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childVariable) {
	case "":
		os.Exit(m.Run())
	case "crash":
		os.Exit(said(crashChild(childOrder())))
	case "refresh":
		os.Exit(said(refreshChild(childOrder())))
	}
}

func said(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// order is what a child is told.
type order struct {
	dir       string // of the desk
	url       string // of the service and its clock
	notarizer string
	killAt    int    // the step at which it dies, from 1; 0: it lives
	progress  string // the file to which it writes the names of its steps
	more      string
}

func (o order) environment(what string) []string {
	return append(os.Environ(), childVariable+"="+what, "ORDER="+strings.Join([]string{
		o.dir, o.url, o.notarizer, strconv.Itoa(o.killAt), o.progress, o.more}, "|"))
}

func childOrder() order {
	f := strings.Split(os.Getenv("ORDER"), "|")
	n, _ := strconv.Atoi(f[3])
	return order{f[0], f[1], f[2], n, f[4], f[5]}
}

// start runs the test binary as a child.
func (o order) start(t testing.TB, what string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, "-test.run=^$")
	c.Env = o.environment(what)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// manager returns a child's Manager, whose steps are written down and counted.
func (o order) manager(now func() time.Time) (*Manager, sessiontest.Client, error) {
	dir, err := store.Open(filepath.Join(o.dir, "state"))
	if err != nil {
		return nil, sessiontest.Client{}, err
	}
	client := sessiontest.Client{URL: o.url + "/do"}
	keys, chip := &sessiontest.Keys{Dir: filepath.Join(o.dir, "keys")}, chipIn(o.dir)
	m := manage(dir, keys, client, now)
	m.Others = []keystore.Store{chip}
	if m.Notarizer, err = p256.ParsePublic(o.notarizer); err != nil {
		return nil, client, err
	}
	if o.progress == "" {
		return m, client, nil
	}
	progress, err := os.OpenFile(o.progress, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, client, err
	}
	var mu sync.Mutex
	steps := 0
	m.step = func(name string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(progress, name)
		if steps++; steps == o.killAt {
			if p, err := os.FindProcess(os.Getpid()); err == nil {
				_ = p.Kill() // SIGKILL: nothing is cleaned up
			}
			select {}
		}
	}
	keys.Step = func(name string) { m.step("keychain: " + name) }
	chip.Step = func(name string) { m.step("tpm: " + name) }
	return m, client, nil
}

// serve puts the desk's service and clock on a loopback port.
func (d *desk) serve() string {
	mux := http.NewServeMux()
	mux.Handle("/do", d.vendor)
	mux.HandleFunc("/now", func(w http.ResponseWriter, r *http.Request) {
		if seconds, err := strconv.Atoi(r.FormValue("advance")); err == nil {
			d.clock.advance(time.Duration(seconds) * time.Second)
		}
		fmt.Fprint(w, d.clock.Now().UnixMilli())
	})
	server := httptest.NewServer(mux)
	d.t.Cleanup(server.Close)
	return server.URL
}

// farClock is the desk's clock seen from a child.
type farClock struct {
	url string
	mu  sync.Mutex
	now time.Time
}

func (c *farClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// advance moves the desk's clock, and looks at it.
func (c *farClock) advance(seconds int) error {
	reply, err := http.Get(c.url + "/now?advance=" + strconv.Itoa(seconds))
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	ms, err := strconv.ParseInt(string(text), 10, 64)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = time.UnixMilli(ms)
	return err
}

func (d *desk) order(url string) order {
	return order{dir: d.dir, url: url, notarizer: p256.Uncompressed(&d.vendor.Notarizer.PublicKey)}
}

// crashChild goes through what it is told to: some of log-in, refresh, log-out.
func crashChild(o order) error {
	ctx := context.Background()
	clock := &farClock{url: o.url}
	if err := clock.advance(0); err != nil {
		return err
	}
	m, client, err := o.manager(clock.Now)
	if err != nil {
		return err
	}
	if err := m.Open(ctx); err != nil {
		return err
	}
	for _, what := range strings.Split(o.more, ",") {
		if err := crashStory(ctx, m, client, clock, what); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

func crashStory(ctx context.Context, m *Manager, client sessiontest.Client, clock *farClock, what string) error {
	switch what {
	case "login":
		if m.State() == Authenticated {
			return nil
		}
		return resumeLogIn(ctx, m, client)
	case "refresh":
		if now, ok := m.Active(); ok {
			if err := clock.advance(1 + max(0, int(now.RefreshAt.Sub(clock.Now())/time.Second))); err != nil {
				return err
			}
		}
		return m.Step(ctx)
	case "move", "back":
		to := m.Others[0]
		if what == "back" {
			to = m.Keys
		}
		if now, ok := m.Active(); ok {
			if _, err := m.Move(ctx, now.ID, to); err != nil {
				return err
			}
		}
		return m.Step(ctx)
	case "everywhere":
		if m.State() == Authenticated {
			if _, err := m.LogOutEverywhere(ctx, ""); err != nil {
				return err
			}
		}
		return m.Step(ctx)
	case "retire":
		if err := clock.advance(61); err != nil {
			return err
		}
		return m.Step(ctx)
	case "logout":
		if m.State() == Authenticated {
			if _, err := m.LogOut(ctx, ""); err != nil {
				return err
			}
		}
		return m.Step(ctx)
	}
	return fmt.Errorf("no such story")
}

// resumeLogIn goes on with the newest attempt, or begins one.
func resumeLogIn(ctx context.Context, m *Manager, client sessiontest.Client) error {
	list, err := m.Attempts(ctx)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		_, err = finishLogIn(ctx, m, client, list[len(list)-1], 15*time.Minute)
	} else {
		_, err = logIn(ctx, m, client, 15*time.Minute)
	}
	return err
}
