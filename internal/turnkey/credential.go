package turnkey

import "context"

// Activities that change what a user stamps and logs in with. Source of all shapes: Turnkey's API description (swagger),
// definitions of the types named.

// CreateAPIKeys gives a user more keys (CREATE_API_KEYS_V2) and returns their ids.
func (c *Client) CreateAPIKeys(ctx context.Context, organizationID, userID string, keys ...APIKeyParams) ([]string, error) {
	var out struct {
		IDs []string `json:"apiKeyIds"`
	}
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/create_api_keys", "ACTIVITY_TYPE_CREATE_API_KEYS_V2", organizationID, struct {
		APIKeys []APIKeyParams `json:"apiKeys"`
		UserID  string         `json:"userId"`
	}{keys, userID}, "createApiKeysResult"}, &out)
	return out.IDs, err
}

// CreateAuthenticators gives a user more passkeys (CREATE_AUTHENTICATORS_V2) and returns their ids.
func (c *Client) CreateAuthenticators(ctx context.Context, organizationID, userID string, passkeys ...AuthenticatorParams) ([]string, error) {
	var out struct {
		IDs []string `json:"authenticatorIds"`
	}
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/create_authenticators", "ACTIVITY_TYPE_CREATE_AUTHENTICATORS_V2", organizationID, struct {
		Authenticators []AuthenticatorParams `json:"authenticators"`
		UserID         string                `json:"userId"`
	}{passkeys, userID}, "createAuthenticatorsResult"}, &out)
	return out.IDs, err
}

// DeleteAuthenticators takes passkeys from a user.
func (c *Client) DeleteAuthenticators(ctx context.Context, organizationID, userID string, ids ...string) error {
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/delete_authenticators", "ACTIVITY_TYPE_DELETE_AUTHENTICATORS", organizationID, struct {
		UserID string   `json:"userId"`
		IDs    []string `json:"authenticatorIds"`
	}{userID, ids}, "deleteAuthenticatorsResult"}, nil)
	return err
}

// CreateOAuthProviders gives a user more identities at OIDC providers (CREATE_OAUTH_PROVIDERS_V2) and returns their ids.
// One by claims takes another by a token of the same person beside it.
func (c *Client) CreateOAuthProviders(ctx context.Context, organizationID, userID string, providers ...OAuthProviderParams) ([]string, error) {
	var out struct {
		IDs []string `json:"providerIds"`
	}
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/create_oauth_providers", "ACTIVITY_TYPE_CREATE_OAUTH_PROVIDERS_V2", organizationID, struct {
		UserID    string                `json:"userId"`
		Providers []OAuthProviderParams `json:"oauthProviders"`
	}{userID, providers}, "createOauthProvidersResultV2"}, &out)
	return out.IDs, err
}

// DeleteOAuthProviders takes identities from a user.
func (c *Client) DeleteOAuthProviders(ctx context.Context, organizationID, userID string, ids ...string) error {
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/delete_oauth_providers", "ACTIVITY_TYPE_DELETE_OAUTH_PROVIDERS", organizationID, struct {
		UserID string   `json:"userId"`
		IDs    []string `json:"providerIds"`
	}{userID, ids}, "deleteOauthProvidersResult"}, nil)
	return err
}

// UpdateUserEmail gives a user another e-mail address, or none when email is "". Without a verification token the address
// is on file but not proven.
func (c *Client) UpdateUserEmail(ctx context.Context, organizationID, userID, email, verificationToken string) error {
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/update_user_email", "ACTIVITY_TYPE_UPDATE_USER_EMAIL", organizationID, struct {
		UserID string `json:"userId"`
		Email  string `json:"userEmail"`
		Token  string `json:"verificationToken,omitempty"`
	}{userID, email, verificationToken}, "updateUserEmailResult"}, nil)
	return err
}

// UpdateUserPhoneNumber does the same for a phone number, in E.164.
func (c *Client) UpdateUserPhoneNumber(ctx context.Context, organizationID, userID, number, verificationToken string) error {
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/update_user_phone_number", "ACTIVITY_TYPE_UPDATE_USER_PHONE_NUMBER", organizationID, struct {
		UserID string `json:"userId"`
		Number string `json:"userPhoneNumber"`
		Token  string `json:"verificationToken,omitempty"`
	}{userID, number, verificationToken}, "updateUserPhoneNumberResult"}, nil)
	return err
}
