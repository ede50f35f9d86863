package client

import (
	"context"
	"fmt"
	"slices"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/session"
	"latchkey/internal/turnkey"
)

// Wallet is a wallet with its accounts.
type Wallet struct {
	ID, Name           string
	Created            time.Time
	Exported, Imported bool
	Accounts           []Account
}

// Account is one address of a wallet. Chain is a three-letter tag, or the vendor's name of a format without one.
type Account struct {
	ID, Name, Chain, Address, Path, PublicKey string
}

// chain is what Latchkey derives for a chain unless told otherwise. Source of paths: the defaults of Turnkey's own kits.
type chain struct {
	id, tag, name string
	account       turnkey.WalletAccountParams
}

const bip32 = "PATH_FORMAT_BIP32"

var chains = []chain{
	{"ethereum", "ETH", "Ethereum", turnkey.WalletAccountParams{Curve: "CURVE_SECP256K1", PathFormat: bip32, Path: "m/44'/60'/0'/0/0", AddressFormat: "ADDRESS_FORMAT_ETHEREUM"}},
	{"solana", "SOL", "Solana", turnkey.WalletAccountParams{Curve: "CURVE_ED25519", PathFormat: bip32, Path: "m/44'/501'/0'/0'", AddressFormat: "ADDRESS_FORMAT_SOLANA"}},
	{"bitcoin", "BTC", "Bitcoin", turnkey.WalletAccountParams{Curve: "CURVE_SECP256K1", PathFormat: bip32, Path: "m/84'/0'/0'/0/0", AddressFormat: "ADDRESS_FORMAT_BITCOIN_MAINNET_P2WPKH"}},
}

// Wallets returns all wallets of the active session's organization with their accounts, in the order they were made.
func (c *Client) Wallets(ctx context.Context) ([]Wallet, error) {
	return inSession(ctx, c, func(ctx context.Context, r *running, s session.Session) ([]Wallet, error) {
		list, err := r.api.ListWallets(ctx, s.OrganizationID)
		if err != nil || len(list) == 0 {
			return nil, err
		}
		accounts, err := r.api.ListWalletAccounts(ctx, s.OrganizationID, "")
		if err != nil {
			return nil, err
		}
		wallets := make([]Wallet, len(list))
		at := map[string]*Wallet{}
		for i, w := range list {
			wallets[i] = Wallet{ID: w.WalletID, Name: w.WalletName, Created: w.CreatedAt.Time(), Exported: w.Exported, Imported: w.Imported}
			at[w.WalletID] = &wallets[i]
		}
		for _, a := range accounts {
			if w := at[a.WalletID]; w != nil {
				w.Accounts = append(w.Accounts, account(a))
			}
		}
		return wallets, nil
	})
}

func account(a turnkey.WalletAccount) Account {
	out := Account{ID: a.WalletAccountID, Name: a.Name, Chain: a.AddressFormat, Address: a.Address, Path: a.Path, PublicKey: a.PublicKey}
	for _, known := range chains {
		if known.account.AddressFormat == a.AddressFormat {
			out.Chain = known.tag
			if out.Name == "" {
				out.Name = known.name
			}
		}
	}
	return out
}

// CreateWallet makes a wallet with the first account of each chain ("ethereum", "solana", "bitcoin") and returns it
// as Turnkey lists it, or, when the list cannot be had, as it was asked for. Invalid when the name is empty or over 100 bytes, or a chain is unknown, named twice or absent.
func (c *Client) CreateWallet(ctx context.Context, name string, ids []string) (Wallet, error) {
	if name == "" || len(name) > 100 {
		return Wallet{}, fault.New(fault.RequestInvalid, fmt.Errorf("a wallet's name has 1 to 100 bytes, not %d", len(name)))
	}
	accounts, err := firstAccounts(ids)
	if err != nil {
		return Wallet{}, err
	}
	params := turnkey.CreateWalletParams{WalletName: name, MnemonicLength: 12, Accounts: accounts}
	made, err := inSession(ctx, c, func(ctx context.Context, r *running, s session.Session) (turnkey.CreatedWallet, error) {
		return r.api.CreateWallet(ctx, s.OrganizationID, params)
	})
	if err != nil {
		return Wallet{}, err
	}
	wallets, err := c.Wallets(ctx)
	if at := slices.IndexFunc(wallets, func(w Wallet) bool { return w.ID == made.WalletID }); at >= 0 {
		return wallets[at], nil
	}
	// It is made all the same, and making it again would fail.
	c.log.Warn("a wallet was made but cannot be listed", "wallet", made.WalletID, "err", err)
	w := Wallet{ID: made.WalletID, Name: name, Created: c.now().Add(c.Skew())}
	for i, address := range made.Addresses[:min(len(made.Addresses), len(params.Accounts))] {
		p := params.Accounts[i]
		w.Accounts = append(w.Accounts, account(turnkey.WalletAccount{WalletAccountID: address, AddressFormat: p.AddressFormat, Address: address, Path: p.Path}))
	}
	return w, nil
}
