package turnkey

import (
	"context"
	"encoding/json"
	"strconv"
)

// Whoami is the owner of the stamp.
type Whoami struct {
	OrganizationID   string `json:"organizationId"` // the one that knows the key, which may lie below the one asked
	OrganizationName string `json:"organizationName"`
	UserID           string `json:"userId"`
	Username         string `json:"username"`
}

// Whoami asks who the service takes us for. The parent's id will do.
func (c *Client) Whoami(ctx context.Context, organizationID string) (Whoami, error) {
	var out Whoami
	err := c.Query(ctx, "/public/v1/query/whoami", inOrganization{organizationID}, &out)
	return out, err
}

type inOrganization struct {
	OrganizationID string `json:"organizationId"`
}

type ofUser struct {
	OrganizationID string `json:"organizationId"`
	UserID         string `json:"userId,omitempty"`
}

// User is a person or program of an organization, with everything that may stamp for it.
type User struct {
	UserID          string          `json:"userId"`
	UserName        string          `json:"userName"`
	UserEmail       string          `json:"userEmail,omitempty"`
	UserPhoneNumber string          `json:"userPhoneNumber,omitempty"`
	Authenticators  []Authenticator `json:"authenticators"`
	APIKeys         []APIKey        `json:"apiKeys"`
	OAuthProviders  []OAuthProvider `json:"oauthProviders"`
	UserTags        []string        `json:"userTags"`
	CreatedAt       Timestamp       `json:"createdAt"`
	UpdatedAt       Timestamp       `json:"updatedAt"`
}

// Credential is a public key that the service has on file.
type Credential struct {
	PublicKey        string `json:"publicKey"`
	Type             string `json:"type"` // "CREDENTIAL_TYPE_LOGIN" for a session's key
	SessionProfileID string `json:"sessionProfileId,omitempty"`
}

// APIKey is a key that stamps. ExpirationSeconds counts from CreatedAt; 0 is a key without an end.
type APIKey struct {
	Credential        Credential `json:"credential"`
	APIKeyID          string     `json:"apiKeyId"`
	APIKeyName        string     `json:"apiKeyName"`
	CreatedAt         Timestamp  `json:"createdAt"`
	UpdatedAt         Timestamp  `json:"updatedAt"`
	ExpirationSeconds Seconds    `json:"expirationSeconds,omitzero"`
}

// Authenticator is a passkey.
type Authenticator struct {
	Credential        Credential `json:"credential"`
	AuthenticatorID   string     `json:"authenticatorId"`
	AuthenticatorName string     `json:"authenticatorName"`
	CredentialID      string     `json:"credentialId"`
	AAGUID            string     `json:"aaguid"`
	Model             string     `json:"model"`
	AttestationType   string     `json:"attestationType"`
	Transports        []string   `json:"transports"`
	CreatedAt         Timestamp  `json:"createdAt"`
	UpdatedAt         Timestamp  `json:"updatedAt"`
}

// OAuthProvider is an identity at an OIDC provider.
type OAuthProvider struct {
	ProviderID   string    `json:"providerId"`
	ProviderName string    `json:"providerName"`
	Issuer       string    `json:"issuer"`
	Audience     string    `json:"audience"`
	Subject      string    `json:"subject"`
	CreatedAt    Timestamp `json:"createdAt"`
	UpdatedAt    Timestamp `json:"updatedAt"`
}

// GetUser returns one user.
func (c *Client) GetUser(ctx context.Context, organizationID, userID string) (User, error) {
	var out struct {
		User User `json:"user"`
	}
	err := c.Query(ctx, "/public/v1/query/get_user", ofUser{organizationID, userID}, &out)
	return out.User, err
}

// ListUsers returns all users of an organization.
func (c *Client) ListUsers(ctx context.Context, organizationID string) ([]User, error) {
	var out struct {
		Users []User `json:"users"`
	}
	err := c.Query(ctx, "/public/v1/query/list_users", inOrganization{organizationID}, &out)
	return out.Users, err
}

