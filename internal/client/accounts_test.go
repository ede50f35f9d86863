package client

import (
	"slices"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/profile"
	"latchkey/internal/turnkey"
)

func TestFreePathCountsInTheAccountsPlace(t *testing.T) {
	had := func(format string, paths ...string) (list []turnkey.WalletAccount) {
		for _, path := range paths {
			list = append(list, turnkey.WalletAccount{AddressFormat: format, Path: path})
		}
		return list
	}
	const ethereum, solana, bitcoin = 0, 1, 2
	for name, c := range map[string]struct {
		chain int
		had   []turnkey.WalletAccount
		want  string
	}{
		"nothing yet":            {ethereum, nil, "m/44'/60'/0'/0/0"},
		"one":                    {ethereum, had("ADDRESS_FORMAT_ETHEREUM", "m/44'/60'/0'/0/0"), "m/44'/60'/1'/0/0"},
		"a gap is filled":        {solana, had("ADDRESS_FORMAT_SOLANA", "m/44'/501'/0'/0'", "m/44'/501'/2'/0'"), "m/44'/501'/1'/0'"},
		"in any order":           {solana, had("ADDRESS_FORMAT_SOLANA", "m/44'/501'/1'/0'", "m/44'/501'/0'/0'"), "m/44'/501'/2'/0'"},
		"another format":         {bitcoin, had("ADDRESS_FORMAT_BITCOIN_MAINNET_P2TR", "m/84'/0'/0'/0/0"), "m/84'/0'/0'/0/0"},
		"a path of another kind": {ethereum, had("ADDRESS_FORMAT_ETHEREUM", "m/44'/60'/0'/0/1"), "m/44'/60'/0'/0/0"},
	} {
		if got := freePath(chains[c.chain].account, c.had); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestAccountsAreAddedAtTheNextPath(t *testing.T) {
	c := open(t, profile.At(t.TempDir()))
	logIn(t, c, "robin@example.org")
	made, err := c.CreateWallet(t.Context(), "Everyday", []string{"ethereum"})
	if err != nil {
		t.Fatal(err)
	}
	added, err := c.AddAccounts(t.Context(), made.ID, []string{"solana", "ethereum"})
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{added[0].Path, added[1].Path}
	if want := []string{"m/44'/501'/0'/0'", "m/44'/60'/1'/0/0"}; !slices.Equal(paths, want) {
		t.Errorf("added %v, want %v", paths, want)
	}
	w, err := c.FindWallet(t.Context(), "Everyday")
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Accounts) != 3 || w.Accounts[2] != added[1] || added[1].ID == "" || added[1].Address == made.Accounts[0].Address {
		t.Errorf("the wallet has %v, added were %v", w.Accounts, added)
	}
	if w, err = c.FindWallet(t.Context(), made.ID); err != nil || w.Name != "Everyday" {
		t.Errorf("by its id: %v, %v", w, err)
	}
	if _, err := c.FindWallet(t.Context(), "Holidays"); fault.CodeOf(err) != fault.WalletUnknown {
		t.Errorf("a wallet that is not there: %v", err)
	}
	for _, ids := range [][]string{nil, {"dogecoin"}, {"solana", "solana"}} {
		if _, err := c.AddAccounts(t.Context(), made.ID, ids); fault.CodeOf(err) != fault.RequestInvalid {
			t.Errorf("chains %q: %v", ids, err)
		}
	}
}
