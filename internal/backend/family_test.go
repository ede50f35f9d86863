package backend_test

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"

	"github.com/descope/virtualwebauthn"

	"latchkey/internal/p256"
	"latchkey/internal/sandbox/oidc"
)

// kit is a family of clients as it goes through a log-in: with its own routes, in its own order, believing what it is
// answered.
type kit struct {
	name string
	// signUp makes an account for a contact that nobody proved, with a key, and returns its organization.
	signUp func(w *world, contact string, key *p256.Key) string
	// enter proves a contact, signs up where the kit does so by itself, and begins a session of key. It returns the
	// session's token.
	enter func(w *world, contact string, key *p256.Key) string
	// find looks for the account of a contact without proof, and returns the raw answer.
	find func(w *world, contact string) reply
}

func apiKeys(key *p256.Key) []any {
	return []any{object{"apiKeyName": "mine", "publicKey": key.PublicKey(), "curveType": "API_KEY_CURVE_P256"}}
}

func (w *world) ok(r reply) reply {
	w.t.Helper()
	r.is(w.t, 200, "")
	return r
}

var kits = []kit{
	{
		name: "documents",
		signUp: func(w *world, contact string, key *p256.Key) string {
			return w.ok(w.post("/signup", object{"userEmail": contact, "apiKeys": apiKeys(key)})).text("subOrganizationId")
		},
		enter: func(w *world, contact string, key *p256.Key) string {
			jwt := w.prove(contact, key, false).text("verificationToken")
			return w.ok(w.post("/otp-login", object{"verificationToken": jwt, "publicKey": key.PublicKey()})).text("sessionToken")
		},
	},
	{
		name: "Swift example",
		signUp: func(w *world, contact string, key *p256.Key) string {
			return w.ok(w.post("/auth/createSubOrg", object{"email": contact, "apiKeys": apiKeys(key)})).text("subOrganizationId")
		},
		enter: func(w *world, contact string, key *p256.Key) string {
			id := w.ok(w.post("/auth/sendOtp", object{"otpType": "OTP_TYPE_EMAIL", "contact": contact, "userIdentifier": key.PublicKey()})).text("otpId")
			jwt := w.ok(w.post("//auth/verifyOtp", object{"otpId": id, "otpCode": w.code(contact), "expirationSeconds": "900"})).text("verificationToken")
			return w.ok(w.post("/auth/otp", object{"verificationToken": jwt, "otpType": "OTP_TYPE_EMAIL", "contact": contact, "publicKey": key.PublicKey(), "expirationSeconds": "900"})).text("token")
		},
		find: func(w *world, contact string) reply {
			return w.post("/auth/getSubOrgId", object{"filterType": "EMAIL", "filterValue": contact})
		},
	},
	{
		name: "Swift demo",
		signUp: func(w *world, contact string, key *p256.Key) string {
			return w.ok(w.post("//auth/createSubOrg", object{"email": contact, "apiKeys": apiKeys(key), "oAuthProviders": []any{}})).text("subOrganizationId")
		},
		enter: func(w *world, contact string, key *p256.Key) string {
			id := w.ok(w.post("/auth/sendOtp", object{"otpType": "OTP_TYPE_EMAIL", "contact": contact, "userIdentifier": key.PublicKey()})).text("otpId")
			return w.ok(w.post("/auth/verifyOtp", object{"otpId": id, "otpCode": w.code(contact), "otpType": "OTP_TYPE_EMAIL", "contact": contact,
				"publicKey": key.PublicKey(), "expirationSeconds": "900"})).text("token")
		},
		find: func(w *world, contact string) reply {
			return w.post("/auth/getSubOrgId", object{"filterType": "USERNAME", "filterValue": contact})
		},
	},
	{
		name: "web examples",
		signUp: func(w *world, contact string, key *p256.Key) string {
			return w.ok(w.post("/api/createSuborg", object{"email": contact, "publicKey": key.PublicKey(), "curveType": "API_KEY_CURVE_P256"})).text("subOrganizationId")
		},
		enter: func(w *world, contact string, key *p256.Key) string {
			begun := w.ok(w.post("/api/initOtp", object{"email": contact, "publicKey": key.PublicKey()}))
			jwt := w.ok(w.post("/api/verifyOtp", object{"otpId": begun.text("otpId"), "encryptedOtpBundle": w.seal(begun, w.code(contact), key.PublicKey())})).text("verificationToken")
			in := w.login(jwt, key)
			found, _ := w.ok(w.post("/api/getSuborgs", object{"filterValue": contact})).body["organizationIds"].([]any)
			if len(found) > 0 {
				in["suborgID"] = found[0]
			} else {
				in["suborgID"] = w.ok(w.post("/api/createSuborg", object{"email": contact})).text("subOrganizationId")
			}
			return w.ok(w.post("/api/otpLogin", in)).text("session")
		},
		find: func(w *world, contact string) reply { return w.post("/api/getSuborgs", object{"filterValue": contact}) },
	},
	{
		name: "auth proxy",
		signUp: func(w *world, contact string, key *p256.Key) string {
			return w.ok(w.proxy("signup_v2", object{"userEmail": contact, "apiKeys": apiKeys(key), "authenticators": []any{}, "oauthProviders": []any{}})).text("organizationId")
		},
		enter: func(w *world, contact string, key *p256.Key) string {
			jwt := w.proxyProve(contact, key, true)
			in := w.login(jwt, key)
			in["organizationId"] = w.ok(w.proxy("account", object{"filterType": "EMAIL", "filterValue": contact, "verificationToken": jwt})).text("organizationId")
			if in["organizationId"] == "" {
				in["organizationId"] = w.ok(w.proxy("signup_v2", w.proxySignUp(jwt, key, contact, false))).text("organizationId")
			}
			return w.ok(w.proxy("otp_login_v2", in)).text("session")
		},
		find: func(w *world, contact string) reply {
			return w.proxy("account", object{"filterType": "EMAIL", "filterValue": contact})
		},
	},
}

