package sandbox

import (
	"maps"
	"slices"
	"sync"

	"latchkey/internal/sandbox/policy"
)

// ballot is implemented by the activities that are votes on others. They are answered with the activity voted on, and
// leave no activity of their own.
type ballot interface {
	params
	target() (fingerprint string, approve bool)
}

// onActivity names the activity by its fingerprint.
type onActivity struct {
	Fingerprint string `json:"fingerprint" need:"text"`
	nobody
}

func (onActivity) run(*tx) (any, error) { panic("sandbox: a vote is no activity of its own") }

type approveActivity struct{ onActivity }

type rejectActivity struct{ onActivity }

func (in *approveActivity) target() (string, bool) { return in.Fingerprint, true }
func (in *rejectActivity) target() (string, bool)  { return in.Fingerprint, false }

// votesMax is how often a vote is tried again because others voted meanwhile.
const votesMax = 100

// castVote adds the caller's vote to an activity that waits, and runs it when that was the last one needed. A second
// vote by the same user adds nothing, and one on an activity that waits no more changes nothing.
func (c *call) castVote(on ballot) (*activity, error) {
	fingerprint, approve := on.target()
	var p print
	if err := p.UnmarshalText([]byte(fingerprint)); err != nil {
		return nil, noActivity()
	}
	for range votesMax {
		a, err := c.state.history.byBody(c.org.id, p)
		switch {
		case err != nil:
			return nil, err
		case a == nil:
			return nil, noActivity()
		}
		if next, done, err := c.voteOn(a, approve); done || err != nil {
			return next, err
		}
	}
	return nil, startedOver()
}

// voteOn votes on this version of an activity; done is false when there is a newer one.
func (c *call) voteOn(a *activity, approve bool) (_ *activity, done bool, err error) {
	if a.Status != statusConsensus && a.Status != statusPending && a.Status != statusAuthenticators {
		return a, true, nil
	}
	k := kindOf(a.Type)
	in, err := k.read(a.Parameters)
	if err != nil {
		return nil, false, err
	}
	// The activity runs as the one who asked for it, at the voter's time.
	asker := *c
	c.state.reading(func() {
		asker.org = c.state.orgs[a.Org]
		if org := c.state.orgs[a.Votes[0].Org]; org != nil {
			asker.user = org.user(a.Votes[0].User)
		} else {
			asker.user = nil
		}
		err = c.inElectorate(a)
	})
	if err != nil {
		return nil, false, err
	}
	switch {
	case asker.org == nil:
		return nil, false, noActivity()
	case asker.user == nil:
		return c.abandon(a)
	}
	failed := in.prepare(&asker) // a rejection too, for policies look at what it finds

	s := c.state
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil, false, startedOver()
	}
	if err := c.stillKnown(); err != nil {
		return nil, false, err
	}
	if now, err := s.history.byBody(a.Org, a.Fingerprint); err != nil || now == nil || len(now.Votes) != len(a.Votes) || now.Status != a.Status {
		return nil, false, err
	}
	if asker.user = asker.user.org.user(asker.user.id); asker.user == nil { // his newest version, as for any other caller
		return nil, false, noActivity()
	}
	cast := c.newVote(approve)
	t := &tx{call: &asker}
	next := *a
	next.Updated = c.now
	var d decision
	if slices.ContainsFunc(a.Votes, c.votedBefore) && !(approve && a.adds(cast)) {
		// A second word adds nothing, but the rules may be others by now: a lowered quorum lets it happen.
		if approve && a.Status == statusConsensus && !c.with.token && t.inScope(c.with, a.Type, k, in) {
			d = t.decide(a.Type, k, in, a.Votes)
		}
		if d.verdict != allowed || slices.ContainsFunc(a.Votes, c.rejectedBefore) {
			return a, true, nil
		}
	} else {
		if c.with.token && !a.adds(cast) {
			if told := t.context(a.Type, k, in); c.user.mfaPolicyFor(&told, new(policy.Budget)) == nil {
				return nil, false, noStamp(true) // a token is one factor among others, and no approval by itself
			}
		}
		if !t.inScope(c.with, a.Type, k, in) {
			return nil, false, notAuthorized(nil)
		}
		next.Votes = append(slices.Clone(a.Votes), cast)
		d = t.decide(a.Type, k, in, next.Votes)
		next.Votes[len(a.Votes)].Said, next.Votes[len(a.Votes)].Wanted = d.evaluations, d.wanted
	}
	switch d.verdict {
	case allowed:
		if failed == nil {
			failed = t.complete(&next, k, in)
		}
		if failed != nil {
			t.staged = nil
			refused, ok := asRefusal(failed)
			if !ok {
				return nil, false, failed
			}
			next.Status, next.Failure = statusFailed, refused.failure()
		}
	case rejected:
		next.Status = statusRejected
	case denied: // by a policy that came meanwhile, or because what it is about is gone
		refused, ok := asRefusal(failed)
		if !ok {
			refused = notAuthorized(d.evaluations)
		}
		next.Status, next.Failure = statusFailed, refused.failure()
	case waiting:
		next.Status = statusConsensus
	case unproven:
		next.Status = statusAuthenticators
	}
	s.commit(append(append(t.always, t.staged...), &next))
	return &next, true, nil
}

