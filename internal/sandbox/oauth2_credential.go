package sandbox

import (
	"github.com/google/uuid"

	"latchkey/internal/bundle"
	"latchkey/internal/sandbox/oidc"
)

// oauth2Credential is an app's registration with X or Discord. Its secret stays sealed to the enclave that talks to
// them, and is opened when it is needed.
type oauth2Credential struct {
	id       uuid.UUID
	number   uint64
	org      *organization
	provider string // OAUTH2_PROVIDER_…
	client   string
	secret   string // sealed, as it came
	created  int64
	updated  int64
}

// oauth2CredentialsMax bounds those of an organization. No source names the service's own limit.
const oauth2CredentialsMax = 100

// oauth2Providers are those of which there are credentials, with the names that package oidc gives them.
var oauth2Providers = map[string]string{"OAUTH2_PROVIDER_X": oidc.X, "OAUTH2_PROVIDER_DISCORD": oidc.Discord}

func (o *oauth2Credential) ident() uuid.UUID   { return o.id }
func (o *oauth2Credential) install(*state)     { o.org.shelf().oauth2.put(o) }
func (o *oauth2Credential) uninstall(s *state) { o.org.shelf().oauth2.drop(o.id) }

type oauth2CredentialOnDisk struct {
	ID       uuid.UUID `json:"id"`
	Org      uuid.UUID `json:"org"`
	Provider string    `json:"provider"`
	Client   string    `json:"client"`
	Secret   string    `json:"secret"`
	Created  int64     `json:"created"`
	Updated  int64     `json:"updated"`
}

const bucketOAuth2Credential = "oauth2Credential" // by number

func (o *oauth2Credential) row() row {
	return row{bucketOAuth2Credential, number(o.number), mustJSON(oauth2CredentialOnDisk{
		o.id, o.org.id, o.provider, o.client, o.secret, o.created, o.updated})}
}

func (s *state) readOAuth2Credential(key, value []byte) (record, error) {
	var d oauth2CredentialOnDisk
	n, org, err := s.owned(key, value, &d, &d.Org)
	if err != nil {
		return nil, err
	}
	return &oauth2Credential{d.ID, n, org, d.Provider, d.Client, d.Secret, d.Created, d.Updated}, nil
}

type oauth2CredentialView struct {
	ID             string    `json:"oauth2CredentialId"`
	OrganizationID string    `json:"organizationId"`
	Provider       string    `json:"provider"`
	ClientID       string    `json:"clientId"`
	Secret         string    `json:"encryptedClientSecret"`
	CreatedAt      timestamp `json:"createdAt"`
	UpdatedAt      timestamp `json:"updatedAt"`
}

func (o *oauth2Credential) view() oauth2CredentialView {
	return oauth2CredentialView{o.id.String(), o.org.id.String(), o.provider, o.client, o.secret, stampTime(o.created), stampTime(o.updated)}
}

// oauth2Credential returns the organization's credential of that id. The caller holds the lock.
func (c *call) oauth2Credential(id string) (*oauth2Credential, error) {
	if found, ok := c.org.shelved().oauth2.find(idOf(id)); ok {
		return found, nil
	}
	r := notFound("no OAuth 2.0 credential found with the given ID", "oauth2CredentialId", id)
	r.code = "OAUTH2_CREDENTIAL_NOT_FOUND"
	return nil, r
}

// oauth2Secret opens a sealed client secret.
func (c *call) oauth2Secret(sealed string) (string, error) {
	key, err := c.state.enclave.fetcherEncrypt.ECDH()
	if err != nil {
		return "", err
	}
	secret, err := bundle.OpenClientSecret(key, sealed)
	if err != nil {
		return "", invalid("invalid encrypted client secret").because("parameters", "sealed to the TLS fetcher's encryption key", err.Error())
	}
	return secret, nil
}

// oauth2App is what an app is told about a credential.
type oauth2App struct {
	Provider              string `json:"provider" need:"text"`
	ClientID              string `json:"clientId"`
	EncryptedClientSecret string `json:"encryptedClientSecret" need:"text"`
}

func (in *oauth2App) prepare(c *call) error {
	if oauth2Providers[in.Provider] == "" {
		r := invalid("invalid OAuth 2.0 provider")
		r.code = "INVALID_OAUTH2_PROVIDER"
		return r
	}
	if in.ClientID == "" {
		return invalid("client_id must be set")
	}
	_, err := c.oauth2Secret(in.EncryptedClientSecret)
	return err
}

// oauth2CredentialID is the answer to what makes, changes and deletes credentials.
type oauth2CredentialID struct {
	ID string `json:"oauth2CredentialId"`
}

type createOAuth2Credential struct{ oauth2App }

func (in *createOAuth2Credential) run(t *tx) (any, error) {
	if len(t.org.shelved().oauth2.all) >= oauth2CredentialsMax {
		return nil, tooMany("organization has exceeded maximum OAuth 2.0 credentials")
	}
	o := &oauth2Credential{t.id(), t.number(), t.org, in.Provider, in.ClientID, in.EncryptedClientSecret, t.now, t.now}
	t.stage(o)
	return oauth2CredentialID{o.id.String()}, nil
}

type updateOAuth2Credential struct {
	ID string `json:"oauth2CredentialId" need:"text"`
	oauth2App
}

func (in *updateOAuth2Credential) run(t *tx) (any, error) {
	o, err := t.oauth2Credential(in.ID)
	if err != nil {
		return nil, err
	}
	next := *o
	next.provider, next.client, next.secret, next.updated = in.Provider, in.ClientID, in.EncryptedClientSecret, t.now
	t.stage(&next)
	return oauth2CredentialID{in.ID}, nil
}

type deleteOAuth2Credential struct {
	ID string `json:"oauth2CredentialId" need:"text"`
	nobody
}

func (in *deleteOAuth2Credential) run(t *tx) (any, error) {
	o, err := t.oauth2Credential(in.ID)
	if err != nil {
		return nil, err
	}
	t.stage(gone{o})
	return oauth2CredentialID{in.ID}, nil
}

type oauth2CredentialFilter struct {
	ID string `json:"oauth2CredentialId" need:"text"`
}

func getOAuth2Credential(c *call, in *oauth2CredentialFilter) (any, error) {
	o, err := c.oauth2Credential(in.ID)
	if err != nil {
		return nil, err
	}
	return struct {
		OAuth2Credential oauth2CredentialView `json:"oauth2Credential"`
	}{o.view()}, nil
}

func listOAuth2Credentials(c *call, _ *nothing) (any, error) {
	views := []oauth2CredentialView{}
	for _, o := range c.org.shelved().oauth2.all {
		views = append(views, o.view())
	}
	return struct {
		OAuth2Credentials []oauth2CredentialView `json:"oauth2Credentials"`
	}{views}, nil
}
