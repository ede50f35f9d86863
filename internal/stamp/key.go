package stamp

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/sha3"

	"latchkey/internal/p256"
)

// The schemes of API-key stamps. Two of them belong to one curve, so a scheme names how was signed, and not the key.
const (
	SchemeP256      = "SIGNATURE_SCHEME_TK_API_P256"             // ECDSA on P-256 over the SHA-256 of the body; every session key's
	SchemeSecp256k1 = "SIGNATURE_SCHEME_TK_API_SECP256K1"        // ECDSA on secp256k1 over the SHA-256 of the body
	SchemeEIP191    = "SIGNATURE_SCHEME_TK_API_SECP256K1_EIP191" // ECDSA on secp256k1 over the body as an Ethereum personal message
	SchemeEd25519   = "SIGNATURE_SCHEME_TK_API_ED25519"          // Ed25519 over the body itself
)

// Curve is what a key is a point of. Equal bytes on two curves are two keys.
type Curve string

// The curves, as Turnkey's key files spell them after the colon.
const (
	P256      Curve = "p256"
	Secp256k1 Curve = "secp256k1"
	Ed25519   Curve = "ed25519"
)

// CurveOf returns the curve of a scheme's keys, and "" for a scheme that there is not.
func CurveOf(scheme string) Curve {
	switch scheme {
	case SchemeP256:
		return P256
	case SchemeSecp256k1, SchemeEIP191:
		return Secp256k1
	case SchemeEd25519:
		return Ed25519
	}
	return ""
}

// Key is a parsed public key of any curve. Its zero value is no key and verifies nothing.
type Key struct {
	p256      *ecdsa.PublicKey
	secp256k1 *secp256k1.PublicKey
	ed25519   ed25519.PublicKey
}

// ParseKey reads a public key as stamps and API keys spell it, in hex: compressed for the two curves of ECDSA, 32 bytes
// for Ed25519. A point that is not on its curve is an error, save on ed25519, where it shows as a signature that never
// verifies.
func ParseKey(curve Curve, publicKey string) (Key, error) {
	if want := curve.hexLen(); want == 0 {
		return Key{}, fmt.Errorf("unknown curve %q", curve)
	} else if len(publicKey) != want || !isHex(publicKey) {
		return Key{}, fmt.Errorf("public key: want %d hex characters", want)
	}
	if curve == P256 {
		pub, err := p256.ParsePublic(publicKey)
		return Key{p256: pub}, err
	}
	raw, err := hex.DecodeString(publicKey)
	if err != nil {
		return Key{}, errors.New("public key: not hex")
	}
	if curve == Ed25519 {
		return Key{ed25519: raw}, nil
	}
	pub, err := secp256k1.ParsePubKey(raw)
	if err != nil {
		return Key{}, fmt.Errorf("public key %.24q…: not a point", publicKey)
	}
	return Key{secp256k1: pub}, nil
}

// KeyOfP256 is the Key of a P-256 key that is parsed already.
func KeyOfP256(pub *ecdsa.PublicKey) Key { return Key{p256: pub} }

// Curve returns the key's curve, and "" for the zero value.
func (k Key) Curve() Curve {
	switch {
	case k.p256 != nil:
		return P256
	case k.secp256k1 != nil:
		return Secp256k1
	case k.ed25519 != nil:
		return Ed25519
	}
	return ""
}

// hexLen returns the length of a public key's hex, 0 for no curve.
func (c Curve) hexLen() int {
	switch c {
	case P256, Secp256k1:
		return publicKeyHex
	case Ed25519:
		return 2 * ed25519.PublicKeySize
	}
	return 0
}

// signed reports whether signature is this key's over body, by the rules of scheme. S may be high on both curves of
// ECDSA: none of Turnkey's clients lowers it on P-256, and nothing says that the service wants it low on secp256k1.
func (k Key) signed(scheme string, body, signature []byte) bool {
	switch {
	case scheme == SchemeP256 && k.p256 != nil:
		digest := sha256.Sum256(body)
		return ecdsa.VerifyASN1(k.p256, digest[:], signature)
	case scheme == SchemeEd25519 && k.ed25519 != nil:
		return len(signature) == ed25519.SignatureSize && ed25519.Verify(k.ed25519, body, signature)
	case (scheme == SchemeSecp256k1 || scheme == SchemeEIP191) && k.secp256k1 != nil:
		if scheme == SchemeEIP191 {
			signature = unpadded(signature)
		}
		parsed, err := k1ecdsa.ParseDERSignature(signature) // minimal integers in [1, n-1], nothing after them
		return err == nil && parsed.Verify(secp256k1Digest(scheme, body), k.secp256k1)
	}
	return false
}

// unpadded returns a DER signature without the zeros that Turnkey's kits leave in front of its integers, and any other as
// it is. They make the DER of what a wallet signed (toDerSignature in @turnkey/crypto 2.13.2) by giving each integer the
// 32 bytes that it has in the raw form, so that about one signature in 256 is longer than DER allows.
func unpadded(signature []byte) []byte {
	var both, r, s cryptobyte.String
	in := cryptobyte.String(signature)
	if !in.ReadASN1(&both, asn1.SEQUENCE) || !in.Empty() || !both.ReadASN1(&r, asn1.INTEGER) || !both.ReadASN1(&s, asn1.INTEGER) || !both.Empty() {
		return signature
	}
	var out cryptobyte.Builder
	out.AddASN1(asn1.SEQUENCE, func(out *cryptobyte.Builder) {
		for _, integer := range []cryptobyte.String{r, s} {
			if len(integer) == 32 {
				for len(integer) > 1 && integer[0] == 0 && integer[1] < 0x80 {
					integer = integer[1:]
				}
			}
			out.AddASN1(asn1.INTEGER, func(out *cryptobyte.Builder) { out.AddBytes(integer) })
		}
	})
	return out.BytesOrPanic()
}

// secp256k1Digest returns what the two schemes of secp256k1 sign. EIP-191's personal message (version 0x45) counts the
// bytes of the body in decimal. Source: EIP-191.
func secp256k1Digest(scheme string, body []byte) []byte {
	if scheme == SchemeEIP191 {
		h := sha3.NewLegacyKeccak256()
		h.Write([]byte("\x19Ethereum Signed Message:\n" + strconv.Itoa(len(body))))
		h.Write(body)
		return h.Sum(nil)
	}
	digest := sha256.Sum256(body)
	return digest[:]
}
