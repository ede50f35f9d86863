package sandbox

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/internal/p256"
	"latchkey/internal/stamp"
)

const nowhere = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"

// stampOf is the header of key over body.
func (b *box) stampOf(key *p256.Key, body []byte) string {
	b.t.Helper()
	s, err := stamp.APIKey{Signer: key}.Stamp(b.t.Context(), body)
	if err != nil {
		b.t.Fatal(err)
	}
	return s.HeaderValue
}

func TestStampsAreRefusedInTheServicesWords(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	stranger := newKey()
	good := []byte(`{"organizationId":"` + b.root.org + `"}`)
	raw := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for _, c := range []struct {
		name    string
		path    string
		body    string
		header  http.Header
		status  int
		code    string
		message string
	}{
		{"no stamp on a query", "query/whoami", string(good), nil, 401, "SIGNATURE_MISSING", "no valid authentication signature found for request"},
		{"no stamp on a submission", "submit/stamp_login", string(b.root.envelope("STAMP_LOGIN", m{"publicKey": stranger.PublicKey()})), nil,
			401, "SIGNATURE_MISSING", "cannot authenticate public API activity request without a stamp (X-Stamp/X-Stamp-Webauthn header)"},
		{"not base64", "query/whoami", string(good), http.Header{"X-Stamp": {"{}"}}, 401, "SIGNATURE_INVALID", "could not extract api key stamp"},
		{"not a stamp", "query/whoami", string(good), http.Header{"X-Stamp": {raw(`{"publicKey":"02"}`)}}, 401, "SIGNATURE_INVALID", "could not extract api key stamp"},
		{"a scheme that there is not", "query/whoami", string(good), http.Header{"X-Stamp": {raw(`{"publicKey":"02` + strings.Repeat("1", 64) + `","scheme":"SIGNATURE_SCHEME_TK_API_P384","signature":"3006020101020101"}`)}},
			401, "SIGNATURE_INVALID", "could not extract api key stamp"},
		{"two stamps", "query/whoami", string(good), http.Header{"X-Stamp": {"a"}, "X-Stamp-Webauthn": {"b"}}, 401, "SIGNATURE_INVALID", "malformed activity stamp"},
		{"the same stamp twice", "query/whoami", string(good), http.Header{"X-Stamp": {"a", "a"}}, 401, "SIGNATURE_INVALID", "malformed activity stamp"},
		{"a broken passkey stamp", "query/whoami", string(good), http.Header{"X-Stamp-WebAuthn": {"nonsense"}}, 401, "SIGNATURE_INVALID", "could not extract webauthn stamp"},
		{"an unknown passkey", "query/whoami", string(good), http.Header{"X-Stamp-WebAuthn": {`{"credentialId":"Y3JlZA","authenticatorData":"AA","clientDataJson":"AA","signature":"AA"}`}},
			401, "CREDENTIAL_NOT_FOUND", "credential ID could not be found in organization or its parent organization organizationId=" + b.root.org + " credentialId=Y3JlZA"},
		{"an attested stamp", "query/whoami", string(good), http.Header{"X-Stamp-Attested": {"{}"}}, 401, "SIGNATURE_INVALID", "could not extract attested stamp"},
		{"a read-only session", "query/whoami", string(good), http.Header{"X-Session": {"x"}}, 401, "UNAUTHENTICATED", "could not verify read only session"},
		{"an unknown key", "query/whoami", string(good), http.Header{"X-Stamp": {b.stampOf(stranger, good)}}, 401, "PUBLIC_KEY_NOT_FOUND",
			"could not find public key in organization or its parent organization organizationId=" + b.root.org + " publicKey=" + stranger.PublicKey()},
		{"another body", "query/whoami", string(good) + " ", http.Header{"X-Stamp": {b.stampOf(b.root.key, good)}}, 401, "SIGNATURE_INVALID", "could not verify api key signature"},
		{"no such organization", "query/whoami", `{"organizationId":"` + nowhere + `"}`, http.Header{"X-Stamp": {b.stampOf(stranger, good)}},
			404, "ORGANIZATION_NOT_FOUND", "no organization found with the given ID"},
		{"no UUID", "query/whoami", `{"organizationId":"sandbox"}`, http.Header{"X-Stamp": {b.stampOf(stranger, good)}}, 400, "INVALID_ORGANIZATION_ID", "malformed organization ID provided"},
		{"an empty organization", "query/whoami", `{"organizationId":""}`, http.Header{"X-Stamp": {b.stampOf(stranger, good)}}, 400, "INVALID_ORGANIZATION_ID", "malformed organization ID provided"},
		{"a UUID in braces", "query/whoami", `{"organizationId":"{` + nowhere[:34] + `}"}`, http.Header{"X-Stamp": {b.stampOf(stranger, good)}}, 400, "INVALID_ORGANIZATION_ID", "malformed organization ID provided"},
		{"no JSON", "query/whoami", `{"organizationId":`, http.Header{"X-Stamp": {b.stampOf(stranger, good)}}, 400, "REQUEST_INVALID", "bad request body"},
		{"no organization", "query/whoami", `{}`, http.Header{"X-Stamp": {b.stampOf(stranger, good)}}, 400, "REQUEST_INVALID", "invalid request body: missing field `organizationId`"},
		{"no body", "query/whoami", ``, nil, 400, "REQUEST_INVALID", "bad request body"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.post(c.path, []byte(c.body), c.header).refused(c.status, c.code, c.message)
		})
	}
	t.Run("a sub-organization's key at its parent finds only itself", func(t *testing.T) {
		if got := jane.in(b.root.org).query("whoami", nil).ok().text("organizationId"); got != jane.org {
			t.Errorf("whoami at the parent: %s", got)
		}
	})
}

