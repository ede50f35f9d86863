package sandbox

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/uuid"

	"latchkey/internal/p256"
	"latchkey/internal/stamp"
	"latchkey/internal/token"
)

// phone is a software authenticator with one passkey.
type phone struct {
	rp         virtualwebauthn.RelyingParty
	auth       virtualwebauthn.Authenticator
	credential virtualwebauthn.Credential
}

var _ stamp.Stamper = (*phone)(nil)

func newPhone(kind virtualwebauthn.KeyType) *phone {
	return &phone{
		rp:         virtualwebauthn.RelyingParty{ID: "app.example", Name: "App", Origin: "https://app.example"},
		auth:       virtualwebauthn.NewAuthenticator(),
		credential: newCredential(kind),
	}
}

// newCredential makes a credential as authenticators do. The library writes a coordinate that begins with a zero byte in
// fewer than 32 bytes, which no authenticator does; so a key with one is not taken.
func newCredential(kind virtualwebauthn.KeyType) virtualwebauthn.Credential {
	const whole = 77 // bytes of COSE with two coordinates of 32
	for {
		c := virtualwebauthn.NewCredential(kind)
		if kind != virtualwebauthn.KeyTypeEC2 || len(c.Key.AttestationData()) == whole {
			return c
		}
	}
}

func (p *phone) id() string { return base64.RawURLEncoding.EncodeToString(p.credential.ID) }

// register returns an authenticator's parameters, for a challenge of its own.
func (p *phone) register(name string) m {
	challenge := []byte("a challenge for " + name)
	var answer struct {
		RawID    string
		Response struct{ AttestationObject, ClientDataJSON string }
	}
	text := virtualwebauthn.CreateAttestationResponse(p.rp, p.auth, p.credential, virtualwebauthn.AttestationOptions{Challenge: challenge})
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		panic(err)
	}
	return m{"authenticatorName": name, "challenge": base64.RawURLEncoding.EncodeToString(challenge), "attestation": m{
		"credentialId": answer.RawID, "clientDataJson": answer.Response.ClientDataJSON, "attestationObject": answer.Response.AttestationObject,
		"transports": []string{"AUTHENTICATOR_TRANSPORT_INTERNAL"}}}
}

// registerV1 is register in the form of the first version.
func (p *phone) registerV1(name, userID string) m {
	newer := p.register(name)
	a := newer["attestation"].(m)
	return m{"authenticatorName": name, "challenge": newer["challenge"], "userId": userID, "attestation": m{
		"id": a["credentialId"], "rawId": a["credentialId"], "type": "public-key", "clientExtensionResults": m{},
		"response": m{"clientDataJson": a["clientDataJson"], "attestationObject": a["attestationObject"], "transports": a["transports"]}}}
}

func (p *phone) Stamp(_ context.Context, body []byte) (*stamp.Stamp, error) {
	var answer struct {
		Response struct{ AuthenticatorData, ClientDataJSON, Signature string }
	}
	text := virtualwebauthn.CreateAssertionResponse(p.rp, p.auth, p.credential, virtualwebauthn.AssertionOptions{Challenge: stamp.Challenge(body)})
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return nil, err
	}
	return &stamp.Stamp{HeaderName: stamp.HeaderWebAuthn, HeaderValue: `{"authenticatorData":"` + answer.Response.AuthenticatorData + `","clientDataJson":"` +
		answer.Response.ClientDataJSON + `","credentialId":"` + p.id() + `","signature":"` + answer.Response.Signature + `"}`}, nil
}

// someAuthenticator is a well-formed authenticator for an activity of that kind.
func someAuthenticator(kind string, userID any) m {
	p := newPhone(virtualwebauthn.KeyTypeEC2)
	if kind == "ACTIVITY_TYPE_CREATE_AUTHENTICATORS" {
		return p.registerV1("a", fmt.Sprint(userID))
	}
	return p.register("a")
}

// by is whoever stamps in a way of the own, for an organization.
type by struct {
	*box
	org     string
	stamper stamp.Stamper
}

