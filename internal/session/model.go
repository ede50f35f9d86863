package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/token"
)

// fileVersion is the version of the state file that this program writes.
const fileVersion = 1

// instant is a moment of the service's time in Unix milliseconds. Zero is "never" or "unknown".
type instant int64

// at cuts t to what the core calculates with.
func at(t time.Time) instant { return instant(t.UnixMilli()) }

func (i instant) time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(i))
}

func (i instant) add(d time.Duration) instant { return i + instant(d.Milliseconds()) }

func (i instant) sub(j instant) time.Duration { return time.Duration(i-j) * time.Millisecond }

// state is everything that a profile remembers, as it stands in the file. Nothing in it is a secret in clear: tokens
// and attempts are sealed.
type state struct {
	Version int    `json:"version"`
	Serial  int64  `json:"serial"`           // counts writes, so that a late reader knows the older state
	Active  string `json:"active,omitempty"` // id of a session, which may have ended
	// SkewMillis is what the service's clock was ahead when that was last known, if it was much.
	SkewMillis int64         `json:"skewMillis,omitempty"`
	Sessions   []record      `json:"sessions,omitempty"`
	Pending    []pendingKey  `json:"pending,omitempty"`
	Attempts   []attempt     `json:"attempts,omitempty"`
	Leaving    []leavingKey  `json:"leaving,omitempty"`
	Later      []laterRevoke `json:"revokeLater,omitempty"`
}

// key names a key pair. Its private half is in the store called Backend.
type key struct {
	PublicKey string  `json:"publicKey"`
	Backend   string  `json:"backend"`
	Made      instant `json:"made"`
	// Expires is when the service forgets it: as the token says for a session's key, at least then for a next key, and
	// the end of our patience for a pending one.
	Expires instant `json:"expires"`
}

// record is one session.
type record struct {
	ID             string        `json:"id"`
	Label          string        `json:"label"`
	OrganizationID string        `json:"organizationId"`
	UserID         string        `json:"userId"`
	Contact        string        `json:"contact,omitempty"`
	Method         string        `json:"method,omitempty"`
	LengthSeconds  int64         `json:"lengthSeconds"` // what a refresh asks for
	kind                         // as the last token said
	Made           instant       `json:"made"`   // when it was logged in to
	Issued         instant       `json:"issued"` // when its present key was accepted
	Key            key           `json:"key"`
	Next           *key          `json:"next,omitempty"`
	Retiring       []retiringKey `json:"retiring,omitempty"`
	Token          []byte        `json:"token,omitempty"` // sealed
	// Unproven marks a key that the service accepted but for which we hold no token: it is refreshed at once.
	Unproven bool    `json:"unproven,omitempty"`
	Ended    *ending `json:"ended,omitempty"`
}

// kind is what a token says of the rights that a session has.
type kind struct {
	Type      string `json:"type,omitempty"`
	ProfileID string `json:"profileId,omitempty"`
	Scope     string `json:"scope,omitempty"`
}

func kindOf(s token.Session) kind { return kind{s.SessionType, s.SessionProfileID, s.Scope} }

// retiringKey was replaced by a refresh. It works on until it is revoked at Revoke.
type retiringKey struct {
	key
	Revoke instant `json:"revoke"`
}

// ending says why and when a session ended, and what became of its key at the service.
type ending struct {
	Reason  Reason  `json:"reason"`
	At      instant `json:"at"`
	Revoked bool    `json:"revoked,omitempty"`
	EndsAt  instant `json:"endsAt,omitempty"` // when an unrevoked key ends by itself
}

// pendingKey was made for a log-in that is not done.
type pendingKey struct {
	key
	Purpose string `json:"purpose"`
}

// attempt is a log-in under way. What its method needs to go on is sealed.
type attempt struct {
	ID             string  `json:"id"`
	Method         string  `json:"method"`
	Purpose        string  `json:"purpose,omitempty"`
	PublicKey      string  `json:"publicKey,omitempty"`
	OrganizationID string  `json:"organizationId,omitempty"` // where PublicKey may be registered
	KeyEnds        instant `json:"keyEnds,omitempty"`        // when it would end there; zero: it was never sent
	Made           instant `json:"made"`
	Expires        instant `json:"expires"`
	Sealed         []byte  `json:"sealed,omitempty"`
}

