package sandbox

import (
	"slices"
	"sync"

	"github.com/google/uuid"
)

// state is everything that a sandbox remembers, between one reset and the next. Nothing on the way of a request looks
// through a list that grows with the number of organizations.
type state struct {
	enclave *enclave
	choices *choices
	history *history
	inbox   *inbox
	disk    *disk // nil: in memory only

	mu         sync.RWMutex // guards all below, and the lists of organizations and wallets
	over       bool         // a reset put another state in its place
	version    uint64       // counts what was sent to the disk
	made       uint64       // the number of the newest record that has one, organizations aside
	founded    uint64       // the number of the newest sub-organization
	parent     *organization
	orgs       map[uuid.UUID]*organization
	byName     index[string, *organization]
	byKey      index[point, *user]
	byPasskey  index[string, *user] // by credential id
	byIdentity index[identity, *user]
	issuers    map[string]int // how many identities each has
	byEmail    index[string, *user]
	byPhone    index[string, *user]
	byUserName index[string, *user]
	byAddress  index[string, *account]
	wallets    map[uuid.UUID]*wallet
	otps       otps
	held       map[uuid.UUID]*held // activities that a fault keeps pending

	providers identityProviders // beside the records
}

func newState(e *enclave, start uint64, d *disk) *state {
	return &state{
		enclave:    e,
		choices:    newChoices(e.seed, start),
		history:    newHistory(d),
		inbox:      newInbox(),
		disk:       d,
		orgs:       map[uuid.UUID]*organization{},
		byName:     newIndex[string, *organization](),
		byKey:      newIndex[point, *user](),
		byPasskey:  newIndex[string, *user](),
		byIdentity: newIndex[identity, *user](),
		issuers:    map[string]int{},
		byEmail:    newIndex[string, *user](),
		byPhone:    newIndex[string, *user](),
		byUserName: newIndex[string, *user](),
		byAddress:  newIndex[string, *account](),
		wallets:    map[uuid.UUID]*wallet{},
		otps:       newOTPs(),
		held:       map[uuid.UUID]*held{},
	}
}

// reading runs f under the read lock, which it gives back even when f panics, and returns the version that f saw.
func (s *state) reading(f func()) (version uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f()
	return s.version
}

func (o *organization) install(s *state) {
	if old := s.orgs[o.id]; old != nil {
		panic("sandbox: an organization is installed once")
	}
	s.orgs[o.id] = o
	if o.parent == nil {
		s.parent = o
		return
	}
	s.founded = max(s.founded, o.number)
	o.place = len(o.parent.subs)
	o.parent.subs = append(o.parent.subs, o)
	s.byName.add(o.name, o)
}

// uninstall takes away a sub-organization with its users, wallets and all else that it has but its activities. What
// stands on shelves goes with it: the rows of it all are removed by whoever stages this.
func (o *organization) uninstall(s *state) {
	s.byName.remove(o.name, o)
	o.parent.subs = slices.Delete(o.parent.subs, o.place, o.place+1)
	for i, later := range o.parent.subs[o.place:] {
		later.place = o.place + i
	}
	delete(s.orgs, o.id)
	o.removed = true
}

// resettled is an organization with other settings.
type resettled struct {
	*organization
	next *settings
}

func (r resettled) install(s *state) {
	o := r.organization
	if o.parent != nil && o.name != r.next.name {
		s.byName.remove(o.name, o)
		s.byName.add(r.next.name, o)
	}
	o.settings = r.next
}

func (r resettled) row() row { return r.rowWith(r.next) }

func (u *user) install(s *state) {
	at := slices.IndexFunc(u.org.users, func(old *user) bool { return old.id == u.id })
	if at < 0 {
		u.org.users = append(u.org.users, u)
	} else {
		s.unlink(u.org.users[at])
		u.org.users[at] = u
	}
	s.link(u)
}

func (u *user) uninstall(s *state) {
	if at := slices.IndexFunc(u.org.users, func(old *user) bool { return old.id == u.id }); at >= 0 {
		s.unlink(u.org.users[at])
		u.org.users = slices.Delete(u.org.users, at, at+1)
	}
}

// link adds every index entry of u; unlink removes it.
func (s *state) link(u *user) {
	for _, k := range u.keys {
		s.byKey.add(k.public, u)
	}
	for _, a := range u.authenticators {
		s.byPasskey.add(a.CredentialID, u)
	}
	for _, p := range u.providers {
		s.byIdentity.add(p.identity, u)
		s.issuers[p.Issuer]++
	}
	s.byUserName.add(u.name, u)
	if u.email != "" {
		s.byEmail.add(sameEmail(u.email), u)
	}
	if u.phone != "" {
		s.byPhone.add(u.phone, u)
	}
}

func (s *state) unlink(u *user) {
	for _, k := range u.keys {
		s.byKey.remove(k.public, u)
	}
	for _, a := range u.authenticators {
		s.byPasskey.remove(a.CredentialID, u)
	}
	for _, p := range u.providers {
		s.byIdentity.remove(p.identity, u)
		if s.issuers[p.Issuer]--; s.issuers[p.Issuer] == 0 {
			delete(s.issuers, p.Issuer)
		}
	}
	s.byUserName.remove(u.name, u)
	if u.email != "" {
		s.byEmail.remove(sameEmail(u.email), u)
	}
	if u.phone != "" {
		s.byPhone.remove(u.phone, u)
	}
}

func (w *wallet) install(s *state) {
	if s.wallets[w.id] != nil {
		panic("sandbox: a wallet is installed once")
	}
	s.wallets[w.id] = w
	w.org.wallets = append(w.org.wallets, w)
}

func (a *account) install(s *state) {
	a.wallet.accounts = append(a.wallet.accounts, a)
	s.byAddress.add(sameAddress(a.address), a)
}

// user returns the user of o with that id, or nil. The caller holds the lock.
func (o *organization) user(id uuid.UUID) *user {
	for _, u := range o.users { // at most a hundred
		if u.id == id {
			return u
		}
	}
	return nil
}

// wallet returns the wallet of o with that id, or nil. The caller holds the lock.
func (s *state) wallet(o *organization, id uuid.UUID) *wallet {
	if w := s.wallets[id]; w != nil && w.org == o {
		return w
	}
	return nil
}

// account returns the account of o with that address, or nil. The caller holds the lock.
func (s *state) account(o *organization, address string) *account {
	for a := range s.byAddress.all(sameAddress(address)) {
		if a.wallet.org == o {
			return a
		}
	}
	return nil
}
