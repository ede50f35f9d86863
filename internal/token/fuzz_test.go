package token

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"latchkey/internal/fault"
)

func seeds(f *testing.F) []string {
	notarizer, fetcher := private(f, notarizerPrivate), private(f, fetcherPrivate)
	return []string{
		sessionJWT, verificationJWT, productionSession, productionVerification, "", "..", "...", sessionJWT + ".",
		forge(f, notarizer, once, sessionHeader, sessionPayload),
		forge(f, notarizer, twice, `{"alg":"ES256","typ":"JWT","alg":"none"}`, sessionPayload),
		forge(f, notarizer, twice, sessionHeader, `{"exp":1e3,"exp":"1","public_key":["`+clientPublic+`"]}`),
		forge(f, fetcher, once, verificationHeader, `{"exp":4102444800,"id":"`+tokenID+`","verification_type":"OTP_TYPE_SMS","contact":"+1"}`),
		forge(f, fetcher, once, verificationHeader, `[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]`),
	}
}

// Whatever arrives, it is refused with a code or it is the one genuine token.
func FuzzVerifySession(f *testing.F) {
	for _, jwt := range seeds(f) {
		f.Add(jwt)
	}
	notarizer := public(f, notarizerPublic)
	f.Fuzz(func(t *testing.T, jwt string) {
		s, err := VerifySession(jwt, notarizer, Want{PublicKey: clientPublic}, near)
		if err == nil && jwt != sessionJWT && !otherSpelling(jwt, sessionJWT) {
			t.Fatalf("a forgery: %s", jwt)
		}
		if err != nil && (fault.KindOf(err) == "" || s != (Session{})) {
			t.Fatalf("%+v, %v", s, err)
		}
		if parsed, err := ParseSession(jwt); err == nil && len(jwt) < sizeMax/4 { // the JSON may grow by escapes
			again, err := IssueSession(private(t, notarizerPrivate), parsed)
			if err != nil {
				t.Fatalf("%+v cannot be issued: %v", parsed, err)
			}
			if back, err := ParseSession(again); err != nil || back != parsed {
				t.Fatalf("%+v came back as %+v, %v", parsed, back, err)
			}
		}
	})
}

func FuzzParseVerification(f *testing.F) {
	for _, jwt := range seeds(f) {
		f.Add(jwt)
	}
	fetcher := public(f, fetcherPublic)
	f.Fuzz(func(t *testing.T, jwt string) {
		parsed, err := ParseVerification(jwt)
		if err != nil {
			if fault.CodeOf(err) != fault.TokenMalformed || parsed != (Verification{}) {
				t.Fatalf("%+v, %v", parsed, err)
			}
			return
		}
		if len(jwt) >= sizeMax/4 { // the JSON may grow by escapes
			return
		}
		again, err := IssueVerification(private(t, fetcherPrivate), parsed)
		if err != nil {
			t.Fatalf("%+v cannot be issued: %v", parsed, err)
		}
		if back, err := ParseVerification(again); err != nil || back != parsed {
			t.Fatalf("%+v came back as %+v, %v", parsed, back, err)
		}
		if _, err := VerifyVerification(jwt, fetcher, nil, near); err == nil && jwt != verificationJWT && !otherSpelling(jwt, verificationJWT) {
			t.Fatalf("a forgery: %s", jwt)
		}
	})
}

// What readObject reads, encoding/json reads the same; what it refuses beyond that are names that stand twice, depth
// and broken UTF-8.
func FuzzReadObject(f *testing.F) {
	for _, text := range []string{
		sessionPayload, verificationPayload, sessionHeader, `{"a":1,"a":2}`, `{"a":{"b":[1,{"c":null}]}}`, `{"a":1}{}`, `{"a":"\ud800"}`, "{\"\xff\":1}", `[`, ` {} `,
		clientSignatures["signup"].Message,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := readObject(text)
		if err != nil {
			return
		}
		plain, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var want, same any
		if err := json.Unmarshal(text, &want); err != nil {
			if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok { // a number beyond float64
				return
			}
			t.Fatalf("%q is not JSON: %v", text, err)
		}
		if err := json.Unmarshal(plain, &same); err != nil || !reflect.DeepEqual(want, same) {
			t.Fatalf("%q reads as %s, %v", text, plain, err)
		}
	})
}
