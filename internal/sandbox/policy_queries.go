package sandbox

import "github.com/google/uuid"

type policyView struct {
	PolicyID   string    `json:"policyId"`
	PolicyName string    `json:"policyName"`
	Effect     string    `json:"effect"`
	CreatedAt  timestamp `json:"createdAt"`
	UpdatedAt  timestamp `json:"updatedAt"`
	Notes      string    `json:"notes"`
	Consensus  string    `json:"consensus"`
	Condition  string    `json:"condition"`
	Time       string    `json:"time,omitempty"`
}

func (r *rule) view() policyView {
	d := r.draft()
	return policyView{PolicyID: r.id.String(), PolicyName: d.name, Effect: d.effect, CreatedAt: stampTime(r.created), UpdatedAt: stampTime(r.updated),
		Notes: d.notes, Consensus: d.consensus, Condition: d.condition, Time: d.time}
}

func listPolicies(c *call, _ *nothing) (any, error) {
	rules := c.org.shelved().rules.all
	views := make([]policyView, len(rules))
	for i, r := range rules {
		views[i] = r.view()
	}
	return struct {
		Policies []policyView `json:"policies"`
	}{views}, nil
}

type policyFilter struct {
	PolicyID string `json:"policyId" need:"text"`
}

func getPolicy(c *call, in *policyFilter) (any, error) {
	r, err := c.findRule(in.PolicyID)
	if err != nil {
		return nil, err
	}
	return struct {
		Policy policyView `json:"policy"`
	}{r.view()}, nil
}

// evaluationsView is what the policies said when one vote was cast.
type evaluationsView struct {
	ID                uuid.UUID    `json:"id"`
	ActivityID        uuid.UUID    `json:"activityId"`
	OrganizationID    uuid.UUID    `json:"organizationId"`
	VoteID            uuid.UUID    `json:"voteId"`
	PolicyEvaluations []evaluation `json:"policyEvaluations"`
	CreatedAt         timestamp    `json:"createdAt"`
}

// getPolicyEvaluations answers one item for each vote at which policies were asked. A root quorum asks none.
func getPolicyEvaluations(c *call, in *activityFilter) (any, error) {
	a, err := c.findActivity(in.ActivityID)
	if err != nil {
		return nil, err
	}
	views := []evaluationsView{}
	for _, v := range a.Votes {
		if v.Said != nil {
			views = append(views, evaluationsView{uuid.NewSHA1(v.ID, []byte("evaluation")), a.ID, a.Org, v.ID, v.Said, stampTime(v.Created)})
		}
	}
	return struct {
		PolicyEvaluations []evaluationsView `json:"policyEvaluations"`
	}{views}, nil
}
