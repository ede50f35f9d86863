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

// The vectors end with the year 2099; near is when a session could have been made that ends then.
var (
	vectorsEnd = time.Unix(4102444800, 0)
	near       = vectorsEnd.Add(-900 * time.Second)
)

var ours = Session{
	PublicKey: clientPublic, SessionType: "SESSION_TYPE_READ_WRITE", UserID: user, OrganizationID: subOrganization, Expires: vectorsEnd,
}

func TestSessionVector(t *testing.T) {
	notarizer := public(t, notarizerPublic)
	for _, spelling := range []string{notarizerPublic, p256.Compressed(notarizer)} {
		got, err := VerifySession(sessionJWT, public(t, spelling), Want{PublicKey: clientPublic, OrganizationID: subOrganization, UserID: user}, near)
		if err != nil || got != ours {
			t.Errorf("%+v, %v", got, err)
		}
	}
	parts, err := readJWS(sessionJWT)
	if err != nil {
		t.Fatal(err)
	}
	if h := once(parts.signed); hex.EncodeToString(h[:]) != sessionOnce {
		t.Errorf("hashed once: %x", h)
	}
	if h := twice(parts.signed); hex.EncodeToString(h[:]) != sessionTwice {
		t.Errorf("hashed twice: %x", h)
	}
	if string(parts.payload) != sessionPayload || hex.EncodeToString(parts.signature) != sessionRaw {
		t.Errorf("payload %s, signature %x", parts.payload, parts.signature)
	}
	if _, err := VerifySessionSignature(sessionJWT, public(t, productionNotarizer)); fault.CodeOf(err) != fault.TokenInvalid {
		t.Errorf("under the production key: %v", err)
	}
}

// A token that the service itself issued: genuine under its key alone, and over.
func TestGenuineProductionSession(t *testing.T) {
	notarizer := public(t, productionNotarizer)
	want := Session{
		PublicKey: "0399fe2ace6208af0adf848f44bc48210b594b7e69ecd91ec968fd75b3bb448336", SessionType: "SESSION_TYPE_READ_WRITE",
		UserID: "6912b819-f4df-40f4-a192-20ee43090974", OrganizationID: "c75ecb07-c84a-4dd5-932c-539dfafc6864", Expires: time.Unix(1748876837, 0),
	}
	if got, err := VerifySessionSignature(productionSession, notarizer); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	mine := Want{PublicKey: want.PublicKey}
	if _, err := VerifySession(productionSession, notarizer, mine, time.Unix(1767225600, 0)); fault.CodeOf(err) != fault.TokenExpired {
		t.Errorf("in 2026: %v", err)
	}
	if got, err := VerifySession(productionSession, notarizer, mine, time.Unix(1748876000, 0)); err != nil || got != want {
		t.Errorf("in its time: %+v, %v", got, err)
	}
	if _, err := VerifySession(productionSession, public(t, notarizerPublic), mine, time.Unix(1748876000, 0)); fault.CodeOf(err) != fault.TokenInvalid {
		t.Errorf("under a sandbox's key: %v", err)
	}
}

func TestIssuedSessionHasTheVendorsForm(t *testing.T) {
	key := private(t, notarizerPrivate)
	jwt, err := IssueSession(key, ours)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := jwt[:strings.LastIndex(jwt, ".")], sessionJWT[:strings.LastIndex(sessionJWT, ".")]; got != want {
		t.Errorf("issued %s\nwant   %s", got, want)
	}
	profiled := ours
	profiled.SessionType, profiled.SessionProfileID, profiled.Scope = "trading <1h>", "7d000000-0000-4000-8000-000000000001", `activity.type == 'X' && activity.params.amount < 10`
	jwt, err = IssueSession(key, profiled)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := VerifySession(jwt, &key.PublicKey, Want{PublicKey: clientPublic}, near); err != nil || got != profiled {
		t.Errorf("with a profile: %+v, %v", got, err)
	}
	for name, change := range map[string]func(*Session){
		"no key":              func(s *Session) { s.PublicKey = "" },
		"an uncompressed key": func(s *Session) { s.PublicKey = notarizerPublic },
		"no user":             func(s *Session) { s.UserID = "" },
		"no type":             func(s *Session) { s.SessionType = "" },
		"a bad organization":  func(s *Session) { s.OrganizationID = "org" },
		"no end":              func(s *Session) { s.Expires = time.Time{} },
		"a scope too long":    func(s *Session) { s.Scope = strings.Repeat("x", sizeMax) },
	} {
		s := ours
		change(&s)
		if _, err := IssueSession(key, s); fault.CodeOf(err) != fault.TokenMalformed {
			t.Errorf("%s was issued: %v", name, err)
		}
	}
}

