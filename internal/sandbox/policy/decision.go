package policy

import "slices"

// Effect is what a policy does where it applies.
type Effect string

// The effects.
const (
	Allow Effect = "EFFECT_ALLOW"
	Deny  Effect = "EFFECT_DENY"
)

// Outcome is what one policy says of one request.
type Outcome string

// The outcomes. The folded decision uses the first five; rejection and second factors are told by those who see them.
const (
	OutcomeAllow          Outcome = "OUTCOME_ALLOW"
	OutcomeDenyExplicit   Outcome = "OUTCOME_DENY_EXPLICIT"
	OutcomeDenyImplicit   Outcome = "OUTCOME_DENY_IMPLICIT"
	OutcomeConsensus      Outcome = "OUTCOME_REQUIRES_CONSENSUS"
	OutcomeTimeInactive   Outcome = "OUTCOME_TIME_INACTIVE"
	OutcomeError          Outcome = "OUTCOME_ERROR"
	OutcomeRejected       Outcome = "OUTCOME_REJECTED"
	OutcomeAuthenticators Outcome = "OUTCOME_REQUIRES_AUTHENTICATORS"
)

// Policy is a policy whose expressions have been checked.
type Policy struct {
	ID                         string
	Effect                     Effect
	Consensus, Condition, Time *Expression
}

// Voter is a user with credentials: those that stamped the approval, or those that could.
type Voter struct {
	User        User
	Credentials []Credential
}

// Quorum is how many of which users may do everything. Users are ids.
type Quorum struct {
	Threshold int
	Users     []string
}

// Request is what policies decide about.
type Request struct {
	Context  Context // its approvers and credentials are ignored, Approved says them
	Approved []Voter // whose approvals are valid, in the order of their votes
	Others   []Voter // everybody else who could still approve
	Root     Quorum
	RootOnly bool // nothing but the root quorum may allow it
	BuiltIn  bool // allowed where no policy says otherwise
}

// Verdict is the decision about a request.
type Verdict uint8

// The verdicts, in no order of rank.
const (
	Denied           Verdict = iota // nothing allows it
	DeniedExplicitly                // a policy denies it
	Pending                         // approvals of other users can allow it
	Allowed
)

// Evaluation is the outcome of one policy.
type Evaluation struct {
	PolicyID string
	Outcome  Outcome
}

// Decision is a verdict and, if policies were consulted, the outcome of each in their order.
type Decision struct {
	Verdict     Verdict
	Evaluations []Evaluation
}

// Bounds of one decision over all its policies, in steps. Policies beyond the first are errors; the second is for finding
// out who else could approve, the third for finding out whether one user could.
const (
	maxDecision = 2 * maxSteps
	maxSearch   = maxSteps
	maxMayVote  = maxSteps / 10
)

// Decide folds all policies into one decision: the root quorum allows everything and asks no policy; else a policy that
// denies beats one that allows, that beats what is built in, that beats waiting for more approvals.
func Decide(policies []Policy, r Request) Decision {
	if r.Root.Reached(r.Approved) {
		return Decision{Verdict: Allowed}
	}
	waiting := r.Root.count(r.Approved) > 0 && len(r.Root.Users) >= r.Root.Threshold
	if r.RootOnly {
		if waiting {
			return Decision{Verdict: Pending}
		}
		return Decision{}
	}
	d := Decision{Evaluations: make([]Evaluation, 0, len(policies))}
	denied, allowed := false, false
	steps, search := maxDecision, maxSearch
	for _, p := range policies {
		o := outcome(p, r, &steps, &search)
		d.Evaluations = append(d.Evaluations, Evaluation{p.ID, o})
		denied = denied || o == OutcomeDenyExplicit
		allowed = allowed || o == OutcomeAllow
		waiting = waiting || o == OutcomeConsensus
	}
	switch {
	case denied:
		d.Verdict = DeniedExplicitly
	case allowed, r.BuiltIn:
		d.Verdict = Allowed
	case waiting:
		d.Verdict = Pending
	}
	return d
}

// Reached reports whether enough of the voters belong to the quorum.
func (q Quorum) Reached(voters []Voter) bool {
	return q.Threshold > 0 && q.count(voters) >= q.Threshold
}

// count is how many of the voters belong to the quorum.
func (q Quorum) count(voters []Voter) int {
	n := 0
	for _, v := range voters {
		if slices.Contains(q.Users, v.User.ID) {
			n++
		}
	}
	return n
}

// outcome is what one policy says.
func outcome(p Policy, r Request, steps, search *int) Outcome {
	context := r.Context
	context.vote(r.Approved)
	active, err := share(p.Time, &context, steps)
	if err != nil {
		return OutcomeError
	}
	if !active {
		return OutcomeTimeInactive
	}
	holds, err := share(p.Condition, &context, steps)
	agreed, err2 := share(p.Consensus, &context, steps)
	switch {
	case err != nil || err2 != nil:
		return OutcomeError
	case holds && agreed && p.Effect == Allow:
		return OutcomeAllow
	case holds && agreed && p.Effect == Deny:
		return OutcomeDenyExplicit
	case holds && p.Effect == Allow && matters(p.Consensus, context, r.Approved, r.Others, search):
		return OutcomeConsensus
	}
	return OutcomeDenyImplicit
}

// share evaluates with at most maxSteps of the steps that are left.
func share(e *Expression, c *Context, steps *int) (bool, error) {
	mine := min(*steps, maxSteps)
	left := mine
	holds, err := e.holds(c, &left)
	*steps -= mine - max(left, 0)
	return holds, err
}

// vote makes the voters the approvers.
func (c *Context) vote(voters []Voter) {
	c.Approvers = make([]User, 0, len(voters))
	credentials := 0
	for _, v := range voters {
		credentials += len(v.Credentials)
	}
	c.Credentials = make([]Credential, 0, credentials)
	for _, v := range voters {
		c.Approvers = append(c.Approvers, v.User)
		c.Credentials = append(c.Credentials, v.Credentials...)
	}
}

// MayVote reports whether one more user's vote, approving or rejecting, has weight in a request that waits: the user is
// of the root quorum, or could complete the consensus of a policy that would allow it.
func MayVote(policies []Policy, r Request, voter Voter) bool {
	if r.Root.count([]Voter{voter}) > 0 {
		return true
	}
	if r.RootOnly {
		return false
	}
	everyone := slices.DeleteFunc(slices.Concat(r.Approved, r.Others), func(v Voter) bool { return v.User.ID == voter.User.ID })
	context := r.Context
	context.vote(r.Approved)
	steps, search := maxDecision, maxMayVote
	for _, p := range policies {
		active, err := share(p.Time, &context, &steps)
		holds, err2 := share(p.Condition, &context, &steps)
		if p.Effect == Allow && err == nil && err2 == nil && active && holds &&
			matters(p.Consensus, context, []Voter{voter}, everyone, &search) {
			return true
		}
	}
	return false
}
