package backend_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/backend"
	"latchkey/internal/p256"
)

// What differs between any two answers, whoever they are for.
var chance = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|"encappedPublic":"[^"]*"|"otpEncryptionTargetBundle":"[^"]*"`)

// Without a proof nobody learns who has an account: what is answered about somebody known and somebody unknown is the
// same to the byte, but for what is drawn anew for everybody, and takes as long.
func TestR11_NobodyLearnsWhoHasAnAccount(t *testing.T) {
	w := newWorld(t, func(c *backend.Config) { c.Limits.ContactSends, c.Log = -1, nil })
	w.network.quiet = true
	pairs := 60
	if testing.Short() {
		pairs = 15
	}
	(&inquiry{world: w, pairs: pairs, later: w.clock.advance, before: func() {}, settle: func(bool) { w.mailed() }}).run(t)
}

// The same over real sockets, where whoever asks sits beside the replicas and nothing but they can tell him apart. Only
// the campaign holds times to anything: it takes many to see past what else the machine does.
func TestR11_NobodyLearnsItOverTheNetwork(t *testing.T) {
	server := backend.StartRedis(t)
	r := newReplicas(t, server.Addr, strings.Replace(counting, "=", "=contact-sends=-1,", 1))
	e := errands{make(chan string, 1000)}
	r.network.setFault(func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
		resp := send()
		select {
		case e.done <- path:
		default: // nobody waits for anything
		}
		return resp, nil
	})
	q := &inquiry{world: r.world, pairs: often("R11", 20, 20_000), before: e.forget, settle: func(known bool) { e.wait(t, known) }}
	q.later = func(d time.Duration) { // at the service alone, which is who counts here
		r.h = far("http://" + r.balancer.addr()) // a connection to the replica whose turn it is
		rec := httptest.NewRecorder()
		in := request("/clock", fmt.Sprintf(`{"advanceSeconds":%d}`, int(d.Seconds())))
		in.Host = strings.TrimPrefix(r.box.ready["controlUrl"], "http://")
		if r.control.ServeHTTP(rec, in); rec.Code != 200 {
			t.Fatalf("the clock: %d %s", rec.Code, rec.Body)
		}
	}
	if os.Getenv("LATCHKEY_CAMPAIGN") == "R11" {
		q.most = 0.52
	}
	q.run(t)
}

// errands are what is done for an e-mail with a key after its answer: a look-up for everybody, then the e-mail for whoever
// has an account, and another look-up for whoever has none. In them is what the API has answered.
type errands struct{ done chan string }

// forget forgets all that is done.
func (e errands) forget() {
	for {
		select {
		case <-e.done:
		default:
			return
		}
	}
}

// wait waits for the last of them.
func (e errands) wait(t *testing.T, known bool) {
	t.Helper()
	last := "/list_suborgs"
	if known {
		last = "/email_auth"
	}
	for limit := time.After(2 * time.Minute); ; {
		select {
		case path := <-e.done:
			if strings.HasSuffix(path, last) {
				return
			}
		case <-limit:
			t.Fatalf("no %s came", last)
		}
	}
}

// inquiry is somebody who asks about pairs of people, of whom one has an account.
type inquiry struct {
	*world
	pairs  int
	most   float64             // how well times may tell, 0 for any
	later  func(time.Duration) // lets what the service counts for a contact end
	before func()
	settle func(known bool) // waits for what goes on after the answer about an e-mail, which is not the next one's time
}

func (q *inquiry) run(t *testing.T) {
	const seed = 11
	rng := rand.New(rand.NewPCG(seed, seed))
	target := p256.Uncompressed(&newKey().Private().PublicKey)
	asked := -1
	for _, way := range []struct {
		name string
		ask  func(contact string) *http.Request
	}{
		{"init", func(contact string) *http.Request {
			return request("/otp/init", `{"contact":"`+contact+`"}`)
		}},
		{"verify", func(contact string) *http.Request {
			begun := q.begin(contact, false)
			return request("/otp/verify", `{"otpId":"`+begun.text("otpId")+`","otpCode":"wrong!"}`)
		}},
		{"sign-up", func(contact string) *http.Request {
			asked++ // a sign-up that is equal to an earlier one is answered from memory
			return request("/signup", fmt.Sprintf(`{"userEmail":%q,"userName":"person %d"}`, contact, asked/2))
		}},
		{"mail", func(contact string) *http.Request {
			return request("/api/auth", `{"email":"`+contact+`","targetPublicKey":"`+target+`"}`)
		}},
		{"look-up", func(contact string) *http.Request {
			r := request("/v1/account", `{"filterType":"EMAIL","filterValue":"`+contact+`"}`)
			r.Header.Set(backend.ConfigHeader, q.facts.OrganizationID)
			return r
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			people := min(q.pairs, 300)
			name := func(known, i int) string {
				return fmt.Sprintf("%s%s%05d@example.com", [2]string{"known", "other"}[known], way.name, i)
			}
			for i := range people {
				key := newKey()
				jwt := q.prove(name(0, i), key, true).text("verificationToken")
				q.post("/signup", q.signUp(jwt, key, name(0, i))).is(t, 200, "")
				q.prove(name(1, i), newKey(), true) // the unknown one proved his address as well, and then did not sign up
			}
			took := [2][]time.Duration{}
			for i := range q.pairs {
				if i%people == 0 {
					q.later(6 * time.Minute)
				}
				contact := [2]string{name(0, i%people), name(1, i%people)}
				var answers [2]string
				for _, who := range [][]int{{0, 1}, {1, 0}}[rng.IntN(2)] { // as often first
					r := way.ask(contact[who])
					q.before()
					rec := httptest.NewRecorder()
					began := time.Now()
					q.h.ServeHTTP(rec, r)
					took[who] = append(took[who], time.Since(began))
					if rec.Code >= 500 {
						t.Fatalf("%d %s", rec.Code, rec.Body)
					}
					if way.name == "mail" {
						q.settle(who == 0)
						for range 3 { // whoever is asked about next comes after the same as everybody: not after the end of somebody's e-mail
							q.post("/v1/account", object{"filterType": "EMAIL", "filterValue": "nobody@example.com"}, backend.ConfigHeader, q.facts.OrganizationID)
						}
					}
					rec.Header().Del("Date")
					answers[who] = fmt.Sprint(rec.Code, rec.Header(), rec.Body)
					answers[who] = chance.ReplaceAllString(strings.ReplaceAll(answers[who], contact[who], ""), "#")
				}
				if answers[0] != answers[1] {
					t.Fatalf("known and unknown are told apart:\n%s\n%s", answers[0], answers[1])
				}
			}
			tell := auc(took[0], took[1])
			t.Logf("seed %d: %d pairs, equal bytes; by time they are told apart with AUC %.3f", seed, q.pairs, tell)
			if q.most > 0 && max(tell, 1-tell) > q.most {
				t.Errorf("by time known and unknown are told apart with AUC %.3f", tell)
			}
		})
	}
}

// auc is how often the first of a pair drawn from both is the larger (the area under the curve of whoever tells them
// apart by that): 0.5 tells nothing.
func auc(a, b []time.Duration) float64 {
	slices.Sort(b)
	sum := 0.0
	for _, x := range a {
		below, _ := slices.BinarySearch(b, x)
		upTo, _ := slices.BinarySearch(b, x+1)
		sum += float64(below) + float64(upTo-below)/2
	}
	return sum / float64(len(a)) / float64(len(b))
}

func TestAUC(t *testing.T) {
	for _, c := range []struct {
		a, b []time.Duration
		want float64
	}{
		{[]time.Duration{1, 2, 3}, []time.Duration{3, 1, 2}, 0.5},
		{[]time.Duration{4, 5}, []time.Duration{1, 2}, 1},
		{[]time.Duration{1}, []time.Duration{2, 3}, 0},
		{[]time.Duration{2}, []time.Duration{3, 1, 2, 2}, 0.5},
	} {
		if got := auc(c.a, c.b); got != c.want {
			t.Errorf("%v %v: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
