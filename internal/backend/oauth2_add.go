package backend

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"latchkey/internal/bundle"
	"latchkey/internal/p256"
	"latchkey/internal/turnkey"
)

// OAuth2Providers are the providers whose codes the service exchanges, by their names here.
var OAuth2Providers = map[string]string{methodX: "OAUTH2_PROVIDER_X", methodDiscord: "OAUTH2_PROVIDER_DISCORD"}

// AddOAuth2Credential uploads an app's secret at X or Discord with the parent's key, sealed so that the enclave alone
// reads it; one that is there for the client id is replaced. It reports whether it was. Errors: fault.BackendConfig for
// settings that cannot be used; what the service answered.
func AddOAuth2Credential(ctx context.Context, c Config, provider, clientID string, secret Secret) (id string, replaced bool, err error) {
	k, err := c.keys()
	if err != nil {
		return "", false, err
	}
	c = c.filled()
	pin, err := p256.ParsePublic(c.Pins.TLSFetcherEncryption)
	if err != nil {
		return "", false, wrong("LATCHKEY_TLS_FETCHER_ENCRYPTION_PUBLIC_KEY", "want a P-256 public key in hex")
	}
	target, err := pin.ECDH()
	if err != nil {
		return "", false, err
	}
	sealed, err := bundle.SealClientSecret(target, secret.reveal())
	if err != nil {
		return "", false, err
	}
	name := OAuth2Providers[provider]
	if name == "" || clientID == "" || secret.reveal() == "" {
		return "", false, bad("want x or discord, a client id and a secret")
	}
	own := &ownKey{}
	own.set(k.own)
	api := &turnkey.Client{BaseURL: func() string { return c.APIURL }, Stamper: own, HTTP: c.HTTP, Now: c.Now}
	if t, ok := c.HTTP.Transport.(*http.Transport); ok {
		defer t.CloseIdleConnections()
	}
	known, err := api.ListOAuth2Credentials(ctx, c.OrganizationID)
	if err != nil {
		return "", false, fmt.Errorf("list OAuth 2.0 credentials: %w", err)
	}
	at := slices.IndexFunc(known, func(o turnkey.OAuth2Credential) bool { return o.Provider == name && o.ClientID == clientID })
	if at >= 0 {
		id := known[at].CredentialID
		return id, true, api.UpdateOAuth2Credential(ctx, c.OrganizationID, id, name, clientID, sealed)
	}
	id, err = api.CreateOAuth2Credential(ctx, c.OrganizationID, name, clientID, sealed)
	return id, false, err
}
