package stamp

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"latchkey/internal/fault"
)

// The schemes of attested stamps name the kind of token that vouches for the key. The key is one of P-256 in both.
const (
	SchemeVerificationToken = "STAMP_ATTESTED_SCHEME_P256_VERIFICATION_TOKEN" // of a one-time code
	SchemeOIDC              = "STAMP_ATTESTED_SCHEME_P256_OIDC"               // an identity provider's id token
)

// AttestedStamp is a decoded X-Stamp-Attested. Its fields have the right form, but nothing is proven until Verify, and
// nothing about the token even then.
type AttestedStamp struct {
	Token     string // publicKeyAttestation: a JWT, not looked into
	Scheme    string // SchemeVerificationToken or SchemeOIDC
	PublicKey string // compressed, 66 lower-case hex characters
	Signature string // DER, in lower-case hex
}

// attestedMax leaves room for an id token of 10 kB.
const attestedMax = 16 << 10

// ParseAttested decodes the value of an X-Stamp-Attested header: one JSON object with exactly the four fields, in any
// order, once each, either as it is (as Turnkey's documents say) or in base64url without padding (as its clients do).
// Everything else is fault.StampMalformed.
func ParseAttested(headerValue string) (AttestedStamp, error) {
	stamp, err := parseAttested(headerValue)
	if err != nil {
		return AttestedStamp{}, fault.New(fault.StampMalformed, err)
	}
	return stamp, nil
}

func parseAttested(headerValue string) (AttestedStamp, error) {
	if len(headerValue) > attestedMax {
		return AttestedStamp{}, fmt.Errorf("%d characters, at most %d", len(headerValue), attestedMax)
	}
	text := []byte(headerValue)
	if !strings.HasPrefix(headerValue, "{") {
		var err error
		if text, err = base64.RawURLEncoding.Strict().DecodeString(headerValue); err != nil || strings.ContainsAny(headerValue, "\r\n") {
			return AttestedStamp{}, errors.New("neither JSON nor base64url without padding")
		}
	}
	var s AttestedStamp
	r := reader{text}
	if err := r.object(map[string]*string{"publicKeyAttestation": &s.Token, "scheme": &s.Scheme, "publicKey": &s.PublicKey, "signature": &s.Signature}); err != nil {
		return AttestedStamp{}, err
	}
	if s.Scheme != SchemeVerificationToken && s.Scheme != SchemeOIDC {
		return AttestedStamp{}, fmt.Errorf("unknown scheme %.64q", s.Scheme)
	}
	if len(s.PublicKey) != publicKeyHex || !isHex(s.PublicKey) {
		return AttestedStamp{}, fmt.Errorf("publicKey: want %d hex characters", publicKeyHex)
	}
	if !isDERHex(s.Signature) {
		return AttestedStamp{}, errors.New("signature: want the hex of a DER signature")
	}
	s.PublicKey, s.Signature = strings.ToLower(s.PublicKey), strings.ToLower(s.Signature)
	return s, nil
}

// Verify reports whether PublicKey signed body. Whether the token is genuine, still valid, and names this key is for the
// caller. Errors: fault.StampInvalid.
func (s AttestedStamp) Verify(body []byte) error {
	return APIStamp{PublicKey: s.PublicKey, Scheme: SchemeP256, Signature: s.Signature}.Verify(body)
}

// Attested stamps with Signer's key, for which Token vouches. It is safe for parallel use when Signer is.
type Attested struct {
	Signer Signer
	Scheme string // SchemeVerificationToken or SchemeOIDC
	Token  string
}

var _ Stamper = Attested{}

// Stamp signs the SHA-256 of body. Errors are the signer's.
func (a Attested) Stamp(ctx context.Context, body []byte) (*Stamp, error) {
	digest := sha256.Sum256(body)
	signature, err := a.Signer.Sign(ctx, digest[:])
	if err != nil {
		return nil, fmt.Errorf("stamp: %w", err)
	}
	text := `{"publicKeyAttestation":"` + a.Token + `","scheme":"` + a.Scheme + `","publicKey":"` + a.Signer.PublicKey() +
		`","signature":"` + hex.EncodeToString(signature) + `"}`
	value := base64.RawURLEncoding.EncodeToString([]byte(text))
	if _, err := parseAttested(value); err != nil { // a token with a quote in it, an odd signer
		return nil, fmt.Errorf("stamp: %w", err)
	}
	return &Stamp{HeaderName: HeaderAttested, HeaderValue: value}, nil
}
