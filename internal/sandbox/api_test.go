package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/internal/p256"
)

// any sends any request to the API.
func (b *box) any(method, path string, body []byte, header http.Header) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, "http://api.test"+path, bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	return b.do(b.http, r)
}

func TestPathsThatAreNotDone(t *testing.T) {
	b := newBox(t, Options{})
	undone := 0
	for _, path := range strings.Fields(paths) {
		if _, done := endpoints()[path]; !done {
			undone++
			b.any("POST", path, []byte("{}"), nil).refused(501, "UNSPECIFIED", path)
		}
	}
	if n := undone + len(endpoints()) - len(unlisted); n != 173 {
		t.Errorf("%d paths of the service", n)
	}
	for _, path := range []string{"/", "/public/v1/query/whoami/", "/public/v1/query/nonsense", "/public/v2/query/whoami", "/v1/otp_init"} {
		b.any("POST", path, []byte("{}"), nil).refused(404, "UNSPECIFIED", "Not Found")
	}
	a := b.any("GET", "/public/v1/query/whoami", nil, nil)
	a.refused(405, "UNSPECIFIED", "Method Not Allowed")
	if got := a.header.Get("Allow"); got != "POST" {
		t.Errorf("Allow: %q", got)
	}
}

// The package comment names exactly the paths that are not done.
func TestTheCommentNamesWhatIsNotDone(t *testing.T) {
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(source), "these are all of them:")
	list, _, ended := strings.Cut(list, "//   - ")
	if !ended {
		t.Fatal("the comment has no list")
	}
	named := map[string]bool{}
	for _, word := range regexp.MustCompile(`[a-z0-9]+[_-][a-z0-9_-]+`).FindAllString(list, -1) {
		named[word] = true
	}
	for _, path := range strings.Fields(paths) {
		_, done := endpoints()[path]
		if name := path[strings.LastIndexByte(path, '/')+1:]; done == named[name] {
			t.Errorf("%s: done %v, named as not done %v", path, done, named[name])
		}
	}
}

func TestAnyPageMayCallTheAPI(t *testing.T) {
	b := newBox(t, Options{})
	a := b.any("OPTIONS", "/public/v1/submit/init_otp", nil, http.Header{"Origin": {"https://app.test"}, "Access-Control-Request-Method": {"POST"}})
	if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.header.Get("Access-Control-Allow-Methods"), "POST") {
		t.Errorf("preflight: %d %v", a.status, a.header)
	}
	for _, name := range []string{"content-type", "x-stamp", "x-stamp-webauthn", "x-stamp-attested", "x-client-version", "x-session"} {
		if !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), name) {
			t.Errorf("the preflight does not allow %s", name)
		}
	}
	if got := b.root.query("whoami", nil).ok().header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("an answer allows %q", got)
	}
}

func TestTheDateIsTheSandboxs(t *testing.T) {
	b := newBox(t, Options{})
	b.controlled("POST", "/clock", m{"advanceSeconds": 7200}).ok()
	got, err := http.ParseTime(b.root.query("whoami", nil).ok().header.Get("Date"))
	if want := b.time.now().Add(2 * time.Hour).Truncate(time.Second); err != nil || !got.Equal(want) {
		t.Errorf("Date is %s, want %s", got, want)
	}
}

func TestAHugeBodyIsRefused(t *testing.T) {
	b := newBox(t, Options{})
	b.root.send("query/whoami", mustJSON(m{"organizationId": b.root.org, "x": strings.Repeat("x", bodyMax-100)})).ok()
	a := b.post("query/whoami", bytes.Repeat([]byte(" "), bodyMax+1), nil)
	a.refused(413, "REQUEST_INVALID", "too large")
}

// What goes wrong inside is logged and not told, and the next request is served.
func TestAFaultOfOursIsTold500AndNothingElse(t *testing.T) {
	var log bytes.Buffer
	b := newBox(t, Options{StateDir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err := b.disk.close(); err != nil {
		t.Fatal(err)
	}
	a := b.root.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}})
	a.refused(500, "INTERNAL", "internal server error")
	if got := a.text("message"); got != "internal server error" {
		t.Errorf("it tells %q", got)
	}
	if !strings.Contains(log.String(), "database not open") {
		t.Errorf("the log says %s", log.String())
	}
}

// A panic costs its own request and no other.
func TestAPanicIsOneFailedRequest(t *testing.T) {
	var log bytes.Buffer
	b := newBox(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	b.api.(*api).endpoints["/public/v1/query/whoami"] = queryOf[nothing]{func(*call, *nothing) (any, error) { panic("bug 17") }}
	b.root.query("whoami", nil).refused(500, "INTERNAL", "internal server error")
	b.root.query("list_users", nil).ok()
	b.root.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).ok()
	if !strings.Contains(log.String(), "bug 17") {
		t.Error("the panic is not in the log")
	}
}

