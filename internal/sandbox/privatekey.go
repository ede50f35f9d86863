package sandbox

import (
	"encoding/hex"
	"slices"

	"github.com/google/uuid"

	"latchkey/internal/sandbox/hd"
)

// privateKey is a key of an organization that is of no wallet.
type privateKey struct {
	id        uuid.UUID
	number    uint64
	org       *organization
	name      string
	curve     string // CURVE_…
	secret    []byte // of this sandbox
	public    string // hex
	addresses []formatted
	tags      []uuid.UUID
	exported  bool
	imported  bool
	created   int64
	updated   int64
}

// formatted is an address of a private key in one format.
type formatted struct {
	Format  string `json:"format"`
	Address string `json:"address"`
}

const privateKeysMax = 1000 // of an organization, as the service documents

func (k *privateKey) ident() uuid.UUID   { return k.id }
func (k *privateKey) install(s *state)   { k.org.shelf().keys.put(k) }
func (k *privateKey) uninstall(s *state) { k.org.shelf().keys.drop(k.id) }

type privateKeyOnDisk struct {
	ID        uuid.UUID   `json:"id"`
	Org       uuid.UUID   `json:"org"`
	Name      string      `json:"name"`
	Curve     string      `json:"curve"`
	Secret    []byte      `json:"secret"`
	Public    string      `json:"public"`
	Addresses []formatted `json:"addresses,omitempty"`
	Tags      []uuid.UUID `json:"tags,omitempty"`
	Exported  bool        `json:"exported,omitempty"`
	Imported  bool        `json:"imported,omitempty"`
	Created   int64       `json:"created"`
	Updated   int64       `json:"updated"`
}

const bucketPrivateKey = "privateKey" // by number

func (k *privateKey) row() row {
	return row{bucketPrivateKey, number(k.number), mustJSON(privateKeyOnDisk{
		k.id, k.org.id, k.name, k.curve, k.secret, k.public, k.addresses, k.tags, k.exported, k.imported, k.created, k.updated})}
}

func (s *state) readPrivateKey(key, value []byte) (record, error) {
	var d privateKeyOnDisk
	n, org, err := s.owned(key, value, &d, &d.Org)
	if err != nil {
		return nil, err
	}
	return &privateKey{d.ID, n, org, d.Name, d.Curve, d.Secret, d.Public, d.Addresses, d.Tags, d.Exported, d.Imported, d.Created, d.Updated}, nil
}

// signing returns the key as the wallet engine uses it.
func (k *privateKey) signing() (hd.Key, error) { return hd.NewKey(k.curve, k.secret) }

// privateKeyFor returns the organization's private key of that id or with that address, and the format of the address,
// "" for an id. The caller holds the lock.
func (o *organization) privateKeyFor(signWith string) (key *privateKey, format string) {
	id, isID := parseID(signWith)
	for _, k := range o.shelved().keys.all {
		if isID && k.id == id {
			return k, ""
		}
		for _, a := range k.addresses {
			if sameAddress(a.Address) == sameAddress(signWith) {
				return k, a.Format
			}
		}
	}
	return nil, ""
}

// findPrivateKey returns the organization's private key of that id. The caller holds the lock.
func (c *call) findPrivateKey(id string) (*privateKey, error) {
	parsed, ok := parseID(id)
	if !ok {
		return nil, invalid("malformed private key ID provided")
	}
	if k, ok := c.org.shelved().keys.find(parsed); ok {
		return k, nil
	}
	return nil, notFound("no private key found with the given ID", "privateKeyId", id)
}

// drawPrivateKey completes a secret, with its addresses, but for id, organization and time.
func drawPrivateKey(name, curve string, secret []byte, formats []string) (*privateKey, error) {
	key, err := hd.NewKey(curve, secret)
	if err != nil {
		return nil, refusedByEngine(err)
	}
	k := &privateKey{name: name, curve: curve, secret: secret, public: hex.EncodeToString(key.Public)}
	for _, format := range formats {
		if slices.ContainsFunc(k.addresses, func(a formatted) bool { return a.Format == format }) {
			continue
		}
		if err := hd.CheckAccount(curve, pathFormat, "m/0'", format); err != nil {
			return nil, refusedByEngine(err)
		}
		address, err := hd.Address(format, key)
		if err != nil {
			return nil, refusedByEngine(err)
		}
		k.addresses = append(k.addresses, formatted{format, address})
	}
	return k, nil
}

// addPrivateKey stages a drawn key of t.org, whose name no other has. among are keys staged before it.
func (t *tx) addPrivateKey(k *privateKey, among []*privateKey) error {
	there := t.org.shelved().keys.all
	if len(there)+len(among) >= privateKeysMax {
		return tooMany("organization has exceeded maximum private keys")
	}
	same := func(other *privateKey) bool { return other.name == k.name }
	if slices.ContainsFunc(there, same) || slices.ContainsFunc(among, same) {
		return invalid("private key label must be unique")
	}
	k.id, k.number, k.org, k.created, k.updated = t.id(), t.number(), t.org, t.now, t.now
	t.stage(k)
	return nil
}