func TestSessionsEndByTime(t *testing.T) {
	notarizer := public(t, notarizerPublic)
	for _, c := range []struct {
		name  string
		after time.Duration // of now, since the end
		want  fault.Code
	}{
		{"a year before", -365 * 24 * time.Hour, ""},
		{"400 days before", -400 * 24 * time.Hour, ""},
		{"a second more", -400*24*time.Hour - time.Second, fault.TokenMalformed},
		{"70 years before", -70 * 365 * 24 * time.Hour, fault.TokenMalformed},
		{"just before", -time.Nanosecond, ""},
		{"at the end", 0, ""},
		{"within the leeway", 30*time.Second - time.Nanosecond, ""},
		{"past the leeway", 30 * time.Second, fault.TokenExpired},
		{"a year after", 365 * 24 * time.Hour, fault.TokenExpired},
	} {
		_, err := VerifySession(sessionJWT, notarizer, Want{PublicKey: clientPublic}, vectorsEnd.Add(c.after))
		if code(err) != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestSessionsOfOthersAreForeign(t *testing.T) {
	notarizer := public(t, notarizerPublic)
	for name, want := range map[string]Want{
		"no key of ours":       {},
		"another key":          {PublicKey: p256.Compressed(notarizer)},
		"our key in capitals":  {PublicKey: strings.ToUpper(clientPublic)},
		"the head of our key":  {PublicKey: clientPublic[:64]},
		"another organization": {PublicKey: clientPublic, OrganizationID: parentOrganization},
		"another user":         {PublicKey: clientPublic, OrganizationID: subOrganization, UserID: tokenID},
	} {
		if _, err := VerifySession(sessionJWT, notarizer, want, near); fault.CodeOf(err) != fault.TokenForeign {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, want := range map[string]Want{
		"any organization": {PublicKey: clientPublic},
		"any user":         {PublicKey: clientPublic, OrganizationID: subOrganization},
	} {
		if _, err := VerifySession(sessionJWT, notarizer, want, near); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is signed the way every JWT library signs is not a session, though the right key signed it.
func TestSingleHashIsNoSession(t *testing.T) {
	key := private(t, notarizerPrivate)
	jwt := forge(t, key, once, sessionHeader, sessionPayload)
	if _, err := VerifySession(jwt, &key.PublicKey, Want{PublicKey: clientPublic}, near); fault.CodeOf(err) != fault.TokenInvalid {
		t.Errorf("hashed once: %v", err)
	}
	if _, err := VerifySessionSignature(jwt, &key.PublicKey); fault.CodeOf(err) != fault.TokenInvalid {
		t.Errorf("hashed once, signature alone: %v", err)
	}
}

func TestVerificationTokenIsNoSession(t *testing.T) {
	notarizer, fetcher := private(t, notarizerPrivate), private(t, fetcherPrivate)
	for name, c := range map[string]struct {
		jwt  string
		key  *ecdsa.PublicKey
		want fault.Code
	}{
		"under the notarizer's key":        {verificationJWT, &notarizer.PublicKey, fault.TokenInvalid},
		"under the fetcher's key":          {verificationJWT, &fetcher.PublicKey, fault.TokenInvalid},
		"production, under its own key":    {productionVerification, public(t, productionFetcher), fault.TokenInvalid},
		"signed by the notarizer as one":   {forge(t, notarizer, once, verificationHeader, verificationPayload), &notarizer.PublicKey, fault.TokenInvalid},
		"signed by the notarizer as other": {forge(t, notarizer, twice, verificationHeader, verificationPayload), &notarizer.PublicKey, fault.TokenMalformed},
	} {
		if _, err := VerifySession(c.jwt, c.key, Want{PublicKey: clientPublic}, near); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

const (
	sessionHeader      = `{"alg":"ES256","typ":"JWT"}`
	verificationHeader = `{"typ":"JWT","alg":"ES256"}`
)

// forge signs anything at all, by either rule.
func forge(t testing.TB, key *ecdsa.PrivateKey, rule digest, header, payload string) string {
	t.Helper()
	jwt, err := issue(key, rule, header, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return jwt
}

func public(t testing.TB, text string) *ecdsa.PublicKey {
	t.Helper()
	key, err := p256.ParsePublic(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func private(t testing.TB, text string) *ecdsa.PrivateKey {
	t.Helper()
	key, err := p256.ParsePrivate(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// code is fault.CodeOf, with "" for no error.
func code(err error) fault.Code {
	if err == nil {
		return ""
	}
	return fault.CodeOf(err)
}
