package stamp

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"latchkey/internal/need"
	"latchkey/internal/p256"
)

// Every ECDSA vector of Project Wycheproof, made into a stamp: what it calls valid must verify, everything else must
// be refused, by the parser or by the check. Source: C2SP/wycheproof, ecdsa_secp256r1_sha256_test.json.
func TestR6_WycheproofSignaturesAsStamps(t *testing.T) {
	text, err := os.ReadFile(need.Shared(t, "vectors", "wycheproof", "ecdsa_secp256r1_sha256_test.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			PublicKey struct{ Uncompressed string }
			Tests     []struct {
				TcID            int
				Comment, Result string
				Msg, Sig        string
				Flags           []string
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	ran, valid := 0, 0
	for _, group := range file.TestGroups {
		pub, err := p256.ParsePublic(group.PublicKey.Uncompressed)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range group.Tests {
			ran++
			body, err := hex.DecodeString(c.Msg)
			if err != nil {
				t.Fatal(err)
			}
			s, err := ParseAPI(encodeHeader(`{"publicKey":"` + p256.Compressed(pub) + `","scheme":"` + SchemeP256 + `","signature":"` + c.Sig + `"}`))
			malformed := err
			if malformed != nil { // even so the check must hold by itself
				s = APIStamp{PublicKey: p256.Compressed(pub), Scheme: SchemeP256, Signature: c.Sig}
			}
			first, cached := s.Verify(body), s.VerifyWith(pub, body)
			if c.Result == "valid" {
				valid++
				if malformed != nil || first != nil || cached != nil {
					t.Errorf("%d %s: valid, but %v, %v, %v", c.TcID, c.Comment, malformed, first, cached)
				}
			} else if !isInvalid(first) || !isInvalid(cached) || malformed != nil && !isMalformed(malformed) {
				t.Errorf("%d %s: %s, but %v, %v, %v", c.TcID, c.Comment, c.Result, malformed, first, cached)
			}
		}
	}
	if ran != file.NumberOfTests || valid == 0 {
		t.Errorf("ran %d of %d vectors, %d valid", ran, file.NumberOfTests, valid)
	}
}

// The same for secp256k1 as Bitcoin signs: what it calls invalid for its high S alone verifies here, for a stamp has no
// such rule. Source: C2SP/wycheproof, ecdsa_secp256k1_sha256_bitcoin_test.json.
func TestR15_WycheproofSecp256k1SignaturesAsStamps(t *testing.T) {
	text, err := os.ReadFile(need.Shared(t, "vectors", "wycheproof", "ecdsa_secp256k1_sha256_bitcoin_test.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			PublicKey struct{ Uncompressed string }
			Tests     []struct {
				TcID            int
				Comment, Result string
				Msg, Sig        string
				Flags           []string
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	ran, valid, high := 0, 0, 0
	for _, group := range file.TestGroups {
		raw, err := hex.DecodeString(group.PublicKey.Uncompressed)
		if err != nil {
			t.Fatal(err)
		}
		point, err := secp256k1.ParsePubKey(raw)
		if err != nil {
			t.Fatal(err)
		}
		public := hex.EncodeToString(point.SerializeCompressed())
		key, err := ParseKey(Secp256k1, public)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range group.Tests {
			ran++
			body, err := hex.DecodeString(c.Msg)
			if err != nil {
				t.Fatal(err)
			}
			s, err := ParseAPI(encodeHeader(`{"publicKey":"` + public + `","scheme":"` + SchemeSecp256k1 + `","signature":"` + c.Sig + `"}`))
			malformed := err
			if malformed != nil { // even so the check must hold by itself
				s = APIStamp{PublicKey: public, Scheme: SchemeSecp256k1, Signature: c.Sig}
			}
			first, known := s.Verify(body), s.VerifyKey(key, body)
			highS := c.Result == "invalid" && (slices.Contains(c.Flags, "SignatureMalleabilityBitcoin") || c.Comment == "edge case for signature malleability")
			if highS {
				high++
			}
			if c.Result == "valid" || highS {
				valid++
				if malformed != nil || first != nil || known != nil {
					t.Errorf("%d %s: valid, but %v, %v, %v", c.TcID, c.Comment, malformed, first, known)
				}
			} else if !isInvalid(first) || !isInvalid(known) || malformed != nil && !isMalformed(malformed) {
				t.Errorf("%d %s: %s, but %v, %v, %v", c.TcID, c.Comment, c.Result, malformed, first, known)
			}
			s.Scheme = SchemeEIP191 // another message altogether
			if err := s.VerifyKey(key, body); !isInvalid(err) {
				t.Errorf("%d %s: under EIP-191: %v", c.TcID, c.Comment, err)
			}
		}
	}
	if ran != file.NumberOfTests || valid == 0 || high != 2 {
		t.Errorf("ran %d of %d vectors, %d valid, %d of them with a high S", ran, file.NumberOfTests, valid, high)
	}
}
