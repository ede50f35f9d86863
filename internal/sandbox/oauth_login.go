package sandbox

import (
	"github.com/google/uuid"

	"latchkey/internal/sandbox/oidc"
)

// oauthLogin begins a session for whom an id token speaks of. The token must be bound to the session's key.
type oauthLogin struct {
	OIDCToken string `json:"oidcToken" need:"text"`
	sessionWish

	token oidc.Token
}

func (in *oauthLogin) prepare(c *call) (err error) {
	if in.token, err = c.idToken(in.OIDCToken); err != nil {
		return err
	}
	return bound(in.token, in.PublicKey)
}

func (in *oauthLogin) about(c *call) uuid.UUID { return aboutUser(c.identified(in.token)) }

func (in *oauthLogin) run(t *tx) (any, error) {
	u, err := t.identified(in.token)
	if err != nil {
		return nil, err
	}
	return t.begin(in.sessionWish, u)
}
