package backend_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/backend"
	"latchkey/internal/p256"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// visit calls a route that a session token opens. Headers come in pairs and replace the token's.
func (w *world) visit(path, jwt string, headers ...string) reply {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "localhost"
	if jwt != "" {
		r.Header.Set("Authorization", "Bearer "+jwt)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return w.do(r)
}

// comesIn logs somebody in and returns the session.
func (w *world) comesIn(contact string, key *p256.Key) (jwt string, s token.Session) {
	w.t.Helper()
	jwt = kits[0].enter(w, contact, key)
	return jwt, w.session(jwt, key)
}

func TestASessionTokenOpensItsOwn(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	jwt, s := w.comesIn("ann@example.com", key)
	other, o := w.comesIn("bob@example.com", newKey())
	if _, err := w.as(key).CreateWallet(t.Context(), s.OrganizationID, turnkey.CreateWalletParams{WalletName: "Mine", Accounts: []turnkey.WalletAccountParams{
		{Curve: "CURVE_ED25519", PathFormat: "PATH_FORMAT_BIP32", Path: "m/44'/501'/0'/0'", AddressFormat: "ADDRESS_FORMAT_SOLANA"}}}); err != nil {
		t.Fatal(err)
	}
	me := w.ok(w.visit("/me", jwt))
	if me.text("organizationId") != s.OrganizationID || me.text("userId") != s.UserID || me.text("userEmail") != "ann@example.com" || me.text("publicKey") != key.PublicKey() ||
		me.text("expiresAt") != s.Expires.UTC().Format(time.RFC3339) || me.text("sessionType") != "SESSION_TYPE_READ_WRITE" {
		t.Errorf("%s", me.raw)
	}
	if r := w.ok(w.visit("/me", "", "Authorization", "bearer "+jwt)); r.raw != me.raw {
		t.Errorf("in another case: %s", r.raw)
	}
	wallets := w.ok(w.visit("/wallets?organizationId="+s.OrganizationID, jwt))
	if !strings.Contains(wallets.raw, `"walletName":"Mine"`) || !strings.Contains(wallets.raw, `"path":"m/44'/501'/0'/0'"`) {
		t.Errorf("%s", wallets.raw)
	}
	if r := w.ok(w.visit("/wallets", other)); r.raw != `{"wallets":[]}`+"\n" {
		t.Errorf("the other's: %s", r.raw)
	}
	forward := w.ok(w.visit("/forward-auth", jwt))
	if forward.header.Get("X-Latchkey-Organization-Id") != s.OrganizationID || forward.header.Get("X-Latchkey-User-Id") != s.UserID {
		t.Errorf("%v", forward.header)
	}
	for _, path := range []string{"/me?organizationId=" + o.OrganizationID, "/wallets?organizationId=" + s.OrganizationID + "&organizationId=" + o.OrganizationID,
		"/me?userId=" + o.UserID, "/forward-auth?organizationId=" + o.OrganizationID, "/wallets?organizationId="} {
		r := w.visit(path, jwt)
		r.is(t, 403, "token.foreign")
		if r.header.Get("X-Latchkey-User-Id") != "" {
			t.Errorf("%s names a user", path)
		}
	}
	for _, header := range []string{"X-Forwarded-Uri", "X-Original-URI"} {
		w.ok(w.visit("/forward-auth", jwt, header, "/orders?organizationId="+s.OrganizationID))
		w.visit("/forward-auth", jwt, header, "/orders?organizationId="+o.OrganizationID).is(t, 403, "token.foreign")
		w.visit("/forward-auth", jwt, header, "%zz").is(t, 400, "request.invalid")
	}
	bearer := []string{"Authorization", "Bearer " + jwt}
	for path, want := range map[string]string{"/api/getWallet": `"name":"Mine"`, "/api/getUsers": "ann@example.com"} {
		if r := w.ok(w.post(path, object{"organizationId": s.OrganizationID}, bearer...)); !strings.Contains(r.raw, want) {
			t.Errorf("%s: %s", path, r.raw)
		}
		w.post(path, object{"organizationId": o.OrganizationID}, bearer...).is(t, 403, "token.foreign")
		w.post(path, object{"organizationId": s.OrganizationID}).is(t, 401, "token.malformed")
	}
	done, err := w.as(key).Submit(t.Context(), turnkey.Activity{Path: "/public/v1/submit/create_wallet", Type: "ACTIVITY_TYPE_CREATE_WALLET", OrganizationID: s.OrganizationID,
		Parameters: turnkey.CreateWalletParams{WalletName: "Two", Accounts: []turnkey.WalletAccountParams{}}, ResultKey: "createWalletResult"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	activity := object{"activityId": done.ActivityID}
	if r := w.ok(w.post("/api/getActivity", activity, bearer...)); r.text("id") != done.ActivityID || r.text("status") != "ACTIVITY_STATUS_COMPLETED" {
		t.Errorf("%s", r.raw)
	}
	if r := w.post("/api/getActivity", activity, "Authorization", "Bearer "+other); r.status == 200 || strings.Contains(r.raw, "Two") {
		t.Errorf("another's activity: %s", r.raw)
	}
}

// One key signs the sessions of every customer of Turnkey's: a signature is not enough.
func TestR23_ForeignAndFinishedTokensAreRefused(t *testing.T) {
	w := newWorld(t)
	key, bobs := newKey(), newKey()
	jwt, s := w.comesIn("ann@example.com", key)
	bob, _ := w.comesIn("bob@example.com", bobs)
	issue := func(change func(*token.Session)) string {
		s := s
		change(&s)
		out, err := token.IssueSession(newKey().Private(), s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	elsewhere := w.otherSandbox()
	foreign, _ := elsewhere.comesIn("ann@example.com", newKey())
	for name, c := range map[string]struct {
		jwt     string
		headers []string
		reason  string
	}{
		"nothing":                 {"", nil, "token.malformed"},
		"another scheme":          {"", []string{"Authorization", "Basic " + jwt}, "token.malformed"},
		"two":                     {jwt, []string{"Authorization", "Bearer " + jwt}, "token.malformed"},
		"not a token":             {"a.b.c", nil, "token.malformed"},
		"a long one":              {strings.Repeat("a", 9<<10), nil, "token.malformed"},
		"a changed one":           {jwt[:len(jwt)-4] + "AAAA", nil, "token.invalid"},
		"nobody's signature":      {issue(func(*token.Session) {}), nil, "token.invalid"},
		"a sealed code's token":   {w.prove("cat@example.com", key, true).text("verificationToken"), nil, "token.invalid"},
		"a plain code's token":    {w.prove("dan@example.com", key, false).text("verificationToken"), nil, "token.invalid"},
		"another sandbox's token": {foreign, nil, "token.invalid"},
	} {
		before := w.network.count("/get_user")
		r := w.visit("/me", c.jwt, c.headers...)
		if r.status != 401 || r.text("reason") != c.reason || r.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
		if w.network.count("/get_user") != before {
			t.Errorf("%s: the service was asked", name)
		}
	}
	w.ok(w.visit("/me", jwt))
	w.ok(w.visit("/me", bob))

	// Logged out: the key is gone, and at the latest a minute later nobody believes the token.
	keys, err := w.parent().GetAPIKeys(t.Context(), s.OrganizationID, s.UserID)
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	if _, err := w.as(key).DeleteAPIKeys(t.Context(), s.OrganizationID, s.UserID, keys[0].APIKeyID); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(59 * time.Second)
	w.ok(w.visit("/me", jwt)) // what is cached still counts
	w.clock.advance(time.Second)
	w.visit("/me", jwt).is(t, 401, "session.rejected")
	w.restart()
	w.visit("/me", jwt).is(t, 401, "session.rejected")
	w.ok(w.visit("/me", bob))
	w.clock.advance(15 * time.Minute)
	w.visit("/me", bob).is(t, 401, "token.expired")

	// Another customer: the same vendor, the same signature, and a parent that has never heard of them.
	next := newKey()
	jwt, _ = w.comesIn("bob@example.com", bobs)
	w.config.OrganizationID = w.ok(w.post("/signup", object{"userEmail": "customer@example.com", "apiKeys": apiKeys(next)})).text("subOrganizationId")
	w.config.APIPublicKey, w.config.APIPrivateKey = next.PublicKey(), backend.SecretOf(p256.PrivateHex(next.Private()))
	w.restart()
	for _, path := range []string{"/me", "/wallets", "/forward-auth"} {
		w.visit(path, jwt).is(t, 403, "token.foreign")
	}
	w.post("/api/getUsers", object{}, "Authorization", "Bearer "+jwt).is(t, 403, "token.foreign")
}

func TestR23_AUserOrAnOrganizationThatIsGoneOpensNothing(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	jwt, s := w.comesIn("ann@example.com", key)
	w.ok(w.visit("/me", jwt))
	if _, err := w.as(key).Submit(t.Context(), turnkey.Activity{Path: "/public/v1/submit/delete_sub_organization", Type: "ACTIVITY_TYPE_DELETE_SUB_ORGANIZATION",
		OrganizationID: s.OrganizationID, Parameters: object{"deleteWithoutExport": true}, ResultKey: "deleteSubOrganizationResult"}, nil); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Minute)
	if r := w.visit("/me", jwt); r.status != 401 && r.status != 403 {
		t.Errorf("%d %s", r.status, r.raw)
	}
}

// What cannot be checked is refused, and not passed; what was checked a minute ago counts as not checked.
func TestR23_WhatCannotBeCheckedIsRefused(t *testing.T) {
	down := map[string]func(path string, _ []byte, send func() *http.Response) (*http.Response, error){
		"no network": func(string, []byte, func() *http.Response) (*http.Response, error) {
			return nil, errors.New("no route to host")
		},
		"a 503": func(string, []byte, func() *http.Response) (*http.Response, error) { return answer(503, `{}`), nil },
		"too often": func(string, []byte, func() *http.Response) (*http.Response, error) {
			return answer(429, `{"code":8,"message":"too many requests","details":[]}`), nil
		},
		"a portal's page": func(string, []byte, func() *http.Response) (*http.Response, error) { return answer(200, `<html>`), nil },
		"a proxy's refusal": func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
			if strings.HasSuffix(path, "/get_user") {
				return answer(403, `<html>`), nil
			}
			return send(), nil
		},
		"another user": func(string, []byte, func() *http.Response) (*http.Response, error) {
			return answer(200, `{"user":{"userId":"u"}}`), nil
		},
		"our key is gone": func(string, []byte, func() *http.Response) (*http.Response, error) {
			return answer(401, `{"code":16,"message":"could not find public key in organization or its parent organization","details":[],"turnkeyErrorCode":"PUBLIC_KEY_NOT_FOUND"}`), nil
		},
	}
	for name, fault := range down {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			jwt, _ := w.comesIn("ann@example.com", newKey())
			w.ok(w.visit("/me", jwt))
			w.network.setFault(fault)
			w.ok(w.visit("/me", jwt)) // within the minute nobody is asked
			w.clock.advance(time.Minute)
			r := w.visit("/forward-auth", jwt)
			r.is(t, 503, "api.unreachable")
			if r.header.Get("X-Latchkey-User-Id") != "" {
				t.Error("a user is named")
			}
			w.network.setFault(nil)
			w.clock.advance(6 * time.Second) // past what readiness remembers
			w.ok(w.visit("/me", jwt))
		})
	}
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// However many requests come at once, the service is asked once a minute for each session; and tokens that are none are
// counted by address, while sessions are not.
func TestVisitorsAreLookedUpOnceAMinute(t *testing.T) {
	w := newWorld(t, func(c *backend.Config) { c.Limits.AddressCalls = 9 }) // five of them are the log-in and the first look-up
	jwt, _ := w.comesIn("ann@example.com", newKey())
	var all sync.WaitGroup
	statuses := make([]int, 50)
	for i := range statuses {
		all.Go(func() {
			r := httptest.NewRequest(http.MethodGet, "/me", nil)
			r.Host = "localhost"
			r.Header.Set("Authorization", "Bearer "+jwt)
			rec := httptest.NewRecorder()
			w.h.ServeHTTP(rec, r)
			statuses[i] = rec.Code
		})
	}
	all.Wait()
	for i, status := range statuses {
		if status != 200 {
			t.Errorf("request %d: %d", i, status)
		}
	}
	if n := w.network.count("/get_user"); n != 1 {
		t.Errorf("the service was asked %d times", n)
	}
	seen := map[int]int{}
	for range 10 {
		seen[w.visit("/me", "a.b.c").status]++
	}
	if seen[401] == 0 || seen[429] == 0 || len(seen) != 2 {
		t.Errorf("bad tokens were answered %v", seen)
	}
	w.ok(w.visit("/me", jwt))
}

// The guard of one's own handlers.
func TestRequireSessionGuardsOnesOwnHandlers(t *testing.T) {
	w := newWorld(t)
	jwt, s := w.comesIn("ann@example.com", newKey())
	_, o := w.comesIn("bob@example.com", newKey())
	served := 0
	mux := http.NewServeMux()
	own := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		v, ok := backend.VisitorOf(r.Context())
		served++
		_ = json.NewEncoder(rw).Encode(object{"ok": ok, "user": v.UserID})
	})
	mux.Handle("GET /of/{organizationId}", w.b.RequireSession(backend.OwnOnly, own))
	mux.Handle("GET /any", w.b.RequireSession(nil, own))
	mux.Handle("GET /never", w.b.RequireSession(func(*http.Request, backend.Visitor) error { return errors.New("a bug") }, own))
	w.h = mux
	if r := w.ok(w.visit("/of/"+s.OrganizationID, jwt)); r.text("user") != s.UserID || r.body["ok"] != true {
		t.Errorf("%s", r.raw)
	}
	w.ok(w.visit("/any", jwt))
	before := served
	w.visit("/of/"+o.OrganizationID, jwt).is(t, 403, "token.foreign")
	w.visit("/of/"+s.OrganizationID+"?organizationId="+o.OrganizationID, jwt).is(t, 403, "token.foreign")
	w.visit("/any", "").is(t, 401, "token.malformed")
	w.visit("/never", jwt).is(t, 500, "internal")
	if served != before {
		t.Error("a refused request was served")
	}
	if _, ok := backend.VisitorOf(t.Context()); ok {
		t.Error("a visitor out of nowhere")
	}
}
