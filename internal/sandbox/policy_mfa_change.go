package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"latchkey/internal/sandbox/policy"
)

// Bounds of MFA policies. No source names the service's own.
const (
	mfaPoliciesMax = 100 // of a user
	mfaMethodsMax  = 100 // of a policy, over all its steps
)

// createMFAPolicy wants more factors of a user from now on.
type createMFAPolicy struct {
	UserID        string    `json:"userId" need:"text"`
	MFAPolicyName string    `json:"mfaPolicyName" need:"text"`
	Condition     string    `json:"condition" need:"text"`
	Required      []mfaStep `json:"requiredAuthenticationMethods" need:"yes"`
	Order         *integer  `json:"order" need:"yes"`
	Notes         string    `json:"notes,omitempty"`
	nobody
}

// mfaPolicyID is the answer to all activities about MFA policies.
type mfaPolicyID struct {
	MFAPolicyID uuid.UUID `json:"mfaPolicyId"`
}

func (in *createMFAPolicy) run(t *tx) (any, error) {
	u, err := t.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	if len(u.mfaPolicies()) >= mfaPoliciesMax {
		return nil, tooMany("user has exceeded maximum mfa policies")
	}
	p := &mfaPolicy{id: t.id(), number: t.number(), org: t.org, user: u.id, name: in.MFAPolicyName, steps: in.Required,
		order: int64(*in.Order), notes: in.Notes, created: t.now, updated: t.now}
	if p.condition, err = compile(policy.Condition, in.Condition); err != nil {
		return nil, err
	}
	if err := p.check(u); err != nil {
		return nil, err
	}
	t.stage(p)
	return mfaPolicyID{p.id}, nil
}

// updateMFAPolicy changes what of an MFA policy is named.
type updateMFAPolicy struct {
	UserID        string     `json:"userId" need:"text"`
	MFAPolicyID   string     `json:"mfaPolicyId" need:"text"`
	MFAPolicyName *string    `json:"mfaPolicyName,omitempty"`
	Condition     *string    `json:"condition,omitempty"`
	Required      *[]mfaStep `json:"requiredAuthenticationMethods,omitempty"`
	Order         *integer   `json:"order,omitempty"`
	Notes         *string    `json:"notes,omitempty"`
	nobody
}

func (in *updateMFAPolicy) run(t *tx) (any, error) {
	u, old, err := t.findMFAPolicy(in.UserID, in.MFAPolicyID)
	if err != nil {
		return nil, err
	}
	p := *old
	if in.MFAPolicyName != nil {
		p.name = *in.MFAPolicyName
	}
	if in.Required != nil {
		p.steps = *in.Required
	}
	if in.Order != nil {
		p.order = int64(*in.Order)
	}
	if in.Notes != nil {
		p.notes = *in.Notes
	}
	if in.Condition != nil {
		if p.condition, err = compile(policy.Condition, *in.Condition); err != nil {
			return nil, err
		}
	}
	if err := p.check(u); err != nil {
		return nil, err
	}
	p.updated = t.now
	t.stage(&p)
	return mfaPolicyID{p.id}, nil
}

// deleteMFAPolicy takes one away.
type deleteMFAPolicy struct {
	UserID      string `json:"userId" need:"text"`
	MFAPolicyID string `json:"mfaPolicyId" need:"text"`
	nobody
}

func (in *deleteMFAPolicy) run(t *tx) (any, error) {
	_, p, err := t.findMFAPolicy(in.UserID, in.MFAPolicyID)
	if err != nil {
		return nil, err
	}
	t.stage(gone{p})
	return mfaPolicyID{p.id}, nil
}

// check says what is wrong with p: u must be able to satisfy every step today.
func (p *mfaPolicy) check(u *user) error {
	switch {
	case p.name == "":
		return missingField("mfaPolicyName")
	case strings.TrimSpace(p.condition.String()) == "":
		return missingField("condition")
	case len(p.steps) == 0:
		return invalid("invalid mfa policy: no required authentication methods")
	case slices.ContainsFunc(u.mfaPolicies(), func(o *mfaPolicy) bool { return o.name == p.name && o.id != p.id }):
		return invalid("mfa policy label must be unique")
	}
	methods := 0
	for _, s := range p.steps {
		if methods += len(s.Any); len(s.Any) == 0 || methods > mfaMethodsMax {
			return invalid("invalid mfa policy: a step has no authentication methods, or all have too many")
		}
		var names []string
		able := false
		for _, m := range s.Any {
			name, known := mfaNames[m.Type]
			if !known {
				return invalid("invalid authentication type")
			}
			names = append(names, fmt.Sprintf("%q", name))
			able = able || u.able(m)
		}
		if !able {
			return invalid("user (%s) cannot satisfy mfa policy requirement: mfa policy '%s' requires one of [%s] but user does not, or will not, have a matching credential",
				u.id, p.name, strings.Join(names, ", "))
		}
	}
	return nil
}

// mfaNames are the types as the service's messages spell them. Only the first is known from a source.
var mfaNames = map[string]string{
	byPasskey: "Passkey", byAPIKey: "ApiKey", bySession: "Session", byEmailOTP: "EmailOtp", bySMSOTP: "SmsOtp", byOAuth: "Oauth",
}

