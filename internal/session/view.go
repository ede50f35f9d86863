package session

import (
	"context"
	"slices"
	"time"

	"latchkey/internal/fault"
)

// Session is one session as it stands. It holds no secret.
type Session struct {
	ID             string
	Label          string
	Profile        string
	OrganizationID string // the sub-organization
	UserID         string
	Contact        string
	Method         string        // of the log-in, such as "otp"
	Length         time.Duration // what a refresh asks for
	Key            Key
	Type           string // as the token says: SESSION_TYPE_READ_WRITE, SESSION_TYPE_READ_ONLY, or a profile's name
	ProfileID      string // of the session profile that narrows it, which each refresh asks for again; "" for none
	Scope          string // the profile's policy expression
	Active         bool
	Reachable      bool      // its key is in a store of this process
	Made           time.Time // when it was logged in to
	Issued         time.Time // when the present key was accepted
	Expires        time.Time // by the service's clock
	RefreshAt      time.Time // when it is to be refreshed
	Refreshing     bool      // a refresh is under way
	RetryAt        time.Time // when a failed refresh is tried again; zero when none failed
	Ended          *Ended    // nil while it lasts
}

// Key is the key of a session. The private half never leaves its store.
type Key struct {
	PublicKey string
	Backend   string // the store that holds it
	Made      time.Time
}

// Ended says why a session is over.
type Ended struct {
	Reason  Reason
	At      time.Time
	Revoked bool      // the service does not know the key any more
	EndsAt  time.Time // when an unrevoked key ends by itself
	Kept    bool      // the key is still in its store, which could not be reached; it signs nothing any more
}

func (m *Manager) view(r record, active string) Session {
	s := Session{
		ID: r.ID, Label: r.Label, Profile: m.Profile, OrganizationID: r.OrganizationID, UserID: r.UserID,
		Contact: r.Contact, Method: r.Method, Length: r.length(),
		Key:  Key{PublicKey: r.Key.PublicKey, Backend: r.Key.Backend, Made: r.Key.Made.time()},
		Type: r.Type, ProfileID: r.ProfileID, Scope: r.Scope, Reachable: m.reaches(r.Key),
		Active: r.ID == active, Made: r.Made.time(), Issued: r.Issued.time(), Expires: r.Key.Expires.time(),
		RefreshAt: refreshAt(r).time(), Refreshing: r.Next != nil,
	}
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.ending(r, now); e != nil {
		s.Refreshing = false
		s.Ended = &Ended{Reason: e.Reason, At: e.At.time(), Revoked: e.Revoked, EndsAt: e.EndsAt.time()}
	} else if t, ok := m.tries[refreshName(r.ID)]; ok {
		s.Refreshing, s.RetryAt = false, t.next.time()
	}
	return s
}

// ending says why r is over, or nil. A session whose key is over counts as over as soon as the service was asked about
// its next key and did not answer: the answer may bring it back, but nobody should wait for that. The caller holds mu.
func (m *Manager) ending(r record, now instant) *ending {
	if r.Ended == nil && r.standing(now) == unsure && m.asked[r.Next.PublicKey] {
		e := &ending{Reason: Clock, At: r.Key.Expires, EndsAt: r.Key.Expires}
		if r.Key.Expires <= m.started {
			e.Reason = Startup
		}
		return e
	}
	return r.Ended
}

// Time is the service's time, as well as it is known: the wall clock, put right by a large skew.
func (m *Manager) Time() time.Time {
	m.prepare()
	return m.now().time()
}

// List returns every session, the ended ones of the last days among them, oldest first.
func (m *Manager) List() []Session {
	s := m.snapshot()
	list := make([]Session, 0, len(s.Sessions))
	for _, r := range s.Sessions {
		list = append(list, m.view(r, s.Active))
	}
	return list
}

// Get returns the session called id. Errors: fault.SessionNone.
func (m *Manager) Get(id string) (Session, error) {
	s := m.snapshot()
	if r := s.session(id); r != nil {
		return m.view(*r, s.Active), nil
	}
	return Session{}, fault.New(fault.SessionNone, nil)
}

// Active returns the active session, and whether it is good now.
func (m *Manager) Active() (Session, bool) {
	s := m.snapshot()
	r := s.session(s.Active)
	if r == nil {
		return Session{}, false
	}
	return m.view(*r, s.Active), r.standing(m.now()) == good
}

// LastEnded returns the session that was active until it ended, and nobody has dismissed since.
func (m *Manager) LastEnded() (Session, bool) {
	s := m.snapshot()
	r := s.session(s.Active)
	if r == nil {
		return Session{}, false
	}
	v := m.view(*r, s.Active)
	if v.Ended == nil {
		return v, false
	}
	v.Ended.Kept = slices.ContainsFunc(s.Leaving, func(k leavingKey) bool { return k.PublicKey == r.Key.PublicKey })
	return v, true
}

// State returns what an interface must know first. It looks at the clock each time.
func (m *Manager) State() AuthState {
	now, early, _ := m.look()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.opened {
		return Loading
	}
	r := m.mem.session(m.mem.Active)
	if r == nil || !m.reaches(r.Key) {
		return Unauthenticated
	}
	switch r.standing(now) {
	case good:
		return Authenticated
	case unsure:
		if m.ending(*r, now) == nil {
			return Loading
		}
	case over:
		if _, asked := m.tries[task{kind: taskAsk}.name()]; r.standing(early) == good && !asked {
			return Loading // the service is being asked for the time
		}
	}
	return Unauthenticated
}

// Select makes the session called id the active one. Errors: fault.SessionNone, fault.SessionExpired,
// fault.SessionRejected; those of the file.
func (m *Manager) Select(ctx context.Context, id string) error {
	_, err := m.update(ctx, "select", selected{id})
	return err
}

// Dismiss forgets an ended session: the user has read why it ended. Errors: those of the file.
func (m *Manager) Dismiss(ctx context.Context, id string) error {
	_, err := m.update(ctx, "dismiss", dismissed{id})
	return err
}

// PublicKeys lists every public key that is accounted for, for tests and for a look at what is kept.
func (m *Manager) PublicKeys() []string {
	names := m.snapshot().names()
	slices.Sort(names)
	return slices.Compact(names)
}
