package sandbox

import (
	"slices"

	"github.com/google/uuid"

	"latchkey/internal/sandbox/policy"
)

// rights says who may do a kind of activity besides what quorum and policies say, or who may not.
type rights uint8

const (
	byParent   rights = 1 << iota // the parent's users may do it in a sub-organization
	inParent                      // only in a parent organization
	ofOneself                     // a user may do it to the own credentials, whatever the quorum
	quorumOnly                    // no policy can allow it
	byToken                       // an attested stamp is enough: the others want a credential of the user's
	byRecovery                    // with a recovery key, which is good for nothing else
	byPolicy   rights = 0         // the root quorum, or whom a policy allows
)

// own is implemented by parameters that may be about a user's own credentials.
type own interface{ about(c *call) uuid.UUID }

// isOwn reports whether the activity is about nobody's credentials but the caller's.
func (k kind) isOwn(c *call, in params) bool {
	o, ok := in.(own)
	return k.rights&ofOneself != 0 && (!ok || o.about(c) == c.user.id)
}

// allows checks who may ask for k at all; quorum and policies come later.
func (k kind) allows(c *call) (err error) {
	c.state.reading(func() {
		switch {
		case c.onBehalf() && k.rights&byParent == 0:
			err = wrongOrganization(c.org.name, c.user.org.name)
		case k.rights&inParent != 0 && c.org.parent != nil:
			err = parentOnly()
		case c.with.token && k.rights&byToken == 0:
			err = noStamp(true)
		}
	})
	return err
}

// matter is what of a request policies can look at besides the activity and its approvers.
type matter struct {
	wallet  *wallet        // the one that is meant
	wallets []*wallet      // of a request that names several
	account *account       // that signs or is exported
	key     *privateKey    // that signs or is exported
	values  map[string]any // other keywords, such as "eth.tx", with structs of package policy
	params  map[string]any // activity.params: what of the parameters is shown
}

// telling is implemented by parameters that are more to policies than their type. matter is called under the lock,
// after prepare.
type telling interface{ matter(c *call) matter }

// verdict is what is to happen to an activity.
type verdict uint8

const (
	denied   verdict = iota
	waiting          // for more approvals
	allowed          // now
	rejected         // for ever: the approvals that it needs cannot come together any more
	unproven         // until approvers have shown more factors
)

// decision is a verdict with what each policy said, and what an MFA policy wants of the last voter.
type decision struct {
	verdict     verdict
	evaluations []evaluation
	wanted      *wanted
}

// evaluation is what one policy said about an activity.
type evaluation struct {
	PolicyID string `json:"policyId"`
	Outcome  string `json:"outcome"`
}

// approvalLife is how long an approval counts, in ms.
const approvalLife = 24 * 60 * 60_000

// electorate is who has a say in an activity: those whose approvals count now, and those who could still approve.
type electorate struct {
	org      *organization // whose users decide: the submitter's
	approved []approval
	open     []*user
}

// approval is one user's approval, with the votes that say so: more than one if more than one factor was wanted.
type approval struct {
	user  *user
	votes []vote
}

// electorate counts the votes on an activity. Whoever rejected it has no further say. The caller holds the lock.
func (c *call) electorate(votes []vote) electorate {
	e := electorate{org: c.user.org}
	for _, u := range e.org.users {
		a, no := approval{user: u}, false
		for _, v := range votes {
			if v.User == u.id && (v.Rejected || c.now-v.Created < approvalLife) {
				a.votes = append(a.votes, v)
				no = no || v.Rejected
			}
		}
		switch {
		case len(a.votes) == 0:
			e.open = append(e.open, u)
		case !no:
			e.approved = append(e.approved, a)
		}
	}
	return e
}

// decide says whether an activity of kind k, asked for by c.user with the first vote, may happen now. The order: the
// root quorum, before which no policy is asked; policies that deny; policies that allow; a user's rights over the own
// credentials; and what more approvals could bring. Approvals count without the factors that MFA policies want; if they
// suffice only so, the factors are asked for. The caller holds the lock.
func (t *tx) decide(name string, k kind, in params, votes []vote) decision {
	e := t.electorate(votes)
	d := t.weigh(name, k, in, e, votes)
	if d.verdict != allowed && d.verdict != waiting {
		return d
	}
	wanted := t.wants(name, k, in, e)
	d.wanted = wanted[votes[len(votes)-1].User]
	proven := e.withProof(wanted)
	if len(proven.approved) == len(e.approved) {
		return d
	}
	if w := wanted[votes[0].User]; w == nil || w.Satisfied {
		if with := t.weigh(name, k, in, proven, votes); with.verdict == allowed {
			with.wanted = d.wanted
			return with
		}
	}
	d.verdict = unproven
	for _, a := range e.approved {
		if w := wanted[a.user.id]; w != nil && !w.Satisfied {
			d.evaluations = append(slices.Clip(d.evaluations), evaluation{w.Policy.String(), string(policy.OutcomeAuthenticators)})
		}
	}
	return d
}

