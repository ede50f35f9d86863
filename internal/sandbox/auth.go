package sandbox

import (
	"iter"
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
	host   string
	body   []byte
	seen   *seenRequest

	org  *organization // the one acted in, resolved
	user *user         // who stamped; of org or of its parent
	by   presented     // what the request was stamped with
	with used          // whose it is

	forced string // the status that a fault gives to the activity instead of its own; "" for none
}

// presented is what a request shows to say whose it is: an API key's stamp, a passkey's, a token's. It was read, and
// nothing of it is proven before check.
type presented interface {
	// users are all who have the credential, in any organization. The caller holds the state's lock.
	users(s *state) iter.Seq[*user]
	// of returns u's credential, and false when u has it no more. The caller holds the state's lock.
	of(u *user) (used, bool)
	// check proves that the credential, which is of c.user, made the stamp over c.body, and that it may still be used.
	check(c *call, with used) error
	// vote is what the stamp leaves in the activity.
	vote() (publicKey, signature, scheme string)
	// unknown and shared are the refusals when nobody, or users of several sub-organizations, have the credential.
	unknown(organizationID string) *refusal
	shared(organizationID string) *refusal
}

// used is the credential that stamped a request, as policies and votes see it.
type used struct {
	kind         credential
	id           uuid.UUID      // of the API key or authenticator; zero for a token
	publicKey    string         // hex
	key          *apiKey        // nil for others
	passkey      *authenticator // nil for others
	token        bool           // attested by a verification or an OIDC token
	method       string         // of a token: AUTHENTICATION_TYPE_EMAIL_OTP, …
	credentialID string         // of a passkey
}

// onBehalf reports whether the parent's user acts in a sub-organization.
func (c *call) onBehalf() bool { return c.user.org != c.org }

// authenticate finds out who stamped the request, in the order of the service's own checks: a stamp is there, it can
// be read, the organization exists, the key is known, it has not ended, and it signed these bytes. organizationID is
// the one that the body names; a parent's id stands for the one sub-organization that knows the key.
func (c *call) authenticate(organizationID string, submit bool) error {
	var err error
	if c.by, err = c.readStamp(organizationID, submit); err != nil {
		return err
	}
	id, ok := parseID(organizationID)
	if !ok {
		return badOrganizationID(organizationID)
	}
	c.state.reading(func() { err = c.resolve(id) })
	if err != nil {
		return err
	}
	c.seen.OrganizationID, c.seen.UserID = c.org.id.String(), c.user.id.String()
	return c.by.check(c, c.with)
}

// headerSession carries read-only sessions, which are a way to read without a stamp.
const headerSession = "X-Session"

// readStamp reads the one stamp that a request carries.
func (c *call) readStamp(organizationID string, submit bool) (presented, error) {
	var names []string
	for _, name := range []string{stamp.HeaderAPIKey, stamp.HeaderWebAuthn, stamp.HeaderAttested} {
		if len(c.header.Values(name)) > 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 && len(c.header.Values(headerSession)) > 0 {
		return c.readReadOnlySession(submit)
	}
	if len(names) == 0 {
		return nil, noStamp(submit)
	}
	if len(names) > 1 || len(c.header.Values(names[0])) > 1 {
		return nil, twoStamps(names)
	}
	switch value := c.header.Get(names[0]); names[0] {
	case stamp.HeaderWebAuthn:
		return c.readPasskeyStamp(value)
	case stamp.HeaderAttested:
		return c.readAttestedStamp(value)
	default:
		return c.readKeyStamp(value)
	}
}

// resolve finds the user whose credential stamped and the organization that is meant. The organization's own users
// come first, then its parent's; when the parent's id was given and none of its users has the credential, the one
// sub-organization with it is meant. A credential of any other organization is unknown here. The caller holds the lock.
func (c *call) resolve(id uuid.UUID) error {
	org := c.state.orgs[id]
	if org == nil {
		return unknownOrganization(id.String())
	}
	var own, above, below *user
	several := false
	for u := range c.by.users(c.state) {
		switch {
		case u.org == org:
			own = u
		case u.org == org.parent:
			above = u
		case u.org.parent == org:
			several = several || below != nil && below.org != u.org
			below = u
		}
	}
	switch {
	case own != nil:
		c.org, c.user = org, own
	case above != nil:
		c.org, c.user = org, above
	case several:
		return c.by.shared(org.id.String())
	case below != nil:
		c.org, c.user = below.org, below
	default:
		return c.by.unknown(org.id.String())
	}
	return c.stillKnown()
}

// stillKnown looks the user and the credential up anew, for c.user may be an old version by now, and the credential
// may be gone. The caller holds the lock.
func (c *call) stillKnown() error {
	if u := c.user.org.user(c.user.id); u != nil && !c.org.removed {
		if with, ok := c.by.of(u); ok {
			c.user, c.with = u, with
			return nil
		}
	}
	return c.by.unknown(c.org.id.String())
}

// parseID reads a UUID in its usual spelling alone.
func parseID(s string) (uuid.UUID, bool) {
	if len(s) != 36 || strings.ContainsAny(s, "{}") {
		return uuid.UUID{}, false
	}
	id, err := uuid.Parse(s)
	return id, err == nil
}

// idOf is the id of that text, or nobody's when it is none.
func idOf(text string) uuid.UUID {
	id, _ := parseID(text)
	return id
}

// keyStamp is the stamp of an API key, of which session keys are one sort.
type keyStamp struct {
	stamp.APIStamp
	point point
}

func (c *call) readKeyStamp(value string) (presented, error) {
	s, err := stamp.ParseAPI(value)
	if err != nil {
		return nil, badStamp("api key", err.Error())
	}
	p, ok := hexPoint(s.PublicKey)
	if !ok {
		return nil, badStamp("api key", "publicKey: not hex")
	}
	c.seen.Stamp = map[string]string{"header": stamp.HeaderAPIKey, "publicKey": s.PublicKey, "scheme": s.Scheme, "signature": s.Signature}
	return &keyStamp{s, p}, nil
}

func (k *keyStamp) users(s *state) iter.Seq[*user] { return s.byKey.all(k.point) }

func (k *keyStamp) of(u *user) (used, bool) {
	key := u.with(k.point)
	if key == nil {
		return used{}, false
	}
	return used{kind: key.kind, id: key.id, publicKey: k.PublicKey, key: key}, true
}

func (k *keyStamp) check(c *call, with used) error {
	key := with.key
	if key.expired(c.now) {
		end, _ := key.expires()
		return expiredKey(c.org.id.String(), k.PublicKey, time.UnixMilli(end).UTC().Format(time.RFC3339))
	}
	var err error
	switch scheme := key.kind.scheme(); {
	case k.Scheme == stamp.SchemeP256 && scheme == k.Scheme:
		err = k.VerifyWith(key.key(), c.body)
	case k.Scheme == scheme, k.Scheme == scheme+"_EIP191" && key.kind == credentialSecp256k1:
		err = k.Verify(c.body)
	default:
		return badSignature(k.PublicKey) // a key signs in the ways of its curve alone
	}
	if err != nil {
		return badSignature(k.PublicKey)
	}
	return nil
}

func (k *keyStamp) vote() (publicKey, signature, scheme string) {
	return k.PublicKey, k.Signature, k.Scheme
}

func (k *keyStamp) unknown(org string) *refusal { return unknownKey(org, k.PublicKey) }
func (k *keyStamp) shared(org string) *refusal  { return sharedKey(org, k.PublicKey) }
