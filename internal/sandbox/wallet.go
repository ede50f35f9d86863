package sandbox

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/sandbox/hd"
)

// pathFormat is the only one.
const pathFormat = "PATH_FORMAT_BIP32"

const (
	walletsMax  = 100              // of an organization, as the service documents
	accountsMax = 1000             // made by one request, so that one request cannot keep a processor for long
	stepsMax    = 10 * accountsMax // of the paths of one request, for a step is what takes time
)

// walletAccountParams asks for one address.
type walletAccountParams struct {
	Curve         string `json:"curve" need:"text"`
	PathFormat    string `json:"pathFormat" need:"text"`
	Path          string `json:"path" need:"text"`
	AddressFormat string `json:"addressFormat" need:"text"`
	Name          string `json:"name,omitempty"`
}

// walletParams asks for a wallet.
type walletParams struct {
	WalletName     string                `json:"walletName" need:"text"`
	Accounts       []walletAccountParams `json:"accounts" need:"yes"`
	MnemonicLength *integer              `json:"mnemonicLength,omitempty"`

	made  *wallet // by prepare, with neither organization nor id
	drawn []*account
}

// refusedByEngine passes on what the wallet engine says about parameters, which are the service's own words.
func refusedByEngine(err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Kind == fault.Invalid && e.Err != nil {
		return invalid("%s", e.Err.Error())
	}
	return err
}

// drawAccounts makes the accounts of a seed. It takes a fraction of a millisecond for each of usual paths.
func drawAccounts(seed []byte, wanted []walletAccountParams) ([]*account, error) {
	if len(wanted) > accountsMax {
		return nil, invalid("too many wallet accounts: at most %d in one request", accountsMax)
	}
	steps := 0
	for _, p := range wanted {
		steps += strings.Count(p.Path, "/")
	}
	if steps > stepsMax {
		return nil, invalid("too many steps in the paths of wallet accounts: at most %d in one request", stepsMax)
	}
	drawn := make([]*account, len(wanted))
	for i, p := range wanted {
		if err := hd.CheckAccount(p.Curve, p.PathFormat, p.Path, p.AddressFormat); err != nil {
			return nil, refusedByEngine(err)
		}
		key, err := hd.Derive(seed, p.Curve, p.Path)
		if err != nil {
			return nil, refusedByEngine(err)
		}
		address, err := hd.Address(p.AddressFormat, key)
		if err != nil {
			return nil, refusedByEngine(err)
		}
		drawn[i] = &account{name: p.Name, curve: p.Curve, path: p.Path, format: p.AddressFormat, address: address, publicKey: hex.EncodeToString(key.Public)}
	}
	return drawn, nil
}

func addresses(drawn []*account) []string {
	out := make([]string, len(drawn))
	for i, a := range drawn {
		out[i] = a.address
	}
	return out
}

func (in *walletParams) prepare(c *call) (err error) {
	words := 12
	if in.MnemonicLength != nil {
		words = int(*in.MnemonicLength)
	}
	w := &wallet{name: in.WalletName}
	if w.phrase, err = hd.NewMnemonic(words, c.state.choices); err != nil {
		return refusedByEngine(err)
	}
	w.seed = hd.Seed(w.phrase)
	if in.drawn, err = drawAccounts(w.seed, in.Accounts); err != nil {
		return err
	}
	in.made = w
	return nil
}

// createWallet makes a wallet with its first accounts.
type createWallet struct{ walletParams }

// walletResult names a wallet and the addresses in the order in which they were asked for.
type walletResult struct {
	WalletID  string   `json:"walletId"`
	Addresses []string `json:"addresses"`
}

func (in *createWallet) run(t *tx) (any, error) { return in.create(t, t.org) }

// create makes the wallet in org, which may be new.
func (in *walletParams) create(t *tx, org *organization) (walletResult, error) {
	if len(org.wallets) >= walletsMax {
		return walletResult{}, tooMany("organization has exceeded maximum wallets")
	}
	for _, w := range org.wallets {
		if w.name == in.WalletName {
			return walletResult{}, invalid("wallet label must be unique")
		}
	}
	w := in.made
	w.id, w.number, w.org, w.created, w.updated = t.id(), t.number(), org, t.now, t.now
	t.stage(w)
	if err := t.addAccounts(w, in.drawn); err != nil {
		return walletResult{}, err
	}
	return walletResult{w.id.String(), addresses(in.drawn)}, nil
}

// addAccounts stages accounts of w, none of which may be there already.
func (t *tx) addAccounts(w *wallet, drawn []*account) error {
	names := w.org.accountNames(drawn)
	type place struct{ address, path, format string }
	places := map[place]bool{}
	for _, a := range drawn {
		here := place{sameAddress(a.address), a.path, a.format}
		taken := places[here]
		for other := range t.state.byAddress.all(here.address) {
			taken = taken || other.wallet == w && other.path == a.path && other.format == a.format
		}
		if taken {
			return exists("path already exists in wallet account %s", w.id)
		}
		if a.name != "" && names[a.name] {
			return invalid("wallet account label must be unique")
		}
		places[here], names[a.name] = true, true
		a.id, a.number, a.wallet, a.created = t.id(), t.number(), w, t.now
		t.stage(a)
	}
	return nil
}

// accountNames are the names of all accounts in o, if one of the new ones has a name: it looks at each account once. The
// caller holds the lock.
func (o *organization) accountNames(drawn []*account) map[string]bool {
	names := map[string]bool{}
	if !slices.ContainsFunc(drawn, func(a *account) bool { return a.name != "" }) {
		return names
	}
	for _, w := range o.wallets {
		for _, a := range w.accounts {
			names[a.name] = true
		}
	}
	return names
}

// createWalletAccounts derives more addresses of a wallet, and keeps them unless persist is false.
type createWalletAccounts struct {
	WalletID string                `json:"walletId" need:"text"`
	Accounts []walletAccountParams `json:"accounts" need:"yes"`
	Persist  *bool                 `json:"persist,omitempty"`

	drawn []*account
}

func (in *createWalletAccounts) prepare(c *call) (err error) {
	var w *wallet
	c.state.reading(func() { w, err = c.wallet(in.WalletID) })
	if err != nil {
		return err
	}
	in.drawn, err = drawAccounts(w.seed, in.Accounts)
	return err
}

func (in *createWalletAccounts) run(t *tx) (any, error) {
	w, err := t.wallet(in.WalletID)
	if err != nil {
		return nil, err
	}
	if in.Persist == nil || *in.Persist {
		if err := t.addAccounts(w, in.drawn); err != nil {
			return nil, err
		}
	}
	return struct {
		Addresses []string `json:"addresses"`
	}{addresses(in.drawn)}, nil
}

// wallet returns the organization's wallet of that id. The caller holds the lock.
func (c *call) wallet(id string) (*wallet, error) {
	parsed, ok := parseID(id)
	if !ok {
		return nil, invalid("malformed wallet ID provided")
	}
	if w := c.state.wallet(c.org, parsed); w != nil {
		return w, nil
	}
	return nil, notFound("no wallet found with the given ID", "walletId", id)
}
