package hd

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkP8_PhraseToAddress takes the way from a phrase to an Ethereum address beside the PBKDF2 in it, which nobody
// can shorten, in turns, and reports the median of the first over the median of the second.
func BenchmarkP8_PhraseToAddress(b *testing.B) {
	var whole, limit []time.Duration
	for b.Loop() {
		start := time.Now()
		Seed(abandon)
		middle := time.Now()
		key, err := Derive(Seed(abandon), Secp256k1, "m/44'/60'/0'/0/0")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Address("ADDRESS_FORMAT_ETHEREUM", key); err != nil {
			b.Fatal(err)
		}
		limit = append(limit, middle.Sub(start))
		whole = append(whole, time.Since(middle))
	}
	slices.Sort(limit)
	slices.Sort(whole)
	b.ReportMetric(float64(whole[len(whole)/2])/float64(limit[len(limit)/2]), "x-limit")
}
