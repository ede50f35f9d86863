package stamp

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"latchkey/internal/fault"
)

// headerMax is far above any stamp (420 characters) and far below what would cost anything to read.
const headerMax = 1024

// APIStamp is a decoded X-Stamp. Its fields have the right form, but nothing is proven until Verify.
type APIStamp struct {
	PublicKey string // lower-case hex: compressed, 66 characters, or 64 for SchemeEd25519
	Scheme    string // one of the four
	Signature string // lower-case hex: DER, or the 64 bytes of Ed25519
}

// ParseAPI decodes the value of an X-Stamp header. It wants base64url without padding around one JSON object with
// exactly the three fields, in any order, once each. Everything else is fault.StampMalformed.
func ParseAPI(headerValue string) (APIStamp, error) {
	stamp, err := parseAPI(headerValue)
	if err != nil {
		return APIStamp{}, fault.New(fault.StampMalformed, err)
	}
	return stamp, nil
}

func parseAPI(headerValue string) (APIStamp, error) {
	if len(headerValue) > headerMax {
		return APIStamp{}, fmt.Errorf("%d characters, at most %d", len(headerValue), headerMax)
	}
	if strings.ContainsAny(headerValue, "\r\n") { // which the decoder would skip
		return APIStamp{}, errors.New("line break")
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(headerValue)
	if err != nil {
		return APIStamp{}, errors.New("not base64url without padding")
	}
	var s APIStamp
	r := reader{text}
	if err := r.object(map[string]*string{"publicKey": &s.PublicKey, "scheme": &s.Scheme, "signature": &s.Signature}); err != nil {
		return APIStamp{}, err
	}
	curve := CurveOf(s.Scheme)
	if curve == "" {
		return APIStamp{}, fmt.Errorf("unknown scheme %q", s.Scheme)
	}
	if want := curve.hexLen(); len(s.PublicKey) != want || !isHex(s.PublicKey) {
		return APIStamp{}, fmt.Errorf("publicKey: want %d hex characters", want)
	}
	if curve == Ed25519 {
		if len(s.Signature) != 2*ed25519.SignatureSize || !isHex(s.Signature) {
			return APIStamp{}, errors.New("signature: want the hex of 64 bytes")
		}
	} else if !isDERHex(s.Signature) {
		return APIStamp{}, errors.New("signature: want the hex of a DER signature")
	}
	s.PublicKey, s.Signature = strings.ToLower(s.PublicKey), strings.ToLower(s.Signature)
	return s, nil
}

// isDERHex reports whether text can be the hex of a DER signature by its length and its characters.
func isDERHex(text string) bool {
	return len(text) >= signatureMin && len(text) <= signatureMax && len(text)%2 == 0 && isHex(text)
}

// Curve returns the curve of the stamp's key.
func (s APIStamp) Curve() Curve { return CurveOf(s.Scheme) }

// Verify reports whether the stamp's own key signed body. It says nothing about whose key that is. Errors:
// fault.StampInvalid.
func (s APIStamp) Verify(body []byte) error {
	key, err := ParseKey(s.Curve(), s.PublicKey)
	if err != nil {
		return fault.New(fault.StampInvalid, err)
	}
	return s.VerifyKey(key, body)
}

// VerifyKey is Verify for a caller who holds the parsed key already, which saves a square root. key must be the one
// that PublicKey spells: PublicKey itself is not looked at. Errors: fault.StampInvalid.
func (s APIStamp) VerifyKey(key Key, body []byte) error {
	signature, err := hex.DecodeString(s.Signature)
	if err != nil {
		return fault.New(fault.StampInvalid, errors.New("signature: not hex"))
	}
	if !key.signed(s.Scheme, body, signature) {
		return fault.New(fault.StampInvalid, errors.New("the signature is not by this key over this body"))
	}
	return nil
}

// VerifyWith is VerifyKey for a key of P-256. Errors: fault.StampInvalid.
func (s APIStamp) VerifyWith(pub *ecdsa.PublicKey, body []byte) error {
	return s.VerifyKey(KeyOfP256(pub), body)
}

// reader takes apart the JSON of a stamp. It is written by hand because a sandbox reads one for every request, and
// because encoding/json would take the last of two equal names and names in any case. It is stricter than JSON in one
// point: no string may hold an escape, for no character of a stamp, of whatever kind, needs one.
type reader struct{ rest []byte }

// object reads one object whose members are exactly those of want, each once, each a string.
func (r *reader) object(want map[string]*string) error {
	if !r.take('{') {
		return errors.New("not a JSON object")
	}
	for left := len(want); left > 0; left-- {
		name, ok := r.text()
		if !ok || !r.take(':') {
			return errors.New("not JSON")
		}
		field, known := want[name]
		if !known {
			return fmt.Errorf("unknown field %.32q", name)
		}
		if *field != "" {
			return fmt.Errorf("field %q twice", name)
		}
		if *field, ok = r.text(); !ok || *field == "" {
			return fmt.Errorf("field %q: want a string without escapes", name)
		}
		if left > 1 && !r.take(',') {
			return errors.New("a field is missing")
		}
	}
	if !r.take('}') {
		return errors.New("more fields than a stamp has")
	}
	if r.skip(); len(r.rest) > 0 {
		return errors.New("data after the JSON object")
	}
	return nil
}

// text reads a string without escapes.
func (r *reader) text() (string, bool) {
	if !r.take('"') {
		return "", false
	}
	for i, c := range r.rest {
		switch {
		case c == '"':
			s := string(r.rest[:i])
			r.rest = r.rest[i+1:]
			return s, true
		case c == '\\', c < ' ', c > '~':
			return "", false
		}
	}
	return "", false
}

// take reads c, after white space, and reports whether it was there.
func (r *reader) take(c byte) bool {
	r.skip()
	if len(r.rest) == 0 || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// skip passes over JSON's white space.
func (r *reader) skip() {
	for len(r.rest) > 0 && (r.rest[0] == ' ' || r.rest[0] == '\t' || r.rest[0] == '\n' || r.rest[0] == '\r') {
		r.rest = r.rest[1:]
	}
}
