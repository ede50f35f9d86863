package backend_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/p256"
)

// gate is a network on which nothing gets through until it is opened.
type gate struct {
	open chan struct{}
	next http.RoundTripper

	network *network // which notes what was begun
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	g.network.mu.Lock()
	g.network.calls = append(g.network.calls, r.URL.Path)
	g.network.mu.Unlock()
	select {
	case <-g.open:
		return g.next.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// gated is a world with an account of ann@example.com, whose network is shut from now on.
func gated(t *testing.T) (w *world, g *gate, org string) {
	t.Helper()
	w = newWorld(t)
	key := newKey()
	org = w.session(kits[3].enter(w, "ann@example.com", key), key).OrganizationID
	w.clock.advance(10 * time.Minute) // past every limit
	g = &gate{open: make(chan struct{}), next: w.network, network: &network{}}
	w.config.HTTP = &http.Client{Transport: g}
	w.restart()
	return w, g, org
}

// mailTo is the body that asks for a key by e-mail.
func mailTo(contact string) object {
	return object{"email": contact, "targetPublicKey": p256.Uncompressed(&newKey().Private().PublicKey)}
}

// Whether somebody has an account decides nothing that happens before the answer: it waits for no call of the API's, and
// the one that may have begun by then is the same for everybody.
func TestR11_AnAnswerAboutAnEMailWaitsForNoCall(t *testing.T) {
	for _, route := range []string{"/api/auth", "/api/sendCredential"} {
		for _, named := range []bool{false, true} {
			t.Run(fmt.Sprint(route, named), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, g, org := gated(t)
					var answers [2]string
					var begun [2][]string
					for i, contact := range []string{"ann@example.com", "bob@example.com"} {
						in := mailTo(contact)
						if named {
							in["suborgID"] = org
						}
						began := time.Now() // of the bubble, in which only waiting takes time
						r := w.ok(w.post(route, in))
						if took := time.Since(began); took != 0 {
							t.Errorf("%s: the answer waited %v", contact, took)
						}
						answers[i] = masked(r)
						synctest.Wait()
						begun[i] = slices.Clone(g.network.calls)
						g.network.calls = nil
					}
					if answers[0] != answers[1] || len(begun[0]) > 1 || !slices.Equal(begun[0], begun[1]) {
						t.Errorf("known and unknown are told apart:\n%s %v\n%s %v", answers[0], begun[0], answers[1], begun[1])
					}
					close(g.open)
					w.mailed()
					if n := w.network.count("/email_auth"); n != 1 {
						t.Errorf("%d e-mails", n)
					}
					if text := w.scrape(); !strings.Contains(text, `latchkey_emails_total{outcome="sent"} 1`) || !strings.Contains(text, `latchkey_emails_total{outcome="nobody"} 1`) {
						t.Error(text)
					}
				})
			})
		}
	}
}

// flushed is a recorder that knows whether its answer has left.
type flushed struct {
	*httptest.ResponseRecorder
	left atomic.Bool
}

func (f *flushed) Flush() { f.left.Store(true) }

// What is done about an e-mail begins when its answer has left: not even the processor is used by it before.
func TestR11_AnEMailBeginsAfterItsAnswer(t *testing.T) {
	w := newWorld(t)
	rec := &flushed{ResponseRecorder: httptest.NewRecorder()}
	began := make(chan bool, 10)
	w.network.setFault(func(_ string, _ []byte, send func() *http.Response) (*http.Response, error) {
		began <- rec.left.Load()
		return send(), nil
	})
	w.h.ServeHTTP(rec, request("/api/auth", mustJSON(t, mailTo("ann@example.com"))))
	w.mailed()
	if left := <-began; !left || rec.Code != 200 {
		t.Errorf("%d %s; the API was asked before that had left", rec.Code, rec.Body)
	}
}

