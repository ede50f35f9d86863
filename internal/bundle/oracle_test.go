package bundle

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"

	"latchkey/internal/p256"
)

// schedule is HPKE in base mode, written out from RFC 9180 (sections 4.1 and 5.1) without crypto/hpke, so that what
// the package makes is judged by something else, and so that a sender's key and even a shared point can be chosen.
type schedule struct {
	shared, pskIDHash, infoHash, context, key, nonce, aad []byte
}

var (
	kemSuite  = []byte("KEM\x00\x10")
	hpkeSuite = []byte("HPKE\x00\x10\x00\x01\x00\x02")
)

func newSchedule(t testing.TB, dh, encapped, target []byte) schedule {
	t.Helper()
	must := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	extract := func(suite, salt []byte, label string, ikm []byte) []byte {
		return must(hkdf.Extract(sha256.New, slices.Concat([]byte("HPKE-v1"), suite, []byte(label), ikm), salt))
	}
	expand := func(suite, prk []byte, label string, info []byte, length int) []byte {
		head := binary.BigEndian.AppendUint16(nil, uint16(length))
		return must(hkdf.Expand(sha256.New, prk, string(slices.Concat(head, []byte("HPKE-v1"), suite, []byte(label), info)), length))
	}
	var s schedule
	s.aad = slices.Concat(encapped, target)
	s.shared = expand(kemSuite, extract(kemSuite, nil, "eae_prk", dh), "shared_secret", s.aad, 32)
	s.pskIDHash = extract(hpkeSuite, nil, "psk_id_hash", nil)
	s.infoHash = extract(hpkeSuite, nil, "info_hash", []byte("turnkey_hpke"))
	s.context = slices.Concat([]byte{0}, s.pskIDHash, s.infoHash)
	secret := extract(hpkeSuite, s.shared, "secret", nil)
	s.key = expand(hpkeSuite, secret, "key", s.context, 32)
	s.nonce = expand(hpkeSuite, secret, "base_nonce", s.context, 12)
	return s
}

func (s schedule) aead(t testing.TB) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(s.key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return gcm
}

func (s schedule) seal(t testing.TB, plaintext []byte) []byte {
	return s.aead(t).Seal(nil, s.nonce, plaintext, s.aad)
}

// from is the schedule of a sender whose ephemeral key is known.
func from(t testing.TB, ephemeral *ecdh.PrivateKey, target *ecdh.PublicKey) schedule {
	t.Helper()
	dh, err := ephemeral.ECDH(target)
	if err != nil {
		t.Fatal(err)
	}
	return newSchedule(t, dh, ephemeral.PublicKey().Bytes(), target.Bytes())
}

func TestScheduleVector(t *testing.T) {
	ephemeral, target := exchange(t, ephemeralPrivate), exchange(t, targetPrivate)
	dh, err := ephemeral.ECDH(target.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	s := from(t, ephemeral, target.PublicKey())
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"dh", dh, hpkeDH}, {"shared", s.shared, hpkeShared}, {"psk_id_hash", s.pskIDHash, hpkePSKIDHash}, {"info_hash", s.infoHash, hpkeInfoHash},
		{"context", s.context, hpkeContext}, {"key", s.key, hpkeKey}, {"nonce", s.nonce, hpkeNonce}, {"aad", s.aad, hpkeAAD},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s = %s, want %s", c.name, got, c.want)
		}
	}
	if got := additional(ephemeral.PublicKey().Bytes(), target.PublicKey()); hex.EncodeToString(got) != hpkeAAD {
		t.Errorf("the package's additional data are %x", got)
	}
}

// What the package seals opens by the book, and what is sealed by the book opens in the package.
func TestSealAndOpenFollowTheBook(t *testing.T) {
	ephemeral, target := exchange(t, ephemeralPrivate), exchange(t, targetPrivate)
	plaintext := []byte("abandon ability able")

	got, err := open(target, ephemeral.PublicKey().Bytes(), from(t, ephemeral, target.PublicKey()).seal(t, plaintext))
	if err != nil || string(got) != string(plaintext) {
		t.Errorf("opened %q, %v", got, err)
	}

	encapped, ciphertext, err := seal(target.PublicKey(), plaintext)
	if err != nil {
		t.Fatal(err)
	}
	sender, err := ecdh.P256().NewPublicKey(encapped)
	if err != nil {
		t.Fatal(err)
	}
	dh, err := target.ECDH(sender)
	if err != nil {
		t.Fatal(err)
	}
	s := newSchedule(t, dh, encapped, target.PublicKey().Bytes())
	if got, err := s.aead(t).Open(nil, s.nonce, ciphertext, s.aad); err != nil || string(got) != string(plaintext) {
		t.Errorf("by the book it holds %q, %v", got, err)
	}
}

func exchange(t testing.TB, scalar string) *ecdh.PrivateKey {
	t.Helper()
	key, err := private(t, scalar).ECDH()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func private(t testing.TB, scalar string) *ecdsa.PrivateKey {
	t.Helper()
	key, err := p256.ParsePrivate(scalar)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func public(t testing.TB, text string) *ecdsa.PublicKey {
	t.Helper()
	key, err := p256.ParsePublic(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
