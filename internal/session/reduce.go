package session

import (
	"fmt"
	"slices"

	"latchkey/internal/fault"
)

// event is something that happened, or that this program decided to do. apply changes a state that nobody else holds.
type event interface {
	apply(s *state, now instant) error
}

// reduce returns what becomes of s. It is pure: s stays as it was. Errors: NotFound when the event speaks of something
// that is not there, Conflict when it is not as the event assumes.
func reduce(s state, e event, now instant) (state, error) {
	s = s.clone()
	if err := e.apply(&s, now); err != nil {
		return state{}, err
	}
	return s, nil
}

// keyNamed: a key for a log-in is about to be made.
type keyNamed struct {
	publicKey, backend, purpose string
}

func (e keyNamed) apply(s *state, now instant) error {
	s.Pending = append(s.Pending, pendingKey{key{e.publicKey, e.backend, now, now.add(pendingLife)}, e.purpose})
	return nil
}

// keyUnmade: the key that keyNamed announced could not be made, or is not wanted. What may be stored is deleted.
type keyUnmade struct{ publicKey string }

func (e keyUnmade) apply(s *state, _ instant) error {
	s.Pending = slices.DeleteFunc(s.Pending, func(k pendingKey) bool {
		if k.PublicKey == e.publicKey {
			s.leave(k.key, "")
		}
		return k.PublicKey == e.publicKey
	})
	return nil
}

// attemptPut: a log-in began or went on. Its former key, if it had another, leaves.
type attemptPut struct{ attempt attempt }

func (e attemptPut) apply(s *state, now instant) error {
	next := e.attempt
	if next.Expires == 0 {
		next.Expires = now.add(pendingLife)
	}
	if k := s.pending(next.PublicKey); next.PublicKey != "" && k == nil {
		return fmt.Errorf("attempt %q: its key is not pending: %w", next.ID, fault.Conflict)
	} else if k != nil {
		k.Expires = max(k.Expires, next.Expires)
	}
	before := s.attempt(next.ID)
	if before == nil {
		next.Made = now
		s.Attempts = append(s.Attempts, next)
		return nil
	}
	next.Made = before.Made
	if before.PublicKey != next.PublicKey {
		s.releaseKey(*before, now)
	}
	*before = next
	return nil
}

// attemptDropped: a log-in was cancelled or is over.
type attemptDropped struct{ id string }

func (e attemptDropped) apply(s *state, now instant) error {
	a := s.attempt(e.id)
	if a == nil {
		return fault.New(fault.AttemptOver, nil)
	}
	s.releaseKey(*a, now)
	s.Attempts = slices.DeleteFunc(s.Attempts, func(a attempt) bool { return a.ID == e.id })
	return nil
}

// stored: a log-in succeeded. Its key becomes the session's in the same step.
type stored struct {
	record  record
	attempt string // which is over with this; may be ""
	active  bool   // make it the active one
	replace string // id of a session that this one replaces; may be ""
}

func (e stored) apply(s *state, now instant) error {
	r := e.record
	k := s.pending(r.Key.PublicKey)
	if k == nil {
		return fmt.Errorf("key %q is not pending: %w", r.Key.PublicKey, fault.New(fault.AttemptOver, nil))
	}
	if s.session(r.ID) != nil {
		return fmt.Errorf("session %q exists: %w", r.ID, fault.Conflict)
	}
	expires := r.Key.Expires
	r.Key = k.key
	r.Key.Expires, r.Made, r.Issued = expires, now, now
	s.Pending = slices.DeleteFunc(s.Pending, func(k pendingKey) bool { return k.PublicKey == r.Key.PublicKey })
	s.Attempts = slices.DeleteFunc(s.Attempts, func(a attempt) bool { return a.ID == e.attempt || a.PublicKey == r.Key.PublicKey })
	if old := s.session(e.replace); old != nil && old.Ended == nil {
		s.end(old, Replaced, now)
	}
	// What a person would be told of the same user's earlier session is no longer news, nor is what might have become
	// of it.
	for i := range s.Sessions {
		old := &s.Sessions[i]
		if old.standing(now) == unsure && old.OrganizationID == r.OrganizationID && old.UserID == r.UserID {
			s.end(old, Replaced, now)
		}
	}
	s.Sessions = slices.DeleteFunc(s.Sessions, func(old record) bool {
		return old.Ended != nil && old.OrganizationID == r.OrganizationID && old.UserID == r.UserID
	})
	r.Label = s.freeLabel(r.Label)
	s.Sessions = append(s.Sessions, r)
	if e.active {
		s.Active = r.ID
	}
	if s.session(s.Active) == nil {
		s.Active = ""
	}
	return nil
}