func (w by) stamped(body []byte) http.Header {
	w.t.Helper()
	s, err := w.stamper.Stamp(w.t.Context(), body)
	if err != nil {
		w.t.Fatal(err)
	}
	return http.Header{s.HeaderName: {s.HeaderValue}}
}

func (w by) send(path string, body []byte) answer {
	w.t.Helper()
	return w.post(path, body, w.stamped(body))
}

func (w by) query(name string, fields m) answer {
	w.t.Helper()
	body := m{"organizationId": w.org}
	for k, v := range fields {
		body[k] = v
	}
	return w.send("query/"+name, mustJSON(body))
}

func (w by) envelope(kind string, params m) []byte {
	return (&who{box: w.box, org: w.org}).envelope(kind, params)
}

func (w by) submit(kind string, params m) answer {
	w.t.Helper()
	path, _, _ := strings.Cut(strings.ToLower(kind), "_v")
	w.time.advance(time.Millisecond)
	return w.send("submit/"+path, w.envelope(kind, params))
}

func (w by) in(org string) by { return by{w.box, org, w.stamper} }

// signUpByPasskey is what Turnkey's kit does: the passkey is registered beside a key that lasts a minute, which logs a
// second key in.
func (b *box) signUpByPasskey(p *phone, name string) (session *who) {
	b.t.Helper()
	first, second := newKey(), newKey()
	r := b.root.submit("CREATE_SUB_ORGANIZATION_V8", m{"subOrganizationName": name, "rootQuorumThreshold": 1, "rootUsers": []m{rootUser(name, m{
		"authenticators": []m{p.register(name)},
		"apiKeys":        []m{{"apiKeyName": "passkey-auth-" + first.PublicKey(), "publicKey": first.PublicKey(), "curveType": "API_KEY_CURVE_P256", "expirationSeconds": "60"}},
	})}}).result("createSubOrganizationResultV8")
	org := r.text("subOrganizationId")
	(&who{box: b, org: org, key: first}).submit("STAMP_LOGIN", m{"publicKey": second.PublicKey()}).result("stampLoginResult")
	return &who{box: b, org: org, user: r.text("rootUserIds", "0"), key: second}
}

func TestSomebodySignsUpAndStampsWithAPasskey(t *testing.T) {
	for _, kind := range []virtualwebauthn.KeyType{virtualwebauthn.KeyTypeEC2, virtualwebauthn.KeyTypeRSA} {
		t.Run(string(kind), func(t *testing.T) {
			dir := t.TempDir()
			b := newBox(t, Options{StateDir: dir})
			p := newPhone(kind)
			jane := b.signUpByPasskey(p, "Jane")
			jane.query("whoami", nil).ok()

			// Later only the passkey is left, and the application knows no more than the parent's id.
			b.time.advance(time.Hour)
			jane.query("whoami", nil).refused(401, "API_KEY_EXPIRED", "expired api key")
			atParent := by{b, b.root.org, p}
			if got := atParent.query("whoami", nil).ok(); got.text("organizationId") != jane.org || got.text("userId") != jane.user {
				t.Errorf("whoami %s", got.raw)
			}
			next := newKey()
			session := atParent.submit("STAMP_LOGIN", m{"publicKey": next.PublicKey(), "expirationSeconds": "900"}).result("stampLoginResult").text("session")
			notarizer, err := p256.ParsePublic(b.Facts().NotarizerPublicKey)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := token.VerifySession(session, notarizer, token.Want{PublicKey: next.PublicKey(), OrganizationID: jane.org, UserID: jane.user}, b.time.now()); err != nil {
				t.Error(err)
			}
			jane.with(next).query("whoami", nil).ok()

			// It stamps activities and queries of its own organization, and what it did tells of it.
			own := atParent.in(jane.org)
			made := own.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0)}})
			made.result("createWalletResult")
			seen := own.query("get_authenticators", m{"userId": jane.user}).ok().at("authenticators", "0").(m)
			vote := made.at("activity", "votes", "0").(m)
			if key := seen["credential"].(m); vote["publicKey"] != key["publicKey"] || key["type"] != "CREDENTIAL_TYPE_WEBAUTHN_AUTHENTICATOR" || vote["signature"] == "" {
				t.Errorf("vote %v, credential %v", vote, key)
			}
			if seen["credentialId"] != p.id() || seen["authenticatorName"] != "Jane" || seen["attestationType"] != "packed" || seen["model"] != "Security key" ||
				seen["aaguid"] != base64.RawURLEncoding.EncodeToString(p.auth.Aaguid[:]) || !slices.Equal(seen["transports"].([]any), []any{"AUTHENTICATOR_TRANSPORT_INTERNAL"}) {
				t.Errorf("authenticator %v", seen)
			}
			if got := own.query("get_authenticator", m{"authenticatorId": seen["authenticatorId"]}).ok().text("authenticator", "credentialId"); got != p.id() {
				t.Errorf("get_authenticator finds %s", got)
			}
			if got := b.root.query("list_suborgs", m{"filterType": "CREDENTIAL_ID", "filterValue": p.id()}).ok().text("organizationIds", "0"); got != jane.org {
				t.Errorf("the credential is of %s", got)
			}

			// All of it is still so after a restart.
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			again := newBox(t, Options{StateDir: dir, Now: b.time.now})
			if got := (by{again, b.root.org, p}).query("get_authenticators", m{"userId": jane.user}).ok().at("authenticators", "0").(m); fmt.Sprint(got) != fmt.Sprint(seen) {
				t.Errorf("after a restart: %v\nbefore: %v", got, seen)
			}
		})
	}
}

