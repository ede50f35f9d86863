package backend_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/bundle"
	"latchkey/internal/p256"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

// only returns the only user of an organization, and its wallets.
func (w *world) only(organizationID string) (turnkey.User, []turnkey.Wallet) {
	w.t.Helper()
	users, err := w.parent().ListUsers(w.t.Context(), organizationID)
	if err != nil || len(users) != 1 {
		w.t.Fatalf("users of %s: %+v, %v", organizationID, users, err)
	}
	wallets, err := w.parent().ListWallets(w.t.Context(), organizationID)
	if err != nil {
		w.t.Fatal(err)
	}
	return users[0], wallets
}

// named fails the test unless a session is there under all its names.
func named(t *testing.T, r reply) string {
	t.Helper()
	r.is(t, 200, "")
	s := r.text("session")
	if s == "" || r.text("sessionToken") != s || r.text("token") != s || r.text("organizationId") == "" {
		t.Errorf("a session: %s", r.raw)
	}
	return s
}

// The requests of the Swift kit's example client, current and before, as they stand in the contract.
func TestSwiftRequestsAsTheirClientsSendThem(t *testing.T) {
	challenge, attestation := passkey()
	keyOf := func(k *p256.Key, seconds string) object {
		return object{"apiKeyName": "passkey-auth-" + k.PublicKey(), "publicKey": k.PublicKey(), "curveType": "API_KEY_CURVE_P256", "expirationSeconds": seconds}
	}
	for name, c := range map[string]struct {
		body func(w *world, key *p256.Key) object
		is   func(u turnkey.User) bool
	}{
		"an address":   {func(*world, *p256.Key) object { return object{"email": "ann@example.com"} }, func(u turnkey.User) bool { return u.UserEmail == "ann@example.com" }},
		"a number":     {func(*world, *p256.Key) object { return object{"phone": "+14155550100"} }, func(u turnkey.User) bool { return u.UserPhoneNumber == "+14155550100" }},
		"two contacts": {func(*world, *p256.Key) object { return object{"email": "ann@example.com", "phone": "+14155550100"} }, func(u turnkey.User) bool { return u.UserEmail != "" && u.UserPhoneNumber != "" }},
		"a passkey and a key": {func(_ *world, key *p256.Key) object {
			return object{"passkey": object{"name": "Phone", "challenge": challenge, "attestation": attestation}, "apiKeys": []any{keyOf(key, "900")}}
		}, func(u turnkey.User) bool {
			return len(u.Authenticators) == 1 && u.Authenticators[0].AuthenticatorName == "Phone" && len(u.APIKeys) == 1 && u.APIKeys[0].ExpirationSeconds == 900 &&
				u.Authenticators[0].Transports[0] == "AUTHENTICATOR_TRANSPORT_INTERNAL"
		}},
		"oauth, as the server reads it": {func(w *world, key *p256.Key) object {
			return object{"oauth": object{"providerName": "google", "oidcToken": w.idToken("ann@example.com", key)}}
		}, func(u turnkey.User) bool {
			return len(u.OAuthProviders) == 1 && u.OAuthProviders[0].ProviderName == "google" && u.UserEmail == ""
		}},
		"oAuthProviders, as the client has it": {func(w *world, key *p256.Key) object {
			return object{"oAuthProviders": []any{object{"providerName": "google", "oidcToken": w.idToken("ann@example.com", key)}}}
		}, func(u turnkey.User) bool { return len(u.OAuthProviders) == 1 }},
	} {
		t.Run("createSubOrg by "+name, func(t *testing.T) {
			w := newWorld(t)
			r := w.post("/auth/createSubOrg", c.body(w, newKey()))
			r.is(t, 200, "")
			u, wallets := w.only(r.text("subOrganizationId"))
			if !c.is(u) || u.UserName == "" {
				t.Errorf("%+v", u)
			}
			if len(wallets) != 1 || wallets[0].WalletName != "Default Wallet" {
				t.Errorf("wallets %+v", wallets)
			}
			if accounts, err := w.parent().ListWalletAccounts(t.Context(), r.text("subOrganizationId"), ""); err != nil || len(accounts) != 1 || accounts[0].AddressFormat != "ADDRESS_FORMAT_ETHEREUM" {
				t.Errorf("accounts %+v, %v", accounts, err)
			}
		})
	}
	t.Run("oAuth: sign-up, then log-in", func(t *testing.T) {
		w := newWorld(t)
		first, second := newKey(), newKey()
		in := named(t, w.post("/auth/oAuth", object{"publicKey": first.PublicKey(), "providerName": "google", "oidcToken": w.idToken("ann@example.com", first), "expirationSeconds": "1800"}))
		s := w.session(in, first)
		if s.Expires.Sub(w.clock.now()).Seconds() != 1800 {
			t.Errorf("the session ends at %v", s.Expires)
		}
		w.works(t.Context(), first, s.OrganizationID)
		again := w.session(named(t, w.post("/auth/oAuth", object{"publicKey": second.PublicKey(), "providerName": "google", "oidcToken": w.idToken("ann@example.com", second), "expirationSeconds": "900"})), second)
		if again.OrganizationID != s.OrganizationID {
			t.Error("two organizations of one identity")
		}
		id := w.idToken("ann@example.com", second)
		w.post("/auth/oAuth", object{"publicKey": first.PublicKey(), "oidcToken": id}).is(t, 403, "login.refused") // bound to another key
		if r := w.post("/auth/getSubOrgId", object{"filterType": "OIDC_TOKEN", "filterValue": id}); r.text("organizationId") != s.OrganizationID {
			t.Errorf("by its token: %s", r.raw)
		}
		// One identity has one account, whoever asks for another.
		w.post("/auth/createSubOrg", object{"email": "ann@example.com", "oauth": object{"providerName": "google", "oidcToken": id}}).is(t, 409, "signup.refused")
	})
	t.Run("verifyOtp in both shapes, by text message", func(t *testing.T) {
		w := newWorld(t)
		key := newKey()
		prove := func(more object) reply {
			begun := w.ok(w.post("/auth/sendOtp", object{"otpType": "OTP_TYPE_SMS", "contact": "+1 415 555 0100", "userIdentifier": key.PublicKey()}))
			in := object{"otpId": begun.text("otpId"), "otpCode": w.code("+14155550100"), "expirationSeconds": "1200"}
			for name, value := range more {
				in[name] = value
			}
			return w.ok(w.post("//auth/verifyOtp", in))
		}
		current := prove(nil)
		if current.text("verificationToken") == "" || len(current.body) != 1 {
			t.Errorf("the current one: %s", current.raw)
		}
		login := w.post("/auth/otp", object{"verificationToken": current.text("verificationToken"), "otpType": "OTP_TYPE_SMS", "contact": "+1 415 555 0100",
			"publicKey": key.PublicKey(), "expirationSeconds": "1200"})
		s := w.session(named(t, login), key)
		demo := w.session(named(t, prove(object{"otpType": "OTP_TYPE_SMS", "contact": "+1 415 555 0100", "publicKey": key.PublicKey()})), key)
		if s.OrganizationID != demo.OrganizationID || demo.Expires.Sub(w.clock.now()).Seconds() != 1200 {
			t.Errorf("%+v, %+v", s, demo)
		}
		r := w.post("/auth/verifyOtp", object{"otpId": "x", "otpCode": "1"})
		if r.status == 200 || r.text("error") == "" || r.text("message") == "" {
			t.Errorf("a refusal: %s", r.raw)
		}
	})
	t.Run("verifyOtp keeps the code of a request that could not be served", func(t *testing.T) {
		w := newWorld(t)
		key := newKey()
		begun := w.ok(w.post("/auth/sendOtp", object{"contact": "ann@example.com"}))
		in := object{"otpId": begun.text("otpId"), "otpCode": w.code("ann@example.com"), "contact": "ann@example.com", "publicKey": "04"}
		w.post("/auth/verifyOtp", in).is(t, 400, "request.invalid")
		in["publicKey"] = key.PublicKey()
		named(t, w.post("/auth/verifyOtp", in))
	})
}

