package backend_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/backend"
)

// From many addresses at once, through three replicas, strangers guess at codes and ask for new ones. No code is tried
// more often than allowed, no contact sent to more often, and none of it in clear in Redis.
func TestR10_GuessesOverManyAddressesAndReplicas(t *testing.T) {
	const seed = 10
	total, addresses, contacts := often("R10", 4000, 1_000_000), often("R10", 100, 1000), often("R10", 40, 400)
	server := backend.StartRedis(t)
	r := newReplicas(t, server.Addr, "LATCHKEY_LIMITS=") // those that it has by itself
	var mu sync.Mutex
	var ids []string
	var left atomic.Int64
	left.Store(int64(total))
	var answers [600]atomic.Int64
	began := time.Now()
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(worker)))
			for left.Add(-1) >= 0 {
				n := rng.IntN(addresses)
				from := fmt.Sprintf("10.%d.%d.%d", n%7, n/200, n%200)
				mu.Lock()
				var id string
				if len(ids) > 0 {
					id = ids[rng.IntN(len(ids))]
				}
				mu.Unlock()
				if id == "" || rng.IntN(20) == 0 {
					got := r.ask(r.any(), from, "/otp/init", object{"contact": fmt.Sprintf("guessed%d@example.com", rng.IntN(contacts))})
					answers[got.status].Add(1)
					if got.status == 200 {
						mu.Lock()
						ids = append(ids, got.text("otpId"))
						mu.Unlock()
					}
					continue
				}
				if rng.IntN(2) == 0 {
					id = strings.ToUpper(id)
				}
				answers[r.ask(r.any(), from, "/otp/verify", object{"otpId": id, "otpCode": "wrong!"}).status].Add(1)
			}
		})
	}
	wg.Wait()
	tries, sends := r.seen.check(t)
	by := map[int]int64{}
	for status := range answers {
		if n := answers[status].Load(); n > 0 {
			by[status] = n
		}
		// A machine that is busy enough makes Redis too slow to count by, and then nobody is let through.
		if status != 200 && status != 422 && status != 429 && status != 503 && answers[status].Load() > 0 {
			t.Errorf("%d answered %d", answers[status].Load(), status)
		}
	}
	if tries != 3 || sends != 3 {
		t.Errorf("at most %d tries and %d sends: the limits were never reached", tries, sends)
	}
	if n := r.balancer.led(); n < len(r.each) {
		t.Errorf("%d connections for %d replicas", n, len(r.each))
	}
	text, endless := server.Everything()
	if len(endless) > 0 {
		t.Errorf("without an end: %q", endless)
	}
	if strings.Contains(text, "example.com") || strings.Contains(text, "guessed") || strings.Contains(text, "10.0.0.") || strings.Contains(text, ids[0]) {
		t.Error("a contact, an address or a code's id stands in Redis in clear")
	}
	t.Logf("seed %d: %d requests in %v from %d addresses over 3 replicas, %d codes: answers %v, at most %d tries a code, %d sends a contact in 3 minutes",
		seed, total, time.Since(began).Round(time.Second), addresses, len(ids), by, tries, sends)
}

// A stranger who uses up what may be sent to a contact does not keep its owner out, who has proven it from his address.
func TestAStrangerDoesNotKeepAnOwnerOut(t *testing.T) {
	w := newWorld(t)
	from := func(addr, contact string) reply {
		r := request("/otp/init", `{"contact":"`+contact+`"}`)
		r.RemoteAddr = addr
		return w.do(r)
	}
	w.prove("owner@example.com", newKey(), true) // from httptest's address
	for i := range 8 {                           // with the first log-in, all that an hour allows
		if i%3 == 0 {
			w.clock.advance(6 * time.Minute) // past the end of the codes under way, of which the service allows three
		}
		from(fmt.Sprintf("203.0.113.%d:1", i), "owner@example.com").is(t, 200, "")
	}
	w.clock.advance(6 * time.Minute)
	from("203.0.113.99:1", "owner@example.com").is(t, 429, "otp.limited")
	from("192.0.2.1:1", "owner@example.com").is(t, 200, "")
}

// Wrong guesses make their address wait, and nobody else; the first guess at a code waits for nobody's mistakes.
func TestWaitsBindToTheAddressThatGuessedWrong(t *testing.T) {
	w := newWorld(t, func(c *backend.Config) { c.Limits.AddressGuesses, c.Limits.ContactSends = 2, -1 })
	guess := func(addr, id, code string) reply {
		r := request("/otp/verify", `{"otpId":"`+id+`","otpCode":"`+code+`"}`)
		r.RemoteAddr = addr
		return w.do(r)
	}
	first, second := w.begin("wait1@example.com", false).text("otpId"), w.begin("wait2@example.com", false).text("otpId")
	guess("203.0.113.1:1", first, "wrong!").is(t, 422, "otp.wrong")
	guess("203.0.113.1:1", first, "wrong!").is(t, 422, "otp.wrong")
	waits := guess("203.0.113.1:1", first, w.code("wait1@example.com"))
	waits.is(t, 429, "backend.limited")
	if waits.header.Get("Retry-After") != "60" {
		t.Errorf("Retry-After %s", waits.header.Get("Retry-After"))
	}
	guess("203.0.113.1:1", second, "wrong!").is(t, 422, "otp.wrong") // the first at this one
	guess("203.0.113.1:1", second, "wrong!").is(t, 429, "backend.limited")
	guess("203.0.113.2:1", second, w.code("wait2@example.com")).is(t, 200, "") // and the refused one did not count
	w.clock.advance(time.Minute)
	guess("203.0.113.1:1", first, w.code("wait1@example.com")).is(t, 200, "")
}

// Three log-ins' addresses of one network are counted apart, and together where there are more.
func TestLimitsByNetworkAndInTotal(t *testing.T) {
	w := newWorld(t, func(c *backend.Config) {
		c.Limits = backend.Limits{NetworkSends: 2, TotalSends: 3}
		c.TrustedProxies = []string{"127.0.0.1"}
	})
	n := 0
	send := func(from string) reply {
		n++
		r := request("/otp/init", fmt.Sprintf(`{"contact":"net%d@example.com"}`, n))
		r.RemoteAddr = "127.0.0.1:9"
		r.Header.Set("X-Forwarded-For", "1.2.3.4, "+from)
		return w.do(r)
	}
	send("203.0.113.1").is(t, 200, "")
	send("203.0.113.2").is(t, 200, "")
	send("203.0.113.3").is(t, 429, "backend.limited")
	send("203.0.114.3").is(t, 200, "")
	send("2001:db8::1").is(t, 429, "backend.limited")
	w.clock.advance(time.Minute)
	send("2001:db8::1").is(t, 200, "")
	send("2001:db8:0:5::1").is(t, 200, "")
	send("2001:db8:0:6::1").is(t, 429, "backend.limited")
}
