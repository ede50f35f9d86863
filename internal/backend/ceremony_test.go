package backend_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"latchkey/internal/backend"
	"latchkey/internal/p256"
	"latchkey/internal/stamp"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// home is where the devices of these tests listen.
const home = "http://127.0.0.1:45678/home"

// ceremony is one of a device's, up to what it has come to.
type ceremony struct {
	sealed, verifier, state, match string
}

// authenticator is a person with one passkey, before the page at an origin.
type authenticator struct {
	rp         virtualwebauthn.RelyingParty
	device     virtualwebauthn.Authenticator
	credential virtualwebauthn.Credential
}

func newAuthenticator(origin, rpID string) *authenticator {
	const whole = 77 // bytes of COSE with two coordinates of 32: the library writes a leading zero short
	credential := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	for len(credential.Key.AttestationData()) != whole {
		credential = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	return &authenticator{virtualwebauthn.RelyingParty{ID: rpID, Name: "Latchkey", Origin: origin}, virtualwebauthn.NewAuthenticator(), credential}
}

func (a *authenticator) create(challenge string) json.RawMessage {
	raw, _ := base64.RawURLEncoding.DecodeString(challenge)
	return json.RawMessage(virtualwebauthn.CreateAttestationResponse(a.rp, a.device, a.credential, virtualwebauthn.AttestationOptions{Challenge: raw}))
}

func (a *authenticator) get(challenge string) json.RawMessage {
	raw, _ := base64.RawURLEncoding.DecodeString(challenge)
	return json.RawMessage(virtualwebauthn.CreateAssertionResponse(a.rp, a.device, a.credential, virtualwebauthn.AssertionOptions{Challenge: raw}))
}

const (
	pageHost   = "localhost:3000"
	pageOrigin = "http://localhost:3000"
)

// begin begins a ceremony of a kind, with what else the kind needs.
func (w *world) beginCeremony(kind string, more object) (ceremony, reply) {
	w.t.Helper()
	c := ceremony{verifier: rand.Text() + rand.Text(), state: rand.Text()}
	sum := sha256.Sum256([]byte(c.verifier))
	in := object{"kind": kind, "returnTo": home, "state": c.state, "challenge": base64.RawURLEncoding.EncodeToString(sum[:])}
	for name, value := range more {
		in[name] = value
	}
	r := w.post("/ceremony/begin", in)
	c.sealed, c.match = r.text("ceremony"), r.text("match")
	return c, r
}

// fromPage sends what the page sends.
func (w *world) fromPage(path string, in object) reply {
	w.t.Helper()
	return w.post(path, in, "Host", pageHost, "Origin", pageOrigin)
}

// open opens the page of a ceremony, and returns its token and the challenge that it asks the browser with.
func (w *world) open(c ceremony) (page, challenge string) {
	w.t.Helper()
	r := w.fromPage("/ceremony/open", object{"ceremony": c.sealed})
	r.is(w.t, 200, "")
	if r.text("match") != c.match {
		w.t.Errorf("the page shows %s, the device %s", r.text("match"), c.match)
	}
	options, _ := r.body["options"].(map[string]any)
	challenge, _ = options["challenge"].(string)
	return r.text("page"), challenge
}

// result takes what a page was answered to the device, and returns what came of it.
func (w *world) result(c ceremony, answered reply) map[string]any {
	w.t.Helper()
	answered.is(w.t, 200, "")
	u, err := url.Parse(answered.text("onward"))
	if err != nil || !strings.HasPrefix(u.String(), home+"?") || u.Query().Get("state") != c.state {
		w.t.Fatalf("onward to %s, %v", u, err)
	}
	r := w.post("/ceremony/token", object{"ticket": u.Query().Get("code"), "verifier": c.verifier})
	r.is(w.t, 200, "")
	made, _ := r.body["result"].(map[string]any)
	return made
}

// register makes an account of a passkey, and returns its organization.
func (w *world) register(a *authenticator, name string) string {
	w.t.Helper()
	c, r := w.beginCeremony("passkey-create", object{"name": name})
	r.is(w.t, 200, "")
	page, challenge := w.open(c)
	made := w.result(c, w.fromPage("/ceremony/answer", object{"page": page, "answer": a.create(challenge)}))
	return w.ok(w.post("/signup", object{"userName": name, "apiKeys": apiKeys(newKey()), "authenticators": []any{made}, "oauthProviders": []any{}})).text("subOrganizationId")
}

// loginBody is a log-in for key, which the parent's name stands in: nobody knows yet whose passkey it will be.
func (w *world) loginBody(key *p256.Key) string {
	w.t.Helper()
	body, err := w.as(key).PrepareStampLogin(w.facts.OrganizationID, turnkey.LoginParams{PublicKey: key.PublicKey(), ExpirationSeconds: 900})
	if err != nil {
		w.t.Fatal(err)
	}
	return string(body)
}

// logsIn sends a log-in with a stamp, and returns the organization that the session is of.
func (w *world) logsIn(body, header string) (string, error) {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://sandbox.test/public/v1/submit/stamp_login", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(stamp.HeaderWebAuthn, header)
	rec := httptest.NewRecorder()
	w.box.API().ServeHTTP(rec, r)
	if rec.Code != 200 {
		return "", fmt.Errorf("%d %s", rec.Code, rec.Body)
	}
	var out struct {
		Activity struct {
			Result struct {
				StampLoginResult struct{ Session string }
			}
		}
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
		return "", err
	}
	s, err := token.ParseSession(out.Activity.Result.StampLoginResult.Session)
	return s.OrganizationID, err
}

// A passkey signs up and logs in, by ceremonies alone.
func TestAPasskeySignsUpAndLogsIn(t *testing.T) {
	w := newWorld(t)
	a := newAuthenticator(pageOrigin, "localhost")
	organization := w.register(a, "robin@example.org")

	key := newKey()
	body := w.loginBody(key)
	c, r := w.beginCeremony("passkey-stamp", object{"body": body})
	r.is(t, 200, "")
	page, challenge := w.open(c)
	made := w.result(c, w.fromPage("/ceremony/answer", object{"page": page, "answer": a.get(challenge)}))
	if ids, _ := made["organizationIds"].([]any); len(ids) != 1 || ids[0] != organization {
		t.Errorf("the passkey is of %v, want %s", ids, organization)
	}
	header, _ := made["stamp"].(string)
	if got, err := w.logsIn(body, header); err != nil || got != organization {
		t.Errorf("logged in to %q, %v; want %s", got, err, organization)
	}
	if strings.Contains(w.log.String(), header) || strings.Contains(w.log.String(), c.verifier) {
		t.Error("the stamp or the secret is in the log")
	}

	c, _ = w.beginCeremony("passkey-stamp", object{"body": body})
	page, challenge = w.open(c)
	w.fromPage("/ceremony/answer", object{"page": page, "answer": newAuthenticator(pageOrigin, "localhost").get(challenge)}).is(t, 404, "account.unknown")
	// Who turned away is led back, and the device hears of it.
	away := w.fromPage("/ceremony/answer", object{"page": page, "refused": true})
	away.is(t, 200, "")
	if u, err := url.Parse(away.text("onward")); err != nil || u.Query().Get("error") != "access_denied" || u.Query().Get("state") != c.state || u.Query().Has("code") {
		t.Errorf("turned away: %s %v", away.raw, err)
	}
}

// R17: whatever is not the answer of this passkey on this page to this ceremony, once, is refused.
func TestR17_APasskeysAnswerCountsOnceAndHere(t *testing.T) {
	w := newWorld(t)
	a := newAuthenticator(pageOrigin, "localhost")
	w.register(a, "robin@example.org")
	body := w.loginBody(newKey())
	fresh := func() (c ceremony, page, challenge string) {
		t.Helper()
		c, r := w.beginCeremony("passkey-stamp", object{"body": body})
		r.is(t, 200, "")
		page, challenge = w.open(c)
		return c, page, challenge
	}
	refused := 0
	not := func(name string, r reply, status int, reason string) {
		t.Helper()
		refused++
		if r.status != status || r.text("reason") != reason {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	answer := func(page string, answer json.RawMessage) reply {
		t.Helper()
		return w.fromPage("/ceremony/answer", object{"page": page, "answer": answer})
	}

	for _, other := range []struct {
		name         string
		origin, rpID string
	}{
		{"another origin", "https://evil.test", "localhost"}, {"another port", "http://localhost:3001", "localhost"},
		{"another scheme", "https://localhost:3000", "localhost"}, {"another RP", pageOrigin, "evil.test"},
	} {
		_, page, challenge := fresh()
		elsewhere := *a
		elsewhere.rp.Origin, elsewhere.rp.ID = other.origin, other.rpID
		not(other.name, answer(page, elsewhere.get(challenge)), 403, "login.refused")
	}
	_, page, challenge := fresh()
	bad := a.get(challenge)
	bad = json.RawMessage(strings.Replace(string(bad), `"signature":"MEU`, `"signature":"MEY`, 1))
	bad = json.RawMessage(strings.Replace(string(bad), `"signature":"MEQ`, `"signature":"MEY`, 1))
	not("a signature that was touched", answer(page, bad), 403, "login.refused")
	not("another's signature under its name", answer(page, a.stolen(challenge)), 403, "login.refused")
	absent := *a
	absent.device.Options.UserNotPresent = true
	not("nobody present", answer(page, absent.get(challenge)), 403, "login.refused")
	not("no answer", answer(page, json.RawMessage(`{}`)), 403, "login.refused")
	not("an answer of another kind", answer(page, a.create(challenge)), 403, "login.refused")

	// The answer to one ceremony is none to another, of another request or of the same.
	key2 := newKey()
	c2, r := w.beginCeremony("passkey-stamp", object{"body": w.loginBody(key2)})
	r.is(t, 200, "")
	page2, challenge2 := w.open(c2)
	not("another ceremony's", answer(page2, a.get(challenge)), 403, "login.refused")
	made := a.get(challenge2)
	once := answer(page2, made)
	once.is(t, 200, "")
	not("the answer again", answer(page2, made), 401, "browser.late")
	not("turning away after it", w.fromPage("/ceremony/answer", object{"page": page2, "refused": true}), 401, "browser.late")
	not("the page again", w.fromPage("/ceremony/open", object{"ceremony": c2.sealed}), 401, "browser.late")
	not("a ceremony as a page", answer(c2.sealed, made), 401, "browser.late")
	ticket := ticketOf(t, once)
	not("a page as a ticket", w.post("/ceremony/token", object{"ticket": page2, "verifier": c2.verifier}), 401, "browser.late")
	not("without the secret", w.post("/ceremony/token", object{"ticket": ticket, "verifier": "guess"}), 403, "login.refused")
	not("with another's secret", w.post("/ceremony/token", object{"ticket": ticket, "verifier": rand.Text() + rand.Text()}), 403, "login.refused")
	for range 2 { // the answer may be lost
		w.post("/ceremony/token", object{"ticket": ticket, "verifier": c2.verifier}).is(t, 200, "")
	}

	// Only the backend's own page opens and answers, and only where browsers have passkeys.
	c3, _ := w.beginCeremony("passkey-stamp", object{"body": body})
	for name, headers := range map[string][]string{
		"a program":        {"Host", pageHost},
		"a developer's":    {"Host", pageHost, "Origin", "http://localhost:5173"},
		"another name":     {"Host", "127.0.0.1:3000", "Origin", pageOrigin},
		"a rebound name":   {"Host", "evil.test:3000", "Origin", "http://evil.test:3000"},
		"of no origin":     {"Host", pageHost, "Origin", "null"},
		"of two addresses": {"Host", pageHost, "Origin", pageOrigin + "/"},
	} {
		for path, in := range map[string]object{"/ceremony/open": {"ceremony": c3.sealed}, "/ceremony/answer": {"page": page, "answer": a.get(challenge)}} {
			not(name+" "+path, w.post(path, in, headers...), 403, "backend.refused")
		}
	}
	// It lives five minutes.
	page3, challenge3 := w.open(c3)
	w.clock.advance(5 * time.Minute)
	not("late", answer(page3, a.get(challenge3)), 401, "browser.late")
	not("a late ticket", w.post("/ceremony/token", object{"ticket": ticket, "verifier": c2.verifier}), 401, "browser.late")

	// A counter that goes backwards is a copy's.
	_, page, challenge = fresh()
	a.credential.Counter = 7
	answer(page, a.get(challenge)).is(t, 200, "")
	for _, counter := range []uint32{7, 6, 1, 0} {
		_, page, challenge = fresh()
		a.credential.Counter = counter
		not(fmt.Sprintf("the counter %d after 7", counter), answer(page, a.get(challenge)), 403, "login.refused")
	}
	_, page, challenge = fresh()
	a.credential.Counter = 8
	answer(page, a.get(challenge)).is(t, 200, "")
	t.Logf("%d attempts, 0 taken", refused)
}

// stolen is an answer under this passkey's name that another key signed.
func (a *authenticator) stolen(challenge string) json.RawMessage {
	other := newAuthenticator(a.rp.Origin, a.rp.ID)
	other.credential.ID = a.credential.ID
	return other.get(challenge)
}

func ticketOf(t *testing.T, answered reply) string {
	t.Helper()
	u, err := url.Parse(answered.text("onward"))
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("code")
}

// R22: an account that somebody made with another's passkey, under a key of his own, keeps nobody out and lets nobody in.
func TestR22_AnAccountWithAnothersPasskey(t *testing.T) {
	w := newWorld(t)
	a := newAuthenticator(pageOrigin, "localhost")
	thief := newAuthenticator(pageOrigin, "localhost")
	thief.credential.ID = a.credential.ID
	theirs := w.register(thief, "thief")
	mine := w.register(a, "robin@example.org")
	for _, who := range []struct {
		a    *authenticator
		want string
	}{{a, mine}, {thief, theirs}} {
		c, r := w.beginCeremony("passkey-stamp", object{"body": w.loginBody(newKey())})
		r.is(t, 200, "")
		page, challenge := w.open(c)
		made := w.result(c, w.fromPage("/ceremony/answer", object{"page": page, "answer": who.a.get(challenge)}))
		if ids, _ := made["organizationIds"].([]any); len(ids) != 1 || ids[0] != who.want {
			t.Errorf("led to %v, want %s", ids, who.want)
		}
	}
}

// R17: many ceremonies of many passkeys, none fails.
func TestR17_ManyCeremonies(t *testing.T) {
	n := often("R17", 40, 1000)
	w := newWorld(t, func(c *backend.Config) { c.Log = nil })
	w.network.quiet = true
	failed := 0
	var people []*authenticator
	for i := range n {
		if i%10 == 0 {
			a := newAuthenticator(pageOrigin, "localhost")
			w.register(a, fmt.Sprintf("person %d", i))
			people = append(people, a)
			continue
		}
		a := people[i%len(people)]
		body := w.loginBody(newKey())
		c, r := w.beginCeremony("passkey-stamp", object{"body": body})
		r.is(t, 200, "")
		page, challenge := w.open(c)
		a.credential.Counter++
		made := w.result(c, w.fromPage("/ceremony/answer", object{"page": page, "answer": a.get(challenge)}))
		header, _ := made["stamp"].(string)
		if _, err := w.logsIn(body, header); err != nil {
			failed++
			t.Error(err)
		}
	}
	t.Logf("%d ceremonies, %d failed", n, failed)
}

// What a page cannot show is not begun, and what it shows is said from the bytes.
func TestWhatACeremonyShows(t *testing.T) {
	w := newWorld(t)
	org := w.facts.OrganizationID
	for name, in := range map[string]object{
		"no such kind":        {"kind": "passkey-steal"},
		"a name for a stamp":  {"kind": "passkey-stamp", "name": "x", "body": w.loginBody(newKey())},
		"no name":             {"kind": "passkey-create"},
		"a long name":         {"kind": "passkey-create", "name": strings.Repeat("x", 65)},
		"a body for a name":   {"kind": "passkey-create", "name": "x", "body": "{}"},
		"no body":             {"kind": "passkey-stamp"},
		"no JSON":             {"kind": "passkey-stamp", "body": "x"},
		"no organization":     {"kind": "passkey-stamp", "body": "{}"},
		"a name twice":        {"kind": "passkey-stamp", "body": `{"organizationId":"` + org + `","organizationId":"x"}`},
		"a log-in of no key":  {"kind": "passkey-stamp", "body": `{"organizationId":"` + org + `","type":"ACTIVITY_TYPE_STAMP_LOGIN","parameters":{"publicKey":"02"}}`},
		"a body of 10 kB":     {"kind": "passkey-stamp", "body": `{"organizationId":"` + org + `","x":"` + strings.Repeat("x", 10_000) + `"}`},
		"a way to elsewhere":  {"kind": "passkey-create", "name": "x", "returnTo": "https://evil.test/"},
		"a way with a query":  {"kind": "passkey-create", "name": "x", "returnTo": home + "?x=1"},
		"a short state":       {"kind": "passkey-create", "name": "x", "state": "short"},
		"no hash of a secret": {"kind": "passkey-create", "name": "x", "challenge": "short"},
	} {
		_, r := w.beginCeremony("", in)
		if r.status != 400 || r.text("reason") != "request.invalid" {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	shown := func(body string) reply {
		t.Helper()
		c, r := w.beginCeremony("passkey-stamp", object{"body": body})
		r.is(t, 200, "")
		page := w.fromPage("/ceremony/open", object{"ceremony": c.sealed})
		page.is(t, 200, "")
		return page
	}
	key := newKey().PublicKey()
	login := shown(`{"parameters":{"publicKey":"` + key + `","expirationSeconds":"43200","invalidateExisting":true},"organizationId":"` + org + `","timestampMs":"1","type":"ACTIVITY_TYPE_STAMP_LOGIN"}`)
	if login.text("title") != "Log in" || login.text("app") != "Latchkey" || !strings.Contains(login.raw, key[:6]+"…"+key[62:]) || !strings.Contains(login.raw, "12 h 00 min") || !strings.Contains(login.raw, "ends every other session") {
		t.Errorf("a log-in: %s", login.raw)
	}
	sign := shown(`{"parameters":{"signWith":"0xAb` + "\u202e" + `cd","payload":"` + strings.Repeat("ff", 400) + `"},"organizationId":"` + org + `","timestampMs":"1","type":"ACTIVITY_TYPE_SIGN_RAW_PAYLOAD_V2"}`)
	if sign.text("title") != "Sign raw payload" || !strings.Contains(sign.raw, "0xAb\ufffdcd") || !strings.Contains(sign.raw, strings.Repeat("ff", 400)) {
		t.Errorf("a signature: %s", sign.raw)
	}
}

// The page and what it loads come to whoever has the address, and run nothing of anybody else's.
func TestR18_ThePageOfCeremonies(t *testing.T) {
	w := newWorld(t, func(c *backend.Config) { c.Token = "correct-horse-battery" })
	for path, kind := range map[string]string{"/ceremony": "text/html", "/ceremony/page.js": "text/javascript", "/ceremony/page.css": "text/css"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = pageHost
		rec := httptest.NewRecorder()
		w.h.ServeHTTP(rec, r)
		text, err := io.ReadAll(rec.Body)
		if err != nil || rec.Code != 200 || !strings.HasPrefix(rec.Header().Get("Content-Type"), kind) || len(text) < 500 {
			t.Errorf("%s: %d %s %v", path, rec.Code, rec.Header(), err)
		}
		policy := rec.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %s", path, policy)
		}
		if kind == "text/html" && (strings.Contains(string(text), "<style") || strings.Contains(string(text), "style=") || strings.Contains(string(text), "onclick")) {
			t.Errorf("%s has what the policy forbids", path)
		}
	}
	// In the window: the page opens and answers without the token, its device does not.
	w.post("/ceremony/open", object{"ceremony": "x"}, "Host", pageHost, "Origin", pageOrigin).is(t, 401, "browser.late")
	w.post("/ceremony/begin", object{"kind": "x"}).is(t, 403, "backend.refused")
	w.post("/ceremony/token", object{"ticket": "x", "verifier": "x"}).is(t, 403, "backend.refused")
	w.post("/ceremony/open", object{"ceremony": "x"}, "Host", pageHost, "Origin", "http://localhost:5173", backend.TokenHeader, "correct-horse-battery").is(t, 403, "backend.refused")
}