// The checks come in the service's order: the first that fails decides, whatever else is wrong.
func TestChecksComeInTheServicesOrder(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	b.time.advance(16 * time.Minute) // jane's key has ended
	// Each row is wrong in its own way and in every later one; the stamp is always over other bytes, and the time stale.
	stale := func(org string) string {
		return `{"type":"ACTIVITY_TYPE_STAMP_LOGIN","timestampMs":"1","organizationId":"` + org + `","parameters":{"publicKey":"x"}}`
	}
	wrong := []byte("other bytes")
	for _, c := range []struct {
		name   string
		body   string
		stamp  string
		status int
		code   string
	}{
		{"body", `{`, "", 400, "REQUEST_INVALID"},
		{"stamp present", stale("x"), "", 401, "SIGNATURE_MISSING"},
		{"stamp decodes", stale("x"), "nonsense", 401, "SIGNATURE_INVALID"},
		{"organization id", stale("x"), b.stampOf(newKey(), wrong), 400, "INVALID_ORGANIZATION_ID"},
		{"organization", stale(nowhere), b.stampOf(newKey(), wrong), 404, "ORGANIZATION_NOT_FOUND"},
		{"key", stale(jane.org), b.stampOf(newKey(), wrong), 401, "PUBLIC_KEY_NOT_FOUND"},
		{"expiry", stale(jane.org), b.stampOf(jane.key, wrong), 401, "API_KEY_EXPIRED"},
		{"signature", stale(b.root.org), b.stampOf(b.root.key, wrong), 401, "SIGNATURE_INVALID"},
		{"timestamp", stale(b.root.org), b.stampOf(b.root.key, []byte(stale(b.root.org))), 400, "REQUEST_INVALID"},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := http.Header{}
			if c.stamp != "" {
				header.Set("X-Stamp", c.stamp)
			}
			b.post("submit/stamp_login", []byte(c.body), header).refused(c.status, c.code, "")
		})
	}
}

func TestAnExpiredKeySaysSoInTheWordsThatKitsLookFor(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	jane.query("whoami", nil).ok()
	b.time.advance(900*time.Second - time.Millisecond)
	jane.query("whoami", nil).ok()
	b.time.advance(time.Millisecond)
	jane.query("whoami", nil).refused(401, "API_KEY_EXPIRED", "Unauthenticated desc = expired api key publicKey="+jane.key.PublicKey())
	jane.submit("STAMP_LOGIN", m{"publicKey": newKey().PublicKey()}).refused(401, "API_KEY_EXPIRED", "Unauthenticated desc = expired api key publicKey")
}

