package sandbox

// ready verifies the token that a filter names, before the lock is taken.
func (in *subOrgsFilter) ready(c *call) error {
	switch in.FilterType {
	case "OIDC_TOKEN":
		if in.FilterValue == "" {
			return missingField("filterValue")
		}
		t, err := c.idToken(in.FilterValue)
		if err != nil {
			return err
		}
		in.whose = identities(t)
	case "OIDC_CLAIMS":
		var claims oidcClaims
		if err := decode([]byte(in.FilterValue), &claims); err != nil {
			return invalid("invalid oidc claims")
		}
		in.whose = []identity{{Issuer: claims.Issuer, Audience: claims.Audience, Subject: claims.Subject}}
	}
	return nil
}
