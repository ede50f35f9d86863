// Package passkey reads what authenticators give back: the attestation of a new credential, and the assertion by which
// one stamps a request.
//
// It owns the rules for both, and what of a credential is kept. It does not own challenges (at registration the client
// names its own, and a stamp's challenge is its body), users, or the spelling of the header (stamp). It depends on
// stamp, on go-webauthn's reader of CBOR, authenticator data and COSE keys, and on p256 to spell keys.
//
// # What is checked, and what is not
//
// At registration: the client data is a creation's and holds the challenge that came with it; the credential id is the
// one inside the authenticator data; the key is ES256's or RS256's. At each stamp: the client data is a request's and
// holds the body's digest; the origin, if the organization has named some; the signature.
//
// No attestation statement is verified, whatever its format: the service needs none. No RP id is compared, because none
// is registered anywhere. User verification is not asked for, cross-origin frames are not refused, and counters are not
// kept, for synchronized passkeys have none. What no source says and this package chose: a stamp needs the flag of user
// presence; RSA keys have 2,048 to 8,192 bits; an attestation has at most 64 kB.
package passkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"latchkey/internal/p256"
	"latchkey/internal/stamp"
)

// Model is what the service calls an authenticator that it knows nothing more about, which without attestation is all.
const Model = "Security key"

// Key is the parsed public key of a credential.
type Key struct {
	cose  []byte
	es256 *ecdsa.PublicKey
	rs256 *rsa.PublicKey
}

// ParseKey reads a COSE key: ES256 on P-256, or RS256.
func ParseKey(cose []byte) (Key, error) {
	parsed, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return Key{}, errors.New("credential public key: not a COSE key")
	}
	switch k := parsed.(type) {
	case webauthncose.EC2PublicKeyData:
		if webauthncose.COSEAlgorithmIdentifier(k.Algorithm) != webauthncose.AlgES256 {
			break
		}
		point := slices.Concat([]byte{4}, k.XCoord, k.YCoord)
		pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			return Key{}, errors.New("credential public key: not a point")
		}
		return Key{cose: slices.Clone(cose), es256: pub}, nil
	case webauthncose.RSAPublicKeyData:
		if webauthncose.COSEAlgorithmIdentifier(k.Algorithm) != webauthncose.AlgRS256 {
			break
		}
		exponent, err := webauthncose.ParseRSAPublicKeyDataExponent(&k)
		n := new(big.Int).SetBytes(k.Modulus)
		if bits := n.BitLen(); err != nil || exponent < 3 || exponent%2 == 0 || exponent > 1<<31-1 || bits < 2048 || bits > 8192 || n.Bit(0) == 0 {
			return Key{}, errors.New("credential public key: not an RSA key of 2048 to 8192 bits")
		}
		return Key{cose: slices.Clone(cose), rs256: &rsa.PublicKey{N: n, E: exponent}}, nil
	}
	return Key{}, errors.New("credential public key: neither ES256 nor RS256")
}

// COSE returns the key as the authenticator wrote it, in CTAP2's canonical CBOR.
func (k Key) COSE() []byte { return slices.Clone(k.cose) }

// Text returns the key as the service shows it: base64url of COSE without padding.
func (k Key) Text() string { return base64.RawURLEncoding.EncodeToString(k.cose) }

// Compressed returns the 66 hex characters of an ES256 key, and "" for RS256.
func (k Key) Compressed() string {
	if k.es256 == nil {
		return ""
	}
	return p256.Compressed(k.es256)
}

// Verify reports whether s is this key's stamp over body. origins are those that the organization allows; none means
// that any is. That s names this key's credential is for the caller, who looked it up. The error says which check
// failed; it repeats nothing secret.
func (k Key) Verify(s stamp.WebAuthnStamp, body []byte, origins []string) error {
	return k.verify(s, stamp.Challenge(body), origins)
}

// verify is Verify for any challenge.
func (k Key) verify(s stamp.WebAuthnStamp, challenge []byte, origins []string) error {
	client, err := readClientData(s.ClientData)
	if err != nil {
		return err
	}
	if client.Type != protocol.AssertCeremony {
		return fmt.Errorf("client data: type %.32q, want %q", client.Type, protocol.AssertCeremony)
	}
	if want := base64.RawURLEncoding.EncodeToString(challenge); client.Challenge != want {
		return errors.New("client data: the challenge is not the hex SHA-256 of this body")
	}
	if len(origins) > 0 && !slices.Contains(origins, client.Origin) {
		return fmt.Errorf("client data: origin %.128q is not allowed", client.Origin)
	}
	var data protocol.AuthenticatorData
	if err := data.Unmarshal(s.AuthenticatorData); err != nil {
		return errors.New("authenticator data: malformed")
	}
	if !data.Flags.HasUserPresent() {
		return errors.New("authenticator data: no user was present")
	}
	hash := sha256.Sum256(s.ClientData)
	digest := sha256.Sum256(slices.Concat(s.AuthenticatorData, hash[:]))
	if !k.signed(digest[:], s.Signature) {
		return errors.New("the signature is not by this key over this assertion")
	}
	return nil
}

func (k Key) signed(digest, signature []byte) bool {
	switch {
	case k.es256 != nil:
		return ecdsa.VerifyASN1(k.es256, digest, signature)
	case k.rs256 != nil:
		return rsa.VerifyPKCS1v15(k.rs256, crypto.SHA256, digest, signature) == nil
	}
	return false
}

func readClientData(text []byte) (protocol.CollectedClientData, error) {
	var client protocol.CollectedClientData
	if err := json.Unmarshal(text, &client); err != nil {
		return client, errors.New("client data: not JSON")
	}
	return client, nil
}

// decode reads base64url without padding, strictly.
func decode(text string) ([]byte, bool) {
	if strings.ContainsAny(text, "\r\n") { // which the decoder would skip
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return raw, err == nil && len(raw) > 0
}
