package backend_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"latchkey/internal/backend"
	"latchkey/internal/p256"
	"latchkey/internal/token"
)

func TestWhatIsWrongWithARequestIsSaid(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	pub := key.PublicKey()
	plain := w.prove("ann@example.com", key, false).text("verificationToken")
	const id = "7f6f1a7e-3c5d-4a52-9b66-000000000000"
	apiKey := func(name, value string) object {
		k := object{"apiKeyName": "k", "publicKey": pub, "curveType": "API_KEY_CURVE_P256"}
		k[name] = value
		return object{"userEmail": "a@example.com", "apiKeys": []any{k}}
	}
	for _, c := range []struct {
		path   string
		body   any
		reason string
		says   string
	}{
		{"/otp/init", object{}, "contact.invalid", "e-mail"},
		{"/otp/init", object{"contact": "nobody"}, "contact.invalid", "e-mail"},
		{"/otp/init", object{"contact": "a@example.com", "otpType": "OTP_TYPE_PIGEON"}, "request.invalid", "otpType"},
		{"/otp/init", object{"contact": "a@example.com", "otpType": "OTP_TYPE_SMS"}, "contact.invalid", "otpType"},
		{"/otp/init", object{"contact": 7}, "request.invalid", "contact: of the wrong type"},
		{"/otp/verify", object{"otpId": "x", "otpCode": "123456"}, "request.invalid", "otpId"},
		{"/otp/verify", object{"otpId": id}, "request.invalid", "encryptedOtpBundle or otpCode"},
		{"/otp/verify", object{"otpId": id, "otpCode": strings.Repeat("1", 33)}, "request.invalid", "otpCode"},
		{"/otp/verify", object{"otpId": id, "otpCode": "1", "publicKey": strings.ToUpper(pub)}, "request.invalid", "publicKey"},
		{"/otp/verify", object{"otpId": id, "otpCode": "1", "publicKey": w.facts.NotarizerPublicKey}, "request.invalid", "publicKey"},
		{"/otp-login", object{"publicKey": pub}, "request.invalid", "verificationToken"},
		{"/otp-login", object{"verificationToken": plain}, "request.invalid", "publicKey"},
		{"/otp-login", object{"verificationToken": plain, "publicKey": pub, "expirationSeconds": "x"}, "request.invalid", ""},
		{"/otp-login", object{"verificationToken": plain, "publicKey": pub, "expirationSeconds": -1}, "request.invalid", "expirationSeconds"},
		{"/otp-login", object{"verificationToken": plain, "publicKey": pub, "expirationSeconds": "99999999"}, "request.invalid", "expirationSeconds"},
		{"/otp-login", object{"verificationToken": plain, "publicKey": "02" + strings.Repeat("f", 64)}, "login.refused", ""}, // not a point
		{"/signup", object{}, "request.invalid", "userEmail"},
		{"/signup", object{"userEmail": "nobody"}, "contact.invalid", ""},
		{"/signup", object{"userEmail": "a@example.com", "userName": strings.Repeat("x", 257)}, "request.invalid", "userName"},
		{"/signup", object{"userEmail": "a@example.com", "apiKeys": make([]object, 11)}, "request.invalid", "at most 10"},
		{"/signup", apiKey("publicKey", "02"), "request.invalid", "apiKeys[0].publicKey"},
		{"/signup", apiKey("publicKey", strings.Repeat("g", 66)), "request.invalid", "apiKeys[0].publicKey"},
		{"/signup", apiKey("curveType", "CURVE_P256"), "request.invalid", "apiKeys[0].curveType"},
		{"/signup", apiKey("apiKeyName", strings.Repeat("x", 257)), "request.invalid", "apiKeys[0].apiKeyName"},
		{"/signup", apiKey("expirationSeconds", "-5"), "request.invalid", "apiKeys[0].expirationSeconds"},
		{"/signup", object{"userEmail": "a@example.com", "authenticators": []any{object{"challenge": "x"}}}, "request.invalid", "authenticators[0]"},
		{"/signup", object{"userEmail": "a@example.com", "oauthProviders": []any{object{"providerName": "x"}}}, "request.invalid", "oauthProviders[0]"},
		{"/signup", object{"userEmail": "a@example.com", "oauthProviders": []any{object{"providerName": "x", "oidcToken": "t",
			"oidcClaims": object{"iss": "i", "sub": "s", "aud": "a"}}}}, "request.invalid", "oauthProviders[0]"},
		{"/signup", object{"userEmail": "a@example.com", "clientSignature": object{"publicKey": pub}}, "request.invalid", "clientSignature"},
	} {
		r := w.post(c.path, c.body)
		if r.status < 400 || r.status > 422 || r.text("reason") != c.reason || !strings.Contains(r.text("message"), c.says) {
			t.Errorf("%s %v: %d %s, want %s %q", c.path, c.body, r.status, r.raw, c.reason, c.says)
		}
	}
	if ids := w.subOrgs("a@example.com"); len(ids) != 0 {
		t.Errorf("made %v", ids)
	}
}

