package backend_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/backend"
)

// Through three replicas on one Redis, every client asks twice at once, of different replicas, and again until it is
// answered; a third of the answers to create_sub_organization get lost, after the work or before it. However it goes,
// each client has one organization, and every answer names it.
func TestR14_ThreeReplicasMakeOneOrganization(t *testing.T) {
	const seed = 14
	clients := often("R14", 60, 5000)
	server := backend.StartRedis(t)
	r := newReplicas(t, server.Addr)
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, seed))
	var lost, made atomic.Int64
	r.network.setFault(func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
		if !strings.HasSuffix(path, "/create_sub_organization") {
			return send(), nil
		}
		mu.Lock()
		fate := rng.IntN(6)
		mu.Unlock()
		switch fate {
		case 0:
			lost.Add(1)
			return nil, errors.New("connection reset")
		case 1:
			lost.Add(1)
			send()
			return nil, errors.New("connection reset")
		}
		return send(), nil
	})
	began := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 24 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < clients; i = int(next.Add(1)) - 1 {
				r.joinOnce(t, i)
				made.Add(1)
			}
		})
	}
	wg.Wait()
	if int(made.Load()) != clients || lost.Load() == 0 {
		t.Errorf("%d of %d clients, %d answers lost", made.Load(), clients, lost.Load())
	}
	if _, endless := server.Everything(); len(endless) > 0 {
		t.Errorf("without an end: %q", endless)
	}
	t.Logf("seed %d: %d sign-ups, each twice at once, over 3 replicas in %v, %d answers of the service lost", seed, clients, time.Since(began).Round(time.Second), lost.Load())
}

// joinOnce is one client: two requests at once, repeated until each is answered.
func (r *replicas) joinOnce(t *testing.T, i int) {
	contact := fmt.Sprintf("join%d@example.com", i)
	key := newKey()
	var path string
	var body object
	var headers []string
	switch i % 4 {
	case 0: // a sealed code
		path, body = "/signup", r.signUp(r.prove(contact, key, true).text("verificationToken"), key, contact)
	case 1: // a plain code, made at log-in
		path, body = "/otp-login", r.login(r.prove(contact, key, false).text("verificationToken"), key)
	case 2: // no proof, but an Idempotency-Key
		path, body, headers = "/signup", object{"userEmail": contact}, []string{"Idempotency-Key", contact}
	case 3: // no proof, but a key of its own
		path, body = "/signup", object{"userEmail": contact, "apiKeys": []any{object{"publicKey": key.PublicKey()}}}
	}
	var wg sync.WaitGroup
	var answers [2]string
	for n := range answers {
		wg.Go(func() {
			for try := range 50 {
				got := r.ask(r.each[(i+n+try)%len(r.each)], "203.0.113.7", path, body, headers...)
				if got.status == 200 {
					answers[n] = got.text("organizationId")
					return
				}
				if reason := got.text("reason"); reason != "api.unreachable" && reason != "backend.state" {
					t.Errorf("client %d: %d %s", i, got.status, got.raw)
					return
				}
			}
			t.Errorf("client %d was never answered", i)
		})
	}
	wg.Wait()
	if ids := r.subOrgs(contact); len(ids) != 1 || answers[0] != ids[0] || answers[1] != ids[0] {
		t.Errorf("client %d: organizations %v, answers %v", i, ids, answers)
	}
}

// A replica dies when the service has made the organization and nobody has heard of it. Whoever asks the others again,
// both at once, gets that one and no second, once the turn of the dead one is over: a minute, which the campaign waits.
func TestR14_AReplicaThatDiesLeavesNoSecondOrganization(t *testing.T) {
	server := backend.StartRedis(t)
	r := newReplicas(t, server.Addr)
	for i, in := range []struct {
		body    object
		headers []string
	}{
		{object{"userEmail": "dies0@example.com"}, []string{"Idempotency-Key", "dies"}},
		{object{"userEmail": "dies1@example.com"}, nil}, // which is known by what Redis remembers alone
	} {
		dying := r.machine[i]
		r.network.setFault(func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
			if !strings.HasSuffix(path, "/create_sub_organization") {
				return send(), nil
			}
			send()
			_ = dying.cmd.Process.Kill()
			return nil, errors.New("connection reset")
		})
		lost := httptest.NewRecorder()
		asks := request("/signup", mustJSON(t, in.body))
		for n := 0; n < len(in.headers); n += 2 {
			asks.Header.Set(in.headers[n], in.headers[n+1])
		}
		r.each[i].ServeHTTP(lost, asks)
		if lost.Code != http.StatusBadGateway || lost.Body.Len() > 0 {
			t.Fatalf("a dead replica answers: %d %s", lost.Code, lost.Body)
		}
		r.network.setFault(nil)
		if os.Getenv("LATCHKEY_CAMPAIGN") != "R14" {
			server.Lapse("*:turn:*", time.Minute)
		}
		var answers [2]string
		var wg sync.WaitGroup
		for n := range answers {
			wg.Go(func() {
				for limit := time.Now().Add(2 * time.Minute); time.Now().Before(limit); time.Sleep(100 * time.Millisecond) {
					if got := r.ask(r.each[2], "203.0.113.7", "/signup", in.body, in.headers...); got.status == 200 {
						answers[n] = got.text("organizationId")
						return
					} else if got.status != 429 && got.status != 503 || got.header.Get("Retry-After") == "" || got.text("message") == "" {
						t.Errorf("%d %s", got.status, got.raw)
						return
					}
				}
			})
		}
		wg.Wait()
		contact, _ := in.body["userEmail"].(string)
		if ids := r.subOrgs(contact); len(ids) != 1 || answers[0] != ids[0] || answers[1] != ids[0] {
			t.Errorf("%s: organizations %v, answers %v", contact, ids, answers)
		}
	}
}
