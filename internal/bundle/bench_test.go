package bundle

import (
	"crypto/ecdh"
	"slices"
	"testing"
	"time"

	"latchkey/internal/p256"
)

// P7: at most 1.75 times one key agreement.
func BenchmarkP7_OpenABundle(b *testing.B) {
	target := exchange(b, targetPrivate)
	sender, err := ecdh.P256().NewPublicKey(exchange(b, ephemeralPrivate).PublicKey().Bytes())
	if err != nil {
		b.Fatal(err)
	}
	limit := func() {
		if _, err := target.ECDH(sender); err != nil {
			b.Fatal(err)
		}
	}
	otp, err := sealText(target.PublicKey(), []byte(otpPlaintext))
	if err != nil {
		b.Fatal(err)
	}
	credential, err := SealCredential(target.PublicKey(), p256.Generate())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("otp", func(b *testing.B) {
		compare(b, limit, func() {
			if _, _, err := OpenOTP(target, otp); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("credential", func(b *testing.B) {
		compare(b, limit, func() {
			if _, err := OpenCredential(target, credential); err != nil {
				b.Fatal(err)
			}
		})
	})
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
