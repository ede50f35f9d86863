package sandbox

import (
	"cmp"
	"slices"

	"github.com/google/uuid"

	"latchkey/internal/sandbox/policy"
)

// mfaPolicy wants of one user more than a stamp for the activities that its condition names.
type mfaPolicy struct {
	id        uuid.UUID
	number    uint64
	org       *organization
	user      uuid.UUID
	name      string
	condition *policy.Expression
	steps     []mfaStep // all of them, in any order
	order     int64     // the policy with the lowest that applies is the only one that counts
	notes     string
	created   int64
	updated   int64
}

// mfaStep is satisfied by any one of its methods.
type mfaStep struct {
	Any []mfaMethod `json:"any" need:"yes"`
}

// mfaMethod is a way to prove oneself. ID is of an API key, an authenticator, an OAuth provider or a session profile, or
// empty for any of the type. The zero id as a session profile's stands for sessions without one.
type mfaMethod struct {
	Type string `json:"type" need:"text"`
	ID   string `json:"id,omitempty"`
}

// Ways to prove oneself.
const (
	byAPIKey   = "AUTHENTICATION_TYPE_API_KEY"
	byPasskey  = "AUTHENTICATION_TYPE_PASSKEY"
	bySession  = "AUTHENTICATION_TYPE_SESSION"
	byEmailOTP = "AUTHENTICATION_TYPE_EMAIL_OTP"
	bySMSOTP   = "AUTHENTICATION_TYPE_SMS_OTP"
	byOAuth    = "AUTHENTICATION_TYPE_OAUTH"
)

func (p *mfaPolicy) ident() uuid.UUID { return p.id }
func (p *mfaPolicy) install(*state)   { p.org.shelf().factors.put(p) }
func (p *mfaPolicy) uninstall(*state) { p.org.shelf().factors.drop(p.id) }

type mfaPolicyOnDisk struct {
	ID        uuid.UUID `json:"id"`
	Org       uuid.UUID `json:"org"`
	User      uuid.UUID `json:"user"`
	Name      string    `json:"name"`
	Condition string    `json:"condition"`
	Steps     []mfaStep `json:"steps"`
	Order     int64     `json:"order,omitempty"`
	Notes     string    `json:"notes,omitempty"`
	Created   int64     `json:"created"`
	Updated   int64     `json:"updated"`
}

const bucketMFAPolicy = "mfaPolicy" // by number

func (p *mfaPolicy) row() row {
	return row{bucketMFAPolicy, number(p.number), mustJSON(mfaPolicyOnDisk{
		p.id, p.org.id, p.user, p.name, p.condition.String(), p.steps, p.order, p.notes, p.created, p.updated})}
}

func (s *state) readMFAPolicy(key, value []byte) (record, error) {
	var d mfaPolicyOnDisk
	n, org, err := s.owned(key, value, &d, &d.Org)
	if err != nil {
		return nil, err
	}
	return &mfaPolicy{d.ID, n, org, d.User, d.Name, policy.Stored(policy.Condition, d.Condition), d.Steps, d.Order, d.Notes, d.Created, d.Updated}, nil
}

// mfaPolicies are u's, in the order in which they are tried. The caller holds the lock.
func (u *user) mfaPolicies() []*mfaPolicy {
	var own []*mfaPolicy
	for _, p := range u.org.shelved().factors.all {
		if p.user == u.id {
			own = append(own, p)
		}
	}
	slices.SortStableFunc(own, func(a, b *mfaPolicy) int { return cmp.Compare(a.order, b.order) })
	return own
}

// mfaPolicyFor returns u's policy for an activity, or nil: the first whose condition holds. The caller holds the lock.
func (u *user) mfaPolicyFor(told *policy.Context, left *policy.Budget) *mfaPolicy {
	own := u.mfaPolicies()
	conditions := make([]*policy.Expression, len(own))
	for i, p := range own {
		conditions[i] = p.condition
	}
	if i := left.First(conditions, told); i >= 0 {
		return own[i]
	}
	return nil
}

// satisfied reports whether the votes, all of one user, do what p wants. A vote counts for every step that it fits.
func (p *mfaPolicy) satisfied(votes []vote) bool {
	return !slices.ContainsFunc(p.steps, func(s mfaStep) bool { return !s.satisfied(votes) })
}

func (s mfaStep) satisfied(votes []vote) bool {
	return slices.ContainsFunc(votes, func(v vote) bool { return slices.ContainsFunc(s.Any, v.proof().is) })
}

// proof is how v's stamp proved its user.
func (v vote) proof() mfaMethod {
	if v.Method != "" {
		return mfaMethod{v.Method, v.Credential.String()}
	}
	switch kind, _ := credentialNamed(v.Kind); kind {
	case credentialWebAuthn:
		return mfaMethod{byPasskey, v.Credential.String()}
	case credentialP256, credentialSecp256k1, credentialEd25519:
		return mfaMethod{byAPIKey, v.Credential.String()}
	default:
		return mfaMethod{bySession, v.Profile.String()}
	}
}

// is reports whether a proof is what a step wants.
func (proof mfaMethod) is(wanted mfaMethod) bool {
	return proof.Type == wanted.Type && (wanted.ID == "" || proof.ID == wanted.ID)
}

// wanted is what an MFA policy wanted of a voter, and whether the votes so far had it.
type wanted struct {
	Policy    uuid.UUID `json:"policy"`
	Steps     []mfaStep `json:"steps"`
	Satisfied bool      `json:"satisfied,omitempty"`
}

// wants says what is wanted of each approver of whom an MFA policy wants something. The caller holds the lock.
func (t *tx) wants(name string, k kind, in params, e electorate) map[uuid.UUID]*wanted {
	if len(e.org.shelved().factors.all) == 0 {
		return nil
	}
	told := t.context(name, k, in)
	all := map[uuid.UUID]*wanted{}
	var left policy.Budget
	for _, a := range e.approved {
		if p := a.user.mfaPolicyFor(&told, &left); p != nil {
			all[a.user.id] = &wanted{p.id, p.steps, p.satisfied(a.votes)}
		}
	}
	return all
}

// withProof leaves those out who have not proven all that is wanted of them.
func (e electorate) withProof(of map[uuid.UUID]*wanted) electorate {
	proven := e
	proven.approved = nil
	for _, a := range e.approved {
		if w := of[a.user.id]; w == nil || w.Satisfied {
			proven.approved = append(proven.approved, a)
		} else {
			proven.open = append(slices.Clip(proven.open), a.user)
		}
	}
	return proven
}

// votesOf are a user's approvals of a.
func (a *activity) votesOf(user uuid.UUID) (own []vote) {
	for _, v := range a.Votes {
		if v.User == user && !v.Rejected {
			own = append(own, v)
		}
	}
	return own
}

// lacks returns what is still wanted of a user who approved a, or nil.
func (a *activity) lacks(user uuid.UUID) *wanted {
	if own := a.votesOf(user); len(own) > 0 {
		if w := own[len(own)-1].Wanted; w != nil && !w.Satisfied {
			return w
		}
	}
	return nil
}

// adds reports whether a further vote of somebody who approved a proves something that is still wanted, and that no
// approval proves which still counts.
func (a *activity) adds(v vote) bool {
	w := a.lacks(v.User)
	fresh := slices.DeleteFunc(a.votesOf(v.User), func(old vote) bool { return v.Created-old.Created >= approvalLife })
	return w != nil && slices.ContainsFunc(w.Steps, func(s mfaStep) bool { return !s.satisfied(fresh) && s.satisfied([]vote{v}) })
}
