package hd

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	secp256k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"pgregory.net/rapid"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// Source: BIP-340, test-vectors.csv, rows 0 to 3.
func TestSchnorrVectors(t *testing.T) {
	for i, c := range []struct{ private, aux, message, signature string }{
		{"0000000000000000000000000000000000000000000000000000000000000003", "0000000000000000000000000000000000000000000000000000000000000000", "0000000000000000000000000000000000000000000000000000000000000000",
			"E907831F80848D1069A5371B402410364BDF1C5F8307B0084C55F1CE2DCA821525F66A4A85EA8B71E482A74F382D2CE5EBEEE8FDB2172F477DF4900D310536C0"},
		{"B7E151628AED2A6ABF7158809CF4F3C762E7160F38B4DA56A784D9045190CFEF", "0000000000000000000000000000000000000000000000000000000000000001", "243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89",
			"6896BD60EEAE296DB48A229FF71DFE071BDE413E6D43F917DC8DCF8C78DE33418906D11AC976ABCCB20B091292BFF4EA897EFCB639EA871CFA95F6DE339E4B0A"},
		{"C90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B14E5C9", "C87AA53824B4D7AE2EB035A2B5BBBCCC080E76CDC6D1692C4B0B62D798E6D906", "7E2D58D8B3BCDF1ABADEC7829054F90DDA9805AAB56C77333024B9D0A508B75C",
			"5831AAEED7B44BB74E5EAB94BA9D4294C49BCF2A60728D8B4C200F50DD313C1BAB745879A5AD954A72C45A91C3A51D3C7ADEA98D82F8481E0E1E03674A6F3FB7"},
		{"0B432B2677937381AEF05BB02A66ECD012773062CF3FA2549E44F58ED2401710", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
			"7EB0509757E246F19449885651611CB965ECC1A187DD51B64FDA1EDC9637D5EC97582B9CB13DB3933705B32BA982AF5AF25FD78881EBB32771FC5922EFC66EA3"},
	} {
		r, s := signSchnorr(unhex(t, c.private), unhex(t, c.aux), unhex(t, c.message))
		if got := strings.ToUpper(hex.EncodeToString(r) + hex.EncodeToString(s)); got != c.signature {
			t.Errorf("vector %d: %s", i, got)
		}
	}
}

// Source: RFC 6979, A.2.5, "sample" and "test" with SHA-256; s of the first is over half the order there.
func TestP256IsRFC6979WithLowS(t *testing.T) {
	key, err := NewKey(P256, unhex(t, "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"))
	if err != nil {
		t.Fatal(err)
	}
	n := elliptic.P256().Params().N
	for message, want := range map[string][2]string{
		"sample": {"EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716", "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"},
		"test":   {"F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367", "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"},
	} {
		low, _ := new(big.Int).SetString(want[1], 16)
		if new(big.Int).Lsh(low, 1).Cmp(n) > 0 {
			low.Sub(n, low)
		}
		r, s, _, err := SignRawPayload(key, "", message, "PAYLOAD_ENCODING_TEXT_UTF8", "HASH_FUNCTION_SHA256")
		if err != nil || !strings.EqualFold(r, want[0]) || s != hex.EncodeToString(low.FillBytes(make([]byte, 32))) {
			t.Errorf("%s: %s %s, %v", message, r, s, err)
		}
	}
}

