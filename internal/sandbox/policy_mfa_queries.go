package sandbox

import (
	"encoding/json"
	"slices"

	"github.com/google/uuid"
)

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
