package backend_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/backend"
	"latchkey/internal/p256"
)

// misuse is one thing that somebody else's page, name or program may try at a backend on this machine.
type misuse struct {
	name   string
	change func(*http.Request)
	status int // of its refusal
}

func hosted(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }

func sent(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header[name] = values }
}

func all(changes ...func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		for _, f := range changes {
			f(r)
		}
	}
}

// foreignNames are what a page may have pointed at this machine, and what looks like a name of its own.
func foreignNames() (every []misuse) {
	for _, host := range []string{
		"evil.test", "evil.test:3000", "EVIL.TEST:3000", "evil.test.", "localhost.evil.test:3000", "127.0.0.1.evil.test:3000", "evil-localhost:3000", "notlocalhost", "xlocalhost:3000",
		"127.0.0.1.nip.io:3000", "localtest.me:3000", "latchkey.local:3000", "backend:3000", "app.localhost:3000", ".localhost:3000",
		"localhost.:3000", "LOCALHOST.:3000", "127.0.0.1.:3000", "localhost..:3000", "localhost\x00.evil.test", "lоcalhost:3000" /* a Cyrillic o */, "xn--lcalhost-k8f:3000",
		"0.0.0.0:3000", "[::]:3000", "[::2]:3000", "192.168.0.10:3000", "10.0.0.1:3000", "169.254.169.254", "128.0.0.1", "[fe80::1]:3000", "[::ffff:192.168.0.10]:3000",
		"127.1:3000", "2130706433:3000", "0x7f000001:3000", "0x7f.0.0.1", "0177.0.0.1:3000", "127.000.000.001:3000",
		"::1:3000", "[::1]evil.test", "[::1].evil.test:3000", "127.0.0.1@evil.test:3000", "evil.test@127.0.0.1:3000", "user:pw@localhost:3000",
		"127.0.0.1:3000:3000", "127.0.0.1, evil.test", "127.0.0.1 evil.test", "127.0.0.1/evil", "127.0.0.1#evil", "", ":3000",
		"example.com", "xauth.example.com", "auth.example.com.evil.test", "auth.example.com.", "auth-example.com", "10.0.0.7", "10.0.0.7:80", "10.0.0.8:3000",
	} {
		every = append(every, misuse{"the name " + host, hosted(host), 403})
	}
	return append(every,
		misuse{"a name that knows its Origin", all(hosted("evil.test:3000"), sent("Origin", "http://evil.test:3000")), 403},
		misuse{"a name, and a proxy's idea of it", all(hosted("evil.test"), sent("X-Forwarded-Host", "127.0.0.1:3000"), sent("Forwarded", "host=127.0.0.1")), 403},
		misuse{"a name, from where a page may call", all(hosted("evil.test"), sent("Origin", "http://localhost:5173")), 403})
}

func foreignPages(origins ...string) (every []misuse) {
	for _, origin := range append([]string{
		"https://evil.test", "http://evil.test", "http://evil.test:3000", "null", "NULL", "", "*", "x", "file://", "http://", "//localhost", "http:localhost",
		"http://localhost.evil.test", "http://localhost.evil.test:3000", "http://127.0.0.1.evil.test:80", "http://evil-localhost", "http://xlocalhost:3000", "http://localhost.:3000",
		"http://127.0.0.2:3000", "http://0.0.0.0:3000", "http://127.1:3000", "http://[::1]:5173", "http://user@localhost", "http://localhost@evil.test", "http://evil.test#localhost",
		"http://localhost/", "http://localhost:80#x", "http://localhost:80?x", "http://localhost:5173/path", "http://localhost:5173 ", "HTTP://localhost:5173", "http://localhost:5173, https://evil.test",
		"https://localhost:5173", "ws://localhost:5173", "chrome-extension://abcdefghijklmnop", "moz-extension://0", "http://wails.localhost",
		"https://app.example.com.evil.test", "https://xapp.example.com", "https://app.example.com:8443", "http://app.example.com", "https://app.example.com.", "https://dev.example.com:1", "https://example.com",
	}, origins...) {
		every = append(every, misuse{"the page " + origin, sent("Origin", origin), 403})
	}
	return append(every,
		misuse{"two origins", sent("Origin", "http://localhost:5173", "https://evil.test"), 403},
		misuse{"a form of another page", all(sent("Origin", "https://evil.test"), sent("Content-Type", "application/x-www-form-urlencoded")), 403},
		misuse{"a WebSocket of another page", all(sent("Origin", "https://evil.test"), sent("Connection", "Upgrade"), sent("Upgrade", "websocket")), 403})
}

