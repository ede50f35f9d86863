package sandbox

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/p256"
	"latchkey/internal/sandbox/oidc"
	"latchkey/internal/stamp"
	"latchkey/internal/token"
)

// portal is where a browser meets the sandbox's identity providers.
const portal = "http://127.0.0.1:8080"

// browse sends a request to a provider as a browser would that follows no redirect.
func (b *box) browse(method, address string, form url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", portal)
	}
	w := httptest.NewRecorder()
	b.API().ServeHTTP(w, r)
	return w
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

func hiddenFields(page string) url.Values {
	found := url.Values{}
	for _, f := range hiddenField.FindAllStringSubmatch(page, -1) {
		found.Set(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
	}
	return found
}

// approve logs in at a provider's page with an e-mail address and returns what comes back to the app.
func (b *box) approve(path, email string, q url.Values) url.Values {
	b.t.Helper()
	page := b.browse(http.MethodGet, portal+path+"/authorize?"+q.Encode(), nil)
	if page.Code != http.StatusOK {
		b.t.Fatalf("%s: status %d, to %q", path, page.Code, page.Header().Get("Location"))
	}
	form := hiddenFields(page.Body.String())
	form.Set("email", email)
	done := b.browse(http.MethodPost, portal+path+"/authorize", form)
	if done.Code == http.StatusOK { // a form that posts itself
		return hiddenFields(done.Body.String())
	}
	_, answer, _ := strings.Cut(done.Header().Get("Location"), q.Get("redirect_uri"))
	if done.Code != http.StatusSeeOther || answer == "" {
		b.t.Fatalf("%s: status %d: %.300s", path, done.Code, done.Body)
	}
	back, err := url.ParseQuery(answer[1:])
	if err != nil {
		b.t.Fatal(err)
	}
	return back
}

const (
	appsOwn   = "https://app.test/cb"
	verifier  = "a-verifier-of-forty-three-characters-or-more"
	challenge = "y5UF_tmp_ICTDGza-Ou2vUvx2cu7DBN-Xwf_z0RDfTw"
)

// idToken logs in with a provider the way an app of that provider does, and returns the id token that is bound to key.
func (b *box) idToken(provider, client, email, key string) string {
	b.t.Helper()
	q := url.Values{"client_id": {client}, "redirect_uri": {appsOwn}, "state": {"s"}, "nonce": {oidc.Nonce(key)}}
	switch provider {
	case "google":
		q.Set("response_type", "id_token")
		q.Set("scope", "openid email profile")
	case "apple":
		q.Set("response_type", "code id_token")
		q.Set("response_mode", "form_post")
		q.Set("scope", "name email")
	default: // a code, for which PKCE vouches
		q.Set("response_type", "code")
		q.Set("scope", "openid email")
		q.Set("code_challenge", challenge)
		q.Set("code_challenge_method", "S256")
	}
	back := b.approve("/oidc/"+provider, email, q)
	if back.Get("state") != "s" {
		b.t.Errorf("%s: state %q", provider, back.Get("state"))
	}
	if raw := back.Get("id_token"); raw != "" {
		return raw
	}
	w := b.browse(http.MethodPost, portal+"/oidc/"+provider+"/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {client},
		"redirect_uri": {appsOwn}, "code": {back.Get("code")}, "code_verifier": {verifier}})
	raw := regexp.MustCompile(`"id_token":"([^"]+)"`).FindStringSubmatch(w.Body.String())
	if raw == nil {
		b.t.Fatalf("%s: status %d: %s", provider, w.Code, w.Body)
	}
	return raw[1]
}

// oauthSignUp makes a sub-organization whose user comes in by that token.
func (b *box) oauthSignUp(name, raw string, change m) *who {
	b.t.Helper()
	root := m{"userName": name, "apiKeys": []m{}, "authenticators": []m{}, "oauthProviders": []m{{"providerName": "p", "oidcToken": raw}}}
	for k, v := range change {
		root[k] = v
	}
	r := b.root.submit("CREATE_SUB_ORGANIZATION_V8", m{"subOrganizationName": name, "rootQuorumThreshold": 1, "rootUsers": []m{root}}).result("createSubOrganizationResultV8")
	return &who{box: b, org: r.text("subOrganizationId"), user: r.text("rootUserIds", "0")}
}

// oauthLogIn asks the parent to begin a session, as an auth backend does.
func (w *who) oauthLogIn(raw string, key *p256.Key, change m) answer {
	w.t.Helper()
	p := m{"oidcToken": raw, "publicKey": key.PublicKey()}
	for k, v := range change {
		p[k] = v
	}
	return w.root.in(w.org).submit("OAUTH_LOGIN", p)
}

