package transaction

import (
	"crypto/ed25519"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/mr-tron/base58"

	"latchkey/internal/sandbox/policy"
)

const solanaPath = "m/44'/501'/0'/0'"

// spelt is a Solana transaction to be spelt.
type spelt struct {
	header  [3]byte
	keys    [][]byte
	calls   [][]byte // program, accounts with their count, data with its count
	lookups [][]byte // v0 when not nil
}

func call(program byte, accounts, data []byte) []byte {
	return slices.Concat([]byte{program, byte(len(accounts))}, accounts, []byte{byte(len(data))}, data)
}

func lookup(table byte, writable, readonly []byte) []byte {
	return slices.Concat(filled(table), []byte{byte(len(writable))}, writable, []byte{byte(len(readonly))}, readonly)
}

func filled(b byte) []byte {
	out := make([]byte, 32)
	for i := range out {
		out[i] = b
	}
	return out
}

func (w spelt) bytes() []byte {
	out := append([]byte{w.header[0]}, make([]byte, 64*int(w.header[0]))...)
	if w.lookups != nil {
		out = append(out, 0x80)
	}
	out = append(append(out, w.header[:]...), byte(len(w.keys)))
	out = append(append(out, slices.Concat(w.keys...)...), filled(9)...)
	out = append(append(out, byte(len(w.calls))), slices.Concat(w.calls...)...)
	if w.lookups != nil {
		out = append(append(out, byte(len(w.lookups))), slices.Concat(w.lookups...)...)
	}
	return out
}

