package backend_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/need"
)

// served is the program, built and running as a server that is a process of its own.
type served struct {
	cmd   *exec.Cmd
	ready map[string]string // its ready line
}

// build makes the program as it is shipped for servers, once for all tests, and returns where it is.
func build(t testing.TB) string {
	t.Helper()
	need.Command(t, "go")
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "latchkey-program-"); built.err != nil {
			return
		}
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(built.dir, "latchkey"), "latchkey")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "latchkey")
}

var built struct {
	sync.Once
	dir string
	err error
}

// TestMain takes away what build made.
func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// serve starts the program until the test ends. What it logs is shown when the test fails.
func serve(t testing.TB, program string, env []string, args ...string) *served {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	s := &served{cmd: exec.Command(program, args...)}
	s.cmd.Env, s.cmd.Stderr = append(os.Environ(), env...), log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		_ = log.Close()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s said, at last: %s", args[0], text[max(0, len(text)-2000):])
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s.ready)
	}
	if err != nil {
		t.Fatalf("%s: no ready line: %v", args[0], err)
	}
	return s
}

// figures are those of its metrics that have no labels.
func (s *served) figures(t testing.TB) map[string]float64 {
	t.Helper()
	resp, err := http.Get(s.ready["adminUrl"] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok {
			if f, err := strconv.ParseFloat(value, 64); err == nil {
				all[name] = f
			}
		}
	}
	return all
}

// crowd is whoever asks the backend under load.
type crowd struct {
	t                testing.TB
	client           *http.Client
	backend, control string
	config           string
	tokens           []string // of the people who are logged in

	mu   sync.Mutex
	ids  []string // of codes that were sent
	took []time.Duration
	odd  map[string]int // answers that no request of its kind should get
}

