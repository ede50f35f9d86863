package backend_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"latchkey/internal/backend"
	"latchkey/internal/p256"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// proxy calls a route of the auth proxy as its kits do.
func (w *world) proxy(path string, body any) reply {
	w.t.Helper()
	return w.post("/v1/"+path, body, backend.ConfigHeader, w.facts.OrganizationID)
}

// proxyProve goes from a contact to a verification token by the auth proxy's routes.
func (w *world) proxyProve(contact string, key *p256.Key, encrypted bool) string {
	w.t.Helper()
	kind := turnkey.OTPEmail
	if strings.HasPrefix(contact, "+") {
		kind = turnkey.OTPSMS
	}
	init, verify, version := object{"otpType": kind, "contact": contact}, object{}, ""
	if encrypted {
		version = "_v2"
	}
	begun := w.proxy("otp_init"+version, init)
	begun.is(w.t, 200, "")
	verify["otpId"] = begun.text("otpId")
	if encrypted {
		verify["encryptedOtpBundle"] = w.seal(begun, w.code(contact), key.PublicKey())
	} else {
		verify["otpCode"] = w.code(contact)
	}
	r := w.proxy("otp_verify"+version, verify)
	r.is(w.t, 200, "")
	return r.text("verificationToken")
}

// proxySignUp is the body of signup_v2 with a proof, as @turnkey/core signs it; with older that of signup.
func (w *world) proxySignUp(jwt string, key *p256.Key, email string, older bool) object {
	w.t.Helper()
	in := w.signUp(jwt, key, email)
	if older {
		v, err := token.ParseVerification(jwt)
		if err != nil {
			w.t.Fatal(err)
		}
		message, err := json.Marshal(object{"signup": object{"email": email, "apiKeys": []any{}}, "tokenId": v.ID, "type": token.UsageSignup})
		if err != nil {
			w.t.Fatal(err)
		}
		in["clientSignature"] = w.signText(key, string(message))
	}
	return in
}

func TestAuthProxySignsUpAndLogsIn(t *testing.T) {
	for name, older := range map[string]bool{"signup_v2": false, "signup": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			key := newKey()
			jwt := w.proxyProve("pia@example.com", key, true)
			account := object{"filterType": "EMAIL", "filterValue": "pia@example.com", "verificationToken": jwt}
			if r := w.proxy("account", account); r.raw != "{}\n" {
				t.Errorf("a stranger's account: %s", r.raw)
			}
			w.proxy("otp_login_v2", w.login(jwt, key)).is(t, 404, "")
			in := w.proxySignUp(jwt, key, "pia@example.com", older)
			in["wallet"] = object{"walletName": "First", "accounts": []any{object{"curve": "CURVE_SECP256K1", "pathFormat": "PATH_FORMAT_BIP32",
				"path": "m/44'/60'/0'/0/0", "addressFormat": "ADDRESS_FORMAT_ETHEREUM"}}}
			made := w.proxy(name, in)
			made.is(t, 200, "")
			wallet, _ := made.body["wallet"].(map[string]any)
			if addresses, _ := wallet["addresses"].([]any); len(addresses) != 1 {
				t.Errorf("no address in %s", made.raw)
			}
			w.restart() // and whoever lost the answer asks again
			if again := w.proxy(name, in); again.raw != made.raw {
				t.Errorf("the second time %s\nthe first %s", again.raw, made.raw)
			}
			if r := w.proxy("account", account); r.text("organizationId") != made.text("organizationId") {
				t.Errorf("account: %s", r.raw)
			}
			login := w.proxy("otp_login_v2", w.login(jwt, key))
			login.is(t, 200, "")
			if s := w.session(login.text("session"), key); s.OrganizationID != made.text("organizationId") || len(login.body) != 1 {
				t.Errorf("log-in: %s", login.raw)
			}
			w.works(t.Context(), key, made.text("organizationId"))
		})
	}
}

