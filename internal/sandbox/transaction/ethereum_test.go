package transaction

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"latchkey/internal/chain"
	"latchkey/internal/sandbox/policy"
)

const accountPath = "m/44'/60'/0'/0/0"

// list spells items as RLP, shorter than 56 bytes each and any length together.
func list(items ...string) string {
	content := strings.Join(items, "")
	size := len(content) / 2
	switch {
	case size < 56:
		return hex.EncodeToString([]byte{0xc0 + byte(size)}) + content
	case size < 256:
		return hex.EncodeToString([]byte{0xf8, byte(size)}) + content
	}
	return hex.EncodeToString([]byte{0xf9, byte(size >> 8), byte(size)}) + content
}

const (
	to      = "9478839f6054d7ed13918bae0473ba31b1ca9d7265"
	key32   = "a0" + "1111111111111111111111111111111111111111111111111111111111111111"
	noItems = "c0"
)

// Of the types that the dossier has no vector for, the signature must be the account's over the unsigned bytes, and
// the transaction must be the unsigned one with three items more.
func TestEveryTypeIsSignedByTheAccount(t *testing.T) {
	access := list(list(to, list(key32, key32)))
	for name, v := range map[string]struct{ prefix, unsigned string }{
		"legacy on a large chain": {"", list("80", "80", "825208", to, "80", "80", "8405f5e100", "80", "80")},
		"creation":                {"02", list("01", "80", "01", "02", "825208", "80", "80", "8460006000", noItems)},
		"access list":             {"01", list("01", "80", "01", "825208", to, "01", "80", access)},
		"blobs":                   {"03", list("01", "80", "01", "02", "825208", to, "80", "80", access, "05", list(key32, key32))},
		"set code":                {"04", list("01", "80", "01", "02", "825208", to, "80", "80", noItems, list(list("01", to, "07", "01", key32, key32)))},
	} {
		by := signer(t, "ETHEREUM", accountPath)
		tx, err := Parse("TRANSACTION_TYPE_ETHEREUM", v.prefix+v.unsigned, by)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		signed, err := tx.Sign()
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := hex.DecodeString(signed)
		unsigned, _ := hex.DecodeString(v.prefix + v.unsigned)
		r, s := raw[len(raw)-65:len(raw)-33], raw[len(raw)-32:]
		if raw[len(raw)-33] != 0xa0 || raw[len(raw)-66] != 0xa0 {
			t.Fatalf("%s: r or s begins with zero, which this test cannot read: %s", name, signed)
		}
		found := false
		for id := range byte(2) {
			pub, _, err := ecdsa.RecoverCompact(append([]byte{27 + id}, append(bytes.Clone(r), s...)...), chain.Keccak256(unsigned))
			if err == nil && bytes.Equal(pub.SerializeCompressed(), by.Key.Public) {
				want := big.NewInt(int64(id))
				if v.prefix == "" {
					want.SetInt64(100000000*2 + 35 + int64(id))
				}
				b := want.Bytes()
				found = bytes.HasSuffix(raw[:len(raw)-66], b) && (len(b) > 0 || raw[len(raw)-67] == 0x80)
			}
		}
		if !found {
			t.Errorf("%s: the signature is not the account's, or its parity is wrong: %s", name, signed)
		}
		if body := v.unsigned[4:]; v.prefix != "" && !strings.Contains(signed, body[2:]) {
			t.Errorf("%s: the signed transaction does not hold the unsigned one", name)
		}
	}
}