// GetAPIKeys returns the keys of a user, or of all users when userID is empty.
func (c *Client) GetAPIKeys(ctx context.Context, organizationID, userID string) ([]APIKey, error) {
	var out struct {
		APIKeys []APIKey `json:"apiKeys"`
	}
	err := c.Query(ctx, "/public/v1/query/get_api_keys", ofUser{organizationID, userID}, &out)
	return out.APIKeys, err
}

// DeleteAPIKeys revokes keys of a user, and returns the ids of those that are gone.
func (c *Client) DeleteAPIKeys(ctx context.Context, organizationID, userID string, apiKeyIDs ...string) ([]string, error) {
	var out struct {
		APIKeyIDs []string `json:"apiKeyIds"`
	}
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/delete_api_keys", "ACTIVITY_TYPE_DELETE_API_KEYS", organizationID, struct {
		UserID    string   `json:"userId"`
		APIKeyIDs []string `json:"apiKeyIds"`
	}{userID, apiKeyIDs}, "deleteApiKeysResult"}, &out)
	return out.APIKeyIDs, err
}

// SubOrganizationParams describe an end user's own organization.
type SubOrganizationParams struct {
	Name                string           `json:"subOrganizationName"`
	RootUsers           []RootUserParams `json:"rootUsers"`
	RootQuorumThreshold int              `json:"rootQuorumThreshold"`
	Wallet              *SubOrgWallet    `json:"wallet,omitempty"`
	VerificationToken   string           `json:"verificationToken,omitempty"`
	ClientSignature     *ClientSignature `json:"clientSignature,omitempty"`
}

// RootUserParams describe a user with all rights. The three lists are sent even when they are empty.
type RootUserParams struct {
	UserName        string                `json:"userName"`
	UserEmail       string                `json:"userEmail,omitempty"`
	UserPhoneNumber string                `json:"userPhoneNumber,omitempty"` // E.164
	APIKeys         []APIKeyParams        `json:"apiKeys"`
	Authenticators  []AuthenticatorParams `json:"authenticators"`
	OAuthProviders  []OAuthProviderParams `json:"oauthProviders"`
}

// MarshalJSON writes lists that are nil as empty ones: the service insists on all three.
func (p RootUserParams) MarshalJSON() ([]byte, error) {
	type plain RootUserParams
	if p.APIKeys == nil {
		p.APIKeys = []APIKeyParams{}
	}
	if p.Authenticators == nil {
		p.Authenticators = []AuthenticatorParams{}
	}
	if p.OAuthProviders == nil {
		p.OAuthProviders = []OAuthProviderParams{}
	}
	return json.Marshal(plain(p))
}

// APIKeyParams register a key that stamps.
type APIKeyParams struct {
	APIKeyName        string  `json:"apiKeyName"`
	PublicKey         string  `json:"publicKey"`
	CurveType         string  `json:"curveType"` // CurveAPIKeyP256 and its like
	ExpirationSeconds Seconds `json:"expirationSeconds,omitzero"`
}

// CurveAPIKeyP256 is the curve of every key that Latchkey makes.
const CurveAPIKeyP256 = "API_KEY_CURVE_P256"

// AuthenticatorParams register a passkey.
type AuthenticatorParams struct {
	AuthenticatorName string      `json:"authenticatorName"`
	Challenge         string      `json:"challenge"`
	Attestation       Attestation `json:"attestation"`
}

// Attestation is what a passkey said when it was made; all binary values in base64url without padding.
type Attestation struct {
	CredentialID      string   `json:"credentialId"`
	ClientDataJSON    string   `json:"clientDataJson"`
	AttestationObject string   `json:"attestationObject"`
	Transports        []string `json:"transports"`
}

// OAuthProviderParams register an identity at an OIDC provider, by a token or, from V8 on, by its claims.
type OAuthProviderParams struct {
	ProviderName string      `json:"providerName"`
	OIDCToken    string      `json:"oidcToken,omitempty"`
	OIDCClaims   *OIDCClaims `json:"oidcClaims,omitempty"`
}