// strangers are programs of this machine that do not know the token, where there is one.
func strangers(token, other string) (every []misuse) {
	for _, wrong := range []string{
		"", "wrong", other, token + " ", " " + token, "\t" + token, token[:8] + " " + token[8:], token[:len(token)-1], token[1:], token + "x", token + "\x00",
		strings.ToUpper(token), strings.ToUpper(token[:1]) + token[1:], token + token, token + "," + token, `"` + token + `"`, "Bearer " + token, token + "; " + token, strings.Repeat("x", 10_000),
	} {
		every = append(every, misuse{fmt.Sprintf("the token %.40q", wrong), sent(backend.TokenHeader, wrong), 403})
	}
	none := func(r *http.Request) { r.Header.Del(backend.TokenHeader) }
	without := func(name string, change func(*http.Request)) {
		every = append(every, misuse{"the token " + name, all(none, change), 403})
	}
	without("nowhere", func(*http.Request) {})
	without("nowhere, of the developer's own page", sent("Origin", "http://localhost:5173"))
	without("in the query", func(r *http.Request) { r.URL.RawQuery = backend.TokenHeader + "=" + token + "&token=" + token })
	without("in a cookie", sent("Cookie", backend.TokenHeader+"="+token+"; token="+token))
	without("as a bearer's", sent("Authorization", "Bearer "+token))
	without("as a password", func(r *http.Request) { r.SetBasicAuth("latchkey", token) })
	without("in another header", all(sent("X_latchkey_token", token), sent("X-Latchkey-Token2", token), sent("Latchkey-Token", token)))
	without("in a trailer", func(r *http.Request) { r.Trailer = http.Header{backend.TokenHeader: {token}} })
	without("after a wrong one", sent(backend.TokenHeader, "wrong", token))
	return every
}

// pageTypes are what a page may send without asking first, and what is almost right.
func pageTypes() (every []misuse) {
	for _, kind := range []string{
		"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "text/plain; charset=utf-8", "text/plain; application/json", "text/json", "application/jsonx", "application/jsonp",
		"application/json-patch+json", "application/xml", "application/csp-report", "application/reports+json", "application/octet-stream", "x,application/json", " ", "",
	} {
		every = append(every, misuse{"the type " + kind, sent("Content-Type", kind), 415})
	}
	return append(every, misuse{"no type", func(r *http.Request) { r.Header.Del("Content-Type") }, 415},
		misuse{"a type of two", sent("Content-Type", "text/plain", "application/json"), 415})
}

// route is one of a backend's, by its own description.
type route struct {
	method, path string
	guarded      bool // by a session, which is asked for before a body is read
}

func (w *world) routes() (every []route) {
	w.t.Helper()
	var described struct {
		Paths map[string]map[string]struct{ Security []any }
	}
	r := httptest.NewRequest(http.MethodGet, "/openapi.json", nil)
	r.Host = "localhost"
	r.Header.Set(backend.TokenHeader, w.config.Token)
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	if err := json.Unmarshal(rec.Body.Bytes(), &described); err != nil {
		w.t.Fatal(err)
	}
	for path, methods := range described.Paths {
		for method, op := range methods {
			every = append(every, route{strings.ToUpper(method), path, len(op.Security) > 0})
		}
	}
	if len(every) < 40 {
		w.t.Fatalf("%d routes", len(every))
	}
	return every
}

// eager is a body with which every route that may be called at all has something to do.
func eager() string {
	key := newKey()
	return fmt.Sprintf(`{"contact":"x@example.com","email":"x@example.com","otpType":"OTP_TYPE_EMAIL","filterType":"PUBLIC_KEY","filterValue":%q,"publicKey":%[1]q,"targetPublicKey":%q}`,
		key.PublicKey(), p256.Uncompressed(&newKey().Private().PublicKey))
}

