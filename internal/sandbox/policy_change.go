package sandbox

import (
	"slices"

	"github.com/google/uuid"

	"latchkey/internal/sandbox/policy"
)

// policyParams asks for a policy. A field that is absent says nothing, as an empty one does.
type policyParams struct {
	PolicyName string `json:"policyName" need:"text"`
	Effect     string `json:"effect" need:"text"`
	Condition  string `json:"condition,omitempty"`
	Consensus  string `json:"consensus,omitempty"`
	Notes      string `json:"notes"`
	Time       string `json:"time,omitempty"`
}

// draw checks the parameters and returns the policy, but for its id, organization and time.
func (p policyParams) draw() (*rule, error) {
	r := new(rule)
	return r, r.check(draft{p.PolicyName, p.Effect, p.Condition, p.Consensus, p.Time, p.Notes})
}

// createPolicy makes one policy.
type createPolicy struct {
	policyParams
	drawn *rule
}

func (in *createPolicy) prepare(*call) (err error) {
	in.drawn, err = in.draw()
	return err
}

func (in *createPolicy) run(t *tx) (any, error) {
	if err := t.addRules(in.drawn); err != nil {
		return nil, err
	}
	return policyID{in.drawn.id}, nil
}

// policyID is the answer to activities about one policy.
type policyID struct {
	PolicyID uuid.UUID `json:"policyId"`
}

// policyIDs is the answer to activities about several.
type policyIDs struct {
	PolicyIDs []uuid.UUID `json:"policyIds"`
}

// createPolicies makes several policies or none.
type createPolicies struct {
	Policies []policyParams `json:"policies" need:"yes"`
	drawn    []*rule
}

func (in *createPolicies) prepare(*call) error {
	if len(in.Policies) == 0 {
		return invalid("no policies provided")
	}
	if len(in.Policies) > rulesMax {
		return tooManyRules()
	}
	in.drawn = nil
	for _, p := range in.Policies {
		r, err := p.draw()
		if err != nil {
			return err
		}
		in.drawn = append(in.drawn, r)
	}
	return nil
}

func (in *createPolicies) run(t *tx) (any, error) {
	if err := t.addRules(in.drawn...); err != nil {
		return nil, err
	}
	made := policyIDs{}
	for _, r := range in.drawn {
		made.PolicyIDs = append(made.PolicyIDs, r.id)
	}
	return made, nil
}

// addRules stages drawn policies of t.org, whose names no others have.
func (t *tx) addRules(drawn ...*rule) error {
	there := slices.Clone(t.org.shelved().rules.all)
	for _, r := range drawn {
		if len(there) >= rulesMax {
			return tooManyRules()
		}
		if ruleNamed(there, r.name) != nil {
			return sameRuleName()
		}
		r.id, r.number, r.org, r.created, r.updated = t.id(), t.number(), t.org, t.now, t.now
		there = append(there, r)
		t.stage(r)
	}
	return nil
}

func ruleNamed(rules []*rule, name string) *rule {
	if at := slices.IndexFunc(rules, func(r *rule) bool { return r.name == name }); at >= 0 {
		return rules[at]
	}
	return nil
}

func tooManyRules() *refusal { return tooMany("organization has exceeded maximum policies") }
func sameRuleName() *refusal { return invalid("policy label must be unique") }

// updatePolicy changes what of a policy is named. The first version cannot name the time.
type updatePolicy struct {
	PolicyID        string  `json:"policyId" need:"text"`
	PolicyName      *string `json:"policyName,omitempty"`
	PolicyEffect    *string `json:"policyEffect,omitempty"`
	PolicyCondition *string `json:"policyCondition,omitempty"`
	PolicyConsensus *string `json:"policyConsensus,omitempty"`
	PolicyNotes     *string `json:"policyNotes,omitempty"`
	nobody
}

type updatePolicyV2 struct {
	updatePolicy
	Time *string `json:"time,omitempty"`
}

func (in *updatePolicy) run(t *tx) (any, error)   { return in.change(t, nil) }
func (in *updatePolicyV2) run(t *tx) (any, error) { return in.change(t, in.Time) }

func (in *updatePolicy) change(t *tx, time *string) (any, error) {
	old, err := t.findRule(in.PolicyID)
	if err != nil {
		return nil, err
	}
	if in.PolicyName != nil && *in.PolicyName == "" {
		return nil, missingField("policyName")
	}
	next, d := *old, old.draft()
	for _, c := range []struct{ to, by *string }{
		{&d.name, in.PolicyName}, {&d.effect, in.PolicyEffect}, {&d.condition, in.PolicyCondition},
		{&d.consensus, in.PolicyConsensus}, {&d.notes, in.PolicyNotes}, {&d.time, time},
	} {
		if c.by != nil {
			*c.to = *c.by
		}
	}
	if err := next.check(d); err != nil {
		return nil, err
	}
	if other := ruleNamed(t.org.shelved().rules.all, next.name); other != nil && other.id != next.id {
		return nil, sameRuleName()
	}
	next.updated = t.now
	t.stage(&next)
	return policyID{next.id}, nil
}

// deletePolicy takes one policy away.
type deletePolicy struct {
	PolicyID string `json:"policyId" need:"text"`
	nobody
}

func (in *deletePolicy) run(t *tx) (any, error) {
	r, err := t.findRule(in.PolicyID)
	if err != nil {
		return nil, err
	}
	t.stage(gone{r})
	return policyID{r.id}, nil
}

// deletePolicies takes several away, or none.
type deletePolicies struct {
	PolicyIDs []string `json:"policyIds" need:"yes"`
	nobody
}

func (in *deletePolicies) run(t *tx) (any, error) {
	if len(in.PolicyIDs) == 0 {
		return nil, invalid("no policy IDs provided")
	}
	taken := policyIDs{}
	for _, id := range in.PolicyIDs {
		r, err := t.findRule(id)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(taken.PolicyIDs, r.id) {
			taken.PolicyIDs = append(taken.PolicyIDs, r.id)
			t.stage(gone{r})
		}
	}
	return taken, nil
}

// findRule returns the organization's policy of that id. The caller holds the lock.
func (c *call) findRule(id string) (*rule, error) {
	parsed, ok := parseID(id)
	if !ok {
		return nil, invalid("malformed policy ID provided")
	}
	if r, ok := c.org.shelved().rules.find(parsed); ok {
		return r, nil
	}
	return nil, notFound("no policy found with the given ID", "policyId", id)
}

// policies are those of an organization, as the language's package wants them. The caller holds the lock.
func (o *organization) policies() []policy.Policy {
	rules := o.shelved().rules.all
	all := make([]policy.Policy, len(rules))
	for i, r := range rules {
		all[i] = r.decides()
	}
	return all
}
