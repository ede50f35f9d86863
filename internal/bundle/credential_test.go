package bundle

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/mr-tron/base58"

	"latchkey/internal/p256"
)

func TestCredentialVectors(t *testing.T) {
	target := exchange(t, targetPrivate)
	for name, bundle := range map[string]string{"fixed": credentialFixed, "random": credentialRandom} {
		key, err := OpenCredential(target, bundle)
		if err != nil || p256.PrivateHex(key) != credentialPrivate {
			t.Errorf("%s: %v", name, err)
		}
	}
	// By the book, tk-ephemeral's bundle comes out to the byte.
	scalar, _ := hex.DecodeString(credentialPrivate)
	ephemeral := exchange(t, ephemeralPrivate)
	payload := append(compress(ephemeral.PublicKey().Bytes()), from(t, ephemeral, target.PublicKey()).seal(t, scalar)...)
	if got := hex.EncodeToString(payload); got != credentialPayload {
		t.Errorf("payload %s\nwant    %s", got, credentialPayload)
	}
	if got := check58(payload); got != credentialFixed {
		t.Errorf("bundle %s\nwant   %s", got, credentialFixed)
	}
}

func TestCredentialsWeSealOpen(t *testing.T) {
	target := exchange(t, targetPrivate)
	for range 20 { // both signs of y, and both lengths in base58
		want := p256.Generate()
		bundle, err := SealCredential(target.PublicKey(), want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := OpenCredential(target, bundle); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v", bundle, err)
		}
		if _, err := OpenCredential(exchange(t, enclavePrivate), bundle); !isInvalid(err) {
			t.Errorf("with another key: %v", err)
		}
	}
}

// A well-formed bundle whose ephemeral key is no point makes one known client panic. Here it is an error, like
// everything else that is wrong with a bundle.
func TestMalformedCredentialsAreRefused(t *testing.T) {
	target, ephemeral := exchange(t, targetPrivate), exchange(t, ephemeralPrivate)
	payload, err := hex.DecodeString(credentialPayload)
	if err != nil {
		t.Fatal(err)
	}
	change := func(at int, to byte) []byte {
		p := append([]byte{}, payload...)
		p[at] = to
		return p
	}
	offCurve := append([]byte{2}, make([]byte, 32)...)
	offCurve[32] = 1 // no point of the curve has x = 1
	overField := append([]byte{2}, strings.Repeat("\xff", 32)...)
	seal := func(plaintext []byte) string {
		return check58(append(compress(ephemeral.PublicKey().Bytes()), from(t, ephemeral, target.PublicKey()).seal(t, plaintext)...))
	}
	order, _ := hex.DecodeString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
	scalar, _ := hex.DecodeString(credentialPrivate)
	for name, bundle := range map[string]string{
		"empty":                     ``,
		"one letter":                `1`,
		"all ones":                  strings.Repeat("1", 85),
		"not base58: 0":             strings.Replace(credentialFixed, "q", "0", 1),
		"not base58: a space":       credentialFixed + " ",
		"not base58: not ASCII":     "ü" + credentialFixed[2:],
		"one letter changed":        strings.Replace(credentialFixed, "q2", "q3", 1),
		"one letter less":           credentialFixed[:len(credentialFixed)-1],
		"one letter more":           credentialFixed + "1",
		"a leading zero":            "1" + credentialFixed,
		"far too long":              strings.Repeat("z", 1<<20),
		"a wrong checksum":          base58.Encode(append(append([]byte{}, payload...), 1, 2, 3, 4)),
		"no checksum":               base58.Encode(payload),
		"a byte less, checked":      check58(payload[:80]),
		"a byte more, checked":      check58(append(append([]byte{}, payload...), 0)),
		"nothing, checked":          check58(nil),
		"the other y":               check58(change(0, 3)),
		"no such form":              check58(change(0, 5)),
		"uncompressed form":         check58(change(0, 4)),
		"off the curve":             check58(append(append([]byte{}, offCurve...), payload[33:]...)),
		"over the field":            check58(append(append([]byte{}, overField...), payload[33:]...)),
		"infinity":                  check58(append(make([]byte, 33), payload[33:]...)),
		"ciphertext changed":        check58(change(40, payload[40]^1)),
		"tag changed":               check58(change(80, payload[80]^1)),
		"sealed well, scalar 0":     seal(make([]byte, 32)),
		"sealed well, scalar n":     seal(order),
		"sealed well, 31 bytes":     seal(scalar[:31]),
		"sealed well, 33 bytes":     seal(append(scalar, 0)),
		"an OTP bundle":             otpBundle,
		"the payload in hex":        credentialPayload,
		"base64url, as iframes may": "AqGb5QWfgYYnZ-eExNpZDk8Zf5k93zg5PRQl3NyUk4rYMsza",
	} {
		if key, err := OpenCredential(target, bundle); !isInvalid(err) || key != nil {
			t.Errorf("%s: %v, %v", name, key, err)
		}
	}
}

// compress gives the 33-byte form of an uncompressed point.
func compress(point []byte) []byte {
	return append([]byte{2 + point[64]&1}, point[1:33]...)
}

func check58(payload []byte) string {
	return base58.Encode(append(append([]byte{}, payload...), checksum(payload)...))
}
