package backend_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/p256"
)

// The network takes a third of all answers to create_sub_organization away after the work is done, some of the
// requests before it, and now and then so many in a row that the backend itself gives up. Clients ask again, sometimes
// another replica, until they are answered. However it goes, each has exactly one organization.
func TestR14_ALostAnswerNeverMakesASecondOrganization(t *testing.T) {
	synctest.Test(t, lostAnswers) // where the waits between tries cost nothing
}

func lostAnswers(t *testing.T) {
	const seed = 14
	rng := rand.New(rand.NewPCG(seed, seed))
	w := newWorld(t)
	replicas := []http.Handler{w.h}
	for range 2 {
		w.restart()
		replicas = append(replicas, w.h)
	}
	drop := 0
	w.network.setFault(func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
		if !strings.HasSuffix(path, "/create_sub_organization") {
			return send(), nil
		}
		if drop == 0 && rng.IntN(3) == 0 {
			drop = []int{1, 2, 4, 5, 9}[rng.IntN(5)] // four end a call
		}
		if drop > 0 {
			drop--
			if rng.IntN(2) == 0 {
				send()
			}
			return nil, errors.New("connection reset")
		}
		return send(), nil
	})
	for i := range often("R14", 100, 5000) {
		contact := fmt.Sprintf("once%d@example.com", i)
		key := newKey()
		var path string
		var body object
		var headers []string
		switch i % 4 {
		case 0: // a sealed code
			path, body = "/signup", w.signUp(w.prove(contact, key, true).text("verificationToken"), key, contact)
		case 1: // a plain code, made at log-in
			path, body = "/otp-login", w.login(w.prove(contact, key, false).text("verificationToken"), key)
		case 2: // no proof, but an Idempotency-Key
			path, body, headers = "/signup", object{"userEmail": contact}, []string{"Idempotency-Key", contact}
		case 3: // no proof, but a key of its own
			path, body = "/signup", object{"userEmail": contact, "apiKeys": []any{object{"publicKey": key.PublicKey()}}}
		}
		var got reply
		for range 50 {
			w.h = replicas[rng.IntN(len(replicas))]
			if got = w.post(path, body, headers...); got.status == 200 {
				break
			}
			got.is(t, 502, "api.unreachable")
		}
		got.is(t, 200, "")
		if ids := w.subOrgs(contact); len(ids) != 1 || ids[0] != got.text("organizationId") || got.text("userId") == "" {
			t.Errorf("seed %d, client %d: organizations %v, answer %s", seed, i, ids, got.raw)
		}
		w.h = replicas[rng.IntN(len(replicas))] // as if the client had lost the backend's answer
		if again := w.post(path, body, headers...); again.status == 200 && again.text("organizationId") != got.text("organizationId") {
			t.Errorf("client %d: asked again: %s", i, again.raw)
		}
	}
}

func TestR14_ConcurrentDuplicatesWait(t *testing.T) {
	const contact = "two@example.com"
	for name, begin := range map[string]func(w *world, key *p256.Key) (path string, body object, headers []string){
		"token": func(w *world, key *p256.Key) (string, object, []string) {
			return "/signup", w.signUp(w.prove(contact, key, true).text("verificationToken"), key, contact), nil
		},
		"log-in": func(w *world, key *p256.Key) (string, object, []string) {
			return "/otp-login", w.login(w.prove(contact, key, false).text("verificationToken"), key), nil
		},
		"idempotency key": func(*world, *p256.Key) (string, object, []string) {
			return "/signup", object{"userEmail": contact}, []string{"Idempotency-Key", "k"}
		},
		"double click": func(*world, *p256.Key) (string, object, []string) {
			return "/signup", object{"userEmail": contact}, nil
		},
		"own key": func(_ *world, key *p256.Key) (string, object, []string) {
			return "/signup", object{"userEmail": contact, "apiKeys": []any{object{"publicKey": key.PublicKey()}}}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				path, body, headers := begin(w, newKey())
				w.network.setFault(func(_ string, _ []byte, send func() *http.Response) (*http.Response, error) {
					time.Sleep(time.Millisecond) // so that all are under way at once
					return send(), nil
				})
				var wg sync.WaitGroup
				var mu sync.Mutex
				seen := map[string]bool{}
				for range 8 {
					wg.Go(func() {
						r := w.post(path, body, headers...)
						if r.status != 200 {
							t.Errorf("%d %s", r.status, r.raw)
						}
						mu.Lock()
						defer mu.Unlock()
						seen[r.text("organizationId")] = true
					})
				}
				wg.Wait()
				if ids := w.subOrgs(contact); len(seen) != 1 || len(ids) != 1 {
					t.Errorf("answers %v, organizations %v", seen, ids)
				}
			})
		})
	}
}