// The name and the e-mail address of an account are its person's: they find it only together with the proof that
// the address is his who asks. Whoever has none is answered the same, to the byte, whether or not there is an account.
func TestAuthProxyLookUpsWithoutProofAreEmpty(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	jwt := w.proxyProve("known@example.com", key, true)
	signUp := w.proxySignUp(jwt, key, "known@example.com", false)
	made := w.proxy("signup_v2", signUp)
	made.is(t, 200, "")
	strangers := w.proxyProve("stranger@example.com", newKey(), false)
	name := func() string {
		me, err := w.as(key).Whoami(t.Context(), made.text("organizationId"))
		if err != nil {
			return ""
		}
		return me.OrganizationName
	}
	w.proxy("otp_login_v2", w.login(jwt, key)).is(t, 200, "")
	for _, c := range []struct{ kind, known, unknown string }{
		{"EMAIL", "known@example.com", "unknown@example.com"},
		{"USERNAME", "known@example.com", "unknown@example.com"},
		{"NAME", name(), "nobody's"},
		{"OIDC_CLAIMS", `{"iss":"i","sub":"s","aud":"a"}`, "{}"},
		{"PHONE_NUMBER", "+14155550100", "+14155550101"},
	} {
		for with, proof := range map[string]string{"no proof": "", "another's proof": strangers} {
			known := w.proxy("account", object{"filterType": c.kind, "filterValue": c.known, "verificationToken": proof})
			unknown := w.proxy("account", object{"filterType": c.kind, "filterValue": c.unknown, "verificationToken": proof})
			if known.status != 200 || known.raw != "{}\n" || unknown.raw != known.raw || unknown.status != known.status {
				t.Errorf("%s with %s: known %d %s, unknown %d %s", c.kind, with, known.status, known.raw, unknown.status, unknown.raw)
			}
		}
	}
	w.proxy("account", object{"filterType": "EMAIL", "filterValue": "known@example.com", "verificationToken": "a.b.c"}).is(t, 400, "")
	w.proxy("account", object{"filterType": "SHOE_SIZE", "filterValue": "42"}).is(t, 400, "")
	found := w.proxy("account", object{"filterType": "PUBLIC_KEY", "filterValue": key.PublicKey()})
	if found.text("organizationId") != made.text("organizationId") {
		t.Errorf("by its own key: %s", found.raw)
	}
}