func TestAnEMailThatIsAnsweredForArrives(t *testing.T) {
	w, g, org := gated(t)
	target := newKey().Private()
	in := object{"email": "ann@example.com", "targetPublicKey": p256.Uncompressed(&target.PublicKey)}
	ctx, cancel := context.WithCancel(t.Context())
	r := request("/api/auth", mustJSON(t, in)).WithContext(ctx)
	w.ok(w.do(r))
	cancel() // whoever asked has gone
	soon, stop := context.WithCancel(t.Context())
	stop()
	if err := w.b.Finish(soon); !errors.Is(err, context.Canceled) {
		t.Errorf("finished, with an e-mail on its way: %v", err)
	}
	close(g.open)
	w.mailed()
	w.works(t.Context(), w.opened("ann@example.com", target), org)
	if log := w.log.String(); !strings.Contains(log, `"msg":"e-mail"`) || !strings.Contains(log, `"outcome":"sent"`) || strings.Contains(log, "ann@example.com") {
		t.Error(log)
	}
}

// What cannot be sent any more is told to whoever runs the backend, since nobody else hears of it.
func TestAnEMailThatIsNotSentIsTold(t *testing.T) {
	told := func(t *testing.T, w *world, reason string) {
		t.Helper()
		log := w.log.String()
		if !strings.Contains(log, `"level":"ERROR","msg":"e-mail"`) || !strings.Contains(log, `"reason":"`+reason+`"`) || strings.Contains(log, "ann@example.com") {
			t.Error(log)
		}
		if text := w.scrape(); !strings.Contains(text, `latchkey_emails_total{outcome="failed",error_type="`+reason+`"} 1`) {
			t.Error(text)
		}
	}
	for _, at := range []string{"/list_verified_suborgs", "/email_auth"} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // where the waits between tries cost nothing
				w, g, _ := gated(t)
				w.network.setFault(func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
					if strings.HasSuffix(path, at) {
						return nil, errors.New("no route to ann@example.com")
					}
					return send(), nil
				})
				close(g.open)
				w.ok(w.post("/api/auth", mailTo("ann@example.com")))
				w.mailed()
				told(t, w, "api.unreachable")
			})
		})
	}
	t.Run("at the end", func(t *testing.T) {
		w, _, _ := gated(t)
		w.ok(w.post("/api/auth", mailTo("ann@example.com")))
		if err := w.b.Close(); err != nil {
			t.Error(err)
		}
		told(t, w, "cancelled")
	})
	t.Run("a fault of our own", func(t *testing.T) {
		w, g, _ := gated(t)
		w.network.setFault(func(string, []byte, func() *http.Response) (*http.Response, error) { panic("no such luck") })
		close(g.open)
		w.ok(w.post("/api/auth", mailTo("ann@example.com")))
		w.mailed()
		told(t, w, "internal")
	})
}

// No more e-mails are on their way than there are places, and whoever finds none is told so and charged nothing.
func TestEMailsOnTheirWayAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, g, _ := gated(t)
		const most = 64
		for i := range most {
			w.ok(w.post("/api/auth", mailTo(fmt.Sprintf("%d@example.com", i))))
		}
		for range 5 { // more than one contact may ask for
			r := w.post("/api/auth", mailTo("ann@example.com"))
			r.is(t, 429, "backend.limited")
			if r.header.Get("Retry-After") != "5" || r.text("message") != "too many e-mails are on their way" {
				t.Errorf("%v %s", r.header, r.raw)
			}
		}
		close(g.open)
		w.mailed()
		for range 3 {
			w.ok(w.post("/api/auth", mailTo("ann@example.com")))
		}
		w.post("/api/auth", mailTo("ann@example.com")).is(t, 429, "otp.limited") // which gives its place back
		w.mailed()
		if n := w.network.count("/email_auth"); n != 3 {
			t.Errorf("%d e-mails", n)
		}
	})
}

// A service that never answers holds a place for as long as a request may take, and no longer.
func TestAnEMailEndsWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := gated(t)
		began := time.Now()
		w.ok(w.post("/api/auth", mailTo("ann@example.com")))
		w.mailed()
		if took := time.Since(began); took > 25*time.Second { // of the bubble
			t.Errorf("after %v", took)
		}
		if !strings.Contains(w.scrape(), `outcome="failed"`) {
			t.Error("nobody is told")
		}
	})
}
