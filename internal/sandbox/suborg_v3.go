package sandbox

// createSubOrganizationV3 makes private keys in the new organization, where later versions make a wallet.
type createSubOrganizationV3 struct {
	createSubOrganization
	PrivateKeys []privateKeyParams `json:"privateKeys" need:"yes"`

	keys createPrivateKeys
}

func readCreateSubOrganizationV3(raw []byte) (params, error) {
	in := &createSubOrganizationV3{createSubOrganization: createSubOrganization{version: 3}}
	if err := decode(raw, in); err != nil {
		return nil, err
	}
	return in, in.complete()
}

func (in *createSubOrganizationV3) prepare(c *call) error {
	if err := in.createSubOrganization.prepare(c); err != nil {
		return err
	}
	if in.keys.PrivateKeys = in.PrivateKeys; len(in.PrivateKeys) == 0 {
		return nil
	}
	return in.keys.prepare(c)
}

func (in *createSubOrganizationV3) run(t *tx) (any, error) {
	org, ids, err := in.found(t)
	if err != nil {
		return nil, err
	}
	there := *t.call // the keys are made inside the new organization
	there.org = org
	keys := &tx{call: &there}
	if err := in.keys.stage(keys); err != nil {
		return nil, err
	}
	t.stage(keys.staged...)
	made := make([]privateKeyResult, len(in.keys.drawn))
	for i, k := range in.keys.drawn {
		made[i] = k.result()
	}
	return struct {
		SubOrganizationID string             `json:"subOrganizationId"`
		PrivateKeys       []privateKeyResult `json:"privateKeys"`
		RootUserIDs       []string           `json:"rootUserIds"`
	}{org.id.String(), made, ids}, nil
}
