package token

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/need"
	"latchkey/internal/p256"
)

// wycheproof reads a file of vectors of Project Wycheproof (C2SP/wycheproof).
func wycheproof(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(need.Shared(t, "vectors", "wycheproof", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// Every vector of r||s signatures, as the signature of a token over the vector's message and as a client signature.
// None verifies over the double hash, for none was made so.
func TestR6_WycheproofRawSignatures(t *testing.T) {
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			PublicKey struct{ Uncompressed string }
			Tests     []struct {
				TcID                      int
				Comment, Msg, Sig, Result string
			}
		}
	}
	wycheproof(t, "ecdsa_secp256r1_sha256_p1363_test.json", &file)
	genuine := strings.Split(sessionJWT, ".")
	ran, valid := 0, 0
	for _, group := range file.TestGroups {
		pub := public(t, group.PublicKey.Uncompressed)
		for _, c := range group.Tests {
			ran++
			msg, err := hex.DecodeString(c.Msg)
			if err != nil {
				t.Fatal(err)
			}
			sig, err := hex.DecodeString(c.Sig)
			if err != nil {
				t.Fatal(err)
			}
			want := c.Result == "valid"
			if want {
				valid++
			}
			token := jws{signed: string(msg), signature: sig}
			if got := token.signedBy(pub, once); got != want {
				t.Errorf("%d %s: verifies %v, want %v", c.TcID, c.Comment, got, want)
			}
			if token.signedBy(pub, twice) {
				t.Errorf("%d %s: verifies over the double hash", c.TcID, c.Comment)
			}
			client := ClientSignature{PublicKey: p256.Compressed(pub), Scheme: SchemeClient, Message: string(msg), Signature: c.Sig}
			if err := client.Verify(); (err == nil) != want {
				t.Errorf("%d %s: as a client signature: %v", c.TcID, c.Comment, err)
			}
			// Put under a genuine session, it is refused under the key it was made with and under the notarizer's.
			jwt := genuine[0] + "." + genuine[1] + "." + strict.EncodeToString(sig)
			for _, key := range []string{group.PublicKey.Uncompressed, notarizerPublic} {
				if _, err := VerifySession(jwt, public(t, key), Want{PublicKey: clientPublic}, near); err == nil {
					t.Errorf("%d %s: a forged session", c.TcID, c.Comment)
				}
			}
		}
	}
	if ran != file.NumberOfTests || valid == 0 {
		t.Errorf("ran %d of %d vectors, %d valid", ran, file.NumberOfTests, valid)
	}
}

// Every JWS vector, three times: as it is; its header on a session that is otherwise genuine; and its signature under
// one. Not one may pass, for none has exactly our header, and those that Wycheproof calls valid are no sessions.
func TestR6_WycheproofTokens(t *testing.T) {
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			Comment         string
			Public, Private struct{ Kty, Crv, X, Y string }
			Tests           []struct {
				TcID            int
				Comment, Result string
				JWS             json.RawMessage
			}
		}
	}
	wycheproof(t, "json_web_signature_test.json", &file)
	key := private(t, notarizerPrivate)
	genuine := strings.Split(sessionJWT, ".")
	ran, es256 := 0, 0
	refuse := func(id int, comment, jwt, how string) {
		t.Helper()
		if s, err := VerifySession(jwt, &key.PublicKey, Want{PublicKey: clientPublic}, near); err == nil {
			t.Errorf("%d %s: %s: %+v", id, comment, how, s)
		} else if c := fault.CodeOf(err); c != fault.TokenMalformed && c != fault.TokenInvalid {
			t.Errorf("%d %s: %s: %v", id, comment, how, err)
		}
		if v, err := VerifyVerification(jwt, &key.PublicKey, &key.PublicKey, near); err == nil {
			t.Errorf("%d %s: %s: %+v", id, comment, how, v)
		}
	}
	for _, group := range file.TestGroups {
		for _, c := range group.Tests {
			ran++
			var jwt string
			if json.Unmarshal(c.JWS, &jwt) != nil {
				jwt = string(c.JWS) // JSON serialization
			}
			refuse(c.TcID, c.Comment, jwt, "as it is")
			parts := strings.Split(jwt, ".")
			// The header as the vector spells it, on our claims, signed by our rule over exactly that spelling.
			signed := parts[0] + "." + genuine[1]
			sum := twice(signed)
			der, err := p256.NewKey(key).Sign(t.Context(), sum[:])
			if err != nil {
				t.Fatal(err)
			}
			raw, err := p256.ToRaw(der)
			if err != nil {
				t.Fatal(err)
			}
			refuse(c.TcID, c.Comment, signed+"."+strict.EncodeToString(raw), "its header")
			refuse(c.TcID, c.Comment, genuine[0]+"."+genuine[1]+"."+parts[len(parts)-1], "its signature")
			if len(parts) != 3 {
				continue
			}
			refuse(c.TcID, c.Comment, genuine[0]+"."+parts[1]+"."+genuine[2], "its payload")

			point := group.Public
			if point.X == "" {
				point = group.Private
			}
			sig, err := strict.DecodeString(parts[2])
			if point.Crv != "P-256" || err != nil || len(sig) != 64 {
				continue
			}
			es256++
			x, errX := strict.DecodeString(point.X)
			y, errY := strict.DecodeString(point.Y)
			if errX != nil || errY != nil {
				t.Fatal(errX, errY)
			}
			pub := public(t, "04"+hex.EncodeToString(x)+hex.EncodeToString(y))
			// Those about the use of a key have good signatures: our keys carry no such marks.
			want := c.Result == "valid" || strings.HasPrefix(c.Comment, "rejectWrong")
			if got := (jws{signed: parts[0] + "." + parts[1], signature: sig}).signedBy(pub, once); got != want {
				t.Errorf("%d %s: verifies %v, want %v", c.TcID, c.Comment, got, want)
			}
		}
	}
	if ran != file.NumberOfTests || es256 < 20 {
		t.Errorf("ran %d of %d vectors, %d of them ES256", ran, file.NumberOfTests, es256)
	}
}
