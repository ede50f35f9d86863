// Package stamp makes and reads stamps: the signature over the exact bytes of a request, with what proves who made it,
// that Turnkey takes in one of three headers. X-Stamp is an API key's, of four schemes; X-Stamp-WebAuthn is a passkey's;
// X-Stamp-Attested is that of a key for which a token vouches.
//
// It owns the encoding of every stamp and, for the first and the third, the rule for when one is valid. It does not own
// keys (a [Signer] lends its signature), requests (turnkey sends, sandbox receives), what an authenticator's signature
// means (the sandbox's passkey), what a token says, or whether a key may do what the request asks. It depends on fault,
// p256, the standard library, and on decred's secp256k1 and Keccak-256 for the schemes of wallets.
//
//	s, err := stamp.APIKey{Signer: key}.Stamp(ctx, body)
//	request.Header.Set(s.HeaderName, s.HeaderValue)
package stamp

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// The headers that carry stamps. A request carries exactly one.
const (
	HeaderAPIKey   = "X-Stamp"          // base64url of JSON, see [APIStamp]
	HeaderWebAuthn = "X-Stamp-WebAuthn" // plain JSON, see [WebAuthnStamp]
	HeaderAttested = "X-Stamp-Attested" // base64url of JSON, or plain JSON, see [AttestedStamp]
)

// Stamp is a stamp ready to send.
type Stamp struct{ HeaderName, HeaderValue string }

// Stamper makes stamps. It has the one method of the stampers in Turnkey's Go SDK, so that each can stand in for the
// other.
type Stamper interface {
	// Stamp stamps the exact bytes of body. Errors are those of whatever holds the key.
	Stamp(ctx context.Context, body []byte) (*Stamp, error)
}

// Signer signs with one P-256 key, which it does not show.
type Signer interface {
	// PublicKey returns the compressed public key: 66 lower-case hex characters.
	PublicKey() string
	// Sign returns a DER signature over a 32-byte digest. S may be high.
	Sign(ctx context.Context, digest []byte) ([]byte, error)
}

// APIKey stamps with Signer's key. It is safe for parallel use when Signer is.
type APIKey struct{ Signer Signer }

var _ Stamper = APIKey{}

// The parts of the JSON text between the values, in the field order of Turnkey's TypeScript stamper.
const (
	beforeKey       = `{"publicKey":"`
	beforeSignature = `","scheme":"` + SchemeP256 + `","signature":"`
	end             = `"}`
)

const (
	publicKeyHex = 66     // compressed
	signatureMax = 2 * 72 // hex of the longest DER signature: two integers of 33 bytes, each with two bytes of head, and two
	signatureMin = 2 * 8  // and of the shortest: two integers of one byte
	jsonMax      = len(beforeKey) + publicKeyHex + len(beforeSignature) + signatureMax + len(end)
)

// Stamp signs the SHA-256 of body. The JSON is written by hand into one buffer, because a stamp is made for every
// request and nothing in it needs escaping. Errors are the signer's; a signer that gives back anything but a compressed
// key and a DER signature is one without a kind.
func (k APIKey) Stamp(ctx context.Context, body []byte) (*Stamp, error) {
	digest := sha256.Sum256(body)
	signature, err := k.Signer.Sign(ctx, digest[:])
	if err != nil {
		return nil, fmt.Errorf("stamp: %w", err)
	}
	public := k.Signer.PublicKey()
	if len(public) != publicKeyHex || !isHex(public) {
		return nil, fmt.Errorf("stamp: the signer's public key has %d characters, want %d in hex", len(public), publicKeyHex)
	}
	if n := hex.EncodedLen(len(signature)); n < signatureMin || n > signatureMax {
		return nil, fmt.Errorf("stamp: the signer's signature has %d bytes, which no DER signature has", len(signature))
	}
	text := make([]byte, 0, jsonMax)
	text = append(text, beforeKey...)
	text = append(text, public...)
	text = append(text, beforeSignature...)
	text = hex.AppendEncode(text, signature)
	text = append(text, end...)
	return &Stamp{HeaderName: HeaderAPIKey, HeaderValue: base64.RawURLEncoding.EncodeToString(text)}, nil
}

// Fingerprint names an activity by its body: "sha256:" and the hex of its SHA-256.
func Fingerprint(body []byte) string {
	digest := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(digest[:])
}

func isHex(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return false
		}
	}
	return true
}