// weigh is decide for the approvals of an electorate.
func (t *tx) weigh(name string, k kind, in params, e electorate, votes []vote) decision {
	if e.rootsAgree() {
		return decision{verdict: allowed} // as policy.Decide would say, without spelling out everybody: this is the usual case
	}
	r := policy.Request{Root: e.quorum(), RootOnly: k.rights&quorumOnly != 0}
	for _, a := range e.approved {
		r.Approved = append(r.Approved, a.voter())
	}
	var asked []policy.Policy
	if !r.RootOnly {
		asked = e.org.policies()
		r.BuiltIn = k.isOwn(t.call, in)
		if len(asked) > 0 {
			r.Context = t.context(name, k, in)
			for _, u := range e.open {
				r.Others = append(r.Others, u.voter())
			}
		}
	}
	out := policy.Decide(asked, r)
	d := decision{verdict: verdicts[out.Verdict]}
	if out.Evaluations != nil {
		d.evaluations = make([]evaluation, len(out.Evaluations))
		for i, e := range out.Evaluations {
			d.evaluations[i] = evaluation{e.PolicyID, string(e.Outcome)}
		}
	}
	if d.verdict == denied && !d.explicit() && slices.ContainsFunc(votes, func(v vote) bool { return v.Rejected }) {
		d.verdict = rejected
		d.reject(votes)
	}
	return d
}

// verdicts are those of the language's package, in the sandbox's words.
var verdicts = map[policy.Verdict]verdict{
	policy.Denied: denied, policy.DeniedExplicitly: denied, policy.Pending: waiting, policy.Allowed: allowed,
}

// rootsAgree reports whether enough root users approved.
func (e electorate) rootsAgree() bool {
	n := int32(0)
	for _, a := range e.approved {
		if a.user.isRoot() {
			n++
		}
	}
	return n > 0 && n >= e.org.threshold
}

// quorum is the root quorum, with those of its users who have a say.
func (e electorate) quorum() policy.Quorum {
	q := policy.Quorum{Threshold: int(e.org.threshold)}
	for _, a := range e.approved {
		if a.user.isRoot() {
			q.Users = append(q.Users, a.user.id.String())
		}
	}
	for _, u := range e.open {
		if u.isRoot() {
			q.Users = append(q.Users, u.id.String())
		}
	}
	return q
}

// explicit reports whether a policy denied.
func (d decision) explicit() bool { return len(denying(d.evaluations)) > 0 }

// denying are the policies that denied.
func denying(evaluations []evaluation) (ids []string) {
	for _, e := range evaluations {
		if e.Outcome == string(policy.OutcomeDenyExplicit) {
			ids = append(ids, e.PolicyID)
		}
	}
	return ids
}

// reject says of the policies that were waiting for more approvals that they will not come.
func (d decision) reject(votes []vote) {
	for _, v := range votes {
		for _, before := range v.Said {
			for i, now := range d.evaluations {
				if before.PolicyID == now.PolicyID && before.Outcome == string(policy.OutcomeConsensus) {
					d.evaluations[i].Outcome = string(policy.OutcomeRejected)
				}
			}
		}
	}
}

// mayVote reports whether u's word has weight in an activity that waits: u is a root user, or could help to complete
// the consensus of a policy that waits for it. The caller holds the lock.
func (c *call) mayVote(a *activity, u *user) bool {
	e := c.electorate(a.Votes)
	r := policy.Request{Root: e.quorum()}
	if u.isRoot() {
		return true
	}
	for _, a := range e.approved {
		r.Approved = append(r.Approved, a.voter())
	}
	for _, u := range e.open {
		r.Others = append(r.Others, u.voter())
	}
	var waiting []policy.Policy
	for _, said := range lastSaid(a.Votes) {
		id, _ := parseID(said.PolicyID)
		if rule, ok := e.org.shelved().rules.find(id); ok && said.Outcome == string(policy.OutcomeConsensus) {
			waiting = append(waiting, policy.Policy{ID: said.PolicyID, Effect: policy.Allow, Consensus: rule.consensus})
		}
	}
	return policy.MayVote(waiting, r, u.voter())
}

// lastSaid is what the policies said at the last vote that asked them.
func lastSaid(votes []vote) []evaluation {
	for _, v := range slices.Backward(votes) {
		if v.Said != nil {
			return v.Said
		}
	}
	return nil
}