// Whatever key a path gives and whatever is signed: the signature verifies under the public key, is low-S, repeats, and
// its v leads back to the key.
func TestSignThenVerify(t *testing.T) {
	seed := Seed(abandon)
	rapid.Check(t, func(t *rapid.T) {
		path := "m"
		for _, step := range rapid.SliceOfN(rapid.IntRange(0, 1<<31-1), 0, 3).Draw(t, "steps") {
			path += "/" + big.NewInt(int64(step)).String() + "'"
		}
		message := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "message")
		digest := sha256.Sum256(message)
		for _, curve := range []string{Secp256k1, P256, Ed25519} {
			key, err := Derive(seed, curve, path)
			if err != nil {
				t.Fatal(err)
			}
			hash := "HASH_FUNCTION_SHA256"
			if curve == Ed25519 {
				hash = "HASH_FUNCTION_NOT_APPLICABLE"
			}
			payload := hex.EncodeToString(message)
			if rapid.Bool().Draw(t, "prefix") {
				payload = "0x" + payload
			}
			r, s, v, err := SignRawPayload(key, "", payload, "PAYLOAD_ENCODING_HEXADECIMAL", hash)
			if err != nil {
				t.Fatal(err)
			}
			if len(r) != 64 || len(s) != 64 || len(v) != 2 || strings.ToLower(r+s+v) != r+s+v {
				t.Fatalf("%s: spelt %s %s %s", curve, r, s, v)
			}
			raw, err := hex.DecodeString(r + s)
			if err != nil {
				t.Fatal(err)
			}
			again, againS, againV, err := SignRawPayload(key, "", payload, "PAYLOAD_ENCODING_HEXADECIMAL", hash)
			if err != nil || again+againS+againV != r+s+v {
				t.Fatalf("%s: signed twice, two signatures", curve)
			}
			switch curve {
			case Ed25519:
				if !ed25519.Verify(key.Public, message, raw) || v != "00" {
					t.Fatalf("ed25519: %x does not verify, v %s", raw, v)
				}
			case P256:
				checkP256(t, key, digest[:], raw, v)
			case Secp256k1:
				id, _ := hex.DecodeString(v)
				recovered, _, err := secp256k1ecdsa.RecoverCompact(append([]byte{27 + id[0]}, raw...), digest[:])
				if err != nil || !bytes.Equal(recovered.SerializeCompressed(), key.Public) {
					t.Fatalf("secp256k1: v %s does not lead back to the key: %v", v, err)
				}
				var scalar secp256k1.ModNScalar
				scalar.SetByteSlice(raw[32:])
				if scalar.IsOverHalfOrder() {
					t.Fatal("secp256k1: high S")
				}
				checkTaproot(t, key, payload, digest[:])
			}
		}
	})
}

// checkP256 verifies the signature and leads v back to the key.
//
//nolint:staticcheck // nothing but the deprecated methods can multiply any point
func checkP256(t *rapid.T, key Key, digest, raw []byte, v string) {
	pub, err := p256.ParsePublic(hex.EncodeToString(key.Public))
	if err != nil || !p256.VerifyRaw(pub, digest, raw) {
		t.Fatalf("P-256: does not verify: %v", err)
	}
	n := elliptic.P256().Params().N
	r, s := new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])
	if new(big.Int).Lsh(s, 1).Cmp(n) > 0 {
		t.Fatal("P-256: high S")
	}
	// R is (r, y) with y odd where v is: then s·R - e·G = r·Q (SEC 1, section 4.1.6).
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), append([]byte{2 + v[1] - '0'}, raw[:32]...))
	if x == nil || v[0] != '0' || v[1] > '1' {
		t.Fatalf("P-256: v %s", v)
	}
	sum := func(ax, ay, bx, by *big.Int) *ecdsa.PublicKey {
		cx, cy := elliptic.P256().Add(ax, ay, bx, by)
		return &ecdsa.PublicKey{Curve: elliptic.P256(), X: cx, Y: cy}
	}
	sx, sy := elliptic.P256().ScalarMult(x, y, s.Bytes())
	e := new(big.Int).SetBytes(digest)
	ex, ey := elliptic.P256().ScalarBaseMult(e.Sub(n, e.Mod(e, n)).Bytes())
	qx, qy := elliptic.P256().ScalarMult(pub.X, pub.Y, r.Bytes())
	if left := sum(sx, sy, ex, ey); left.X.Cmp(qx) != 0 || left.Y.Cmp(qy) != 0 {
		t.Fatalf("P-256: v %s does not lead back to the key", v)
	}
}

// checkTaproot verifies as BIP-340 says, under the key that the address names.
func checkTaproot(t *rapid.T, key Key, payload string, digest []byte) {
	r, s, v, err := SignRawPayload(key, "ADDRESS_FORMAT_BITCOIN_SIGNET_P2TR", payload, "PAYLOAD_ENCODING_HEXADECIMAL", "HASH_FUNCTION_SHA256")
	if err != nil || v != "00" {
		t.Fatalf("taproot: v %s, %v", v, err)
	}
	output, err := taprootOutput(key.Public)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := hex.DecodeString(r + s)
	if err != nil || !verifySchnorr(output, digest, raw) {
		t.Fatalf("taproot: does not verify under the output key: %v", err)
	}
	raw[63] ^= 1
	if verifySchnorr(output, digest, raw) {
		t.Fatal("the verifier lets everything pass")
	}
}