// knock sends one call as its owner would, but for change.
func (w *world) knock(method, path, host string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(eager()))
	r.Host = host
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(backend.ConfigHeader, w.facts.OrganizationID)
	if w.config.Token != "" {
		r.Header.Set(backend.TokenHeader, w.config.Token)
	}
	change(r)
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	return rec
}

// Nothing of somebody else's page, name or program reaches any route of the backend, whatever it looks like, and nothing
// is asked of the API for it; what its own pages and programs send is answered.
func TestR18_NobodyElseUsesTheBackend(t *testing.T) {
	const token, other = "correct-horse-battery", "staple-of-another-launch"
	for _, mode := range []struct {
		name    string
		host    string
		config  func(*backend.Config)
		probes  []misuse
		friends []func(*http.Request)
	}{
		{"on loopback", "127.0.0.1:3000", func(*backend.Config) {}, slices.Concat(foreignNames(), foreignPages()),
			[]func(*http.Request){func(*http.Request) {}, hosted("localhost:3000"), hosted("LOCALHOST"), hosted("[::1]:3000"), hosted("127.8.9.1"), sent("Origin", "http://localhost:5173"),
				sent("Origin", "http://127.0.0.1:9"), sent("Origin", "http://127.0.0.1:3000"), sent("Content-Type", "Application/JSON; charset=utf-8")}},
		{"under a name", "auth.example.com", func(c *backend.Config) {
			c.AllowedHosts, c.AllowedOrigins = []string{"auth.example.com", "10.0.0.7:3000"}, []string{"https://app.example.com", "http://dev.example.com:*"}
		}, slices.Concat(foreignNames(), foreignPages("http://localhost:5173", "http://127.0.0.1:5173", "https://auth.example.com:444", "http://dev.example.com.evil.test:1", "http://xdev.example.com:1")),
			[]func(*http.Request){func(*http.Request) {}, hosted("AUTH.example.com:443"), hosted("10.0.0.7:3000"), hosted("localhost:3000"), sent("Origin", "https://app.example.com"),
				sent("Origin", "https://APP.example.com"), sent("Origin", "http://dev.example.com:8080"), sent("Origin", "https://auth.example.com")}},
		{"in the window", "127.0.0.1:3000", func(c *backend.Config) { c.Token = token }, slices.Concat(foreignNames(), foreignPages(), strangers(token, other)),
			[]func(*http.Request){func(*http.Request) {}, hosted("localhost:3000"), hosted("[::1]:3000"), sent("Origin", "http://localhost:5173")}},
	} {
		t.Run(mode.name, func(t *testing.T) {
			w := newWorld(t, mode.config)
			routes := w.routes()
			kinds, n := 0, 0
			refused := func(name, method, path string, rec *httptest.ResponseRecorder, want int) {
				n++
				if rec.Code != want {
					t.Errorf("%s: %s %s: %d %s", name, method, path, rec.Code, rec.Body)
				}
			}
			silent := func(name, path string, rec *httptest.ResponseRecorder) {
				for _, header := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Allow-Private-Network"} {
					if got := rec.Header().Get(header); got != "" && name != "the token nowhere, of the developer's own page" {
						t.Errorf("%s: %s: %s: %s", name, path, header, got)
					}
				}
			}
			for _, p := range mode.probes {
				kinds++
				for _, r := range append(routes, route{method: "POST", path: "/nonsense"}) {
					rec := w.knock(r.method, r.path, mode.host, p.change)
					refused(p.name, r.method, r.path, rec, p.status)
					silent(p.name, r.path, rec)
				}
			}
			for _, p := range pageTypes() {
				kinds++
				for _, r := range routes {
					switch {
					case r.method == http.MethodGet: // which has no body to be of a type
					case r.guarded:
						refused(p.name, r.method, r.path, w.knock(r.method, r.path, mode.host, p.change), 401)
					default:
						refused(p.name, r.method, r.path, w.knock(r.method, r.path, mode.host, p.change), p.status)
					}
				}
			}
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "post", "POSTS", "GETPOST"} {
				kinds++
				for _, r := range routes {
					if r.method != method {
						refused("a method", method, r.path, w.knock(method, r.path, mode.host, sent("X-Http-Method-Override", "POST")), 405)
					}
				}
			}
			asks := all(sent("Access-Control-Request-Method", "POST"), sent("Access-Control-Request-Headers", "content-type,x-latchkey-token"), sent("Access-Control-Request-Private-Network", "true"))
			for _, p := range slices.Concat(foreignNames(), foreignPages()) {
				kinds++
				for _, r := range routes {
					rec := w.knock(http.MethodOptions, r.path, mode.host, all(asks, p.change))
					refused(p.name+", asking first", http.MethodOptions, r.path, rec, 403)
					silent(p.name+", asking first", r.path, rec)
				}
			}
			if len(w.network.calls) != 0 || kinds < 60 {
				t.Errorf("%d kinds of probes; asked of the API: %v", kinds, w.network.calls)
			}
			t.Logf("%d kinds of probes, %d refused", kinds, n)
			for i, own := range mode.friends {
				before := len(w.network.calls)
				w.clock.advance(10 * time.Minute) // past every limit
				if rec := w.knock(http.MethodPost, "/otp/init", mode.host, own); rec.Code != 200 || len(w.network.calls) != before+1 || rec.Header().Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("its owner's call %d: %d %s", i, rec.Code, rec.Body)
				}
			}
		})
	}
}

