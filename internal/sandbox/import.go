package sandbox

import (
	"cmp"
	"crypto/ecdh"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"latchkey/internal/bundle"
	"latchkey/internal/sandbox/hd"
)

// importTarget is a key to which somebody is to seal what is to be imported. It is used once.
type importTarget struct {
	id      uuid.UUID
	number  uint64
	org     *organization
	user    uuid.UUID
	wallet  bool // else for a private key
	key     *ecdh.PrivateKey
	created int64
}

const (
	importTargetsMax = 10                  // of one user; one more takes the place of the oldest
	importTargetLife = 24 * 60 * 60 * 1000 // ms
)

func (i *importTarget) ident() uuid.UUID   { return i.id }
func (i *importTarget) install(s *state)   { i.org.shelf().imports.put(i) }
func (i *importTarget) uninstall(s *state) { i.org.shelf().imports.drop(i.id) }

type importTargetOnDisk struct {
	ID      uuid.UUID `json:"id"`
	Org     uuid.UUID `json:"org"`
	User    uuid.UUID `json:"user"`
	Wallet  bool      `json:"wallet,omitempty"`
	Key     []byte    `json:"key"`
	Created int64     `json:"created"`
}

const bucketImport = "import" // by number

func (i *importTarget) row() row {
	return row{bucketImport, number(i.number), mustJSON(importTargetOnDisk{i.id, i.org.id, i.user, i.wallet, i.key.Bytes(), i.created})}
}

func (s *state) readImportTarget(key, value []byte) (record, error) {
	var d importTargetOnDisk
	n, org, err := s.owned(key, value, &d, &d.Org)
	if err != nil {
		return nil, err
	}
	private, err := ecdh.P256().NewPrivateKey(d.Key)
	if err != nil {
		return nil, fmt.Errorf("import target %s has no key", d.ID)
	}
	return &importTarget{d.ID, n, org, d.User, d.Wallet, private, d.Created}, nil
}

// imports of u that are still good, oldest first. The caller holds the lock.
func (u *user) imports(wallet bool, now int64) (found []*importTarget) {
	for _, i := range u.org.shelved().imports.all {
		if i.user == u.id && i.wallet == wallet && now-i.created < importTargetLife {
			found = append(found, i)
		}
	}
	return found
}

// ofOwnUser is what every step of an import says: it is for the caller, and for nobody else.
type ofOwnUser struct {
	UserID string `json:"userId" need:"text"`
}

func (in ofOwnUser) check(c *call) error {
	id, ok := parseID(in.UserID)
	if !ok {
		return invalid("malformed user ID provided")
	}
	if id != c.user.id {
		return notAuthorized(nil)
	}
	return nil
}

// initImport makes a target.
type initImport struct {
	ofOwnUser
	nobody
}

func (in *initImport) begin(t *tx, wallet bool) (any, error) {
	if err := in.check(t.call); err != nil {
		return nil, err
	}
	for _, old := range t.org.shelved().imports.all {
		if t.now-old.created >= importTargetLife {
			t.stage(gone{old})
		}
	}
	if good := t.user.imports(wallet, t.now); len(good) >= importTargetsMax {
		t.stage(gone{slices.MinFunc(good, func(a, b *importTarget) int { return cmp.Compare(a.number, b.number) })})
	}
	made := &importTarget{t.id(), t.number(), t.org, t.user.id, wallet, t.state.choices.key(), t.now}
	text, err := bundle.NewImportTarget(t.state.enclave.signer, made.key.PublicKey(), t.org.id.String(), t.user.id.String())
	if err != nil {
		return nil, err
	}
	t.stage(made)
	return struct {
		ImportBundle string `json:"importBundle"`
	}{text}, nil
}

type initImportWallet struct{ initImport }

func (in *initImportWallet) run(t *tx) (any, error) { return in.begin(t, true) }

type initImportPrivateKey struct{ initImport }

func (in *initImportPrivateKey) run(t *tx) (any, error) { return in.begin(t, false) }

// sealedImport is something sealed to one of the caller's targets.
type sealedImport struct {
	EncryptedBundle string `json:"encryptedBundle" need:"text"`

	used *importTarget
}

// open finds the target that opens the bundle, for the bundle does not name it.
func (in *sealedImport) open(c *call, wallet bool) (secret []byte, err error) {
	var targets []*importTarget
	c.state.reading(func() { targets = c.user.imports(wallet, c.now) })
	for _, i := range slices.Backward(targets) {
		if secret, err = bundle.OpenImport(i.key, in.EncryptedBundle); err == nil {
			in.used = i
			return secret, nil
		}
	}
	return nil, invalid("failed to decrypt the encrypted bundle")
}

// spend takes the target away. Whoever comes second with it is refused.
func (in *sealedImport) spend(t *tx) error {
	if _, there := t.org.shelved().imports.find(in.used.id); !there {
		return invalid("failed to decrypt the encrypted bundle")
	}
	t.stage(gone{in.used})
	return nil
}

// importWallet takes a phrase.
type importWallet struct {
	ofOwnUser
	WalletName string `json:"walletName" need:"text"`
	sealedImport
	Accounts []walletAccountParams `json:"accounts" need:"yes"`

	made walletParams
}

func (in *importWallet) prepare(c *call) error {
	if err := in.check(c); err != nil {
		return err
	}
	secret, err := in.open(c, true)
	if err != nil {
		return err
	}
	phrase := strings.Join(strings.Fields(string(secret)), " ")
	if err := hd.Check(phrase); err != nil {
		return refusedByEngine(err)
	}
	in.made = walletParams{WalletName: in.WalletName, Accounts: in.Accounts,
		made: &wallet{name: in.WalletName, phrase: phrase, seed: hd.Seed(phrase), imported: true}}
	in.made.drawn, err = drawAccounts(in.made.made.seed, in.Accounts)
	return err
}

func (in *importWallet) run(t *tx) (any, error) {
	for _, w := range t.org.wallets {
		if w.phrase == in.made.made.phrase {
			return nil, exists("seed for wallet %s already imported in this organization", w.id)
		}
	}
	if err := in.spend(t); err != nil {
		return nil, err
	}
	return in.made.create(t, t.org)
}

// importPrivateKey takes a private key of 32 bytes.
type importPrivateKey struct {
	ofOwnUser
	PrivateKeyName string `json:"privateKeyName" need:"text"`
	sealedImport
	Curve          string   `json:"curve" need:"text"`
	AddressFormats []string `json:"addressFormats" need:"yes"`

	made *privateKey
}

func (in *importPrivateKey) prepare(c *call) error {
	if err := in.check(c); err != nil {
		return err
	}
	secret, err := in.open(c, false)
	if err != nil {
		return err
	}
	if in.made, err = drawPrivateKey(in.PrivateKeyName, in.Curve, secret, in.AddressFormats); err != nil {
		return err
	}
	in.made.imported = true
	return nil
}

func (in *importPrivateKey) run(t *tx) (any, error) {
	for _, k := range t.org.shelved().keys.all {
		if k.curve == in.made.curve && k.public == in.made.public {
			return nil, exists("private key with ID %s has already been imported in this organization", k.id)
		}
	}
	if err := in.spend(t); err != nil {
		return nil, err
	}
	if err := t.addPrivateKey(in.made, nil); err != nil {
		return nil, err
	}
	return in.made.result(), nil
}