// No code, stamp, key, phrase or body gets into the log, at any level.
func TestNothingSecretIsLogged(t *testing.T) {
	var log bytes.Buffer
	b := newBox(t, Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	jane := b.logIn("jane@doe.test")
	jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0)}}).result("createWalletResult")
	id := b.root.plainOTP(nil).result("initOtpResult").text("otpId")
	b.root.plainGuess(id, "GUESS1234")
	secrets := []string{"GUESS1234", b.newestCode("jane@doe.test"), b.Facts().APIPrivateKey, p256.PrivateHex(jane.key.Private())}
	for _, w := range b.state.Load().wallets {
		secrets = append(secrets, w.phrase)
	}
	for _, r := range b.requests.after(0, requestsMax) {
		secrets = append(secrets, r.Headers["X-Stamp"]...)
	}
	if !strings.Contains(log.String(), "whoami") && !strings.Contains(log.String(), "create_wallet") {
		t.Fatal("nothing is logged at all")
	}
	for _, secret := range secrets {
		if secret != "" && strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
}

// The same seed gives the same keys, ids and codes; another seed, others.
func TestASeedRepeatsARun(t *testing.T) {
	run := func(seed uint64) string {
		b := newBox(t, Options{Seed: seed})
		id := b.root.plainOTP(nil).result("initOtpResult").text("otpId")
		address := b.root.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0)}}).result("createWalletResult").text("addresses", "0")
		return fmt.Sprint(b.Facts(), id, b.newestCode("jane@doe.test"), address)
	}
	if one, two := run(7), run(7); one != two {
		t.Errorf("seed 7 gave\n%s\nand\n%s", one, two)
	}
	if run(7) == run(8) {
		t.Error("two seeds gave one run")
	}
}

func TestARandomSeedIsLogged(t *testing.T) {
	var log bytes.Buffer
	s, err := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if want := fmt.Sprint("seed=", s.state.Load().enclave.seed); !strings.Contains(log.String(), want) || s.state.Load().enclave.seed == 0 {
		t.Errorf("the log says %q, want %s", log.String(), want)
	}
}

func TestEveryRequestIsSeenWithTheCheckThatRefusedIt(t *testing.T) {
	b := newBox(t, Options{})
	stranger := newKey()
	b.root.with(stranger).query("whoami", nil)
	b.root.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).ok()
	list := b.controlled("GET", "/requests", nil).ok()
	if got := list.text("requests", "0", "activityType"); got != "ACTIVITY_TYPE_CREATE_WALLET" || list.at("requests", "0", "status") != 200.0 {
		t.Errorf("the newest is %s", list.raw)
	}
	for path, want := range map[string]string{"path": "/public/v1/query/whoami", "refused.check": "key known", "refused.seen": stranger.PublicKey(),
		"refused.turnkeyErrorCode": "PUBLIC_KEY_NOT_FOUND", "stamp.publicKey": stranger.PublicKey(), "body": `{"organizationId":"` + b.root.org + `"}`} {
		if got := list.text(append([]string{"requests", "1"}, strings.Split(path, ".")...)...); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	after := b.controlled("GET", "/requests?after=1&limit=5", nil).ok().at("requests").([]any)
	if len(after) != 1 {
		t.Errorf("%d requests after the first", len(after))
	}
	for range requestsMax + 10 {
		b.post("query/whoami", []byte("{}"), nil)
	}
	if got := b.controlled("GET", "/requests?limit=100000", nil).ok().at("requests").([]any); len(got) != requestsMax {
		t.Errorf("%d requests are kept", len(got))
	}
	b.post("query/whoami", bytes.Repeat([]byte("x"), 2*bodyKept), nil)
	if got := b.controlled("GET", "/requests?limit=1", nil).ok(); len(got.text("requests", "0", "body")) != bodyKept || got.at("requests", "0", "bodyCut") != true {
		t.Error("a large body is kept whole")
	}
}

// A caller who hangs up breaks nothing.
func TestABodyThatBreaksOff(t *testing.T) {
	b := newBox(t, Options{})
	r, err := http.NewRequestWithContext(context.Background(), "POST", "http://api.test/public/v1/query/whoami", brokenReader{})
	if err != nil {
		t.Fatal(err)
	}
	b.do(b.http, r).refused(400, "REQUEST_INVALID", "bad request body")
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, fmt.Errorf("gone") }