func TestOneKeyInTwoSubOrganizationsIsAConflictAtTheParentAlone(t *testing.T) {
	b := newBox(t, Options{})
	shared := newKey()
	var orgs []string
	for _, name := range []string{"one", "two"} {
		r := b.root.submit("CREATE_SUB_ORGANIZATION_V7", m{"subOrganizationName": name, "rootQuorumThreshold": 1, "rootUsers": []m{{
			"userName": name, "authenticators": []m{}, "oauthProviders": []m{},
			"apiKeys": []m{{"apiKeyName": "shared", "publicKey": shared.PublicKey(), "curveType": "API_KEY_CURVE_P256"}},
		}}}).result("createSubOrganizationResultV7")
		orgs = append(orgs, r.text("subOrganizationId"))
		if len(orgs) == 1 {
			if got := b.root.with(shared).query("whoami", nil).ok().text("organizationId"); got != orgs[0] {
				t.Errorf("the parent's id stands for %s, want %s", got, orgs[0])
			}
		}
	}
	b.root.with(shared).query("whoami", nil).refused(401, "CREDENTIAL_CONFLICT", "more than one suborg associated with a public key")
	for i, org := range orgs {
		if got := b.root.with(shared).in(org).query("whoami", nil).ok().text("organizationId"); got != org {
			t.Errorf("sub-organization %d: whoami says %s", i, got)
		}
	}
}

// A key that the parent knows and a sub-organization too belongs to whichever was named.
func TestTheNamedOrganizationsOwnKeyComesFirst(t *testing.T) {
	b := newBox(t, Options{})
	parent := b.Facts().OrganizationID
	r := b.root.submit("CREATE_SUB_ORGANIZATION_V7", m{"subOrganizationName": "both", "rootQuorumThreshold": 1, "rootUsers": []m{{
		"userName": "both", "authenticators": []m{}, "oauthProviders": []m{},
		"apiKeys": []m{{"apiKeyName": "both", "publicKey": b.root.key.PublicKey(), "curveType": "API_KEY_CURVE_P256"}},
	}}}).result("createSubOrganizationResultV7")
	for _, org := range []string{parent, r.text("subOrganizationId")} {
		if got := b.root.in(org).query("whoami", nil).ok().text("organizationId"); got != org {
			t.Errorf("named %s, found %s", org, got)
		}
	}
}

func TestTheTimestampWindow(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	for _, c := range []struct {
		name string
		age  time.Duration
		ok   bool
	}{
		{"now", 0, true},
		{"just under an hour old", time.Hour - time.Millisecond, true},
		{"an hour old", time.Hour, false},
		{"five minutes ahead", -5 * time.Minute, true},
		{"over five minutes ahead", -5*time.Minute - time.Millisecond, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ms := strconv.FormatInt(b.time.now().Add(-c.age).UnixMilli(), 10)
			a := jane.send("submit/stamp_login", []byte(`{"type":"ACTIVITY_TYPE_STAMP_LOGIN","timestampMs":"`+ms+`","organizationId":"`+jane.org+
				`","parameters":{"publicKey":"`+newKey().PublicKey()+`"}}`))
			if c.ok {
				a.result("stampLoginResult")
			} else {
				a.refused(400, "REQUEST_INVALID", "timestamp")
			}
		})
	}
}

