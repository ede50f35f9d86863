package session

import (
	"slices"
	"time"

	"latchkey/internal/fault"
)

// end ends r: no token, no key. What the service may still know is revoked on its way out.
func (s *state) end(r *record, reason Reason, now instant) {
	r.Ended = &ending{Reason: reason, At: now, EndsAt: r.Key.Expires}
	r.Token, r.Unproven = nil, false
	s.leaveRevoked(r, r.Key, now, false)
	for _, k := range r.Retiring {
		s.leaveRevoked(r, k.key, now, false)
	}
	if r.Next != nil {
		s.leaveRevoked(r, *r.Next, now, true)
	}
	r.Next, r.Retiring = nil, nil
}

// retire lets r's key work on for a while after another took its place. One that is over leaves.
func (s *state) retire(r *record, now instant) {
	if r.Key.Expires <= now {
		s.leave(r.Key, r.ID)
		return
	}
	r.Retiring = append(r.Retiring, retiringKey{r.Key, now.add(retireGrace)})
}

// leave lists k for deletion here; the service does not know it.
func (s *state) leave(k key, session string) {
	s.Leaving = append(s.Leaving, leavingKey{key: k, Session: session})
}

// leaveRevoked lists k for deletion here, and for revocation if the service may still know it.
func (s *state) leaveRevoked(r *record, k key, now instant, unsure bool) {
	l := leavingKey{key: k, Session: r.ID}
	if k.Expires > now {
		l.OrganizationID, l.UserID, l.Unsure = r.OrganizationID, r.UserID, unsure
	}
	s.Leaving = append(s.Leaving, l)
}

// releaseKey lets the pending key of an attempt leave. If a log-in with it was sent, the service may know it.
func (s *state) releaseKey(a attempt, now instant) {
	s.Pending = slices.DeleteFunc(s.Pending, func(k pendingKey) bool {
		if a.PublicKey == "" || k.PublicKey != a.PublicKey {
			return false
		}
		l := leavingKey{key: k.key}
		if a.KeyEnds > now && a.OrganizationID != "" {
			l.Expires, l.OrganizationID, l.Unsure = a.KeyEnds, a.OrganizationID, true
		}
		s.Leaving = append(s.Leaving, l)
		return true
	})
}

// forgetEnded drops what nobody will ask for again.
func (s *state) forgetEnded(now instant) {
	ended := 0
	for i := len(s.Sessions) - 1; i >= 0; i-- {
		r := s.Sessions[i]
		if r.Ended == nil {
			continue
		}
		ended++
		if now.sub(r.Ended.At) > endedLife || ended > endedMost {
			s.Sessions = slices.Delete(s.Sessions, i, i+1)
			if s.Active == r.ID {
				s.Active = ""
			}
		}
	}
}

// live returns the session called id, which must not have ended.
func (s *state) live(id string) (*record, error) {
	r := s.session(id)
	if r == nil {
		return nil, fault.New(fault.SessionNone, nil)
	}
	if r.Ended != nil {
		return nil, r.Ended.Reason.fault()
	}
	return r, nil
}

// withNext returns the live session called id, whose next key must be publicKey.
func (s *state) withNext(id, publicKey string) (*record, error) {
	r, err := s.live(id)
	if err != nil {
		return nil, err
	}
	if r.Next == nil || r.Next.PublicKey != publicKey {
		return nil, fault.Conflict
	}
	return r, nil
}

// length is what a refresh asks for.
func (r record) length() time.Duration { return time.Duration(r.LengthSeconds) * time.Second }
