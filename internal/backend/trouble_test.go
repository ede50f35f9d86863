package backend_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/backend"
	"latchkey/internal/turnkey"
)

// load is what devices do all the while Redis is in trouble: ask for codes, each once for a contact of its own and often
// for one that all ask for, guess at codes, and sign up, each twice at once.
type load struct {
	r  *replicas
	wg sync.WaitGroup

	mu      sync.Mutex
	ended   bool
	answers map[string]int
	codes   []string
	joined  map[string]bool // Idempotency-Keys
	serial  int
}

func (l *load) start(workers int) {
	for worker := range workers {
		l.wg.Go(func() {
			rng := rand.New(rand.NewPCG(13, uint64(worker)))
			for l.goesOn() {
				l.one(rng)
			}
		})
	}
}

func (l *load) goesOn() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.ended
}

func (l *load) stop() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.wg.Wait()
}

func (l *load) count(what string, got reply) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers[fmt.Sprintf("%s %d", what, got.status)]++
	switch {
	case got.status == 503 && got.text("reason") != "backend.state", got.status >= 500 && got.status != 503:
		l.r.t.Errorf("%s: %d %s", what, got.status, got.raw)
	case got.status == 503 && (got.header.Get("Retry-After") == "" || !strings.HasSuffix(got.text("message"), ".")):
		l.r.t.Errorf("%s: 503 without a sentence, or a word on when to ask again: %s", what, got.raw)
	}
}

func (l *load) one(rng *rand.Rand) {
	from := fmt.Sprintf("10.9.%d.%d", rng.IntN(50), rng.IntN(200))
	l.mu.Lock()
	l.serial++
	n, code := l.serial, ""
	if len(l.codes) > 0 {
		code = l.codes[rng.IntN(len(l.codes))]
	}
	l.mu.Unlock()
	switch kind := rng.IntN(4); {
	case kind == 0: // once
		contact := fmt.Sprintf("once%d@example.com", n)
		got := l.r.ask(l.r.any(), from, "/otp/init", object{"contact": contact})
		l.count("once", got)
		want := 0
		if got.status == 200 {
			want = 1
		}
		if sent := l.r.seen.to(contact); sent != want {
			l.r.t.Errorf("answered %d, and %d codes were sent", got.status, sent)
		}
	case kind == 1: // often
		got := l.r.ask(l.r.any(), from, "/otp/init", object{"contact": fmt.Sprintf("often%d@example.com", rng.IntN(20))})
		l.count("often", got)
		if got.status == 200 {
			l.mu.Lock()
			l.codes = append(l.codes, got.text("otpId"))
			l.mu.Unlock()
		}
	case kind == 2 && code != "":
		l.count("guess", l.r.ask(l.r.any(), from, "/otp/verify", object{"otpId": code, "otpCode": "wrong!"}))
	default:
		key := fmt.Sprintf("join%d", n)
		var pair sync.WaitGroup
		for range 2 {
			pair.Go(func() {
				got := l.r.ask(l.r.any(), from, "/signup", object{"userEmail": key + "@example.com"}, "Idempotency-Key", key)
				l.count("sign-up", got)
			})
		}
		pair.Wait()
		l.mu.Lock()
		l.joined[key] = true
		l.mu.Unlock()
	}
}