// Nobody's key is good in another organization, whatever is asked or done there and whichever ids are known.
func TestIsolation_AKeyNeverReachesAnotherOrganization(t *testing.T) {
	b := newBox(t, Options{})
	jane, mallory := b.logIn("jane@doe.test"), b.logIn("mallory@doe.test")
	made := jane.submit("CREATE_WALLET", m{"walletName": "Jane's own", "accounts": []m{ethereum(0)}})
	wallet, address := made.result("createWalletResult").text("walletId"), made.result("createWalletResult").text("addresses", "0")
	keyID := jane.query("get_api_keys", nil).ok().text("apiKeys", "0", "apiKeyId")
	passkeyID := jane.submit("CREATE_AUTHENTICATORS_V2", m{"userId": jane.user, "authenticators": []m{someAuthenticator("", "")}}).
		result("createAuthenticatorsResult").text("authenticatorIds", "0")
	ids := m{"userId": jane.user, "oauth2CredentialId": jane.submit("CREATE_OAUTH2_CREDENTIAL", m{"provider": "OAUTH2_PROVIDER_X", "clientId": "Jane's app", "encryptedClientSecret": b.sealSecret("s")}).
		result("createOauth2CredentialResult").text("oauth2CredentialId"),
		"authenticatorId": passkeyID, "walletId": wallet, "address": address, "apiKeyId": keyID, "activityId": made.text("activity", "id"),
		"privateKeyId": jane.submit("CREATE_PRIVATE_KEYS_V2", m{"privateKeys": []m{{"privateKeyName": "Jane's own too", "curve": "CURVE_P256",
			"privateKeyTags": []string{}, "addressFormats": []string{}}}}).result("createPrivateKeysResultV2").text("privateKeys", "0", "privateKeyId"),
		"sessionProfileId": nowhere, "email": "jane@doe.test",
		"smartContractInterfaceId": jane.submit("CREATE_SMART_CONTRACT_INTERFACE", m{"smartContractAddress": "0x78839f6054d7ed13918bae0473ba31b1ca9d7265",
			"smartContractInterface": "[]", "type": interfaceEthereum, "label": "Jane's own contract"}).result("createSmartContractInterfaceResult").text("smartContractInterfaceId"),
		"mfaPolicyId": jane.submit("CREATE_MFA_POLICY", m{"userId": jane.user, "mfaPolicyName": "Jane's own factor", "condition": "false", "order": 0,
			"requiredAuthenticationMethods": []m{{"any": []m{{"type": "AUTHENTICATION_TYPE_SESSION"}}}}}).result("createMfaPolicyResult").text("mfaPolicyId"),
		"policyId":   jane.submit("CREATE_POLICY_V3", m{"policyName": "Jane's own rule", "effect": "EFFECT_ALLOW", "notes": ""}).result("createPolicyResult").text("policyId"),
		"filterType": "EMAIL", "filterValue": "jane@doe.test"}
	secrets := []string{jane.user, wallet, address, keyID, made.text("activity", "id"), jane.key.PublicKey(), "jane@doe.test", "Jane's own", "Jane's app"}
	all := endpoints()
	for _, path := range slices.Sorted(maps.Keys(all)) { // queries first: what Mallory submits names what is Jane's
		e, name := all[path], strings.TrimPrefix(path, "/public/v1/")
		kinds := submitOf{"": {}}
		if s, ok := e.(submitOf); ok {
			kinds = s
		}
		for kind := range kinds {
			body := func(org string) []byte {
				all := m{"organizationId": org}
				for k, v := range ids {
					all[k] = v
				}
				if kind != "" {
					all = m{"type": kind, "organizationId": org, "timestampMs": strconv.FormatInt(b.time.now().UnixMilli(), 10), "parameters": parametersFor(kind, ids)}
				}
				return mustJSON(all)
			}
			// In Jane's organization the key is unknown; in Mallory's own, and at the parent, which stands for it, Jane's
			// ids lead nowhere.
			a := mallory.send(name, body(jane.org))
			if a.status == 200 {
				t.Errorf("%s %s: Mallory's key is good in Jane's organization", name, kind)
			} else if a.status != 501 {
				a.refused(401, "PUBLIC_KEY_NOT_FOUND", "could not find public key")
			}
			for _, org := range []string{mallory.org, b.root.org} {
				b.time.advance(time.Millisecond)
				a := mallory.send(name, body(org))
				text := string(a.raw)
				if a.status != 200 || kind != "" {
					continue // a refusal or an activity repeats what was sent
				}
				for _, secret := range secrets {
					if strings.Contains(text, secret) {
						t.Errorf("%s: answers Mallory with %s: %s", name, secret, text)
					}
				}
			}
		}
	}
	jane.query("list_wallets", nil).ok()
	if got := len(jane.query("get_api_keys", nil).ok().at("apiKeys").([]any)); got != 1 {
		t.Errorf("Jane has %d keys", got)
	}
}

