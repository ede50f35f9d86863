package token

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"latchkey/internal/p256"
)

// sizeMax is the longest token that is looked at: 4 KB, some six times the ordinary.
const sizeMax = 4096

var strict = base64.RawURLEncoding.Strict()

// jws is a compact JWS (RFC 7515) of the only kind we know, taken apart and not yet believed.
type jws struct {
	signed    string // header and payload as they were signed
	payload   []byte
	signature []byte // r||s, 64 bytes
}

// readJWS takes text apart. The header must say ES256 and JWT and nothing else: no header parameter can then name
// another key, another algorithm or an extension (RFC 8725, sections 3.1 and 3.10).
func readJWS(text string) (jws, error) {
	if len(text) > sizeMax {
		return jws{}, fmt.Errorf("%d characters, at most %d", len(text), sizeMax)
	}
	if strings.Count(text, ".") != 2 {
		return jws{}, errors.New("not three parts")
	}
	signed, tail := text[:strings.LastIndexByte(text, '.')], text[strings.LastIndexByte(text, '.')+1:]
	head, body, _ := strings.Cut(signed, ".")
	header, err := decodePart("header", head)
	if err != nil {
		return jws{}, err
	}
	if err := checkHeader(header); err != nil {
		return jws{}, err
	}
	payload, err := decodePart("payload", body)
	if err != nil {
		return jws{}, err
	}
	signature, err := decodePart("signature", tail)
	if err != nil {
		return jws{}, err
	}
	if len(signature) != 64 {
		return jws{}, fmt.Errorf("signature: want 64 bytes, got %d", len(signature))
	}
	return jws{signed: signed, payload: payload, signature: signature}, nil
}

// decodePart wants base64url without padding, with no bits left over and no line breaks, so that a token has one
// spelling only.
func decodePart(name, text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // which the decoder would skip
		return nil, fmt.Errorf("%s: line break", name)
	}
	raw, err := strict.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%s: not base64url without padding", name)
	}
	return raw, nil
}

func checkHeader(text []byte) error {
	header, err := readObject(text)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if len(header) != 2 || header["alg"] != "ES256" || header["typ"] != "JWT" {
		return errors.New("header: want alg ES256, typ JWT and nothing else")
	}
	return nil
}

// digest is what a key signs. A session's text is hashed twice, a verification token's once; that is all that keeps
// one from being read as the other under the same key.
type digest func(signed string) [32]byte

func once(signed string) [32]byte { return sha256.Sum256([]byte(signed)) }

func twice(signed string) [32]byte {
	h := once(signed)
	return sha256.Sum256(h[:])
}

// signedBy reports whether key signed the token by the given rule. High S is accepted: a signature is no identity.
func (t jws) signedBy(key *ecdsa.PublicKey, rule digest) bool {
	sum := rule(t.signed)
	return p256.VerifyRaw(key, sum[:], t.signature)
}

// issue signs payload under header, both JSON.
func issue(key *ecdsa.PrivateKey, rule digest, header string, payload []byte) (string, error) {
	signed := strict.EncodeToString([]byte(header)) + "." + strict.EncodeToString(payload)
	sum := rule(signed)
	der, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		return "", err
	}
	raw, err := p256.ToRaw(der)
	if err != nil {
		return "", err
	}
	return signed + "." + strict.EncodeToString(raw), nil
}