// send asks, and returns status and answer.
func (c *crowd) send(method, at, body string, headers ...string) (int, []byte, error) {
	r, err := http.NewRequest(method, at, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	n := rand.Uint32()
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// logIn makes an account and a session of it, and returns the session's token.
func (c *crowd) logIn(contact string) string {
	c.t.Helper()
	text := func(path string, body object, name string) string {
		c.t.Helper()
		raw, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		status, answer, err := c.send(http.MethodPost, c.backend+path, string(raw))
		var out map[string]any
		if err != nil || status != http.StatusOK || json.Unmarshal(answer, &out) != nil {
			c.t.Fatalf("%s: %d %s %v", path, status, answer, err)
		}
		value, _ := out[name].(string)
		return value
	}
	text("/auth/createSubOrg", object{"email": contact, "apiKeys": []any{}, "oAuthProviders": []any{}}, "")
	id := text("/auth/sendOtp", object{"otpType": "OTP_TYPE_EMAIL", "contact": contact}, "otpId")
	c.ids = append(c.ids, id)
	_, inbox, err := c.send(http.MethodGet, c.control+"/inbox?to="+url.QueryEscape(contact), "")
	var in struct{ Messages []struct{ Code string } }
	if err != nil || json.Unmarshal(inbox, &in) != nil || len(in.Messages) == 0 {
		c.t.Fatalf("no code: %s %v", inbox, err)
	}
	return text("/auth/verifyOtp", object{"otpId": id, "otpCode": in.Messages[0].Code, "otpType": "OTP_TYPE_EMAIL", "contact": contact,
		"publicKey": newKey().PublicKey(), "expirationSeconds": "3600"}, "token")
}

// ask does what the nth of a mix does: of twenty, five codes are asked for and four guessed wrong, four times somebody
// asks who he is and once what he has, three times what is allowed, twice whether there is an account, and one makes no
// sense. It notes an answer that such a request should not get.
func (c *crowd) ask(n int) {
	want := http.StatusOK
	var kind string
	var status int
	var answer []byte
	var err error
	switch k := n % 20; {
	case k < 5:
		kind = "/otp/init"
		status, answer, err = c.send(http.MethodPost, c.backend+kind, fmt.Sprintf(`{"otpType":"OTP_TYPE_EMAIL","contact":"person%d@example.com"}`, n))
		var out struct{ OTPID string }
		if err == nil && json.Unmarshal(answer, &out) == nil && out.OTPID != "" {
			c.mu.Lock()
			if c.ids = append(c.ids, out.OTPID); len(c.ids) > 1000 {
				c.ids = slices.Delete(c.ids, 0, 500)
			}
			c.mu.Unlock()
		}
	case k < 9:
		kind = "/otp/verify"
		c.mu.Lock()
		id := c.ids[rand.IntN(len(c.ids))]
		c.mu.Unlock()
		status, answer, err = c.send(http.MethodPost, c.backend+kind, `{"otpId":"`+id+`","otpCode":"ABCDEF"}`)
		if status >= 400 && status < 500 && bytes.Contains(answer, []byte(`"otp.`)) {
			want = status // wrong, or out of tries
		}
	case k < 13:
		kind = "/me"
		status, answer, err = c.send(http.MethodGet, c.backend+kind, "", "Authorization", "Bearer "+c.tokens[rand.IntN(len(c.tokens))])
	case k < 14:
		kind = "/wallets"
		status, answer, err = c.send(http.MethodGet, c.backend+kind, "", "Authorization", "Bearer "+c.tokens[rand.IntN(len(c.tokens))])
	case k < 17:
		kind = "/v1/wallet_kit_config"
		status, answer, err = c.send(http.MethodPost, c.backend+kind, "{}", "X-Auth-Proxy-Config-ID", c.config)
	case k < 19:
		kind = "/v1/account"
		status, answer, err = c.send(http.MethodPost, c.backend+kind, fmt.Sprintf(`{"filterType":"EMAIL","filterValue":"person%d@example.com"}`, n), "X-Auth-Proxy-Config-ID", c.config)
	default:
		kind, want = "no JSON", http.StatusBadRequest
		status, answer, err = c.send(http.MethodPost, c.backend+"/otp/init", `{"contact":`)
	}
	if err == nil && status == want {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.odd[fmt.Sprintf("%s: %d %.200s %v", kind, status, answer, err)]++
}

// load asks at a steady rate for a time. What a request took is counted from when it was due, so that a backend that
// stalls makes all those wait that would have asked meanwhile.
func (c *crowd) load(perSecond int, lasting time.Duration) {
	const askers = 256
	due := make(chan int, perSecond)
	from := time.Now()
	each := time.Second / time.Duration(perSecond)
	var all sync.WaitGroup
	for range askers {
		all.Go(func() {
			for n := range due {
				c.ask(n)
				took := time.Since(from) - time.Duration(n)*each
				c.mu.Lock()
				c.took = append(c.took, took)
				c.mu.Unlock()
			}
		})
	}
	for n := range int(lasting / each) {
		if ahead := time.Duration(n)*each - time.Since(from); ahead > 0 {
			time.Sleep(ahead)
		}
		due <- n
	}
	close(due)
	all.Wait()
}

// R12: the program as it is shipped, in front of a sandbox, each a process of its own. The short run asks less often and
// holds to what no busy machine changes: every answer right, and nothing left behind. The campaign lasts as long as a
// campaign may, and holds to the row's times and sizes too; what grows, is full by its half.
func TestR12_MixedLoad(t *testing.T) {
	if runtime.GOOS != "linux" {
		need.Missing(t, "/proc, in which memory and file handles stand")
	}
	campaign := os.Getenv("LATCHKEY_CAMPAIGN") == "R12"
	perSecond, lasting, look := 100, 5*time.Second, time.Second
	if campaign {
		perSecond, lasting, look = 1000, 18*time.Minute, 10*time.Second
	}
	program := build(t)
	box := serve(t, program, nil, "sandbox", "--listen", "127.0.0.1:0")
	ours := serve(t, program, []string{
		"TURNKEY_API_URL=" + box.ready["apiBaseUrl"], "TURNKEY_ORGANIZATION_ID=" + box.ready["organizationId"],
		"TURNKEY_API_PUBLIC_KEY=" + box.ready["apiPublicKey"], "TURNKEY_API_PRIVATE_KEY=" + box.ready["apiPrivateKey"],
		"LATCHKEY_NOTARIZER_PUBLIC_KEY=" + box.ready["notarizerPublicKey"], "LATCHKEY_TLS_FETCHER_PUBLIC_KEY=" + box.ready["tlsFetcherPublicKey"],
		"LATCHKEY_LEGACY_TOKEN_PUBLIC_KEY=" + box.ready["legacyTokenPublicKey"],
		// All limits are on and, since requests are from all over, never reached, but for those of everybody together.
		"LATCHKEY_TRUSTED_PROXIES=127.0.0.0/8", "LATCHKEY_LIMITS=total-sends=-1",
	}, "backend", "--listen", "127.0.0.1:0")

	c := &crowd{
		t: t, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}, backend: ours.ready["url"], control: box.ready["controlUrl"],
		config: ours.ready["authProxyConfigId"], odd: map[string]int{},
	}
	defer c.client.CloseIdleConnections()
	for i := range 20 {
		c.tokens = append(c.tokens, c.logIn(fmt.Sprintf("member%d@example.com", i)))
	}
	before := ours.figures(t)

	var seen []map[string]float64
	var watching atomic.Bool
	watching.Store(true)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for watching.Load() {
			time.Sleep(look)
			seen = append(seen, ours.figures(t))
		}
	}()
	c.load(perSecond, lasting)
	watching.Store(false)
	<-watched
	c.client.CloseIdleConnections()

	for what, times := range c.odd {
		t.Errorf("%d times %s", times, what)
	}
	slices.Sort(c.took)
	p99 := c.took[len(c.took)*99/100]
	const live, goroutines, handles, resident = "go_gc_heap_live_bytes", "go_goroutines", "process_open_fds", "process_resident_memory_bytes"
	most := map[string]float64{}
	for _, figures := range seen {
		for name, value := range figures {
			most[name] = max(most[name], value)
		}
	}
	for _, name := range []string{live, goroutines, handles, resident} {
		if most[name] == 0 {
			t.Errorf("the metrics tell no %s", name)
		}
	}
	t.Logf("%d requests at %d/s, %d odd; p50 %v, p99 %v; at most %.1f MB resident, %.1f MB live, %.0f goroutines, %.0f file handles",
		len(c.took), perSecond, len(c.odd), c.took[len(c.took)/2], p99, most[resident]/1e6, most[live]/1e6, most[goroutines], most[handles])

	// What the connections took is given back with them.
	for limit := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		after := ours.figures(t)
		if after[goroutines] <= before[goroutines]+20 && after[handles] <= before[handles]+20 {
			break
		}
		if time.Now().After(limit) {
			t.Fatalf("a minute after the load: %.0f goroutines and %.0f file handles; before it %.0f and %.0f", after[goroutines], after[handles], before[goroutines], before[handles])
		}
	}
	if !campaign {
		return
	}
	if p99 > 50*time.Millisecond {
		t.Errorf("p99 %v", p99)
	}
	if most[resident] > 200e6 {
		t.Errorf("%.1f MB resident", most[resident]/1e6)
	}
	half := seen[len(seen)/2:]
	middle := func(of []map[string]float64, name string) float64 {
		values := make([]float64, len(of))
		for i := range of {
			values[i] = of[i][name]
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	for _, name := range []string{live, goroutines, handles} {
		first, last := middle(half[:len(half)/3], name), middle(half[len(half)*2/3:], name)
		t.Logf("%s in the second half: %.0f, at its end %.0f", name, first, last)
		if last > 1.1*first+20 {
			t.Errorf("%s grows: %.0f, at the end %.0f", name, first, last)
		}
	}
}
