package stamp

import (
	"crypto/ed25519"
	"encoding/hex"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// What a browser's wallet gives back becomes a stamp that verifies, and nothing else does.
func TestAStampOfAWalletElsewhere(t *testing.T) {
	body := []byte(`{"type":"ACTIVITY_TYPE_STAMP_LOGIN"}`)
	key := secp256k1.PrivKeyFromBytes([]byte{31: 1})
	compact := k1ecdsa.SignCompact(key, secp256k1Digest(SchemeEIP191, body), true)
	signature := append(compact[1:], compact[0]-4)
	for _, v := range []byte{signature[64], signature[64] - 27} {
		got, err := OfEthereum(body, append(signature[:64:64], v))
		if err != nil {
			t.Fatal(err)
		}
		// The address of the key 1 is known to everybody.
		if hex.EncodeToString(got.Address[:]) != "7e5f4552091a69125d5dfcb7b8c2659029395bdf" {
			t.Errorf("address %x", got.Address)
		}
		s, err := ParseAPI(got.Stamp.HeaderValue)
		if err != nil || s.PublicKey != got.PublicKey || s.Verify(body) != nil || s.Verify(append(body, ' ')) == nil {
			t.Errorf("%+v, %v", s, err)
		}
		other, err := OfEthereum(append(body, ' '), append(signature[:64:64], v))
		if err == nil && other.Address == got.Address {
			t.Error("another body has the same signer")
		}
	}
	for name, bad := range map[string][]byte{"short": signature[:64], "long": append(signature[:65:65], 0), "no such V": append(signature[:64:64], 29), "nothing": make([]byte, 65)} {
		if _, err := OfEthereum(body, bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}

	ed := ed25519.NewKeyFromSeed(make([]byte, 32))
	public, _ := ed.Public().(ed25519.PublicKey)
	got, err := OfSolana(body, public, ed25519.Sign(ed, body))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := ParseAPI(got.Stamp.HeaderValue); err != nil || s.Verify(body) != nil {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := OfSolana(append(body, ' '), public, ed25519.Sign(ed, body)); err == nil {
		t.Error("over another body: taken")
	}
	if _, err := OfSolana(body, public[:31], ed25519.Sign(ed, body)); err == nil {
		t.Error("a short key: taken")
	}
}
