package turnkey

import "context"

// Quorum is who may do everything in an organization, and how many of them must agree.
type Quorum struct {
	Threshold int      `json:"threshold"`
	UserIDs   []string `json:"userIds"`
}

// RootQuorum returns that of an organization. Source: Turnkey's API description, GetOrganizationConfigs.
func (c *Client) RootQuorum(ctx context.Context, organizationID string) (Quorum, error) {
	var out struct {
		Configs struct {
			Quorum Quorum `json:"quorum"`
		} `json:"configs"`
	}
	err := c.Query(ctx, "/public/v1/query/get_organization_configs", inOrganization{organizationID}, &out)
	return out.Configs.Quorum, err
}
