package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/google/uuid"
	bolt "go.etcd.io/bbolt"
)

// This file is how records stand on disk: JSON with short names. Names are never given another meaning; a change that
// cannot be read by old code raises diskFormat.

// stored is one kind of record: the bucket where it stands, how a row is read back, and which there are now. New kinds
// are added to the table below and nowhere else.
type stored struct {
	bucket string
	read   func(s *state, key, value []byte) (record, error)
	all    func(s *state) iter.Seq[record] // called under the state's lock
}

// recordKinds are in an order in which what a record refers to comes before it.
var recordKinds = []stored{
	{bucketOrg, (*state).readOrg, func(s *state) iter.Seq[record] {
		return ofOrganizations(s, func(o *organization) []*organization { return []*organization{o} })
	}},
	{bucketUser, (*state).readUser, func(s *state) iter.Seq[record] {
		return ofOrganizations(s, func(o *organization) []*user { return o.users })
	}},
	{bucketWallet, (*state).readWallet, func(s *state) iter.Seq[record] {
		return ofOrganizations(s, func(o *organization) []*wallet { return o.wallets })
	}},
	{bucketAccount, (*state).readAccount, func(s *state) iter.Seq[record] {
		return ofOrganizations(s, func(o *organization) []*account { return accountsOf(o.wallets) })
	}},
	{bucketPrivateKey, (*state).readPrivateKey, func(s *state) iter.Seq[record] {
		return ofOrganizations(s, func(o *organization) []*privateKey { return o.shelved().keys.all })
	}},
	{bucketImport, (*state).readImportTarget, func(s *state) iter.Seq[record] {
		return ofOrganizations(s, func(o *organization) []*importTarget { return o.shelved().imports.all })
	}},
	{bucketRule, (*state).readRule, func(s *state) iter.Seq[record] {
		return ofOrganizations(s, func(o *organization) []*rule { return o.shelved().rules.all })
	}},
	{bucketTag, (*state).readTag, func(s *state) iter.Seq[record] {
		return ofOrganizations(s, func(o *organization) []*tag { return o.shelved().tags.all })
	}},
	{bucketOAuth2Credential, (*state).readOAuth2Credential, func(s *state) iter.Seq[record] {
		return ofOrganizations(s, func(o *organization) []*oauth2Credential { return o.shelved().oauth2.all })
	}},
	{bucketSessionProfile, (*state).readSessionProfile, func(s *state) iter.Seq[record] {
		return ofOrganizations(s, func(o *organization) []*sessionProfile { return o.shelved().profiles.all })
	}},
	{bucketInterface, (*state).readInterface, func(s *state) iter.Seq[record] {
		return ofOrganizations(s, func(o *organization) []*contractInterface { return o.shelved().interfaces.all })
	}},
	{bucketMFAPolicy, (*state).readMFAPolicy, func(s *state) iter.Seq[record] {
		return ofOrganizations(s, func(o *organization) []*mfaPolicy { return o.shelved().factors.all })
	}},
	{bucketAuthProxy, (*state).readAuthProxy, func(s *state) iter.Seq[record] {
		return ofOrganizations(s, func(o *organization) []*authProxy { return o.shelved().proxies.all })
	}},
	{bucketOTP, (*state).readOTP, func(s *state) iter.Seq[record] { return records(slices.Collect(maps.Values(s.otps.byID))) }},
	{bucketMessage, (*state).readMessage, func(s *state) iter.Seq[record] { return records(s.inbox.all()) }},
	{bucketHeld, (*state).readHeld, (*state).allHeld},
}

// records makes one list of another.
func records[T record](list []T) iter.Seq[record] {
	return func(yield func(record) bool) {
		for _, r := range list {
			if !yield(r) {
				return
			}
		}
	}
}

// ofOrganizations ranges over what each organization has of one kind, the parent's first.
func ofOrganizations[T record](s *state, of func(*organization) []T) iter.Seq[record] {
	return func(yield func(record) bool) {
		for r := range records(of(s.parent)) {
			if !yield(r) {
				return
			}
		}
		for _, o := range s.parent.subs {
			for r := range records(of(o)) {
				if !yield(r) {
					return
				}
			}
		}
	}
}

type orgOnDisk struct {
	ID        uuid.UUID   `json:"id"`
	Sub       bool        `json:"sub,omitempty"`
	Name      string      `json:"name"`
	Threshold int32       `json:"threshold"`
	Root      []uuid.UUID `json:"root,omitempty"`
	Features  []feature   `json:"features,omitempty"`
	Created   int64       `json:"created"`
	Disabled  uint8       `json:"disabled,omitempty"` // of the old format: which features were off
}