func TestSignUpAndLogInWithEveryOIDCProvider(t *testing.T) {
	b := newBox(t, Options{})
	for _, provider := range []string{"google", "apple", "facebook", "sandbox"} {
		t.Run(provider, func(t *testing.T) {
			at := *b
			at.t = t
			find := func(raw string) []any {
				return at.root.query("list_suborgs", m{"filterType": "OIDC_TOKEN", "filterValue": raw}).ok().at("organizationIds").([]any)
			}
			first := newKey()
			raw := at.idToken(provider, "web", "jane@doe.test", first.PublicKey())
			if got := find(raw); len(got) != 0 {
				t.Fatalf("known before the sign-up: %v", got)
			}
			jane := at.oauthSignUp("Jane of "+provider, raw, nil)
			if got := find(raw); len(got) != 1 || got[0] != jane.org {
				t.Errorf("found %v", got)
			}
			session, err := token.ParseSession(jane.oauthLogIn(raw, first, m{"expirationSeconds": "60"}).result("oauthLoginResult").text("session"))
			if err != nil || session.UserID != jane.user || session.OrganizationID != jane.org || session.Expires.Sub(at.time.now()) > time.Minute {
				t.Errorf("%+v, %v", session, err)
			}
			jane.with(first).query("whoami", nil).ok()

			key := newKey() // next week, on another machine, with a token of its own
			at.time.advance(7 * 24 * time.Hour)
			again := at.idToken(provider, "web", "jane@doe.test", key.PublicKey())
			jane.oauthLogIn(again, key, nil).result("oauthLoginResult")
			jane = jane.with(key)
			if got := jane.query("whoami", nil).ok().text("userId"); got != jane.user {
				t.Errorf("whoami: %s", got)
			}
			own := jane.query("get_oauth_providers", m{"userId": jane.user}).ok().at("oauthProviders", "0").(m)
			if own["audience"] != "web" || own["issuer"] != portal+"/oidc/"+provider || own["subject"] == "" || own["providerName"] != "p" {
				t.Errorf("provider %v", own)
			}
			claims := mustJSON(m{"iss": own["issuer"], "sub": own["subject"], "aud": "web"})
			if got := at.root.query("list_suborgs", m{"filterType": "OIDC_CLAIMS", "filterValue": string(claims)}).ok().text("organizationIds", "0"); got != jane.org {
				t.Errorf("by claims: %s", got)
			}
		})
	}
}

// What a log-in must not take: each token is genuine in all but one thing.
func TestOAuthLogInRefusesWhatDoesNotFit(t *testing.T) {
	b := newBox(t, Options{})
	key := newKey()
	good := b.idToken("google", "web", "jane@doe.test", key.PublicKey())
	jane := b.oauthSignUp("Jane", good, nil)
	for name, raw := range map[string]string{
		"another's nonce":     b.idToken("google", "web", "jane@doe.test", newKey().PublicKey()),
		"another audience":    b.idToken("google", "other-app", "jane@doe.test", key.PublicKey()),
		"another person":      b.idToken("google", "web", "joe@doe.test", key.PublicKey()),
		"another issuer":      b.idToken("apple", "web", "jane@doe.test", key.PublicKey()),
		"a changed signature": good[:len(good)-8] + "AAAAAAAA",
		"no token":            "x",
		"a private network":   "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovLzEwLjAuMC4xIn0.AA",
	} {
		t.Run(name, func(t *testing.T) {
			jane.oauthLogIn(raw, key, nil).refused(400, "INVALID_OIDC_TOKEN", "invalid OIDC token")
		})
	}
	if got := len(b.root.in(jane.org).query("get_api_keys", nil).ok().at("apiKeys").([]any)); got != 0 {
		t.Errorf("%d keys", got)
	}
	b.time.advance(time.Hour)
	jane.oauthLogIn(good, key, nil).refused(400, "INVALID_OIDC_TOKEN", "expired")
	b.root.query("list_suborgs", m{"filterType": "OIDC_TOKEN", "filterValue": good}).refused(400, "INVALID_OIDC_TOKEN", "expired")
	b.root.query("list_suborgs", m{"filterType": "OIDC_CLAIMS", "filterValue": "{}"}).refused(400, "REQUEST_INVALID", "invalid oidc claims")
	b.root.submit("OAUTH_LOGIN", m{"oidcToken": b.idToken("google", "web", "jane@doe.test", key.PublicKey()), "publicKey": key.PublicKey()}).
		refused(400, "INVALID_OIDC_TOKEN", "no OAuth provider of the organization") // the parent has no such user
}

