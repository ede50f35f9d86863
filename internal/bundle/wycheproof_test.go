package bundle

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"testing"

	"latchkey/internal/need"
	"latchkey/internal/p256"
)

// Every ECDH vector of Project Wycheproof, its public key as the ephemeral key of a bundle and its private key as the
// target. A valid one must open, sealed by the book from the vector's own shared point; in a bad one the private key
// must not even be asked. Source: C2SP/wycheproof, ecdh_secp256r1_ecpoint_test.json.
func TestR6_WycheproofPointsInBundles(t *testing.T) {
	text, err := os.ReadFile(need.Shared(t, "vectors", "wycheproof", "ecdh_secp256r1_ecpoint_test.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			Tests []struct {
				TcID                                     int
				Comment, Public, Private, Shared, Result string
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	credential := p256.Generate()
	scalar, err := credential.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	ran, opened := 0, 0
	for _, group := range file.TestGroups {
		for _, c := range group.Tests {
			ran++
			point, dh := decode(t, c.Public), decode(t, c.Shared)
			target := &watched{PrivateKey: scalarKey(t, c.Private)}
			otp := func(encapped, ciphertext []byte) error {
				got, publicKey, err := OpenOTP(target, marshal(sealed{hex.EncodeToString(encapped), hex.EncodeToString(ciphertext)}))
				if err == nil && (got != "123456" || publicKey != clientPublic) {
					t.Errorf("%d %s: opened %q, %q", c.TcID, c.Comment, got, publicKey)
				}
				return err
			}
			plaintext := []byte(marshal(code{"123456", clientPublic}))

			if c.Result == "invalid" {
				s := newSchedule(t, dh, point, target.PublicKey().Bytes())
				if err := otp(point, s.seal(t, plaintext)); !isInvalid(err) {
					t.Errorf("%d %s: OTP bundle: %v", c.TcID, c.Comment, err)
				}
				if len(point) == compressedSize {
					if key, err := OpenCredential(target, check58(append(bytes.Clone(point), s.seal(t, scalar)...))); !isInvalid(err) || key != nil {
						t.Errorf("%d %s: credential bundle: %v", c.TcID, c.Comment, err)
					}
				}
				if target.asked {
					t.Errorf("%d %s: the private key was asked about a bad point", c.TcID, c.Comment)
				}
				continue
			}
			if len(point) == compressedSize { // good, but bundles in JSON spell points uncompressed
				if err := otp(point, newSchedule(t, dh, point, target.PublicKey().Bytes()).seal(t, plaintext)); !isInvalid(err) {
					t.Errorf("%d %s: a compressed key in an OTP bundle: %v", c.TcID, c.Comment, err)
				}
				pub, err := p256.ParsePublic(c.Public)
				if err != nil {
					t.Fatal(err)
				}
				point = decode(t, p256.Uncompressed(pub))
			}
			s := newSchedule(t, dh, point, target.PublicKey().Bytes())
			if err := otp(point, s.seal(t, plaintext)); err != nil {
				t.Errorf("%d %s: OTP bundle: %v", c.TcID, c.Comment, err)
			}
			if key, err := OpenCredential(target, check58(append(compress(point), s.seal(t, scalar)...))); err != nil || !key.Equal(credential) {
				t.Errorf("%d %s: credential bundle: %v", c.TcID, c.Comment, err)
			}
			opened++
		}
	}
	if ran != file.NumberOfTests || opened < ran/2 {
		t.Errorf("ran %d of %d vectors, %d opened", ran, file.NumberOfTests, opened)
	}
}

// watched is a private key that notes when it is used.
type watched struct {
	*ecdh.PrivateKey
	asked bool
}

func (w *watched) ECDH(pub *ecdh.PublicKey) ([]byte, error) {
	w.asked = true
	return w.PrivateKey.ECDH(pub)
}

// scalarKey reads a scalar of any length, as the vectors write them.
func scalarKey(t *testing.T, text string) *ecdh.PrivateKey {
	t.Helper()
	key, err := ecdh.P256().NewPrivateKey(new(big.Int).SetBytes(decode(t, text)).FillBytes(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func decode(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
