package sandbox

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/fault"
	"latchkey/internal/token"
)

const (
	sessionDefault  = 900 // seconds
	expiringKeysMax = 10  // of one user; one more evicts one
	longKeysMax     = 10
)

// sessionWish is what every log-in says about the session that it wants.
type sessionWish struct {
	PublicKey          string  `json:"publicKey" need:"text"`
	ExpirationSeconds  numeral `json:"expirationSeconds,omitempty"`
	InvalidateExisting *bool   `json:"invalidateExisting,omitempty"`
	SessionProfileID   string  `json:"sessionProfileId,omitempty"`
}

// matter shows policies which profile the session is to have.
func (w sessionWish) matter(*call) matter {
	return matter{params: map[string]any{"session_profile_id": w.SessionProfileID}}
}

// session is the answer to every log-in.
type session struct {
	Session string `json:"session"`
}

// stampLogin begins a session for whoever stamped. The new key may be the one that stamps.
type stampLogin struct {
	sessionWish
	nobody
}

func (in *stampLogin) about(c *call) uuid.UUID { return c.user.id }

func (in *stampLogin) run(t *tx) (any, error) { return t.begin(in.sessionWish, t.user) }

// otpLogin begins a session for whoever proved a contact, with the plain generation of tokens.
type otpLogin struct {
	VerificationToken string `json:"verificationToken" need:"text"`
	sessionWish
	ClientSignature *clientSignature `json:"clientSignature,omitempty"`

	proof token.Verification
}

// clientSignature is token.ClientSignature as a request carries it.
type clientSignature struct {
	PublicKey string `json:"publicKey" need:"text"`
	Scheme    string `json:"scheme" need:"text" only:"CLIENT_SIGNATURE_SCHEME_API_P256"`
	Message   string `json:"message" need:"text"`
	Signature string `json:"signature" need:"text"`
}

func (in *otpLogin) prepare(c *call) (err error) {
	return in.check(c, true)
}

func (in *otpLogin) check(c *call, legacy bool) (err error) {
	if in.proof, err = c.proof(in.VerificationToken); err != nil {
		return err
	}
	switch {
	case legacy && !in.proof.Legacy:
		return badToken("it was issued for ACTIVITY_TYPE_OTP_LOGIN_V2")
	case !legacy && in.proof.Legacy:
		return badToken("it was issued for ACTIVITY_TYPE_OTP_LOGIN")
	}
	usage, err := agreement(in.proof, in.ClientSignature)
	if err != nil || usage == nil {
		return err
	}
	if usage.Login == nil || !strings.EqualFold(usage.Login.PublicKey, in.PublicKey) {
		return badClientSignature("it does not agree to a login with this public key")
	}
	return nil
}

// about is who logs in: a user of the organization needs nobody's leave to log in, and nobody may log in another.
func (in *otpLogin) about(c *call) uuid.UUID { return aboutUser(c.contact(in.proof)) }

func (in *otpLogin) run(t *tx) (any, error) {
	u, err := t.contact(in.proof)
	if err != nil {
		return nil, err
	}
	return t.begin(in.sessionWish, u)
}

// otpLoginEncrypted is the same with the encrypted generation, whose tokens always name a key.
type otpLoginEncrypted struct{ otpLogin }

func (in *otpLoginEncrypted) prepare(c *call) error {
	if in.ClientSignature == nil {
		return missingField("clientSignature")
	}
	return in.check(c, false)
}

// proof reads a verification token that is genuine, not over, and issued by the organization or its parent.
func (c *call) proof(jwt string) (token.Verification, error) {
	e := c.state.enclave
	v, err := token.VerifyVerification(jwt, &e.fetcher.PublicKey, &e.legacy.PublicKey, time.UnixMilli(c.now))
	switch {
	case errors.Is(err, fault.Expired):
		return v, badToken("it has expired")
	case err != nil:
		return v, badToken("not a genuine token")
	}
	issuers := []*organization{c.org}
	if c.org.parent != nil {
		issuers = append(issuers, c.org.parent)
	}
	for _, org := range issuers {
		if v.OrganizationID == org.id.String() || v.Legacy && c.state.issuedBy(v.ID, org.id) {
			return v, nil
		}
	}
	return v, badToken("it was issued by another organization")
}