// An issuer that is not the sandbox's is found by its discovery, over a real socket.
func TestAForeignIssuerIsFoundByItsDiscovery(t *testing.T) {
	b, other := newBox(t, Options{}), newBox(t, Options{Seed: 2})
	server := httptest.NewServer(other.API())
	defer server.Close()
	key := newKey()
	raw := other.idTokenAt(server.URL, key.PublicKey())
	jane := b.oauthSignUp("Jane", raw, nil)
	jane.oauthLogIn(raw, key, nil).result("oauthLoginResult")
	jane.with(key).query("whoami", nil).ok()
}

// Whoever sends an attested stamp is nobody yet: no request leaves in his name unless somebody here logs in by the issuer.
func TestOnlyKnownIssuersAreAskedForStrangers(t *testing.T) {
	b, other := newBox(t, Options{}), newBox(t, Options{Seed: 2})
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		other.API().ServeHTTP(w, r)
	}))
	defer server.Close()
	key := newKey()
	raw := other.idTokenAt(server.URL, key.PublicKey())
	login := b.root.envelope("STAMP_LOGIN", m{"publicKey": key.PublicKey()})
	b.root.attested("submit/stamp_login", login, raw, key).refused(401, "INVALID_OIDC_TOKEN", "nobody logs in by its issuer")
	if n := asked.Load(); n != 0 {
		t.Fatalf("%d requests left for a stranger", n)
	}
	jane := b.oauthSignUp("Jane", raw, nil)
	b.time.advance(time.Millisecond)
	jane.attested("submit/stamp_login", jane.envelope("STAMP_LOGIN", m{"publicKey": key.PublicKey()}), raw, key).result("stampLoginResult")
	if asked.Load() == 0 {
		t.Error("the issuer was never asked")
	}
}

// idTokenAt is a token of the sandbox as it is reached at that address.
func (b *box) idTokenAt(base, key string) string {
	b.t.Helper()
	q := url.Values{"client_id": {"web"}, "redirect_uri": {appsOwn}, "nonce": {oidc.Nonce(key)}, "response_type": {"id_token"}, "scope": {"openid"}}
	form := hiddenFields(b.browse(http.MethodGet, base+"/oidc/sandbox/authorize?"+q.Encode(), nil).Body.String())
	form.Set("email", "jane@doe.test")
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodPost, base+"/oidc/sandbox/authorize", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	b.API().ServeHTTP(w, r)
	_, fragment, _ := strings.Cut(w.Header().Get("Location"), "#")
	back, err := url.ParseQuery(fragment)
	if err != nil || back.Get("id_token") == "" {
		b.t.Fatalf("status %d: %v", w.Code, err)
	}
	return back.Get("id_token")
}

