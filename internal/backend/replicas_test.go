package backend_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/backend"
)

// replicas are several backends in front of one sandbox, which share one Redis and nothing else.
type replicas struct {
	*world
	each []http.Handler
	seen *seen
}

// newReplicas starts them. Requests of the world go to any of them.
func newReplicas(t testing.TB, url backend.Secret, change ...func(*backend.Config)) *replicas {
	t.Helper()
	r := &replicas{world: newWorld(t, append(change, func(c *backend.Config) { c.RedisURL, c.Log = url, nil })...)}
	for range 3 {
		r.restart()
		b := r.b
		t.Cleanup(func() { _ = b.Close() })
		r.each = append(r.each, r.h)
	}
	r.h = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.any().ServeHTTP(w, req) })
	r.seen = &seen{guesses: map[string]int{}, sends: map[string][]time.Time{}}
	r.network.setFault(func(path string, body []byte, send func() *http.Response) (*http.Response, error) {
		r.seen.note(path, body)
		return send(), nil
	})
	return r
}

func (r *replicas) any() http.Handler { return r.each[rand.IntN(len(r.each))] }

// ask sends a request to one replica from an address, and may be called in parallel.
func (r *replicas) ask(h http.Handler, from, path string, body object, headers ...string) reply {
	raw, err := json.Marshal(body)
	if err != nil {
		r.t.Error(err)
	}
	req := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(raw))
	req.Host, req.RemoteAddr = "127.0.0.1:3000", from+":1"
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	out := reply{status: rec.Code, header: rec.Result().Header, raw: rec.Body.String()}
	if err := json.Unmarshal(rec.Body.Bytes(), &out.body); err != nil {
		r.t.Errorf("%s: %d, not JSON: %q", path, out.status, out.raw)
	}
	return out
}

// seen is what reached the service: every guess by code, every send by contact.
type seen struct {
	mu      sync.Mutex
	guesses map[string]int
	sends   map[string][]time.Time
}

func (s *seen) note(path string, body []byte) {
	var in struct {
		Parameters struct{ OTPID, Contact string } `json:"parameters"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.HasSuffix(path, "/verify_otp"):
		s.guesses[in.Parameters.OTPID]++
	case strings.HasSuffix(path, "/init_otp"):
		s.sends[in.Parameters.Contact] = append(s.sends[in.Parameters.Contact], time.Now())
	}
}

func (s *seen) to(contact string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sends[contact])
}

// check fails the test where a code was tried, or a contact sent to, more often than is allowed, and returns the most
// of each that was seen.
func (s *seen) check(t testing.TB) (tries, sends int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, n := range s.guesses {
		if tries = max(tries, n); n > 3 {
			t.Errorf("%d guesses at the code %s", n, id)
		}
	}
	for contact, at := range s.sends {
		in := 0
		for i := range at {
			n := 1
			for j := i + 1; j < len(at) && at[j].Sub(at[i]) < 3*time.Minute-time.Second; j++ { // noted a moment after it was counted
				n++
			}
			in = max(in, n)
		}
		if sends = max(sends, in); in > 3 || len(at) > 9 {
			t.Errorf("%d codes to %s, %d of them within 3 minutes", len(at), contact, in)
		}
	}
	return tries, sends
}

// detour carries connections to whatever server it is told, as an address does that moves with a primary.
type detour struct {
	listener net.Listener

	mu    sync.Mutex
	to    string
	conns map[net.Conn]bool
}

func newDetour(t testing.TB, to string) *detour {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &detour{listener: listener, to: to, conns: map[net.Conn]bool{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { d.carry(from) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		d.lead("")
		wg.Wait()
	})
	return d
}

func (d *detour) url() backend.Secret {
	return backend.SecretOf("redis://" + d.listener.Addr().String() + "/0")
}

// lead cuts every connection, and leads new ones to another server; "" refuses them.
func (d *detour) lead(to string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.to = to
	for c := range d.conns {
		_ = c.Close()
	}
	clear(d.conns)
}

func (d *detour) carry(from net.Conn) {
	defer from.Close()
	d.mu.Lock()
	to, err := net.Dial("tcp", d.to)
	if d.to == "" || err != nil {
		d.mu.Unlock()
		return
	}
	d.conns[from], d.conns[to] = true, true
	d.mu.Unlock()
	defer to.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	})
	_, _ = io.Copy(from, to)
	_ = from.Close()
	wg.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.conns, from)
	delete(d.conns, to)
}
