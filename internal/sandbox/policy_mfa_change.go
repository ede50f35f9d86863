package sandbox

import (
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
	Order         *wide     `json:"order" need:"yes"`
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
	Order         *wide      `json:"order,omitempty"`
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
	whichever := m.ID == ""
	switch m.Type {
	case byPasskey:
		return slices.ContainsFunc(u.authenticators, func(a *authenticator) bool { return whichever || a.ID.String() == m.ID })
	case byAPIKey:
		return slices.ContainsFunc(u.keys, func(k *apiKey) bool {
			return vote{Kind: k.kind.String()}.proof().Type == byAPIKey && k.seconds == 0 && (whichever || k.id.String() == m.ID)
		})
	case byEmailOTP:
		return whichever && u.email != ""
	case bySMSOTP:
		return whichever && u.phone != ""
	case byOAuth:
		return slices.ContainsFunc(u.providers, func(p *oauthProvider) bool { return whichever || p.ID.String() == m.ID })
	}
	if whichever || m.ID == (uuid.UUID{}).String() {
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