func TestProvidersOfAUserComeAndGo(t *testing.T) {
	b := newBox(t, Options{})
	key := newKey()
	web := b.idToken("google", "web", "jane@doe.test", key.PublicKey())
	jane := b.oauthSignUp("Jane", web, m{"userEmail": "jane@doe.test"})
	jane.oauthLogIn(web, key, nil).result("oauthLoginResult")
	jane = jane.with(key)
	own := jane.query("get_oauth_providers", nil).ok().at("oauthProviders", "0").(m)
	claims := func(iss, sub any, aud string) m {
		return m{"providerName": "more", "oidcClaims": m{"iss": iss, "sub": sub, "aud": aud}}
	}
	again := m{"providerName": "again", "oidcToken": web}
	desktop := m{"providerName": "desktop", "oidcToken": b.idToken("google", "desktop", "jane@doe.test", key.PublicKey())}

	jane.submit("CREATE_OAUTH_PROVIDERS_V2", m{"userId": jane.user, "oauthProviders": []m{again}}).refused(400, "OAUTH_PROVIDER_ALREADY_EXISTS", "already exists")
	jane.submit("CREATE_OAUTH_PROVIDERS_V2", m{"userId": jane.user, "oauthProviders": []m{claims(own["issuer"], own["subject"], "ios")}}).refused(400, "REQUEST_INVALID", "want a token")
	jane.submit("CREATE_OAUTH_PROVIDERS_V2", m{"userId": jane.user, "oauthProviders": []m{desktop, claims(own["issuer"], "somebody else", "ios")}}).refused(400, "REQUEST_INVALID", "want a token")
	jane.submit("CREATE_OAUTH_PROVIDERS_V2", m{"userId": jane.user, "oauthProviders": []m{desktop, claims("https://other.test", own["subject"], "ios")}}).refused(400, "REQUEST_INVALID", "want a token")
	jane.submit("CREATE_OAUTH_PROVIDERS_V2", m{"userId": jane.user, "oauthProviders": []m{{"providerName": "none"}}}).refused(400, "REQUEST_INVALID", "missing field")
	jane.submit("CREATE_OAUTH_PROVIDERS_V2", m{"userId": jane.user, "oauthProviders": []m{}}).refused(400, "REQUEST_INVALID", "no oauth providers")

	verified := func() bool {
		return len(b.root.query("list_verified_suborgs", m{"filterType": "EMAIL", "filterValue": "jane@doe.test"}).ok().at("organizationIds").([]any)) == 1
	}
	if verified() {
		t.Error("a sign-up proves no address")
	}
	ids := jane.submit("CREATE_OAUTH_PROVIDERS_V2", m{"userId": jane.user, "oauthProviders": []m{desktop, claims(own["issuer"], own["subject"], "ios")}}).
		result("createOauthProvidersResultV2").at("providerIds").([]any)
	if len(ids) != 2 {
		t.Fatalf("made %v", ids)
	}
	if !verified() {
		t.Error("Google's word for the user's own address does not count")
	}
	phone := newKey()
	jane.oauthLogIn(b.idToken("google", "ios", "jane@doe.test", phone.PublicKey()), phone, nil).result("oauthLoginResult")

	facebook := m{"providerName": "facebook", "oidcToken": b.idToken("facebook", "fb", "jane@doe.test", key.PublicKey())}
	jane.submit("CREATE_OAUTH_PROVIDERS", m{"userId": jane.user, "oauthProviders": []m{facebook}}).result("createOauthProvidersResult")
	jane.submit("DELETE_OAUTH_PROVIDERS", m{"userId": jane.user, "providerIds": ids}).result("deleteOauthProvidersResult")
	jane.submit("DELETE_OAUTH_PROVIDERS", m{"userId": jane.user, "providerIds": ids}).refused(404, "REQUEST_INVALID", "no oauth provider found")
	tablet := newKey()
	jane.oauthLogIn(b.idToken("google", "ios", "jane@doe.test", tablet.PublicKey()), tablet, nil).refused(400, "INVALID_OIDC_TOKEN", "no OAuth provider")

	var names []string
	for _, p := range jane.query("get_user", m{"userId": jane.user}).ok().at("user", "oauthProviders").([]any) {
		names = append(names, p.(m)["providerName"].(string))
	}
	if !slices.Equal(names, []string{"p", "facebook"}) {
		t.Errorf("providers %v", names)
	}
	for i := range 8 {
		one := m{"providerName": "n", "oidcToken": b.idToken("sandbox", "app"+string(rune('a'+i)), "jane@doe.test", key.PublicKey())}
		jane.submit("CREATE_OAUTH_PROVIDERS_V2", m{"userId": jane.user, "oauthProviders": []m{one}}).result("createOauthProvidersResultV2")
	}
	last := m{"providerName": "n", "oidcToken": b.idToken("sandbox", "app", "jane@doe.test", key.PublicKey())}
	jane.submit("CREATE_OAUTH_PROVIDERS_V2", m{"userId": jane.user, "oauthProviders": []m{last}}).refused(429, "UNSPECIFIED", "exceeded maximum oauth providers")
}

// attested posts a body that key stamped and an id token vouches for.
func (w *who) attested(path string, body []byte, raw string, key *p256.Key) answer {
	w.t.Helper()
	s, err := stamp.Attested{Signer: key, Token: raw, Scheme: stamp.SchemeOIDC}.Stamp(w.t.Context(), body)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.post(path, body, http.Header{s.HeaderName: {s.HeaderValue}})
}