// agreement checks the client signature that goes with a token: the key that the token names signed the message, and the
// message is about this token. A token without a key needs none, and usage is nil.
func agreement(v token.Verification, sig *clientSignature) (usage *token.Usage, err error) {
	switch {
	case v.PublicKey == "":
		return nil, nil
	case sig == nil:
		return nil, badClientSignature("the verification token names a public key, so one is required")
	case !strings.EqualFold(sig.PublicKey, v.PublicKey):
		return nil, badClientSignature("not by the key that the verification token names")
	}
	signed := token.ClientSignature(*sig)
	if err := signed.Verify(); err != nil {
		return nil, badClientSignature("the signature does not verify")
	}
	said, err := signed.Usage()
	if err != nil {
		return nil, badClientSignature("the message cannot be read")
	}
	if said.TokenID != v.ID {
		return nil, badClientSignature("it is about another verification token")
	}
	return &said, nil
}

// contact returns the user of the organization whose contact was proven, with the contact verified from now on. The
// caller holds the lock.
func (c *call) contact(v token.Verification) (*user, error) {
	has := func(u *user) bool { return sameEmail(u.email) == sameEmail(v.Contact) }
	verified, way := func(u *user) *bool { return &u.emailVerified }, featureOTPEmailAuth
	if v.VerificationType == otpSMS {
		has = func(u *user) bool { return u.phone == v.Contact }
		verified, way = func(u *user) *bool { return &u.phoneVerified }, featureSMSAuth
	}
	var found []*user
	for _, u := range c.org.users {
		if has(u) {
			found = append(found, u)
		}
	}
	if len(found) > 1 { // the one who proved it before
		found = slices.DeleteFunc(found, func(u *user) bool { return !*verified(u) })
	}
	if len(found) != 1 {
		return nil, notFound("no user found for the verified contact in organization", "organizationId", c.org.id.String())
	}
	if _, on := c.org.feature(way); !on {
		return nil, switchedOff()
	}
	next := *found[0]
	*verified(&next) = true
	return &next, nil
}

// begin gives u the session key that w asks for and answers with the session's token. u may be a version that is not
// installed yet.
func (t *tx) begin(w sessionWish, u *user) (any, error) {
	p, ok := parsePoint(w.PublicKey)
	if !ok {
		return nil, invalid("invalid public key")
	}
	life, ok := seconds(w.ExpirationSeconds, 0)
	if !ok {
		return nil, invalid("invalid api key expiration")
	}
	says := token.Session{PublicKey: p.String(), SessionType: "SESSION_TYPE_READ_WRITE", UserID: u.id.String(), OrganizationID: u.org.id.String()}
	key := &apiKey{name: "Session " + isoTime(t.now), public: p, kind: credentialLogin, seconds: life, created: t.now}
	if w.SessionProfileID != "" {
		profile, err := u.org.sessionProfile(w.SessionProfileID)
		if err != nil {
			return nil, err
		}
		profile.narrow(key, &says)
	}
	key.seconds = cmp.Or(key.seconds, sessionDefault)
	says.Expires = time.UnixMilli(t.now + key.seconds*1000)
	for _, other := range u.org.users {
		if other.id != u.id && other.with(p) != nil {
			return nil, exists("public key already exists in organization publicKey=%s", p)
		}
	}
	next := *u
	next.updated = t.now
	next.keys = slices.DeleteFunc(slices.Clone(u.keys), func(k *apiKey) bool {
		gone := k.public == p || w.InvalidateExisting != nil && *w.InvalidateExisting
		return k.kind == credentialLogin && gone
	})
	switch {
	case next.with(p) == nil:
		key.id = t.id()
		next.addKey(key, t.now)
	case w.SessionProfileID != "": // a long-lived key that logs itself in stays what it is, and that is more than the profile allows
		return nil, exists("public key already exists in organization publicKey=%s", p)
	}
	jwt, err := token.IssueSession(t.state.enclave.notarizer, says)
	if err != nil {
		return nil, err
	}
	t.stage(&next)
	return session{jwt}, nil
}

// addKey adds an expiring key, and takes away what is too many: keys that have ended first, then the oldest.
func (u *user) addKey(k *apiKey, now int64) {
	expiring := slices.DeleteFunc(slices.Clone(u.keys), func(k *apiKey) bool { return k.seconds == 0 })
	slices.SortStableFunc(expiring, func(a, b *apiKey) int {
		if a.expired(now) != b.expired(now) {
			if a.expired(now) {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.created, b.created)
	})
	if over := len(expiring) + 1 - expiringKeysMax; over > 0 {
		u.keys = slices.DeleteFunc(u.keys, func(k *apiKey) bool { return slices.Contains(expiring[:over], k) })
	}
	u.keys = append(u.keys, k)
}
