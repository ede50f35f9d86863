package sandbox

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// probe is one thing that somebody else's page, name or program may try at the control port.
type probe struct {
	name   string
	change func(r *http.Request)
	only   string // the methods that it is for, "" for all
}

func hosted(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }

func sent(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header[name] = values }
}

func both(changes ...func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		for _, f := range changes {
			f(r)
		}
	}
}

// writing are the methods that change something.
const writing = "POST PUT"

func misuses() []probe {
	all := []probe{}
	for _, host := range []string{
		"evil.test", "evil.test:4000", "localhost.evil.test:4000", "127.0.0.1.evil.test:4000", "evil-localhost:4000", "notlocalhost",
		"127.0.0.1.nip.io:4000", "localtest.me:4000", "latchkey.local:4000", "sandbox:4000", // names that resolve here
		"localhost.:4000", "127.0.0.1.:4000", "localhost..:4000", ".localhost:4000", "app.localhost:4000",
		"0.0.0.0:4000", "[::]:4000", "192.168.0.10:4000", "10.0.0.1:4000", "169.254.169.254", "[fe80::1]:4000", "[::ffff:192.168.0.10]:4000",
		"128.0.0.1:4000", "127.1:4000", "2130706433:4000", "0x7f000001:4000", "0x7f.0.0.1:4000", "0177.0.0.1:4000", "127.000.000.001:4000",
		"::1", "::1:4000", "[::1%25lo]:4000", "[::1%lo]:4000", "[127.0.0.1]:4000", "[localhost]:4000", "[::1]evil.test", "[::1].evil.test:4000",
		"127.0.0.1@evil.test:4000", "evil.test@127.0.0.1:4000", "user:pw@localhost:4000",
		"127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:http", "127.0.0.1:4000:4000", "localhost:-1", ":4000", "",
		"127.0.0.1, evil.test", "127.0.0.1 evil.test", "127.0.0.1/evil", "localhost\x00.evil.test", "lоcalhost:4000", // a Cyrillic o
	} {
		all = append(all, probe{"host " + host, hosted(host), ""})
	}
	for _, origin := range []string{
		"https://evil.test", "http://evil.test", "http://evil.test:4000", "null", "file://", "https://127.0.0.1:4000", "http://127.0.0.1",
		"http://127.0.0.1:3000", "http://localhost:4000", "http://[::1]:4000", "http://127.0.0.1:4000.evil.test", "http://127.0.0.1:4000@evil.test",
		"http://evil.test@127.0.0.1:4000", "http://127.0.0.1:4000/", "http://127.0.0.1:4000/path", "HTTP://127.0.0.1:4000", "http://127.0.0.1:04000",
		"chrome-extension://abcdefghijklmnop", "moz-extension://0", "wails://wails", "http://wails.localhost", "", "http://127.0.0.1.:4000", "//127.0.0.1:4000",
	} {
		all = append(all, probe{"origin " + origin, sent("Origin", origin), ""})
	}
	for _, site := range []string{"cross-site", "same-site", "Cross-Site", "unheard-of", ""} {
		all = append(all, probe{"site " + site, sent("Sec-Fetch-Site", site), ""},
			probe{"site " + site + ", from an image", both(sent("Sec-Fetch-Site", site), sent("Sec-Fetch-Mode", "no-cors"), sent("Sec-Fetch-Dest", "image")), ""},
			probe{"site " + site + ", in a frame", both(sent("Sec-Fetch-Site", site), sent("Sec-Fetch-Mode", "navigate"), sent("Sec-Fetch-Dest", "iframe")), ""},
			probe{"site " + site + ", a form's page", both(sent("Sec-Fetch-Site", site), sent("Sec-Fetch-Mode", "navigate"), sent("Sec-Fetch-Dest", "document")), ""})
	}
	for _, enctype := range []string{
		"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "text/plain; charset=utf-8", "text/json", "application/jsonp",
		"application/json-patch+json", "application/xml", "application/csp-report", "application/reports+json", "text/plain; application/json",
		"application/jsonx", " ", "", "application/octet-stream", "x,application/json",
	} {
		all = append(all, probe{"type " + enctype, sent("Content-Type", enctype), writing})
	}
	return append(all,
		probe{"no type", func(r *http.Request) { r.Header.Del("Content-Type") }, writing},
		probe{"two types", sent("Content-Type", "application/json", "text/plain"), writing},
		probe{"two origins", sent("Origin", "http://127.0.0.1:4000", "https://evil.test"), ""},
		probe{"two sites", sent("Sec-Fetch-Site", "same-origin", "cross-site"), ""},
		probe{"a WebSocket of another page", both(sent("Origin", "https://evil.test"), sent("Connection", "Upgrade"), sent("Upgrade", "websocket")), ""},
		probe{"a WebSocket of nobody", both(sent("Connection", "Upgrade"), sent("Upgrade", "websocket"), sent("Sec-Websocket-Version", "13")), ""},
		probe{"another protocol", both(sent("Connection", "Upgrade"), sent("Upgrade", "h2c")), ""},
		probe{"a form of another page", both(sent("Origin", "https://evil.test"), sent("Content-Type", "application/x-www-form-urlencoded")), writing},
		probe{"a form of another page with our type", both(sent("Origin", "https://evil.test"), sent("Content-Type", "application/json")), ""},
		probe{"rebinding that knows its Origin", both(hosted("evil.test:4000"), sent("Origin", "http://evil.test:4000"), sent("Sec-Fetch-Site", "same-origin")), ""},
		probe{"a proxy's idea of the host", both(hosted("evil.test"), sent("X-Forwarded-Host", "127.0.0.1:4000"), sent("Forwarded", "host=127.0.0.1")), ""},
	)
}