// Turnkey's core logs in so: the token stamps the log-in, whose session key is the one that the token names.
func TestAnIDTokenStampsALogIn(t *testing.T) {
	b := newBox(t, Options{})
	key := newKey()
	raw := b.idToken("google", "web", "jane@doe.test", key.PublicKey())
	jane := b.oauthSignUp("Jane", raw, nil)
	login := func(org string) []byte {
		return b.root.in(org).envelope("STAMP_LOGIN", m{"publicKey": key.PublicKey()})
	}
	for _, org := range []string{jane.org, b.root.org} { // the parent's id stands for the one sub-organization
		b.time.advance(time.Millisecond)
		s, err := token.ParseSession(jane.attested("submit/stamp_login", login(org), raw, key).result("stampLoginResult").text("session"))
		if err != nil || s.OrganizationID != jane.org || s.UserID != jane.user || s.PublicKey != key.PublicKey() {
			t.Errorf("%+v, %v", s, err)
		}
	}
	jane.with(key).query("whoami", nil).ok()
	jane.attested("query/whoami", mustJSON(m{"organizationId": jane.org}), raw, key).ok()

	b.time.advance(time.Millisecond)
	jane.attested("submit/stamp_login", login(jane.org), raw, newKey()).refused(401, "INVALID_OIDC_TOKEN", "nonce")
	jane.attested("submit/stamp_login", login(jane.org), raw[:len(raw)-8]+"AAAAAAAA", key).refused(401, "INVALID_OIDC_TOKEN", "not genuine")
	jane.attested("submit/stamp_login", login(jane.org), b.idToken("google", "other", "jane@doe.test", key.PublicKey()), key).refused(401, "UNAUTHENTICATED", "could not find")
	jane.attested("submit/create_wallet", b.root.in(jane.org).envelope("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}), raw, key).refused(401, "SIGNATURE_MISSING", "")
	s, err := stamp.Attested{Signer: key, Token: raw, Scheme: stamp.SchemeOIDC}.Stamp(t.Context(), []byte("other bytes"))
	if err != nil {
		t.Fatal(err)
	}
	jane.post("submit/stamp_login", login(jane.org), http.Header{s.HeaderName: {s.HeaderValue}}).refused(401, "SIGNATURE_INVALID", "could not verify")
	b.oauthSignUp("Jane's twin", raw, nil)
	jane.attested("submit/stamp_login", login(b.root.org), raw, key).refused(401, "CREDENTIAL_CONFLICT", "more than one suborg")
	b.time.advance(time.Hour)
	jane.attested("submit/stamp_login", login(jane.org), raw, key).refused(401, "INVALID_OIDC_TOKEN", "expired")
}

// A session that a provider began has the profile that was asked for, and its shorter end.
func TestAnOAuthLogInTakesASessionProfile(t *testing.T) {
	b := newBox(t, Options{})
	key := newKey()
	raw := b.idToken("google", "web", "jane@doe.test", key.PublicKey())
	jane := b.oauthSignUp("Jane", raw, nil)
	id := b.profile("wallets", createsWallets, m{"expirationSeconds": "120"})
	s, err := token.ParseSession(jane.oauthLogIn(raw, key, m{"sessionProfileId": id, "expirationSeconds": "600"}).result("oauthLoginResult").text("session"))
	if err != nil || s.SessionType != "wallets" || s.SessionProfileID != id || s.Scope != createsWallets || s.Expires.After(b.time.now().Add(2*time.Minute)) {
		t.Errorf("%+v, %v", s, err)
	}
	jane = jane.with(key)
	jane.wallet().is("COMPLETED")
	jane.submit("CREATE_POLICY_V3", m{"policyName": "p", "effect": "EFFECT_ALLOW", "notes": ""}).deniedBy()
}

// Whoever must prove himself by a provider besides stamps the approval with a new id token.
func TestAnIDTokenIsASecondFactor(t *testing.T) {
	b := newBox(t, Options{})
	key := newKey()
	raw := b.idToken("google", "web", "jane@doe.test", key.PublicKey())
	jane := b.oauthSignUp("Jane", raw, nil)
	jane.oauthLogIn(raw, key, nil).result("oauthLoginResult")
	jane = jane.with(key)
	provider := jane.query("get_oauth_providers", nil).ok().text("oauthProviders", "0", "providerId")
	jane.submit("CREATE_MFA_POLICY", m{"userId": jane.user, "mfaPolicyName": "f", "condition": createsWallets, "order": 0,
		"requiredAuthenticationMethods": []m{{"any": []m{{"type": "AUTHENTICATION_TYPE_OAUTH", "id": provider}}}}}).result("createMfaPolicyResult")
	asked := jane.wallet().is("AUTHENTICATORS_NEEDED")
	jane.submit("APPROVE_ACTIVITY", asked.print())
	if got := jane.query("get_activity", m{"activityId": asked.text("activity", "id")}).ok().text("activity", "status"); got != "ACTIVITY_STATUS_AUTHENTICATORS_NEEDED" {
		t.Errorf("by the session alone: %s", got)
	}
	fresh := newKey()
	again := b.idToken("google", "web", "jane@doe.test", fresh.PublicKey())
	b.time.advance(time.Millisecond)
	jane.attested("submit/approve_activity", jane.envelope("APPROVE_ACTIVITY", asked.print()), again, fresh).is("COMPLETED")
}
