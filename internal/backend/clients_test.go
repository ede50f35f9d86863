package backend_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/backend"
	"latchkey/internal/p256"
	"latchkey/internal/sandbox/oidc"
	"latchkey/internal/stamp"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// The groups of routes: a client speaks some of them.
const (
	written = "documents"
	opened  = "by session"
	swiftly = "/auth/…"
	pages   = "/api/…"
	kitty   = "/v1/…"
	own     = "Latchkey's"
	spec    = "description"
)

// groupOf is the group of a route.
func groupOf(path string) string {
	switch {
	case strings.HasPrefix(path, "/auth/"):
		return swiftly
	case strings.HasPrefix(path, "/api/"):
		return pages
	case strings.HasPrefix(path, "/v1/"):
		return kitty
	case slices.Contains([]string{"/me", "/wallets", "/forward-auth"}, path):
		return opened
	case slices.Contains([]string{"/signup", "/otp/init", "/otp/verify", "/otp-login", "/oauth-login"}, path):
		return written
	case path == "/openapi.json":
		return spec
	default:
		return own
	}
}

// Why a client leaves out a route of a group that it speaks.
const (
	newer    = "it has the newer shape of the same"
	older    = "it has the older shape of the same"
	anAction = "a server action of @turnkey/sdk-server's, not an example's"
	notThat  = "an example's, not a server action"
	noLookUp = "it looks accounts up inside its log-ins"
	byProxy  = "for a reverse proxy, not for an app"
)

// client is one of the table: which groups it speaks, and its requests as its code or its document has them.
type client struct {
	name    string
	speaks  []string
	without map[string]string // routes of those groups that it never calls, and why
	story   func(t *testing.T, w *world)
}

// session fails the test unless what was answered, under the name that the client reads, is a session that works.
func (w *world) lives(r reply, name string, key *p256.Key) string {
	w.t.Helper()
	s := w.session(w.ok(r).text(name), key)
	w.works(w.t.Context(), key, s.OrganizationID)
	return s.OrganizationID
}

