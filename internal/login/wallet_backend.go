package login

import "context"

// findKey returns the organizations that list a public key.
func (b *Backend) findKey(ctx context.Context, publicKey string) ([]string, error) {
	var reply struct {
		IDs []string `json:"organizationIds"`
	}
	err := b.post(ctx, "/api/getSuborgs", struct {
		Type  string `json:"filterType"`
		Value string `json:"filterValue"`
	}{"PUBLIC_KEY", publicKey}, "", &reply)
	return reply.IDs, err
}

// signUpKey makes an account that a wallet's key opens, and returns its organization. One key makes one.
func (b *Backend) signUpKey(ctx context.Context, key, publicKey string) (string, error) {
	type apiKey struct {
		Name      string `json:"apiKeyName"`
		PublicKey string `json:"publicKey"`
		Curve     string `json:"curveType"`
	}
	curve := curveSecp256k1
	if len(publicKey) == 64 { // compressed keys of the other curve have 66
		curve = curveEd25519
	}
	var reply struct {
		OrganizationID string `json:"subOrganizationId"`
	}
	err := b.post(ctx, "/signup", struct {
		APIKeys        []apiKey `json:"apiKeys"`
		Authenticators []any    `json:"authenticators"`
		OAuthProviders []any    `json:"oauthProviders"`
	}{[]apiKey{{"wallet-auth:" + publicKey, publicKey, curve}}, []any{}, []any{}}, key, &reply)
	if err == nil && reply.OrganizationID == "" {
		err = incomplete("/signup")
	}
	return reply.OrganizationID, err
}
