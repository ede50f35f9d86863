package sandbox

import (
	"errors"
	"iter"

	"latchkey/internal/sandbox/oidc"
	"latchkey/internal/stamp"
)

// oidcStamp is an attested stamp: an id token says who stamped, and its nonce that the key is that person's.
type oidcStamp struct {
	stamp.AttestedStamp
	token oidc.Token
	whose []identity
}

// readOIDCStamp verifies the token of an attested stamp. It may ask the issuer, so the caller holds no lock. Whoever
// sends it is nobody yet, so only an issuer is asked by which somebody here logs in.
func (c *call) readOIDCStamp(s stamp.AttestedStamp) (presented, error) {
	issuer, err := c.s.providers(c.state).verifier.Foreign(s.Token)
	if err != nil {
		return nil, asStamp(badIDToken(err.Error()))
	}
	known := issuer == ""
	c.state.reading(func() { known = known || c.state.issuers[issuer] > 0 })
	if !known {
		return nil, asStamp(badIDToken("nobody logs in by its issuer"))
	}
	t, err := c.idToken(s.Token)
	if err != nil {
		return nil, asStamp(err)
	}
	return &oidcStamp{s, t, identities(t)}, nil
}

// asStamp says of a token that stamps what would be said of one among the parameters.
func asStamp(err error) error {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		return err
	}
	return unauthenticated(r.code, "%s", r.message).because("attestation", r.expected, r.seen)
}

func (o *oidcStamp) users(s *state) iter.Seq[*user] {
	return func(yield func(*user) bool) {
		for _, who := range o.whose {
			for u := range s.byIdentity.all(who) {
				if !yield(u) {
					return
				}
			}
		}
	}
}

func (o *oidcStamp) of(u *user) (used, bool) {
	for _, who := range o.whose {
		if p := u.provider(who); p != nil {
			return used{token: true, id: p.ID, method: "AUTHENTICATION_TYPE_OAUTH", publicKey: o.PublicKey}, true
		}
	}
	return used{}, false
}

func (o *oidcStamp) check(c *call, _ used) error {
	if err := bound(o.token, o.PublicKey); err != nil {
		return asStamp(err)
	}
	if o.Verify(c.body) != nil {
		return badSignature(o.PublicKey)
	}
	return nil
}

func (o *oidcStamp) vote() (publicKey, signature, scheme string) {
	return o.PublicKey, o.Signature, o.Scheme
}

func (o *oidcStamp) unknown(org string) *refusal {
	return unauthenticated("UNAUTHENTICATED", "could not find the identity of the OIDC token in organization or its sub-organizations organizationId=%s", org).
		because("key known", "an OAuth provider of a user", o.token.Subject)
}

func (o *oidcStamp) shared(org string) *refusal {
	return unauthenticated("CREDENTIAL_CONFLICT", "more than one suborg associated with an OIDC token organizationId=%s", org).
		because("key known", "an OAuth provider of one sub-organization", o.token.Subject)
}
