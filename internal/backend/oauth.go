package backend

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/turnkey"
)

// identityOf reads who an id token is about and believes nothing: the service verifies every token that it is handed.
// What cannot be read is nobody.
func identityOf(oidcToken string) turnkey.OIDCClaims {
	var who turnkey.OIDCClaims
	parts := strings.Split(oidcToken, ".")
	if len(parts) != 3 {
		return who
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return who
	}
	var claims struct {
		Issuer   string          `json:"iss"`
		Subject  string          `json:"sub"`
		Audience json.RawMessage `json:"aud"` // a text, or a list of them
	}
	if json.Unmarshal(payload, &claims) != nil {
		return who
	}
	who.Issuer, who.Subject = claims.Issuer, claims.Subject
	var several []string
	if json.Unmarshal(claims.Audience, &who.Audience) != nil && json.Unmarshal(claims.Audience, &several) == nil && len(several) > 0 {
		who.Audience = several[0]
	}
	return who
}

// turnOfIdentity names what may be done only once at a time for one identity.
func (b *Backend) turnOfIdentity(oidcToken string) string {
	who := identityOf(oidcToken)
	return b.hash("join identity", who.Issuer+"\x00"+who.Subject+"\x00"+who.Audience)
}

// identified returns the organizations of the identity that a token proves. The service verifies the token first.
func (b *Backend) identified(ctx context.Context, oidcToken string) ([]string, error) {
	ids, err := b.api.ListSubOrgs(ctx, b.c.OrganizationID, turnkey.SubOrgFilter{Type: "OIDC_TOKEN", Value: oidcToken, Limit: pageOf})
	if err != nil {
		return nil, refusedAs(fault.LoginRefused, err)
	}
	return ids, nil
}

// identityFree refuses a sign-up by identities of which one has an account: two would make every later log-in
// ambiguous. Who asks has proven that they are his. Errors: fault.SignUpRefused.
func (b *Backend) identityFree(ctx context.Context, user turnkey.RootUserParams) error {
	for _, p := range user.OAuthProviders {
		if p.OIDCToken == "" {
			continue
		}
		ids, err := b.identified(ctx, p.OIDCToken)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			return &fault.Error{Kind: fault.Conflict, Code: fault.SignUpRefused, Err: show("this identity has an account")}
		}
	}
	return nil
}

// identity is a proof by id token.
type identity struct {
	oidcToken string
	// provider names the provider of an account that is made for an identity without one; "" makes none.
	provider string
}

// idTokenMost is the longest id token that is looked at.
const idTokenMost = 16 << 10

// enterByIdentity trades an id token for a session: the step that every family takes.
func (b *Backend) enterByIdentity(ctx context.Context, c *call, i identity, e entry) (session, error) {
	ctx = first(ctx)
	c.hide(i.oidcToken)
	if i.oidcToken == "" || len(i.oidcToken) > idTokenMost {
		return session{}, bad("oidcToken: missing or over %d bytes", idTokenMost)
	}
	if err := e.check(b.c); err != nil {
		return session{}, err
	}
	if err := b.allowsIdentity(identityOf(i.oidcToken).Issuer); err != nil {
		return session{}, err
	}
	organizationID, err := b.accountOfIdentity(ctx, c, i, e)
	if err != nil {
		return session{}, err
	}
	jwt, err := b.api.OAuthLogin(ctx, organizationID, turnkey.OAuthLoginParams{OIDCToken: i.oidcToken, LoginParams: e.params()})
	if err != nil {
		return session{}, refusedAs(fault.LoginRefused, err)
	}
	return b.begun(jwt, e.publicKey, organizationID)
}

func (b *Backend) accountOfIdentity(ctx context.Context, c *call, i identity, e entry) (string, error) {
	turn, err := b.kept.joining.take(ctx, b.turnOfIdentity(i.oidcToken))
	if err != nil {
		return "", err
	}
	defer turn.done()
	ids, err := b.identified(ctx, i.oidcToken)
	switch {
	case err != nil:
		return "", err
	case e.organizationID != "" && slices.Contains(ids, e.organizationID):
		return e.organizationID, nil
	case e.organizationID != "" && !e.orElsewhere:
		return "", fault.New(fault.LoginRefused, show("organizationId: the identity is not known there"))
	case len(ids) > 0:
		return ids[0], nil
	case i.provider == "":
		return "", fault.New(fault.AccountUnknown, errors.New("no organization for the identity"))
	}
	m, err := b.join(ctx, c, newcomer{turn: turn, body: b.turnOfIdentity(i.oidcToken), user: turnkey.RootUserParams{
		OAuthProviders: []turnkey.OAuthProviderParams{{ProviderName: i.provider, OIDCToken: i.oidcToken}}}})
	return m.OrganizationID, err
}
