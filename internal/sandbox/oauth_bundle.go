package sandbox

import (
	"github.com/google/uuid"

	"latchkey/internal/sandbox/oidc"
)

// oauthBundle hands a key for a while, in a bundle, to whom an id token speaks of. The token must be bound to the
// target key, as it is written in the request.
type oauthBundle struct {
	OIDCToken string `json:"oidcToken" need:"text"`
	bundled

	token oidc.Token
}

func (in *oauthBundle) prepare(c *call) (err error) {
	if in.token, err = c.idToken(in.OIDCToken); err != nil {
		return err
	}
	if err := bound(in.token, in.TargetPublicKey); err != nil {
		return err
	}
	return in.bundled.prepare(c)
}

func (in *oauthBundle) about(c *call) uuid.UUID { return aboutUser(c.identified(in.token)) }

func (in *oauthBundle) run(t *tx) (any, error) {
	u, err := t.identified(in.token)
	if err != nil {
		return nil, err
	}
	k := in.hand(t, u, credentialOAuth, "Oauth")
	return struct {
		UserID           string `json:"userId"`
		APIKeyID         string `json:"apiKeyId"`
		CredentialBundle string `json:"credentialBundle"`
	}{u.id.String(), k.id.String(), in.sealed}, nil
}