// abandon ends an activity whose asker was deleted: nobody is left as whom it could run. done is false when there is a
// newer version.
func (c *call) abandon(a *activity) (_ *activity, done bool, err error) {
	s := c.state
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil, false, startedOver()
	}
	if now, err := s.history.byBody(a.Org, a.Fingerprint); err != nil || now == nil || len(now.Votes) != len(a.Votes) || now.Status != a.Status {
		return nil, false, err
	}
	next := *a
	next.Status, next.Updated = statusFailed, c.now
	next.Failure = notFound("no user found with the given ID", "userId", a.Votes[0].User.String()).failure()
	s.commit([]record{&next})
	return &next, true, nil
}

// votedBefore reports whether v is the caller's and still counts.
func (c *call) votedBefore(v vote) bool {
	return v.User == c.user.id && (v.Rejected || c.now-v.Created < approvalLife)
}

// rejectedBefore reports whether v is the caller's and says no.
func (c *call) rejectedBefore(v vote) bool { return v.User == c.user.id && v.Rejected }

// inElectorate says whether the caller has a say: the organization that the first voter is of decides, and in it those
// whose word has weight. The caller holds the lock.
func (c *call) inElectorate(a *activity) error {
	if voters := a.Votes[0].Org; c.user.org.id != voters {
		name := ""
		if org := c.state.orgs[voters]; org != nil {
			name = org.name
		}
		return wrongOrganization(name, c.user.org.name)
	}
	if c.with.token && len(c.user.mfaPolicies()) == 0 {
		return noStamp(true) // see voteOn
	}
	if slices.ContainsFunc(a.Votes, c.votedBefore) {
		return nil
	}
	// Until the one who asked has proven who he is, nobody else is asked.
	if a.lacks(a.Votes[0].User) != nil && a.Votes[0].User != c.user.id || !c.mayVote(a, c.user) {
		return notAuthorized(nil)
	}
	return nil
}

// statusAuthenticators is of activities that wait for a second factor.
const statusAuthenticators = "ACTIVITY_STATUS_AUTHENTICATORS_NEEDED"

// kindOf returns the kind of a type of activity that was done once.
func kindOf(name string) kind {
	if k, ok := kinds()[name]; ok && k.read != nil {
		return k
	}
	return kind{read: func([]byte) (params, error) { return nil, unimplemented(name) }}
}

// kinds are those of all paths, by type.
var kinds = sync.OnceValue(func() map[string]kind {
	all := map[string]kind{}
	for _, e := range endpoints() {
		if submit, ok := e.(submitOf); ok {
			maps.Copy(all, submit)
		}
	}
	return all
})
