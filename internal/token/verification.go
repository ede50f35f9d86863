package token

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"time"

	"latchkey/internal/fault"
)

// Verification is what a verification token says: whoever holds it proved to have Contact. There are two kinds. The
// enclave's names the organization that asked and the key that may use it; its end is in milliseconds. The older one
// (Legacy) names no organization, often no key, and ends on a second.
type Verification struct {
	ID               string // a UUID; what client signatures refer to
	OrganizationID   string // "" when Legacy
	VerificationType string // OTP_TYPE_EMAIL or OTP_TYPE_SMS
	Contact          string
	PublicKey        string // compressed, 66 lower-case hex characters; may be "" when Legacy
	Expires          time.Time
	Legacy           bool
}

// ParseVerification reads a verification token of either kind and believes nothing: the signature is not looked at.
// Errors: fault.TokenMalformed.
func ParseVerification(jwt string) (Verification, error) {
	t, err := readJWS(jwt)
	if err != nil {
		return Verification{}, fault.New(fault.TokenMalformed, err)
	}
	return t.verification()
}

// VerifyVerification reads a verification token and returns it only if it is genuine and not over: the enclave's kind
// signed by fetcher, the older kind signed by legacy, and neither the other way round. A nil legacy refuses the older
// kind. There is no leeway, for the token is judged where it was issued or soon after. Whether the token names the
// right key and organization is for the caller to say. Errors: fault.TokenMalformed, fault.TokenInvalid,
// fault.TokenExpired.
func VerifyVerification(jwt string, fetcher, legacy *ecdsa.PublicKey, now time.Time) (Verification, error) {
	t, err := readJWS(jwt)
	if err != nil {
		return Verification{}, fault.New(fault.TokenMalformed, err)
	}
	byLegacy := false
	switch {
	case t.signedBy(fetcher, once):
	case legacy != nil && t.signedBy(legacy, once):
		byLegacy = true
	default:
		return Verification{}, fault.New(fault.TokenInvalid, errors.New("not signed by a trusted key"))
	}
	v, err := t.verification()
	if err != nil {
		return Verification{}, err
	}
	if v.Legacy != byLegacy {
		return Verification{}, fault.New(fault.TokenInvalid, errors.New("signed by the key of the other kind"))
	}
	if !now.Before(v.Expires) {
		return Verification{}, fault.New(fault.TokenExpired, fmt.Errorf("ended at %s", v.Expires.UTC().Format(time.RFC3339)))
	}
	return v, nil
}

func (t jws) verification() (Verification, error) {
	c, err := readClaims(t.payload)
	if err != nil {
		return Verification{}, fault.New(fault.TokenMalformed, err)
	}
	v := Verification{
		ID:               c.id("id"),
		VerificationType: c.text("verification_type"),
		Contact:          c.text("contact"),
	}
	if _, inMillis := c.all["exp"].(string); inMillis {
		v.Expires = c.millis("exp")
		v.OrganizationID = c.id("organization_id")
		v.PublicKey = c.key("public_key")
	} else {
		v.Legacy = true
		v.Expires = c.seconds("exp")
		if _, ok := c.all["public_key"]; ok {
			v.PublicKey = c.key("public_key")
		}
	}
	if c.err != nil {
		return Verification{}, fault.New(fault.TokenMalformed, c.err)
	}
	return v, nil
}

// IssueVerification signs v as a verification token of the kind that v.Legacy says; key must be the one of that kind.
// What [ParseVerification] would refuse is not issued: fault.TokenMalformed.
func IssueVerification(key *ecdsa.PrivateKey, v Verification) (string, error) {
	var claims any
	if v.Legacy {
		claims = struct {
			Contact          string `json:"contact"`
			Expires          int64  `json:"exp"`
			ID               string `json:"id"`
			VerificationType string `json:"verification_type"`
			PublicKey        string `json:"public_key,omitempty"`
		}{v.Contact, v.Expires.Unix(), v.ID, v.VerificationType, v.PublicKey}
	} else {
		claims = struct {
			Expires          int64  `json:"exp,string"`
			ID               string `json:"id"`
			OrganizationID   string `json:"organization_id"`
			VerificationType string `json:"verification_type"`
			Contact          string `json:"contact"`
			PublicKey        string `json:"public_key"`
		}{v.Expires.UnixMilli(), v.ID, v.OrganizationID, v.VerificationType, v.Contact, v.PublicKey}
	}
	payload, err := encode(claims)
	if err != nil {
		return "", err
	}
	jwt, err := issue(key, once, `{"typ":"JWT","alg":"ES256"}`, payload)
	if err != nil {
		return "", fmt.Errorf("issue verification token: %w", err)
	}
	if _, err := ParseVerification(jwt); err != nil {
		return "", fmt.Errorf("issue verification token: %w", err)
	}
	return jwt, nil
}
