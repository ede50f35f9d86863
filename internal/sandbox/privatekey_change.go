package sandbox

import (
	"github.com/google/uuid"

	"latchkey/internal/sandbox/hd"
)

// privateKeyParams asks for a private key.
type privateKeyParams struct {
	PrivateKeyName string   `json:"privateKeyName" need:"text"`
	Curve          string   `json:"curve" need:"text"`
	PrivateKeyTags []string `json:"privateKeyTags" need:"yes"`
	AddressFormats []string `json:"addressFormats" need:"yes"`
}

// createPrivateKeys makes private keys. The second version tells the addresses too.
type createPrivateKeys struct {
	PrivateKeys []privateKeyParams `json:"privateKeys" need:"yes"`

	drawn []*privateKey
}

const privateKeysAtOnce = 100 // so that one request cannot keep a processor for long

func (in *createPrivateKeys) prepare(c *call) error {
	if n := len(in.PrivateKeys); n == 0 || n > privateKeysAtOnce {
		return invalid("invalid number of private keys: want 1 to %d", privateKeysAtOnce)
	}
	in.drawn = make([]*privateKey, len(in.PrivateKeys))
	for i, p := range in.PrivateKeys {
		for {
			secret := make([]byte, 32)
			_, _ = c.state.choices.Read(secret)
			k, err := drawPrivateKey(p.PrivateKeyName, p.Curve, secret, p.AddressFormats)
			if err == nil {
				in.drawn[i] = k
				break
			}
			if _, again := hd.NewKey(p.Curve, secret); again == nil || !knownCurve(p.Curve) {
				return err
			} // else no number of the curve, which one in 2^32 is
		}
	}
	return nil
}

func knownCurve(curve string) bool {
	return curve == hd.Secp256k1 || curve == hd.Ed25519 || curve == hd.P256
}

func (in *createPrivateKeys) stage(t *tx) error {
	for i, k := range in.drawn {
		var err error
		if k.tags, err = t.findTags(tagOfPrivateKey, in.PrivateKeys[i].PrivateKeyTags); err != nil {
			return err
		}
		if err := t.addPrivateKey(k, in.drawn[:i]); err != nil {
			return err
		}
	}
	return nil
}

func (in *createPrivateKeys) run(t *tx) (any, error) {
	err := in.stage(t)
	out := privateKeyIDs{}
	for _, k := range in.drawn {
		out.PrivateKeyIDs = append(out.PrivateKeyIDs, k.id)
	}
	return out, err
}

// privateKeyIDs is the answer to whatever makes or deletes several.
type privateKeyIDs struct {
	PrivateKeyIDs []uuid.UUID `json:"privateKeyIds"`
}

type createPrivateKeysV2 struct{ createPrivateKeys }

// privateKeyResult names a private key that was made.
type privateKeyResult struct {
	PrivateKeyID uuid.UUID   `json:"privateKeyId"`
	Addresses    []formatted `json:"addresses"`
}

func (k *privateKey) result() privateKeyResult {
	return privateKeyResult{k.id, append([]formatted{}, k.addresses...)}
}

func (in *createPrivateKeysV2) run(t *tx) (any, error) {
	err := in.stage(t)
	made := make([]privateKeyResult, len(in.drawn))
	for i, k := range in.drawn {
		made[i] = k.result()
	}
	return struct {
		PrivateKeys []privateKeyResult `json:"privateKeys"`
	}{made}, err
}

// deletePrivateKeys takes private keys away for good.
type deletePrivateKeys struct {
	PrivateKeyIDs []string `json:"privateKeyIds" need:"yes"`
	deletion
}

func (in *deletePrivateKeys) run(t *tx) (any, error) {
	if err := someIDs("private key", in.PrivateKeyIDs); err != nil {
		return nil, err
	}
	for _, id := range in.PrivateKeyIDs {
		k, err := t.findPrivateKey(id)
		if err != nil {
			return nil, err
		}
		if !k.exported && !in.forced() {
			return nil, invalid("private key has not been exported privateKeyId=%s", k.id)
		}
		t.stage(gone{k})
	}
	return struct {
		PrivateKeyIDs []string `json:"privateKeyIds"`
	}{in.PrivateKeyIDs}, nil
}

type privateKeyView struct {
	PrivateKeyID   uuid.UUID   `json:"privateKeyId"`
	PublicKey      string      `json:"publicKey"`
	PrivateKeyName string      `json:"privateKeyName"`
	Curve          string      `json:"curve"`
	Addresses      []formatted `json:"addresses"`
	PrivateKeyTags []uuid.UUID `json:"privateKeyTags"`
	CreatedAt      timestamp   `json:"createdAt"`
	UpdatedAt      timestamp   `json:"updatedAt"`
	Exported       bool        `json:"exported"`
	Imported       bool        `json:"imported"`
}

func (k *privateKey) view() privateKeyView {
	return privateKeyView{k.id, k.public, k.name, k.curve, append([]formatted{}, k.addresses...), append([]uuid.UUID{}, k.tags...),
		stampTime(k.created), stampTime(k.updated), k.exported, k.imported}
}

func listPrivateKeys(c *call, _ *nothing) (any, error) {
	views := []privateKeyView{}
	for _, k := range c.org.shelved().keys.all {
		views = append(views, k.view())
	}
	return struct {
		PrivateKeys []privateKeyView `json:"privateKeys"`
	}{views}, nil
}

type privateKeyFilter struct {
	PrivateKeyID string `json:"privateKeyId" need:"text"`
}

func getPrivateKey(c *call, in *privateKeyFilter) (any, error) {
	k, err := c.findPrivateKey(in.PrivateKeyID)
	if err != nil {
		return nil, err
	}
	return struct {
		PrivateKey privateKeyView `json:"privateKey"`
	}{k.view()}, nil
}