// nextNamed: the key that is to replace current is about to be made.
type nextNamed struct{ id, current, publicKey, backend string }

func (e nextNamed) apply(s *state, now instant) error {
	r, err := s.live(e.id)
	if err != nil {
		return err
	}
	if r.Key.PublicKey != e.current || r.Next != nil {
		return fmt.Errorf("session %q is being refreshed by another: %w", e.id, fault.Conflict)
	}
	// The service will let it live this long from when it is asked, which is not before now.
	r.Next = &key{e.publicKey, e.backend, now, now.add(min(r.life(), r.length()))}
	return nil
}

// nextDropped: the next key will not be used. registered says that the service may know it, and unsure that it may yet
// come to know it.
type nextDropped struct {
	id, publicKey      string
	registered, unsure bool
}

func (e nextDropped) apply(s *state, now instant) error {
	r := s.session(e.id)
	if r == nil || r.Next == nil || r.Next.PublicKey != e.publicKey {
		return nil // it left with its session
	}
	if e.registered {
		s.leaveRevoked(r, *r.Next, now, e.unsure)
	} else {
		s.leave(*r.Next, r.ID)
	}
	r.Next = nil
	return nil
}

// nextAdopted: the service accepts the next key, whose token was lost.
type nextAdopted struct{ id, publicKey string }

func (e nextAdopted) apply(s *state, now instant) error {
	r, err := s.withNext(e.id, e.publicKey)
	if err != nil {
		return err
	}
	s.retire(r, now)
	r.Key, r.Next, r.Issued = *r.Next, nil, r.Next.Made
	r.Token, r.Unproven = nil, true
	return nil
}

// swapped: the token for the next key came and was verified. This is the one step from old to new.
type swapped struct {
	id, publicKey string
	expires       instant
	token         []byte // sealed; nil when it could not be
	kind          kind
}

func (e swapped) apply(s *state, now instant) error {
	r, err := s.withNext(e.id, e.publicKey)
	if err != nil {
		return err
	}
	s.retire(r, now)
	r.Key, r.Next, r.Issued = *r.Next, nil, now
	r.Key.Expires = e.expires
	r.Token, r.Unproven = e.token, false
	r.kind = e.kind
	return nil
}

// keyRevoked: the service no longer knows a key, neither a retiring one nor one on the list for later.
type keyRevoked struct{ publicKey string }

func (e keyRevoked) apply(s *state, _ instant) error {
	for i := range s.Sessions {
		r := &s.Sessions[i]
		r.Retiring = slices.DeleteFunc(r.Retiring, func(k retiringKey) bool {
			if k.PublicKey == e.publicKey {
				s.leave(k.key, r.ID)
			}
			return k.PublicKey == e.publicKey
		})
	}
	s.Later = slices.DeleteFunc(s.Later, func(k laterRevoke) bool { return k.PublicKey == e.publicKey })
	for i := range s.Sessions {
		if r := &s.Sessions[i]; r.Ended != nil && r.Key.PublicKey == e.publicKey {
			r.Ended.Revoked = true
		}
	}
	return nil
}

// refused: the service no longer knows the session's key. Where a next key may live, that one decides.
type refused struct {
	id, publicKey string
	reason        Reason
}

