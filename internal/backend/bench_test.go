package backend_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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

	"github.com/google/uuid"

	"latchkey/internal/need"
	"latchkey/internal/p256"
)

// Rows P3 to P5: the program as it is deployed beside Express with @turnkey/sdk-server, as Turnkey's documents have one
// write it, each a process of its own in front of one stub of the API on loopback. Both take the same requests to
// /otp/init, which is one call to the API at both. What loads them and the stub run in this process, on the same
// processors: figures are ratios of one run, taken in turn.

const connections = 64

// upstream is the stub of the API: it answers every activity after a delay.
type upstream struct {
	*httptest.Server
	delay atomic.Int64
}

func newUpstream(b *testing.B) *upstream {
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		time.Sleep(time.Duration(u.delay.Load()))
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/whoami") {
			fmt.Fprintf(w, `{"organizationId":%q,"organizationName":"bench","userId":%q,"username":"bench"}`, benchOrganization, uuid.NewString())
			return
		}
		result := fmt.Sprintf(`{"otpId":%q,"otpEncryptionTargetBundle":"bundle"}`, uuid.NewString())
		fmt.Fprintf(w, `{"activity":{"id":%q,"organizationId":%q,"status":"ACTIVITY_STATUS_COMPLETED","type":"ACTIVITY_TYPE_INIT_OTP_V3","result":{"initOtpResult":%s,"initOtpResultV2":%s}}}`,
			uuid.NewString(), benchOrganization, result, result)
	}))
	b.Cleanup(u.Close)
	return u
}

const benchOrganization = "11111111-2222-4333-8444-555555555555"

// peer is one of the two servers.
type peer struct {
	name string
	make func(port int) *exec.Cmd
	live func(port int) string // an address that answers 200 once it serves

	cmd     *exec.Cmd
	port    int
	started time.Duration // from its start to its first 200
}

func (p *peer) start(b *testing.B) {
	b.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	p.port = free.Addr().(*net.TCPAddr).Port
	_ = free.Close()
	p.cmd = p.make(p.port)
	log, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	p.cmd.Stderr = log
	from := time.Now()
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	for limit := time.After(2 * time.Minute); ; {
		resp, err := http.Get(p.live(p.port))
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				p.started = time.Since(from)
				return
			}
		}
		select {
		case <-limit:
			p.stop()
			b.Fatalf("%s does not serve", p.name)
		case <-time.After(time.Millisecond):
		}
	}
}

func (p *peer) stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// cpu is the processor time that the process has used.
func (p *peer) cpu(b *testing.B) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// resident is its resident memory in MB.
func (p *peer) resident(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kb) * 1024 / 1e6
}

// loaded is what one load of a peer gave.
type loaded struct {
	perSecond float64
	cpu       time.Duration // a request
	p99       time.Duration
}

var contacts atomic.Int64

// load asks p for codes over all connections, and fails the benchmark for any answer but 200.
func (p *peer) load(b *testing.B, lasting time.Duration) loaded {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	url := fmt.Sprintf("http://127.0.0.1:%d/otp/init", p.port)
	ctx, cancel := context.WithTimeout(b.Context(), lasting)
	defer cancel()
	took := make([][]time.Duration, connections)
	var wrong atomic.Value
	from, used := time.Now(), p.cpu(b)
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() {
			for ctx.Err() == nil && wrong.Load() == nil {
				n := contacts.Add(1)
				r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(fmt.Sprintf(`{"otpType":"OTP_TYPE_EMAIL","contact":"person%d@example.com"}`, n)))
				if err != nil {
					wrong.Store(err.Error())
					return
				}
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n&255, n>>8&255, n>>16&255))
				began := time.Now()
				resp, err := client.Do(r)
				if err != nil {
					wrong.Store(err.Error())
					return
				}
				answer, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(answer, []byte("otpId")) {
					wrong.Store(fmt.Sprintf("%d %s %v", resp.StatusCode, answer, err))
					return
				}
				took[i] = append(took[i], time.Since(began))
			}
		})
	}
	all.Wait()
	lasted, spent := time.Since(from), p.cpu(b)-used
	if why := wrong.Load(); why != nil {
		b.Fatalf("%s: %v", p.name, why)
	}
	sorted := slices.Sorted(slices.Values(slices.Concat(took...)))
	n := len(sorted)
	return loaded{float64(n) / lasted.Seconds(), spent / time.Duration(n), sorted[n*99/100]}
}

