package bundle

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/mr-tron/base58"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// "top-secret", sealed to tk-tls-fetcher by encryptOauth2ClientSecret of @turnkey/crypto 2.13.2.
const sealedSecret = "bcaba9272ce5722e5e2f36010460ef347a6dcce868381e66f0ab3f32e8e122c4b21ae41f4b582e3520c62e7e92ddcd06040c57fc992c69f3087d65f1b9995ea7c9d452a3ede742ce3daf2f41fb1a0000005d99b1d80b81e2596c8af52ee9a51cfa490c3a56eef19aab27ba"

func fetcherKey(t testing.TB) *ecdh.PrivateKey {
	t.Helper()
	private, err := p256.ParsePrivate(fetcherPrivate)
	if err != nil {
		t.Fatal(err)
	}
	key, err := private.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAClientSecretOfTurnkeysOwnLibraryIsOpened(t *testing.T) {
	got, err := OpenClientSecret(fetcherKey(t), sealedSecret)
	if err != nil || got != "top-secret" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestClientSecretsComeBack(t *testing.T) {
	key := fetcherKey(t)
	for _, secret := range []string{"s", "top-secret", strings.Repeat("é", 2000)} {
		sealed, err := SealClientSecret(key.PublicKey(), secret)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := OpenClientSecret(key, sealed); err != nil || got != secret {
			t.Errorf("%d bytes: %v", len(secret), err)
		}
	}
	for _, secret := range []string{"", strings.Repeat("x", clientSecretMax+1)} {
		if _, err := SealClientSecret(key.PublicKey(), secret); err == nil {
			t.Errorf("%d bytes were sealed", len(secret))
		}
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := SealClientSecret(x25519.PublicKey(), "s"); err == nil {
		t.Error("sealed to a key of another curve")
	}
	if _, err := OpenClientSecret(x25519, sealedSecret); fault.CodeOf(err) != fault.BundleInvalid {
		t.Errorf("opened by a key of another curve: %v", err)
	}
}

// Every byte counts, and so does the length that the text itself tells.
func TestAChangedClientSecretIsRefused(t *testing.T) {
	key := fetcherKey(t)
	raw, err := hex.DecodeString(sealedSecret)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(name, text string) {
		t.Helper()
		if _, err := OpenClientSecret(key, text); fault.CodeOf(err) != fault.BundleInvalid {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "top-secret") {
			t.Errorf("%s: the error tells the secret", name)
		}
	}
	for i := range raw {
		changed := append([]byte(nil), raw...)
		changed[i] ^= 1
		refused("byte changed", hex.EncodeToString(changed))
		refused("cut", hex.EncodeToString(raw[:i]))
	}
	long := append([]byte(nil), raw...)
	binary.LittleEndian.PutUint32(long[nonceSize+pointSize:], 1<<31)
	refused("a length of 2 GiB", hex.EncodeToString(long))
	refused("one byte more", sealedSecret+"00")
	refused("no hex", strings.Repeat("z", len(sealedSecret)))
	refused("far too long", strings.Repeat("00", 1<<20))
	refused("empty", "")
	other, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenClientSecret(other, sealedSecret); fault.CodeOf(err) != fault.BundleInvalid {
		t.Errorf("opened by another key: %v", err)
	}
}

// A bearer token travels in a credential bundle's envelope, with a text where the scalar would be.
func TestABearerTokenIsReadAsACredentialBundleIs(t *testing.T) {
	key := fetcherKey(t)
	text, err := SealBearerToken(key.PublicKey(), "bearer-of-x")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base58.Decode(text)
	if err != nil || len(raw) < compressedSize+checksumSize {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	payload, sum := raw[:len(raw)-checksumSize], raw[len(raw)-checksumSize:]
	if string(checksum(payload)) != string(sum) {
		t.Error("the checksum does not match")
	}
	point, err := p256.ParsePublic(hex.EncodeToString(payload[:compressedSize]))
	if err != nil {
		t.Fatal(err)
	}
	encapped, err := point.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := open(key, encapped, payload[compressedSize:]); err != nil || string(got) != "bearer-of-x" {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"", strings.Repeat("x", bearerTokenMax+1)} {
		if _, err := SealBearerToken(key.PublicKey(), bad); err == nil {
			t.Errorf("%d bytes were sealed", len(bad))
		}
	}
}

func FuzzOpenClientSecret(f *testing.F) {
	key := fetcherKey(f)
	f.Add(sealedSecret)
	f.Add("")
	f.Add(sealedSecret[:160])
	f.Fuzz(func(t *testing.T, text string) {
		secret, err := OpenClientSecret(key, text)
		if (err == nil) == (secret == "") {
			t.Errorf("%q, %v", secret, err)
		}
	})
}