// oauth2 is a code that X gave a browser, in the body that kits trade it with.
func (w *world) oauth2(key *p256.Key) object {
	w.t.Helper()
	const verifier, back = "a-verifier-of-forty-three-characters-or-more", "http://127.0.0.1:4711/back"
	if _, _, err := backend.AddOAuth2Credential(w.t.Context(), w.config, "x", "app", backend.SecretOf("top-secret")); err != nil {
		w.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(verifier))
	code := w.approve("/oauth2/x", "xena@example.com", url.Values{"client_id": {"app"}, "redirect_uri": {back}, "state": {"s"}, "response_type": {"code"},
		"scope": {"tweet.read users.read"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}).Get("code")
	return object{"provider": "OAUTH2_PROVIDER_X", "authCode": code, "redirectUri": back, "codeVerifier": verifier, "nonce": oidc.Nonce(key.PublicKey()), "clientId": "app"}
}

// stamped is a request that a page's key has stamped, as proxyRequest passes it on.
func (w *world) stamped(key *p256.Key, body string) object {
	w.t.Helper()
	s, err := stamp.APIKey{Signer: key}.Stamp(w.t.Context(), []byte(body))
	if err != nil {
		w.t.Fatal(err)
	}
	return object{"url": "https://api.turnkey.com/public/v1/submit/create_wallet", "body": body, "stamp": object{"stampHeaderName": s.HeaderName, "stampHeaderValue": s.HeaderValue}}
}

// documentsCode is the documents' way from a contact to a session, with the channel read from the contact.
func documentsCode(w *world, contact string, key *p256.Key) string {
	kind := "OTP_TYPE_SMS"
	if strings.Contains(contact, "@") {
		kind = "OTP_TYPE_EMAIL"
	}
	id := w.ok(w.post("/otp/init", object{"otpType": kind, "contact": contact})).text("otpId")
	jwt := w.ok(w.post("/otp/verify", object{"otpId": id, "otpCode": w.code(contact)})).text("verificationToken")
	return w.lives(w.post("/otp-login", object{"verificationToken": jwt, "publicKey": key.PublicKey()}), "sessionToken", key)
}

// documentsOAuth is their log-in by a provider, of somebody who has an account.
func documentsOAuth(w *world, key *p256.Key, id string) string {
	return w.lives(w.post("/oauth-login", object{"oidcToken": id, "publicKey": key.PublicKey()}), "sessionToken", key)
}

// proxyKit is what a kit of Turnkey's does with an authProxyUrl: sealed says of which generation its codes are, signup which
// route makes its accounts, more what its sign-up sends besides.
type proxyKit struct {
	sealed, params bool
	signup         string
	more           object
}

func (k proxyKit) play(t *testing.T, w *world) {
	version, key := "", newKey()
	if k.sealed {
		version = "_v2"
	}
	if r := w.ok(w.proxy("wallet_kit_config", object{})); r.text("organizationId") != w.facts.OrganizationID || r.text("otpLength") != "6" {
		t.Errorf("%s", r.raw)
	}
	if k.params {
		w.ok(w.proxy("wallet_kit_client_params", object{}))
	}
	account := func(kind, value string, more object) string {
		in := object{"filterType": kind, "filterValue": value}
		maps.Copy(in, more)
		return w.ok(w.proxy("account", in)).text("organizationId")
	}
	signup := func(in object) string {
		maps.Copy(in, k.more)
		made := w.ok(w.proxy(k.signup, in))
		if wallet, _ := made.body["wallet"].(map[string]any); made.text("userId") == "" || wallet["walletId"] == nil {
			t.Errorf("%s: %s", k.signup, made.raw)
		}
		return made.text("organizationId")
	}
	for _, contact := range []string{"pia@example.com", "+14155550100"} {
		kind := "EMAIL"
		if contact[0] == '+' {
			kind = "PHONE_NUMBER"
		}
		var jwt string
		if k.sealed {
			jwt = w.proxyProve(contact, key, true)
		} else { // the code is sent with the key that it shall be bound to
			begun := w.ok(w.proxy("otp_init", object{"otpType": map[string]string{"EMAIL": turnkey.OTPEmail, "PHONE_NUMBER": turnkey.OTPSMS}[kind], "contact": contact, "emailCustomization": nil}))
			jwt = w.ok(w.proxy("otp_verify", object{"otpId": begun.text("otpId"), "otpCode": w.code(contact), "publicKey": key.PublicKey()})).text("verificationToken")
		}
		if got := account(kind, contact, object{"verificationToken": jwt}); got != "" {
			t.Errorf("%s has an account already: %s", contact, got)
		}
		made := signup(w.signs(jwt, key, contact, k.signup))
		if got := account(kind, contact, object{"verificationToken": jwt}); got != made {
			t.Errorf("%s is found in %q, not %s", contact, got, made)
		}
		login := w.login(jwt, key)
		login["organizationId"], login["invalidateExisting"] = made, nil
		if got := w.lives(w.proxy("otp_login"+version, login), "session", key); got != made {
			t.Errorf("logged in to %s, not %s", got, made)
		}
	}
	next := newKey()
	for _, id := range []string{w.idToken("gus@example.com", next), w.ok(w.proxy("oauth2_authenticate", w.oauth2(next))).text("oidcToken")} {
		if got := account("OIDC_TOKEN", id, object{"oidcToken": id}); got != "" {
			t.Errorf("an identity has an account already: %s", got)
		}
		made := signup(object{"apiKeys": []any{}, "authenticators": []any{}, "oauthProviders": []any{object{"providerName": "p", "oidcToken": id}}})
		if got := w.lives(w.proxy("oauth_login", object{"oidcToken": id, "publicKey": next.PublicKey(), "invalidateExisting": true}), "session", next); got != made {
			t.Errorf("logged in to %s, not %s", got, made)
		}
	}
	challenge, attestation := passkey()
	attestation["transports"] = []any{"AUTHENTICATOR_TRANSPORT_HYBRID"}
	third := newKey()
	made := signup(object{"userName": "Pat", "apiKeys": apiKeys(third), "oauthProviders": []any{},
		"authenticators": []any{object{"authenticatorName": "Phone", "challenge": challenge, "attestation": attestation}}})
	w.works(t.Context(), third, made)
}

// clients are the columns.
var clients = []client{
	{name: "React app of the documents", speaks: []string{written}, story: func(t *testing.T, w *world) {
		key := newKey()
		challenge, attestation := passkey()
		for name, body := range map[string]object{
			"e-mail":   {"email": "ann@example.com"},
			"phone":    {"phone": "+14155550100"},
			"passkey":  {"passkey": object{"challenge": challenge, "attestation": attestation}, "apiKeys": apiKeys(key)},
			"provider": {"oauth": object{"providerName": "google", "oidcToken": w.idToken("gus@example.com", key)}},
		} {
			org := w.ok(w.post("/signup", body)).text("subOrganizationId")
			u, wallets := w.only(org)
			if has := map[string]bool{"e-mail": u.UserEmail != "", "phone": u.UserPhoneNumber == "+14155550100", "passkey": len(u.Authenticators) == 1 && len(u.APIKeys) == 1,
				"provider": len(u.OAuthProviders) == 1}[name]; !has || len(wallets) != 1 {
				t.Errorf("by %s: %+v, wallets %+v", name, u, wallets)
			}
		}
		documentsCode(w, "ann@example.com", key)
		documentsOAuth(w, key, w.idToken("gus@example.com", key))
	}},
	{name: "Swift app of the documents", speaks: []string{written}, story: func(t *testing.T, w *world) {
		key := newKey()
		made := w.ok(w.post("/signup", object{"userEmail": "ann@example.com", "apiKeys": []any{}, "authenticators": []any{}, "oauthProviders": []any{}})).text("subOrganizationId")
		if _, wallets := w.only(made); len(wallets) != 0 {
			t.Errorf("wallets %+v", wallets)
		}
		if got := documentsCode(w, "ann@example.com", key); got != made {
			t.Errorf("logged in to %s, signed up in %s", got, made)
		}
		id := w.idToken("gus@example.com", key)
		byID := w.ok(w.post("/signup", object{"userEmail": "gus@example.com", "apiKeys": []any{}, "authenticators": []any{}, "oauthProviders": []any{object{"providerName": "google", "oidcToken": id}}}))
		if got := documentsOAuth(w, key, id); got != byID.text("subOrganizationId") {
			t.Errorf("logged in to %s: %s", got, byID.raw)
		}
		if got := documentsCode(w, "+14155550100", key); got == made {
			t.Error("a number leads to another's account")
		}
	}},
	{name: "Swift example", speaks: []string{swiftly}, without: map[string]string{"/auth/getSubOrgId": noLookUp}, story: func(t *testing.T, w *world) {
		key := newKey()
		kits[1].signUp(w, "ann@example.com", newKey())
		s := w.session(kits[1].enter(w, "ann@example.com", key), key)
		w.works(t.Context(), key, s.OrganizationID)
		w.lives(w.post("/auth/oAuth", object{"publicKey": key.PublicKey(), "providerName": "google", "oidcToken": w.idToken("gus@example.com", key), "expirationSeconds": "900"}), "token", key)
	}},
	{name: "Swift demo", speaks: []string{swiftly}, without: map[string]string{"/auth/otp": "its verifyOtp logs in at once"}, story: func(t *testing.T, w *world) {
		key := newKey()
		kits[2].signUp(w, "ann@example.com", newKey())
		s := w.session(kits[2].enter(w, "ann@example.com", key), key)
		w.works(t.Context(), key, s.OrganizationID)
		id := w.idToken("gus@example.com", key)
		w.lives(w.post("//auth/oAuth", object{"publicKey": key.PublicKey(), "providerName": "google", "oidcToken": id, "expirationSeconds": "900"}), "token", key)
		if r := w.ok(w.post("/auth/getSubOrgId", object{"filterType": "OIDC_TOKEN", "filterValue": id})); r.text("organizationId") == w.facts.OrganizationID {
			t.Errorf("by its id token: %s", r.raw)
		}
		if r := kits[2].find(w, "ann@example.com"); r.text("organizationId") != w.facts.OrganizationID {
			t.Errorf("by a name: %s", r.raw)
		}
	}},
	{name: "web examples", speaks: []string{pages}, story: webStory, without: map[string]string{"/api/sendOtp": anAction, "/api/getVerifiedSuborgs": anAction, "/api/getOrCreateSuborg": anAction,
		"/api/sendCredential": anAction, "/api/getUsers": anAction}},
	{name: "server actions", speaks: []string{pages}, story: actionsStory, without: map[string]string{"/api/initOtp": notThat, "/api/auth": notThat, "/api/createSubOrg": notThat,
		"/api/proxyRequest": notThat, "/api/getWallet": notThat, "/api/getActivity": notThat}},
	{name: "guarded app of the documents", speaks: []string{opened}, without: map[string]string{"/forward-auth": byProxy}, story: func(t *testing.T, w *world) {
		key := newKey()
		jwt := kits[3].enter(w, "ann@example.com", key)
		if r := w.ok(w.visit("/me", jwt)); r.text("userEmail") != "ann@example.com" {
			t.Errorf("%s", r.raw)
		}
		if r := w.ok(w.visit("/wallets", jwt)); !strings.Contains(r.raw, "walletName") {
			t.Errorf("%s", r.raw)
		}
	}},
	{name: "reverse proxy", speaks: []string{opened}, without: map[string]string{"/me": "for an app", "/wallets": "for an app"}, story: func(t *testing.T, w *world) {
		jwt, s := w.comesIn("ann@example.com", newKey())
		if r := w.ok(w.visit("/forward-auth", jwt, "X-Forwarded-Uri", "/orders")); r.header.Get("X-Latchkey-Organization-Id") != s.OrganizationID {
			t.Errorf("%v", r.header)
		}
	}},
	{name: "@turnkey/core", speaks: []string{kitty}, without: map[string]string{"/v1/otp_init": newer, "/v1/otp_verify": newer, "/v1/otp_login": newer, "/v1/signup": newer},
		story: proxyKit{sealed: true, params: true, signup: "signup_v2", more: object{"organizationName": "Mine", "userTag": "", "wallet": firstWallet}}.play},
	{name: "Swift kit", speaks: []string{kitty}, without: map[string]string{"/v1/otp_init": newer, "/v1/otp_verify": newer, "/v1/otp_login": newer, "/v1/signup": newer,
		"/v1/wallet_kit_client_params": "it has no captchas"}, story: proxyKit{sealed: true, signup: "signup_v2", more: object{"wallet": firstWallet}}.play},
	{name: "Kotlin kit", speaks: []string{kitty}, without: map[string]string{"/v1/otp_init_v2": older, "/v1/otp_verify_v2": older, "/v1/otp_login_v2": older, "/v1/signup_v2": older,
		"/v1/wallet_kit_client_params": "it has no captchas"}, story: proxyKit{signup: "signup", more: object{"userTag": nil, "organizationName": nil, "wallet": firstWallet}}.play},
	{name: "Go kit", speaks: []string{kitty}, without: map[string]string{"/v1/wallet_kit_client_params": "it has no such call"}, story: func(t *testing.T, w *world) {
		more := object{"wallet": firstWallet}
		proxyKit{sealed: true, signup: "signup_v2", more: more}.play(t, w)
		again := newWorld(t)
		proxyKit{signup: "signup", more: more}.play(t, again)
		for path, n := range again.done {
			w.done[path] += n
		}
	}},
	{name: "Latchkey", speaks: []string{written, own}, story: ownStory},
	{name: "generated client", speaks: []string{spec}, story: func(t *testing.T, w *world) {
		if r := w.ok(w.visit("/openapi.json", "")); r.text("openapi") == "" {
			t.Errorf("%s", r.raw)
		}
	}},
}

var firstWallet = object{"walletName": "First", "accounts": []any{object{"curve": "CURVE_SECP256K1", "pathFormat": "PATH_FORMAT_BIP32", "path": "m/44'/60'/0'/0/0", "addressFormat": "ADDRESS_FORMAT_ETHEREUM"}}}

// signs is the body of a sign-up at the auth proxy with a proof, signed by the key that it names, in the shape of a route.
func (w *world) signs(jwt string, key *p256.Key, contact, route string) object {
	w.t.Helper()
	v, err := token.ParseVerification(jwt)
	if err != nil {
		w.t.Fatal(err)
	}
	field, usage := "userEmail", token.SignupUsage{Email: contact}
	if contact[0] == '+' {
		field, usage = "userPhoneNumber", token.SignupUsage{PhoneNumber: contact}
	}
	in := object{field: contact, "apiKeys": []any{}, "authenticators": []any{}, "oauthProviders": []any{}, "verificationToken": jwt}
	if route == "signup" {
		message, err := json.Marshal(object{"signup": object{map[string]string{"userEmail": "email", "userPhoneNumber": "phoneNumber"}[field]: contact, "apiKeys": []any{}},
			"tokenId": v.ID, "type": token.UsageSignup})
		if err != nil {
			w.t.Fatal(err)
		}
		in["clientSignature"] = w.signText(key, string(message))
		return in
	}
	if in["clientSignature"], err = token.SignSignup(w.t.Context(), key, v.ID, usage); err != nil {
		w.t.Fatal(err)
	}
	return in
}

// webStory is what the web examples' actions send, one example after the other.
func webStory(t *testing.T, w *world) {
	key := newKey()
	s := w.session(kits[3].enter(w, "ann@example.com", key), key) // otp-auth
	w.works(t.Context(), key, s.OrganizationID)
	bearer := []string{"Authorization", "Bearer " + w.ok(w.post("/api/otpLogin", w.login(w.prove("ann@example.com", key, true).text("verificationToken"), key))).text("session")}

	id := w.idToken("gus@example.com", key) // oauth-cross-platform
	if r := w.ok(w.post("/api/getSuborgs", object{"filterType": "OAUTH_CLAIM", "filterValue": `{"issuer":"i","subject":"s","audience":"a"}`})); r.raw != `{"organizationIds":[]}`+"\n" {
		t.Errorf("%s", r.raw)
	}
	made := w.ok(w.post("/api/createSuborg", object{"oidcToken": id, "secondaryClientIds": []any{"ios"}})).text("subOrganizationId")
	if got := w.lives(w.post("/api/oauthLogin", object{"suborgID": made, "oidcToken": id, "publicKey": key.PublicKey()}), "session", key); got != made {
		t.Errorf("logged in to %s, not %s", got, made)
	}

	of := newKey() // wallet-auth
	made = w.ok(w.post("/api/createSuborg", object{"publicKey": of.PublicKey(), "curveType": "API_KEY_CURVE_P256"})).text("subOrganizationId")
	if r := w.ok(w.post("/api/getSuborgs", object{"filterValue": of.PublicKey()})); !strings.Contains(r.raw, made) {
		t.Errorf("%s", r.raw)
	}

	challenge, attestation := passkey() // with-passkeys, and the pages that make a wallet with one
	brief := newKey()
	w.works(t.Context(), brief, w.ok(w.post("/api/createSuborg", object{"email": "pat@example.com", "challenge": challenge, "attestation": attestation, "tempPublicKey": brief.PublicKey()})).text("subOrganizationId"))
	challenge, attestation = passkey()
	solana := w.ok(w.post("/api/createSubOrg", object{"userEmail": "sol@example.com", "subOrgName": "Sol", "challenge": challenge, "attestation": attestation}))
	if solana.text("subOrgId") == "" || solana.text("address") == "" {
		t.Errorf("%s", solana.raw)
	}

	target := newKey().Private() // email-auth
	mail := w.ok(w.post("/api/auth", object{"suborgID": s.OrganizationID, "email": "ann@example.com", "targetPublicKey": p256.Uncompressed(&target.PublicKey), "invalidateExisting": false}))
	w.mailed()
	if w.works(t.Context(), w.opened("ann@example.com", target), s.OrganizationID); mail.text("organizationId") != s.OrganizationID {
		t.Errorf("%s", mail.raw)
	}

	done := w.ok(w.post("/api/proxyRequest", w.stamped(key, `{"type":"ACTIVITY_TYPE_CREATE_WALLET","timestampMs":"1793869200000","organizationId":"`+s.OrganizationID+
		`","parameters":{"walletName":"Passed on","accounts":[]}}`)))
	if r := w.ok(w.post("/api/getActivity", object{"organizationId": s.OrganizationID, "activityId": done.text("activityId")}, bearer...)); r.text("status") != "ACTIVITY_STATUS_COMPLETED" {
		t.Errorf("%s", r.raw)
	}
	if r := w.ok(w.post("/api/getWallet", object{"organizationId": s.OrganizationID}, bearer...)); r.text("name") == "" {
		t.Errorf("%s", r.raw)
	}
}

// actionsStory is what an app sends that calls the server actions of @turnkey/sdk-server by fetch.
func actionsStory(t *testing.T, w *world) {
	key := newKey()
	begun := w.ok(w.post("/api/sendOtp", object{"otpType": "OTP_TYPE_EMAIL", "contact": "ann@example.com", "userIdentifier": key.PublicKey()}))
	jwt := w.ok(w.post("/api/verifyOtp", object{"otpId": begun.text("otpId"), "encryptedOtpBundle": w.seal(begun, w.code("ann@example.com"), key.PublicKey())})).text("verificationToken")
	find := object{"filterType": "EMAIL", "filterValue": "ann@example.com", "verificationToken": jwt}
	if r := w.ok(w.post("/api/getVerifiedSuborgs", find)); r.raw != `{"organizationIds":[]}`+"\n" {
		t.Errorf("%s", r.raw)
	}
	made := w.ok(w.post("/api/createSuborg", w.signs(jwt, key, "ann@example.com", "")))
	login := w.login(jwt, key)
	login["suborgID"], login["sessionLengthSeconds"] = made.text("subOrganizationId"), 600
	session := w.ok(w.post("/api/otpLogin", login))
	if got := w.lives(session, "session", key); got != made.text("subOrganizationId") {
		t.Errorf("logged in to %s, made %s", got, made.raw)
	}
	for _, path := range []string{"/api/getVerifiedSuborgs", "/api/getSuborgs"} {
		if r := w.ok(w.post(path, find)); !strings.Contains(r.raw, made.text("subOrganizationId")) {
			t.Errorf("%s: %s", path, r.raw)
		}
	}
	if r := w.ok(w.post("/api/getUsers", object{"organizationId": made.text("subOrganizationId")}, "Authorization", "Bearer "+session.text("session"))); !strings.Contains(r.raw, "ann@example.com") {
		t.Errorf("%s", r.raw)
	}
	id := w.idToken("gus@example.com", key)
	both := object{"filterType": "OIDC_TOKEN", "filterValue": id, "additionalData": object{"oauthProviders": []any{object{"providerName": "google", "oidcToken": id}}}}
	ids, _ := w.ok(w.post("/api/getOrCreateSuborg", both)).body["subOrganizationIds"].([]any)
	if len(ids) != 1 || ids[0] != w.lives(w.post("/api/oauthLogin", object{"suborgID": ids[0], "oidcToken": id, "publicKey": key.PublicKey()}), "session", key) {
		t.Errorf("%v", ids)
	}
	target := newKey().Private()
	w.ok(w.post("/api/sendCredential", object{"email": "ann@example.com", "targetPublicKey": p256.Uncompressed(&target.PublicKey)}))
	w.mailed()
	w.works(t.Context(), w.opened("ann@example.com", target), made.text("subOrganizationId"))
}

// ownStory is what this program asks of its own backend, and what a browser does there in its rounds.
func ownStory(t *testing.T, w *world) {
	key := newKey()
	if r := w.ok(w.visit("/config", "")); r.body["otpLength"] != 6.0 {
		t.Errorf("offers: %s", r.raw)
	}
	jwt := w.prove("ann@example.com", key, true).text("verificationToken")
	made := w.ok(w.post("/signup", w.signUp(jwt, key, "ann@example.com"))).text("organizationId")
	if got := w.lives(w.post("/otp-login", w.login(jwt, key)), "session", key); got != made {
		t.Errorf("logged in to %s, made %s", got, made)
	}
	x := w.ok(w.post("/oauth2-authenticate", w.oauth2(key))).text("oidcToken")
	w.lives(w.post("/oauth-login", object{"oidcToken": x, "publicKey": key.PublicKey(), "providerName": "x"}), "session", key)

	const verifier = "a-secret-that-only-the-device-has-and-nobody-else"
	sum := sha256.Sum256([]byte(verifier))
	state := w.ok(w.post("/oauth/relay/begin", object{"returnTo": home, "state": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "challenge": base64.RawURLEncoding.EncodeToString(sum[:])})).text("state")
	id := w.idToken("app@example.com", key)
	rec, to := w.sendForm(url.Values{"state": {state}, "id_token": {id}}, nil)
	w.note("/oauth/relay", rec.Code)
	if got := w.ok(w.post("/oauth/relay/token", object{"ticket": to.Query().Get("code"), "verifier": verifier})).text("oidcToken"); got != id {
		t.Errorf("%q", got)
	}

	w.register(newAuthenticator(pageOrigin, "localhost"), "pat@example.com")
	for path, kind := range map[string]string{"/ceremony": "text/html", "/ceremony/page.js": "javascript", "/ceremony/page.css": "text/css"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = pageHost
		rec := httptest.NewRecorder()
		w.h.ServeHTTP(rec, r)
		w.note(path, rec.Code)
		if !strings.Contains(rec.Header().Get("Content-Type"), kind) {
			t.Errorf("%s: %v", path, rec.Header())
		}
	}
}

// Every client of every family calls every route that is for it, with the bodies that the contract has of it, and each
// call does what it is for; a cell of the table that is empty says why. Those that run here themselves, @turnkey/core and
// @turnkey/sdk-server, do it with their own code in TestR21_CoreInTheBrowser and its like.
func TestEveryClientOnEveryRoute(t *testing.T) {
	rows := map[string]bool{"/ceremony": true, "/ceremony/page.js": true, "/ceremony/page.css": true, "/ceremony/open": true, "/ceremony/answer": true} // a browser's, which reads no description
	for path := range described.load(t).Paths.Map() {
		rows[path] = true
	}
	routes := slices.Sorted(maps.Keys(rows))
	cells, calls := make([]map[string]int, len(clients)), 0
	for i, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.story(t, w)
			cells[i] = w.done
		})
	}
	var table, why strings.Builder
	for i, c := range clients {
		fmt.Fprintf(&table, "  %c  %s\n", 'a'+i, c.name)
	}
	fmt.Fprintf(&table, "  %-30s", "")
	for i := range clients {
		fmt.Fprintf(&table, " %2c", 'a'+i)
	}
	table.WriteByte('\n')
	reached := 0
	for _, route := range routes {
		fmt.Fprintf(&table, "  %-30s", route)
		by := 0
		for i, c := range clients {
			n, reason := cells[i][route], c.without[route]
			speaks := slices.Contains(c.speaks, groupOf(route))
			switch {
			case speaks && n == 0 && reason == "":
				t.Errorf("%s never calls %s, and nothing says why", c.name, route)
			case n > 0 && reason != "":
				t.Errorf("%s calls %s, of which it is said: %s", c.name, route, reason)
			}
			switch {
			case speaks && n > 0:
				by, calls = by+1, calls+n
				fmt.Fprintf(&table, " %2d", n)
			case speaks:
				table.WriteString("  -")
				fmt.Fprintf(&why, "  %c %s: %s\n", 'a'+i, route, reason)
			default:
				table.WriteString("  .")
			}
		}
		if by == 0 {
			t.Errorf("no client calls %s", route)
		} else {
			reached++
		}
		table.WriteByte('\n')
	}
	for _, c := range clients {
		for route := range c.without {
			if !rows[route] || !slices.Contains(c.speaks, groupOf(route)) {
				t.Errorf("%s leaves out %s, which is none of its routes", c.name, route)
			}
		}
	}
	t.Logf("%d clients, %d of %d routes, %d calls that did what they were for. A dot is another family's route:\n%s\nLeft out:\n%s", len(clients), reached, len(routes), calls, table.String(), why.String())
}
