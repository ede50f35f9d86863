//go:build unix

package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/p256"
	"latchkey/internal/stamp"
)

// crowd fills a sandbox with n sub-organizations of one user with one key, past the handlers, and returns who stamps
// for the last.
func crowd(tb testing.TB, n int) *who {
	tb.Helper()
	clock := newTime()
	s, err := New(Options{Seed: 1, Now: clock.now})
	if err != nil {
		tb.Fatal(err)
	}
	st := s.state.Load()
	st.mu.Lock()
	defer st.mu.Unlock()
	key := newKey()
	last := &who{box: &box{Sandbox: s, t: tb, time: clock}, key: key}
	x := make([]byte, 33)
	for i := range n {
		var p point
		switch i {
		case n - 1:
			p, _ = parsePoint(key.PublicKey())
		default: // a key that stamps nothing need not be a point
			_, _ = st.choices.Read(x)
			copy(p[:], x)
		}
		t := &tx{call: &call{state: st, org: st.parent}}
		org := &organization{id: t.id(), number: st.founded + 1, parent: st.parent, created: 1,
			settings: &settings{name: fmt.Sprintf("Wallet of user %d", i), threshold: 1, features: featuresAtFirst}}
		u := &user{id: t.id(), number: t.number(), org: org, name: fmt.Sprintf("user-%d", i), email: fmt.Sprintf("user-%d@example.org", i), created: 1, updated: 1,
			keys: []*apiKey{{id: t.id(), name: "Session " + isoTime(1), public: p, kind: credentialLogin, seconds: 1 << 33, created: 1}}}
		org.root = []uuid.UUID{u.id}
		t.stage(org, u)
		st.commit(t.staged)
		last.org, last.user = org.id.String(), u.id.String()
	}
	return last
}

// cpu is the processor time that this process has used.
func cpu(tb testing.TB) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkP6_VerifiedWhoami measures a whole whoami through the handler beside one bare verification of the same kind
// of signature, turn and turn about in one run, so that a busy machine disturbs both. Reported: their ratio by wall
// time and by processor time.
func BenchmarkP6_VerifiedWhoami(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprintf("suborgs=%d", n), func(b *testing.B) {
			w := crowd(b, n)
			body := []byte(`{"organizationId":"` + w.org + `"}`)
			const turn = 50
			stamps := make([]string, turn)
			for i := range stamps {
				s, err := stamp.APIKey{Signer: w.key}.Stamp(b.Context(), body)
				if err != nil {
					b.Fatal(err)
				}
				stamps[i] = s.HeaderValue
			}
			private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			digest := sha256.Sum256(body)
			signature, err := ecdsa.SignASN1(rand.Reader, private, digest[:])
			if err != nil {
				b.Fatal(err)
			}
			api := w.API()
			runtime.GC()
			var whoami, bare, whoamiCPU, bareCPU time.Duration
			for i := 0; b.Loop(); i++ {
				before, beforeCPU := time.Now(), cpu(b)
				for k := range turn {
					r := httptest.NewRequest(http.MethodPost, "/public/v1/query/whoami", strings.NewReader(string(body)))
					r.Header.Set(stamp.HeaderAPIKey, stamps[k])
					rec := httptest.NewRecorder()
					api.ServeHTTP(rec, r)
					if rec.Code != http.StatusOK {
						b.Fatalf("%d: %s", rec.Code, rec.Body)
					}
				}
				whoami, whoamiCPU = whoami+time.Since(before), whoamiCPU+cpu(b)-beforeCPU
				before, beforeCPU = time.Now(), cpu(b)
				for range turn {
					if !ecdsa.VerifyASN1(&private.PublicKey, digest[:], signature) {
						b.Fatal("a bare verification failed")
					}
				}
				bare, bareCPU = bare+time.Since(before), bareCPU+cpu(b)-beforeCPU
			}
			b.ReportMetric(float64(whoami)/float64(bare), "x-verify")
			b.ReportMetric(float64(whoamiCPU)/float64(bareCPU), "x-verify-cpu")
			b.ReportMetric(float64(whoami.Nanoseconds())/float64(b.N*turn), "ns/whoami")
			b.ReportMetric(float64(bare.Nanoseconds())/float64(b.N*turn), "ns/verify")
		})
	}
}

// BenchmarkP6_MemoryOfASubOrganization reports the live heap that one sub-organization with its user and session key
// takes, and what it takes once its key has stamped.
func BenchmarkP6_MemoryOfASubOrganization(b *testing.B) {
	const n = 200_000
	live := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		before := live()
		w := crowd(b, n)
		b.ReportMetric(float64(live()-before)/n, "B/suborg")
		// The parsed keys, which every user who stamps gets besides.
		pub, _ := p256.ParsePublic(w.key.PublicKey())
		keys := make([]*ecdsa.PublicKey, n)
		before = live()
		for i := range keys {
			keys[i], _ = p256.ParsePublic(p256.Uncompressed(pub))
		}
		b.ReportMetric(float64(live()-before)/n, "B/parsed-key")
		runtime.KeepAlive(keys)
		runtime.KeepAlive(w)
	}
}

// BenchmarkP6_Ready measures New, until the handlers can serve.
func BenchmarkP6_Ready(b *testing.B) {
	for b.Loop() {
		s, err := New(Options{})
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
