package backend_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"latchkey/internal/backend"
)

// The same probes byte by byte over connections of their own, through the balancer to whichever replica has its turn, by
// the program as it is shipped and told what it may be called: refused, and nothing is asked of the API for them. The
// short run tries each probe on a few routes, the campaign on all.
func TestR18_NobodyElseUsesAnyReplica(t *testing.T) {
	const seed = 18
	server := backend.StartRedis(t)
	for _, mode := range []struct {
		name     string
		settings []string
		host     string
		probes   []misuse
		friends  []func(*http.Request)
	}{
		{"on loopback", nil, "127.0.0.1:3000", slices.Concat(foreignNames(), foreignPages()),
			[]func(*http.Request){func(*http.Request) {}, hosted("localhost:3000"), hosted("[::1]:3000"), sent("Origin", "http://localhost:5173")}},
		{"under a name", []string{"LATCHKEY_ALLOWED_HOSTS=auth.example.com,10.0.0.7:3000", "LATCHKEY_ALLOWED_ORIGINS=https://app.example.com,http://dev.example.com:*"}, "auth.example.com",
			slices.Concat(foreignNames(), foreignPages("http://localhost:5173", "http://127.0.0.1:5173", "https://auth.example.com:444", "http://dev.example.com.evil.test:1"),
				[]misuse{{"a local page by a local name", all(hosted("localhost:3000"), sent("Origin", "http://localhost:5173")), 403}}),
			[]func(*http.Request){func(*http.Request) {}, hosted("AUTH.example.com:443"), hosted("10.0.0.7:3000"), sent("Origin", "https://app.example.com"), sent("Origin", "http://dev.example.com:8080")}},
	} {
		t.Run(mode.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, seed))
			r := newReplicas(t, server.Addr, mode.settings...)
			var asked atomic.Int64
			r.network.setFault(func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
				if strings.Contains(path, "/submit/") || strings.Contains(path, "/list_") { // and not who we are, which a start asks
					asked.Add(1)
				}
				return send(), nil
			})
			routes := r.routes()
			slices.SortFunc(routes, func(a, b route) int { return strings.Compare(a.path+a.method, b.path+b.method) })
			some := func() []route {
				if os.Getenv("LATCHKEY_CAMPAIGN") == "R18" {
					return routes
				}
				return []route{routes[rng.IntN(len(routes))], {method: http.MethodPost, path: "/otp/init"}}
			}
			kinds, n := 0, 0
			try := func(name, method string, to route, change func(*http.Request), want ...int) {
				n++
				got := r.raw(method, to.path, mode.host, change)
				// What is no request at all is refused by whoever reads it, in plain text, before anybody sees where it goes.
				unread := got.StatusCode == http.StatusBadRequest && strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain")
				if !unread && !slices.Contains(want, got.StatusCode) {
					t.Errorf("%s: %s %s: %d", name, method, to.path, got.StatusCode)
				}
				if allowed := got.Header.Get("Access-Control-Allow-Origin"); allowed != "" {
					t.Errorf("%s: %s %s: allowed to %s", name, method, to.path, allowed)
				}
			}
			asks := all(sent("Access-Control-Request-Method", "POST"), sent("Access-Control-Request-Headers", "content-type,x-latchkey-token"), sent("Access-Control-Request-Private-Network", "true"))
			for _, p := range mode.probes {
				if strings.HasSuffix(p.name, " ") { // which no connection carries
					continue
				}
				kinds++
				for _, to := range some() {
					try(p.name, to.method, to, p.change, p.status)
					try(p.name+", asking first", http.MethodOptions, to, all(asks, p.change), 403)
				}
			}
			for _, p := range pageTypes() {
				kinds++
				for _, to := range some() {
					if to.method == http.MethodPost {
						try(p.name, to.method, to, p.change, p.status, 401)
					}
				}
			}
			if asked.Load() != 0 || kinds < 60 {
				t.Errorf("%d kinds of probes; the API was asked %d times", kinds, asked.Load())
			}
			t.Logf("%d kinds of probes, %d refused by 3 replicas", kinds, n)
			for i, own := range mode.friends {
				contact := fmt.Sprintf(`{"contact":"friend%s%d@example.com"}`, strings.ReplaceAll(mode.name, " ", ""), i)
				got := r.raw(http.MethodPost, "/otp/init", mode.host, all(own, func(q *http.Request) { q.Body = io.NopCloser(strings.NewReader(contact)) }))
				if got.StatusCode != 200 || int(asked.Load()) != i+1 {
					t.Errorf("its owner's call %d: %d", i, got.StatusCode)
				}
			}
		})
	}
}

// raw is knock over a connection of its own, with every byte as it stands: also what no client would send.
func (r *replicas) raw(method, path, host string, change func(*http.Request)) *http.Response {
	r.t.Helper()
	q := httptest.NewRequest(method, path, strings.NewReader(eager()))
	q.Host = host
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set(backend.ConfigHeader, r.facts.OrganizationID)
	change(q)
	body, err := io.ReadAll(q.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, q.URL.RequestURI(), q.Host)
	for name, values := range q.Header {
		for _, value := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	conn, err := net.Dial("tcp", r.balancer.addr())
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, b.String()); err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), q)
	if err != nil {
		r.t.Fatalf("%s %s of %q: %v", method, path, host, err)
	}
	_ = resp.Body.Close()
	return resp
}