func TestPasskeyStampsAreRefusedInTheServicesWords(t *testing.T) {
	b := newBox(t, Options{})
	p, stranger := newPhone(virtualwebauthn.KeyTypeEC2), newPhone(virtualwebauthn.KeyTypeEC2)
	jane := b.signUpByPasskey(p, "Jane")
	own := by{b, jane.org, p}
	body := mustJSON(m{"organizationId": jane.org})
	good := own.stamped(body)
	b.post("query/whoami", body, good).ok()
	b.post("query/whoami", append(body, ' '), good).refused(401, "SIGNATURE_INVALID", "could not verify WebAuthN signature")
	forged := http.Header{}
	for name, values := range (by{b, jane.org, stranger}).stamped(body) {
		forged[name] = []string{strings.Replace(values[0], stranger.id(), p.id(), 1)}
	}
	b.post("query/whoami", body, forged).refused(401, "SIGNATURE_INVALID", "could not verify WebAuthN signature")
	unknown := "credential ID could not be found in organization or its parent organization organizationId=" + jane.org + " credentialId=" + stranger.id()
	(by{b, jane.org, stranger}).query("whoami", nil).refused(401, "CREDENTIAL_NOT_FOUND", unknown)
	other := b.signUpByPasskey(stranger, "John")
	(by{b, jane.org, stranger}).query("whoami", nil).refused(401, "CREDENTIAL_NOT_FOUND", unknown)
	own.in(other.org).query("whoami", nil).refused(401, "CREDENTIAL_NOT_FOUND", "credential ID could not be found")
	two := maps.Clone(good)
	two["X-Stamp"] = []string{"x"}
	b.post("query/whoami", body, two).refused(401, "SIGNATURE_INVALID", "malformed activity stamp")

	// The same passkey in a second sub-organization: the parent's id means neither any more.
	second := b.signUpByPasskey(p, "Jane again")
	own.in(b.root.org).query("whoami", nil).refused(401, "CREDENTIAL_CONFLICT", "more than one suborg associated with a credential ID")
	for _, org := range []string{jane.org, second.org} {
		if got := own.in(org).query("whoami", nil).ok().text("organizationId"); got != org {
			t.Errorf("in %s it is %s", org, got)
		}
	}

	// One that was taken away stamps no more.
	id := own.query("get_authenticators", m{"userId": jane.user}).ok().text("authenticators", "0", "authenticatorId")
	own.submit("DELETE_AUTHENTICATORS", m{"userId": jane.user, "authenticatorIds": []string{id}}).result("deleteAuthenticatorsResult")
	own.query("whoami", nil).refused(401, "CREDENTIAL_NOT_FOUND", "credential ID could not be found")
	if got := own.in(b.root.org).query("whoami", nil).ok().text("organizationId"); got != second.org {
		t.Errorf("at the parent it is %s now", got)
	}
}

