package stamp

import (
	"encoding/base64"
	"strings"
	"testing"
)

// Whatever a header holds, it is refused as malformed or is a stamp of the right form, which reads the same again.
func FuzzParseAPI(f *testing.F) {
	for _, v := range apiStamps {
		f.Add(v.header, []byte(v.body))
		f.Add(v.json, []byte{})
		f.Add(encodeHeader(v.json+" "), []byte(v.body))
	}
	for _, v := range walletStamps {
		f.Add(v.header, []byte(v.body))
		f.Add(v.header, []byte("body"))
	}
	f.Add(attestedHeader, []byte(attestedBody))
	f.Add(encodeHeader(`{"publicKey":"02`+attestedHeader[:64]+`","scheme":"`+SchemeP256+`","signature":"3006020101020101"}`), []byte{})
	genuine := map[string]string{} // by public key
	for _, v := range apiStamps {
		s, err := ParseAPI(v.header)
		if err != nil {
			f.Fatal(err)
		}
		genuine[s.PublicKey] = v.body
	}
	for _, v := range walletStamps {
		genuine[v.public] = v.body
	}
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		s, err := ParseAPI(header)
		if err != nil {
			if !isMalformed(err) || s != (APIStamp{}) {
				t.Fatalf("%+v, %v", s, err)
			}
			return
		}
		if len(s.PublicKey) != s.Curve().hexLen() || !isHex(s.PublicKey) || !isHex(s.Signature) || s.Curve() == "" {
			t.Fatalf("parsed %+v", s)
		}
		again, err := ParseAPI(encodeHeader(`{"signature":"` + s.Signature + `","scheme":"` + s.Scheme + `","publicKey":"` + s.PublicKey + `"}`))
		if err != nil || again != s {
			t.Fatalf("%+v reads as %+v, %v", s, again, err)
		}
		switch err := s.Verify(body); {
		case err != nil && !isInvalid(err):
			t.Fatal(err)
		case err == nil && genuine[s.PublicKey] != "" && genuine[s.PublicKey] != string(body):
			t.Fatalf("a forgery over %q", body)
		}
	})
}

// Whatever a header holds, it is refused as malformed or is a passkey's stamp, which is written and read again as it was.
func FuzzR15_ParseWebAuthn(f *testing.F) {
	f.Add(webAuthnHeader)
	f.Add(strings.Replace(webAuthnHeader, "clientDataJson", "clientDataJSON", 1))
	f.Add(`{"credentialId":"AA","authenticatorData":"AA","clientDataJson":"AA","signature":"AA"}`)
	f.Add(attestedHeader)
	f.Fuzz(func(t *testing.T, header string) {
		s, err := ParseWebAuthn(header)
		if err != nil {
			if !isMalformed(err) || s.CredentialID != "" || s.Signature != nil {
				t.Fatalf("%+v, %v", s, err)
			}
			return
		}
		if id, err := base64.RawURLEncoding.DecodeString(s.CredentialID); err != nil || len(id) == 0 || len(s.AuthenticatorData) == 0 || len(s.Signature) == 0 {
			t.Fatalf("parsed %+v", s)
		}
		again, err := ParseWebAuthn(s.Header().HeaderValue)
		if err != nil || again.Header().HeaderValue != s.Header().HeaderValue {
			t.Fatalf("%+v reads as %+v, %v", s, again, err)
		}
	})
}

// Whatever a header holds, it is refused as malformed or is an attested stamp of the right form; and none verifies over
// another body than its own.
func FuzzR15_ParseAttested(f *testing.F) {
	text, err := base64.RawURLEncoding.DecodeString(attestedHeader)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(attestedHeader, []byte(attestedBody))
	f.Add(string(text), []byte(attestedBody))
	f.Add(" "+string(text), []byte{})
	f.Add(webAuthnHeader, []byte{})
	genuine, err := ParseAttested(attestedHeader)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		s, err := ParseAttested(header)
		if err != nil {
			if !isMalformed(err) || s != (AttestedStamp{}) {
				t.Fatalf("%+v, %v", s, err)
			}
			return
		}
		if len(s.PublicKey) != publicKeyHex || !isDERHex(s.Signature) || s.Token == "" {
			t.Fatalf("parsed %+v", s)
		}
		switch err := s.Verify(body); {
		case err != nil && !isInvalid(err):
			t.Fatal(err)
		case err == nil && s.PublicKey == genuine.PublicKey && string(body) != attestedBody:
			t.Fatalf("a forgery over %q", body)
		}
	})
}
