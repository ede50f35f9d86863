package transaction

import (
	"errors"
	"strings"
	"testing"

	"latchkey/internal/sandbox/policy"
)

// tempoItems are a transaction's items, with one call that creates a contract and one without data.
func tempoItems() []string {
	calls := list(list("80", "80", "8460006000"), list(to, "01", "80"))
	return []string{"821079", "80", "01", "825208", calls, noItems, "80", "03", "80", "80", "80", "80", noItems}
}

func TestTempoIsTold(t *testing.T) {
	tell := func(text string) *policy.TempoTransaction {
		tx, err := Parse("TRANSACTION_TYPE_TEMPO", text, signer(t, "ETHEREUM", accountPath))
		if err != nil {
			t.Fatal(err)
		}
		var c policy.Context
		tx.Tell(&c)
		return c.Tempo.Tx
	}
	got := tell(vectors()["tempo"].unsigned)
	if got.ChainID.Int64() != 4217 || got.From != "0x9858effd232b4033e47d90003d41ec34ecaeda94" || got.Nonce.Int64() != 3 || got.GasLimit.Int64() != 100000 ||
		got.MaxFeePerGas.Int64() != 20000000000 || got.MaxPriorityFeePerGas.Sign() != 0 || got.FeeToken != "0x20c0000000000000000000000000000000000001" ||
		got.ValidBefore.Int64() != 1800000000 || got.ValidAfter.Int64() != 1700000000 || len(got.Calls) != 1 {
		t.Errorf("%+v", got)
	}
	if c := got.Calls[0]; c.To != "0x78839f6054d7ed13918bae0473ba31b1ca9d7265" || c.FunctionSignature != "0xa9059cbb" || !strings.HasPrefix(c.Input, "0xa9059cbb0000") {
		t.Errorf("%+v", c)
	}
	got = tell("76" + list(tempoItems()...))
	if got.FeeToken != "" || got.ValidBefore.Sign() != 0 || got.Calls[0].To != "" || got.Calls[0].Input != "0x60006000" || got.Calls[1].Input != "0x" || got.Calls[1].FunctionSignature != "" {
		t.Errorf("%+v", got)
	}
}

// A sponsored transaction has a zero where the fee payer will sign.
func TestSponsoredTempoTransactions(t *testing.T) {
	const unsigned = "76f3821079808504a817c800830186a0dcdb9478839f6054d7ed13918bae0473ba31b1ca9d72658084a9059cbbc0800380808000c0"
	tx, err := Parse("TRANSACTION_TYPE_TEMPO", unsigned, signer(t, "ETHEREUM", accountPath))
	if err != nil {
		t.Fatal(err)
	}
	// viem hands the fee payer the same items and the same signature, in a form of its own.
	const signature = "b841a68f363cbcf4e61a7307a72782984ba0228ee0132db03959b8e12f413c5bcb9822dbb8bd80f190e742ce80390639fb1fdd2ce432f42f2d0cc9248e3ab7970e661b"
	if got, err := tx.Sign(); err != nil || got != "76f876"+unsigned[4:]+signature {
		t.Errorf("%s, %v", got, err)
	}
}

func TestBadTempoTransactions(t *testing.T) {
	with := func(at int, item string) string {
		items := tempoItems()
		items[at] = item
		return "76" + list(items...)
	}
	for name, text := range map[string]string{
		"another type":           "02" + list(tempoItems()...),
		"the fee payer's form":   "78" + list(tempoItems()...),
		"no list":                "76",
		"no items":               "76c0",
		"twelve items":           "76" + list(tempoItems()[:12]...),
		"a key authorization":    "76" + list(append(tempoItems(), list("01"))...),
		"signed":                 "76" + list(append(tempoItems(), "b841"+strings.Repeat("11", 65))...),
		"a byte after":           with(0, "01") + "00",
		"chain id zero":          with(0, "80"),
		"no calls":               with(4, noItems),
		"a call of two":          with(4, list(list(to, "80"))),
		"a call of four":         with(4, list(list(to, "80", "80", "80"))),
		"a call to nobody known": with(4, list(list("8411111111", "80", "80"))),
		"a nonce key too wide":   with(6, "99"+strings.Repeat("11", 25)),
		"a fee token of 4 bytes": with(10, "8411111111"),
		"a fee payer's own":      with(11, list("80", key32, key32)),
		"another marker":         with(11, "01"),
		"a delegation":           with(12, list(list("01", to, "80", key32))),
		"a time with zeros":      with(8, "820011"),
		"sponsored, with token":  "76" + list(append(append(tempoItems()[:10], to, "00"), noItems)...),
	} {
		_, err := Parse("TRANSACTION_TYPE_TEMPO", text, signer(t, "ETHEREUM", accountPath))
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