// One replica never hears that its request was lost before it arrived, another one makes the organization: the first
// must find it, although it knows it by another name.
func TestR14_AnotherReplicasOrganizationIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.h
		w.restart()
		second := w.h
		in := object{"userEmail": "both@example.com", "apiKeys": []any{object{"publicKey": newKey().PublicKey()}}}
		w.network.setFault(func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
			if strings.HasSuffix(path, "/create_sub_organization") {
				return nil, errors.New("connection refused")
			}
			return send(), nil
		})
		w.h = first
		w.post("/signup", in).is(t, 502, "api.unreachable")
		w.network.setFault(nil)
		w.h = second
		made := w.post("/signup", in)
		made.is(t, 200, "")
		w.h = first
		again := w.post("/signup", in)
		if again.text("subOrganizationId") != made.text("subOrganizationId") || len(w.subOrgs("both@example.com")) != 1 {
			t.Errorf("%s, then %s", made.raw, again.raw)
		}
	})
}

// Without proof, key or Idempotency-Key, the backend itself remembers what it does not know the end of.
func TestR14_ABareSignUpIsMadeOnceToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		drops := 0
		w.network.setFault(func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
			resp := send()
			if strings.HasSuffix(path, "/create_sub_organization") && drops < 4 { // as often as one call tries
				drops++
				return nil, errors.New("connection reset")
			}
			return resp, nil
		})
		in := object{"userEmail": "bare@example.com"}
		w.post("/signup", in).is(t, 502, "api.unreachable")
		r := w.post("/signup", in)
		r.is(t, 200, "")
		if ids := w.subOrgs("bare@example.com"); len(ids) != 1 || ids[0] != r.text("subOrganizationId") {
			t.Errorf("%v, %s", ids, r.raw)
		}
		w.clock.advance(2 * time.Minute)
		if again := w.post("/signup", in); again.text("subOrganizationId") == r.text("subOrganizationId") {
			t.Error("who signs up an address later is told of the organization that carries it")
		}
	})
}

func TestAnIdempotencyKeyIsForOneRequest(t *testing.T) {
	w := newWorld(t)
	first := w.post("/signup", object{"userEmail": "a@example.com"}, "Idempotency-Key", "k-1")
	first.is(t, 200, "")
	w.post("/signup", object{"userEmail": "b@example.com"}, "Idempotency-Key", "k-1").is(t, 409, "request.invalid")
	w.post("/signup", object{"userEmail": "b@example.com"}, "Idempotency-Key", strings.Repeat("k", 256)).is(t, 400, "request.invalid")
	again := w.post("/signup", object{"userEmail": "a@example.com"}, "Idempotency-Key", "k-1")
	if again.text("userId") != first.text("userId") {
		t.Errorf("%s, then %s", first.raw, again.raw)
	}
	w.restart() // nobody remembers the key, and a stranger chose the same
	stranger := w.post("/signup", object{"userEmail": "b@example.com"}, "Idempotency-Key", "k-1")
	stranger.is(t, 200, "")
	if stranger.text("subOrganizationId") == first.text("subOrganizationId") {
		t.Error("a stranger's key led into the first one's organization")
	}
	w.restart()
	again = w.post("/signup", object{"userEmail": "a@example.com"}, "Idempotency-Key", "k-1")
	if again.text("userId") != first.text("userId") {
		t.Errorf("after a restart: %s, then %s", first.raw, again.raw)
	}
}

func TestAnAccountWithOtherWaysInIsAConflict(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	jwt := w.prove("rae@example.com", key, true).text("verificationToken")
	first := w.post("/signup", w.signUp(jwt, key, "rae@example.com"))
	first.is(t, 200, "")
	apiKey := func(k *p256.Key) any {
		return object{"apiKeyName": "n", "publicKey": k.PublicKey(), "curveType": "API_KEY_CURVE_P256"}
	}
	jwt = w.prove("rae@example.com", key, true).text("verificationToken")
	w.post("/signup", w.signUp(jwt, key, "rae@example.com", apiKey(newKey()))).is(t, 409, "signup.refused")
	same := w.post("/signup", w.signUp(jwt, key, "rae@example.com"))
	if same.text("subOrganizationId") != first.text("subOrganizationId") {
		t.Errorf("%s, then %s", first.raw, same.raw)
	}
	if ids := w.subOrgs("rae@example.com"); len(ids) != 1 {
		t.Errorf("%v", ids)
	}
}

// What nobody has entered must not keep its owner out: a bare organization under the address is passed by when the
// sign-up brings ways in of its own.
func TestABareOrganizationDoesNotBlockASignUp(t *testing.T) {
	w := newWorld(t)
	bare := w.post("/signup", object{"userEmail": "sy@example.com"})
	bare.is(t, 200, "")
	key, device := newKey(), newKey()
	jwt := w.prove("sy@example.com", key, true).text("verificationToken")
	r := w.post("/signup", w.signUp(jwt, key, "sy@example.com", object{"apiKeyName": "n", "publicKey": device.PublicKey(), "curveType": "API_KEY_CURVE_P256"}))
	r.is(t, 200, "")
	if r.text("subOrganizationId") == bare.text("subOrganizationId") {
		t.Error("the key asked for is not in the bare organization")
	}
	w.works(t.Context(), device, r.text("subOrganizationId"))
}