// peers builds the program and returns both, not yet started, and the size of the program in MB.
func peers(b *testing.B, api string) (ours, express *peer, size float64) {
	b.Helper()
	if runtime.GOOS != "linux" {
		need.Missing(b, "/proc, in which processor time and memory stand")
	}
	need.Command(b, "node")
	clients := filepath.Join(need.Root(b), "internal", "sandbox", "clients")
	if _, err := os.Stat(filepath.Join(clients, "node_modules", "express")); err != nil {
		need.Missing(b, "node_modules in internal/sandbox/clients (make client-modules)")
	}
	program := build(b)
	info, err := os.Stat(program)
	if err != nil {
		b.Fatal(err)
	}
	key := newKey()
	env := append(os.Environ(), "TURNKEY_API_URL="+api, "TURNKEY_ORGANIZATION_ID="+benchOrganization, "NODE_ENV=production",
		"TURNKEY_API_PUBLIC_KEY="+key.PublicKey(), "TURNKEY_API_PRIVATE_KEY="+p256.PrivateHex(key.Private()),
		// All limits are on and, since every request is from another address and for another contact, never reached, but
		// for that of all codes together.
		"LATCHKEY_TRUSTED_PROXIES=127.0.0.0/8", "LATCHKEY_LIMITS=total-sends=-1")
	ours = &peer{
		name: "latchkey backend",
		make: func(port int) *exec.Cmd {
			c := exec.Command(program, "backend", "--listen", fmt.Sprintf("127.0.0.1:%d", port))
			c.Env = env
			return c
		},
		live: func(port int) string { return fmt.Sprintf("http://127.0.0.1:%d/openapi.json", port) },
	}
	express = &peer{
		name: "Express",
		make: func(port int) *exec.Cmd {
			c := exec.Command("node", "express.mjs")
			c.Dir, c.Env = clients, append(slices.Clone(env), fmt.Sprintf("PORT=%d", port))
			return c
		},
		live: func(port int) string { return fmt.Sprintf("http://127.0.0.1:%d/livez", port) },
	}
	return ours, express, float64(info.Size()) / 1e6
}

// How long each peer is loaded for in one round, and before the first of them.
const (
	round  = 3 * time.Second
	warmUp = time.Second
)

func bothLoaded(b *testing.B, delay time.Duration) (ours, express loaded) {
	u := newUpstream(b)
	u.delay.Store(int64(delay))
	we, they, _ := peers(b, u.URL)
	for _, p := range []*peer{we, they} {
		p.start(b)
		defer p.stop()
		p.load(b, warmUp)
	}
	for b.Loop() {
		ours, express = we.load(b, round), they.load(b, round)
	}
	return ours, express
}

func BenchmarkP3_BackendAtFullSpeed(b *testing.B) {
	ours, express := bothLoaded(b, 0)
	b.ReportMetric(ours.perSecond/express.perSecond, "x-requests/s")
	b.ReportMetric(float64(ours.cpu)/float64(express.cpu), "x-CPU/request")
	b.ReportMetric(float64(ours.p99)/float64(express.p99), "x-p99")
	b.ReportMetric(ours.perSecond, "requests/s")
	b.ReportMetric(float64(ours.cpu.Microseconds()), "us-CPU/request")
}

func BenchmarkP4_BackendBeforeASlowAPI(b *testing.B) {
	const delay = 50 * time.Millisecond
	ours, express := bothLoaded(b, delay)
	ceiling := connections / delay.Seconds()
	b.ReportMetric(ours.perSecond/ceiling, "of-the-ceiling")
	b.ReportMetric(express.perSecond/ceiling, "of-the-ceiling-Express")
}

func BenchmarkP5_BackendSize(b *testing.B) {
	u := newUpstream(b)
	we, they, size := peers(b, u.URL)
	figures := map[string][]float64{}
	for b.Loop() {
		for _, p := range []*peer{we, they} {
			const starts = 5
			var first []time.Duration
			for range starts {
				p.start(b)
				first = append(first, p.started)
				if len(first) < starts {
					p.stop()
				}
			}
			slices.Sort(first)
			p.started = first[starts/2]
			time.Sleep(time.Second) // nothing is asked of it: what it holds now is what it holds idle
			idle := p.resident(b)
			p.load(b, round)
			figures[p.name] = []float64{idle, p.resident(b), float64(p.started.Microseconds()) / 1000}
			p.stop()
		}
	}
	for name, suffix := range map[string]string{we.name: "", they.name: "-Express"} {
		f := figures[name]
		b.ReportMetric(f[0], "MB-idle"+suffix)
		b.ReportMetric(f[1], "MB-loaded"+suffix)
		b.ReportMetric(f[2], "ms-to-first-200"+suffix)
	}
	b.ReportMetric(size, "MB-program")
}
