package sandbox

import (
	"slices"

	"github.com/google/uuid"

	"latchkey/internal/sandbox/oidc"
)

// providersMax is how many OAuth providers a user may have, as the service documents.
const providersMax = 10

// oauthProviderParams asks for a way in by an OAuth provider: a token that proves who somebody is there, or, beside
// such a token, the claims by which the same person is known to another app.
type oauthProviderParams struct {
	ProviderName string      `json:"providerName" need:"text"`
	OIDCToken    string      `json:"oidcToken,omitempty"`
	OIDCClaims   *oidcClaims `json:"oidcClaims,omitempty"`
}

// oauthProviderParamsV1 knows tokens alone.
type oauthProviderParamsV1 struct {
	ProviderName string `json:"providerName" need:"text"`
	OIDCToken    string `json:"oidcToken" need:"text"`
}

// newer returns the same in the newer form.
func newer(wanted []oauthProviderParamsV1) []oauthProviderParams {
	out := make([]oauthProviderParams, len(wanted))
	for i, p := range wanted {
		out[i] = oauthProviderParams{ProviderName: p.ProviderName, OIDCToken: p.OIDCToken}
	}
	return out
}

// withoutClaims leaves out what the older versions of what makes users do not have.
func withoutClaims(wanted []oauthProviderParams) {
	for i := range wanted {
		wanted[i].OIDCClaims = nil
	}
}

// oidcClaims is who somebody is.
type oidcClaims struct {
	Issuer   string `json:"iss" need:"text"`
	Subject  string `json:"sub" need:"text"`
	Audience string `json:"aud" need:"text"`
}

// proven is what the tokens of a request prove besides identities.
type proven struct {
	googleEmails []string // that Google verified
}

// drawProviders verifies the tokens and returns the providers, but for their ids and time. It may ask issuers, so the
// caller holds no lock.
func drawProviders(c *call, wanted []oauthProviderParams) ([]*oauthProvider, error) {
	drawn, _, err := proveProviders(c, wanted)
	return drawn, err
}

func proveProviders(c *call, wanted []oauthProviderParams) (drawn []*oauthProvider, by proven, err error) {
	if len(wanted) > providersMax {
		return nil, by, tooMany("user has exceeded maximum oauth providers")
	}
	tokens := make([]oidc.Token, 0, len(wanted))
	drawn = make([]*oauthProvider, len(wanted))
	for i, p := range wanted {
		switch {
		case p.OIDCToken == "" && p.OIDCClaims == nil:
			return nil, by, missingField("oauthProviders.oidcToken")
		case p.OIDCToken != "" && p.OIDCClaims != nil:
			return nil, by, invalid("invalid oauth provider: want either oidcToken or oidcClaims")
		case p.OIDCToken == "":
			continue
		}
		t, err := c.idToken(p.OIDCToken)
		if err != nil {
			return nil, by, err
		}
		if len(t.Audience) != 1 {
			return nil, by, badIDToken("it is for several audiences")
		}
		tokens = append(tokens, t)
		drawn[i] = &oauthProvider{Name: p.ProviderName, identity: identities(t)[0]}
		if t.OfGoogle && t.EmailVerified {
			by.googleEmails = append(by.googleEmails, t.Email)
		}
	}
	for i, p := range wanted {
		if drawn[i] != nil {
			continue
		}
		who := identity{Issuer: p.OIDCClaims.Issuer, Audience: p.OIDCClaims.Audience, Subject: p.OIDCClaims.Subject}
		if !slices.ContainsFunc(tokens, func(t oidc.Token) bool { return t.Issuer == who.Issuer && t.Subject == who.Subject }) {
			return nil, by, invalid("invalid oidc claims: want a token of the same issuer and subject beside them")
		}
		drawn[i] = &oauthProvider{Name: p.ProviderName, identity: who}
	}
	return drawn, by, nil
}

// attach adds providers to u, a version that is not installed yet. An identity is one user's of its organization, of
// whom others are those that are not installed yet.
func (t *tx) attach(u *user, drawn []*oauthProvider, others ...*user) error {
	u.providers = slices.Clone(u.providers)
	for _, p := range drawn {
		has := func(o *user) bool { return o.provider(p.identity) != nil }
		if has(u) || slices.ContainsFunc(u.org.users, func(o *user) bool { return o.id != u.id && has(o) }) || slices.ContainsFunc(others, func(o *user) bool { return o.id != u.id && has(o) }) {
			return providerExists(p.identity)
		}
		p.ID, p.Created = t.id(), t.now
		if u.providers = append(u.providers, p); len(u.providers) > providersMax {
			return tooMany("user has exceeded maximum oauth providers")
		}
	}
	return nil
}

