package login

import (
	"context"
	"errors"
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

	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/profile"
	"latchkey/internal/session"
	"latchkey/internal/session/sessiontest"
	"latchkey/internal/store"
)

// The test binary runs itself as a process that logs in and dies at a step.
const childVariable = "LATCHKEY_LOGIN_CHILD"

func TestMain(m *testing.M) {
	if order := os.Getenv(childVariable); order != "" {
		if err := child(strings.Split(order, "|")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestR1_ALogInKilledAtEveryStepGoesOn kills a process before and after every request and every change of the key
// store while it logs in. The next one goes on, with one account, and with every key accounted for.
func TestR1_ALogInKilledAtEveryStepGoesOn(t *testing.T) {
	kills := 0
	for n := 1; ; n++ {
		d := newDesk(t)
		server := httptest.NewServer(d.far())
		cmd, err := selfAsChild(d, server.URL, n)
		if err != nil {
			t.Fatal(err)
		}
		err = cmd.Run()
		server.Close()
		exit, isExit := errors.AsType[*exec.ExitError](err)
		if err != nil && (!isExit || exit.ExitCode() != -1) {
			t.Fatalf("step %d: the child failed: %v", n, err)
		}
		o := d.open()
		d.accounted(o)
		if err := goOn(t.Context(), o, func() (string, error) { return d.wire.code(ada), nil }, func() error { d.advance(31 * time.Second); return nil }); err != nil {
			t.Errorf("step %d: the log-in cannot go on: %v", n, err)
		}
		if o.Sessions.State() != session.Authenticated {
			t.Errorf("step %d: %s", n, o.Sessions.State())
		}
		if accounts := len(d.wire.signUps); accounts != 1 {
			t.Errorf("step %d: %d accounts", n, accounts)
		}
		d.accounted(o)
		if err == nil {
			break
		}
		kills++
	}
	if kills < 12 {
		t.Errorf("only %d steps", kills)
	}
	t.Logf("%d steps", kills)
}

// goOn logs in: from where an attempt stands, or from the beginning. A code that was used up without an answer is
// replaced, as a person would do it.
func goOn(ctx context.Context, o *Ways, code func() (string, error), wait func() error) error {
	if o.Sessions.State() == session.Authenticated {
		return nil
	}
	a, ok, err := o.Pending(ctx)
	if err != nil {
		return err
	}
	if !ok {
		if a, err = o.OTP.Begin(ctx, ada, Options{}); err != nil {
			return err
		}
	}
	for range 2 {
		var typed string
		if typed, err = code(); err != nil {
			return err
		}
		if _, err = o.Continue(ctx, a.ID, typed); fault.CodeOf(err) != fault.OTPExpired {
			return err
		}
		if err = wait(); err != nil {
			return err
		}
		if a, err = o.Resend(ctx, a.ID); err != nil {
			return err
		}
	}
	return err
}

// far is the desk's backend, clock and inbox for another process.
func (d *desk) far() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", d.wire)
	mux.HandleFunc("/now", func(w http.ResponseWriter, r *http.Request) {
		if seconds, err := strconv.Atoi(r.FormValue("advance")); err == nil {
			d.advance(time.Duration(seconds) * time.Second)
		}
		fmt.Fprint(w, d.now().UnixMilli())
	})
	mux.HandleFunc("/inbox", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, d.wire.code(ada)) })
	return mux
}

func selfAsChild(d *desk, url string, n int) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.Command(self, "-test.run=^$")
	pins := d.wire.pins()
	c.Env = append(os.Environ(), childVariable+"="+strings.Join([]string{d.dir, url, pins.TLSFetcher, pins.Notarizer, strconv.Itoa(n)}, "|"))
	c.Stderr = os.Stderr
	return c, nil
}

func child(order []string) error {
	ctx := context.Background()
	home, url := order[0], order[1]
	n, err := strconv.Atoi(order[4])
	if err != nil {
		return err
	}
	var mu sync.Mutex
	steps := 0
	step := func(string) {
		mu.Lock()
		defer mu.Unlock()
		if steps++; steps == n {
			if p, err := os.FindProcess(os.Getpid()); err == nil {
				_ = p.Kill() // SIGKILL: nothing is cleaned up
			}
			select {}
		}
	}
	var now time.Time
	look := func(advance string) error {
		text, err := get(url + "/now?advance=" + advance)
		if err != nil {
			return err
		}
		ms, err := strconv.ParseInt(text, 10, 64)
		now = time.UnixMilli(ms)
		return err
	}
	if err := look("0"); err != nil {
		return err
	}
	dir, err := store.Open(filepath.Join(home, "state"))
	if err != nil {
		return err
	}
	notarizer, err := p256.ParsePublic(order[3])
	if err != nil {
		return err
	}
	keys := &sessiontest.Keys{Dir: filepath.Join(home, "keys"), Step: step}
	o := New(&Desk{
		Backend: &Backend{URL: func() string { return url }}, Keys: keys, Pins: profile.Pins{TLSFetcher: order[2]},
		OrganizationID: sessiontest.Parent, SessionLength: 15 * time.Minute, step: step,
		Sessions: &session.Manager{Profile: "test", Dir: dir, Keys: keys, Notarizer: notarizer, Now: func() time.Time { return now }},
	})
	if err := o.Sessions.Open(ctx); err != nil {
		return err
	}
	return goOn(ctx, o, func() (string, error) { return get(url + "/inbox") }, func() error { return look("31") })
}

func get(url string) (string, error) {
	reply, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	return string(text), err
}