// parametersFor are well-formed parameters of a kind of activity that name somebody's things.
func parametersFor(kind string, ids m) m {
	p := m{
		"smartContractAddress": "0x78839f6054d7ed13918bae0473ba31b1ca9d7265", "smartContractInterface": "[]", "label": "l", "smartContractInterfaceId": nowhere,
		"mfaPolicyName": "p", "mfaPolicyId": nowhere, "condition": "true", "order": 0,
		"requiredAuthenticationMethods": []m{{"any": []m{{"type": "AUTHENTICATION_TYPE_SESSION"}}}},
		"policyName":                    "p", "effect": "EFFECT_ALLOW", "notes": "", "policyId": nowhere, "policyIds": []string{nowhere},
		"policies":  []m{{"policyName": "p", "effect": "EFFECT_ALLOW", "notes": ""}},
		"publicKey": newKey().PublicKey(), "userId": ids["userId"], "walletId": ids["walletId"], "signWith": ids["address"], "address": ids["address"],
		"payload": "00", "payloads": []string{"00"}, "encoding": "PAYLOAD_ENCODING_HEXADECIMAL", "hashFunction": "HASH_FUNCTION_SHA256",
		"accounts": []m{ethereum(1)}, "walletName": "w", "apiKeyIds": []any{ids["apiKeyId"]},
		"apiKeys":         []m{{"apiKeyName": "k", "publicKey": newKey().PublicKey(), "curveType": "API_KEY_CURVE_P256"}},
		"clientSignature": m{"publicKey": "x", "scheme": "CLIENT_SIGNATURE_SCHEME_API_P256", "message": "x", "signature": "x"}, "verificationToken": "x",
		"fingerprint":    print{}.String(),
		"authenticators": []m{someAuthenticator(kind, ids["userId"])}, "authenticatorIds": []any{fmt.Sprint(ids["authenticatorId"])},
		"rootAuthenticator": someAuthenticator("", ""),
		"walletIds":         []any{ids["walletId"]}, "walletAccountIds": []any{nowhere}, "privateKeyIds": []any{ids["privateKeyId"]}, "privateKeyId": ids["privateKeyId"],
		"targetPublicKey": newKey().PublicKey(), "encryptedBundle": "x", "privateKeyName": "k", "curve": "CURVE_ED25519", "addressFormats": []string{},
		"privateKeys":         []m{{"privateKeyName": "k", "curve": "CURVE_P256", "privateKeyTags": []string{}, "addressFormats": []string{}}},
		"unsignedTransaction": "eb808504a817c8008252089478839f6054d7ed13918bae0473ba31b1ca9d726587038d7ea4c6800080018080", "type": "TRANSACTION_TYPE_ETHEREUM",
		"oauth2CredentialId": nowhere, "authCode": "x", "redirectUri": "x", "codeVerifier": "x", "nonce": "x", "provider": "OAUTH2_PROVIDER_X", "clientId": "x", "encryptedClientSecret": "00",
		"providerIds": []any{nowhere}, "oidcToken": "x.x.x", "oauthProviders": []m{{"providerName": "p", "oidcToken": "x.x.x"}},
		"otpType": "OTP_TYPE_EMAIL", "contact": "jane@doe.test", "appName": "x", "otpId": nowhere, "email": "jane@doe.test", "emailCustomization": m{"appName": "x"}, "sessionProfileName": "x", "scope": "true", "otpCode": "x", "encryptedOtpBundle": "x",
		"subOrganizationName": "x", "rootQuorumThreshold": 1,
		"users":   []m{{"userName": "x", "userEmail": "x@doe.test", "accessType": "ACCESS_TYPE_API", "apiKeys": []m{}, "authenticators": []m{}, "oauthProviders": []m{}, "userTags": []string{}}},
		"userIds": []any{ids["userId"]}, "userName": "x", "userEmail": "jane@doe.test", "userPhoneNumber": "+4915112345678", "threshold": 1, "organizationName": "x",
		"privateKeyTagName": "x", "newPrivateKeyTagName": "x", "privateKeyTagId": nowhere, "privateKeyTagIds": []string{nowhere}, "addPrivateKeyIds": []any{ids["privateKeyId"]}, "removePrivateKeyIds": []string{},
		"userTagName": "x", "newUserTagName": "x", "userTagId": nowhere, "userTagIds": []string{nowhere}, "addUserIds": []any{ids["userId"]}, "removeUserIds": []any{ids["userId"]},
		"name": "FEATURE_NAME_WEBHOOK", "value": "https://hooks.test/x",
		"rootUsers": []m{{"userName": "x", "userEmail": "jane@doe.test", "apiKeys": []m{}, "authenticators": []m{}, "oauthProviders": []m{}}}}
	if strings.HasPrefix(kind, "ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION") || strings.HasPrefix(kind, "ACTIVITY_TYPE_UPDATE_USER") {
		delete(p, "verificationToken")
		p["name"] = "x"
	}
	if kind == "ACTIVITY_TYPE_RECOVER_USER" {
		p["authenticator"] = someAuthenticator("", nil)
	}
	return p
}

// ethereum asks for the n-th Ethereum account.
func ethereum(n int) m {
	return m{"curve": "CURVE_SECP256K1", "pathFormat": "PATH_FORMAT_BIP32", "path": "m/44'/60'/" + strconv.Itoa(n) + "'/0/0", "addressFormat": "ADDRESS_FORMAT_ETHEREUM"}
}