// check looks at what came of it all.
func (l *load) check(t *testing.T) {
	t.Helper()
	tries, sends := l.r.seen.check(t)
	double := 0
	for key := range l.joined {
		ids, err := l.r.parent().ListSubOrgs(t.Context(), l.r.facts.OrganizationID, turnkey.SubOrgFilter{Type: "EMAIL", Value: key + "@example.com", Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) > 1 {
			double++
			t.Errorf("%s has %d sub-organizations", key, len(ids))
		}
	}
	t.Logf("answers %v; at most %d tries a code and %d sends a contact in 3 minutes, of %d sign-ups %d double", l.answers, tries, sends, len(l.joined), double)
}

// recovery is how long it takes from now until every replica sends a code again.
func (l *load) recovery(t *testing.T) time.Duration {
	t.Helper()
	back := time.Now()
	for i, h := range l.r.each {
		for {
			l.mu.Lock()
			l.serial++
			n := l.serial
			l.mu.Unlock()
			got := l.r.ask(h, "10.8.0.1", "/otp/init", object{"contact": fmt.Sprintf("back%d@example.com", n)})
			l.count("back", got)
			if got.status == 200 {
				break
			}
			if time.Since(back) > 2*time.Minute {
				t.Fatalf("replica %d is not back: %s", i, got.raw)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return time.Since(back)
}

func newLoad(t *testing.T, redis string, settings ...string) *load {
	return &load{r: newReplicas(t, redis, settings...), answers: map[string]int{}, joined: map[string]bool{}}
}

// While Redis is killed, paused, full or a mere replica, nobody is let through uncounted; when it is back, so is the
// backend.
func TestR13_RedisInTrouble(t *testing.T) {
	server := backend.StartRedis(t)
	way := newDetour(t, server.Addr)
	follower := backend.StartRedis(t)
	follower.Follow(server)
	l := newLoad(t, way.addr())
	l.start(6)
	worst := map[string]time.Duration{}
	for range often("R13", 1, 12) {
		for _, trouble := range []struct {
			name       string
			begin, end func()
		}{
			{"killed", server.Kill, func() { server.Start() }},
			{"paused", server.Pause, server.Resume},
			{"full", func() { server.Do("CONFIG", "SET", "maxmemory", "1") }, func() { server.Do("CONFIG", "SET", "maxmemory", "0") }},
			{"a replica", func() { way.lead(follower.Addr) }, func() { way.lead(server.Addr) }},
			{"unreachable", func() { way.lead() }, func() { way.lead(server.Addr) }},
		} {
			l.rest(300 * time.Millisecond)
			trouble.begin()
			for i, h := range l.r.each { // none of them goes on without
				if got := l.r.ask(h, "10.7.0.1", "/otp/init", object{"contact": fmt.Sprintf("%s%d@example.com", strings.ReplaceAll(trouble.name, " ", ""), i)}); got.status != 503 || got.text("reason") != "backend.state" {
					t.Errorf("%s: %d %s", trouble.name, got.status, got.raw)
				}
			}
			l.rest(500 * time.Millisecond)
			trouble.end()
			worst[trouble.name] = max(worst[trouble.name], l.recovery(t))
		}
	}
	l.stop()
	l.check(t)
	t.Logf("back after at most %v", worst)
}

// rest lets the load go on for a while.
func (l *load) rest(d time.Duration) { time.Sleep(d) }

// The primary dies under load and one of its replicas takes its place. What counted stays counted, because nothing
// counts that no replica has.
func TestR13_RedisFailsOver(t *testing.T) {
	var servers []*backend.RedisServer
	for range 3 {
		servers = append(servers, backend.StartRedis(t))
	}
	servers[1].Follow(servers[0])
	servers[2].Follow(servers[0])
	way := newDetour(t, servers[0].Addr)
	l := newLoad(t, way.addr(), "LATCHKEY_REDIS_COPIES=1")
	l.start(6)
	var worst time.Duration
	for range often("R13", 1, 12) {
		l.rest(700 * time.Millisecond)
		servers[0].Kill()
		l.rest(200 * time.Millisecond)
		next := servers[1] // the one that has more is chosen, as a sentinel does
		if servers[2].Offset() > next.Offset() {
			next = servers[2]
			servers[2] = servers[1]
		}
		next.Do("REPLICAOF", "NO", "ONE")
		servers[2].Follow(next)
		way.lead(next.Addr)
		worst = max(worst, l.recovery(t))
		servers[0].Start()
		servers[0].Follow(next)
		servers[0], servers[1] = next, servers[0]
	}
	l.stop()
	l.check(t)
	t.Logf("back after at most %v", worst)
}

// Replicas that are started while Redis is away serve nobody, say so to whoever watches them, and need no second start.
func TestR13_RedisComesLater(t *testing.T) {
	server := backend.StartRedis(t)
	server.Kill()
	l := newLoad(t, server.Addr)
	for i, h := range l.r.each {
		got := l.r.ask(h, "10.7.0.1", "/otp/init", object{"contact": "early@example.com"})
		l.count("early", got)
		got.is(t, 503, "backend.state")
		for path, want := range map[string]string{"/livez": "live", "/readyz": "degraded"} {
			rec := httptest.NewRecorder()
			far(l.r.machine[i].ready["adminUrl"]).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
			if rec.Code != 200 || !strings.Contains(rec.Body.String(), `"`+want+`"`) {
				t.Errorf("%s without Redis: %d %s", path, rec.Code, rec.Body)
			}
		}
	}
	server.Start()
	l.recovery(t)
	l.check(t)
}

// Where a change has to be with a replica of Redis before it counts, a Redis that has none is not counted by.
func TestWithoutItsCopiesNothingCounts(t *testing.T) {
	server, follower := backend.StartRedis(t), backend.StartRedis(t)
	l := newLoad(t, server.Addr, "LATCHKEY_REDIS_COPIES=1")
	l.r.ask(l.r.each[0], "203.0.113.1", "/otp/init", object{"contact": "copied@example.com"}).is(t, 503, "backend.state")
	follower.Follow(server)
	l.recovery(t)
}

// A Redis that may forget what it was told is not used.
func TestAForgetfulRedisIsNotUsed(t *testing.T) {
	server := backend.StartRedis(t, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
	l := newLoad(t, server.Addr)
	l.r.ask(l.r.each[0], "203.0.113.1", "/otp/init", object{"contact": "kept@example.com"}).is(t, 503, "backend.state")
	server.Do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	l.recovery(t)
}

// A code that the shared state does not know never was: whoever guesses at others' is not passed on to the service.
func TestSharedStateKnowsEveryCode(t *testing.T) {
	server := backend.StartRedis(t)
	r := newReplicas(t, server.Addr)
	got := r.ask(r.each[0], "203.0.113.1", "/otp/verify", object{"otpId": "7f6f1a7e-3c5d-4a52-9b66-000000000009", "otpCode": "123456"})
	got.is(t, 422, "otp.expired")
	if len(r.seen.guesses) != 0 {
		t.Error("the service was asked")
	}
}
