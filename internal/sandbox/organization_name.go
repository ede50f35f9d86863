package sandbox

import "github.com/google/uuid"

// updateOrganizationName gives the organization another name.
type updateOrganizationName struct {
	OrganizationName string `json:"organizationName" need:"text"`
	nobody
}

func (in *updateOrganizationName) run(t *tx) (any, error) {
	next := *t.org.settings
	next.name = in.OrganizationName
	t.stage(resettled{t.org, &next})
	return struct {
		OrganizationID   uuid.UUID `json:"organizationId"`
		OrganizationName string    `json:"organizationName"`
	}{t.org.id, next.name}, nil
}