func program(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := base58.Decode(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// busy has two signers, of which ours is the second, accounts from two tables, and every kind of transfer.
func busy(t testing.TB) spelt {
	return spelt{
		header: [3]byte{2, 1, 3},
		keys:   [][]byte{filled(1), signer(t, "SOLANA", solanaPath).Key.Public, filled(3), program(t, systemProgram), program(t, tokenProgram), program(t, token2022Program)},
		calls: [][]byte{
			call(3, []byte{1, 8}, []byte{2, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 7}),              // to a writable one of the second table
			call(3, []byte{0, 1}, []byte{9, 0, 0, 0}),                                         // no transfer
			call(4, []byte{2, 9, 1}, []byte{3, 6, 0, 0, 0, 0, 0, 0, 0}),                       // to a readonly one
			call(4, []byte{2, 0, 7, 1, 0}, []byte{12, 7, 0, 0, 0, 0, 0, 0, 0, 6}),             // with a mint and a multisig's signer
			call(5, []byte{2, 0, 7, 1}, slices.Concat([]byte{26, 1, 8}, make([]byte, 7+1+8))), // with a fee
			call(5, []byte{2, 0, 7, 1}, slices.Concat([]byte{26, 0, 8}, make([]byte, 7+1+8))), // another instruction of the fee extension
			call(5, []byte{2}, []byte{}),                                                      // nothing
		},
		lookups: [][]byte{lookup(7, []byte{40, 41}, []byte{42}), lookup(8, []byte{43}, []byte{44})},
	}
}

func TestSolanaFillsItsOwnPlaceAlone(t *testing.T) {
	raw := busy(t).bytes()
	for i := range 64 {
		raw[1+i] = 0xee // the first signer's, already there
	}
	by := signer(t, "SOLANA", solanaPath)
	tx, err := Parse("TRANSACTION_TYPE_SOLANA", hex.EncodeToString(raw), by)
	if err != nil {
		t.Fatal(err)
	}
	text, err := tx.Sign()
	if err != nil {
		t.Fatal(err)
	}
	signed, _ := hex.DecodeString(text)
	if !slices.Equal(signed[:65], raw[:65]) || !slices.Equal(signed[129:], raw[129:]) || !ed25519.Verify(by.Key.Public, raw[129:], signed[65:129]) {
		t.Errorf("%x", signed)
	}
}

func TestSolanaIsTold(t *testing.T) {
	tx, err := Parse("TRANSACTION_TYPE_SOLANA", hex.EncodeToString(busy(t).bytes()), signer(t, "SOLANA", solanaPath))
	if err != nil {
		t.Fatal(err)
	}
	var c policy.Context
	tx.Tell(&c)
	got := c.Solana.Tx
	one, ours, three := base58.Encode(filled(1)), "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk", base58.Encode(filled(3))
	if len(got.AccountKeys) != 6 || !slices.Equal(got.ProgramKeys, []string{systemProgram, tokenProgram, token2022Program}) || got.RecentBlockhash != base58.Encode(filled(9)) {
		t.Errorf("%v %v %s", got.AccountKeys, got.ProgramKeys, got.RecentBlockhash)
	}
	if len(got.Transfers) != 1 || got.Transfers[0].From != ours || got.Transfers[0].To != fromTable || got.Transfers[0].Amount.Int64() != 5 {
		t.Errorf("%+v", got.Transfers)
	}
	if s := got.SPLTransfers; len(s) != 3 || s[0].TokenMint != "" || s[0].From != three || s[0].To != fromTable || s[0].Owner != ours || s[0].Amount.Int64() != 6 ||
		s[1].TokenMint != one || s[1].Owner != ours || !slices.Equal(s[1].Signers, []string{one}) || s[1].Amount.Int64() != 7 || s[2].Amount.Int64() != 8 || len(s[2].Signers) != 0 {
		t.Errorf("%+v", s)
	}
	first := got.Instructions[0]
	if len(got.Instructions) != 7 || first.InstructionDataHex != "02000000050000000000000007" || first.ProgramKey != systemProgram || len(first.AddressTableLookups) != 1 ||
		first.AddressTableLookups[0].AddressTableKey != base58.Encode(filled(8)) || first.AddressTableLookups[0].Index.Int64() != 43 || !first.AddressTableLookups[0].Writable ||
		!first.Accounts[0].Signer || first.Accounts[0].Writable || first.Accounts[1].AccountKey != fromTable || first.Accounts[1].Signer || !first.Accounts[1].Writable {
		t.Errorf("%+v", first)
	}
	if a := got.Instructions[2].Accounts; !a[0].Writable || a[0].Signer || a[1].Writable {
		t.Errorf("%+v", a)
	}
	if a := got.Instructions[1].Accounts[0]; !a.Signer || !a.Writable {
		t.Errorf("%+v", a)
	}
	if l := got.AddressTableLookups; len(l) != 2 || l[0].WritableIndexes[1].Int64() != 41 || l[0].ReadonlyIndexes[0].Int64() != 42 || len(got.AddressTableLookupReferences) != 5 {
		t.Errorf("%+v", l)
	}
}

func TestBadSolanaTransactions(t *testing.T) {
	change := func(f func(*spelt)) []byte {
		w := busy(t)
		f(&w)
		return w.bytes()
	}
	good := busy(t).bytes()
	patched := func(at int, b byte) []byte {
		out := slices.Clone(good)
		out[at] = b
		return out
	}
	for name, raw := range map[string][]byte{
		"no signature":               append([]byte{0}, good[129:]...),
		"fewer signatures":           append([]byte{1}, good[65:]...),
		"version 1 in this form":     patched(129, 0x81),
		"no signer writes":           change(func(w *spelt) { w.header[1] = 2 }),
		"more readonly than there":   change(func(w *spelt) { w.header[2] = 5 }),
		"we do not sign":             change(func(w *spelt) { w.keys[1] = filled(6) }),
		"we are there, unsigned":     change(func(w *spelt) { w.keys[1], w.keys[2] = w.keys[2], w.keys[1] }),
		"program from a table":       change(func(w *spelt) { w.calls[0][0] = 7 }),
		"program that is not there":  change(func(w *spelt) { w.calls[0][0] = 60 }),
		"program that pays":          change(func(w *spelt) { w.calls[0][0] = 0 }),
		"account that is not there":  change(func(w *spelt) { w.calls[0][2] = 11 }),
		"legacy with a table's":      change(func(w *spelt) { w.lookups = nil }),
		"empty look-up":              change(func(w *spelt) { w.lookups = append(w.lookups, lookup(6, nil, nil)) }),
		"too many accounts":          change(func(w *spelt) { w.lookups = append(w.lookups, lookup(6, make([]byte, 125), make([]byte, 125))) }),
		"transfer cut short":         change(func(w *spelt) { w.calls[0] = call(3, []byte{0, 1}, []byte{2, 0, 0, 0, 5}) }),
		"transfer to nobody":         change(func(w *spelt) { w.calls[0] = call(3, []byte{0}, []byte{2, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0}) }),
		"token transfer cut short":   change(func(w *spelt) { w.calls[0] = call(4, []byte{2, 0, 1}, []byte{3, 5}) }),
		"token transfer by nobody":   change(func(w *spelt) { w.calls[0] = call(4, []byte{2, 0}, []byte{3, 6, 0, 0, 0, 0, 0, 0, 0}) }),
		"checked transfer cut short": change(func(w *spelt) { w.calls[0] = call(4, []byte{2, 0, 1, 1}, []byte{12, 6, 0, 0, 0, 0, 0, 0, 0}) }),
		"number not as short":        slices.Concat([]byte{0x82, 0}, good[1:]),
		"number of four bytes":       {0xff, 0xff, 0xff, 1},
		"over a packet":              change(func(w *spelt) { w.calls = append(w.calls, slices.Repeat(w.calls[:1], 60)...) }),
	} {
		if _, err := Parse("TRANSACTION_TYPE_SOLANA", hex.EncodeToString(raw), signer(t, "SOLANA", solanaPath)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// The vector of version 1 asks for a fee of 5000 lamports and for all three limits.
func TestBadSolanaTransactionsOfVersion1(t *testing.T) {
	good, _ := hex.DecodeString(vectors()["solana v1"].unsigned)
	patched := func(at int, b ...byte) []byte {
		out := slices.Clone(good)
		copy(out[at:], b)
		return out
	}
	const mask, keys = 4, 42
	values := keys + 3*32
	for name, raw := range map[string][]byte{
		"nothing":                   {0x81},
		"no signature":              patched(1, 0)[:len(good)-64],
		"a signature too few":       good[:len(good)-64],
		"a byte after":              append(slices.Clone(good), 0),
		"half a fee":                patched(mask, 0b11101),
		"an unknown value":          patched(mask, 0b111111),
		"an unknown value far up":   patched(mask+3, 1),
		"a value less":              patched(mask, 0b01111),
		"an address twice":          patched(keys+32, good[keys:keys+32]...),
		"a heap of no kilobytes":    patched(values+16, 1),
		"a program that pays":       patched(values+20, 0),
		"a program not there":       patched(values+20, 3),
		"an account not there":      patched(values+24, 3),
		"data that ends later":      patched(values+22, 13),
		"no writable signer":        patched(2, 1),
		"more read-only than there": patched(3, 3),
		"over 4096 bytes":           append(slices.Clone(good), make([]byte, 4096)...),
	} {
		if _, err := Parse("TRANSACTION_TYPE_SOLANA", hex.EncodeToString(raw), signer(t, "SOLANA", solanaPath)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := Parse("TRANSACTION_TYPE_SOLANA", hex.EncodeToString(good), signer(t, "SOLANA", "m/44'/501'/2'/0'")); err == nil {
		t.Error("signed by a stranger")
	}
	tx, err := Parse("TRANSACTION_TYPE_SOLANA", hex.EncodeToString(good), signer(t, "SOLANA", solanaPath))
	if err != nil {
		t.Fatal(err)
	}
	var c policy.Context
	tx.Tell(&c)
	if got := c.Solana.Tx; len(got.Transfers) != 1 || got.Transfers[0].Amount.Int64() != 5000 || got.Transfers[0].To != "Hh8QwFUA6MtVu1qAoq12ucvFHNwCcVTV7hpWjeY1Hztb" ||
		len(got.AddressTableLookups) != 0 || !got.Instructions[0].Accounts[0].Signer {
		t.Errorf("%+v", got)
	}
}

// newest is a transaction of version 1 by our key with so many signers, addresses and instructions.
func newest(t testing.TB, signers, addresses, calls int) string {
	t.Helper()
	raw := []byte{0x81, byte(signers), 0, 0, 0, 0, 0, 0}
	raw = append(append(raw, filled(9)...), byte(calls), byte(addresses))
	raw = append(raw, signer(t, "SOLANA", solanaPath).Key.Public...)
	for i := range addresses - 1 {
		raw = append(raw, filled(byte(i))...)
	}
	for range calls {
		raw = append(raw, byte(addresses-1), 0, 0, 0)
	}
	return hex.EncodeToString(append(raw, make([]byte, 64*signers)...))
}

func TestLimitsOfSolanasVersion1(t *testing.T) {
	for _, c := range []struct {
		signers, addresses, calls int
		taken                     bool
	}{{1, 2, 1, true}, {12, 64, 64, true}, {13, 64, 1, false}, {1, 65, 1, false}, {1, 2, 65, false}} {
		tx, err := Parse("TRANSACTION_TYPE_SOLANA", newest(t, c.signers, c.addresses, c.calls), signer(t, "SOLANA", solanaPath))
		if (err == nil) != c.taken {
			t.Errorf("%+v: %v", c, err)
		}
		if err != nil {
			continue
		}
		if _, err := tx.Sign(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
