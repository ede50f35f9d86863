package sandbox

import (
	"slices"

	"github.com/google/uuid"
)

// changedWallet is a wallet with another name, or that has been exported.
type changedWallet struct {
	*wallet
	name     string
	exported bool
	at       int64
}

func (c changedWallet) install(*state) {
	w := c.wallet
	w.name, w.exported, w.updated = c.name, c.exported, c.at
}

func (c changedWallet) row() row { return c.rowWith(c.name, c.exported, c.at) }

// exportedAccount is an account that has been exported by itself.
type exportedAccount struct{ *account }

func (e exportedAccount) install(*state) { e.exported = true }

func (e exportedAccount) row() row { return e.rowWith(true) }

func (w *wallet) uninstall(s *state) {
	delete(s.wallets, w.id)
	w.org.wallets = slices.DeleteFunc(w.org.wallets, func(other *wallet) bool { return other == w })
}

func (a *account) uninstall(s *state) {
	s.byAddress.remove(sameAddress(a.address), a)
	a.wallet.accounts = slices.DeleteFunc(a.wallet.accounts, func(other *account) bool { return other == a })
}

// stageRemoval takes a wallet away with its accounts.
func (t *tx) stageRemoval(w *wallet) {
	for _, a := range w.accounts {
		t.stage(gone{a})
	}
	t.stage(gone{w})
}

// updateWallet gives a wallet another name.
type updateWallet struct {
	WalletID   string `json:"walletId" need:"text"`
	WalletName string `json:"walletName,omitempty"`
	nobody
}

func (in *updateWallet) matter(c *call) matter {
	w, _ := c.wallet(in.WalletID)
	return matter{wallet: w, params: map[string]any{"wallet_id": in.WalletID}}
}

func (in *updateWallet) run(t *tx) (any, error) {
	w, err := t.wallet(in.WalletID)
	if err != nil {
		return nil, err
	}
	if in.WalletName != "" && in.WalletName != w.name {
		if slices.ContainsFunc(t.org.wallets, func(other *wallet) bool { return other.name == in.WalletName }) {
			return nil, invalid("wallet label must be unique")
		}
		t.stage(changedWallet{w, in.WalletName, w.exported, t.now})
	}
	return struct {
		WalletID string `json:"walletId"`
	}{in.WalletID}, nil
}

// deletion is what the activities that delete keys have in common.
type deletion struct {
	DeleteWithoutExport *bool `json:"deleteWithoutExport,omitempty"`
	nobody
}

// forced reports whether what was never exported is to go too.
func (d deletion) forced() bool { return d.DeleteWithoutExport != nil && *d.DeleteWithoutExport }

// deleteWallets takes wallets away for good.
type deleteWallets struct {
	WalletIDs []string `json:"walletIds" need:"yes"`
	deletion
}

func (in *deleteWallets) matter(c *call) (m matter) {
	for _, id := range in.WalletIDs {
		if w, err := c.wallet(id); err == nil {
			m.wallets = append(m.wallets, w)
		}
	}
	return m
}

func (in *deleteWallets) run(t *tx) (any, error) {
	if err := someIDs("wallet", in.WalletIDs); err != nil {
		return nil, err
	}
	for _, id := range in.WalletIDs {
		w, err := t.wallet(id)
		if err != nil {
			return nil, err
		}
		if !w.exported && !in.forced() {
			return nil, invalid("wallet has not been exported walletId=%s", w.id)
		}
		t.stageRemoval(w)
	}
	return struct {
		WalletIDs []string `json:"walletIds"`
	}{in.WalletIDs}, nil
}

// deleteWalletAccounts takes single accounts away.
type deleteWalletAccounts struct {
	WalletAccountIDs []string `json:"walletAccountIds" need:"yes"`
	deletion
}

func (in *deleteWalletAccounts) run(t *tx) (any, error) {
	if err := someIDs("wallet account", in.WalletAccountIDs); err != nil {
		return nil, err
	}
	for _, text := range in.WalletAccountIDs {
		id, ok := parseID(text)
		if !ok {
			return nil, invalid("invalid wallet account UUID")
		}
		a := t.org.accountWith(id)
		switch {
		case a == nil:
			return nil, invalid("wallet account not part of your organization")
		case !a.exported && !a.wallet.exported && !in.forced():
			r := invalid("wallet account has not been exported")
			r.code = "WALLET_ACCOUNT_NOT_EXPORTED"
			return nil, r
		}
		t.stage(gone{a})
	}
	return struct {
		WalletAccountIDs []string `json:"walletAccountIds"`
	}{in.WalletAccountIDs}, nil
}

// accountWith returns the organization's account of that id, or nil. The caller holds the lock.
func (o *organization) accountWith(id uuid.UUID) *account {
	for _, w := range o.wallets {
		for _, a := range w.accounts {
			if a.id == id {
				return a
			}
		}
	}
	return nil
}

// idsMax bounds what one request names.
const idsMax = 1000

// someIDs refuses a list that is empty, names something twice, or is too long.
func someIDs(what string, ids []string) error {
	switch {
	case len(ids) == 0:
		return invalid("no %s IDs provided", what)
	case len(ids) > idsMax:
		return invalid("too many %s IDs: at most %d in one request", what, idsMax)
	}
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			return invalid("duplicate %s ID", what)
		}
		seen[id] = true
	}
	return nil
}
