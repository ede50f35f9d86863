package hd

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/mr-tron/base58"

	"latchkey/internal/fault"
)

const (
	seed1 = "000102030405060708090a0b0c0d0e0f"
	seed2 = "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542"
)

// Source: SLIP-0010, test vectors 1 and 2, derivation retry and seed retry. The last key of a chain depends on every
// key and chain code before it.
func TestSLIP10Vectors(t *testing.T) {
	for _, c := range []struct{ curve, seed, path, private, public string }{
		{Secp256k1, seed1, "m", "e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35", "0339a36013301597daef41fbe593a02cc513d0b55527ec2df1050e2e8ff49c85c2"},
		{Secp256k1, seed1, "m/0'/1/2'", "cbce0d719ecf7431d88e6a89fa1483e02e35092af60c042b1df2ff59fa424dca", "0357bfe1e341d01c69fe5654309956cbea516822fba8a601743a012a7896ee8dc2"},
		{Secp256k1, seed1, "m/0'/1/2'/2/1000000000", "471b76e389e528d6de6d816857e012c5455051cad6660850e58372a6c3e6e7c8", "022a471424da5e657499d1ff51cb43c47481a03b1e77f951fe64cec9f5a48f7011"},
		{Secp256k1, seed2, "m/0/2147483647'/1/2147483646'/2", "bb7d39bdb83ecf58f2fd82b6d918341cbef428661ef01ab97c28a4842125ac23", "024d902e1a2fc7a8755ab5b694c575fce742c48d9ff192e63df5193e4c7afe1f9c"},
		{P256, seed1, "m", "612091aaa12e22dd2abef664f8a01a82cae99ad7441b7ef8110424915c268bc2", "0266874dc6ade47b3ecd096745ca09bcd29638dd52c2c12117b11ed3e458cfa9e8"},
		{P256, seed1, "m/0'/1/2'/2/1000000000", "21c4f269ef0a5fd1badf47eeacebeeaa3de22eb8e5b0adcd0f27dd99d34d0119", "02216cd26d31147f72427a453c443ed2cde8a1e53c9cc44e5ddf739725413fe3f4"},
		{P256, seed2, "m/0/2147483647'/1/2147483646'/2", "bb0a77ba01cc31d77205d51d08bd313b979a71ef4de9b062f8958297e746bd67", "020ee02e18967237cf62672983b253ee62fa4dd431f8243bfeccdf39dbe181387f"},
		{P256, seed1, "m/28578'", "06f0db126f023755d0b8d86d4591718a5210dd8d024e3e14b6159d63f53aa669", "02519b5554a4872e8c9c1c847115363051ec43e93400e030ba3c36b52a3e70a5b7"},
		{P256, seed1, "m/28578'/33941", "092154eed4af83e078ff9b84322015aefe5769e31270f62c3f66c33888335f3a", "0235bfee614c0d5b2cae260000bb1d0d84b270099ad790022c1ae0b2e782efe120"},
		{P256, "a7305bc8df8d0951f0cb224c0e95d7707cbdf2c6ce7e8d481fec69c7ff5e9446", "m", "3b8c18469a4634517d6d0b65448f8e6c62091b45540a1743c5846be55d47d88f", "0383619fadcde31063d8c5cb00dbfe1713f3e6fa169d8541a798752a1c1ca0cb20"},
		{Ed25519, seed1, "m", "2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7", "a4b2856bfec510abab89753fac1ac0e1112364e7d250545963f135f2a33188ed"},
		{Ed25519, seed1, "m/0'/1'/2'/2'/1000000000'", "8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793", "3c24da049451555d51a7014a37337aa4e12d41e485abccfa46b47dfb2af54b7a"},
		{Ed25519, seed2, "m/0'/2147483647'/1'/2147483646'/2'", "551d333177df541ad876a60ea71f00447931c0a9da16f227c11ea080d7391b8d", "47150c75db263559a70d5778bf36abbab30fb061ad69f69ece61a72b0cfa4fc0"},
	} {
		seed, err := hex.DecodeString(c.seed)
		if err != nil {
			t.Fatal(err)
		}
		key, err := Derive(seed, c.curve, c.path)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(key.Private); got != c.private {
			t.Errorf("%s %s: private %s", c.curve, c.path, got)
		}
		if got := hex.EncodeToString(key.Public); got != c.public {
			t.Errorf("%s %s: public %s", c.curve, c.path, got)
		}
		again, err := NewKey(c.curve, key.Private)
		if err != nil || again.String() != key.String() {
			t.Errorf("NewKey of %s: %v, %v", key, again, err)
		}
	}
}

