package stamp

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"latchkey/internal/p256"
)

// walletKey parses the private key of a vector.
func walletKey(t *testing.T, scheme, private string) PrivateKey {
	t.Helper()
	key, err := ParseEd25519(private)
	if scheme != SchemeEd25519 {
		key, err = ParseSecp256k1(scheme, private)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestWalletStampsEqualTheVendors(t *testing.T) {
	for _, v := range walletStamps {
		want, err := ParseAPI(v.header)
		if err != nil || want.Scheme != v.scheme || want.PublicKey != v.public {
			t.Errorf("%s: %+v, %v", v.name, want, err)
			continue
		}
		made, err := walletKey(t, v.scheme, v.private).Stamp(t.Context(), []byte(v.body))
		if err != nil || made.HeaderName != "X-Stamp" {
			t.Fatalf("%s: %+v, %v", v.name, made, err)
		}
		got, err := ParseAPI(made.HeaderValue)
		if err != nil || got != want {
			t.Errorf("%s: made %+v, %v\nwant %+v", v.name, got, err, want)
		}
		if byteForByte := v.name == "EIP-191" || v.name == "Solana"; byteForByte && made.HeaderValue != v.header {
			t.Errorf("%s: made %s\nwant %s", v.name, made.HeaderValue, v.header)
		}
	}
}

// For every scheme: the stamp verifies, with the key known or not, and does not once a byte of the body, the key, the
// scheme or the signature is another.
func TestR15_EveryScheme(t *testing.T) {
	for _, v := range walletStamps {
		s, err := ParseAPI(v.header)
		if err != nil {
			t.Fatal(err)
		}
		key, err := ParseKey(s.Curve(), s.PublicKey)
		if err != nil || key.Curve() != s.Curve() {
			t.Fatalf("%s: key %v of %q, %v", v.name, err, key.Curve(), err)
		}
		body := []byte(v.body)
		if err := s.Verify(body); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		if err := s.VerifyKey(key, body); err != nil {
			t.Errorf("%s, key known: %v", v.name, err)
		}
		for i := range body {
			body[i] ^= 1
			if err := s.VerifyKey(key, body); !isInvalid(err) {
				t.Errorf("%s, byte %d changed: %v", v.name, i, err)
			}
			body[i] ^= 1
		}
		if err := s.Verify(append(body, '\n')); !isInvalid(err) {
			t.Errorf("%s, one byte more: %v", v.name, err)
		}
		for i := range s.Signature { // no single digit of the signature may be another
			other := []byte(s.Signature)
			other[i] = "0123456789abcdef"[(strings.IndexByte("0123456789abcdef", other[i])+1)%16]
			changed := s
			changed.Signature = string(other)
			if err := changed.VerifyKey(key, body); !isInvalid(err) {
				t.Errorf("%s, digit %d of the signature changed: %v", v.name, i, err)
			}
		}
		for _, scheme := range []string{SchemeP256, SchemeSecp256k1, SchemeEIP191, SchemeEd25519, "", SchemeOIDC} {
			other := s
			if other.Scheme = scheme; scheme == s.Scheme {
				continue
			}
			if err := other.Verify(body); !isInvalid(err) {
				t.Errorf("%s as %q: %v", v.name, scheme, err)
			}
			if err := other.VerifyKey(key, body); !isInvalid(err) {
				t.Errorf("%s as %q, key known: %v", v.name, scheme, err)
			}
		}
		for _, w := range walletStamps {
			stranger, err := ParseKey(CurveOf(w.scheme), w.public)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.VerifyKey(stranger, body); w.public != v.public && !isInvalid(err) {
				t.Errorf("%s by the key of %s: %v", v.name, w.name, err)
			}
		}
		for name, none := range map[string]Key{"no key": {}, "a nil key": KeyOfP256(nil), "a key of P-256": KeyOfP256(&p256.Generate().PublicKey)} {
			if err := s.VerifyKey(none, body); !isInvalid(err) {
				t.Errorf("%s by %s: %v", v.name, name, err)
			}
		}
	}
}

// n-S is as good on secp256k1; S+L is not on ed25519, whose signatures are unique.
func TestTheOtherSpellingOfSOnEveryCurve(t *testing.T) {
	order := secp256k1.Params().N
	l, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	for _, v := range walletStamps {
		s, err := ParseAPI(v.header)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := hex.DecodeString(s.Signature)
		if v.scheme == SchemeEd25519 {
			scalar := raw[32:]
			sum := new(big.Int)
			for i := len(scalar) - 1; i >= 0; i-- { // little-endian
				sum.Add(sum.Lsh(sum, 8), big.NewInt(int64(scalar[i])))
			}
			bytes := sum.Add(sum, l).FillBytes(make([]byte, 32))
			for i, c := range bytes {
				scalar[31-i] = c
			}
			s.Signature = hex.EncodeToString(raw)
			if err := s.Verify([]byte(v.body)); len(raw) != ed25519.SignatureSize || !isInvalid(err) {
				t.Errorf("%s with S+L: %v", v.name, err)
			}
			continue
		}
		rs, err := p256.ToRaw(raw)
		if err != nil {
			t.Fatal(err)
		}
		new(big.Int).Sub(order, new(big.Int).SetBytes(rs[32:])).FillBytes(rs[32:])
		der, err := p256.ToDER(rs)
		if err != nil {
			t.Fatal(err)
		}
		s.Signature = hex.EncodeToString(der)
		if err := s.Verify([]byte(v.body)); err != nil {
			t.Errorf("%s with the high S: %v", v.name, err)
		}
	}
}

// The kits' DER of a wallet's signature keeps the zeros of the raw form: one in 256 that an honest wallet makes. It is
// taken under the wallets' scheme alone.
func TestZerosThatTheKitsLeaveInAWalletsSignature(t *testing.T) {
	const private = "0000000000000000000000000000000000000000000000000000000000000001"
	for _, scheme := range []string{SchemeEIP191, SchemeSecp256k1} {
		key, err := ParseSecp256k1(scheme, private)
		if err != nil {
			t.Fatal(err)
		}
		padded := map[string]int{} // which of the two integers begins with a zero that DER has not
		for i := 0; i < 20_000 && (padded["r"] == 0 || padded["s"] == 0); i++ {
			body := []byte(strconv.Itoa(i))
			raw, err := p256.ToRaw(key.sign(body))
			if err != nil {
				t.Fatal(err)
			}
			var der []byte
			longer := false
			for j, name := range []string{"r", "s"} {
				integer := raw[32*j : 32*j+32]
				switch {
				case integer[0] == 0 && integer[1] < 0x80:
					padded[name]++
					longer = true
				case integer[0] >= 0x80:
					integer = append([]byte{0}, integer...)
				}
				der = append(append(der, 0x02, byte(len(integer))), integer...)
			}
			if !longer {
				continue
			}
			s := APIStamp{PublicKey: key.PublicKey(), Scheme: scheme, Signature: hex.EncodeToString(append([]byte{0x30, byte(len(der))}, der...))}
			if err := s.Verify(body); (err == nil) != (scheme == SchemeEIP191) {
				t.Errorf("%s: %v", scheme, err)
			}
			if err := s.Verify(append(body, ' ')); !isInvalid(err) {
				t.Errorf("%s over another body: %v", scheme, err)
			}
		}
		if padded["r"] == 0 || padded["s"] == 0 {
			t.Errorf("%s: no signature with such zeros was met: %v", scheme, padded)
		}
	}
}

func TestFormsOfOtherSchemes(t *testing.T) {
	object := func(publicKey, scheme, signature string) string {
		return encodeHeader(`{"publicKey":"` + publicKey + `","scheme":"` + scheme + `","signature":"` + signature + `"}`)
	}
	k1, ed := walletStamps[0], walletStamps[1]
	kStamp, _ := ParseAPI(k1.header)
	eStamp, _ := ParseAPI(ed.header)
	for name, header := range map[string]string{
		"an ed25519 key as secp256k1":     object(ed.public, SchemeSecp256k1, kStamp.Signature),
		"a secp256k1 key as ed25519":      object(k1.public, SchemeEd25519, eStamp.Signature),
		"DER as ed25519":                  object(ed.public, SchemeEd25519, kStamp.Signature),
		"an ed25519 signature too short":  object(ed.public, SchemeEd25519, eStamp.Signature[2:]),
		"an ed25519 signature too long":   object(ed.public, SchemeEd25519, eStamp.Signature+"00"),
		"an ed25519 signature of no hex":  object(ed.public, SchemeEd25519, eStamp.Signature[:127]+"g"),
		"an ed25519 key of no hex":        object(ed.public[:63]+"g", SchemeEd25519, eStamp.Signature),
		"a Solana address":                object("3z5Xq2YJbn5MvrKRe71QPA5GBBgZgwT9uCMfhAbbNNVb", SchemeEd25519, eStamp.Signature),
		"a signature with its recovery":   object(k1.public, SchemeEIP191, strings.Repeat("11", 65)+strings.Repeat("1", 15)),
		"the scheme of an attested stamp": object(k1.public, SchemeVerificationToken, kStamp.Signature),
	} {
		if s, err := ParseAPI(header); !isMalformed(err) || s != (APIStamp{}) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for name, s := range map[string]APIStamp{
		"off the curve":    {PublicKey: "02" + strings.Repeat("0", 63) + "5", Scheme: SchemeSecp256k1, Signature: kStamp.Signature},
		"over the field":   {PublicKey: "02" + strings.Repeat("f", 64), Scheme: SchemeSecp256k1, Signature: kStamp.Signature},
		"no such prefix":   {PublicKey: "04" + k1.public[2:], Scheme: SchemeSecp256k1, Signature: kStamp.Signature},
		"no ed25519 point": {PublicKey: "02" + strings.Repeat("0", 62), Scheme: SchemeEd25519, Signature: eStamp.Signature},
		"half a key":       {PublicKey: ed.public[:62], Scheme: SchemeEd25519, Signature: eStamp.Signature},
	} {
		if err := s.Verify([]byte(k1.body)); !isInvalid(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if key, err := ParseKey("p384", k1.public); err == nil || key.Curve() != "" {
		t.Errorf("a curve that there is not: %v, %v", key, err)
	}
}

func TestBadPrivateKeysAreRefusedAndNeverShown(t *testing.T) {
	ed := walletStamps[1].private
	for name, private := range map[string]string{
		"empty": "", "short": strings.Repeat("1", 62), "no hex": strings.Repeat("x", 64), "between": strings.Repeat("1", 100),
		"two keys' halves": ed[:126] + "00", "zero": strings.Repeat("0", 64), "over the order": strings.Repeat("f", 64),
	} {
		if name != "zero" && name != "over the order" { // any 32 bytes are a seed
			if _, err := ParseEd25519(private); err == nil || private != "" && strings.Contains(err.Error(), private) {
				t.Errorf("ed25519, %s: %v", name, err)
			}
		}
		if _, err := ParseSecp256k1(SchemeEIP191, private); err == nil || private != "" && strings.Contains(err.Error(), private) {
			t.Errorf("secp256k1, %s: %v", name, err)
		}
	}
	if _, err := ParseSecp256k1(SchemeP256, walletStamps[0].private); err == nil {
		t.Error("a key of secp256k1 under the scheme of P-256")
	}
	key := walletKey(t, SchemeEIP191, walletStamps[2].private)
	if text := fmt.Sprintf("%v %+v %#v %s", key, key, key, key); strings.Count(text, key.PublicKey()) != 4 || strings.Contains(text, "sign") {
		t.Errorf("printed as %s", text)
	}
}
