package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	bolt "go.etcd.io/bbolt"
)

// This file is how records stand on disk: JSON with short names. Names are never given another meaning; a change that
// cannot be read by old code raises diskFormat.

type orgOnDisk struct {
	ID        uuid.UUID `json:"id"`
	Sub       bool      `json:"sub,omitempty"`
	Name      string    `json:"name"`
	Threshold int32     `json:"threshold"`
	Disabled  disabled  `json:"disabled,omitempty"`
	Created   int64     `json:"created"`
}

func (o *organization) row() row {
	n := uint64(0)
	if o.parent != nil {
		n = uint64(o.place) + 1
	}
	return row{bucketOrg, number(n), mustJSON(orgOnDisk{o.id, o.parent != nil, o.name, o.threshold, o.disabled, o.created})}
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
}

type keyOnDisk struct {
	ID      uuid.UUID `json:"id"`
	Name    string    `json:"name"`
	Public  string    `json:"public"`
	Kind    string    `json:"kind"`
	Seconds int64     `json:"seconds,omitempty"`
	Created int64     `json:"created"`
}

func (u *user) row() row {
	keys := make([]keyOnDisk, len(u.keys))
	for i, k := range u.keys {
		keys[i] = keyOnDisk{k.id, k.name, k.public.String(), k.kind.String(), k.seconds, k.created}
	}
	return row{bucketUser, number(u.number), mustJSON(userOnDisk{
		u.id, u.org.id, u.name, u.email, u.phone, u.emailVerified, u.phoneVerified, keys, u.created, u.updated})}
}

type walletOnDisk struct {
	ID      uuid.UUID `json:"id"`
	Org     uuid.UUID `json:"org"`
	Name    string    `json:"name"`
	Phrase  string    `json:"phrase"`
	Seed    []byte    `json:"seed"`
	Created int64     `json:"created"`
	Updated int64     `json:"updated"`
}

func (w *wallet) row() row {
	return row{bucketWallet, number(w.number), mustJSON(walletOnDisk{w.id, w.org.id, w.name, w.phrase, w.seed, w.created, w.updated})}
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
}

func (a *account) row() row {
	return row{bucketAccount, number(a.number), mustJSON(accountOnDisk{
		a.id, a.wallet.id, a.name, a.curve, a.path, a.format, a.address, a.publicKey, a.created})}
}

// load reads everything but the activities back into s, which is new and known to nobody else.
func (s *state) load() error {
	readers := []struct {
		bucket string
		read   func(key, value []byte) (record, error)
	}{
		{bucketOrg, s.readOrg}, {bucketUser, s.readUser}, {bucketWallet, s.readWallet},
		{bucketAccount, s.readAccount}, {bucketOTP, s.readOTP}, {bucketMessage, s.readMessage},
	}
	return s.disk.db.View(func(tx *bolt.Tx) error {
		for _, r := range readers {
			err := tx.Bucket([]byte(r.bucket)).ForEach(func(key, value []byte) error {
				rec, err := r.read(key, value)
				if err != nil {
					return err
				}
				rec.install(s)
				return nil
			})
			if err != nil {
				return fmt.Errorf("state: %s: %w", r.bucket, err)
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

func (s *state) readOrg(_, value []byte) (record, error) {
	var d orgOnDisk
	if err := json.Unmarshal(value, &d); err != nil {
		return nil, err
	}
	o := &organization{id: d.ID, name: d.Name, threshold: d.Threshold, disabled: d.Disabled, created: d.Created}
	if d.Sub {
		o.parent = s.parent
	}
	if d.Sub == (s.parent == nil) || s.orgs[d.ID] != nil {
		return nil, errors.New("not one parent before all others")
	}
	return o, nil
}

func (s *state) readUser(key, value []byte) (record, error) {
	var d userOnDisk
	if err := json.Unmarshal(value, &d); err != nil {
		return nil, err
	}
	n, err := s.numbered(key)
	if err != nil {
		return nil, err
	}
	org := s.orgs[d.Org]
	if org == nil {
		return nil, fmt.Errorf("user %s has no organization", d.ID)
	}
	u := &user{id: d.ID, number: n, org: org, name: d.Name, email: d.Email, phone: d.Phone, emailVerified: d.EmailVerified,
		phoneVerified: d.PhoneVerified, created: d.Created, updated: d.Updated, keys: make([]*apiKey, len(d.Keys))}
	for i, k := range d.Keys {
		p, ok := hexPoint(k.Public)
		if !ok {
			return nil, fmt.Errorf("user %s has a key that is none", d.ID)
		}
		kind := credentialP256
		if k.Kind == credentialLogin.String() {
			kind = credentialLogin
		}
		u.keys[i] = &apiKey{id: k.ID, name: k.Name, public: p, kind: kind, seconds: k.Seconds, created: k.Created}
	}
	return u, nil
}

func (s *state) readWallet(key, value []byte) (record, error) {
	var d walletOnDisk
	if err := json.Unmarshal(value, &d); err != nil {
		return nil, err
	}
	n, err := s.numbered(key)
	if err != nil {
		return nil, err
	}
	org := s.orgs[d.Org]
	if org == nil || s.wallets[d.ID] != nil {
		return nil, fmt.Errorf("wallet %s has no organization, or stands twice", d.ID)
	}
	return &wallet{id: d.ID, number: n, org: org, name: d.Name, phrase: d.Phrase, seed: d.Seed, created: d.Created, updated: d.Updated}, nil
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
		address: d.Address, publicKey: d.PublicKey, created: d.Created}, nil
}