// provider returns the provider of u by which that is u, or nil.
func (u *user) provider(who identity) *oauthProvider {
	for _, p := range u.providers {
		if p.identity == who {
			return p
		}
	}
	return nil
}

// identified returns the user of the organization that a token speaks of. The caller holds the lock.
func (c *call) identified(t oidc.Token) (*user, error) {
	for _, who := range identities(t) {
		for u := range c.state.byIdentity.all(who) {
			if u.org == c.org {
				return u, nil
			}
		}
	}
	return nil, badIDToken("no OAuth provider of the organization has its issuer, audience and subject").because("OIDC token", "a provider of a user", t.Subject)
}

// createOAuthProviders gives a user more ways in.
type createOAuthProviders struct {
	UserID         string                `json:"userId" need:"text"`
	OAuthProviders []oauthProviderParams `json:"oauthProviders" need:"yes"`

	drawn []*oauthProvider
	by    proven
}

// createOAuthProvidersV1 takes tokens alone.
type createOAuthProvidersV1 struct {
	UserID         string                  `json:"userId" need:"text"`
	OAuthProviders []oauthProviderParamsV1 `json:"oauthProviders" need:"yes"`

	now createOAuthProviders
}

func (in *createOAuthProvidersV1) about(*call) uuid.UUID { return idOf(in.UserID) }

func (in *createOAuthProvidersV1) prepare(c *call) error {
	in.now = createOAuthProviders{UserID: in.UserID, OAuthProviders: newer(in.OAuthProviders)}
	return in.now.prepare(c)
}

func (in *createOAuthProvidersV1) run(t *tx) (any, error) { return in.now.run(t) }

func (in *createOAuthProviders) about(*call) uuid.UUID { return idOf(in.UserID) }

func (in *createOAuthProviders) prepare(c *call) (err error) {
	if len(in.OAuthProviders) == 0 {
		return invalid("no oauth providers provided")
	}
	in.drawn, in.by, err = proveProviders(c, in.OAuthProviders)
	return err
}

// providerIDs is the answer to what makes and deletes providers.
type providerIDs struct {
	ProviderIDs []string `json:"providerIds"`
}

func (in *createOAuthProviders) run(t *tx) (any, error) {
	u, err := t.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	next := *u
	next.updated = t.now
	if err := t.attach(&next, in.drawn); err != nil {
		return nil, err
	}
	for _, email := range in.by.googleEmails { // social linking
		next.emailVerified = next.emailVerified || next.email != "" && sameEmail(email) == sameEmail(next.email)
	}
	ids := providerIDs{make([]string, len(in.drawn))}
	for i, p := range in.drawn {
		ids.ProviderIDs[i] = p.ID.String()
	}
	t.stage(&next)
	return ids, nil
}

// deleteOAuthProviders takes ways in from a user.
type deleteOAuthProviders struct {
	UserID      string   `json:"userId" need:"text"`
	ProviderIDs []string `json:"providerIds" need:"yes"`
	nobody
}

func (in *deleteOAuthProviders) about(*call) uuid.UUID { return idOf(in.UserID) }

func (in *deleteOAuthProviders) run(t *tx) (any, error) {
	u, err := t.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	if len(in.ProviderIDs) == 0 {
		return nil, invalid("no oauth provider IDs provided")
	}
	next := *u
	next.providers, next.updated = slices.Clone(u.providers), t.now
	for _, id := range in.ProviderIDs {
		at := slices.IndexFunc(next.providers, func(p *oauthProvider) bool { return p.ID.String() == id })
		if at < 0 {
			return nil, notFound("no oauth provider found with the given ID", "providerId", id)
		}
		next.providers = slices.Delete(next.providers, at, at+1)
	}
	t.stage(&next)
	return providerIDs{in.ProviderIDs}, nil
}

// getOAuthProviders lists a user's, or everybody's.
func getOAuthProviders(c *call, in *anyUserFilter) (any, error) {
	users, err := in.users(c)
	if err != nil {
		return nil, err
	}
	out := []providerView{}
	for _, u := range users {
		for _, p := range u.providers {
			out = append(out, p.view())
		}
	}
	return struct {
		OAuthProviders []providerView `json:"oauthProviders"`
	}{out}, nil
}