// Nothing of somebody else's reaches any call of the control port or the page's files, whatever it looks like; what the
// owner's own programs and page send is answered.
func TestR18_NobodyElseControlsTheSandbox(t *testing.T) {
	b := newBox(t, Options{})
	calls := []string{}
	for _, r := range routes {
		calls = append(calls, r.method+" "+r.path)
	}
	files, err := pageFiles.ReadDir("page")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Name() != "index.html" {
			calls = append(calls, "GET /"+f.Name())
		}
	}
	calls = append(calls, "GET /", "GET /nonsense", "POST /nonsense")
	ask := func(call string, change func(*http.Request)) *httptest.ResponseRecorder {
		method, path, _ := strings.Cut(call, " ")
		r := httptest.NewRequest(method, path, strings.NewReader(map[string]string{"PUT": "[]", "POST": `{"frozen":true,"seed":5}`}[method]))
		r.Host = "127.0.0.1:4000"
		if strings.Contains(writing, method) {
			r.Header.Set("Content-Type", "application/json")
		}
		change(r)
		w := httptest.NewRecorder()
		b.Control().ServeHTTP(w, r)
		return w
	}
	before := b.state.Load()
	n := 0
	for _, p := range misuses() {
		for _, call := range calls {
			method, path, _ := strings.Cut(call, " ")
			if p.only != "" && !slices.Contains(strings.Fields(p.only), method) {
				continue
			}
			if call == "GET /" && strings.Contains(p.name, "a form's page") {
				continue // a link from anywhere may open the page, which shows nothing of itself
			}
			n++
			w := ask(call, p.change)
			if w.Code != http.StatusForbidden && w.Code != http.StatusUnsupportedMediaType {
				t.Errorf("%s of %s: %d", p.name, call, w.Code)
			}
			if w.Header().Get("Access-Control-Allow-Origin") != "" || bytes.Contains(w.Body.Bytes(), []byte("messages")) {
				t.Errorf("%s of %s got %s", p.name, path, w.Body)
			}
		}
	}
	if b.state.Load() != before || b.clock.state().Frozen || n < 60 {
		t.Errorf("after %d probes something has changed", n)
	}
	t.Logf("%d kinds of probes, %d refused", len(misuses()), n)

	for _, method := range []string{"OPTIONS", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "POSTS", "post"} {
		for _, call := range calls {
			_, path, _ := strings.Cut(call, " ")
			w := ask(method+" "+path, both(sent("Content-Type", "application/json"), sent("Access-Control-Request-Method", "POST")))
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Access-Control-Allow-Methods") != "" {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
	for _, own := range []func(*http.Request){
		func(*http.Request) {}, hosted("localhost:4000"), hosted("LOCALHOST:4000"), hosted("127.8.9.1"), hosted("[::1]:4000"), hosted("[::1]"), hosted("[::ffff:127.0.0.1]:80"),
		both(hosted("localhost:4000"), sent("Origin", "http://localhost:4000"), sent("Sec-Fetch-Site", "same-origin")), sent("Sec-Fetch-Site", "none"),
	} {
		for _, call := range []string{"GET /clock", "GET /faults", "PUT /faults", "GET /organizations"} {
			if w := ask(call, own); w.Code != 200 {
				t.Errorf("its owner's %s: %d %s", call, w.Code, w.Body)
			}
		}
	}
}
