package sandbox

import (
	"errors"
	"fmt"

	"github.com/google/uuid"

	"latchkey/internal/sandbox/policy"
)

// rule is a policy of an organization. Its expressions were checked when it was made.
type rule struct {
	id        uuid.UUID
	number    uint64
	org       *organization
	name      string
	effect    policy.Effect
	condition *policy.Expression
	consensus *policy.Expression
	time      *policy.Expression
	notes     string
	created   int64
	updated   int64
}

const rulesMax = 100 // of an organization, as the service documents

func (r *rule) ident() uuid.UUID { return r.id }
func (r *rule) install(*state)   { r.org.shelf().rules.put(r) }
func (r *rule) uninstall(*state) { r.org.shelf().rules.drop(r.id) }

// draft is what a policy says, before it is checked.
type draft struct {
	name, effect, condition, consensus, time, notes string
}

// draft is what r says.
func (r *rule) draft() draft {
	return draft{r.name, string(r.effect), r.condition.String(), r.consensus.String(), r.time.String(), r.notes}
}

// check makes r say what d says.
func (r *rule) check(d draft) (err error) {
	switch effect := policy.Effect(d.effect); effect {
	case policy.Allow, policy.Deny:
		r.effect = effect
	default:
		return invalid("invalid policy effect")
	}
	r.name, r.notes = d.name, d.notes
	if r.condition, err = compile(policy.Condition, d.condition); err != nil {
		return err
	}
	if r.consensus, err = compile(policy.Consensus, d.consensus); err != nil {
		return err
	}
	r.time, err = compile(policy.Moment, d.time)
	return err
}

// compile checks one expression of a policy. The service's words for a field that does not exist are known, and name
// no place; the place of every error stands in the list of recent requests.
func compile(place policy.Place, source string) (*policy.Expression, error) {
	e, err := policy.Compile(place, source)
	if err == nil {
		return e, nil
	}
	refused := invalid("invalid policy %s: %v", place, err)
	if p, ok := errors.AsType[*policy.Error](err); ok {
		refused = refused.because("policy "+string(place), "", fmt.Sprintf("column %d: %s", p.Column(source), p.Reason))
	}
	return nil, refused
}

// decides is r as the language's package wants it.
func (r *rule) decides() policy.Policy {
	return policy.Policy{ID: r.id.String(), Effect: r.effect, Consensus: r.consensus, Condition: r.condition, Time: r.time}
}

type ruleOnDisk struct {
	ID        uuid.UUID `json:"id"`
	Org       uuid.UUID `json:"org"`
	Name      string    `json:"name"`
	Effect    string    `json:"effect"`
	Condition string    `json:"condition,omitempty"`
	Consensus string    `json:"consensus,omitempty"`
	Time      string    `json:"time,omitempty"`
	Notes     string    `json:"notes,omitempty"`
	Created   int64     `json:"created"`
	Updated   int64     `json:"updated"`
}

const bucketRule = "policy" // by number

func (r *rule) row() row {
	d := r.draft()
	return row{bucketRule, number(r.number), mustJSON(ruleOnDisk{
		r.id, r.org.id, d.name, d.effect, d.condition, d.consensus, d.time, d.notes, r.created, r.updated})}
}

func (s *state) readRule(key, value []byte) (record, error) {
	var d ruleOnDisk
	n, org, err := s.owned(key, value, &d, &d.Org)
	if err != nil {
		return nil, err
	}
	r := &rule{id: d.ID, number: n, org: org, name: d.Name, effect: policy.Effect(d.Effect), notes: d.Notes, created: d.Created, updated: d.Updated,
		condition: policy.Stored(policy.Condition, d.Condition), consensus: policy.Stored(policy.Consensus, d.Consensus), time: policy.Stored(policy.Moment, d.Time)}
	if r.effect != policy.Allow && r.effect != policy.Deny {
		return nil, fmt.Errorf("policy %s has no effect", d.ID)
	}
	return r, nil
}