// OIDCClaims name an identity.
type OIDCClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
}

// SubOrgWallet asks for a wallet in the new organization.
type SubOrgWallet struct {
	WalletName     string                `json:"walletName"`
	Accounts       []WalletAccountParams `json:"accounts"`
	MnemonicLength int                   `json:"mnemonicLength,omitempty"`
}

// SubOrganization is what was made.
type SubOrganization struct {
	ID          string   `json:"subOrganizationId"`
	RootUserIDs []string `json:"rootUserIds"`
	Wallet      *struct {
		WalletID  string   `json:"walletId"`
		Addresses []string `json:"addresses"`
	} `json:"wallet"`
}

// CreateSubOrganization makes one below organizationID (CREATE_SUB_ORGANIZATION_V8). A verification token must come
// from an encrypted code.
func (c *Client) CreateSubOrganization(ctx context.Context, organizationID string, p SubOrganizationParams) (SubOrganization, error) {
	return c.createSubOrganization(ctx, Activity{"/public/v1/submit/create_sub_organization", "ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V8", organizationID, p, "createSubOrganizationResultV8"})
}

// CreateSubOrganizationV7 does the same for verification tokens of both kinds, and for OAuth providers by token only.
func (c *Client) CreateSubOrganizationV7(ctx context.Context, organizationID string, p SubOrganizationParams) (SubOrganization, error) {
	return c.createSubOrganization(ctx, Activity{"/public/v1/submit/create_sub_organization", "ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V7", organizationID, p, "createSubOrganizationResultV7"})
}

func (c *Client) createSubOrganization(ctx context.Context, a Activity) (SubOrganization, error) {
	var out SubOrganization
	_, err := c.Submit(ctx, a, &out)
	return out, err
}

// SubOrgFilter picks sub-organizations: "EMAIL", "PHONE_NUMBER", "PUBLIC_KEY", "CREDENTIAL_ID", "NAME", "USERNAME",
// "OIDC_TOKEN" or "WALLET_ACCOUNT_ADDRESS" with its value. Limit is at most 100; 0 is the service's default of 10.
type SubOrgFilter struct {
	Type, Value string
	Limit       int
	After       string // the last id of the page before
}

type pagination struct {
	Limit  string `json:"limit,omitempty"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// ListSubOrgs returns the ids of the sub-organizations that match f, whether or not the contact in it was ever
// proven: an e-mail address alone is no identity.
func (c *Client) ListSubOrgs(ctx context.Context, organizationID string, f SubOrgFilter) ([]string, error) {
	return c.listSubOrgs(ctx, "/public/v1/query/list_suborgs", organizationID, f)
}

// ListVerifiedSubOrgs returns the ids of those whose user has proven the contact. f.Type is "EMAIL" or "PHONE_NUMBER".
func (c *Client) ListVerifiedSubOrgs(ctx context.Context, organizationID string, f SubOrgFilter) ([]string, error) {
	return c.listSubOrgs(ctx, "/public/v1/query/list_verified_suborgs", organizationID, f)
}

func (c *Client) listSubOrgs(ctx context.Context, path, organizationID string, f SubOrgFilter) ([]string, error) {
	req := struct {
		OrganizationID string      `json:"organizationId"`
		FilterType     string      `json:"filterType,omitempty"`
		FilterValue    string      `json:"filterValue,omitempty"`
		Pagination     *pagination `json:"paginationOptions,omitempty"`
	}{OrganizationID: organizationID, FilterType: f.Type, FilterValue: f.Value}
	if f.Limit > 0 || f.After != "" {
		req.Pagination = &pagination{After: f.After}
		if f.Limit > 0 {
			req.Pagination.Limit = strconv.Itoa(f.Limit)
		}
	}
	var out struct {
		OrganizationIDs []string `json:"organizationIds"`
	}
	err := c.Query(ctx, path, req, &out)
	return out.OrganizationIDs, err
}
