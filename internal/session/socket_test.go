package session

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"latchkey/internal/keystore"
	"latchkey/internal/session/sessiontest"
)

// bad is a network in front of the service: real connections that are slow, are reset, are left half open, or answer
// with something else.
type bad struct {
	mu      sync.Mutex
	random  *rand.Rand
	service http.Handler
	quiet   bool // behaves
}

func (b *bad) draw() (what int, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.quiet {
		return 99, 0
	}
	return b.random.IntN(12), time.Duration(b.random.IntN(40)) * time.Millisecond
}

// behave makes the network a good one, or ends that.
func (b *bad) behave(quiet bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.quiet = quiet
}

func (b *bad) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	what, wait := b.draw()
	switch what {
	case 0: // reset before anything was read
		reset(w)
		return
	case 1: // done, and reset before the answer
		b.service.ServeHTTP(httptest.NewRecorder(), r)
		reset(w)
		return
	case 2, 3: // half open: the peer never hears of it again, whether it was done or not
		body, _ := io.ReadAll(r.Body)
		if what == 3 {
			again := r.Clone(context.WithoutCancel(r.Context()))
			again.Body = io.NopCloser(bytes.NewReader(body))
			b.service.ServeHTTP(httptest.NewRecorder(), again)
		}
		<-r.Context().Done() // until the client turns away
		return
	case 4:
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	case 5:
		http.Error(w, "slow down", http.StatusTooManyRequests)
		return
	case 6: // an answer that is cut in the middle
		rec := httptest.NewRecorder()
		b.service.ServeHTTP(rec, r)
		w.Header().Set("Content-Length", "4096")
		_, _ = w.Write(rec.Body.Bytes()[:min(10, rec.Body.Len())])
		return
	case 7, 8: // latency
		<-time.After(wait)
	}
	b.service.ServeHTTP(w, r)
}

// reset ends the connection with a RST.
func reset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// TestR3_BadNetworkOverSockets refreshes over real connections that fail in all the ways they can. The session stays,
// and the keys are all accounted for.
func TestR3_BadNetworkOverSockets(t *testing.T) {
	d := newDesk(t)
	b := &bad{random: seed(t), service: d.vendor, quiet: true}
	server := httptest.NewServer(b)
	defer server.Close()
	d.client = sessiontest.Client{Vendor: d.vendor, URL: server.URL}
	m := d.open()
	refresh, revoke, probe := m.Refresh, m.Revoke, m.Probe
	const patience = 100 * time.Millisecond // in place of half a minute
	m.Refresh = func(ctx context.Context, s Session, current keystore.Signer, next string) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return refresh(ctx, s, current, next)
	}
	m.Revoke = func(ctx context.Context, s Session, by keystore.Signer, publicKey string) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return revoke(ctx, s, by, publicKey)
	}
	m.Probe = func(ctx context.Context, s Session, by keystore.Signer) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return probe(ctx, s, by)
	}
	s := d.logIn(m, 15*time.Minute)
	want, tries := campaign(12, 300), 0
	for done := 0; done < want; done++ {
		before, _ := m.Active()
		d.clock.advance(max(0, before.RefreshAt.Sub(d.clock.Now())) + time.Second)
		for look := range 200 {
			b.behave(look > 12) // half a minute; for ever, and the session would rightly end
			tries++
			if err := m.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			now, ok := m.Active()
			if !ok || now.ID != s.ID {
				t.Fatalf("logged out after %d refreshes: %+v", done, now)
			}
			if now.Key.PublicKey != before.Key.PublicKey && !now.RefreshAt.Before(d.clock.Now()) {
				break
			}
			d.clock.advance(3 * time.Second)
		}
	}
	b.behave(true)
	d.clock.advance(retireGrace)
	m.Wake()
	d.step(m)
	d.accounted(m)
	if n := d.vendor.Most(); n > 3 {
		t.Errorf("%d keys at one time", n)
	}
	t.Logf("%d refreshes in %d looks, %d requests of them done", want, tries, d.vendor.Count(sessiontest.OpStamp))
}
