package login

import (
	"context"
	"strconv"
	"time"
)

// oauthProvider is one of the ways in of an account that is to be made.
type oauthProvider struct {
	Name   string      `json:"providerName"`
	Token  string      `json:"oidcToken,omitempty"`
	Claims *oidcClaims `json:"oidcClaims,omitempty"`
}

// oidcClaims name a person at another client id of the same provider.
type oidcClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
}

// findIdentity returns the organization of whoever an id token is about, or "".
func (b *Backend) findIdentity(ctx context.Context, idToken string) (string, error) {
	var reply struct {
		IDs []string `json:"organizationIds"`
	}
	err := b.post(ctx, "/api/getSuborgs", struct {
		Type  string `json:"filterType"`
		Value string `json:"filterValue"`
	}{"OIDC_TOKEN", idToken}, "", &reply)
	if err != nil || len(reply.IDs) == 0 {
		return "", err
	}
	return reply.IDs[0], nil
}

// signUpIdentity makes an account for whoever an id token is about and returns its organization. One key makes one.
func (b *Backend) signUpIdentity(ctx context.Context, key, name string, ways []oauthProvider) (string, error) {
	var reply struct {
		OrganizationID string `json:"subOrganizationId"`
	}
	err := b.post(ctx, "/signup", struct {
		Name           string          `json:"userName,omitempty"`
		APIKeys        []any           `json:"apiKeys"`
		Authenticators []any           `json:"authenticators"`
		OAuthProviders []oauthProvider `json:"oauthProviders"`
	}{name, []any{}, []any{}, ways}, key, &reply)
	if err == nil && reply.OrganizationID == "" {
		err = incomplete("/signup")
	}
	return reply.OrganizationID, err
}

// logInByIdentity asks for a session of publicKey and returns its token.
func (b *Backend) logInByIdentity(ctx context.Context, idToken, publicKey, organizationID string, length time.Duration, invalidate bool) (string, error) {
	var reply struct {
		Session string `json:"session"`
	}
	err := b.post(ctx, "/oauth-login", struct {
		Token          string `json:"oidcToken"`
		PublicKey      string `json:"publicKey"`
		OrganizationID string `json:"organizationId"`
		Seconds        string `json:"expirationSeconds"`
		Invalidate     bool   `json:"invalidateExisting,omitempty"`
	}{idToken, publicKey, organizationID, strconv.FormatInt(int64(length/time.Second), 10), invalidate}, "", &reply)
	if err == nil && reply.Session == "" {
		err = incomplete("/oauth-login")
	}
	return reply.Session, err
}

// oauth2Authenticate has the service exchange a code of X or Discord for an id token.
func (b *Backend) oauth2Authenticate(ctx context.Context, provider, clientID, code, redirect, verifier, nonce string) (string, error) {
	var reply struct {
		Token string `json:"oidcToken"`
	}
	err := b.post(ctx, "/oauth2-authenticate", struct {
		Provider string `json:"provider"`
		Code     string `json:"authCode"`
		Redirect string `json:"redirectUri"`
		Verifier string `json:"codeVerifier"`
		Nonce    string `json:"nonce"`
		ClientID string `json:"clientId"`
	}{provider, code, redirect, verifier, nonce, clientID}, "", &reply)
	if err == nil && reply.Token == "" {
		err = incomplete("/oauth2-authenticate")
	}
	return reply.Token, err
}

// relayPath is the backend's page to which Apple sends browsers.
const relayPath = "/oauth/relay"

// beginRelay has the backend lead a browser home, and returns the state for the provider.
func (b *Backend) beginRelay(ctx context.Context, home, state, challenge string) (string, error) {
	var reply struct {
		State string `json:"state"`
	}
	err := b.post(ctx, relayPath+"/begin", struct {
		ReturnTo  string `json:"returnTo"`
		State     string `json:"state"`
		Challenge string `json:"challenge"`
	}{home, state, challenge}, "", &reply)
	if err == nil && reply.State == "" {
		err = incomplete(relayPath + "/begin")
	}
	return reply.State, err
}

// relayed trades what the browser brought home for the id token.
func (b *Backend) relayed(ctx context.Context, ticket, verifier string) (string, error) {
	var reply struct {
		Token string `json:"oidcToken"`
	}
	err := b.post(ctx, relayPath+"/token", struct {
		Ticket   string `json:"ticket"`
		Verifier string `json:"verifier"`
	}{ticket, verifier}, "", &reply)
	if err == nil && reply.Token == "" {
		err = incomplete(relayPath + "/token")
	}
	return reply.Token, err
}
