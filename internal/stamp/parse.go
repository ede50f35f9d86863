package stamp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// headerMax is far above any stamp (420 characters) and far below what would cost anything to read.
const headerMax = 1024

// APIStamp is a decoded X-Stamp. Its fields have the right form, but nothing is proven until Verify.
type APIStamp struct {
	PublicKey string // compressed, 66 lower-case hex characters
	Scheme    string // SchemeP256
	Signature string // DER, in lower-case hex
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
	if err := readStrings(text, map[string]*string{"publicKey": &s.PublicKey, "scheme": &s.Scheme, "signature": &s.Signature}); err != nil {
		return APIStamp{}, err
	}
	if s.Scheme != SchemeP256 {
		return APIStamp{}, fmt.Errorf("unknown scheme %q", s.Scheme)
	}
	if len(s.PublicKey) != publicKeyHex || !isHex(s.PublicKey) {
		return APIStamp{}, fmt.Errorf("publicKey: want %d hex characters", publicKeyHex)
	}
	if n := len(s.Signature); n < signatureMin || n > signatureMax || n%2 != 0 || !isHex(s.Signature) {
		return APIStamp{}, errors.New("signature: want the hex of a DER signature")
	}
	s.PublicKey, s.Signature = strings.ToLower(s.PublicKey), strings.ToLower(s.Signature)
	return s, nil
}

// Verify reports whether the stamp's own key signed body. It says nothing about whose key that is. Errors:
// fault.StampInvalid.
func (s APIStamp) Verify(body []byte) error {
	pub, err := p256.ParsePublic(s.PublicKey)
	if err != nil {
		return fault.New(fault.StampInvalid, err)
	}
	return s.VerifyWith(pub, body)
}

// VerifyWith is Verify for a caller who holds the parsed key already, which saves a square root. pub must be the key
// that PublicKey spells: PublicKey itself is not looked at. High S is accepted, because none of Turnkey's clients
// avoids it. Errors: fault.StampInvalid.
func (s APIStamp) VerifyWith(pub *ecdsa.PublicKey, body []byte) error {
	if s.Scheme != SchemeP256 {
		return fault.New(fault.StampInvalid, fmt.Errorf("unknown scheme %q", s.Scheme))
	}
	signature, err := hex.DecodeString(s.Signature)
	if err != nil {
		return fault.New(fault.StampInvalid, errors.New("signature: not hex"))
	}
	digest := sha256.Sum256(body)
	if !ecdsa.VerifyASN1(pub, digest[:], signature) {
		return fault.New(fault.StampInvalid, errors.New("the signature is not by this key over this body"))
	}
	return nil
}

// readStrings reads text as one JSON object whose members are exactly those of want, each once and each a string.
// encoding/json alone would take the last of two equal names, and names in any case.
func readStrings(text []byte, want map[string]*string) error {
	if !json.Valid(text) {
		return errors.New("not JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	seen := 0
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return errors.New("not JSON")
		}
		field, ok := want[name.(string)]
		if !ok {
			return fmt.Errorf("unknown field %q", name)
		}
		if field == nil {
			return fmt.Errorf("field %q twice", name)
		}
		want[name.(string)] = nil
		value, err := dec.Token()
		if err != nil {
			return errors.New("not JSON")
		}
		s, ok := value.(string)
		if !ok {
			return fmt.Errorf("field %q: want a string", name)
		}
		*field = s
		seen++
	}
	if _, err := dec.Token(); err != nil {
		return errors.New("not JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the JSON object")
	}
	if seen != len(want) {
		return errors.New("a field is missing")
	}
	return nil
}
