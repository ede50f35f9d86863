// Package token reads, verifies and issues the two JSON Web Tokens of a log-in and the signature that goes between
// them: the verification token, which says that a contact was proven; the client signature, by which the key named in
// that token agrees to what is done with it; and the session token, which says which key stamps for whom until when.
//
// It owns what makes each of them genuine. It does not own which keys are trusted (profile and sandbox hand them in),
// whether the user still exists (only Turnkey knows), or tokens of identity providers. It depends on fault, p256 and
// the standard library.
//
// Both tokens say ES256 in their header. A session's text is hashed twice before it is signed and a verification
// token's once, by different keys, so neither passes for the other.
package token

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"latchkey/internal/fault"
)

const (
	// leeway is how long after its end a session token is still taken, for clocks that disagree a little.
	leeway = 30 * time.Second
	// lifeMax is how far ahead a session may end before we think that nobody meant it.
	lifeMax = 400 * 24 * time.Hour
)

// Session is what a session token says: PublicKey stamps for UserID of OrganizationID until Expires.
type Session struct {
	PublicKey        string // compressed, 66 lower-case hex characters
	SessionType      string // SESSION_TYPE_READ_WRITE, SESSION_TYPE_READ_ONLY, or the name of a session profile
	UserID           string
	OrganizationID   string // the sub-organization
	SessionProfileID string // "" without a profile
	Scope            string // the profile's policy expression, "" without a profile
	Expires          time.Time
}

// Want is what the receiver of a session token knows beforehand.
type Want struct {
	PublicKey      string // our own key, compressed in lower-case hex; required
	OrganizationID string // "" for any
	UserID         string // "" for any
}

// ParseSession reads a session token and believes nothing: the signature is not looked at. Errors:
// fault.TokenMalformed.
func ParseSession(jwt string) (Session, error) {
	t, err := readJWS(jwt)
	if err != nil {
		return Session{}, fault.New(fault.TokenMalformed, err)
	}
	return t.session()
}

// VerifySessionSignature reads a session token that notarizer signed. Everything else, expiry included, is left to the
// caller. Errors: fault.TokenMalformed, fault.TokenInvalid.
func VerifySessionSignature(jwt string, notarizer *ecdsa.PublicKey) (Session, error) {
	t, err := readJWS(jwt)
	if err != nil {
		return Session{}, fault.New(fault.TokenMalformed, err)
	}
	if !t.signedBy(notarizer, twice) { // before a single claim is read
		return Session{}, fault.New(fault.TokenInvalid, errors.New("not signed by the notarizer"))
	}
	return t.session()
}

// VerifySession reads a session token and returns it only if it is genuine, ours and not over: signed by notarizer,
// naming exactly want, ending after now (30 seconds of leeway) and within 400 days. Errors: fault.TokenMalformed,
// fault.TokenInvalid, fault.TokenForeign, fault.TokenExpired.
func VerifySession(jwt string, notarizer *ecdsa.PublicKey, want Want, now time.Time) (Session, error) {
	s, err := VerifySessionSignature(jwt, notarizer)
	if err != nil {
		return Session{}, err
	}
	switch {
	case s.PublicKey != want.PublicKey: // which a wanted "" never equals
		return Session{}, fault.New(fault.TokenForeign, fmt.Errorf("for the key %s, not %q", s.PublicKey, want.PublicKey))
	case want.OrganizationID != "" && s.OrganizationID != want.OrganizationID:
		return Session{}, fault.New(fault.TokenForeign, fmt.Errorf("for the organization %s, not %q", s.OrganizationID, want.OrganizationID))
	case want.UserID != "" && s.UserID != want.UserID:
		return Session{}, fault.New(fault.TokenForeign, fmt.Errorf("for the user %s, not %q", s.UserID, want.UserID))
	case !now.Before(s.Expires.Add(leeway)):
		return Session{}, fault.New(fault.TokenExpired, fmt.Errorf("ended at %s", s.Expires.UTC().Format(time.RFC3339)))
	case s.Expires.After(now.Add(lifeMax)):
		return Session{}, fault.New(fault.TokenMalformed, fmt.Errorf("ends at %s, over 400 days ahead", s.Expires.UTC().Format(time.RFC3339)))
	}
	return s, nil
}

func (t jws) session() (Session, error) {
	c, err := readClaims(t.payload)
	if err != nil {
		return Session{}, fault.New(fault.TokenMalformed, err)
	}
	s := Session{
		PublicKey:        c.key("public_key"),
		SessionType:      c.text("session_type"),
		UserID:           c.id("user_id"),
		OrganizationID:   c.id("organization_id"),
		SessionProfileID: c.optional("session_profile_id"),
		Scope:            c.optional("scope"),
		Expires:          c.seconds("exp"),
	}
	if c.err != nil {
		return Session{}, fault.New(fault.TokenMalformed, c.err)
	}
	return s, nil
}

// IssueSession signs s as a session token. The end is cut to the second. What [ParseSession] would refuse is not
// issued: fault.TokenMalformed.
func IssueSession(notarizer *ecdsa.PrivateKey, s Session) (string, error) {
	payload, err := encode(struct {
		Expires          int64  `json:"exp"`
		PublicKey        string `json:"public_key"`
		SessionType      string `json:"session_type"`
		UserID           string `json:"user_id"`
		OrganizationID   string `json:"organization_id"`
		SessionProfileID string `json:"session_profile_id,omitempty"`
		Scope            string `json:"scope,omitempty"`
	}{s.Expires.Unix(), s.PublicKey, s.SessionType, s.UserID, s.OrganizationID, s.SessionProfileID, s.Scope})
	if err != nil {
		return "", err
	}
	jwt, err := issue(notarizer, twice, `{"alg":"ES256","typ":"JWT"}`, payload)
	if err != nil {
		return "", fmt.Errorf("issue session: %w", err)
	}
	if _, err := ParseSession(jwt); err != nil {
		return "", fmt.Errorf("issue session: %w", err)
	}
	return jwt, nil
}

// encode is json.Marshal without the escaping of <, > and &, which policy expressions are full of.
func encode(v any) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}
