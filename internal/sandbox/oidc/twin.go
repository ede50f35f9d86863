package oidc

import (
	"errors"
	"fmt"
)

// Account is what X or Discord tell about whoever logged in there.
type Account struct {
	Subject     string // "x:123…", as Turnkey spells it
	Email       string // "" unless the provider tells it
	Name        string
	AccessToken string
}

// Exchange does in process what Turnkey does against X and Discord: it exchanges a code as the client with that secret,
// and asks who it is about. A code is good once. The error says what the provider would say.
func (p *Provider) Exchange(provider, clientID, clientSecret, code, redirectURI, codeVerifier string) (Account, error) {
	h := p.houses["/oauth2/"+provider]
	if h == nil {
		return Account{}, errors.New("no such OAuth 2.0 provider")
	}
	if clientID == "" || !p.knows(h, clientID, clientSecret) {
		return Account{}, errors.New("invalid_client: the client is not known, or its secret is wrong")
	}
	g, access, bad := p.exchange(h, clientID, code, redirectURI, codeVerifier)
	if bad != nil {
		return Account{}, fmt.Errorf("%s: %s", bad.code, bad.text)
	}
	a := Account{Subject: h.name + ":" + g.subject, Name: g.name, AccessToken: access}
	if h.name == Discord && h.has(g.scope, "email") {
		a.Email = g.email
	}
	return a, nil
}

// IssueTurnkey returns the id token by which Turnkey vouches for an account of X or Discord. base is where its issuer
// is reached; nonce and bearer, the encrypted access token, may be "".
func (p *Provider) IssueTurnkey(base, clientID, subject, nonce, bearer string) (string, error) {
	now := p.Now()
	return p.signers[Turnkey]().sign(struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		Expires  int64  `json:"exp"`
		IssuedAt int64  `json:"iat"`
		Nonce    string `json:"nonce,omitempty"`
		Bearer   string `json:"encrypted_bearer_token,omitempty"`
	}{base + p.houses["/oidc/"+Turnkey].path(), subject, clientID, now.Add(idTokenLife).Unix(), now.Unix(), nonce, bearer})
}
