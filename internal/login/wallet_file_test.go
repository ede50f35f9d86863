package login

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Addresses of well-known test keys. Source: the first account of the phrase "test test … junk" of Ethereum's tools, and
// RFC 8032, section 7.1, test 1, whose public key is spelt here as Solana does.
func TestAWalletsKeyFileIsReadInEveryForm(t *testing.T) {
	const (
		ethereum = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
		address  = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
		seed     = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
		public   = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
		solana   = "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z"
	)
	raw, err := hex.DecodeString(seed + public)
	if err != nil {
		t.Fatal(err)
	}
	numbers := make([]int, len(raw))
	for i, b := range raw {
		numbers[i] = int(b)
	}
	list, err := json.Marshal(numbers)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, address, says string }{
		"hexadecimal":           {ethereum + "\n", address, ""},
		"with its mark":         {"0x" + ethereum, address, ""},
		"curve named":           {ethereum + ":secp256k1", address, ""},
		"id.json":               {string(list), solana, ""},
		"seed and public key":   {seed + public, solana, ""},
		"seed, curve named":     {seed + ":ed25519", solana, ""},
		"another's public half": {seed + strings.Repeat("ab", 32), "", "another key's"},
		"a device's curve":      {ethereum + ":p256", "", "none of a wallet"},
		"short list":            {"[1,2,3]", "", "64 numbers"},
		"numbers too large":     {"[" + strings.Repeat("256,", 63) + "1]", "", "64 numbers"},
		"a phrase":              {"test test test test test test test test test test test junk", "", "64 hex"},
		"zero":                  {strings.Repeat("0", 64), "", "not a scalar"},
		"empty":                 {"", "", "64 hex"},
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, got, err := readWallet(path)
		switch {
		case c.says == "" && (err != nil || got != c.address):
			t.Errorf("%s: %q, %v", name, got, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v", name, err)
		case err != nil && len(c.text) > 8 && strings.Contains(err.Error(), c.text[:8]):
			t.Errorf("%s: the error tells the key: %v", name, err)
		}
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(ethereum), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readWallet(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others may read: %v", err)
	}
}
