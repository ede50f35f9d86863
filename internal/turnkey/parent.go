package turnkey

import "context"

// What a parent asks for somebody who has no session yet, besides codes. Source of all shapes: Turnkey's API
// description (swagger), definitions of the types named.

// EmailCustomization is how a message looks. Zero values leave the choice to the service.
type EmailCustomization struct {
	LogoURL           string `json:"logoUrl,omitempty"`
	MagicLinkTemplate string `json:"magicLinkTemplate,omitempty"` // "https://app.example.com/?code=%s"
	TemplateVariables string `json:"templateVariables,omitempty"` // JSON text
	TemplateID        string `json:"templateId,omitempty"`
}

// SMSCustomization is how a text message reads: a template with {{.OtpCode}} in it.
type SMSCustomization struct {
	Template string `json:"template"`
}

// OAuthLoginParams are [LoginParams] with the id token that proves who somebody is. Its nonce names the session's key.
type OAuthLoginParams struct {
	OIDCToken string `json:"oidcToken"`
	LoginParams
}

// OAuthLogin begins a session by an id token (OAUTH_LOGIN), stamped by the parent, in the sub-organization
// organizationID, and returns its JWT, unverified.
func (c *Client) OAuthLogin(ctx context.Context, organizationID string, p OAuthLoginParams) (session string, err error) {
	return c.login(ctx, Activity{"/public/v1/submit/oauth_login", "ACTIVITY_TYPE_OAUTH_LOGIN", organizationID, p, "oauthLoginResult"})
}

// OAuth2AuthenticateParams exchange the code of a provider that issues no id tokens. CredentialID names the client
// secret that the organization has uploaded.
type OAuth2AuthenticateParams struct {
	CredentialID string `json:"oauth2CredentialId"`
	AuthCode     string `json:"authCode"`
	RedirectURI  string `json:"redirectUri"`
	CodeVerifier string `json:"codeVerifier"`
	Nonce        string `json:"nonce"`
}

// OAuth2Authenticate returns an id token that the service vouches for (OAUTH2_AUTHENTICATE).
func (c *Client) OAuth2Authenticate(ctx context.Context, organizationID string, p OAuth2AuthenticateParams) (oidcToken string, err error) {
	var out struct {
		OIDCToken string `json:"oidcToken"`
	}
	_, err = c.Submit(ctx, Activity{"/public/v1/submit/oauth2_authenticate", "ACTIVITY_TYPE_OAUTH2_AUTHENTICATE", organizationID, p, "oauth2AuthenticateResult"}, &out)
	return out.OIDCToken, err
}

// OAuth2Credential is a client secret that was uploaded, without the secret.
type OAuth2Credential struct {
	CredentialID string `json:"oauth2CredentialId"`
	Provider     string `json:"provider"` // "OAUTH2_PROVIDER_X", "OAUTH2_PROVIDER_DISCORD"
	ClientID     string `json:"clientId"`
}

// ListOAuth2Credentials returns those of an organization.
func (c *Client) ListOAuth2Credentials(ctx context.Context, organizationID string) ([]OAuth2Credential, error) {
	var out struct {
		Credentials []OAuth2Credential `json:"oauth2Credentials"`
	}
	err := c.Query(ctx, "/public/v1/query/list_oauth2_credentials", inOrganization{organizationID}, &out)
	return out.Credentials, err
}

// EmailAuthParams ask for a key to be sent to a user by e-mail, sealed to TargetPublicKey.
type EmailAuthParams struct {
	Email             string  `json:"email"`
	TargetPublicKey   string  `json:"targetPublicKey"` // uncompressed hex
	ExpirationSeconds Seconds `json:"expirationSeconds,omitzero"`
	Customization     struct {
		AppName string `json:"appName"`
		EmailCustomization
	} `json:"emailCustomization"`
}

// EmailAuth sends it to the user of organizationID who has the address (EMAIL_AUTH_V3).
func (c *Client) EmailAuth(ctx context.Context, organizationID string, p EmailAuthParams) error {
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/email_auth", "ACTIVITY_TYPE_EMAIL_AUTH_V3", organizationID, p, "emailAuthResult"}, nil)
	return err
}

// CreateOAuth2Credential uploads the client secret of an app at X or Discord, sealed to the TLS fetcher's encryption key
// (CREATE_OAUTH2_CREDENTIAL).
func (c *Client) CreateOAuth2Credential(ctx context.Context, organizationID, provider, clientID, sealedSecret string) (credentialID string, err error) {
	var out struct {
		ID string `json:"oauth2CredentialId"`
	}
	_, err = c.Submit(ctx, Activity{"/public/v1/submit/create_oauth2_credential", "ACTIVITY_TYPE_CREATE_OAUTH2_CREDENTIAL", organizationID, struct {
		Provider string `json:"provider"`
		ClientID string `json:"clientId"`
		Secret   string `json:"encryptedClientSecret"`
	}{provider, clientID, sealedSecret}, "createOauth2CredentialResult"}, &out)
	return out.ID, err
}

// UpdateOAuth2Credential replaces the secret of one (UPDATE_OAUTH2_CREDENTIAL).
func (c *Client) UpdateOAuth2Credential(ctx context.Context, organizationID, credentialID, provider, clientID, sealedSecret string) error {
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/update_oauth2_credential", "ACTIVITY_TYPE_UPDATE_OAUTH2_CREDENTIAL", organizationID, struct {
		ID       string `json:"oauth2CredentialId"`
		Provider string `json:"provider"`
		ClientID string `json:"clientId"`
		Secret   string `json:"encryptedClientSecret"`
	}{credentialID, provider, clientID, sealedSecret}, "updateOauth2CredentialResult"}, nil)
	return err
}
