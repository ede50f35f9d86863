package sandbox

// createSubOrganizationV1 makes a sub-organization of one user with one authenticator. The user has no name of its own;
// no source says which it gets, and here it is the authenticator's.
type createSubOrganizationV1 struct {
	Name              string              `json:"name" need:"text"`
	RootAuthenticator authenticatorParams `json:"rootAuthenticator" need:"yes"`

	drawn *authenticator
}

func (in *createSubOrganizationV1) prepare(*call) (err error) {
	in.drawn, err = in.RootAuthenticator.draw()
	return err
}

func (in *createSubOrganizationV1) run(t *tx) (any, error) {
	org := &organization{id: t.id(), number: t.state.founded + 1, parent: t.org, created: t.now,
		settings: &settings{name: in.Name, threshold: 1, features: featuresAtFirst}}
	u := &user{id: t.id(), number: t.number(), org: org, name: in.RootAuthenticator.AuthenticatorName, created: t.now, updated: t.now}
	if err := t.enroll(u, []*authenticator{in.drawn}, nil); err != nil {
		return nil, err
	}
	org.root = append(org.root, u.id)
	t.stage(org, u)
	return subOrganizationResult{SubOrganizationID: org.id.String(), RootUserIDs: []string{u.id.String()}}, nil
}