// leavingKey is to be deleted here, and before that, where OrganizationID is set, revoked at the service by itself.
type leavingKey struct {
	key
	Session        string `json:"session,omitempty"`
	OrganizationID string `json:"organizationId,omitempty"`
	UserID         string `json:"userId,omitempty"`
	// Unsure marks a key whose registration may still be on its way: that the service does not know it proves nothing,
	// and while its refresh runs it is left alone.
	Unsure bool `json:"unsure,omitempty"`
}

// laterRevoke is a public key without its private half, to be revoked by another session of its user.
type laterRevoke struct {
	PublicKey      string  `json:"publicKey"`
	OrganizationID string  `json:"organizationId"`
	UserID         string  `json:"userId,omitempty"`
	Ends           instant `json:"ends"` // by itself
}

// decode reads a state file. Errors: fault.StateTooNew, fault.StateCorrupt.
func decode(data []byte) (state, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return state{}, fault.New(fault.StateCorrupt, errors.New("not JSON")) // never the cause, which quotes the text
	}
	if head.Version > fileVersion {
		return state{}, fault.New(fault.StateTooNew, fmt.Errorf("version %d", head.Version))
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil || s.Version != fileVersion {
		return state{}, fault.New(fault.StateCorrupt, errors.New("not a state of this program"))
	}
	seen := map[string]bool{}
	for _, r := range s.Sessions {
		if r.ID == "" || seen[r.ID] || r.Key.PublicKey == "" || r.OrganizationID == "" {
			return state{}, fault.New(fault.StateCorrupt, errors.New("a session without an id, a key or an organization"))
		}
		seen[r.ID] = true
	}
	return s, nil
}

func (s state) encode() []byte {
	s.Version = fileVersion
	data, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		panic("session: " + err.Error()) // plain structs
	}
	return data
}

// same reports whether two states differ in nothing but the serial.
func (s state) same(t state) bool {
	s.Serial = t.Serial
	return bytes.Equal(s.encode(), t.encode())
}

// clone returns a copy that shares nothing which reduce changes.
func (s state) clone() state {
	s.Sessions = slices.Clone(s.Sessions)
	for i, r := range s.Sessions {
		if r.Next != nil {
			next := *r.Next
			r.Next = &next
		}
		if r.Ended != nil {
			ended := *r.Ended
			r.Ended = &ended
		}
		r.Retiring = slices.Clone(r.Retiring)
		s.Sessions[i] = r
	}
	s.Pending = slices.Clone(s.Pending)
	s.Attempts = slices.Clone(s.Attempts)
	s.Leaving = slices.Clone(s.Leaving)
	s.Later = slices.Clone(s.Later)
	return s
}

func (s *state) session(id string) *record {
	for i := range s.Sessions {
		if s.Sessions[i].ID == id {
			return &s.Sessions[i]
		}
	}
	return nil
}

func (s *state) attempt(id string) *attempt {
	for i := range s.Attempts {
		if s.Attempts[i].ID == id {
			return &s.Attempts[i]
		}
	}
	return nil
}

func (s *state) pending(publicKey string) *pendingKey {
	for i := range s.Pending {
		if s.Pending[i].PublicKey == publicKey {
			return &s.Pending[i]
		}
	}
	return nil
}

// names lists every public key that the state accounts for.
func (s state) names() []string {
	var names []string
	for _, r := range s.Sessions {
		if r.Ended == nil {
			names = append(names, r.Key.PublicKey)
		}
		if r.Next != nil {
			names = append(names, r.Next.PublicKey)
		}
		for _, k := range r.Retiring {
			names = append(names, k.PublicKey)
		}
	}
	for _, k := range s.Pending {
		names = append(names, k.PublicKey)
	}
	for _, k := range s.Leaving {
		names = append(names, k.PublicKey)
	}
	for _, k := range s.Later {
		names = append(names, k.PublicKey)
	}
	return names
}