// settle gives organizations of the old format their root users, who were all users, and their features.
func (s *state) settle() (rows []row) {
	for _, o := range s.orgs {
		o.root = make([]uuid.UUID, len(o.users))
		for i, u := range o.users {
			o.root[i] = u.id
		}
		rows = append(rows, o.row())
	}
	return rows
}

// oldFeatures are those that the bits of the old format left on.
func oldFeatures(disabled uint8) []feature {
	var off []string
	for i, name := range []string{featureEmailRecovery, featureEmailAuth, featureSMSAuth, featureOTPEmailAuth} {
		if disabled&(1<<i) != 0 {
			off = append(off, name)
		}
	}
	return without(featuresAtFirst, off...)
}

func (o *organization) row() row { return o.rowWith(o.settings) }

func (o *organization) rowWith(now *settings) row {
	d := orgOnDisk{ID: o.id, Sub: o.parent != nil, Name: now.name, Threshold: now.threshold, Root: now.root, Features: now.features, Created: o.created}
	return row{bucketOrg, number(o.number), mustJSON(d)}
}

type userOnDisk struct {
	ID            uuid.UUID   `json:"id"`
	Org           uuid.UUID   `json:"org"`
	Name          string      `json:"name"`
	Email         string      `json:"email,omitempty"`
	Phone         string      `json:"phone,omitempty"`
	EmailVerified bool        `json:"emailVerified,omitempty"`
	PhoneVerified bool        `json:"phoneVerified,omitempty"`
	Keys          []keyOnDisk `json:"keys,omitempty"`
	Created       int64       `json:"created"`
	Updated       int64       `json:"updated"`

	Authenticators []*authenticator `json:"authenticators,omitempty"`
	Providers      []*oauthProvider `json:"providers,omitempty"`
	Tags           []uuid.UUID      `json:"tags,omitempty"`
}

type keyOnDisk struct {
	ID      uuid.UUID `json:"id"`
	Name    string    `json:"name"`
	Public  string    `json:"public"`
	Kind    string    `json:"kind"`
	Seconds int64     `json:"seconds,omitempty"`
	Created int64     `json:"created"`
	Profile uuid.UUID `json:"profile,omitzero"`
}

func (u *user) row() row {
	keys := make([]keyOnDisk, len(u.keys))
	for i, k := range u.keys {
		keys[i] = keyOnDisk{k.id, k.name, k.public.String(), k.kind.String(), k.seconds, k.created, k.profile}
	}
	return row{bucketUser, number(u.number), mustJSON(userOnDisk{
		u.id, u.org.id, u.name, u.email, u.phone, u.emailVerified, u.phoneVerified, keys, u.created, u.updated,
		u.authenticators, u.providers, u.tags})}
}

type walletOnDisk struct {
	ID      uuid.UUID `json:"id"`
	Org     uuid.UUID `json:"org"`
	Name    string    `json:"name"`
	Phrase  string    `json:"phrase"`
	Seed    []byte    `json:"seed"`
	Created int64     `json:"created"`
	Updated int64     `json:"updated"`

	Imported bool `json:"imported,omitempty"`
	Exported bool `json:"exported,omitempty"`
}

func (w *wallet) row() row { return w.rowWith(w.name, w.exported, w.updated) }

func (w *wallet) rowWith(name string, exported bool, updated int64) row {
	return row{bucketWallet, number(w.number), mustJSON(walletOnDisk{w.id, w.org.id, name, w.phrase, w.seed, w.created, updated, w.imported, exported})}
}

type accountOnDisk struct {
	ID        uuid.UUID `json:"id"`
	Wallet    uuid.UUID `json:"wallet"`
	Name      string    `json:"name,omitempty"`
	Curve     string    `json:"curve"`
	Path      string    `json:"path"`
	Format    string    `json:"format"`
	Address   string    `json:"address"`
	PublicKey string    `json:"publicKey"`
	Created   int64     `json:"created"`
	Exported  bool      `json:"exported,omitempty"`
}

func (a *account) row() row { return a.rowWith(a.exported) }

func (a *account) rowWith(exported bool) row {
	return row{bucketAccount, number(a.number), mustJSON(accountOnDisk{
		a.id, a.wallet.id, a.name, a.curve, a.path, a.format, a.address, a.publicKey, a.created, exported})}
}

