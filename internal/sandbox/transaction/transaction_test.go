package transaction

import (
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"latchkey/internal/sandbox/policy"
)

func TestUnknownTypesAndWrongCurves(t *testing.T) {
	ethereum, solana := vectors()["ethereum legacy"], vectors()["solana legacy"]
	for _, c := range []struct {
		name, kind, text, format, path string
		want                           Code
	}{
		{"no prefix", "ETHEREUM", ethereum.unsigned, "ETHEREUM", accountPath, Unsupported},
		{"unknown", "TRANSACTION_TYPE_DOGE", ethereum.unsigned, "ETHEREUM", accountPath, Unsupported},
		{"empty", "", ethereum.unsigned, "ETHEREUM", accountPath, Unsupported},
		{"tempo with ed25519", "TRANSACTION_TYPE_TEMPO", "76c0", "SOLANA", solana.path, Invalid},
		{"ethereum with ed25519", "TRANSACTION_TYPE_ETHEREUM", ethereum.unsigned, "SOLANA", solana.path, Invalid},
		{"solana with secp256k1", "TRANSACTION_TYPE_SOLANA", solana.unsigned, "ETHEREUM", accountPath, Invalid},
	} {
		_, err := Parse(c.kind, c.text, signer(t, c.format, c.path))
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Of every vector, whatever is cut off or put after it is noticed.
func TestCutAndLengthenedTransactionsAreRefused(t *testing.T) {
	for name, v := range vectors() {
		by := signer(t, v.format, v.path)
		for n := range len(v.unsigned) {
			if name == "tron" && slices.Contains(tronEnds(), n) {
				continue
			}
			if _, err := Parse("TRANSACTION_TYPE_"+v.kind, v.unsigned[:n], by); err == nil {
				t.Errorf("%s: the first %d characters are taken", name, n)
			}
		}
		for _, tail := range []string{"00", "80", "c0", v.unsigned} {
			if _, err := Parse("TRANSACTION_TYPE_"+v.kind, v.unsigned+tail, by); err == nil {
				t.Errorf("%s: taken with %.10s after it", name, tail)
			}
		}
	}
}

// A transaction that is parsed can be told and signed, and what is refused is refused by an Error. Nothing panics.
func fuzz(f *testing.F, kind string) {
	signers := map[string]Signer{}
	for _, v := range vectors() {
		signers[v.kind] = signer(f, v.format, v.path)
		for _, text := range []string{v.unsigned, v.signed} {
			raw, err := hex.DecodeString(text)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		tx, err := Parse("TRANSACTION_TYPE_"+kind, hex.EncodeToString(raw), signers[kind])
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatal(err)
			}
			return
		}
		var c policy.Context
		tx.Tell(&c)
		if c.Eth.Tx == nil && c.Solana.Tx == nil && c.Tron.Tx == nil && c.Bitcoin.Tx == nil && c.Tempo.Tx == nil {
			t.Fatal("nothing is told")
		}
		signed, err := tx.Sign()
		if _, refused := errors.AsType[*Error](err); err != nil && !refused || err == nil && len(signed) < 2*len(raw) {
			t.Fatalf("%q, %v", signed, err)
		}
	})
}

func FuzzR15_EthereumTransaction(f *testing.F) { fuzz(f, "ETHEREUM") }
func FuzzR15_SolanaTransaction(f *testing.F)   { fuzz(f, "SOLANA") }
func FuzzR15_TronTransaction(f *testing.F)     { fuzz(f, "TRON") }
func FuzzR15_TempoTransaction(f *testing.F)    { fuzz(f, "TEMPO") }
func FuzzR15_PSBT(f *testing.F)                { fuzz(f, "BITCOIN") }
