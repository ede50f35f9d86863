package clients_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"latchkey/internal/sandbox/hd"
)

// BenchmarkP8_PhraseToAddressBesideViem takes the way from a phrase to an address here and in viem, in one run, and
// reports how many times longer viem takes.
func BenchmarkP8_PhraseToAddressBesideViem(b *testing.B) {
	const phrase = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	const runs = 25
	var ratio float64
	for b.Loop() {
		var theirs struct {
			Address string
			Median  float64
		}
		if err := json.Unmarshal(node(b, "derive.mjs", nil, map[string]any{"phrase": phrase, "runs": runs}), &theirs); err != nil {
			b.Fatal(err)
		}
		ours := make([]time.Duration, runs)
		for i := range ours {
			start := time.Now()
			key, err := hd.Derive(hd.Seed(phrase), hd.Secp256k1, "m/44'/60'/0'/0/0")
			if err != nil {
				b.Fatal(err)
			}
			address, err := hd.Address("ADDRESS_FORMAT_ETHEREUM", key)
			if err != nil || address != theirs.Address {
				b.Fatalf("%s, %v; viem has %s", address, err, theirs.Address)
			}
			ours[i] = time.Since(start)
		}
		slices.Sort(ours)
		ratio = theirs.Median / (float64(ours[runs/2]) / float64(time.Millisecond))
	}
	b.ReportMetric(ratio, "x-viem")
	b.ReportMetric(0, "ns/op") // of both together, which says nothing
}