// A service that answers what is not true (a wrong pin, somebody in between) is not believed.
func TestAServiceThatLiesIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *backend.Config) { c.Limits.ContactSends = -1 })
		key := newKey()
		proven := w.prove("bea@example.com", key, false).text("verificationToken")
		begun := w.begin("bea@example.com", true)
		sealed := object{"otpId": begun.text("otpId"), "encryptedOtpBundle": w.seal(begun, w.code("bea@example.com"), key.PublicKey())}
		login := object{"verificationToken": proven, "publicKey": key.PublicKey()}
		session := func(signer *p256.Key, s token.Session) string {
			s.SessionType, s.UserID, s.Expires = "SESSION_TYPE_READ_WRITE", "7f6f1a7e-3c5d-4a52-9b66-000000000001", w.clock.now().Add(9e11)
			jwt, err := token.IssueSession(signer.Private(), s)
			if err != nil {
				t.Fatal(err)
			}
			return jwt
		}
		real := w.anySession()
		first := w.post("/otp-login", login)
		first.is(t, 200, "")
		mine := token.Session{PublicKey: key.PublicKey(), OrganizationID: first.text("organizationId")}
		elsewhere := w.post("/otp-login", object{"publicKey": key.PublicKey(),
			"verificationToken": w.prove("elsewhere@example.com", key, false).text("verificationToken")}).text("session")
		otherKey := w.post("/otp-login", object{"publicKey": newKey().PublicKey(), "verificationToken": proven}).text("session")
		for name, c := range map[string]struct {
			at, key, result string
			path            string
			body            object
			reason          string
		}{
			"a code without an id":       {"/init_otp", "initOtpResult", `{}`, "/otp/init", object{"contact": "cal@example.com"}, "api.unreachable"},
			"a code without a target":    {"/init_otp", "initOtpResultV2", `{"otpId":"x"}`, "/otp/init", object{"contact": "cal@example.com", "encrypted": true}, "api.unreachable"},
			"no token":                   {"/verify_otp", "verifyOtpResult", `{}`, "/otp/verify", sealed, "api.refused"},
			"a forged token":             {"/verify_otp", "verifyOtpResult", `{"verificationToken":"a.b.c"}`, "/otp/verify", sealed, "api.refused"},
			"a session for a token":      {"/verify_otp", "verifyOtpResult", `{"verificationToken":"` + real + `"}`, "/otp/verify", sealed, "api.refused"},
			"no session":                 {"/otp_login", "otpLoginResult", `{}`, "/otp-login", login, "api.refused"},
			"a session of a stranger's":  {"/otp_login", "otpLoginResult", `{"session":"` + real + `"}`, "/otp-login", login, "api.refused"},
			"of another organization":    {"/otp_login", "otpLoginResult", `{"session":"` + elsewhere + `"}`, "/otp-login", login, "api.refused"},
			"of another key":             {"/otp_login", "otpLoginResult", `{"session":"` + otherKey + `"}`, "/otp-login", login, "api.refused"},
			"a forged session":           {"/otp_login", "otpLoginResult", `{"session":"` + session(newKey(), mine) + `"}`, "/otp-login", login, "api.refused"},
			"a token instead of session": {"/otp_login", "otpLoginResult", `{"session":"` + proven + `"}`, "/otp-login", login, "api.refused"},
		} {
			w.network.setFault(func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
				if !strings.HasSuffix(path, c.at) {
					return send(), nil
				}
				body := `{"activity":{"id":"a","status":"ACTIVITY_STATUS_COMPLETED","result":{"` + c.key + `":` + c.result + `}}}`
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
			})
			if r := w.post(c.path, c.body); r.status != 502 || r.text("reason") != c.reason {
				t.Errorf("%s: %d %s", name, r.status, r.raw)
			}
		}
	})
}

