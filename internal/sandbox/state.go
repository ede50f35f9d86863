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
	made       uint64       // the number of the newest user, wallet or account
	parent     *organization
	orgs       map[uuid.UUID]*organization
	byName     index[string, *organization]
	byKey      index[point, *user]
	byEmail    index[string, *user]
	byPhone    index[string, *user]
	byUserName index[string, *user]
	byAddress  index[string, *account]
	wallets    map[uuid.UUID]*wallet
	otps       otps
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
		byEmail:    newIndex[string, *user](),
		byPhone:    newIndex[string, *user](),
		byUserName: newIndex[string, *user](),
		byAddress:  newIndex[string, *account](),
		wallets:    map[uuid.UUID]*wallet{},
		otps:       newOTPs(),
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
	o.place = len(o.parent.subs)
	o.parent.subs = append(o.parent.subs, o)
	s.byName.add(o.name, o)
}

func (u *user) install(s *state) {
	at := slices.IndexFunc(u.org.users, func(old *user) bool { return old.id == u.id })
	if at < 0 {
		u.org.users = append(u.org.users, u)
	} else {
		s.link(u.org.users[at], (*index[string, *user]).remove, (*index[point, *user]).remove)
		u.org.users[at] = u
	}
	s.link(u, (*index[string, *user]).add, (*index[point, *user]).add)
}

// link adds every index entry of u, or removes it.
func (s *state) link(u *user, text func(*index[string, *user], string, *user), key func(*index[point, *user], point, *user)) {
	for _, k := range u.keys {
		key(&s.byKey, k.public, u)
	}
	text(&s.byUserName, u.name, u)
	if u.email != "" {
		text(&s.byEmail, sameEmail(u.email), u)
	}
	if u.phone != "" {
		text(&s.byPhone, u.phone, u)
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