func TestBadEthereumTransactions(t *testing.T) {
	legacy := func(tail ...string) string {
		return list(append([]string{"80", "80", "825208", to, "80", "80"}, tail...)...)
	}
	long := list("80", "80", "825208", to, "80", "b840"+strings.Repeat("11", 64), "01", "80", "80") // its length is of one byte
	if _, err := Parse("TRANSACTION_TYPE_ETHEREUM", long, signer(t, "ETHEREUM", accountPath)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"no bytes":                      "",
		"not hex":                       "0xzz",
		"half a byte":                   "0",
		"six items":                     legacy(),
		"seven items":                   legacy("01"),
		"chain id zero":                 legacy("80", "80", "80"),
		"ten items":                     legacy("01", "80", "80", "80"),
		"signed":                        legacy("25", key32, key32),
		"signed, type 2":                "02" + list("01", "80", "01", "02", "825208", to, "80", "80", noItems, "01", key32, key32),
		"type 0":                        "00" + legacy("01", "80", "80"),
		"type 5":                        "05" + legacy("01", "80", "80"),
		"not a list":                    "83010203",
		"a byte after":                  legacy("01", "80", "80") + "00",
		"leading zero":                  list("80", "80", "825208", to, "8200ff", "80", "01", "80", "80"),
		"zero as a byte":                list("00", "80", "825208", to, "80", "80", "01", "80", "80"),
		"a byte with a head":            list("8101", "80", "825208", to, "80", "80", "01", "80", "80"),
		"long length for a short item":  list("b80101", "80", "825208", to, "80", "80", "01", "80", "80"),
		"length with leading zero":      "f900" + long[2:],
		"length of eight bytes":         "ffffffffffffffffff",
		"length over the end":           "f8ff01",
		"address of 19 bytes":           list("80", "80", "825208", "93"+strings.Repeat("11", 19), "80", "80", "01", "80", "80"),
		"gas over 64 bits":              list("80", "80", "89"+strings.Repeat("11", 9), to, "80", "80", "01", "80", "80"),
		"nonce at the limit":            list("88ffffffffffffffff", "80", "825208", to, "80", "80", "01", "80", "80"),
		"value over 256 bits":           list("80", "80", "825208", to, "a1"+strings.Repeat("11", 33), "80", "01", "80", "80"),
		"a list for a value":            list("80", "80", "825208", to, "c0", "80", "01", "80", "80"),
		"bytes for an access list":      "01" + list("01", "80", "01", "825208", to, "01", "80", "80"),
		"an access entry of three":      "01" + list("01", "80", "01", "825208", to, "01", "80", list(list(to, noItems, "80"))),
		"a storage key of 31":           "01" + list("01", "80", "01", "825208", to, "01", "80", list(list(to, list("9f"+strings.Repeat("11", 31))))),
		"blobs for a creation":          "03" + list("01", "80", "01", "02", "825208", "80", "80", "80", noItems, "05", list(key32)),
		"blobs in their network form":   "03" + list(list("01", "80", "01", "02", "825208", to, "80", "80", noItems, "05", list(key32)), noItems, noItems, noItems),
		"set code for a creation":       "04" + list("01", "80", "01", "02", "825208", "80", "80", "80", noItems, noItems),
		"an authorization of five":      "04" + list("01", "80", "01", "02", "825208", to, "80", "80", noItems, list(list("01", to, "07", "01", key32))),
		"an authorization for nobody":   "04" + list("01", "80", "01", "02", "825208", to, "80", "80", noItems, list(list("01", "80", "07", "01", key32, key32))),
		"a list that ends within items": "c3820102",
	} {
		_, err := Parse("TRANSACTION_TYPE_ETHEREUM", text, signer(t, "ETHEREUM", accountPath))
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEthereumIsToldInLowerCase(t *testing.T) {
	tell := func(text string) *policy.EthereumTransaction {
		tx, err := Parse("TRANSACTION_TYPE_ETHEREUM", text, signer(t, "ETHEREUM", accountPath))
		if err != nil {
			t.Fatal(err)
		}
		var c policy.Context
		tx.Tell(&c)
		return c.Eth.Tx
	}
	got := tell(vectors()["ethereum type 2"].unsigned)
	if got.Type != "TYPE_2" || got.From != "0x9858effd232b4033e47d90003d41ec34ecaeda94" || got.To != "0x78839f6054d7ed13918bae0473ba31b1ca9d7265" ||
		!strings.HasPrefix(got.Data, "0xa9059cbb0000") || got.ChainID.Int64() != 11155111 || got.Nonce.Int64() != 9 || got.Gas.Int64() != 60000 ||
		got.GasPrice.Int64() != 30000000000 || got.MaxFeePerGas.Int64() != 30000000000 || got.MaxPriorityFeePerGas.Int64() != 1000000000 || got.Value.Sign() != 0 {
		t.Errorf("type 2: %+v", got)
	}
	got = tell(vectors()["ethereum legacy"].unsigned)
	if got.Type != "LEGACY" || got.Data != "0x" || got.GasPrice.Int64() != 20000000000 || got.MaxFeePerGas != nil || got.Value.Int64() != 1000000000000000 {
		t.Errorf("legacy: %+v", got)
	}
	if got = tell("02" + list("01", "80", "01", "02", "825208", "80", "80", "8460006000", noItems)); got.To != "" || got.Data != "0x60006000" {
		t.Errorf("creation: %+v", got)
	}
}