// able reports whether u can prove to be who he is in a way.
func (u *user) able(m mfaMethod) bool {
	any := m.ID == ""
	switch m.Type {
	case byPasskey:
		return slices.ContainsFunc(u.authenticators, func(a *authenticator) bool { return any || a.ID.String() == m.ID })
	case byAPIKey:
		return slices.ContainsFunc(u.keys, func(k *apiKey) bool {
			return vote{Kind: k.kind.String()}.proof().Type == byAPIKey && k.seconds == 0 && (any || k.id.String() == m.ID)
		})
	case byEmailOTP:
		return any && u.email != ""
	case bySMSOTP:
		return any && u.phone != ""
	case byOAuth:
		return slices.ContainsFunc(u.providers, func(p *oauthProvider) bool { return any || p.ID.String() == m.ID })
	}
	if any || m.ID == (uuid.UUID{}).String() {
		return true
	}
	_, err := u.org.sessionProfile(m.ID)
	return err == nil
}

// findMFAPolicy returns the user's policy of that id. The caller holds the lock.
func (c *call) findMFAPolicy(userID, id string) (*user, *mfaPolicy, error) {
	u, err := c.findUser(userID)
	if err != nil {
		return nil, nil, err
	}
	parsed, ok := parseID(id)
	if !ok {
		return nil, nil, invalid("malformed mfa policy ID provided")
	}
	if p, ok := c.org.shelved().factors.find(parsed); ok && p.user == u.id {
		return u, p, nil
	}
	return nil, nil, notFound("no mfa policy found with the given ID", "mfaPolicyId", id)
}

type mfaPolicyView struct {
	MFAPolicyID   uuid.UUID `json:"mfaPolicyId"`
	MFAPolicyName string    `json:"mfaPolicyName"`
	Condition     string    `json:"condition"`
	Required      []mfaStep `json:"requiredAuthenticationMethods"`
	Order         int64     `json:"order"`
	Notes         string    `json:"notes,omitempty"`
	CreatedAt     timestamp `json:"createdAt"`
	UpdatedAt     timestamp `json:"updatedAt"`
}

func (p *mfaPolicy) view() mfaPolicyView {
	return mfaPolicyView{p.id, p.name, p.condition.String(), p.steps, p.order, p.notes, stampTime(p.created), stampTime(p.updated)}
}

// mfaPolicyViews are u's as the service shows them. The caller holds the lock.
func (u *user) mfaPolicyViews() []any {
	views := []any{}
	for _, p := range u.mfaPolicies() {
		views = append(views, p.view())
	}
	return views
}

func getMFAPolicies(c *call, in *userFilter) (any, error) {
	u, err := c.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	return struct {
		MFAPolicies []any `json:"mfaPolicies"`
	}{u.mfaPolicyViews()}, nil
}

type mfaPolicyFilter struct {
	UserID      string `json:"userId" need:"text"`
	MFAPolicyID string `json:"mfaPolicyId" need:"text"`
}

func getMFAPolicy(c *call, in *mfaPolicyFilter) (any, error) {
	_, p, err := c.findMFAPolicy(in.UserID, in.MFAPolicyID)
	if err != nil {
		return nil, err
	}
	return struct {
		MFAPolicy mfaPolicyView `json:"mfaPolicy"`
	}{p.view()}, nil
}

type mfaStatusFilter struct {
	ActivityID string `json:"activityId" need:"text"`
	UserID     string `json:"userId"`
}

// mfaStatusView is how far a voter is with what an MFA policy wants.
type mfaStatusView struct {
	MFAPolicyID      uuid.UUID       `json:"mfaPolicyId"`
	UserID           uuid.UUID       `json:"userId"`
	Satisfied        bool            `json:"satisfied"`
	SatisfiedMethods []mfaMethod     `json:"satisfiedMethods"`
	RequiredMethods  json.RawMessage `json:"requiredMethods"`
}

// getMFAStatus answers one item for each voter of whom an MFA policy wants something. What was wanted stands in the
// votes, so that an activity that is done shows what it took.
func getMFAStatus(c *call, in *mfaStatusFilter) (any, error) {
	a, err := c.findActivity(in.ActivityID)
	if err != nil {
		return nil, err
	}
	if in.UserID != "" {
		if _, err := c.findUser(in.UserID); err != nil {
			return nil, err
		}
	}
	views := []mfaStatusView{}
	for i, last := range a.Votes {
		id, wanted := last.User, last.Wanted
		later := slices.ContainsFunc(a.Votes[i+1:], func(v vote) bool { return v.User == id && v.Wanted != nil })
		if wanted == nil || later || in.UserID != "" && in.UserID != id.String() {
			continue
		}
		own := a.votesOf(id)
		view := mfaStatusView{MFAPolicyID: wanted.Policy, UserID: id, Satisfied: wanted.Satisfied, SatisfiedMethods: []mfaMethod{}, RequiredMethods: mustJSON(wanted.Steps)}
		for _, v := range own {
			proof := v.proof()
			fits := slices.ContainsFunc(wanted.Steps, func(s mfaStep) bool { return slices.ContainsFunc(s.Any, proof.is) })
			if proof.ID == (uuid.UUID{}).String() {
				proof.ID = ""
			}
			if fits && !slices.Contains(view.SatisfiedMethods, proof) {
				view.SatisfiedMethods = append(view.SatisfiedMethods, proof)
			}
		}
		views = append(views, view)
	}
	return struct {
		MFAStatuses []mfaStatusView `json:"mfaStatuses"`
	}{views}, nil
}
