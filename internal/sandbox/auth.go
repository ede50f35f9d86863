package sandbox

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/stamp"
)

// call is one request on its way: what came, and, from authenticate on, who sent it to which organization.
type call struct {
	s      *Sandbox
	state  *state
	now    int64 // ms, the one time of this request
	header http.Header
	body   []byte
	seen   *seenRequest

	org   *organization // the one acted in, resolved
	user  *user         // who stamped; of org or of its parent
	stamp stamp.APIStamp
	point point
}

// onBehalf reports whether the parent's user acts in a sub-organization.
func (c *call) onBehalf() bool { return c.user.org != c.org }

// authenticate finds out who stamped the request, in the order of the service's own checks: a stamp is there, it can
// be read, the organization exists, the key is known, it has not ended, and it signed these bytes. organizationID is
// the one that the body names; a parent's id stands for the one sub-organization that knows the key.
func (c *call) authenticate(organizationID string, submit bool) error {
	if err := c.readStamp(organizationID, submit); err != nil {
		return err
	}
	id, ok := parseID(organizationID)
	if !ok {
		return badOrganizationID(organizationID)
	}
	var err error
	c.state.reading(func() { err = c.resolve(id) })
	if err != nil {
		return err
	}
	key := c.user.with(c.point)
	c.seen.OrganizationID, c.seen.UserID = c.org.id.String(), c.user.id.String()
	if key.expired(c.now) {
		end, _ := key.expires()
		return expiredKey(c.org.id.String(), c.stamp.PublicKey, time.UnixMilli(end).UTC().Format(time.RFC3339))
	}
	if err := c.stamp.VerifyWith(key.key(), c.body); err != nil {
		return badSignature(c.stamp.PublicKey)
	}
	return nil
}

// headerSession carries read-only sessions, which are a way to read without a stamp.
const headerSession = "X-Session"

// readStamp reads the one stamp that a request carries. Passkeys cannot be registered here yet, so no passkey's stamp
// is known; attested stamps and read-only sessions are refused as unknown in kind.
func (c *call) readStamp(organizationID string, submit bool) error {
	var names []string
	for _, name := range []string{stamp.HeaderAPIKey, stamp.HeaderWebAuthn, stamp.HeaderAttested} {
		if len(c.header.Values(name)) > 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 && len(c.header.Values(headerSession)) > 0 {
		return unauthenticated("UNAUTHENTICATED", "this sandbox does not take %s", headerSession).because("stamp present", "a stamp", headerSession)
	}
	if len(names) == 0 {
		return noStamp(submit)
	}
	if len(names) > 1 || len(c.header.Values(names[0])) > 1 {
		return twoStamps(names)
	}
	value := c.header.Get(names[0])
	switch names[0] {
	case stamp.HeaderWebAuthn:
		var s struct {
			CredentialID string `json:"credentialId" need:"text"`
			Data         string `json:"authenticatorData" need:"text"`
			ClientData   string `json:"clientDataJson" need:"text"`
			Signature    string `json:"signature" need:"text"`
		}
		if err := decode([]byte(value), &s); err != nil {
			return badStamp("webauthn", err.Error())
		}
		return unknownCredential(organizationID, s.CredentialID)
	case stamp.HeaderAttested:
		return unauthenticated("UNAUTHENTICATED", "this sandbox does not verify %s", names[0]).because("stamp decodes", "", names[0])
	}
	s, err := stamp.ParseAPI(value)
	if err != nil {
		return badStamp("api key", err.Error())
	}
	p, ok := hexPoint(s.PublicKey)
	if !ok {
		return badStamp("api key", "publicKey: not hex")
	}
	c.stamp, c.point = s, p
	c.seen.Stamp = map[string]string{"header": names[0], "publicKey": s.PublicKey, "scheme": s.Scheme, "signature": s.Signature}
	return nil
}

// resolve finds the user whose key stamped and the organization that is meant. The organization's own users come
// first, then its parent's; when the parent's id was given and none of its users has the key, the one sub-organization
// with it is meant. A key of any other organization is unknown here. The caller holds the lock.
func (c *call) resolve(id uuid.UUID) error {
	org := c.state.orgs[id]
	if org == nil {
		return unknownOrganization(id.String())
	}
	var own, above, below *user
	several := false
	for u := range c.state.byKey.all(c.point) {
		switch {
		case u.org == org:
			own = u
		case u.org == org.parent:
			above = u
		case u.org.parent == org:
			several = several || below != nil
			below = u
		}
	}
	switch {
	case own != nil:
		c.org, c.user = org, own
	case above != nil:
		c.org, c.user = org, above
	case several:
		return sharedKey(org.id.String(), c.stamp.PublicKey)
	case below != nil:
		c.org, c.user = below.org, below
	default:
		return unknownKey(org.id.String(), c.stamp.PublicKey)
	}
	return nil
}

// parseID reads a UUID in its usual spelling alone.
func parseID(s string) (uuid.UUID, bool) {
	if len(s) != 36 || strings.ContainsAny(s, "{}") {
		return uuid.UUID{}, false
	}
	id, err := uuid.Parse(s)
	return id, err == nil
}