// The look-up after a right code may fail; the token must not be lost with it, for the code is used up.
func TestAFailedLookUpKeepsTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		begun := w.begin("dan@example.com", false)
		down := func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
			if strings.HasSuffix(path, "suborgs") {
				return &http.Response{StatusCode: 503, Header: http.Header{}, Body: http.NoBody}, nil
			}
			return send(), nil
		}
		w.network.setFault(down)
		r := w.post("/otp/verify", object{"otpId": begun.text("otpId"), "otpCode": w.code("dan@example.com")})
		r.is(t, 200, "")
		key := newKey()
		in := object{"verificationToken": r.text("verificationToken"), "publicKey": key.PublicKey()}
		w.post("/otp-login", in).is(t, 502, "api.unreachable") // and nothing is made while nobody knows
		w.network.setFault(nil)
		if ids := w.subOrgs("dan@example.com"); len(ids) != 0 {
			t.Errorf("made %v without a look-up", ids)
		}
		w.post("/otp-login", in).is(t, 200, "")
	})
}

// What goes out is what the service is known to take: settings arrive, the caller's own identifier does not.
func TestWhatIsAskedOfTheService(t *testing.T) {
	w := newWorld(t, func(c *backend.Config) { c.OTPLength, c.OTPAlphanumeric, c.AppName = 9, true, "Shop" })
	var sent []byte
	w.network.setFault(func(path string, body []byte, send func() *http.Response) (*http.Response, error) {
		sent = bytes.Clone(body)
		return send(), nil
	})
	r := w.post("/otp/init", object{"contact": "Eve@Example.com", "userIdentifier": "mine", "otpLength": 6, "appName": "Evil"})
	r.is(t, 200, "")
	var in struct {
		Parameters map[string]any `json:"parameters"`
	}
	if err := json.Unmarshal(sent, &in); err != nil {
		t.Fatal(err)
	}
	p := in.Parameters
	if p["otpLength"] != 9.0 || p["alphanumeric"] != true || p["appName"] != "Shop" || p["contact"] != "Eve@Example.com" || p["expirationSeconds"] != "300" {
		t.Errorf("%v", p)
	}
	first, _ := p["userIdentifier"].(string)
	if len(first) != 32 || strings.Contains(first, "mine") || len(w.code("Eve@Example.com")) != 9 || r.body["otpLength"] != 9.0 || r.body["otpAlphanumeric"] != true {
		t.Errorf("%q, %s", first, r.raw)
	}
	w.restart()
	w.post("/otp/init", object{"contact": "eve@example.com"}).is(t, 200, "")
	if err := json.Unmarshal(sent, &in); err != nil || in.Parameters["userIdentifier"] != first {
		t.Errorf("the same person is another after a restart: %v", in.Parameters["userIdentifier"])
	}
}
