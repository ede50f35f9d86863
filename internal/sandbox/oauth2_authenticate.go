package sandbox

import (
	"crypto/ecdh"

	"latchkey/internal/bundle"
	"latchkey/internal/p256"
	"latchkey/internal/sandbox/oidc"
)

// oauth2Authenticate exchanges a code of X or Discord, asks who it is about, and vouches for that by an id token. The
// providers are those beside the sandbox: nothing leaves this machine.
type oauth2Authenticate struct {
	CredentialID               string `json:"oauth2CredentialId"`
	AuthCode                   string `json:"authCode"`
	RedirectURI                string `json:"redirectUri"`
	CodeVerifier               string `json:"codeVerifier"`
	Nonce                      string `json:"nonce" need:"yes"`
	BearerTokenTargetPublicKey string `json:"bearerTokenTargetPublicKey,omitempty"`

	target *ecdh.PublicKey // nil: the bearer token is kept
}

func (in *oauth2Authenticate) complete() error {
	for _, f := range []struct{ value, name string }{{in.CredentialID, "oauth2_credential_id"}, {in.AuthCode, "auth_code"},
		{in.RedirectURI, "redirect_uri"}, {in.CodeVerifier, "code_verifier"}} {
		if f.value == "" {
			return invalid("%s must be set", f.name)
		}
	}
	if len(in.Nonce) > nonceMax {
		return invalid("invalid nonce: at most %d characters", nonceMax)
	}
	return nil
}

// nonceMax keeps id tokens short; a nonce that binds a key has 64 characters.
const nonceMax = 256

func (in *oauth2Authenticate) prepare(*call) error {
	if in.BearerTokenTargetPublicKey == "" {
		return nil
	}
	public, err := p256.ParsePublic(in.BearerTokenTargetPublicKey)
	if err != nil {
		return invalid("invalid bearer token target public key")
	}
	in.target, err = public.ECDH()
	return err
}

// run exchanges the code here and not in prepare, for a code is good once, and an activity that is denied must not
// use it up.
func (in *oauth2Authenticate) run(t *tx) (any, error) {
	o, err := t.oauth2Credential(in.CredentialID)
	if err != nil {
		return nil, err
	}
	secret, err := t.oauth2Secret(o.secret)
	if err != nil {
		return nil, err
	}
	p := t.s.providers(t.state).provider
	who, err := p.Exchange(oauth2Providers[o.provider], o.client, secret, in.AuthCode, in.RedirectURI, in.CodeVerifier)
	if err != nil {
		return nil, invalid("failed to exchange the auth code: %v", err).because("auth code", "a code of "+o.provider+" for this client", err.Error())
	}
	bearer := ""
	if in.target != nil {
		if bearer, err = bundle.SealBearerToken(in.target, who.AccessToken); err != nil {
			return nil, err
		}
	}
	raw, err := p.IssueTurnkey(t.providerBase(p), o.client, who.Subject, in.Nonce, bearer)
	if err != nil {
		return nil, err
	}
	return struct {
		OIDCToken string `json:"oidcToken"`
	}{raw}, nil
}

// providerBase is what the issuer of this call's id tokens begins with. A request by a Host that must not choose the
// issuer gets one that only the sandbox itself can look up.
func (c *call) providerBase(p *oidc.Provider) string {
	if base := p.Base(c.host); base != "" {
		return base
	}
	return "http://localhost"
}