// A refusal has the three fields of google.rpc.Status and the words by which kits tell it apart; ours stand in its
// details.
func TestAuthProxyRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		begun := w.proxy("otp_init", object{"otpType": "OTP_TYPE_EMAIL", "contact": "quin@example.com"})
		begun.is(t, 200, "")
		locked := func() reply {
			var r reply
			for range 3 {
				r = w.proxy("otp_verify", object{"otpId": begun.text("otpId"), "otpCode": "nope"})
			}
			return r
		}
		limited := func() reply {
			var r reply
			for range 4 {
				r = w.proxy("otp_init", object{"otpType": "OTP_TYPE_EMAIL", "contact": "quin@example.com"})
			}
			return r
		}
		for _, c := range []struct {
			name   string
			r      reply
			status int
			code   float64
			words  string
			reason string
		}{
			{"a wrong code", w.proxy("otp_verify", object{"otpId": begun.text("otpId"), "otpCode": "nope"}), 422, 3, "Invalid OTP code", "otp.wrong"},
			{"a locked code", locked(), 422, 3, "Invalid OTP code", "otp.locked"},
			{"too many codes", limited(), 429, 8, "Max number of OTPs have been initiated", "otp.limited"},
			{"no configuration", w.post("/v1/account", object{}), 401, 16, backend.ConfigHeader, "backend.refused"},
			{"another configuration", w.post("/v1/account", object{}, backend.ConfigHeader, "7f6f1a7e-3c5d-4a52-9b66-000000000000"), 401, 16, backend.ConfigHeader, "backend.refused"},
			{"no such route", w.proxy("nowhere", object{}), 404, 5, "no such route", "request.invalid"},
			{"no such code", w.proxy("otp_verify_v2", object{"otpId": "x", "encryptedOtpBundle": "{}"}), 400, 3, "otpId", "request.invalid"},
			{"no signature", w.proxy("otp_login_v2", object{"verificationToken": "x"}), 400, 3, "clientSignature", "request.invalid"},
			{"nobody", w.proxy("signup_v2", object{"apiKeys": []any{}}), 400, 3, "a way in", "request.invalid"},
			{"older with claims", w.proxy("signup", object{"oauthProviders": []any{object{"providerName": "x", "oidcClaims": object{"iss": "i"}}}}), 400, 3, "oidcClaims", "request.invalid"},
			{"a provider that nobody knows", w.proxy("oauth2_authenticate", object{"provider": "OAUTH2_PROVIDER_SHOP"}), 400, 3, "provider", "request.invalid"},
			{"a client that nobody knows", w.proxy("oauth2_authenticate", object{"provider": "OAUTH2_PROVIDER_X", "authCode": "a", "redirectUri": "http://localhost", "codeVerifier": "v",
				"nonce": "n", "clientId": "c"}), 403, 7, "clientId", "login.refused"},
			{"not an id token", w.proxy("oauth_login", object{"oidcToken": "a.b.c", "publicKey": newKey().PublicKey()}), 403, 7, "", "login.refused"},
		} {
			details, _ := c.r.body["details"].([]any)
			if c.r.status != c.status || c.r.body["code"] != c.code || !strings.Contains(c.r.text("message"), c.words) ||
				len(c.r.body) != 3 || len(details) != 1 || details[0].(map[string]any)["reason"] != c.reason || details[0].(map[string]any)["@type"] == nil {
				t.Errorf("%s: %d %s", c.name, c.r.status, c.r.raw)
			}
		}
	})
}

func TestAuthProxyAnswersBrowsers(t *testing.T) {
	w := newWorld(t)
	for origin, status := range map[string]int{"http://localhost:5173": 204, "https://evil.example": 403} {
		r := httptest.NewRequest(http.MethodOptions, "/v1/account", nil)
		r.Host = "127.0.0.1:3000"
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "content-type,x-auth-proxy-config-id,x-captcha-token")
		got := w.do(r)
		allowed := strings.ToLower(got.header.Get("Access-Control-Allow-Headers"))
		good := got.header.Get("Access-Control-Allow-Origin") == origin && strings.Contains(allowed, "x-auth-proxy-config-id") &&
			strings.Contains(allowed, "x-captcha-token") && strings.Contains(allowed, "content-type")
		if got.status != status || good != (status == 204) {
			t.Errorf("%s: %d %v", origin, got.status, got.header)
		}
	}
	if r := w.post("/v1/wallet_kit_client_params", "", backend.ConfigHeader, strings.ToUpper(w.facts.OrganizationID), backend.CaptchaHeader, "captcha"); r.raw != "{}\n" {
		t.Errorf("an empty body: %d %s", r.status, r.raw)
	}
}

