package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"

	"github.com/google/uuid"
)

// This file is about activities that are not done at once: those whose first answer says pending although they are,
// now and then, so that clients learn to ask again; and those that a fault keeps from being done.

// unfinished is what the first answer says of an activity when the next will say that it is completed.
func (a *activity) unfinished() *activity {
	first := *a
	first.Status, first.Result, first.Outcome = statusPending, "", nil
	return &first
}

// delays decides whether a's first answer says pending.
func (s *Sandbox) delays(a *activity) bool {
	return s.pendingRate > 0 && a.Status == statusCompleted && s.pending.Load().happens(s.pendingRate)
}

// held is an activity that a fault keeps pending. It stands on disk too, so that a pending activity outlives the fault
// that made it, and not the other way round.
type held struct {
	activity, org uuid.UUID
	path          string
}

func (h *held) install(s *state)   { s.held[h.activity] = h }
func (h *held) uninstall(s *state) { delete(s.held, h.activity) }

type heldOnDisk struct {
	Org  uuid.UUID `json:"org"`
	Path string    `json:"path"`
}

const bucketHeld = "held" // by the activity's id

func (h *held) row() row { return row{bucketHeld, h.activity[:], mustJSON(heldOnDisk{h.org, h.path})} }

func (s *state) readHeld(key, value []byte) (record, error) {
	var d heldOnDisk
	if err := json.Unmarshal(value, &d); err != nil {
		return nil, err
	}
	if len(key) != len(uuid.UUID{}) || s.orgs[d.Org] == nil {
		return nil, errors.New("what is held is no activity of an organization")
	}
	return &held{uuid.UUID(key), d.Org, d.Path}, nil
}

func (s *state) allHeld() iter.Seq[record] { return records(slices.Collect(maps.Values(s.held))) }

// force gives an activity, which is new and not done, the status that a fault has for it.
func (t *tx) force(a *activity) {
	a.Status = t.forced
	switch t.forced {
	case statusFailed:
		a.Failure = internal().failure()
	case statusPending:
		t.stage(&held{a.ID, a.Org, t.seen.Path})
	}
}

// goOn does the activities that a fault kept pending and that none keeps now.
func (s *Sandbox) goOn() error {
	st := s.state.Load()
	var waiting []*held
	st.reading(func() { waiting = slices.Collect(maps.Values(st.held)) })
	slices.SortFunc(waiting, func(a, b *held) int { return slices.Compare(a.activity[:], b.activity[:]) }) // as they came
	for _, h := range waiting {
		if s.faults.holds(h.path) {
			continue
		}
		if err := s.release(st, h); err != nil {
			return err
		}
	}
	return st.safe()
}

// release does one activity that was held, as the one who asked for it. That it cannot be done any more is its
// failure and no error.
func (s *Sandbox) release(st *state, h *held) error {
	a, err := st.history.find(h.org, h.activity)
	if err != nil {
		return err
	}
	c := &call{s: s, state: st, now: s.clock.now().UnixMilli(), header: http.Header{}, seen: &seenRequest{Path: h.path}}
	var k kind
	var in params
	failed := error(nil)
	if a != nil {
		st.reading(func() { failed = c.actFor(a) })
		k = kindOf(a.Type)
		if in, err = k.read(a.Parameters); err != nil {
			failed = err
		}
		if failed == nil {
			failed = guarded(func() error { return in.prepare(c) })
		}
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.over || st.held[h.activity] == nil {
		return nil
	}
	if a, err = st.history.find(h.org, h.activity); err != nil {
		return err
	}
	if a == nil || a.Status != statusPending { // somebody's vote came first
		st.commit([]record{gone{h}})
		return nil
	}
	next := *a
	next.Updated = c.now
	t := &tx{call: c}
	if failed == nil {
		failed = guarded(func() error { return t.attempt(&next, k, in) })
	}
	if failed != nil {
		refused, ok := asRefusal(failed)
		if !ok {
			s.log.Error("a pending activity failed", "type", a.Type, "err", failed)
			refused = internal()
		}
		t.staged = nil
		next.Status, next.Failure = statusFailed, refused.failure()
	}
	st.commit(append(append(t.always, t.staged...), &next, gone{h}))
	return nil
}

// attempt decides about an activity anew and does it when it may be done now.
func (t *tx) attempt(a *activity, k kind, in params) error {
	if err := t.stillKnown(); err != nil {
		return err
	}
	d := t.decide(a.Type, k, in, a.Votes)
	a.Votes = slices.Clone(a.Votes)
	last := &a.Votes[len(a.Votes)-1]
	last.Said, last.Wanted = d.evaluations, d.wanted
	switch d.verdict {
	case allowed:
		return t.complete(a, k, in)
	case waiting:
		a.Status = statusConsensus
	case rejected:
		a.Status = statusRejected
	case unproven:
		a.Status = statusAuthenticators
	default:
		return notAuthorized(d.evaluations)
	}
	return nil
}

// actFor makes c the call of whoever asked for a. The caller holds the lock.
func (c *call) actFor(a *activity) error {
	first := a.Votes[0]
	c.body, c.by = []byte(first.Message), voted{first}
	c.org = c.state.orgs[a.Org]
	if of := c.state.orgs[first.Org]; of != nil {
		c.user = of.user(first.User)
	}
	if c.org == nil || c.user == nil {
		return unknownKey(a.Org.String(), first.PublicKey)
	}
	return c.stillKnown()
}

// voted is what a request was stamped with, as its vote remembers it.
type voted struct{ v vote }

func (p voted) users(s *state) iter.Seq[*user] {
	return func(yield func(*user) bool) {
		if o := s.orgs[p.v.Org]; o != nil {
			if u := o.user(p.v.User); u != nil {
				yield(u)
			}
		}
	}
}

func (p voted) of(u *user) (used, bool) {
	if p.v.Method != "" {
		return used{token: true, method: p.v.Method, publicKey: p.v.PublicKey}, true
	}
	for _, k := range u.keys {
		if k.id == p.v.Credential {
			return used{kind: k.kind, id: k.id, publicKey: p.v.PublicKey, key: k}, true
		}
	}
	for _, a := range u.authenticators {
		if a.ID == p.v.Credential {
			return used{kind: credentialWebAuthn, id: a.ID, publicKey: p.v.PublicKey, passkey: a, credentialID: a.CredentialID}, true
		}
	}
	return used{}, false
}

func (voted) check(*call, used) error { return nil } // it was checked when it came

func (p voted) vote() (publicKey, signature, scheme string) {
	return p.v.PublicKey, p.v.Signature, p.v.Scheme
}

func (p voted) unknown(org string) *refusal { return unknownKey(org, p.v.PublicKey) }
func (p voted) shared(org string) *refusal  { return sharedKey(org, p.v.PublicKey) }

// guarded turns a panic of f into an error.
func guarded(f func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return f()
}