// Any origin may stamp until the parent names some; a sub-organization may have a list of its own.
func TestPasskeyOriginsAreAFeature(t *testing.T) {
	b := newBox(t, Options{})
	p := newPhone(virtualwebauthn.KeyTypeEC2)
	jane := b.signUpByPasskey(p, "Jane")
	own := by{b, jane.org, p}
	allow := func(org, origins string) {
		s := b.state.Load()
		s.mu.Lock()
		defer s.mu.Unlock()
		o := s.orgs[mustID(t, org)]
		next := *o.settings
		next.features = append(without(next.features, featureWebAuthnOrigins), feature{featureWebAuthnOrigins, origins})
		s.commit([]record{resettled{o, &next}})
	}
	own.query("whoami", nil).ok()
	allow(b.root.org, "https://other.example")
	own.query("whoami", nil).refused(401, "SIGNATURE_INVALID", "could not verify WebAuthN signature")
	own.in(b.root.org).submit("STAMP_LOGIN", m{"publicKey": newKey().PublicKey()}).refused(401, "SIGNATURE_INVALID", "could not verify WebAuthN signature")
	allow(b.root.org, "https://other.example, https://app.example")
	own.query("whoami", nil).ok()
	allow(jane.org, "https://third.example")
	own.query("whoami", nil).refused(401, "SIGNATURE_INVALID", "could not verify WebAuthN signature")
}

func TestMoreAuthenticators(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	phones := []*phone{newPhone(virtualwebauthn.KeyTypeEC2), newPhone(virtualwebauthn.KeyTypeRSA)}
	newer := jane.submit("CREATE_AUTHENTICATORS_V2", m{"userId": jane.user, "authenticators": []m{phones[0].register("newer")}})
	newer.result("createAuthenticatorsResult")
	if got := newer.text("activity", "intent", "createAuthenticatorsIntentV2", "authenticators", "0", "attestation", "credentialId"); got != phones[0].id() {
		t.Errorf("the intent repeats %s", got)
	}
	older := jane.submit("CREATE_AUTHENTICATORS", m{"userId": jane.user, "authenticators": []m{phones[1].registerV1("older", jane.user)}})
	older.result("createAuthenticatorsResult")
	for _, p := range phones {
		if got := (by{b, b.root.org, p}).query("whoami", nil).ok().text("userId"); got != jane.user {
			t.Errorf("the passkey is %s's", got)
		}
	}
	create := func(list ...m) answer {
		return jane.submit("CREATE_AUTHENTICATORS_V2", m{"userId": jane.user, "authenticators": list})
	}
	create(phones[0].register("again")).refused(409, "REQUEST_INVALID", "credential ID already exists")
	p := newPhone(virtualwebauthn.KeyTypeEC2)
	create(m{"authenticatorName": "n", "challenge": "AA"}).refused(400, "REQUEST_INVALID", "missing parameter: user authenticator attestation")
	wrong := p.register("n")
	wrong["challenge"] = "AAAA"
	create(wrong).refused(400, "REQUEST_INVALID", "invalid authenticator attestation")
	create(p.register("once"), p.register("twice")).refused(409, "REQUEST_INVALID", "credential ID already exists")
	strange := p.registerV1("n", nowhere)
	jane.submit("CREATE_AUTHENTICATORS", m{"userId": jane.user, "authenticators": []m{strange}}).refused(400, "REQUEST_INVALID", "authenticators must be of the user")
	strange["userId"], strange["attestation"].(m)["type"] = jane.user, "password"
	jane.submit("CREATE_AUTHENTICATORS", m{"userId": jane.user, "authenticators": []m{strange}}).refused(400, "REQUEST_INVALID", "invalid authenticator attestation")
	jane.submit("DELETE_AUTHENTICATORS", m{"userId": jane.user, "authenticatorIds": []string{}}).refused(400, "REQUEST_INVALID", "no authenticator IDs")
	jane.submit("DELETE_AUTHENTICATORS", m{"userId": jane.user, "authenticatorIds": []string{uuid.NewString()}}).refused(404, "REQUEST_INVALID", "no authenticator found")
	jane.query("get_authenticator", m{"authenticatorId": nowhere}).refused(404, "REQUEST_INVALID", "no authenticator found")

	var eight []m
	for range 8 {
		eight = append(eight, newPhone(virtualwebauthn.KeyTypeEC2).register("one of ten"))
	}
	create(eight...).result("createAuthenticatorsResult")
	create(p.register("the eleventh")).refused(429, "UNSPECIFIED", "user has exceeded maximum authenticators")
	if got := len(jane.query("get_user", m{"userId": jane.user}).ok().at("user", "authenticators").([]any)); got != 10 {
		t.Errorf("%d authenticators", got)
	}
}

