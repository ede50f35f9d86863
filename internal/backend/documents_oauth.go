package backend

import (
	"context"

	"latchkey/internal/turnkey"
)

// This file is the documents' routes for log-ins by a provider. The documents leave the path of the first open.

type oauthLoginIn struct {
	OIDCToken          string          `json:"oidcToken" need:"yes"`
	PublicKey          string          `json:"publicKey" need:"yes"`
	OrganizationID     string          `json:"organizationId"`
	ProviderName       string          `json:"providerName"` // who is unknown is signed up under it; "" refuses him
	ExpirationSeconds  turnkey.Seconds `json:"expirationSeconds"`
	InvalidateExisting bool            `json:"invalidateExisting"`
}

func (b *Backend) oauthLogin(ctx context.Context, c *call, in oauthLoginIn) (session, error) {
	return b.enterByIdentity(ctx, c, identity{in.OIDCToken, in.ProviderName},
		entry{publicKey: in.PublicKey, seconds: in.ExpirationSeconds, invalidate: in.InvalidateExisting, organizationID: in.OrganizationID})
}

// oauth2Authenticate is the auth proxy's route of that name, for devices that are told no configuration.
func (b *Backend) oauth2Authenticate(ctx context.Context, c *call, in proxyOAuth2In) (proxyOAuth2Out, error) {
	return b.proxyOAuth2(ctx, c, in)
}
