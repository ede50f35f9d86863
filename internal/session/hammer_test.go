package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/session/sessiontest"
)

// gate holds processes until all are there, window after window.
type gate struct {
	children int
	open     func(window int) // called by the last to arrive

	mu      sync.Mutex
	waiting int
	window  int
	all     chan struct{}
}

func (g *gate) pass() int {
	g.mu.Lock()
	if g.all == nil {
		g.all = make(chan struct{})
	}
	all, window := g.all, g.window
	g.waiting++
	g.tryOpen()
	g.mu.Unlock()
	<-all
	return window
}

// leave lets the others go on without one that has died.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.children--
	g.tryOpen()
}

func (g *gate) tryOpen() {
	if g.waiting == 0 || g.waiting < g.children {
		return
	}
	g.open(g.window)
	close(g.all)
	g.waiting, g.window, g.all = 0, g.window+1, nil
}

// TestR2_OneRefreshPerWindow lets many goroutines of many processes meet at the refresh point: every second one is a
// window, which keeps its sessions all the time, the others are commands. Each time exactly one request reaches the
// service, and the file stays whole.
func TestR2_OneRefreshPerWindow(t *testing.T) {
	processes, goroutines, windows := campaign(4, 16), campaign(25, 200), campaign(6, 1000)
	d := newDesk(t)
	s := d.logIn(d.open(), 15*time.Minute)
	counted := 0
	g := &gate{children: processes, open: func(window int) {
		if n := d.vendor.Count(sessiontest.OpStamp); window > 0 && n != counted+1 {
			t.Errorf("window %d: %d refreshes", window, n-counted)
		}
		counted = d.vendor.Count(sessiontest.OpStamp)
		d.clock.advance(12*time.Minute + time.Second)
	}}
	mux := http.NewServeMux()
	mux.Handle("/do", d.vendor)
	mux.HandleFunc("/now", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, d.clock.Now().UnixMilli()) })
	mux.HandleFunc("/gate", func(w http.ResponseWriter, _ *http.Request) {
		window := g.pass()
		fmt.Fprintf(w, "%d %d", window, d.clock.Now().UnixMilli())
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	var work sync.WaitGroup
	for i := range processes {
		o := d.order(server.URL)
		o.more = fmt.Sprintf("%s,%d,%d,%t", s.ID, goroutines, windows, i%2 == 0)
		child := o.start(t, "refresh")
		work.Go(func() {
			if err := child.Wait(); err != nil {
				t.Error("child:", err)
				g.leave()
			}
		})
	}
	work.Wait()
	m := d.open()
	if got, ok := m.Active(); !ok || got.ID != s.ID {
		t.Errorf("afterwards: %+v", got)
	}
	if _, err := os.Stat(filepath.Join(d.dir, "state", stateFile+".damaged")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a damaged file: %v", err)
	}
	if n := d.vendor.Most(); n > 2 {
		t.Errorf("%d keys at one time", n)
	}
	d.clock.advance(retireGrace)
	d.step(m)
	d.accounted(m)
	t.Logf("%d processes × %d goroutines, %d windows: one refresh each", processes, goroutines, windows)
}

func refreshChild(o order) error {
	ctx := context.Background()
	clock := &farClock{url: o.url}
	if err := clock.advance(0); err != nil {
		return err
	}
	m, _, err := o.manager(clock.Now)
	if err != nil {
		return err
	}
	if err := m.Open(ctx); err != nil {
		return err
	}
	more := strings.Split(o.more, ",")
	id := more[0]
	goroutines, _ := strconv.Atoi(more[1])
	windows, _ := strconv.Atoi(more[2])
	if more[3] == "true" {
		ctx, cancel := context.WithCancel(ctx)
		ran := make(chan struct{})
		go func() {
			defer close(ran)
			_ = m.Run(ctx) // it ends with ctx alone
		}()
		defer func() {
			cancel()
			<-ran
		}()
	}
	for range windows {
		if err := m.sync(); err != nil {
			return err
		}
		now, err := m.Get(id)
		if err != nil {
			return err
		}
		if err := atGate(clock); err != nil {
			return err
		}
		m.Wake() // the window, if it is one, looks too
		errs := make(chan error, goroutines)
		for i := range goroutines {
			go func() {
				seen := "" // most come because it is due, some because a person asked
				if i%5 == 0 {
					seen = now.Key.PublicKey
				}
				errs <- m.refresh(ctx, id, wish{seen: seen})
			}()
		}
		for range goroutines {
			if err := <-errs; err != nil {
				return err
			}
		}
		if err := m.Step(ctx); err != nil {
			return err
		}
		signer, err := m.Signer(ctx, id)
		if err != nil {
			return err
		}
		if _, err := signer.Sign(ctx, make([]byte, 32)); err != nil {
			return err
		}
	}
	_, err = http.Get(o.url + "/gate") // the last window is counted too
	return err
}

func atGate(clock *farClock) error {
	reply, err := http.Get(clock.url + "/gate")
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	var window, ms int64
	if _, err := fmt.Sscan(string(text), &window, &ms); err != nil {
		return err
	}
	clock.mu.Lock()
	defer clock.mu.Unlock()
	clock.now = time.UnixMilli(ms)
	return nil
}

// TestR19_LogOutIsReal logs in, refreshes and logs out again and again. The service refuses the key at once, nothing
// stays here, and there are never more than two keys.
func TestR19_LogOutIsReal(t *testing.T) {
	random := seed(t)
	d := newDesk(t)
	m := d.open()
	for i := range campaign(25, 1000) {
		s := d.logIn(m, 15*time.Minute)
		signer, err := m.Signer(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		for range random.IntN(3) {
			now, _ := m.Active()
			d.clock.advance(time.Duration(random.Int64N(int64(now.RefreshAt.Sub(d.clock.Now()) + 2*time.Minute))))
			d.step(m)
		}
		now, _ := m.Active()
		jwt := m.snapshot()
		if jwt.session(s.ID).Token == nil {
			t.Fatal("no token")
		}
		result, err := m.LogOut(t.Context(), "")
		if err != nil || !result.Revoked || !result.Deleted {
			t.Fatalf("cycle %d: %+v, %v", i, result, err)
		}
		if _, ok := d.vendor.Knows(now.Key.PublicKey); ok || len(d.vendor.Live()) != 0 {
			t.Fatalf("cycle %d: the service knows %v", i, d.vendor.Live())
		}
		if k := d.keys.List(); len(k) != 0 {
			t.Fatalf("cycle %d: here %v", i, k)
		}
		if _, err := signer.Sign(t.Context(), make([]byte, 32)); err == nil {
			t.Fatalf("cycle %d: a signer of before signs on", i)
		}
		if after := m.snapshot(); after.session(s.ID).Token != nil || m.State() != Unauthenticated {
			t.Fatalf("cycle %d: %s", i, m.State())
		}
		if got, ok := m.LastEnded(); !ok || got.Ended.Reason != LoggedOut || !got.Ended.Revoked {
			t.Fatalf("cycle %d: %+v", i, got.Ended)
		}
	}
	if n := d.vendor.Most(); n > 2 {
		t.Errorf("%d keys at one time", n)
	}
}

func TestR19_LogOutWithoutANetworkIsWorkedOffLater(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	d.vendor.Before.Set(func(sessiontest.Request) error { return errLost })
	result, err := m.LogOut(t.Context(), s.ID)
	if err != nil || result.Revoked || !result.Deleted || !result.EndsAt.Equal(s.Expires) {
		t.Fatalf("%+v, %v", result, err)
	}
	if k := d.keys.List(); len(k) != 0 {
		t.Errorf("here: %v", k)
	}
	d.accounted(m)
	d.vendor.Before.Set(nil)
	d.step(m) // reachable again, and nobody there to do it
	if _, ok := d.vendor.Knows(s.Key.PublicKey); !ok {
		t.Fatal("who revoked it?")
	}
	d.logIn(d.open(), 15*time.Minute)
	d.step(m)
	if _, ok := d.vendor.Knows(s.Key.PublicKey); ok {
		t.Error("the next session of the same user did not work it off")
	}
	if _, err := m.LogOut(t.Context(), s.ID); fault.CodeOf(err) != fault.SessionNone {
		t.Errorf("logged out twice: %v", err)
	}
	d.step(m)
	d.accounted(m)
}

func TestR19_LogOutDuringARefreshLeavesNothing(t *testing.T) {
	for name, late := range map[string]bool{"before the service did it": false, "after the service did it": true} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			m := d.open()
			s := d.logIn(m, 15*time.Minute)
			asked, release := make(chan struct{}), make(chan struct{})
			hold := func(q sessiontest.Request) error {
				if q.Op == sessiontest.OpStamp {
					close(asked)
					<-release
				}
				return nil
			}
			if late {
				d.vendor.After.Set(hold)
			} else {
				d.vendor.Before.Set(hold)
			}
			done := make(chan error)
			go func() {
				_, err := m.RefreshNow(t.Context(), s.ID)
				done <- err
			}()
			<-asked
			if _, err := m.LogOut(t.Context(), s.ID); err != nil {
				t.Fatal(err)
			}
			if m.State() != Unauthenticated {
				t.Errorf("%s", m.State())
			}
			close(release)
			if err := <-done; err == nil {
				t.Error("the refresh brought a session back")
			}
			d.step(m)
			d.accounted(m)
			if k := d.keys.List(); len(k) != 0 {
				t.Errorf("here: %v", k)
			}
			if k := d.vendor.Live(); len(k) != 0 {
				t.Errorf("at the service: %v", k)
			}
			if m.State() != Unauthenticated {
				t.Errorf("%s", m.State())
			}
		})
	}
}

func TestR19_LogOutDoesNotWaitForAServiceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, keystore.NewMemory(), func(r *running) {
			r.Revoke = func(ctx context.Context, _ Session, _ keystore.Signer, _ string) error {
				<-ctx.Done()
				return fault.New(fault.APIDown, ctx.Err())
			}
		})
		defer r.stop()
		s, err := logIn(t.Context(), r.Manager, r.client, 15*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := r.Keys.Open(t.Context(), s.Key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		result, err := r.LogOut(t.Context(), "")
		if err != nil || result.Revoked || !result.Deleted {
			t.Errorf("%+v, %v", result, err)
		}
		if took := time.Since(began); took > revokePatience {
			t.Errorf("took %s", took)
		}
		if _, err := signer.Sign(t.Context(), make([]byte, 32)); fault.CodeOf(err) != fault.KeyMissing {
			t.Errorf("the key is still here: %v", err)
		}
	})
}