// The oldest version knows one authenticator and nothing else; the second has neither wallets nor providers.
func TestTheOldestVersionsOfCreateSubOrganization(t *testing.T) {
	b := newBox(t, Options{})
	first, second := newPhone(virtualwebauthn.KeyTypeEC2), newPhone(virtualwebauthn.KeyTypeEC2)
	a := b.root.submit("CREATE_SUB_ORGANIZATION", m{"name": "one", "rootAuthenticator": first.register("phone")})
	org := a.result("createSubOrganizationResult").text("subOrganizationId")
	if got := (by{b, b.root.org, first}).query("whoami", nil).ok(); got.text("organizationId") != org || got.text("organizationName") != "one" {
		t.Errorf("whoami %s", got.raw)
	}
	(by{b, org, first}).submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).result("createWalletResult")
	if a.at("activity", "intent", "createSubOrganizationIntent").(m)["name"] != "one" {
		t.Errorf("intent %s", a.raw)
	}
	user := rootUser("two", m{"authenticators": []m{second.register("phone")}})
	delete(user, "oauthProviders")
	a = b.root.submit("CREATE_SUB_ORGANIZATION_V2", m{"subOrganizationName": "two", "rootQuorumThreshold": 1, "rootUsers": []m{user},
		"wallet": m{"walletName": "w", "accounts": []m{}}, "disableEmailAuth": true})
	r := a.result("createSubOrganizationResult")
	intent := a.at("activity", "intent", "createSubOrganizationIntentV2").(m)
	if r.body["wallet"] != nil || intent["wallet"] != nil || intent["disableEmailAuth"] != nil {
		t.Errorf("version 2 knows what came later: %s", a.raw)
	}
	if got := (by{b, b.root.org, second}).query("whoami", nil).ok().text("organizationId"); got != r.text("subOrganizationId") {
		t.Errorf("whoami %s", got)
	}
	key := m{"privateKeyName": "own", "curve": "CURVE_SECP256K1", "privateKeyTags": []string{}, "addressFormats": []string{"ADDRESS_FORMAT_ETHEREUM"}}
	user["authenticators"], user["apiKeys"] = []m{}, []m{{"apiKeyName": "k", "publicKey": newKey().PublicKey()}}
	three := b.root.submit("CREATE_SUB_ORGANIZATION_V3", m{"subOrganizationName": "three", "rootQuorumThreshold": 1, "rootUsers": []m{user}, "privateKeys": []m{key}}).
		result("createSubOrganizationResultV3")
	kept := b.root.in(three.text("subOrganizationId")).query("list_private_keys", nil).ok().at("privateKeys", "0").(m)
	if kept["privateKeyId"] != three.text("privateKeys", "0", "privateKeyId") || kept["privateKeyName"] != "own" {
		t.Errorf("version 3 made %v", kept)
	}
	if got := b.root.query("list_private_keys", nil).ok().at("privateKeys").([]any); len(got) != 0 {
		t.Errorf("the parent has %v", got)
	}
	key["curve"] = "CURVE_NONE"
	b.root.submit("CREATE_SUB_ORGANIZATION_V3", m{"subOrganizationName": "four", "rootQuorumThreshold": 1, "rootUsers": []m{user}, "privateKeys": []m{key}}).refused(400, "REQUEST_INVALID", "invalid curve")
	b.root.submit("CREATE_SUB_ORGANIZATION", m{"name": "three"}).refused(400, "REQUEST_INVALID", "missing field `rootAuthenticator`")
}

