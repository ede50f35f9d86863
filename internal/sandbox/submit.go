package sandbox

import (
	"crypto/sha256"
	"encoding/json"
	"strconv"
	"time"
)

// envelope is the body of every submission.
type envelope struct {
	Type              string          `json:"type" need:"text"`
	TimestampMs       numeral         `json:"timestampMs" need:"text"`
	OrganizationID    *string         `json:"organizationId" need:"yes"`
	Parameters        json.RawMessage `json:"parameters" need:"yes"`
	GenerateAppProofs *bool           `json:"generateAppProofs"`
}

// Statuses of activities.
const (
	statusCompleted = "ACTIVITY_STATUS_COMPLETED"
	statusConsensus = "ACTIVITY_STATUS_CONSENSUS_NEEDED"
	statusRejected  = "ACTIVITY_STATUS_REJECTED"
	statusFailed    = "ACTIVITY_STATUS_FAILED"
	statusPending   = "ACTIVITY_STATUS_PENDING"
)

// serve does one submission: read, authenticate, look at the time, find what the same bytes did before, check rights,
// and only then do it.
func (e submitOf) serve(c *call) (any, error) {
	var env envelope
	if err := decode(c.body, &env); err != nil {
		return nil, err
	}
	c.seen.ActivityType = clip(env.Type)
	k, ok := e[env.Type]
	switch {
	case !ok:
		return nil, badBody("type: not an activity of this path")
	case k.read == nil:
		return nil, unimplemented(env.Type)
	}
	in, err := k.read(env.Parameters)
	if err != nil {
		return nil, err
	}
	if err := c.authenticate(*env.OrganizationID, true); err != nil {
		return nil, err
	}
	if err := c.inWindow(env.TimestampMs); err != nil {
		return nil, err
	}
	if err := c.fitsRecovery(k); err != nil {
		return nil, err
	}
	if on, ok := in.(ballot); ok {
		return c.answer(c.castVote(on))
	}
	body := print(sha256.Sum256(c.body))
	if a, err := c.state.history.byBody(c.org.id, body); err != nil || a != nil {
		return c.answer(a, err)
	}
	if err := k.allows(c); err != nil {
		return nil, err
	}
	if err := in.prepare(c); err != nil {
		return nil, err
	}
	a, err := c.execute(env.Type, k, in, body)
	if err == nil && c.s.delays(a) {
		a = a.unfinished()
	}
	return c.answer(a, err)
}

// The window within which a request's own time must lie, in ms.
const (
	oldest = int64(time.Hour / time.Millisecond)
	newest = int64(5 * time.Minute / time.Millisecond)
)

// inWindow checks the time that a request says it was made.
func (c *call) inWindow(timestampMs numeral) error {
	ms, ok := timestampMs.int64()
	if !ok {
		return badBody("timestampMs: want an integer")
	}
	if age := c.now - ms; age >= oldest || age < -newest {
		return badTime(strconv.FormatInt(ms, 10), strconv.FormatInt(c.now, 10))
	}
	return nil
}

// execute decides about the activity, runs it when it may run now, and records it, all under the write lock, so that
// equal bytes are done once and a key that was deleted meanwhile does nothing.
func (c *call) execute(name string, k kind, in params, body print) (*activity, error) {
	s := c.state
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil, startedOver()
	}
	if err := c.stillKnown(); err != nil {
		return nil, err
	}
	if a, err := s.history.byBody(c.org.id, body); err != nil || a != nil {
		return a, err
	}
	intent, err := encode(in)
	if err != nil {
		return nil, err
	}
	a := &activity{
		ID: s.history.nextID(c.now, s.choices), Org: c.org.id, Type: name,
		Intent: k.intent, Parameters: intent, Fingerprint: body, Created: c.now, Votes: []vote{c.newVote(true)},
	}
	t := &tx{call: c}
	d := decision{verdict: denied}
	if t.inScope(c.with, name, k, in) {
		d = t.decide(name, k, in, a.Votes)
	}
	a.Votes[0].Said, a.Votes[0].Wanted = d.evaluations, d.wanted
	switch {
	case d.verdict == denied:
		refused := notAuthorized(d.evaluations)
		a.Status, a.Failure, a.Denied = statusFailed, refused.failure(), true
		s.commit([]record{a, s.history.newestID()})
		return nil, refused
	case c.forced != "": // by a fault: nothing happens
		t.force(a)
	case d.verdict == waiting:
		a.Status = statusConsensus
	case d.verdict == unproven:
		a.Status = statusAuthenticators
	default:
		if err := t.complete(a, k, in); err != nil {
			s.commit(t.always)
			return nil, err
		}
	}
	s.commit(append(append(t.always, t.staged...), a, printed{a}, s.history.newestID()))
	return a, nil
}

// complete runs the activity, which is not installed yet, and notes its outcome.
func (t *tx) complete(a *activity, k kind, in params) error {
	result, err := in.run(t)
	if err != nil {
		return err
	}
	if a.Outcome, err = encode(result); err != nil {
		return err
	}
	a.Result, a.Status = k.result, statusCompleted
	return nil
}

// newVote is the caller's word on an activity.
func (c *call) newVote(approved bool) vote {
	v := vote{ID: c.state.choices.id(), Org: c.user.org.id, User: c.user.id, Message: string(c.body), Created: c.now,
		Rejected: !approved, Credential: c.with.id, Kind: c.with.kind.String(), CredentialID: c.with.credentialID, Method: c.with.method}
	if c.with.token {
		v.Kind = ""
	}
	if c.with.key != nil {
		v.Profile = c.with.key.profile
	}
	v.PublicKey, v.Signature, v.Scheme = c.by.vote()
	return v
}

// answer waits until everything that a says is on disk, and puts it in the envelope. After an error it waits too: a
// wrong guess that was counted must not be forgotten.
func (c *call) answer(a *activity, err error) (any, error) {
	var view activityView
	version := c.state.reading(func() {
		if a != nil {
			view = c.view(a)
		}
	})
	if flushErr := c.state.disk.flush(version); flushErr != nil {
		return nil, flushErr
	}
	if err != nil {
		return nil, err
	}
	return struct {
		Activity activityView `json:"activity"`
	}{view}, nil
}

// isoTime is for texts that people read.
func isoTime(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
