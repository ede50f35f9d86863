package passkey

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"latchkey/internal/stamp"
)

// Made with Turnkey's own @turnkey/webauthn-stamper 0.6.0 and getWebAuthnAttestation, before a simulated authenticator;
// the challenge of the registration is the bytes 0 to 31.
const (
	vectorHeader     = `{"authenticatorData":"SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MdAAAAAA","clientDataJson":"eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiTVdRMVpqUmhOREE1WVdNMFltUTFZVGs1T1RJd016ZGlZbU5qTldZMFlUUTVNRFUyT0dJeFpqSmpOV1F3WXpabE1UY3hZbVk1TlRjM056WmpPR00zTlEiLCJvcmlnaW4iOiJodHRwOi8vbG9jYWxob3N0OjMwMDAiLCJjcm9zc09yaWdpbiI6ZmFsc2V9","credentialId":"h0odCsQkXQ_Fil8ip826dPpEG8w","signature":"MEQCIGYs453uuAcJlZhvHGg7nN6kHQ29vSI-HvGfhoM6_drzAiBAE9uuy9MOWOG4c1xUCfS3uZuaqovRVcyIEW5gZz7qrA"}`
	vectorBody       = `{"parameters":{"publicKey":"03983818e66c3b431053083bc555b242979d9ac80634b1bb7ad94a5700e86ee77c","expirationSeconds":"900"},"organizationId":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","timestampMs":"1767225600000","generateAppProofs":false,"type":"ACTIVITY_TYPE_STAMP_LOGIN"}`
	vectorChallenge  = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	vectorObject     = "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YViYSZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2NdAAAAAAAAAAAAAAAAAAAAAAAAAAAAFIdKHQrEJF0PxYpfIqfNunT6RBvMpQECAyYgASFYIC-v3QeRUsCYSKXHhQQu6Kl56OqXNd6xXpkeZjtyi5GZIlggYw1QqwpC6YVyGHaJNWetH4-SghPteiqgp9I0lxOUyuU"
	vectorClientData = "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoiQUFFQ0F3UUZCZ2NJQ1FvTERBME9EeEFSRWhNVUZSWVhHQmthR3h3ZEhoOCIsIm9yaWdpbiI6Imh0dHA6Ly9sb2NhbGhvc3Q6MzAwMCIsImNyb3NzT3JpZ2luIjpmYWxzZX0"
	vectorID         = "h0odCsQkXQ_Fil8ip826dPpEG8w"
	vectorCompressed = "032fafdd079152c09848a5c785042ee8a979e8ea9735deb15e991e663b728b9199"
)

var b64 = base64.RawURLEncoding.EncodeToString

func vectorAttestation() Attestation {
	return Attestation{vectorID, vectorClientData, vectorObject, []string{"AUTHENTICATOR_TRANSPORT_INTERNAL", "AUTHENTICATOR_TRANSPORT_HYBRID"}}
}

func TestR15_TheVendorsPasskeyRegistersAndStamps(t *testing.T) {
	c, err := Register(vectorChallenge, vectorAttestation())
	if err != nil {
		t.Fatal(err)
	}
	if c.ID != vectorID || c.Key.Compressed() != vectorCompressed || c.AttestationType != "none" || c.AAGUID != strings.Repeat("A", 22) || len(c.Transports) != 2 {
		t.Errorf("registered %+v", c)
	}
	if object, _ := base64.RawURLEncoding.DecodeString(vectorObject); !bytes.HasSuffix(object, c.Key.COSE()) || c.Key.Text() != b64(c.Key.COSE()) {
		t.Errorf("COSE key %x", c.Key.COSE())
	}
	kept, err := ParseKey(c.Key.COSE())
	if err != nil || kept.Compressed() != vectorCompressed {
		t.Fatalf("kept key: %+v, %v", kept, err)
	}
	s, err := stamp.ParseWebAuthn(vectorHeader)
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Verify(s, []byte(vectorBody), nil); err != nil {
		t.Error(err)
	}
	if err := kept.Verify(s, []byte(vectorBody), []string{"https://example.com", "http://localhost:3000"}); err != nil {
		t.Errorf("its origin allowed: %v", err)
	}
	for name, origins := range map[string][]string{
		"another": {"https://example.com"}, "no port": {"http://localhost"}, "a longer one": {"http://localhost:30000"}, "a slash": {"http://localhost:3000/"},
	} {
		if err := kept.Verify(s, []byte(vectorBody), origins); err == nil {
			t.Errorf("%s origin alone allowed, and it verifies", name)
		}
	}
	for i := range []byte(vectorBody) {
		body := []byte(vectorBody)
		body[i] ^= 1
		if err := kept.Verify(s, body, nil); err == nil {
			t.Errorf("byte %d of the body changed, and it verifies", i)
		}
	}
	if err := (Key{}).Verify(s, []byte(vectorBody), nil); err == nil {
		t.Error("no key verifies")
	}
}

