package stamp

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"latchkey/internal/p256"
)

func TestAPasskeysStampIsReadAndWritten(t *testing.T) {
	s, err := ParseWebAuthn(webAuthnHeader)
	if err != nil {
		t.Fatal(err)
	}
	if s.CredentialID != "h0odCsQkXQ_Fil8ip826dPpEG8w" || string(s.ClientData) != webAuthnClient || len(s.AuthenticatorData) != 37 ||
		hex.EncodeToString(s.Signature) != "30440220662ce39deeb8070995986f1c683b9cdea41d0dbdbd223e1ef19f86833afddaf302204013dbaecbd30e58e1b8735c5409f4b7b99b9aaa8bd155cc88116e60673eeaac" {
		t.Errorf("read %+v", s)
	}
	if h := s.Header(); h.HeaderName != "X-Stamp-WebAuthn" || h.HeaderValue != webAuthnHeader {
		t.Errorf("written %+v", h)
	}
	if got := string(Challenge([]byte(apiStamps[1].body))); got != "1d5f4a409ac4bd5a9992037bbcc5f4a490568b1f2c5d0c6e171bf957776c8c75" {
		t.Errorf("challenge %s", got)
	}
}

func TestMalformedPasskeyStampsAreRefused(t *testing.T) {
	swap := func(old, new string) string {
		if !strings.Contains(webAuthnHeader, old) {
			t.Fatalf("%q is not in the stamp", old)
		}
		return strings.Replace(webAuthnHeader, old, new, 1)
	}
	for name, header := range map[string]string{
		"empty":                    "",
		"base64url of it":          encodeHeader(webAuthnHeader),
		"the Web API's spelling":   swap("clientDataJson", "clientDataJSON"),
		"no credential":            swap(`,"credentialId":"h0odCsQkXQ_Fil8ip826dPpEG8w"`, ""),
		"the credential twice":     swap(`"credentialId"`, `"credentialId":"AA","credentialId"`),
		"an empty credential":      swap("h0odCsQkXQ_Fil8ip826dPpEG8w", ""),
		"a padded credential":      swap("h0odCsQkXQ_Fil8ip826dPpEG8w", "h0odCsQkXQ_Fil8ip826dPpEG8w="),
		"standard base64":          swap("h0odCsQkXQ_Fil8ip826dPpEG8w", "h0odCsQkXQ/Fil8ip826dPpEG8w"),
		"stray bits":               swap("h0odCsQkXQ_Fil8ip826dPpEG8w", "h0odCsQkXQ_Fil8ip826dPpEG8x"),
		"a line break in it":       swap("h0odCsQkXQ", "h0od\nCsQkXQ"),
		"a field more":             swap(`{`, `{"userHandle":"AA",`),
		"signature of one letter":  swap("MEQC", "MEQ"),
		"a null":                   swap(`"h0odCsQkXQ_Fil8ip826dPpEG8w"`, "null"),
		"data after it":            webAuthnHeader + "{}",
		"over the limit":           webAuthnHeader + strings.Repeat(" ", webAuthnMax),
		"an API stamp":             apiStamps[0].json,
		"an API stamp in base64":   apiStamps[0].header,
		"an attested stamp's JSON": decodeHeader(t, attestedHeader),
	} {
		if s, err := ParseWebAuthn(header); !isMalformed(err) || s.CredentialID != "" || s.Signature != nil {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func TestAnAttestedStampIsReadInBothSpellings(t *testing.T) {
	text := decodeHeader(t, attestedHeader)
	var read [2]AttestedStamp
	for i, header := range []string{attestedHeader, text} {
		s, err := ParseAttested(header)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify([]byte(attestedBody)); err != nil {
			t.Error(err)
		}
		read[i] = s
	}
	if s := read[0]; s != read[1] || s.Scheme != "STAMP_ATTESTED_SCHEME_P256_VERIFICATION_TOKEN" || strings.Count(s.Token, ".") != 2 ||
		s.PublicKey != "03983818e66c3b431053083bc555b242979d9ac80634b1bb7ad94a5700e86ee77c" {
		t.Errorf("read %+v and %+v", read[0], read[1])
	}
	s := read[0]
	for i := range []byte(attestedBody) {
		body := []byte(attestedBody)
		body[i] ^= 1
		if err := s.Verify(body); !isInvalid(err) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	s.PublicKey = apiStamps[0].json[14:80]
	if err := s.Verify([]byte(attestedBody)); !isInvalid(err) {
		t.Errorf("by another key: %v", err)
	}
}

func TestAttestedStampsEqualTheVendorsToTheByte(t *testing.T) {
	private, err := p256.ParsePrivate(apiStamps[1].private)
	if err != nil {
		t.Fatal(err)
	}
	want, err := ParseAttested(attestedHeader)
	if err != nil {
		t.Fatal(err)
	}
	stamper := Attested{Signer: fixed{p256.NewKey(private)}, Scheme: want.Scheme, Token: want.Token}
	made, err := stamper.Stamp(t.Context(), []byte(attestedBody))
	if err != nil || made.HeaderName != "X-Stamp-Attested" || made.HeaderValue != attestedHeader {
		t.Errorf("made %+v, %v", made, err)
	}
	refused := errors.New("the keychain stayed locked")
	for name, a := range map[string]Attested{
		"a token with a quote":   {Signer: stamper.Signer, Scheme: SchemeOIDC, Token: `a"b`},
		"no token":               {Signer: stamper.Signer, Scheme: SchemeOIDC},
		"an API stamp's scheme":  {Signer: stamper.Signer, Scheme: SchemeP256, Token: "a.b.c"},
		"a signature of nothing": {Signer: odd{public: stamper.Signer.PublicKey()}, Scheme: SchemeOIDC, Token: "a.b.c"},
		"the signer's own error": {Signer: odd{err: refused}, Scheme: SchemeOIDC, Token: "a.b.c"},
	} {
		made, err := a.Stamp(t.Context(), []byte("body"))
		if err == nil || made != nil || strings.HasPrefix(name, "the signer") != errors.Is(err, refused) {
			t.Errorf("%s: %v, %v", name, made, err)
		}
	}
	oidc, err := Attested{Signer: stamper.Signer, Scheme: SchemeOIDC, Token: "a.b.c"}.Stamp(t.Context(), []byte("body"))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := ParseAttested(oidc.HeaderValue); err != nil || s.Scheme != "STAMP_ATTESTED_SCHEME_P256_OIDC" || s.Token != "a.b.c" || s.Verify([]byte("body")) != nil {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestMalformedAttestedStampsAreRefused(t *testing.T) {
	text := decodeHeader(t, attestedHeader)
	swap := func(old, new string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("%q is not in the stamp", old)
		}
		return strings.Replace(text, old, new, 1)
	}
	key := apiStamps[1].json[14:80]
	for name, header := range map[string]string{
		"empty":             "",
		"a space first":     " " + text,
		"padded":            base64.URLEncoding.EncodeToString([]byte(text + strings.Repeat(" ", 3-(len(text)+1)%3))),
		"a line break":      attestedHeader[:8] + "\n" + attestedHeader[8:],
		"no token":          swap(`"publicKeyAttestation"`, `"x"`),
		"an API scheme":     swap(SchemeVerificationToken, SchemeP256),
		"no scheme":         swap(SchemeVerificationToken, ""),
		"a short key":       swap(key, key[2:]),
		"a key of no hex":   swap(key, key[:65]+"x"),
		"r||s":              swap(text[strings.Index(text, `"3045`):], `"`+strings.Repeat("11", 73)+`"}`),
		"the key twice":     swap(`"publicKey":`, `"publicKey":"`+key+`","publicKey":`),
		"over the limit":    text + strings.Repeat(" ", attestedMax),
		"an API stamp":      apiStamps[0].header,
		"a passkey's stamp": webAuthnHeader,
	} {
		if s, err := ParseAttested(header); !isMalformed(err) || s != (AttestedStamp{}) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func decodeHeader(t *testing.T, header string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