func verifySchnorr(pub, message, signature []byte) bool {
	key, err := secp256k1.ParsePubKey(append([]byte{2}, pub...))
	if err != nil {
		return false
	}
	var s, e secp256k1.ModNScalar
	if s.SetByteSlice(signature[32:]) {
		return false
	}
	e.SetByteSlice(taggedHash("BIP0340/challenge", signature[:32], pub, message))
	e.Negate()
	var p, left, right, sum secp256k1.JacobianPoint
	key.AsJacobian(&p)
	secp256k1.ScalarBaseMultNonConst(&s, &left)
	secp256k1.ScalarMultNonConst(&e, &p, &right)
	secp256k1.AddNonConst(&left, &right, &sum)
	sum.ToAffine()
	return !sum.Y.IsOdd() && bytes.Equal(sum.X.Bytes()[:], signature[:32])
}

func TestWrongSigningParametersAreInvalid(t *testing.T) {
	digest := strings.Repeat("ab", 32)
	const hexadecimal, text, typed, authorization = "PAYLOAD_ENCODING_HEXADECIMAL", "PAYLOAD_ENCODING_TEXT_UTF8", "PAYLOAD_ENCODING_EIP712", "PAYLOAD_ENCODING_EIP7702_AUTHORIZATION"
	const noOp, sha, keccak, none = "HASH_FUNCTION_NO_OP", "HASH_FUNCTION_SHA256", "HASH_FUNCTION_KECCAK256", "HASH_FUNCTION_NOT_APPLICABLE"
	const taproot = "ADDRESS_FORMAT_BITCOIN_MAINNET_P2TR"
	tuple := `{"address":"0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265","chainId":1,"nonce":7}`
	for _, c := range []struct{ curve, format, payload, encoding, hash, want string }{
		{Secp256k1, "", digest, "", noOp, "invalid payload encoding"},
		{Secp256k1, "", digest, "PAYLOAD_ENCODING_UTF8", noOp, "invalid payload encoding"},
		{Secp256k1, "", digest, hexadecimal, "", "invalid hash function"},
		{Secp256k1, "", digest, hexadecimal, "HASH_FUNCTION_MD5", "invalid hash function"},
		{Secp256k1, "", digest, hexadecimal, none, "invalid hash function"},
		{P256, "", digest, hexadecimal, none, "invalid hash function"},
		{Ed25519, "", digest, hexadecimal, noOp, "invalid hash function"},
		{Ed25519, "", digest, hexadecimal, sha, "invalid hash function"},
		{Secp256k1, "", digest[2:], hexadecimal, noOp, "expected a 32-bytes-long digest"},
		{Secp256k1, "", digest + "00", hexadecimal, noOp, "expected a 32-bytes-long digest"},
		{Secp256k1, "", digest, text, noOp, "expected a 32-bytes-long digest"},
		{P256, "", "", text, noOp, "expected a 32-bytes-long digest"},
		{Secp256k1, taproot, "00", hexadecimal, noOp, "expected a 32-bytes-long digest"},
		{Secp256k1, "", "0x0", hexadecimal, keccak, "payload is not hexadecimal"},
		{Secp256k1, "", "0x0x00", hexadecimal, keccak, "payload is not hexadecimal"},
		{Secp256k1, "", "hello", hexadecimal, keccak, "payload is not hexadecimal"},
		{Secp256k1, "", etherMail, typed, keccak, "invalid hash function"},
		{Secp256k1, "", tuple, authorization, sha, "invalid hash function"},
		{P256, "", etherMail, typed, noOp, "invalid payload encoding"},
		{Ed25519, "", tuple, authorization, none, "invalid payload encoding"},
		{Secp256k1, taproot, etherMail, typed, noOp, "invalid payload encoding"},
		{Secp256k1, "ADDRESS_FORMAT_SPARK_MAINNET", digest, hexadecimal, noOp, "invalid address format"},
		{P256, taproot, digest, hexadecimal, noOp, "invalid curve"},
	} {
		key, err := Derive(Seed(abandon), c.curve, "m/0'")
		if err != nil {
			t.Fatal(err)
		}
		_, _, _, err = SignRawPayload(key, c.format, c.payload, c.encoding, c.hash)
		if fault.KindOf(err) != fault.Invalid || vendorText(err) != c.want {
			t.Errorf("%s %s %.20q %s %s: %v", c.curve, c.format, c.payload, c.encoding, c.hash, err)
		}
	}
	for _, payload := range []string{"", "{}", "[]"} {
		key, err := Derive(Seed(abandon), Secp256k1, "m/0'")
		if err != nil {
			t.Fatal(err)
		}
		for _, encoding := range []string{typed, authorization} {
			if _, _, _, err := SignRawPayload(key, "", payload, encoding, noOp); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%q as %s: %v", payload, encoding, err)
			}
		}
	}
	if _, _, _, err := SignDigest(Key{Curve: Secp256k1}, make([]byte, 32)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a key without a private half: %v", err)
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