// portal is where a browser meets the sandbox's identity providers.
const portal = "http://127.0.0.1:8080"

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// approve logs a person in at one of the sandbox's identity providers, and returns what its page sends the browser on with.
func (w *world) approve(provider, email string, q url.Values) url.Values {
	w.t.Helper()
	browse := func(method, address string, form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, address, strings.NewReader(form.Encode()))
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", portal)
		}
		rec := httptest.NewRecorder()
		w.box.API().ServeHTTP(rec, r)
		return rec
	}
	page := browse(http.MethodGet, portal+provider+"/authorize?"+q.Encode(), nil)
	form := url.Values{}
	for _, f := range hiddenField.FindAllStringSubmatch(page.Body.String(), -1) {
		form.Set(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
	}
	form.Set("email", email)
	done := browse(http.MethodPost, portal+provider+"/authorize", form)
	onward, err := url.Parse(done.Header().Get("Location"))
	if err != nil {
		w.t.Fatal(err)
	}
	answer := onward.RawQuery
	if onward.Fragment != "" {
		answer = onward.Fragment
	}
	back, err := url.ParseQuery(answer)
	if err != nil || back.Get("id_token")+back.Get("code") == "" {
		w.t.Fatalf("nobody was let in: %d %.300s %v", done.Code, done.Body, err)
	}
	return back
}

// idToken logs in at the sandbox's Google and returns the id token that is bound to key.
func (w *world) idToken(email string, key *p256.Key) string {
	w.t.Helper()
	return w.approve("/oidc/google", email, url.Values{"client_id": {"app"}, "redirect_uri": {"https://app.test/cb"}, "state": {"s"}, "nonce": {oidc.Nonce(key.PublicKey())},
		"response_type": {"id_token"}, "scope": {"openid email profile"}}).Get("id_token")
}

// passkey registers a passkey and returns what a page sends of it: its challenge and attestation.
func passkey() (challenge string, attestation object) {
	const whole = 77 // bytes of COSE with two coordinates of 32: the library writes a leading zero short
	credential := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	for len(credential.Key.AttestationData()) != whole {
		credential = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	rp := virtualwebauthn.RelyingParty{ID: "app.example", Name: "App", Origin: "https://app.example"}
	var answer struct {
		RawID    string
		Response struct{ AttestationObject, ClientDataJSON string }
	}
	text := virtualwebauthn.CreateAttestationResponse(rp, virtualwebauthn.NewAuthenticator(), credential, virtualwebauthn.AttestationOptions{Challenge: []byte("a challenge")})
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte("a challenge")),
		object{"credentialId": answer.RawID, "clientDataJson": answer.Response.ClientDataJSON, "attestationObject": answer.Response.AttestationObject}
}
