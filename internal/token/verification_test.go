package token

import (
	"crypto/ecdsa"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

var proven = Verification{
	ID: tokenID, OrganizationID: parentOrganization, VerificationType: "OTP_TYPE_EMAIL", Contact: "user@example.com",
	PublicKey: clientPublic, Expires: vectorsEnd,
}

func TestVerificationVector(t *testing.T) {
	fetcher := public(t, fetcherPublic)
	for _, spelling := range []string{fetcherPublic, p256.Compressed(fetcher)} {
		if got, err := VerifyVerification(verificationJWT, public(t, spelling), nil, near); err != nil || got != proven {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if got, err := ParseVerification(verificationJWT); err != nil || got != proven {
		t.Errorf("parsed %+v, %v", got, err)
	}
	parts, err := readJWS(verificationJWT)
	if err != nil {
		t.Fatal(err)
	}
	if h := once(parts.signed); hex.EncodeToString(h[:]) != verificationOnce || string(parts.payload) != verificationPayload {
		t.Errorf("hashed once: %x, payload %s", h, parts.payload)
	}
	if attestation != verificationJWT {
		t.Error("the attested stamp of the vectors carries another token")
	}
}

// A token that the service itself issued: genuine under its key alone, and over.
func TestGenuineProductionVerification(t *testing.T) {
	fetcher := public(t, productionFetcher)
	want := Verification{
		ID: "eb39b199-3352-4289-b31f-57194c79609c", OrganizationID: "7ff189fb-df7d-452e-8540-57632e380b77", VerificationType: "OTP_TYPE_EMAIL",
		Contact: "user@example.com", PublicKey: "036335b78f92736e32e99dc6aed979aff0b5c24192e76b1628aa54edaf58c8c15d", Expires: time.UnixMilli(1782919651261),
	}
	if got, err := VerifyVerification(productionVerification, fetcher, nil, want.Expires.Add(-time.Millisecond)); err != nil || got != want {
		t.Errorf("in its time: %+v, %v", got, err)
	}
	for _, now := range []time.Time{want.Expires, want.Expires.Add(time.Hour)} {
		if _, err := VerifyVerification(productionVerification, fetcher, nil, now); fault.CodeOf(err) != fault.TokenExpired {
			t.Errorf("at %s: %v", now.UTC(), err)
		}
	}
	if _, err := VerifyVerification(productionVerification, public(t, fetcherPublic), nil, near); fault.CodeOf(err) != fault.TokenInvalid {
		t.Errorf("under a sandbox's key: %v", err)
	}
}

func TestIssuedVerificationHasTheVendorsForm(t *testing.T) {
	key := private(t, fetcherPrivate)
	jwt, err := IssueVerification(key, proven)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := jwt[:strings.LastIndex(jwt, ".")], verificationJWT[:strings.LastIndex(verificationJWT, ".")]; got != want {
		t.Errorf("issued %s\nwant   %s", got, want)
	}
	for name, change := range map[string]func(*Verification){
		"no organization": func(v *Verification) { v.OrganizationID = "" },
		"no key":          func(v *Verification) { v.PublicKey = "" },
		"no contact":      func(v *Verification) { v.Contact = "" },
		"no type":         func(v *Verification) { v.VerificationType = "" },
		"no id":           func(v *Verification) { v.ID = "" },
		"no end":          func(v *Verification) { v.Expires = time.Time{} },
	} {
		v := proven
		change(&v)
		if _, err := IssueVerification(key, v); fault.CodeOf(err) != fault.TokenMalformed {
			t.Errorf("%s was issued: %v", name, err)
		}
	}
}

func TestOlderVerificationTokens(t *testing.T) {
	fetcher, legacy := private(t, fetcherPrivate), p256.Generate()
	for _, publicKey := range []string{"", clientPublic} {
		want := Verification{ID: tokenID, VerificationType: "OTP_TYPE_SMS", Contact: "+19999999999", PublicKey: publicKey, Expires: vectorsEnd, Legacy: true}
		jwt, err := IssueVerification(legacy, want)
		if err != nil {
			t.Fatal(err)
		}
		parts, _ := readJWS(jwt)
		if text := string(parts.payload); !strings.Contains(text, `"exp":4102444800`) || strings.Contains(text, "organization_id") || strings.Contains(text, "public_key") != (publicKey != "") {
			t.Errorf("payload %s", text)
		}
		if got, err := VerifyVerification(jwt, &fetcher.PublicKey, &legacy.PublicKey, near); err != nil || got != want {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := VerifyVerification(jwt, &fetcher.PublicKey, nil, near); fault.CodeOf(err) != fault.TokenInvalid {
			t.Errorf("with no key for the older kind: %v", err)
		}
		if _, err := VerifyVerification(jwt, &fetcher.PublicKey, &legacy.PublicKey, vectorsEnd); fault.CodeOf(err) != fault.TokenExpired {
			t.Errorf("at its end: %v", err)
		}
	}
}

// Each kind is bound to its key: the older key, which lives outside the enclave, cannot speak for it.
func TestEachKindOfTokenNeedsItsOwnKey(t *testing.T) {
	fetcher, legacy := private(t, fetcherPrivate), p256.Generate()
	older := proven
	older.Legacy, older.OrganizationID = true, ""
	for name, c := range map[string]struct {
		key *ecdsa.PrivateKey
		v   Verification
	}{
		"the enclave's kind by the older key": {legacy, proven},
		"the older kind by the enclave's key": {fetcher, older},
	} {
		jwt, err := IssueVerification(c.key, c.v)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := VerifyVerification(jwt, &fetcher.PublicKey, &legacy.PublicKey, near); fault.CodeOf(err) != fault.TokenInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSessionIsNoVerificationToken(t *testing.T) {
	notarizer, fetcher := private(t, notarizerPrivate), private(t, fetcherPrivate)
	for name, c := range map[string]struct {
		jwt  string
		want fault.Code
	}{
		"as it is":                            {sessionJWT, fault.TokenInvalid},
		"signed by the fetcher, hashed twice": {forge(t, fetcher, twice, sessionHeader, sessionPayload), fault.TokenInvalid},
		"signed by the fetcher, hashed once":  {forge(t, fetcher, once, sessionHeader, sessionPayload), fault.TokenMalformed},
		"verification token hashed twice":     {forge(t, fetcher, twice, verificationHeader, verificationPayload), fault.TokenInvalid},
	} {
		if _, err := VerifyVerification(c.jwt, &fetcher.PublicKey, &notarizer.PublicKey, near); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestVerificationClaimsOfAnotherFormAreRefused(t *testing.T) {
	fetcher, legacy := private(t, fetcherPrivate), p256.Generate()
	swap := func(old, new string) string {
		if !strings.Contains(verificationPayload, old) {
			t.Fatalf("%q is not in the payload", old)
		}
		return strings.Replace(verificationPayload, old, new, 1)
	}
	for name, payload := range map[string]string{
		"no exp":                      swap(`"exp":"4102444800000",`, ``),
		"exp with a sign":             swap(`"4102444800000"`, `"+4102444800000"`),
		"exp with a space":            swap(`"4102444800000"`, `" 4102444800000"`),
		"exp with a leading zero":     swap(`"4102444800000"`, `"04102444800000"`),
		"exp in hex":                  swap(`"4102444800000"`, `"0x3bb2cc3d800"`),
		"exp empty":                   swap(`"4102444800000"`, `""`),
		"exp beyond 64 bits":          swap(`"4102444800000"`, `"99999999999999999999"`),
		"exp a date":                  swap(`"4102444800000"`, `"2100-01-01T00:00:00Z"`),
		"exp null":                    swap(`"4102444800000"`, `null`),
		"exp twice":                   swap(`{`, `{"exp":4102444800,`),
		"no id":                       swap(`"id":"`+tokenID+`",`, ``),
		"an id that is no UUID":       swap(tokenID, `1`),
		"no organization":             swap(`"organization_id":"`+parentOrganization+`",`, ``),
		"an empty organization":       swap(parentOrganization, ``),
		"no type":                     swap(`"verification_type":"OTP_TYPE_EMAIL",`, ``),
		"no contact":                  swap(`"contact":"user@example.com",`, ``),
		"an empty contact":            swap(`user@example.com`, ``),
		"a contact twice":             swap(`}`, `,"contact":"eve@example.com"}`),
		"a list of contacts":          swap(`"user@example.com"`, `["user@example.com"]`),
		"no key":                      swap(`,"public_key":"`+clientPublic+`"`, ``),
		"an empty key":                swap(clientPublic, ``),
		"an uncompressed key":         swap(clientPublic, fetcherPublic),
		"older kind, empty key":       `{"exp":4102444800,"id":"` + tokenID + `","verification_type":"OTP_TYPE_EMAIL","contact":"a","public_key":""}`,
		"older kind, exp in millis":   `{"exp":4102444800000,"id":"` + tokenID + `","verification_type":"OTP_TYPE_EMAIL","contact":"a"}`,
		"older kind, exp exponential": `{"exp":4e9,"id":"` + tokenID + `","verification_type":"OTP_TYPE_EMAIL","contact":"a"}`,
	} {
		for kind, key := range map[string]*ecdsa.PrivateKey{"fetcher": fetcher, "older key": legacy} {
			jwt := forge(t, key, once, verificationHeader, payload)
			if v, err := VerifyVerification(jwt, &fetcher.PublicKey, &legacy.PublicKey, near); fault.CodeOf(err) != fault.TokenMalformed || v != (Verification{}) {
				t.Errorf("%s, by the %s: %+v, %v", name, kind, v, err)
			}
		}
	}
}
