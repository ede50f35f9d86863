package sandbox

import (
	"crypto/ecdh"

	"latchkey/internal/bundle"
	"latchkey/internal/p256"
	"latchkey/internal/sandbox/hd"
)

// target is where an export goes: a public key whose private half the client made for it alone.
type target struct {
	TargetPublicKey string `json:"targetPublicKey" need:"text"`
}

func (to target) parse() (*ecdh.PublicKey, error) {
	public, err := p256.ParsePublic(to.TargetPublicKey)
	if err != nil {
		return nil, invalid("invalid target public key")
	}
	key, err := public.ECDH()
	if err != nil {
		return nil, invalid("invalid target public key")
	}
	return key, nil
}

// seal makes the bundle in which the enclave hands out a secret of the organization.
func (to target) seal(c *call, secret []byte) (string, error) {
	key, err := to.parse()
	if err != nil {
		return "", err
	}
	return bundle.SealExport(c.state.enclave.signer, key, c.org.id.String(), secret)
}

func (to target) params() map[string]any {
	return map[string]any{"target_public_key": to.TargetPublicKey}
}

// exportWallet hands out a wallet's phrase.
type exportWallet struct {
	WalletID string `json:"walletId" need:"text"`
	target
	Language string `json:"language,omitempty"`

	made string
}

func (in *exportWallet) matter(c *call) matter {
	w, _ := c.wallet(in.WalletID)
	return matter{wallet: w, params: in.params()}
}

func (in *exportWallet) prepare(c *call) error {
	var w *wallet
	var err error
	c.state.reading(func() { w, err = c.wallet(in.WalletID) })
	if err != nil {
		return err
	}
	words, err := hd.Translate(w.phrase, in.Language)
	if err != nil {
		return refusedByEngine(err)
	}
	in.made, err = in.seal(c, []byte(words))
	return err
}

func (in *exportWallet) run(t *tx) (any, error) {
	w, err := t.wallet(in.WalletID)
	if err != nil {
		return nil, err
	}
	t.stage(changedWallet{w, w.name, true, t.now})
	return struct {
		WalletID     string `json:"walletId"`
		ExportBundle string `json:"exportBundle"`
	}{in.WalletID, in.made}, nil
}

// exportWalletAccount hands out the private key of one account.
type exportWalletAccount struct {
	Address string `json:"address" need:"text"`
	target

	made string
}

func (in *exportWalletAccount) matter(c *call) matter {
	m := matter{params: in.params()}
	if a := c.state.account(c.org, in.Address); a != nil {
		m.account, m.wallet = a, a.wallet
	}
	return m
}

// account returns the one to export. The caller holds the lock.
func (in *exportWalletAccount) account(c *call) (*account, error) {
	if a := c.state.account(c.org, in.Address); a != nil {
		return a, nil
	}
	return nil, notFound("no wallet account found with the given address", "address", in.Address)
}

func (in *exportWalletAccount) prepare(c *call) error {
	var a *account
	var err error
	c.state.reading(func() { a, err = in.account(c) })
	if err != nil {
		return err
	}
	key, err := hd.Derive(a.wallet.seed, a.curve, a.path)
	if err != nil {
		return err // it was derived before
	}
	in.made, err = in.seal(c, key.Private)
	return err
}

func (in *exportWalletAccount) run(t *tx) (any, error) {
	a, err := in.account(t.call)
	if err != nil {
		return nil, err
	}
	t.stage(exportedAccount{a})
	return struct {
		Address      string `json:"address"`
		ExportBundle string `json:"exportBundle"`
	}{in.Address, in.made}, nil
}

// exportPrivateKey hands out a private key.
type exportPrivateKey struct {
	PrivateKeyID string `json:"privateKeyId" need:"text"`
	target

	made string
}

func (in *exportPrivateKey) matter(c *call) matter {
	k, _ := c.findPrivateKey(in.PrivateKeyID)
	return matter{key: k, params: in.params()}
}

func (in *exportPrivateKey) prepare(c *call) error {
	var k *privateKey
	var err error
	c.state.reading(func() { k, err = c.findPrivateKey(in.PrivateKeyID) })
	if err != nil {
		return err
	}
	in.made, err = in.seal(c, k.secret)
	return err
}

func (in *exportPrivateKey) run(t *tx) (any, error) {
	k, err := t.findPrivateKey(in.PrivateKeyID)
	if err != nil {
		return nil, err
	}
	next := *k
	next.exported, next.updated = true, t.now
	t.stage(&next)
	return struct {
		PrivateKeyID string `json:"privateKeyId"`
		ExportBundle string `json:"exportBundle"`
	}{in.PrivateKeyID, in.made}, nil
}