// The key that a verification token names agrees to the very authenticators of the signup.
func TestASignupAgreesToItsAuthenticators(t *testing.T) {
	b := newBox(t, Options{})
	key, p := newKey(), newPhone(virtualwebauthn.KeyTypeEC2)
	jwt := b.root.verifyOTP("jane@doe.test", key)
	signUp := func(agreed, wanted []any) answer {
		return b.root.submit("CREATE_SUB_ORGANIZATION_V8", m{"subOrganizationName": "s", "rootQuorumThreshold": 1, "verificationToken": jwt,
			"clientSignature": b.signSignup(key, jwt, token.SignupUsage{Email: "jane@doe.test", Authenticators: agreed}),
			"rootUsers":       []m{rootUser("Jane", m{"userEmail": "jane@doe.test", "authenticators": wanted})}})
	}
	own, other := p.register("own"), newPhone(virtualwebauthn.KeyTypeEC2).register("own")
	renamed := maps.Clone(own)
	renamed["authenticatorName"] = "another"
	for name, agreed := range map[string][]any{"none": nil, "another": {other}, "another name": {renamed}, "twice": {own, own}} {
		t.Run(name, func(t *testing.T) {
			signUp(agreed, []any{own}).refused(400, "REQUEST_INVALID", "invalid client signature: it does not agree to a signup of this user")
		})
	}
	org := signUp([]any{own}, []any{own}).result("createSubOrganizationResultV8").text("subOrganizationId")
	if got := (by{b, b.root.org, p}).query("whoami", nil).ok().text("organizationId"); got != org {
		t.Errorf("the passkey is of %s", got)
	}
}

// A passkey's approval counts like a key's, and the vote names it.
func TestAPasskeyApproves(t *testing.T) {
	b := newBox(t, Options{})
	p, key := newPhone(virtualwebauthn.KeyTypeRSA), newKey()
	org := b.root.submit("CREATE_SUB_ORGANIZATION_V8", m{"subOrganizationName": "s", "rootQuorumThreshold": 2, "rootUsers": []m{
		rootUser("one", m{"authenticators": []m{p.register("one")}}),
		rootUser("two", m{"apiKeys": []m{{"apiKeyName": "k", "publicKey": key.PublicKey(), "curveType": "API_KEY_CURVE_P256"}}}),
	}}).result("createSubOrganizationResultV8").text("subOrganizationId")
	asked := (&who{box: b, org: org, key: key}).submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).ok()
	if got := asked.text("activity", "status"); got != statusConsensus {
		t.Fatalf("status %s", got)
	}
	done := (by{b, org, p}).submit("APPROVE_ACTIVITY", m{"fingerprint": asked.text("activity", "fingerprint")}).ok()
	vote := done.at("activity", "votes", "1").(m)
	if done.text("activity", "status") != statusCompleted || vote["selection"] != "VOTE_SELECTION_APPROVED" || vote["publicKey"] == "" || vote["user"].(m)["userName"] != "one" {
		t.Errorf("%s", done.raw)
	}
}
