package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"sync"

	"latchkey/internal/p256"
)

// signer is one signing key of an issuer.
type signer struct {
	alg    string // RS256 or ES256
	kid    string // the key's thumbprint (RFC 7638)
	key    crypto.Signer
	public jwk
}

// jwk is a public key as a JWKS lists it. The fields that count for a thumbprint stand in alphabetical order.
type jwk struct {
	Crv string `json:"crv,omitempty"`
	E   string `json:"e,omitempty"`
	Kty string `json:"kty"`
	N   string `json:"n,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`

	Alg string `json:"alg,omitempty"`
	Kid string `json:"kid,omitempty"`
	Use string `json:"use,omitempty"`
}

// newSigner returns the key of one issuer. It is made when it is first asked for, because an RSA key takes a moment.
func newSigner(alg string, seed func(label string, n int) []byte, label string) func() *signer {
	return sync.OnceValue(func() *signer {
		if alg == "RS256" {
			key := deriveRSA([32]byte(seed("oidc rsa "+label, 32)))
			return finish(alg, key, jwk{Kty: "RSA", N: encode(key.N.Bytes()), E: encode(big.NewInt(int64(key.E)).Bytes())})
		}
		key := deriveP256(seed, "oidc p256 "+label)
		point, err := key.PublicKey.Bytes()
		if err != nil {
			panic("oidc: " + err.Error())
		}
		return finish(alg, key, jwk{Kty: "EC", Crv: "P-256", X: encode(point[1:33]), Y: encode(point[33:])})
	})
}

func finish(alg string, key crypto.Signer, public jwk) *signer {
	sum := sha256.Sum256(mustJSON(public))
	public.Alg, public.Kid, public.Use = alg, encode(sum[:]), "sig"
	return &signer{alg, public.Kid, key, public}
}

func deriveP256(seed func(string, int) []byte, label string) *ecdsa.PrivateKey {
	for { // all but one in 2^32 scalars are below the order
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed(label, 32)); err == nil {
			return key
		}
		label += "'"
	}
}

// rsaBits is the size of the RSA keys, that of the providers' own.
const rsaBits = 2048

// deriveRSA makes the key that follows from seed. crypto/rsa cannot: it ignores the reader it is given, on purpose. Such
// a key is as secret as the seed, and no key of a sandbox is secret.
func deriveRSA(seed [32]byte) *rsa.PrivateKey {
	stream := mathrand.NewChaCha8(seed)
	e, one := big.NewInt(65537), big.NewInt(1)
	prime := func() (p, less *big.Int) {
		b := make([]byte, rsaBits/16)
		for {
			_, _ = stream.Read(b) // never fails
			b[0] |= 0xc0          // so that the product has all its bits
			b[len(b)-1] |= 1
			p = new(big.Int).SetBytes(b)
			less = new(big.Int).Sub(p, one)
			if p.ProbablyPrime(20) && new(big.Int).GCD(nil, nil, less, e).Cmp(one) == 0 {
				return p, less
			}
		}
	}
	p, p1 := prime()
	for {
		q, q1 := prime()
		if p.Cmp(q) == 0 {
			continue
		}
		d := new(big.Int).ModInverse(e, new(big.Int).Mul(p1, q1))
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: d, Primes: []*big.Int{p, q}}
		key.Precompute()
		if err := key.Validate(); err != nil {
			panic("oidc: " + err.Error()) // two primes make a key
		}
		return key
	}
}

// sign returns claims as a JWT.
func (s *signer) sign(claims any) (string, error) {
	header := mustJSON(struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
		Typ string `json:"typ"`
	}{s.alg, s.kid, "JWT"})
	text := encode(header) + "." + encode(mustJSON(claims))
	sum := sha256.Sum256([]byte(text))
	signature, err := s.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("sign id token: %w", err)
	}
	if s.alg == "ES256" {
		if signature, err = p256.ToRaw(signature); err != nil {
			return "", fmt.Errorf("sign id token: %w", err)
		}
	}
	return text + "." + encode(signature), nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// mustJSON is json.Marshal of our own structs, which cannot fail.
func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("oidc: " + err.Error())
	}
	return text
}
