package stamp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"latchkey/internal/p256"
)

// Sizes of the bodies that are stamped: a query, and a large activity.
var bodies = []struct {
	name string
	body []byte
}{
	{"300B", bytes.Repeat([]byte("abc"), 100)},
	{"10KB", bytes.Repeat([]byte("0123456789"), 1024)},
}

// compare reports how much longer ours takes than limit. They run in turn, once each a round, so that whatever else the
// machine does falls on both: over several calls the longer side would be interrupted more often. The figure is the
// median over the rounds of their ratio.
func compare(b *testing.B, limit, ours func()) {
	b.Helper()
	clock := func(f func()) float64 {
		start := time.Now()
		f()
		return float64(time.Since(start).Nanoseconds())
	}
	clock(limit)
	clock(ours)
	var ratios, limits, each []float64
	for b.Loop() {
		var l, o float64
		if len(ratios)%2 == 0 { // every other round the other way round
			l, o = clock(limit), clock(ours)
		} else {
			o, l = clock(ours), clock(limit)
		}
		ratios, limits, each = append(ratios, o/l), append(limits, l), append(each, o)
	}
	median := func(v []float64) float64 { slices.Sort(v); return v[len(v)/2] }
	b.ReportMetric(median(ratios), "x-limit")
	b.ReportMetric(median(limits), "limit-ns")
	b.ReportMetric(median(each), "ours-ns")
	b.ReportMetric(0, "ns/op") // of a round, which says nothing
}

// P1: at most 1.10 times the bare signature.
func BenchmarkP1_StampARequest(b *testing.B) {
	key := p256.NewKey(p256.Generate())
	for _, c := range bodies {
		name, body := c.name, c.body
		b.Run(name, func(b *testing.B) {
			limit := func() {
				digest := sha256.Sum256(body)
				if _, err := ecdsa.SignASN1(rand.Reader, key.Private(), digest[:]); err != nil {
					b.Fatal(err)
				}
			}
			stamper := APIKey{Signer: key}
			compare(b, limit, func() {
				if _, err := stamper.Stamp(b.Context(), body); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// P2: at most 1.10 times the bare check with the key known, and 1.20 times at first sight.
func BenchmarkP2_VerifyAStamp(b *testing.B) {
	key := p256.NewKey(p256.Generate())
	pub := &key.Private().PublicKey
	for _, c := range bodies {
		name, body := c.name, c.body
		made, err := APIKey{Signer: key}.Stamp(b.Context(), body)
		if err != nil {
			b.Fatal(err)
		}
		digest := sha256.Sum256(body)
		signature, err := ecdsa.SignASN1(rand.Reader, key.Private(), digest[:])
		if err != nil {
			b.Fatal(err)
		}
		limit := func() {
			digest := sha256.Sum256(body)
			if !ecdsa.VerifyASN1(pub, digest[:], signature) {
				b.Fatal("refused")
			}
		}
		b.Run("cached/"+name, func(b *testing.B) {
			compare(b, limit, func() {
				s, err := ParseAPI(made.HeaderValue)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.VerifyWith(pub, body); err != nil {
					b.Fatal(err)
				}
			})
		})
		b.Run("first/"+name, func(b *testing.B) {
			compare(b, limit, func() {
				s, err := ParseAPI(made.HeaderValue)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Verify(body); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
