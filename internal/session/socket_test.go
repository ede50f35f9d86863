package session

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"latchkey/internal/keystore"
	"latchkey/internal/session/sessiontest"
)

// patience is what a request may take over the bad network, in place of half a minute; its delays are scaled alike.
const patience = 100 * time.Millisecond

// weather is one way in which a network fails.
type weather struct {
	name   string
	toxics []string // of toxiproxy, each as JSON
	status int      // what the service answers with, before it does anything
	dial   string   // what becomes of a connection before it is one: "refused" or "unknown host"
}

// weathers are all of them. Upstream the request is lost, downstream the answer to what was done.
var weathers = []weather{
	{name: "fair"},
	{name: "latency to 20 s", toxics: []string{`{"type":"latency","stream":"downstream","attributes":{"latency":33,"jitter":33}}`}},
	{name: "reset before the request", toxics: []string{`{"type":"reset_peer","stream":"upstream","attributes":{"timeout":0}}`}},
	{name: "reset before the answer", toxics: []string{`{"type":"reset_peer","stream":"downstream","attributes":{"timeout":0}}`}},
	{name: "half open, nothing arrives", toxics: []string{`{"type":"timeout","stream":"upstream","attributes":{"timeout":0}}`}},
	{name: "half open, nothing comes back", toxics: []string{`{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}`}},
	{name: "an answer cut off", toxics: []string{`{"type":"limit_data","stream":"downstream","attributes":{"bytes":40}}`}},
	{name: "in slices", toxics: []string{`{"type":"slicer","stream":"downstream","attributes":{"average_size":64,"size_variation":32,"delay":500}}`}},
	{name: "429", status: http.StatusTooManyRequests},
	{name: "503", status: http.StatusServiceUnavailable},
	{name: "refused", dial: "refused"},
	{name: "no DNS", dial: "unknown host"},
}

// network is a toxiproxy between a client and the service.
type network struct {
	proxy *toxiproxy.Proxy
	now   atomic.Pointer[weather]
	shut  string // an address where nobody listens
}

func newNetwork(t *testing.T, service http.Handler) (*network, *http.Client) {
	t.Helper()
	n := &network{}
	n.now.Store(&weathers[0])
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := n.now.Load().status; status != 0 {
			http.Error(w, "not now", status)
			return
		}
		service.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.shut = l.Addr().String()
	_ = l.Close()
	n.proxy = toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "service", "127.0.0.1:0",
		strings.TrimPrefix(server.URL, "http://"))
	if err := n.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.proxy.Stop)
	return n, &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: n.dial}}
}

// dial leads every address to the proxy, or nowhere.
func (n *network) dial(ctx context.Context, kind, address string) (net.Conn, error) {
	to := n.proxy.Listen
	switch n.now.Load().dial {
	case "unknown host":
		return nil, &net.OpError{Op: "dial", Net: kind, Err: &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}}
	case "refused":
		to = n.shut
	}
	var d net.Dialer
	return d.DialContext(ctx, kind, to)
}

// turn makes the network so.
func (n *network) turn(t *testing.T, w *weather) {
	t.Helper()
	n.proxy.Toxics.ResetToxics(t.Context())
	n.now.Store(w)
	for _, toxic := range w.toxics {
		if _, err := n.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			t.Fatal(err)
		}
	}
}

// impatient gives every request of m the patience of these tests.
func impatient(m *Manager) {
	refresh, revoke, probe := m.Refresh, m.Revoke, m.Probe
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
}

// TestR3_BadNetworkOverSockets refreshes over real connections, through toxiproxy, that fail in all the ways they can.
// The session stays, and the keys are all accounted for.
func TestR3_BadNetworkOverSockets(t *testing.T) {
	random := seed(t)
	d := newDesk(t)
	n, over := newNetwork(t, d.vendor)
	d.client = sessiontest.Client{Vendor: d.vendor, URL: "http://api.turnkey.test/do", HTTP: over}
	m := d.open()
	impatient(m)
	s := d.logIn(m, 15*time.Minute)
	met := map[string]int{}
	want, looks := campaign(16, 300), 0
	for done := range want {
		before, _ := m.Active()
		d.clock.advance(max(0, before.RefreshAt.Sub(d.clock.Now())) + time.Second)
		for look := range 200 {
			w := &weathers[0] // after half a minute it is fair: for ever bad, and the session would rightly end
			if look <= 12 {
				w = &weathers[pickWeather(random, done, look)]
			}
			n.turn(t, w)
			met[w.name]++
			looks++
			if err := m.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			now, ok := m.Active()
			if !ok || now.ID != s.ID {
				t.Fatalf("logged out after %d refreshes, %s: %+v", done, w.name, now)
			}
			if now.Key.PublicKey != before.Key.PublicKey && !now.RefreshAt.Before(d.clock.Now()) {
				break
			}
			d.clock.advance(3 * time.Second)
		}
	}
	n.turn(t, &weathers[0])
	d.clock.advance(retireGrace)
	m.Wake()
	d.step(m)
	d.accounted(m)
	if n := d.vendor.Most(); n > 3 {
		t.Errorf("%d keys at one time", n)
	}
	for _, w := range weathers {
		if met[w.name] == 0 {
			t.Errorf("never met: %s", w.name)
		}
	}
	t.Logf("%d refreshes over sockets in %d looks, %d of them done by the service; %v", want, looks, d.vendor.Count(sessiontest.OpStamp), met)
}

// pickWeather begins each refresh with another weather, so that each is met at its first request, and goes on at random.
func pickWeather(random *rand.Rand, refresh, look int) int {
	if look == 0 {
		return refresh % len(weathers)
	}
	return random.IntN(len(weathers))
}
