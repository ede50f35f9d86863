package login

import (
	"context"
	"encoding/json"
)

// ceremonyPath is the backend's page for browsers, and what its routes begin with.
const ceremonyPath = "/ceremony"

// asking is what a page is to do.
type asking struct {
	Kind      string `json:"kind"`
	ReturnTo  string `json:"returnTo"`
	State     string `json:"state"`
	Challenge string `json:"challenge"`
	Name      string `json:"name,omitempty"`
	Body      string `json:"body,omitempty"`
}

// beginCeremony has the backend make a page's ceremony, and returns it and the number that the page shows.
func (b *Backend) beginCeremony(ctx context.Context, q asking) (sealed, match string, err error) {
	var reply struct {
		Ceremony string `json:"ceremony"`
		Match    string `json:"match"`
	}
	err = b.post(ctx, ceremonyPath+"/begin", q, "", &reply)
	if err == nil && (reply.Ceremony == "" || reply.Match == "") {
		err = incomplete(ceremonyPath + "/begin")
	}
	return reply.Ceremony, reply.Match, err
}

// ceremonyResult trades what the browser brought home for what came of it.
func (b *Backend) ceremonyResult(ctx context.Context, ticket, verifier string) (json.RawMessage, error) {
	var reply struct {
		Result json.RawMessage `json:"result"`
	}
	err := b.post(ctx, ceremonyPath+"/token", struct {
		Ticket   string `json:"ticket"`
		Verifier string `json:"verifier"`
	}{ticket, verifier}, "", &reply)
	if err == nil && len(reply.Result) == 0 {
		err = incomplete(ceremonyPath + "/token")
	}
	return reply.Result, err
}

// signUpPasskey makes an account of a passkey that was made, with a key beside it that works for a minute, and returns
// its organization. One key makes one account.
func (b *Backend) signUpPasskey(ctx context.Context, key, name string, made json.RawMessage, publicKey string) (string, error) {
	type apiKey struct {
		Name      string `json:"apiKeyName"`
		PublicKey string `json:"publicKey"`
		Curve     string `json:"curveType"`
		Seconds   string `json:"expirationSeconds"`
	}
	var reply struct {
		OrganizationID string `json:"subOrganizationId"`
	}
	err := b.post(ctx, "/signup", struct {
		Name           string            `json:"userName"`
		APIKeys        []apiKey          `json:"apiKeys"`
		Authenticators []json.RawMessage `json:"authenticators"`
		OAuthProviders []any             `json:"oauthProviders"`
	}{name, []apiKey{{"passkey-auth-" + publicKey, publicKey, "API_KEY_CURVE_P256", helperLife}}, []json.RawMessage{made}, []any{}}, key, &reply)
	if err == nil && reply.OrganizationID == "" {
		err = incomplete("/signup")
	}
	return reply.OrganizationID, err
}

// findPasskey returns the organization that lists a passkey that was made, or "".
func (b *Backend) findPasskey(ctx context.Context, made json.RawMessage) (string, error) {
	var of struct {
		Attestation struct {
			CredentialID string `json:"credentialId"`
		} `json:"attestation"`
	}
	if err := json.Unmarshal(made, &of); err != nil {
		return "", incomplete(ceremonyPath + "/token")
	}
	var reply struct {
		IDs []string `json:"organizationIds"`
	}
	err := b.post(ctx, "/api/getSuborgs", struct {
		Type  string `json:"filterType"`
		Value string `json:"filterValue"`
	}{"CREDENTIAL_ID", of.Attestation.CredentialID}, "", &reply)
	if err != nil || len(reply.IDs) == 0 {
		return "", err
	}
	return reply.IDs[0], nil
}
