package token

import (
	"strings"
	"testing"

	"latchkey/internal/fault"
)

// Each of these is signed by the right key in the right way, so that nothing but the rule in question can refuse it.

func TestHeadersThatSayMoreOrLessAreRefused(t *testing.T) {
	key := private(t, notarizerPrivate)
	for _, header := range []string{
		``, `null`, `[]`, `"ES256"`, `{}`,
		`{"alg":"ES256"}`,
		`{"typ":"JWT"}`,
		`{"alg":"none","typ":"JWT"}`,
		`{"alg":"None","typ":"JWT"}`,
		`{"alg":"","typ":"JWT"}`,
		`{"alg":null,"typ":"JWT"}`,
		`{"alg":["ES256"],"typ":"JWT"}`,
		`{"alg":"es256","typ":"JWT"}`,
		`{"alg":"ES256 ","typ":"JWT"}`,
		`{"alg":"ES256K","typ":"JWT"}`,
		`{"alg":"ES384","typ":"JWT"}`,
		`{"alg":"HS256","typ":"JWT"}`,
		`{"alg":"RS256","typ":"JWT"}`,
		`{"alg":"EdDSA","typ":"JWT"}`,
		`{"alg":"ES256","typ":"jwt"}`,
		`{"alg":"ES256","typ":"at+jwt"}`,
		`{"alg":"ES256","typ":"JOSE"}`,
		`{"alg":"ES256","typ":null}`,
		`{"Alg":"ES256","Typ":"JWT"}`,
		`{"alg":"ES256","typ":"JWT","kid":"1"}`,
		`{"alg":"ES256","typ":"JWT","jku":"https://example.com/keys"}`,
		`{"alg":"ES256","typ":"JWT","x5u":"https://example.com/cert"}`,
		`{"alg":"ES256","typ":"JWT","jwk":{"kty":"EC","crv":"P-256","x":"","y":""}}`,
		`{"alg":"ES256","typ":"JWT","x5c":["MII"]}`,
		`{"alg":"ES256","typ":"JWT","x5t":"AA"}`,
		`{"alg":"ES256","typ":"JWT","crit":["exp"],"exp":1}`,
		`{"alg":"ES256","typ":"JWT","crit":[]}`,
		`{"alg":"ES256","typ":"JWT","b64":false}`,
		`{"alg":"ES256","typ":"JWT","cty":"JWT"}`,
		`{"alg":"ES256","typ":"JWT","zip":"DEF"}`,
		`{"alg":"ES256","typ":"JWT","":""}`,
		`{"alg":"ES256","typ":"JWT","Alg":"none"}`,
		`{"alg":"ES256","alg":"ES256","typ":"JWT"}`,
		`{"alg":"none","alg":"ES256","typ":"JWT"}`,
		`{"alg":"ES256","typ":"JWT","typ":"JWT"}`,
		`{"alg":"ES256","typ":"JWT","\u0061lg":"none"}`,
		`{"alg":"ES256","typ":"JWT"}{}`,
		`{"alg":"ES256","typ":"JWT"} x`,
		`{"alg":"ES256","typ":"JWT",}`,
		`{"alg":"ES256" "typ":"JWT"}`,
		"\xef\xbb\xbf" + sessionHeader,
		sessionHeader[:len(sessionHeader)-1],
	} {
		jwt := forge(t, key, twice, header, sessionPayload)
		if s, err := VerifySession(jwt, &key.PublicKey, Want{PublicKey: clientPublic}, near); fault.CodeOf(err) != fault.TokenMalformed || s != (Session{}) {
			t.Errorf("header %s: %+v, %v", header, s, err)
		}
		jwt = forge(t, key, once, header, verificationPayload)
		if v, err := VerifyVerification(jwt, &key.PublicKey, nil, near); fault.CodeOf(err) != fault.TokenMalformed || v != (Verification{}) {
			t.Errorf("verification token, header %s: %+v, %v", header, v, err)
		}
	}
	for _, header := range []string{sessionHeader, verificationHeader, ` { "typ" : "JWT" , "alg" : "ES256" } `} {
		if _, err := VerifySession(forge(t, key, twice, header, sessionPayload), &key.PublicKey, Want{PublicKey: clientPublic}, near); err != nil {
			t.Errorf("header %s: %v", header, err)
		}
	}
}

