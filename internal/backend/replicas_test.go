package backend_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/sandbox"
)

// replicas are three backends as they are shipped, each a process of its own, behind a balancer, in front of one sandbox
// that is a process too. They share one Redis and nothing else. What they ask of the sandbox goes through network, whose
// fault may take it. Their clock is everybody's, which the world's own cannot change.
type replicas struct {
	*world
	each     []http.Handler // by its own address
	machine  []*served
	balancer *detour
	box      *served
	seen     *seen
}

// counting are the limits of replicas whose test is not about them: those by contact alone.
const counting = "LATCHKEY_LIMITS=address-sends=-1,network-sends=-1,total-sends=-1,address-guesses=-1,address-calls=-1,network-calls=-1"

// newReplicas starts them on a Redis, with settings as in the environment; later ones win. Requests of the world go
// through the balancer.
func newReplicas(t testing.TB, redis string, settings ...string) *replicas {
	t.Helper()
	program := build(t)
	r := &replicas{box: serve(t, program, nil, "sandbox", "--listen", "127.0.0.1:0")}
	told := r.box.ready
	r.world = &world{t: t, api: far(told["apiBaseUrl"]), control: far(told["controlUrl"]), facts: sandbox.Facts{
		OrganizationID: told["organizationId"], APIPublicKey: told["apiPublicKey"], APIPrivateKey: told["apiPrivateKey"],
		NotarizerPublicKey: told["notarizerPublicKey"], TLSFetcherPublicKey: told["tlsFetcherPublicKey"], SignerPublicKey: told["signerPublicKey"],
		TLSFetcherEncryptionPublicKey: told["tlsFetcherEncryptionPublicKey"], LegacyTokenPublicKey: told["legacyTokenPublicKey"],
	}}
	r.config.Now = time.Now
	r.network = &network{api: r.api, quiet: true}
	r.seen = &seen{guesses: map[string]int{}, sends: map[string][]time.Time{}}
	road := httptest.NewServer(http.HandlerFunc(r.pass))
	t.Cleanup(road.Close)
	env := append([]string{
		"TURNKEY_API_URL=" + road.URL, "TURNKEY_ORGANIZATION_ID=" + r.facts.OrganizationID,
		"TURNKEY_API_PUBLIC_KEY=" + r.facts.APIPublicKey, "TURNKEY_API_PRIVATE_KEY=" + r.facts.APIPrivateKey,
		"LATCHKEY_NOTARIZER_PUBLIC_KEY=" + r.facts.NotarizerPublicKey, "LATCHKEY_TLS_FETCHER_PUBLIC_KEY=" + r.facts.TLSFetcherPublicKey,
		"LATCHKEY_LEGACY_TOKEN_PUBLIC_KEY=" + r.facts.LegacyTokenPublicKey,
		"LATCHKEY_REDIS_URL=redis://" + redis + "/0", "LATCHKEY_TRUSTED_PROXIES=127.0.0.0/8", counting,
	}, settings...)
	var at []string
	for range 3 {
		one := serve(t, program, env, "backend", "--listen", "127.0.0.1:0")
		r.machine = append(r.machine, one)
		r.each = append(r.each, far(one.ready["url"]))
		at = append(at, strings.TrimPrefix(one.ready["url"], "http://"))
	}
	r.balancer = newDetour(t, at...)
	r.h = far("http://" + r.balancer.addr())
	return r
}

// pass carries a request of a replica to the sandbox. Where the network takes it, the connection ends.
func (r *replicas) pass(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.seen.note(req.URL.Path, body)
	req.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := r.network.RoundTrip(req)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close()
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

// far is a server at another address as if it were a handler here. It tells the server the address that a request is
// from, as a balancer does, and answers 502 without a word for one that does not answer.
func far(url string) http.Handler {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := http.NewRequestWithContext(r.Context(), r.Method, url+r.URL.RequestURI(), r.Body)
		if err != nil {
			panic(err)
		}
		out.Header, out.Host, out.ContentLength = r.Header.Clone(), r.Host, r.ContentLength
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
			out.Header.Set("X-Forwarded-For", host)
		}
		resp, err := client.Do(out)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		maps.Copy(w.Header(), resp.Header)
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	})
}

// any is one of them, as the balancer has it.
func (r *replicas) any() http.Handler { return r.h }

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

// detour carries connections to whatever servers it is told, to each in turn: as a balancer does, and as an address
// that moves with a primary.
type detour struct {
	listener net.Listener

	mu    sync.Mutex
	to    []string
	turn  int
	conns map[net.Conn]bool
}

func newDetour(t testing.TB, to ...string) *detour {
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
		d.lead()
		wg.Wait()
	})
	return d
}

func (d *detour) addr() string { return d.listener.Addr().String() }

// led is how many connections it has led anywhere.
func (d *detour) led() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.turn
}

// lead cuts every connection, and leads new ones to other servers; to none refuses them.
func (d *detour) lead(to ...string) {
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
	if len(d.to) == 0 {
		d.mu.Unlock()
		return
	}
	d.turn++
	to, err := net.Dial("tcp", d.to[d.turn%len(d.to)])
	if err != nil {
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