// What the configuration says is announced, asked of the service, and kept to.
func TestAuthProxyFollowsTheConfiguration(t *testing.T) {
	w := newWorld(t, func(c *backend.Config) {
		c.AuthProxyConfigID = "7f6f1a7e-3c5d-4a52-9b66-0000000000aa"
		c.AuthMethods = []string{"email", "google"}
		c.OAuthClientIDs = map[string]string{"google": "g.example", "apple": "a.example"}
		c.OAuthRedirectURL = "https://app.example.com/in"
		c.OTPLength, c.OTPAlphanumeric, c.SessionSeconds = 8, true, 1200
		c.MagicLink, c.LogoURL, c.EmailTemplateID = "https://app.example.com/?c=%s", "https://app.example.com/l.png", "first"
	})
	call := func(path string, body any) reply {
		return w.post("/v1/"+path, body, backend.ConfigHeader, "7f6f1a7e-3c5d-4a52-9b66-0000000000aa")
	}
	const want = `{"enabledProviders":["email","google"],"sessionExpirationSeconds":"1200","organizationId":"ORG",` +
		`"oauthClientIds":{"apple":"a.example","google":"g.example"},"oauthRedirectUrl":"https://app.example.com/in","otpAlphanumeric":true,"otpLength":"8"}` + "\n"
	if r := call("wallet_kit_config", "{}"); r.raw != strings.Replace(want, "ORG", w.facts.OrganizationID, 1) {
		t.Errorf("config: %s", r.raw)
	}
	var sent struct{ Parameters turnkey.InitOTPParams }
	w.network.setFault(func(path string, body []byte, send func() *http.Response) (*http.Response, error) {
		if strings.HasSuffix(path, "/init_otp") {
			if err := json.Unmarshal(body, &sent); err != nil {
				t.Error(err)
			}
		}
		return send(), nil
	})
	key := newKey()
	begun := call("otp_init_v2", object{"otpType": "OTP_TYPE_EMAIL", "contact": "ray@example.com", "emailCustomization": object{"templateId": "second"}})
	begun.is(t, 200, "")
	look := sent.Parameters.EmailCustomization
	if look == nil || *look != (turnkey.EmailCustomization{LogoURL: "https://app.example.com/l.png", MagicLinkTemplate: "https://app.example.com/?c=%s", TemplateID: "second"}) {
		t.Errorf("the e-mail: %+v", look)
	}
	verified := call("otp_verify_v2", object{"otpId": begun.text("otpId"), "encryptedOtpBundle": w.seal(begun, w.code("ray@example.com"), key.PublicKey())})
	verified.is(t, 200, "")
	jwt := verified.text("verificationToken")
	call("signup_v2", w.signUp(jwt, key, "ray@example.com")).is(t, 200, "")
	in := call("otp_login_v2", w.login(jwt, key))
	in.is(t, 200, "")
	if left := w.session(in.text("session"), key).Expires.Sub(w.clock.now()).Seconds(); left != 1200 {
		t.Errorf("a session of %v seconds", left)
	}
	wallet := object{"apiKeyName": "wallet", "publicKey": key.PublicKey(), "curveType": "API_KEY_CURVE_SECP256K1"}
	passkey := object{"authenticatorName": "p", "challenge": "c", "attestation": object{"credentialId": "i", "clientDataJson": "j", "attestationObject": "o"}}
	for name, r := range map[string]reply{
		"SMS":            call("otp_init", object{"otpType": "OTP_TYPE_SMS", "contact": "+14155550100"}),
		"wallet":         call("signup_v2", object{"apiKeys": []any{wallet}}),
		"passkey":        call("signup_v2", object{"authenticators": []any{passkey}}),
		"another issuer": call("signup_v2", object{"oauthProviders": []any{object{"providerName": "x", "oidcToken": "e30.e30.e30"}}}),
		"its log-in":     call("oauth_login", object{"oidcToken": "e30.e30.e30", "publicKey": key.PublicKey()}),
		"X":              call("oauth2_authenticate", object{"provider": "OAUTH2_PROVIDER_X", "authCode": "a", "redirectUri": "r", "codeVerifier": "v", "nonce": "n", "clientId": "c"}),
	} {
		if r.status != 403 || !strings.Contains(r.raw, "does not allow") {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	w.config.SMSTemplate, w.config.AuthMethods = "{{.OtpCode}} it is", nil
	w.restart()
	call("otp_init", object{"otpType": "OTP_TYPE_SMS", "contact": "+14155550100"}).is(t, 200, "")
	if p := sent.Parameters; p.SMSCustomization == nil || p.SMSCustomization.Template != "{{.OtpCode}} it is" {
		t.Errorf("the text message: %+v", p.SMSCustomization)
	}
}