func TestSessionClaimsOfAnotherFormAreRefused(t *testing.T) {
	key := private(t, notarizerPrivate)
	swap := func(old, new string) string {
		if !strings.Contains(sessionPayload, old) {
			t.Fatalf("%q is not in the payload", old)
		}
		return strings.Replace(sessionPayload, old, new, 1)
	}
	end := func(value string) string { return swap(`4102444800`, value) }
	for name, payload := range map[string]string{
		"empty":                          ``,
		"null":                           `null`,
		"a list":                         `[` + sessionPayload + `]`,
		"a string":                       `"session"`,
		"no claims":                      `{}`,
		"two payloads":                   sessionPayload + sessionPayload,
		"broken UTF-8":                   swap("SESSION_TYPE_READ_WRITE", "\xff"),
		"no exp":                         swap(`"exp":4102444800,`, ``),
		"exp in a string":                end(`"4102444800"`),
		"exp in milliseconds":            end(`4102444800000`),
		"exp with a fraction":            end(`4102444800.5`),
		"exp with an exponent":           end(`4.1024448e9`),
		"exp with an exponent of 0":      end(`4102444800e0`),
		"exp below zero":                 end(`-1`),
		"exp beyond 64 bits":             end(`99999999999999999999`),
		"exp null":                       end(`null`),
		"exp true":                       end(`true`),
		"exp in a list":                  end(`[4102444800]`),
		"exp twice":                      swap(`{`, `{"exp":4102444800,`),
		"exp twice, the second as \\u":   swap(`}`, `,"\u0065xp":4102444799}`),
		"another key twice":              swap(`}`, `,"public_key":"`+clientPublic+`"}`),
		"an unknown claim twice":         swap(`}`, `,"aud":"a","aud":"b"}`),
		"a name twice, inside":           swap(`}`, `,"cnf":{"jwk":1,"jwk":2}}`),
		"a name twice, deep inside":      swap(`}`, `,"cnf":[[{"a":{"b":1,"b":1}}]]}`),
		"nested too deep":                swap(`}`, `,"cnf":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)+`}`),
		"no key":                         swap(`"public_key":"`+clientPublic+`",`, ``),
		"an empty key":                   swap(clientPublic, ``),
		"a key in capitals":              swap(clientPublic, strings.ToUpper(clientPublic)),
		"an uncompressed key":            swap(clientPublic, notarizerPublic),
		"a key with a space":             swap(clientPublic, clientPublic+` `),
		"a key with a NUL":               swap(clientPublic, clientPublic+`\u0000`),
		"a key with 0x":                  swap(clientPublic, `0x`+clientPublic),
		"a key in a list":                swap(`"`+clientPublic+`"`, `["`+clientPublic+`"]`),
		"a key by another name":          swap(`public_key`, `Public_Key`),
		"no session type":                swap(`"session_type":"SESSION_TYPE_READ_WRITE",`, ``),
		"an empty session type":          swap(`SESSION_TYPE_READ_WRITE`, ``),
		"a session type that is a list":  swap(`"SESSION_TYPE_READ_WRITE"`, `["SESSION_TYPE_READ_WRITE"]`),
		"no user":                        swap(`"user_id":"`+user+`",`, ``),
		"a user that is a name":          swap(user, `alice`),
		"a user in capitals":             swap(user, `99999999-8888-4777-8666-55555555555A`),
		"a user in braces":               swap(user, `{`+user+`}`),
		"no organization":                swap(`,"organization_id":"`+subOrganization+`"`, ``),
		"an organization without dashes": swap(subOrganization, strings.ReplaceAll(subOrganization, "-", "")),
		"an organization null":           swap(`"`+subOrganization+`"`, `null`),
		"a scope that is a list":         swap(`}`, `,"scope":[]}`),
		"a profile that is null":         swap(`}`, `,"session_profile_id":null}`),
	} {
		jwt := forge(t, key, twice, sessionHeader, payload)
		if s, err := VerifySession(jwt, &key.PublicKey, Want{PublicKey: clientPublic}, near); fault.CodeOf(err) != fault.TokenMalformed || s != (Session{}) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		if s, err := ParseSession(jwt); fault.CodeOf(err) != fault.TokenMalformed {
			t.Errorf("%s, only parsed: %+v, %v", name, s, err)
		}
	}
	for name, payload := range map[string]string{
		"the vector":            sessionPayload,
		"claims yet unknown":    swap(`}`, `,"iat":4102443900,"iss":"turnkey","cnf":{"a":[1,{"b":null}]}}`),
		"white space":           swap(`,`, " ,\n\t"),
		"a key as \\u":          swap(`"03`, `"\u00303`),
		"the name of a profile": swap(`SESSION_TYPE_READ_WRITE`, `Händler, nur lesend`),
	} {
		if _, err := VerifySession(forge(t, key, twice, sessionHeader, payload), &key.PublicKey, Want{PublicKey: clientPublic}, near); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTokensWithAnotherSpellingAreRefused(t *testing.T) {
	notarizer := public(t, notarizerPublic)
	parts := strings.Split(sessionJWT, ".")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := parts[2][len(parts[2])-1]
	stray := parts[2][:len(parts[2])-1] + string(alphabet[strings.IndexByte(alphabet, last)+1])
	short := make([]byte, 63)
	for name, jwt := range map[string]string{
		"empty":                      ``,
		"two dots":                   `..`,
		"no signature":               parts[0] + "." + parts[1],
		"an empty signature":         parts[0] + "." + parts[1] + ".",
		"no header":                  "." + parts[1] + "." + parts[2],
		"four parts":                 sessionJWT + ".",
		"five parts":                 sessionJWT + ".AA.AA",
		"padded":                     sessionJWT + "==",
		"a stray bit":                parts[0] + "." + parts[1] + "." + stray,
		"a space before":             " " + sessionJWT,
		"a line break after":         sessionJWT + "\n",
		"a line break in the header": sessionJWT[:10] + "\n" + sessionJWT[10:],
		"a return in the signature":  sessionJWT[:len(sessionJWT)-5] + "\r" + sessionJWT[len(sessionJWT)-5:],
		"not base64url":              strings.Replace(sessionJWT, "_", "/", 1),
		"a signature of 63 bytes":    parts[0] + "." + parts[1] + "." + strict.EncodeToString(short),
		"a signature of 65 bytes":    parts[0] + "." + parts[1] + "." + strict.EncodeToString(make([]byte, 65)),
		"JSON serialization":         `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"over 4 KB":                  parts[0] + "." + strings.Repeat("A", sizeMax) + "." + parts[2],
		"a megabyte of dots":         strings.Repeat(".", 1<<20),
	} {
		if s, err := VerifySession(jwt, notarizer, Want{PublicKey: clientPublic}, near); fault.CodeOf(err) != fault.TokenMalformed {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		if v, err := VerifyVerification(jwt, notarizer, notarizer, near); fault.CodeOf(err) != fault.TokenMalformed {
			t.Errorf("%s, as a verification token: %+v, %v", name, v, err)
		}
	}
}

// A token is a bearer secret: what is wrong with one is said without repeating it.
func TestErrorsDoNotRepeatTheToken(t *testing.T) {
	notarizer := public(t, notarizerPublic)
	for name, jwt := range map[string]string{
		"foreign key":     sessionJWT,
		"cut short":       sessionJWT[:len(sessionJWT)-1],
		"another payload": strings.Replace(sessionJWT, "eyJleHAi", "eyJleHAj", 1),
	} {
		_, err := VerifySession(jwt, notarizer, Want{PublicKey: "02"}, near)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for i := 0; i+24 <= len(jwt); i += 12 {
			if strings.Contains(err.Error(), jwt[i:i+24]) {
				t.Errorf("%s: the error repeats the token: %v", name, err)
				break
			}
		}
	}
}
