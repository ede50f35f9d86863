package sandbox

import (
	"crypto/sha256"
	"encoding/json"
	"strconv"
	"time"

	"github.com/google/uuid"
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
	return c.answer(c.execute(env.Type, k, in, body))
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

// allows checks who may do k at all; the quorum comes later.
func (k kind) allows(c *call) error {
	switch {
	case c.onBehalf() && k.rights&byParent == 0:
		return wrongOrganization(c.org.name, c.user.org.name)
	case k.rights&inParent != 0 && c.org.parent != nil:
		return parentOnly()
	}
	return nil
}

// execute runs the activity and records it, all under the write lock, so that equal bytes are done once and a key that
// was deleted meanwhile does nothing.
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
		ID: s.history.nextID(c.now, s.choices), Org: c.org.id, Type: name, Status: statusCompleted,
		Intent: k.intent, Parameters: intent, Fingerprint: body, Created: c.now,
		Votes: []vote{{ID: s.choices.id(), Org: c.user.org.id, User: c.user.id, Message: string(c.body),
			PublicKey: c.stamp.PublicKey, Signature: c.stamp.Signature, Scheme: c.stamp.Scheme, Created: c.now}},
	}
	t := &tx{call: c}
	if c.org.threshold > 1 && !c.onBehalf() && !k.isOwn(c, in) {
		a.Status = statusConsensus
	} else {
		result, err := in.run(t)
		if err != nil {
			s.commit(t.always)
			return nil, err
		}
		if a.Outcome, err = encode(result); err != nil {
			return nil, err
		}
		a.Result = k.result
	}
	s.commit(append(append(t.always, t.staged...), a, printed{a}))
	return a, nil
}

// stillKnown repeats the last step of authenticate under the write lock: c.user may be an old version by now, and the
// key may be gone. The caller holds the lock.
func (c *call) stillKnown() error {
	u := c.user.org.user(c.user.id)
	if u == nil || u.with(c.point) == nil {
		return unknownKey(c.org.id.String(), c.stamp.PublicKey)
	}
	c.user = u
	return nil
}

// own is implemented by parameters that may be about a user's own credentials.
type own interface{ about(c *call) uuid.UUID }

// isOwn reports whether the activity is about nobody's credentials but the caller's.
func (k kind) isOwn(c *call, in params) bool {
	o, ok := in.(own)
	return k.rights&ofOneself != 0 && (!ok || o.about(c) == c.user.id)
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