// device is a software authenticator with one credential.
type device struct {
	rp         virtualwebauthn.RelyingParty
	auth       virtualwebauthn.Authenticator
	credential virtualwebauthn.Credential
}

func newDevice(kind virtualwebauthn.KeyType, options virtualwebauthn.AuthenticatorOptions) *device {
	return &device{
		rp:         virtualwebauthn.RelyingParty{ID: "example.com", Name: "Example", Origin: "https://example.com"},
		auth:       virtualwebauthn.NewAuthenticatorWithOptions(options),
		credential: newCredential(kind),
	}
}

// newCredential makes a credential as authenticators do. The library writes a coordinate that begins with a zero byte in
// fewer than 32 bytes, which no authenticator does; so a key with one is not taken.
func newCredential(kind virtualwebauthn.KeyType) virtualwebauthn.Credential {
	const whole = 77 // bytes of COSE with two coordinates of 32
	for {
		c := virtualwebauthn.NewCredential(kind)
		if kind != virtualwebauthn.KeyTypeEC2 || len(c.Key.AttestationData()) == whole {
			return c
		}
	}
}

func (d *device) register(t testing.TB, challenge []byte) Attestation {
	t.Helper()
	var answer struct {
		RawID    string
		Response struct{ AttestationObject, ClientDataJSON string }
	}
	text := virtualwebauthn.CreateAttestationResponse(d.rp, d.auth, d.credential, virtualwebauthn.AttestationOptions{Challenge: challenge})
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	return Attestation{answer.RawID, answer.Response.ClientDataJSON, answer.Response.AttestationObject, nil}
}

