package client

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/mr-tron/base58"
	"golang.org/x/crypto/sha3"

	"latchkey/internal/fault"
)

func keccak(parts ...[]byte) []byte {
	h := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// signedBy returns the Ethereum address of whoever made a signature of 65 bytes over a digest.
func signedBy(t *testing.T, digest, signature []byte) string {
	t.Helper()
	if len(signature) != 65 {
		t.Fatalf("a signature of %d bytes", len(signature))
	}
	key, _, err := ecdsa.RecoverCompact(append([]byte{signature[64]}, signature[:64]...), digest)
	if err != nil {
		t.Fatal(err)
	}
	return "0x" + hex.EncodeToString(keccak(key.SerializeUncompressed()[1:])[12:])
}

func raw(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// signer is a client whose person says yes to everything, with a wallet.
func signer(t *testing.T, titles *[]string) (c *Client, eth, sol Account) {
	t.Helper()
	c, _ = asked(t, func(_ context.Context, q Question) (Answer, error) {
		*titles = append(*titles, q.Summary.Title)
		return q.Consent(Typed), nil
	}, nil)
	w, err := c.CreateWallet(t.Context(), "Every/day", []string{"ethereum", "solana", "bitcoin"})
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]string{
		"Every/day/ethereum": w.Accounts[0].Address, "Every/day/ETH": w.Accounts[0].Address, w.ID + "/solana": w.Accounts[1].Address,
		w.Accounts[1].Address: w.Accounts[1].Address, strings.ToLower(w.Accounts[0].Address): w.Accounts[0].Address, "Every/day/m/84'/0'/0'/0/0": w.Accounts[2].Address,
	} {
		if a, err := c.FindAccount(t.Context(), word); err != nil || a.Address != want {
			t.Errorf("%s is %s, %v", word, a.Address, err)
		}
	}
	for _, word := range []string{"", "Every/day", "Every/day/", "Every/day/tron", "0x0000000000000000000000000000000000000000", strings.ToLower(w.Accounts[1].Address)} {
		if a, err := c.FindAccount(t.Context(), word); fault.CodeOf(err) != fault.SignerUnknown {
			t.Errorf("%q is %s, %v", word, a.Address, err)
		}
	}
	return c, w.Accounts[0], w.Accounts[1]
}

func TestMessagesAreSignedAsTheirChainDoes(t *testing.T) {
	var titles []string
	c, eth, sol := signer(t, &titles)
	text := []byte("gm, Grüße\n")
	s, err := c.SignMessage(t.Context(), eth, text)
	if err != nil {
		t.Fatal(err)
	}
	digest := keccak([]byte("\x19Ethereum Signed Message:\n12"), text) // 10 characters, 12 bytes
	if got := signedBy(t, digest, raw(t, s.Text)); !strings.EqualFold(got, eth.Address) || !strings.HasPrefix(s.Text, "0x"+s.R+s.S) {
		t.Errorf("signed by %s, want %s: %+v", got, eth.Address, s)
	}
	if s, err = c.SignMessage(t.Context(), sol, text); err != nil {
		t.Fatal(err)
	}
	key, err := base58.Decode(sol.Address)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := base58.Decode(s.Text)
	if err != nil || !ed25519.Verify(key, text, signature) || hex.EncodeToString(signature) != s.R+s.S {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := c.SignMessage(t.Context(), Account{Chain: "BTC"}, text); fault.CodeOf(err) != fault.RequestInvalid {
		t.Errorf("Bitcoin: %v", err)
	}
	if want := []string{"Sign a personal message (Ethereum)", "Sign a message"}; !slices.Equal(titles, want) {
		t.Errorf("shown %q", titles)
	}
}

func TestPayloadsAndTypedDataAreSigned(t *testing.T) {
	var titles []string
	c, eth, _ := signer(t, &titles)
	// Source of text and digest: EIP-712, Example.js.
	const mail = `{"types":{"Person":[{"name":"name","type":"string"},{"name":"wallet","type":"address"}],"Mail":[{"name":"from","type":"Person"},{"name":"to","type":"Person"},{"name":"contents","type":"string"}],"EIP712Domain":[{"name":"name","type":"string"},{"name":"version","type":"string"},{"name":"chainId","type":"uint256"},{"name":"verifyingContract","type":"address"}]},"domain":{"name":"Ether Mail","version":"1","chainId":"0x1","verifyingContract":"0xcccccccccccccccccccccccccccccccccccccccc"},"primaryType":"Mail","message":{"from":{"name":"Cow","wallet":"0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826"},"to":{"name":"Bob","wallet":"0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},"contents":"Hello, Bob!"}}`
	for _, p := range []struct {
		payload, encoding, hash string
		digest                  []byte
	}{
		{mail, "eip712", "none", raw(t, "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2")},
		{"0xabcd", "hex", "keccak256", keccak([]byte{0xab, 0xcd})},
		{"hello", "text", "sha256", raw(t, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")},
		{strings.Repeat("11", 32), "hex", "none", bytes.Repeat([]byte{0x11}, 32)},
	} {
		s, err := c.SignPayload(t.Context(), eth, p.payload, p.encoding, p.hash)
		if err != nil {
			t.Errorf("%.20s: %v", p.payload, err)
			continue
		}
		if got := signedBy(t, p.digest, raw(t, s.Text)); !strings.EqualFold(got, eth.Address) {
			t.Errorf("%.20s: signed by %s", p.payload, got)
		}
	}
	if want := []string{"Sign typed data: Mail", "Sign what nobody can read", "Sign a message", "Sign what nobody can read"}; !slices.Equal(titles, want) {
		t.Errorf("shown %q", titles)
	}
	if _, err := c.SignPayload(t.Context(), eth, "00", "rot13", "none"); fault.CodeOf(err) != fault.RequestInvalid {
		t.Errorf("an encoding that is none: %v", err)
	}
}

func TestTransactionsAreSigned(t *testing.T) {
	var titles []string
	c, eth, sol := signer(t, &titles)
	// Source of the unsigned transaction: the protocol dossier, section 15.2.
	const unsigned = "eb808504a817c8008252089478839f6054d7ed13918bae0473ba31b1ca9d726587038d7ea4c6800080018080"
	signed, err := c.SignTransaction(t.Context(), eth, "0x"+unsigned, "ethereum")
	if err != nil {
		t.Fatal(err)
	}
	// The six items of the call stand between the list's head and v, r and s, which are 0x25 or 0x26 and 32 bytes each
	// unless they begin with zeros.
	tx := raw(t, signed)
	call := raw(t, unsigned)[1 : len(unsigned)/2-3]
	at := bytes.Index(tx, call)
	if !strings.HasPrefix(signed, "0x") || at < 0 {
		t.Fatalf("signed %s", signed)
	}
	rest := tx[at+len(call):]
	next := func() []byte {
		n := int(rest[0] - 0x80)
		item := append(make([]byte, 32-n), rest[1:1+n]...)
		rest = rest[1+n:]
		return item
	}
	v := rest[0]
	rest = rest[1:]
	r, s := next(), next()
	if got := signedBy(t, keccak(raw(t, unsigned)), append(append(r, s...), v-37+27)); !strings.EqualFold(got, eth.Address) || len(rest) != 0 {
		t.Errorf("signed by %s, %d bytes more", got, len(rest))
	}

	from, err := base58.Decode(sol.Address)
	if err != nil {
		t.Fatal(err)
	}
	message := slices.Concat([]byte{1, 0, 1, 3}, from, bytes.Repeat([]byte{7}, 32), make([]byte, 32), bytes.Repeat([]byte{9}, 32),
		[]byte{1, 2, 2, 0, 1, 12, 2, 0, 0, 0, 0x88, 0x13, 0, 0, 0, 0, 0, 0})
	whole := slices.Concat([]byte{1}, make([]byte, 64), message)
	if signed, err = c.SignTransaction(t.Context(), sol, hex.EncodeToString(whole), "solana"); err != nil {
		t.Fatal(err)
	}
	if tx := raw(t, signed); len(tx) != len(whole) || !bytes.Equal(tx[65:], message) || !ed25519.Verify(from, message, tx[1:65]) {
		t.Errorf("signed %s", signed)
	}
	if want := []string{"Send 0.001 ETH", "Send 0.000005 SOL"}; !slices.Equal(titles, want) {
		t.Errorf("shown %q", titles)
	}
	if eth.TransactionType() != "ethereum" || sol.TransactionType() != "solana" || (Account{Chain: "ADDRESS_FORMAT_TRON"}).TransactionType() != "tron" || (Account{Chain: "ADDRESS_FORMAT_SUI"}).TransactionType() != "" {
		t.Error("types of transactions")
	}
	if _, err := c.SignTransaction(t.Context(), eth, unsigned, "near"); fault.CodeOf(err) != fault.RequestInvalid {
		t.Errorf("a type that is none: %v", err)
	}
	if _, err := c.SignTransaction(t.Context(), eth, unsigned[:20], "ethereum"); fault.CodeOf(err) != fault.ApprovalUnclear || len(titles) != 2 {
		t.Errorf("half a transaction: %v", err)
	}
}