func (e refused) apply(s *state, now instant) error {
	r, err := s.live(e.id)
	if err != nil {
		return err
	}
	if r.Key.PublicKey != e.publicKey {
		return nil // it was replaced meanwhile; what the service said is about the past
	}
	r.Key.Expires = min(r.Key.Expires, now)
	if r.standing(now) == over {
		s.end(r, e.reason, now)
	}
	return nil
}

// loggedOut: the user ends the session.
type loggedOut struct{ id string }

func (e loggedOut) apply(s *state, now instant) error {
	r, err := s.live(e.id)
	if err != nil {
		return err
	}
	s.end(r, LoggedOut, now)
	return nil
}

// departed: a leaving key is gone here. revoked says that the service no longer knows it either.
type departed struct {
	publicKey string
	revoked   bool
}

func (e departed) apply(s *state, now instant) error {
	for _, k := range s.Leaving {
		if k.PublicKey == e.publicKey && k.OrganizationID != "" && !e.revoked && k.Expires > now {
			s.Later = append(s.Later, laterRevoke{k.PublicKey, k.OrganizationID, k.UserID, k.Expires})
		}
	}
	if e.revoked { // another process may have struck it out meanwhile, without knowing this
		s.Later = slices.DeleteFunc(s.Later, func(k laterRevoke) bool { return k.PublicKey == e.publicKey })
		for i := range s.Sessions {
			if r := &s.Sessions[i]; r.Ended != nil && r.Key.PublicKey == e.publicKey {
				r.Ended.Revoked = true
			}
		}
	}
	s.Leaving = slices.DeleteFunc(s.Leaving, func(k leavingKey) bool { return k.PublicKey == e.publicKey })
	return nil
}

// keyLost: the store that held the session's key ended with its process.
type keyLost struct{ id, publicKey string }

func (e keyLost) apply(s *state, now instant) error {
	r, err := s.live(e.id)
	if err != nil || r.Key.PublicKey != e.publicKey {
		return err
	}
	s.end(r, Startup, now)
	return nil
}

// selected: the user turned to another session.
type selected struct{ id string }

func (e selected) apply(s *state, _ instant) error {
	if _, err := s.live(e.id); err != nil {
		return err
	}
	s.Active = e.id
	return nil
}

// dismissed: the user has read that the session ended. That a next key might still bring it back no longer matters.
type dismissed struct{ id string }

func (e dismissed) apply(s *state, now instant) error {
	r := s.session(e.id)
	if r == nil || r.standing(now) == good {
		return nil
	}
	if r.Ended == nil {
		s.end(r, Clock, now)
	}
	s.Sessions = slices.DeleteFunc(s.Sessions, func(r record) bool { return r.ID == e.id })
	if s.Active == e.id {
		s.Active = ""
	}
	return nil
}

// passed: time went by. What was over before this process opened the state ended for that reason.
type passed struct{ opened instant }

func (e passed) apply(s *state, now instant) error {
	for i := range s.Sessions {
		r := &s.Sessions[i]
		if r.Ended == nil && r.standing(now) == over {
			reason := Clock
			if r.Key.Expires <= e.opened {
				reason = Startup
			}
			s.end(r, reason, now)
		}
		r.Retiring = slices.DeleteFunc(r.Retiring, func(k retiringKey) bool {
			if k.Expires <= now {
				s.leave(k.key, r.ID)
			}
			return k.Expires <= now
		})
	}
	s.Attempts = slices.DeleteFunc(s.Attempts, func(a attempt) bool {
		if a.Expires <= now {
			s.releaseKey(a, now)
		}
		return a.Expires <= now
	})
	s.Pending = slices.DeleteFunc(s.Pending, func(k pendingKey) bool {
		if k.Expires <= now {
			s.leave(k.key, "")
		}
		return k.Expires <= now
	})
	s.Later = slices.DeleteFunc(s.Later, func(k laterRevoke) bool { return k.Ends <= now })
	s.forgetEnded(now)
	return nil
}
