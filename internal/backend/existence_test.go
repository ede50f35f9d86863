package backend_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
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
	const seed = 11
	pairs := often("R11", 60, 20_000)
	rng := rand.New(rand.NewPCG(seed, seed))
	w := newWorld(t, func(c *backend.Config) { c.Limits.ContactSends, c.Log = -1, nil })
	w.network.quiet = true
	target := p256.Uncompressed(&newKey().Private().PublicKey)
	for _, way := range []struct {
		name string
		ask  func(contact string) *http.Request
	}{
		{"init", func(contact string) *http.Request {
			return request("/otp/init", `{"contact":"`+contact+`"}`)
		}},
		{"verify", func(contact string) *http.Request {
			begun := w.begin(contact, false)
			return request("/otp/verify", `{"otpId":"`+begun.text("otpId")+`","otpCode":"wrong!"}`)
		}},
		{"sign-up", func(contact string) *http.Request {
			return request("/signup", `{"userEmail":"`+contact+`"}`)
		}},
		{"mail", func(contact string) *http.Request {
			return request("/api/auth", `{"email":"`+contact+`","targetPublicKey":"`+target+`"}`)
		}},
		{"look-up", func(contact string) *http.Request {
			r := request("/v1/account", `{"filterType":"EMAIL","filterValue":"`+contact+`"}`)
			r.Header.Set(backend.ConfigHeader, w.facts.OrganizationID)
			return r
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			people := min(pairs, 300)
			name := func(known, i int) string {
				return fmt.Sprintf("%s%s%05d@example.com", [2]string{"known", "other"}[known], way.name, i)
			}
			for i := range people {
				key := newKey()
				jwt := w.prove(name(0, i), key, true).text("verificationToken")
				w.post("/signup", w.signUp(jwt, key, name(0, i))).is(t, 200, "")
				w.prove(name(1, i), newKey(), true) // the unknown one proved his address as well, and then did not sign up
			}
			var known, unknown []time.Duration
			for i := range pairs {
				if i%people == 0 {
					w.clock.advance(6 * time.Minute) // past what the service counts for a contact
				}
				contact := [2]string{name(0, i%people), name(1, i%people)}
				var answers [2]string
				for _, who := range [][]int{{0, 1}, {1, 0}}[rng.IntN(2)] { // as often first
					r := way.ask(contact[who])
					rec := httptest.NewRecorder()
					began := time.Now()
					w.h.ServeHTTP(rec, r)
					took := time.Since(began)
					w.mailed() // what goes on after the answer is not the next one's time
					answers[who] = fmt.Sprint(rec.Code, rec.Header(), rec.Body)
					answers[who] = chance.ReplaceAllString(strings.ReplaceAll(answers[who], contact[who], ""), "#")
					if who == 0 {
						known = append(known, took)
					} else {
						unknown = append(unknown, took)
					}
				}
				if answers[0] != answers[1] {
					t.Fatalf("known and unknown are told apart:\n%s\n%s", answers[0], answers[1])
				}
			}
			t.Logf("seed %d: %d pairs, equal bytes; by time they are told apart with AUC %.3f", seed, pairs, auc(known, unknown))
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
