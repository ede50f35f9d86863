package stamp

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

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