func (d *device) stamp(t testing.TB, challenge []byte) stamp.WebAuthnStamp {
	t.Helper()
	var answer struct {
		RawID    string
		Response struct{ AuthenticatorData, ClientDataJSON, Signature string }
	}
	text := virtualwebauthn.CreateAssertionResponse(d.rp, d.auth, d.credential, virtualwebauthn.AssertionOptions{Challenge: challenge})
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	s, err := stamp.ParseWebAuthn(`{"credentialId":"` + answer.RawID + `","authenticatorData":"` + answer.Response.AuthenticatorData +
		`","clientDataJson":"` + answer.Response.ClientDataJSON + `","signature":"` + answer.Response.Signature + `"}`)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// For both algorithms: what a device registers stamps bodies, and nothing else passes for its stamp.
func TestR15_SoftwareAuthenticators(t *testing.T) {
	body, challenge := []byte(`{"organizationId":"11111111-2222-4333-8444-555555555555"}`), []byte("any thirty-two bytes will do")
	for _, kind := range []virtualwebauthn.KeyType{virtualwebauthn.KeyTypeEC2, virtualwebauthn.KeyTypeRSA} {
		d := newDevice(kind, virtualwebauthn.AuthenticatorOptions{})
		c, err := Register(b64(challenge), d.register(t, challenge))
		if err != nil {
			t.Fatal(kind, err)
		}
		if c.ID != b64(d.credential.ID) || c.AttestationType != "packed" || c.AAGUID != b64(d.auth.Aaguid[:]) || (c.Key.Compressed() == "") != (kind == virtualwebauthn.KeyTypeRSA) {
			t.Errorf("%s: registered %+v", kind, c)
		}
		s := d.stamp(t, stamp.Challenge(body))
		if err := c.Key.Verify(s, body, []string{"https://example.com"}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		refused := func(name string, s stamp.WebAuthnStamp) {
			t.Helper()
			if err := c.Key.Verify(s, body, nil); err == nil {
				t.Errorf("%s: %s verifies", kind, name)
			}
		}
		digest := sha256.Sum256(body)
		refused("the raw digest as challenge", d.stamp(t, digest[:]))
		refused("the hex in capitals", d.stamp(t, bytes.ToUpper(stamp.Challenge(body))))
		refused("no challenge", d.stamp(t, nil))
		other := newDevice(kind, virtualwebauthn.AuthenticatorOptions{})
		refused("another device's", other.stamp(t, stamp.Challenge(body)))
		absent := newDevice(kind, virtualwebauthn.AuthenticatorOptions{UserNotPresent: true})
		absent.credential = d.credential
		refused("one without a user", absent.stamp(t, stamp.Challenge(body)))
		for i := range s.AuthenticatorData {
			changed := s
			changed.AuthenticatorData = bytes.Clone(s.AuthenticatorData)
			changed.AuthenticatorData[i] ^= 2
			refused("changed authenticator data", changed)
		}
		for i := range s.ClientData {
			changed := s
			changed.ClientData = bytes.Clone(s.ClientData)
			changed.ClientData[i] ^= 1
			refused("changed client data", changed)
		}
		for i := range s.Signature {
			changed := s
			changed.Signature = bytes.Clone(s.Signature)
			changed.Signature[i] ^= 1
			refused("a changed signature", changed)
		}
		creation := s
		creation.ClientData, _ = base64.RawURLEncoding.DecodeString(d.register(t, stamp.Challenge(body)).ClientDataJSON)
		refused("a registration's client data", creation)
		hash := sha256.Sum256(creation.ClientData)
		signed := sha256.Sum256(slices.Concat(creation.AuthenticatorData, hash[:]))
		if creation.Signature, err = d.credential.Key.Sign(signed[:]); err != nil {
			t.Fatal(err)
		}
		refused("a registration's client data, signed", creation)
		request := creation // the same, as a request: so that it was the type that counted
		request.ClientData = bytes.Replace(creation.ClientData, []byte("webauthn.create"), []byte("webauthn.get"), 1)
		hash = sha256.Sum256(request.ClientData)
		signed = sha256.Sum256(slices.Concat(request.AuthenticatorData, hash[:]))
		if request.Signature, err = d.credential.Key.Sign(signed[:]); err != nil {
			t.Fatal(err)
		}
		if err := c.Key.Verify(request, body, nil); err != nil {
			t.Errorf("%s: a request that the test made: %v", kind, err)
		}
	}
}

// The user may be unverified, and presence is enough.
func TestUserVerificationIsNotAskedFor(t *testing.T) {
	d := newDevice(virtualwebauthn.KeyTypeEC2, virtualwebauthn.AuthenticatorOptions{UserNotVerified: true})
	c, err := Register(b64([]byte("challenge")), d.register(t, []byte("challenge")))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Key.Verify(d.stamp(t, stamp.Challenge([]byte("body"))), []byte("body"), nil); err != nil {
		t.Error(err)
	}
}

func TestRegistrationsAreRefusedInTheServicesWords(t *testing.T) {
	good := vectorAttestation()
	change := func(f func(*Attestation)) Attestation {
		a := good
		a.Transports = slices.Clone(good.Transports)
		f(&a)
		return a
	}
	object, _ := base64.RawURLEncoding.DecodeString(vectorObject)
	replace := func(old, new string) Attestation {
		from, _ := hex.DecodeString(old)
		to, _ := hex.DecodeString(new)
		if bytes.Count(object, from) != 1 {
			t.Fatalf("%s stands %d times in the object", old, bytes.Count(object, from))
		}
		return change(func(a *Attestation) { a.AttestationObject = b64(bytes.Replace(object, from, to, 1)) })
	}
	clientData := func(text string) Attestation {
		return change(func(a *Attestation) { a.ClientDataJSON = b64([]byte(text)) })
	}
	for name, c := range map[string]struct {
		challenge string
		a         Attestation
		message   string
	}{
		"nothing":                     {vectorChallenge, Attestation{}, missing},
		"no credential":               {vectorChallenge, change(func(a *Attestation) { a.CredentialID = "" }), missing},
		"no client data":              {vectorChallenge, change(func(a *Attestation) { a.ClientDataJSON = "" }), missing},
		"no object":                   {vectorChallenge, change(func(a *Attestation) { a.AttestationObject = "" }), missing},
		"another challenge":           {b64([]byte("another")), good, malformed},
		"no challenge":                {"", good, malformed},
		"no challenge at all":         {"", clientData(`{"type":"webauthn.create","origin":"https://a.example"}`), malformed},
		"of an assertion":             {vectorChallenge, clientData(`{"type":"webauthn.get","challenge":"` + vectorChallenge + `"}`), malformed},
		"no JSON":                     {vectorChallenge, clientData(`{"type":`), malformed},
		"client data in base64":       {vectorChallenge, change(func(a *Attestation) { a.ClientDataJSON += "=" }), malformed},
		"an object in base64":         {vectorChallenge, change(func(a *Attestation) { a.AttestationObject += "=" }), malformed},
		"another credential":          {vectorChallenge, change(func(a *Attestation) { a.CredentialID = "AAAA" }), malformed},
		"a padded credential":         {vectorChallenge, change(func(a *Attestation) { a.CredentialID += "=" }), malformed},
		"an unknown transport":        {vectorChallenge, change(func(a *Attestation) { a.Transports = []string{"internal"} }), malformed},
		"too many transports":         {vectorChallenge, change(func(a *Attestation) { a.Transports = slices.Repeat(transports, 4) }), malformed},
		"too long":                    {vectorChallenge, change(func(a *Attestation) { a.AttestationObject = strings.Repeat("A", attestationMax) }), malformed},
		"no CBOR":                     {vectorChallenge, change(func(a *Attestation) { a.AttestationObject = b64([]byte("nonsense")) }), malformed},
		"data after it":               {vectorChallenge, change(func(a *Attestation) { a.AttestationObject = b64(append(bytes.Clone(object), 0)) }), malformed},
		"an empty map":                {vectorChallenge, change(func(a *Attestation) { a.AttestationObject = b64([]byte{0xa0}) }), missingData},
		"no attested credential":      {vectorChallenge, replace("5d00000000", "1d00000000"), malformed},
		"ES384 on P-256":              {vectorChallenge, replace("01020326", "01020322"), malformed},
		"ES256 on P-384":              {vectorChallenge, replace("2620012158", "2620022158"), malformed},
		"a point off the curve":       {vectorChallenge, replace("cae5", "cae6"), malformed},
		"a credential of no length":   {vectorChallenge, replace("0014874a1d0ac4245d0fc58a5f22a7cdba74fa441bcc", "0000"), malformed},
		"a credential far too long":   {vectorChallenge, replace("0014874a", "ffff874a"), malformed},
		"authentication data alone":   {vectorChallenge, change(func(a *Attestation) { a.AttestationObject = b64(authOnly()) }), missingData},
		"half the authenticator data": {vectorChallenge, change(func(a *Attestation) { a.AttestationObject = b64(object[:60]) }), malformed},
	} {
		got, err := Register(c.challenge, c.a)
		var refused *Error
		if !errors.As(err, &refused) || refused.Message != c.message || refused.Why == "" || got.ID != "" {
			t.Errorf("%s: %+v, %v, want %q", name, got, err, c.message)
		}
	}
	if _, err := Register(vectorChallenge+"=", good); err != nil {
		t.Errorf("a padded challenge: %v", err)
	}
}

// authOnly is an attestation object around the authenticator data of an assertion.
func authOnly() []byte {
	s, _ := stamp.ParseWebAuthn(vectorHeader)
	object := append([]byte("\xa3cfmtdnonegattStmt\xa0hauthData\x58"), byte(len(s.AuthenticatorData)))
	return append(object, s.AuthenticatorData...)
}

func TestTheOlderFormOfAnAttestation(t *testing.T) {
	text := `{"id":"` + vectorID + `","type":"public-key","rawId":"` + vectorID + `","authenticatorAttachment":"platform","response":{"clientDataJson":"` +
		vectorClientData + `","attestationObject":"` + vectorObject + `","transports":["AUTHENTICATOR_TRANSPORT_USB"]},"clientExtensionResults":{}}`
	read := func(text string) (Credential, bool, error) {
		var older PublicKeyCredential
		if err := json.Unmarshal([]byte(text), &older); err != nil {
			t.Fatal(err)
		}
		a, ok := older.Attestation()
		c, err := Register(vectorChallenge, a)
		return c, ok, err
	}
	if c, ok, err := read(text); !ok || err != nil || c.ID != vectorID || c.Key.Compressed() != vectorCompressed || len(c.Transports) != 1 {
		t.Errorf("%+v, %v, %v", c, ok, err)
	}
	if _, ok, _ := read(strings.Replace(text, "public-key", "password", 1)); ok {
		t.Error("a password")
	}
	if _, ok, _ := read(strings.Replace(text, `"id":"`+vectorID, `"id":"AAAA`, 1)); ok {
		t.Error("two ids")
	}
}

// The vectors of the standard, all of its algorithms and statement formats: those of ES256 and RS256 register and their
// assertions verify; the others are refused. Source: W3C, Web Authentication Level 3, section 16, as go-webauthn/webauthn
// spells them in protocol/specification_vectors_e2e_test.go.
func TestR17_W3CVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/w3c.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Section, Name, CredentialID string
		Registration                struct{ Challenge, ClientDataJSON, AttestationObject string }
		Authentication              struct{ Challenge, ClientDataJSON, AuthenticatorData, Signature string }
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	raw := func(text string) []byte {
		out, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	var keys []Key
	for _, v := range vectors {
		r, a := v.Registration, v.Authentication
		c, err := Register(b64(raw(r.Challenge)), Attestation{b64(raw(v.CredentialID)), b64(raw(r.ClientDataJSON)), b64(raw(r.AttestationObject)), nil})
		if strings.Contains(v.Name, "384") || strings.Contains(v.Name, "512") || strings.Contains(v.Name, "EdDSA") {
			if err == nil {
				t.Errorf("%s %s registers", v.Section, v.Name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", v.Section, v.Name, err)
			continue
		}
		s := stamp.WebAuthnStamp{CredentialID: c.ID, AuthenticatorData: raw(a.AuthenticatorData), ClientData: raw(a.ClientDataJSON), Signature: raw(a.Signature)}
		if err := c.Key.verify(s, raw(a.Challenge), nil); err != nil {
			t.Errorf("%s %s: %v", v.Section, v.Name, err)
		}
		if err := c.Key.verify(s, raw(r.Challenge), nil); err == nil {
			t.Errorf("%s %s verifies for the registration's challenge", v.Section, v.Name)
		}
		for _, other := range keys {
			if err := other.verify(s, raw(a.Challenge), nil); err == nil {
				t.Errorf("%s %s verifies by another vector's key", v.Section, v.Name)
			}
		}
		keys = append(keys, c.Key)
	}
	if len(vectors) != 14 || len(keys) != 11 {
		t.Errorf("%d vectors, %d registered", len(vectors), len(keys))
	}
}

// Keys of other algorithms, and numbers that are no key of theirs.
func TestKeysThatAreNone(t *testing.T) {
	ec := func(change func(*webauthncose.EC2PublicKeyData)) any {
		object, _ := base64.RawURLEncoding.DecodeString(vectorObject)
		k := webauthncose.EC2PublicKeyData{PublicKeyData: webauthncose.PublicKeyData{KeyType: 2, Algorithm: -7}, Curve: 1,
			XCoord: object[len(object)-67 : len(object)-35], YCoord: object[len(object)-32:]}
		change(&k)
		return k
	}
	rsaKey := func(bits int, exponent ...byte) any {
		modulus := bytes.Repeat([]byte{0xff}, bits/8)
		return webauthncose.RSAPublicKeyData{PublicKeyData: webauthncose.PublicKeyData{KeyType: 3, Algorithm: -257}, Modulus: modulus, Exponent: exponent}
	}
	even := rsaKey(2048, 1, 0, 1).(webauthncose.RSAPublicKeyData)
	even.Modulus[255] = 0xfe
	pss := rsaKey(2048, 1, 0, 1).(webauthncose.RSAPublicKeyData)
	pss.Algorithm = -37
	for name, c := range map[string]struct {
		key any
		ok  bool
	}{
		"ES256":                   {ec(func(*webauthncose.EC2PublicKeyData) {}), true},
		"RS256":                   {rsaKey(2048, 1, 0, 1), true},
		"ES384":                   {ec(func(k *webauthncose.EC2PublicKeyData) { k.Algorithm = -35 }), false},
		"ES256K":                  {ec(func(k *webauthncose.EC2PublicKeyData) { k.Algorithm, k.Curve = -47, 8 }), false},
		"P-384":                   {ec(func(k *webauthncose.EC2PublicKeyData) { k.Curve = 2 }), false},
		"off the curve":           {ec(func(k *webauthncose.EC2PublicKeyData) { k.XCoord = bytes.Repeat([]byte{1}, 32) }), false},
		"over the field":          {ec(func(k *webauthncose.EC2PublicKeyData) { k.XCoord = bytes.Repeat([]byte{0xff}, 32) }), false},
		"a short coordinate":      {ec(func(k *webauthncose.EC2PublicKeyData) { k.YCoord = k.YCoord[1:] }), false},
		"RSA of 1,024 bits":       {rsaKey(1024, 1, 0, 1), false},
		"RSA of 16,384 bits":      {rsaKey(16384, 1, 0, 1), false},
		"RSA with the exponent 1": {rsaKey(2048, 1), false},
		"RSA with an even one":    {rsaKey(2048, 1, 0, 0), false},
		"RSA with a vast one":     {rsaKey(2048, 1, 0, 0, 0, 0, 0, 1), false},
		"RSA of an even number":   {even, false},
		"PS256":                   {pss, false},
	} {
		cose, err := webauthncbor.Marshal(c.key)
		if err != nil {
			t.Fatal(name, err)
		}
		if key, err := ParseKey(cose); (err == nil) != c.ok {
			t.Errorf("%s: %+v, %v", name, key, err)
		}
	}
	if _, err := ParseKey(nil); err == nil {
		t.Error("nothing is a key")
	}
}

// Whatever an attestation holds, it is refused with an *Error or gives a credential that reads the same again.
func FuzzR15_Attestation(f *testing.F) {
	object, _ := base64.RawURLEncoding.DecodeString(vectorObject)
	client, _ := base64.RawURLEncoding.DecodeString(vectorClientData)
	f.Add(vectorChallenge, vectorID, client, object)
	f.Add(vectorChallenge, vectorID, client, authOnly())
	for _, kind := range []virtualwebauthn.KeyType{virtualwebauthn.KeyTypeEC2, virtualwebauthn.KeyTypeRSA} {
		a := newDevice(kind, virtualwebauthn.AuthenticatorOptions{}).register(f, []byte("challenge"))
		object, _ := base64.RawURLEncoding.DecodeString(a.AttestationObject)
		client, _ := base64.RawURLEncoding.DecodeString(a.ClientDataJSON)
		f.Add(b64([]byte("challenge")), a.CredentialID, client, object)
	}
	f.Fuzz(func(t *testing.T, challenge, id string, client, object []byte) {
		a := Attestation{id, b64(client), b64(object), nil}
		c, err := Register(challenge, a)
		var refused *Error
		if err != nil {
			if !errors.As(err, &refused) || c.ID != "" {
				t.Fatalf("%+v, %v", c, err)
			}
			return
		}
		again, err := ParseKey(c.Key.COSE())
		if c.ID != id || c.ID == "" || err != nil || again.Text() != c.Key.Text() || (c.Key.es256 == nil) == (c.Key.rs256 == nil) {
			t.Fatalf("%+v reads as %+v, %v", c, again, err)
		}
		_ = c.Key.Verify(stamp.WebAuthnStamp{CredentialID: id, AuthenticatorData: object, ClientData: client, Signature: client}, object, nil)
	})
}
