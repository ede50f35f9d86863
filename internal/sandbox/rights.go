package sandbox

import (
	"slices"

	"github.com/google/uuid"
)

// rights says who may do a kind of activity besides what quorum and policies say, or who may not.
type rights uint8

const (
	byParent   rights = 1 << iota // the parent's users may do it in a sub-organization
	inParent                      // only in a parent organization
	ofOneself                     // a user may do it to the own credentials, whatever the quorum
	quorumOnly                    // no policy can allow it
	byToken                       // an attested stamp is enough: the others want a credential of the user's
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
)

// decision is a verdict with what each policy said.
type decision struct {
	verdict     verdict
	evaluations []evaluation
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

// approval is one user's approval, with the credential that stamped it.
type approval struct {
	user *user
	vote vote
}

// electorate counts the votes on an activity. Whoever rejected it has no further say. The caller holds the lock.
func (c *call) electorate(votes []vote) electorate {
	e := electorate{org: c.user.org}
	for _, u := range e.org.users {
		at := slices.IndexFunc(votes, func(v vote) bool { return v.User == u.id && (v.Rejected || c.now-v.Created < approvalLife) })
		switch {
		case at < 0:
			e.open = append(e.open, u)
		case !votes[at].Rejected:
			e.approved = append(e.approved, approval{u, votes[at]})
		}
	}
	return e
}

// roots counts root users among the approvers, and those who could still join them.
func (e electorate) roots() (approved, possible int) {
	for _, a := range e.approved {
		if a.user.isRoot() {
			approved++
		}
	}
	possible = approved
	for _, u := range e.open {
		if u.isRoot() {
			possible++
		}
	}
	return approved, possible
}

// decide says whether an activity of kind k, asked for by c.user with the first vote, may happen now. The order: the
// root quorum, before which no policy is asked; policies that deny; policies that allow; a user's rights over the own
// credentials; and what more approvals could bring. The caller holds the lock.
func (t *tx) decide(k kind, in params, votes []vote) decision {
	e := t.electorate(votes)
	quorum := int(e.org.threshold)
	approved, possible := e.roots()
	if approved >= quorum {
		return decision{verdict: allowed}
	}
	d := decision{verdict: denied}
	if k.rights&quorumOnly == 0 {
		d = t.policies(k, in, e)
	}
	switch {
	case d.verdict == allowed || d.verdict == rejected:
	case k.isOwn(t.call, in) && !d.explicit():
		d.verdict = allowed
	case t.user.isRoot() && possible >= quorum && !d.explicit():
		d.verdict = waiting
	case d.verdict == denied && slices.ContainsFunc(votes, func(v vote) bool { return v.Rejected }):
		d.verdict = rejected
	}
	return d
}

// explicit reports whether a policy denied.
func (d decision) explicit() bool {
	return slices.ContainsFunc(d.evaluations, func(e evaluation) bool { return e.Outcome == outcomeDenyExplicit })
}

// Outcomes of policies.
const outcomeDenyExplicit = "OUTCOME_DENY_EXPLICIT"

// policies asks the policies of e's organization. The caller holds the lock.
func (t *tx) policies(kind, params, electorate) decision { return decision{verdict: denied} }
