package client

import (
	"context"
	"errors"

	"latchkey/internal/approve"
	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/session"
	"latchkey/internal/turnkey"
)

// What approval speaks in, for those who ask a person and must not decide.
type (
	Question = approve.Question
	Answer   = approve.Answer
	Rule     = approve.Rule
)

// The ways in which a person consents, and what rules are about.
const (
	Typed        = approve.Typed
	Flag         = approve.Flag
	RuleTransfer = approve.Transfers
	RuleMessage  = approve.Messages
	RuleActivity = approve.Activity
)

// gate is where a person is asked, one request after the other.
type gate struct {
	person func(ctx context.Context, q Question) (Answer, error) // nil: nobody
	turn   chan struct{}                                         // holds one while somebody is asked
}

// The verdicts that stand in the journal besides "rule" and the rule's id, and the ways in which a person consented.
const (
	verdictFree      = "free"      // by its class
	verdictOwn       = "own"       // a session refreshes, revokes or looks after itself, or a log-in asks for one
	verdictNobody    = "nobody"    // must be asked, and nobody can be
	verdictRefused   = "refused"   // the person said no
	verdictLate      = "late"      // the answer came when it counted no more
	verdictUnclear   = "unclear"   // it cannot be shown truthfully
	verdictCancelled = "cancelled" // whoever wanted it turned away before the answer
	verdictUnasked   = "unasked"   // asking failed
)

// refusal reports whether a verdict kept a request from being stamped.
func refusal(verdict string) bool {
	switch verdict {
	case verdictNobody, verdictRefused, verdictLate, verdictUnclear, verdictCancelled, verdictUnasked:
		return true
	}
	return false
}

// approve decides whether a request may be stamped, and asks a person where it must. What the program does for its own
// sessions is known by its context, which no request can make, and not by what it looks like.
//
// Errors: fault.ApprovalNeeded, fault.ApprovalRefused, fault.ApprovalLate, fault.ApprovalUnclear; fault.Cancel when ctx
// ends; those of whoever asks.
func (c *Client) approve(ctx context.Context, r *running, q turnkey.Request) (verdict string, err error) {
	if _, own := ctx.Value(sessionKey{}).(session.Session); own || login.Own(ctx) {
		return verdictOwn, nil
	}
	active, held := ctx.Value(heldKey{}).(session.Session)
	if !held {
		active, _ = r.sessions.Active() // without one nothing is stamped
	}
	asked := approve.Request{Path: q.Path, Body: q.Body, Session: active.ID}
	v := approve.Decide(asked, nil, c.now())
	if v.Outcome == approve.MustAsk && v.Summary.Class == approve.Ask {
		v = approve.Decide(asked, c.rules(ctx), c.now())
	}
	switch v.Outcome {
	case approve.Allowed:
		return verdictFree, nil
	case approve.ByRule:
		return "rule " + v.Rule, nil
	case approve.Refused:
		return verdictUnclear, v.Err
	case approve.MustAsk:
	}
	verdict, err = c.ask(ctx, v.Summary)
	if now, _ := r.sessions.Active(); err == nil && now.ID != active.ID {
		return verdictLate, fault.New(fault.ApprovalLate, errors.New("another session became active while the request was shown"))
	}
	return verdict, err
}

// ask puts one question to the person, when all before it are answered.
func (c *Client) ask(ctx context.Context, s approve.Summary) (verdict string, err error) {
	if c.gate.person == nil {
		return verdictNobody, fault.New(fault.ApprovalNeeded, nil)
	}
	select {
	case c.gate.turn <- struct{}{}:
		defer func() { <-c.gate.turn }()
	case <-ctx.Done():
		return verdictCancelled, fault.New(fault.Cancel, ctx.Err())
	}
	limited, cancel := context.WithTimeout(ctx, approve.Patience)
	defer cancel()
	q := approve.Question{Summary: s, Asked: c.now()}
	a, err := c.gate.person(limited, q)
	yes, late := q.Counts(a, c.now())
	switch {
	case ctx.Err() != nil:
		return verdictCancelled, fault.New(fault.Cancel, ctx.Err())
	case late, limited.Err() != nil:
		return verdictLate, fault.New(fault.ApprovalLate, nil)
	case fault.CodeOf(err) == fault.ApprovalNeeded:
		return verdictNobody, err
	case errors.Is(err, fault.Cancelled):
		return verdictCancelled, err
	case err != nil:
		return verdictUnasked, err
	case !yes:
		return verdictRefused, fault.New(fault.ApprovalRefused, nil)
	}
	return string(a.By), nil
}
