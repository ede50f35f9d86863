package stamp

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"latchkey/internal/fault"
)

// WebAuthnStamp is a decoded X-Stamp-WebAuthn: what an authenticator gave back for one request. Nothing is proven by it
// yet; whoever keeps the registered credential must check ClientData's challenge and the signature.
type WebAuthnStamp struct {
	CredentialID      string // base64url without padding, as the header has it
	AuthenticatorData []byte
	ClientData        []byte // the JSON text that was signed, to the byte
	Signature         []byte // over AuthenticatorData and the SHA-256 of ClientData
}

// webAuthnMax is far above what authenticators return (1 kB) and below what net/http takes in all headers.
const webAuthnMax = 16 << 10

// Challenge returns what an authenticator signs for body: the 64 ASCII characters of its SHA-256 in lower-case hex, not
// the 32 bytes.
func Challenge(body []byte) []byte {
	digest := sha256.Sum256(body)
	return hex.AppendEncode(nil, digest[:])
}

// ParseWebAuthn decodes the value of an X-Stamp-WebAuthn header: one JSON object with exactly the four fields, in any
// order, once each, every one in base64url without padding. Everything else is fault.StampMalformed.
func ParseWebAuthn(headerValue string) (WebAuthnStamp, error) {
	stamp, err := parseWebAuthn(headerValue)
	if err != nil {
		return WebAuthnStamp{}, fault.New(fault.StampMalformed, err)
	}
	return stamp, nil
}

func parseWebAuthn(headerValue string) (WebAuthnStamp, error) {
	if len(headerValue) > webAuthnMax {
		return WebAuthnStamp{}, fmt.Errorf("%d characters, at most %d", len(headerValue), webAuthnMax)
	}
	var id, data, client, signature string
	r := reader{[]byte(headerValue)}
	if err := r.object(map[string]*string{"credentialId": &id, "authenticatorData": &data, "clientDataJson": &client, "signature": &signature}); err != nil {
		return WebAuthnStamp{}, err
	}
	s := WebAuthnStamp{CredentialID: id}
	for _, f := range []struct {
		name, text string
		into       *[]byte
	}{
		{"credentialId", id, new([]byte)}, {"authenticatorData", data, &s.AuthenticatorData},
		{"clientDataJson", client, &s.ClientData}, {"signature", signature, &s.Signature},
	} {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(f.text)
		if err != nil || strings.ContainsAny(f.text, "\r\n") {
			return WebAuthnStamp{}, fmt.Errorf("%s: not base64url without padding", f.name)
		}
		*f.into = raw
	}
	return s, nil
}

// Header returns the stamp ready to send, in the field order of Turnkey's TypeScript stamper.
func (s WebAuthnStamp) Header() *Stamp {
	b64 := base64.RawURLEncoding.EncodeToString
	return &Stamp{HeaderName: HeaderWebAuthn, HeaderValue: `{"authenticatorData":"` + b64(s.AuthenticatorData) +
		`","clientDataJson":"` + b64(s.ClientData) + `","credentialId":"` + s.CredentialID + `","signature":"` + b64(s.Signature) + `"}`}
}