// What no client makes, but a connection can carry, is refused too.
func TestR18_NobodyElseUsesTheBackendByTheWire(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewUnstartedServer(nil)
	server.Config = backend.Server(w.h)
	server.Start()
	defer server.Close()
	at := server.Listener.Addr().String()
	body := eager()
	rest := fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
	status := func(request string) int {
		conn, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%q: %v", request, err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	for _, head := range []string{
		"POST /otp/init HTTP/1.1\r\nHost: evil.test\r\n",
		"POST /otp/init HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.test\r\n",
		"POST /otp/init HTTP/1.1\r\nHost: evil.test\r\nHost: 127.0.0.1\r\n",
		"POST /otp/init HTTP/1.1\r\nHost: 127.0.0.1\r\nhost: 127.0.0.1\r\n",
		"POST /otp/init HTTP/1.1\r\n",
		"POST /otp/init HTTP/1.1\r\nHost:\r\n",
		"POST /otp/init HTTP/1.0\r\n",
		"POST /otp/init HTTP/1.0\r\nHost: evil.test\r\n",
		"POST http://evil.test/otp/init HTTP/1.1\r\nHost: 127.0.0.1\r\n",
		"POST http://evil.test:3000/otp/init HTTP/1.1\r\nHost: localhost\r\n",
		"POST https://localhost.evil.test/otp/init HTTP/1.1\r\nHost: localhost\r\n",
		"POST http://evil.test@127.0.0.1.evil.test/otp/init HTTP/1.1\r\nHost: localhost\r\n",
		"POST //evil.test/otp/init HTTP/1.1\r\nHost: 127.0.0.1\r\n",
		"CONNECT evil.test:443 HTTP/1.1\r\nHost: 127.0.0.1\r\n",
		"POST /otp/init HTTP/1.1\r\nHost: 127.0.0.1 evil.test\r\n",
		"POST /otp/init HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: null\r\n",
		"POST /otp/init HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://localhost:1\r\nOrigin: https://evil.test\r\n",
		"POST /otp/init HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin:\r\n",
		"POST /otp/init HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked, identity\r\n",
		"POST /otp/init HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n",
		"POST /otp/init HTTP/1.1\r\nHost : 127.0.0.1\r\n",
	} {
		if got := status(head + rest); got < 400 || got > 501 || got == 500 {
			t.Errorf("%q: %d", head, got)
		}
	}
	if len(w.network.calls) != 0 {
		t.Errorf("asked of the API: %v", w.network.calls)
	}
	for _, head := range []string{"POST /otp/init HTTP/1.1\r\nHost: " + at + "\r\n", "POST /otp/init HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:5173\r\n"} {
		if got := status(head + rest); got != 200 {
			t.Errorf("%q: %d", head, got)
		}
	}
}