// Source: BIP-32, test vectors 3 and 4, which have keys with leading zeros.
func TestBIP32KeepsLeadingZeros(t *testing.T) {
	const (
		seed3 = "4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be"
		seed4 = "3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678"
	)
	for _, c := range []struct{ seed, path, extended string }{
		{seed3, "m", "xprv9s21ZrQH143K25QhxbucbDDuQ4naNntJRi4KUfWT7xo4EKsHt2QJDu7KXp1A3u7Bi1j8ph3EGsZ9Xvz9dGuVrtHHs7pXeTzjuxBrCmmhgC6"},
		{seed3, "m/0'", "xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJFjaPdGZ2y9WACViL4L"},
		{seed4, "m", "xprv9s21ZrQH143K48vGoLGRPxgo2JNkJ3J3fqkirQC2zVdk5Dgd5w14S7fRDyHH4dWNHUgkvsvNDCkvAwcSHNAQwhwgNMgZhLtQC63zxwhQmRv"},
		{seed4, "m/0'", "xprv9vB7xEWwNp9kh1wQRfCCQMnZUEG21LpbR9NPCNN1dwhiZkjjeGRnaALmPXCX7SgjFTiCTT6bXes17boXtjq3xLpcDjzEuGLQBM5ohqkao9G"},
		{seed4, "m/0'/1'", "xprv9xJocDuwtYCMNAo3Zw76WENQeAS6WGXQ55RCy7tDJ8oALr4FWkuVoHJeHVAcAqiZLE7Je3vZJHxspZdFHfnBEjHqU5hG1Jaj32dVoS6XLT1"},
	} {
		seed, err := hex.DecodeString(c.seed)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := base58.Decode(c.extended) // version, depth, fingerprint, index, chain code, 0, key, checksum
		if err != nil || len(raw) != 82 {
			t.Fatalf("%s: %v", c.extended, err)
		}
		key, err := Derive(seed, Secp256k1, c.path)
		if got, want := hex.EncodeToString(key.Private), hex.EncodeToString(raw[46:78]); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", c.path, got, err, want)
		}
	}
}

var badPaths = []string{
	"", "/", "M", "m/", "m//0", "m/0/", "/m/0", "n/0", "m/44'/60'/0'/0/0/", " m/0", "m/0 ", "m/-1", "m/+1", "m/00", "m/01", "m/0''",
	"m/'", "m/0h", "m/0H", "m/0x1", "m/2147483648", "m/2147483648'", "m/99999999999999999999", "m/٣", "m0", "44'/60'/0'/0/0",
	"m/1.0", "m/1e3", "m" + strings.Repeat("/0'", 256), "m" + strings.Repeat("/2147483647'", 1<<16),
}

func TestBadPathsAreInvalid(t *testing.T) {
	seed := make([]byte, 64)
	for _, curve := range []string{Secp256k1, Ed25519, P256} {
		for _, path := range badPaths {
			_, err := Derive(seed, curve, path)
			if fault.KindOf(err) != fault.Invalid || vendorText(err) != "invalid path" {
				t.Errorf("Derive(%s, %.40q) = %v", curve, path, err)
			}
		}
	}
	if _, err := Derive(seed, P256, "m"+strings.Repeat("/0'", 255)); err != nil {
		t.Errorf("255 steps: %v", err)
	}
}