// load reads everything but the activities back into s, which is new and known to nobody else.
func (s *state) load() error {
	return s.disk.db.View(func(tx *bolt.Tx) error {
		for _, k := range recordKinds {
			err := tx.Bucket([]byte(k.bucket)).ForEach(func(key, value []byte) error {
				rec, err := k.read(s, key, value)
				if err != nil {
					return err
				}
				rec.install(s)
				return nil
			})
			if err != nil {
				return fmt.Errorf("state: %s: %w", k.bucket, err)
			}
		}
		if s.parent == nil {
			return errors.New("state: no parent organization")
		}
		return nil
	})
}

// numbered reads the number that is a record's key.
func (s *state) numbered(key []byte) (uint64, error) {
	if len(key) != 8 {
		return 0, errors.New("a key is no number")
	}
	n := binary.BigEndian.Uint64(key)
	s.made = max(s.made, n)
	return n, nil
}

// owned reads what every record of an organization begins with: its JSON into d, its number, and the organization that
// id, which is a field of d, names.
func (s *state) owned(key, value []byte, d any, id *uuid.UUID) (n uint64, org *organization, err error) {
	if err := json.Unmarshal(value, d); err != nil {
		return 0, nil, err
	}
	if n, err = s.numbered(key); err != nil {
		return 0, nil, err
	}
	if org = s.orgs[*id]; org == nil {
		return 0, nil, fmt.Errorf("record %d has no organization", n)
	}
	return n, org, nil
}

func (s *state) readOrg(key, value []byte) (record, error) {
	var d orgOnDisk
	if err := json.Unmarshal(value, &d); err != nil {
		return nil, err
	}
	if len(key) != 8 || d.Sub == (s.parent == nil) || s.orgs[d.ID] != nil {
		return nil, errors.New("not one parent before all others")
	}
	o := &organization{id: d.ID, number: binary.BigEndian.Uint64(key), created: d.Created,
		settings: &settings{name: d.Name, threshold: d.Threshold, root: d.Root, features: d.Features}}
	if d.Root == nil {
		o.features = oldFeatures(d.Disabled)
	}
	if slices.Equal(o.features, featuresAtFirst) {
		o.features = featuresAtFirst // one list for all
	}
	if d.Sub {
		o.parent = s.parent
	}
	return o, nil
}

func (s *state) readUser(key, value []byte) (record, error) {
	var d userOnDisk
	n, org, err := s.owned(key, value, &d, &d.Org)
	if err != nil {
		return nil, err
	}
	u := &user{id: d.ID, number: n, org: org, name: d.Name, email: d.Email, phone: d.Phone, emailVerified: d.EmailVerified,
		phoneVerified: d.PhoneVerified, created: d.Created, updated: d.Updated, keys: make([]*apiKey, len(d.Keys)),
		authenticators: d.Authenticators, providers: d.Providers, tags: d.Tags}
	for i, k := range d.Keys {
		p, ok := hexPoint(k.Public)
		if !ok {
			return nil, fmt.Errorf("user %s has a key that is none", d.ID)
		}
		kind, ok := credentialNamed(k.Kind)
		if !ok {
			return nil, fmt.Errorf("user %s has a key of a kind that is none", d.ID)
		}
		u.keys[i] = &apiKey{id: k.ID, name: k.Name, public: p, kind: kind, seconds: k.Seconds, profile: k.Profile, created: k.Created}
	}
	return u, nil
}

func (s *state) readWallet(key, value []byte) (record, error) {
	var d walletOnDisk
	n, org, err := s.owned(key, value, &d, &d.Org)
	if err != nil {
		return nil, err
	}
	if s.wallets[d.ID] != nil {
		return nil, fmt.Errorf("wallet %s stands twice", d.ID)
	}
	return &wallet{id: d.ID, number: n, org: org, name: d.Name, phrase: d.Phrase, seed: d.Seed, created: d.Created, updated: d.Updated,
		imported: d.Imported, exported: d.Exported}, nil
}

func (s *state) readAccount(key, value []byte) (record, error) {
	var d accountOnDisk
	if err := json.Unmarshal(value, &d); err != nil {
		return nil, err
	}
	n, err := s.numbered(key)
	if err != nil {
		return nil, err
	}
	w := s.wallets[d.Wallet]
	if w == nil {
		return nil, fmt.Errorf("account %s has no wallet", d.ID)
	}
	return &account{id: d.ID, number: n, wallet: w, name: d.Name, curve: d.Curve, path: d.Path, format: d.Format,
		address: d.Address, publicKey: d.PublicKey, created: d.Created, exported: d.Exported}, nil
}
