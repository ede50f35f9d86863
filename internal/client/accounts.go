package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/session"
	"latchkey/internal/turnkey"
)

// Chains are the words by which a chain is asked for.
func Chains() []string {
	words := make([]string, len(chains))
	for i, known := range chains {
		words[i] = known.id
	}
	return words
}

// firstAccounts returns the first account of each chain. RequestInvalid when a chain is unknown, named twice or absent.
func firstAccounts(ids []string) ([]turnkey.WalletAccountParams, error) {
	accounts := make([]turnkey.WalletAccountParams, 0, len(ids))
	for i, id := range ids {
		at := slices.IndexFunc(chains, func(known chain) bool { return known.id == id })
		if at < 0 || slices.Contains(ids[:i], id) {
			return nil, fault.New(fault.RequestInvalid, fmt.Errorf("chain %q is unknown or named twice", id))
		}
		accounts = append(accounts, chains[at].account)
	}
	if len(accounts) == 0 {
		return nil, fault.New(fault.RequestInvalid, errors.New("at least one chain must be named"))
	}
	return accounts, nil
}

// FindWallet returns the wallet that is called word, or whose id that is. Errors: fault.WalletUnknown.
func (c *Client) FindWallet(ctx context.Context, word string) (Wallet, error) {
	wallets, err := c.Wallets(ctx)
	if err != nil {
		return Wallet{}, err
	}
	for _, same := range []func(Wallet) bool{
		func(w Wallet) bool { return w.ID == word }, // a name that looks like another wallet's id must not hide it
		func(w Wallet) bool { return w.Name == word },
	} {
		if at := slices.IndexFunc(wallets, same); at >= 0 {
			return wallets[at], nil
		}
	}
	return Wallet{}, fault.New(fault.WalletUnknown, nil)
}

// AddAccounts derives one more account of the wallet for each chain ("ethereum", "solana", "bitcoin"), at the lowest path
// that the wallet has none at yet, and returns them as Turnkey lists them, or, when the list cannot be had, as they
// were asked for. Errors: fault.RequestInvalid when a chain is unknown, named twice or absent, or when somebody else
// derives the same account meanwhile.
func (c *Client) AddAccounts(ctx context.Context, walletID string, ids []string) ([]Account, error) {
	params, err := firstAccounts(ids)
	if err != nil {
		return nil, err
	}
	return inSession(ctx, c, func(ctx context.Context, r *running, s session.Session) ([]Account, error) {
		had, err := r.api.ListWalletAccounts(ctx, s.OrganizationID, walletID)
		if err != nil {
			return nil, err
		}
		for i := range params {
			params[i].Path = freePath(params[i], had)
		}
		addresses, err := r.api.CreateWalletAccounts(ctx, s.OrganizationID, walletID, params...)
		if err != nil {
			return nil, err
		}
		has, err := r.api.ListWalletAccounts(ctx, s.OrganizationID, walletID)
		if err != nil { // they are made all the same
			c.log.Warn("accounts were made but cannot be listed", "wallet", walletID, "err", err)
		}
		made := make([]Account, 0, len(addresses))
		for i, p := range params[:min(len(params), len(addresses))] {
			a := turnkey.WalletAccount{AddressFormat: p.AddressFormat, Address: addresses[i], Path: p.Path}
			same := func(other turnkey.WalletAccount) bool {
				return other.AddressFormat == p.AddressFormat && other.Path == p.Path
			}
			if at := slices.IndexFunc(has, same); at >= 0 {
				a = has[at]
			}
			made = append(made, account(a))
		}
		return made, nil
	})
}

// freePath returns the path of the first account of p's format that is not among had. It counts in the account's place
// of the path, as Turnkey's own kits do: m/44'/60'/0'/0/0, m/44'/60'/1'/0/0 …
func freePath(p turnkey.WalletAccountParams, had []turnkey.WalletAccount) string {
	const place = 3 // m, purpose, coin, account
	parts := strings.Split(p.Path, "/")
	for n := 0; ; n++ { // at most once more than there are accounts
		parts[place] = fmt.Sprintf("%d'", n)
		path := strings.Join(parts, "/")
		taken := func(a turnkey.WalletAccount) bool { return a.AddressFormat == p.AddressFormat && a.Path == path }
		if !slices.ContainsFunc(had, taken) {
			return path
		}
	}
}