func TestEd25519HasHardenedStepsAlone(t *testing.T) {
	for _, path := range []string{"m/44'/501'/0'/0", "m/0", "m/0/0'"} {
		if _, err := Derive(make([]byte, 64), Ed25519, path); vendorText(err) != "invalid path" {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestBadCurvesSeedsAndScalarsAreInvalid(t *testing.T) {
	for _, curve := range []string{"", "secp256k1", "CURVE_UNSPECIFIED", "curve_p256"} {
		if _, err := Derive(make([]byte, 64), curve, "m"); vendorText(err) != "invalid curve" {
			t.Errorf("curve %q: %v", curve, err)
		}
	}
	for _, size := range []int{0, 15, 65, 1 << 20} {
		if _, err := Derive(make([]byte, size), P256, "m"); fault.KindOf(err) != fault.Invalid {
			t.Errorf("seed of %d bytes: %v", size, err)
		}
	}
	for _, curve := range []string{Secp256k1, P256} {
		for _, scalar := range []string{"", "00", strings.Repeat("00", 32), strings.Repeat("ff", 32), strings.Repeat("01", 33)} {
			raw, _ := hex.DecodeString(scalar)
			if _, err := NewKey(curve, raw); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s scalar %q: %v", curve, scalar, err)
			}
		}
	}
}

func TestAccountParametersAreChecked(t *testing.T) {
	const path, bip32 = "m/44'/60'/0'/0/0", "PATH_FORMAT_BIP32"
	for _, c := range []struct{ curve, pathFormat, path, format, want string }{
		{Secp256k1, bip32, path, "ADDRESS_FORMAT_ETHEREUM", ""},
		{Ed25519, bip32, "m/44'/501'/0'/0'", "ADDRESS_FORMAT_SOLANA", ""},
		{"", bip32, path, "ADDRESS_FORMAT_ETHEREUM", "curve required"},
		{"CURVE_X", bip32, path, "ADDRESS_FORMAT_ETHEREUM", "invalid curve"},
		{Secp256k1, "", path, "ADDRESS_FORMAT_ETHEREUM", "invalid path format"},
		{Secp256k1, bip32, "m/x", "ADDRESS_FORMAT_ETHEREUM", "invalid path"},
		{Ed25519, bip32, path, "ADDRESS_FORMAT_SOLANA", "invalid path"},
		{Secp256k1, bip32, path, "ETHEREUM", "invalid address format"},
		{Secp256k1, bip32, path, "ADDRESS_FORMAT_SOLANA", "invalid curve"},
	} {
		err := CheckAccount(c.curve, c.pathFormat, c.path, c.format)
		if got := vendorText(err); got != c.want || (err != nil && fault.KindOf(err) != fault.Invalid) {
			t.Errorf("CheckAccount(%v) = %v", c, err)
		}
	}
}

func TestAKeyNeverPrintsItsPrivateHalf(t *testing.T) {
	key, err := Derive(Seed(abandon), Secp256k1, "m/44'/60'/0'/0/0")
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "key", key, "pointer", &key)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "key", key)
	out := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		out += fmt.Sprintf(verb+verb, key, &key)
	}
	for _, secret := range []string{"1ab42cc412b618bd", "1AB42CC412B618BD", "26 180 44", "GrQsxBK2GL3q"} {
		if strings.Contains(out, secret) {
			t.Errorf("the private key is in %s", out)
		}
	}
}

// FuzzPath holds that a path which is accepted says one thing: written again from its steps it is the same text.
func FuzzPath(f *testing.F) {
	for _, p := range append(badPaths[:28], "m", "m/44'/60'/0'/0/0", "m/2147483647'") {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, path string) {
		steps, err := parsePath(path)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("%q: %v", path, err)
			}
			return
		}
		again := "m"
		for _, s := range steps {
			if s >= hardened {
				again += fmt.Sprintf("/%d'", s-hardened)
			} else {
				again += fmt.Sprintf("/%d", s)
			}
		}
		if again != path {
			t.Errorf("%q was read as %q", path, again)
		}
	})
}
