package p256

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// K1 of the protocol's vectors: SHA-256 of "tk-vector-1".
const (
	k1Private      = "c2e3eaf14da5c797a5566013b3affbf269fe28f421bc39aebc7f77720932bba5"
	k1Compressed   = "03177e336cd5a480343218ab9e62f0258b75adb6168fc130b6b56e24913e05a185"
	k1Uncompressed = "04177e336cd5a480343218ab9e62f0258b75adb6168fc130b6b56e24913e05a18506574b64dcf0a8c968db223a7ba45ce417cc12cc786c361ea72dada907ecbc71"
)

func TestSpellings(t *testing.T) {
	label := sha256.Sum256([]byte("tk-vector-1"))
	if got := hex.EncodeToString(label[:]); got != k1Private {
		t.Fatalf("label hashes to %s", got)
	}
	key, err := ParsePrivate(k1Private)
	if err != nil {
		t.Fatal(err)
	}
	if got := PrivateHex(key); got != k1Private {
		t.Errorf("PrivateHex = %s", got)
	}
	for _, text := range []string{k1Compressed, k1Uncompressed, strings.ToUpper(k1Compressed)} {
		pub, err := ParsePublic(text)
		if err != nil {
			t.Fatal(err)
		}
		if !pub.Equal(&key.PublicKey) {
			t.Errorf("%s is not K1", text)
		}
		if got := Compressed(pub); got != k1Compressed {
			t.Errorf("Compressed = %s", got)
		}
		if got := Uncompressed(pub); got != k1Uncompressed {
			t.Errorf("Uncompressed = %s", got)
		}
	}
}

func TestBadKeysAreErrors(t *testing.T) {
	for _, text := range []string{"", "02", "zz", k1Compressed[:64], k1Compressed + "00", "05" + k1Compressed[2:],
		"04" + strings.Repeat("00", 64), "02" + strings.Repeat("ff", 32), "00", k1Uncompressed[:128] + "72"} {
		if _, err := ParsePublic(text); err == nil {
			t.Errorf("ParsePublic(%q) succeeded", text)
		}
	}
	for _, text := range []string{"", "00", strings.Repeat("0", 64), strings.Repeat("f", 64), k1Private + "00", "x" + k1Private[1:]} {
		_, err := ParsePrivate(text)
		if err == nil {
			t.Errorf("ParsePrivate(%q) succeeded", text)
		} else if len(text) > 8 && strings.Contains(err.Error(), text[:8]) {
			t.Errorf("the error repeats the key: %v", err)
		}
	}
}

func TestRawAndDERAgree(t *testing.T) {
	key := NewKey(Generate())
	for i := range 64 {
		digest := sha256.Sum256([]byte{byte(i)})
		der, err := key.Sign(context.Background(), digest[:])
		if err != nil {
			t.Fatal(err)
		}
		raw, err := ToRaw(der)
		if err != nil {
			t.Fatal(err)
		}
		if !VerifyRaw(&key.Private().PublicKey, digest[:], raw) {
			t.Fatal("raw signature does not verify")
		}
		back, err := ToDER(raw)
		if err != nil || !bytes.Equal(back, der) {
			t.Fatalf("DER -> raw -> DER changed the signature")
		}
		if !ecdsa.VerifyASN1(&key.Private().PublicKey, digest[:], back) {
			t.Fatal("DER signature does not verify")
		}
	}
}

func TestKeyNeverPrintsItsScalar(t *testing.T) {
	key := NewKey(Generate())
	secret := PrivateHex(key.Private())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		if out := fmt.Sprintf(verb, key); strings.Contains(out, secret) || !strings.Contains(out, key.PublicKey()) {
			t.Errorf("%s prints %s", verb, out)
		}
	}
}