// The bodies of the web examples' actions, as they stand in the contract.
func TestWebBodiesAsTheExamplesSendThem(t *testing.T) {
	challenge, attestation := passkey()
	attestation["transports"] = []any{"AUTHENTICATOR_TRANSPORT_HYBRID"}
	for name, c := range map[string]struct {
		path string
		body func(w *world, key *p256.Key) object
		is   func(u turnkey.User, key *p256.Key) bool
	}{
		"an address": {"/api/createSuborg", func(*world, *p256.Key) object { return object{"email": "ann@example.com"} }, func(u turnkey.User, _ *p256.Key) bool { return u.UserEmail == "ann@example.com" }},
		"providers": {"/api/createSuborg", func(w *world, key *p256.Key) object {
			return object{"oauthProviders": []any{object{"providerName": "google", "oidcToken": w.idToken("ann@example.com", key)}}}
		}, func(u turnkey.User, _ *p256.Key) bool { return len(u.OAuthProviders) == 1 }},
		"a token for several platforms": {"/api/createSuborg", func(w *world, key *p256.Key) object {
			return object{"oidcToken": w.idToken("ann@example.com", key), "secondaryClientIds": []any{"ios", "android"}}
		}, func(u turnkey.User, _ *p256.Key) bool {
			return len(u.OAuthProviders) == 3 && u.OAuthProviders[0].Subject == u.OAuthProviders[2].Subject && u.OAuthProviders[0].Audience == "app"
		}},
		"a wallet's key": {"/api/createSuborg", func(_ *world, key *p256.Key) object {
			return object{"publicKey": key.PublicKey(), "curveType": "API_KEY_CURVE_P256"}
		},
			func(u turnkey.User, key *p256.Key) bool {
				return len(u.APIKeys) == 1 && u.APIKeys[0].Credential.PublicKey == key.PublicKey() && u.APIKeys[0].APIKeyName == "wallet-auth:"+key.PublicKey()
			}},
		"a wallet": {"/api/createSuborg", func(*world, *p256.Key) object {
			return object{"wallet": object{"publicKey": "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "type": "ethereum"}}
		}, func(u turnkey.User, _ *p256.Key) bool {
			return len(u.APIKeys) == 1 && u.APIKeys[0].Credential.Type == "CREDENTIAL_TYPE_API_KEY_SECP256K1"
		}},
		"a passkey and a key for a minute": {"/api/createSuborg", func(_ *world, key *p256.Key) object {
			return object{"email": "ann@example.com", "challenge": challenge, "attestation": attestation, "tempPublicKey": key.PublicKey()}
		}, func(u turnkey.User, _ *p256.Key) bool {
			return len(u.Authenticators) == 1 && u.Authenticators[0].Transports[0] == "AUTHENTICATOR_TRANSPORT_HYBRID" && len(u.APIKeys) == 1 && u.APIKeys[0].ExpirationSeconds == 60
		}},
		"a passkey by the API route": {"/api/createSubOrg", func(*world, *p256.Key) object {
			return object{"userEmail": "ann@example.com", "subOrgName": "Ann's", "challenge": challenge, "attestation": attestation}
		}, func(u turnkey.User, _ *p256.Key) bool {
			return len(u.Authenticators) == 1 && u.UserEmail == "ann@example.com"
		}},
		"a passkey of the actions": {"/api/createSuborg", func(*world, *p256.Key) object {
			return object{"phoneNumber": "+14155550100", "passkey": object{"authenticatorName": "Mine", "challenge": challenge, "attestation": attestation}}
		}, func(u turnkey.User, _ *p256.Key) bool {
			return u.Authenticators[0].AuthenticatorName == "Mine" && u.UserPhoneNumber != ""
		}},
	} {
		t.Run("by "+name, func(t *testing.T) {
			w := newWorld(t)
			key := newKey()
			r := w.post(c.path, c.body(w, key))
			r.is(t, 200, "")
			org := r.text("subOrganizationId")
			u, wallets := w.only(org)
			if !c.is(u, key) {
				t.Errorf("%+v", u)
			}
			var made struct {
				SubOrgID, ID, Address string
				Activity              struct{ Status string }
				RootUserIDs           []string
				Wallet                struct {
					ID, Name string
					Accounts []struct{ Address, Path string }
				}
			}
			if err := json.Unmarshal([]byte(r.raw), &made); err != nil {
				t.Fatal(err)
			}
			if made.SubOrgID != org || made.Activity.Status != "ACTIVITY_STATUS_COMPLETED" || made.RootUserIDs[0] != u.UserID || len(wallets) != 1 || made.ID != wallets[0].WalletID ||
				made.Wallet.ID != made.ID || len(made.Wallet.Accounts) != 2 || made.Wallet.Accounts[0].Path != "m/44'/60'/0'/0/0" || !strings.HasPrefix(made.Wallet.Accounts[0].Address, "0x") ||
				made.Address != made.Wallet.Accounts[1].Address {
				t.Errorf("%s", r.raw)
			}
		})
	}
	t.Run("log-in by id token", func(t *testing.T) {
		w := newWorld(t)
		key := newKey()
		id := w.idToken("ann@example.com", key)
		none := w.post("/api/getSuborgs", object{"filterType": "OIDC_TOKEN", "filterValue": id})
		if none.raw != `{"organizationIds":[]}`+"\n" {
			t.Errorf("nobody yet: %s", none.raw)
		}
		org := w.ok(w.post("/api/createSuborg", object{"oauthProviders": []any{object{"providerName": "google", "oidcToken": id}}})).text("subOrganizationId")
		if r := w.post("/api/getSuborgs", object{"filterValue": id}); !strings.Contains(r.raw, org) {
			t.Errorf("its account: %s", r.raw)
		}
		s := w.session(named(t, w.post("/api/oauthLogin", object{"suborgID": org, "oidcToken": id, "publicKey": key.PublicKey(), "sessionLengthSeconds": 600})), key)
		if s.OrganizationID != org || s.Expires.Sub(w.clock.now()).Seconds() != 600 {
			t.Errorf("%+v", s)
		}
		claims := object{"filterValue": `{"issuer":"i","subject":"s","audience":"a"}`}
		if r := w.post("/api/getSuborgs", claims); r.raw != none.raw {
			t.Errorf("by claims: %s", r.raw)
		}
	})
	t.Run("get or create by a key", func(t *testing.T) {
		w := newWorld(t)
		key := newKey()
		in := object{"filterType": "PUBLIC_KEY", "filterValue": key.PublicKey(), "additionalData": object{"publicKey": key.PublicKey(), "curveType": "API_KEY_CURVE_P256"}}
		first := w.ok(w.post("/api/getOrCreateSuborg", in))
		if second := w.ok(w.post("/api/getOrCreateSuborg", in)); second.raw != first.raw || !strings.Contains(first.raw, `"subOrganizationIds":["`) {
			t.Errorf("%s, then %s", first.raw, second.raw)
		}
	})
}

// A key by e-mail goes to the mailbox of whoever has the address, and to nobody whom an attacker names.
func TestWebMailBringsAKeyToItsOwner(t *testing.T) {
	w := newWorld(t)
	key, attacker := newKey(), newKey()
	org := w.session(kits[3].enter(w, "ann@example.com", key), key).OrganizationID
	trap := kits[3].signUp(w, "ann@example.com", attacker)
	target := newKey().Private()
	in := object{"email": "ann@example.com", "targetPublicKey": p256.Uncompressed(&target.PublicKey), "invalidateExisting": true}
	for i, suborg := range []string{"", org, trap, "7f6f1a7e-3c5d-4a52-9b66-000000000000"} {
		before := w.network.count("/email_auth")
		w.clock.advance(10 * 60e9)
		in["suborgID"] = suborg
		r := w.ok(w.post("/api/sendCredential", in))
		w.mailed()
		want := suborg
		if want == "" {
			want = w.facts.OrganizationID
		}
		if r.text("organizationId") != want || r.text("userId") != "" {
			t.Errorf("%d: %s", i, r.raw)
		}
		if sent := w.network.count("/email_auth") - before; sent != map[bool]int{true: 1}[i < 2] {
			t.Errorf("to %q: %d e-mails", suborg, sent)
		}
		if i == 1 {
			w.works(t.Context(), w.opened("ann@example.com", target), org)
		}
	}
	for _, bad := range []object{{"email": "ann@example.com"}, {"email": "ann@example.com", "targetPublicKey": key.PublicKey()},
		{"email": "nobody", "targetPublicKey": in["targetPublicKey"]}, {"email": "a@example.com", "targetPublicKey": in["targetPublicKey"], "suborgID": "x"},
		{"email": "a@example.com", "targetPublicKey": in["targetPublicKey"], "sessionLengthSeconds": -1}} {
		if r := w.post("/api/auth", bad); r.status != 400 {
			t.Errorf("%v: %d %s", bad, r.status, r.raw)
		}
	}
}

// mailed waits until no e-mail is on its way.
func (w *world) mailed() {
	w.t.Helper()
	if err := w.b.Finish(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// opened returns the key that the newest e-mail to a contact brings.
func (w *world) opened(to string, target *ecdsa.PrivateKey) *p256.Key {
	w.t.Helper()
	r := httptest.NewRequest("GET", "/inbox?to="+url.QueryEscape(to), nil)
	r.Host = "127.0.0.1:1"
	rec := httptest.NewRecorder()
	w.box.Control().ServeHTTP(rec, r)
	var in struct{ Messages []struct{ Bundle string } }
	if err := json.Unmarshal(rec.Body.Bytes(), &in); err != nil || len(in.Messages) == 0 {
		w.t.Fatalf("no message to %s: %s", to, rec.Body)
	}
	ecdh, err := target.ECDH()
	if err != nil {
		w.t.Fatal(err)
	}
	scalar, err := bundle.OpenCredential(ecdh, in.Messages[0].Bundle)
	if err != nil {
		w.t.Fatal(err)
	}
	return p256.NewKey(scalar)
}

// What a person stamped is passed on as it is, to the API alone, and not under the parent's key.
func TestWebRelayPassesOnWhatItsPersonStamped(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	org := w.session(kits[3].enter(w, "ann@example.com", key), key).OrganizationID
	request := func(signer *p256.Key, body string) object {
		s, err := stamp.APIKey{Signer: signer}.Stamp(t.Context(), []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return object{"url": "https://api.turnkey.com/public/v1/submit/create_wallet", "body": body, "stamp": object{"stampHeaderName": s.HeaderName, "stampHeaderValue": s.HeaderValue}}
	}
	body := `{"type":"ACTIVITY_TYPE_CREATE_WALLET","timestampMs":"1793869200000","organizationId":"` + org + `","parameters":{"walletName":"Passed on","accounts":[]}}`
	r := w.ok(w.post("/api/proxyRequest", request(key, body)))
	if r.text("activityId") == "" || r.text("organizationId") != org || r.text("message") == "" {
		t.Errorf("%s", r.raw)
	}
	if _, wallets := w.only(org); len(wallets) != 2 {
		t.Errorf("wallets %+v", wallets)
	}
	w.post("/api/proxyRequest", request(newKey(), body)).is(t, 401, "session.rejected")
	before := len(w.network.calls)
	for name, change := range map[string]func(o object){
		"elsewhere":      func(o object) { o["url"] = "https://evil.example/collect" },
		"a path trick":   func(o object) { o["url"] = "https://api.turnkey.com/public/v1/submit/../../admin" },
		"a query":        func(o object) { o["url"] = "https://api.turnkey.com/public/v1/query/whoami?x=1" },
		"another header": func(o object) { o["stamp"].(object)["stampHeaderName"] = "Authorization" },
		"two headers":    func(o object) { o["stamp"].(object)["stampHeaderValue"] = "x\r\nX-Stamp: y" },
		"no stamp":       func(o object) { delete(o, "stamp") },
		"no body":        func(o object) { delete(o, "body") },
	} {
		in := request(key, body)
		change(in)
		if r := w.post("/api/proxyRequest", in); r.status != 400 {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	if len(w.network.calls) != before {
		t.Error("the service was asked")
	}
}
