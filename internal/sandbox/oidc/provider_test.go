package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	coreos "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// discovered is an issuer as a foreign client finds it.
func (w *world) discovered(name string) *coreos.Provider {
	w.t.Helper()
	p, err := coreos.NewProvider(context.Background(), w.Issuer(w.url, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// The client of this test is nobody's here: x/oauth2 and go-oidc with their own discovery, keys and checks.
func TestAForeignClientLogsInByCode(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name   string
		scopes []string
		more   []oauth2.AuthCodeOption
		claims []string
	}{
		{Google, []string{"openid", "email", "profile"}, nil, []string{"email", "email_verified", "name", "azp", "at_hash"}},
		{Google, []string{"openid"}, nil, []string{"azp", "at_hash"}},
		{Apple, []string{"name", "email"}, []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("response_mode", "form_post")}, []string{"email", "email_verified", "nonce_supported"}},
		{Apple, nil, nil, []string{"nonce_supported"}},
		{Facebook, []string{"openid"}, nil, []string{"name"}},
		{Plain, []string{"openid", "email"}, nil, []string{"email", "email_verified"}},
	} {
		p := w.discovered(c.name)
		app := &oauth2.Config{ClientID: "app", RedirectURL: "http://127.0.0.1:9/back?kept=1", Scopes: c.scopes, Endpoint: p.Endpoint()}
		verifier := oauth2.GenerateVerifier()
		address := app.AuthCodeURL("a state&", append(c.more, oauth2.S256ChallengeOption(verifier), coreos.Nonce("n0"))...)
		back := w.logIn(address, "jane.doe@example.com", app.RedirectURL)
		if back.Get("state") != "a state&" {
			t.Errorf("%s: state %q", c.name, back.Get("state"))
		}
		told, err := app.Exchange(context.Background(), back.Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		raw, _ := told.Extra("id_token").(string)
		token, err := p.Verifier(&coreos.Config{ClientID: "app", Now: w.time.now}).Verify(context.Background(), raw)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err := token.VerifyAccessToken(told.AccessToken); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if token.Nonce != "n0" || token.Subject == "" || token.Expiry.Sub(w.time.now()) != time.Hour {
			t.Errorf("%s: %+v", c.name, token)
		}
		var all map[string]any
		if err := token.Claims(&all); err != nil {
			t.Fatal(err)
		}
		for _, claim := range []string{"email", "email_verified", "name", "azp", "nonce_supported"} {
			if _, is := all[claim]; is != slices.Contains(c.claims, claim) {
				t.Errorf("%s %v: claim %s: %v", c.name, c.scopes, claim, is)
			}
		}
		user, err := p.UserInfo(context.Background(), oauth2.StaticTokenSource(told))
		if err != nil || user.Subject != token.Subject {
			t.Errorf("%s: userinfo %+v, %v", c.name, user, err)
		}
		if c.name == Apple && len(c.scopes) > 0 && !strings.Contains(back.Get("user"), `"firstName":"Jane"`) {
			t.Errorf("Apple told no name: %v", back)
		}
	}
}

// An app's page that asks Google for id_token, and Apple for code id_token, reads them from the fragment.
func TestAnIDTokenComesInTheFragment(t *testing.T) {
	w := newWorld(t)
	for name, kind := range map[string]string{Google: "id_token", Apple: "code id_token", Plain: "id_token code"} {
		q := url.Values{"client_id": {"web"}, "redirect_uri": {"com.example.app:/cb"}, "response_type": {kind}, "nonce": {"n1"}, "tknonce": {"t1"}, "state": {"s"}}
		if name != Apple {
			q.Set("scope", "openid email")
		}
		page := w.get(w.Issuer(w.url, name) + "/authorize?" + q.Encode())
		if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' com.example.app:") {
			t.Errorf("%s: %s", name, policy)
		}
		action, fields := page.form(t)
		fields.Set("email", "a@b.test")
		sent := w.post(w.url+action, fields)
		if !strings.HasPrefix(sent.header.Get("Location"), "com.example.app:/cb#") {
			t.Errorf("%s: to %q", name, sent.header.Get("Location"))
		}
		back := sent.answer(t, "com.example.app:/cb")
		token, err := w.discovered(name).Verifier(&coreos.Config{ClientID: "web", Now: w.time.now}).Verify(context.Background(), back.Get("id_token"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var c claims
		if err := token.Claims(&c); err != nil || c.Nonce != "n1" || c.TKNonce != "t1" || c.CodeHash != halfHash(back.Get("code")) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func TestASubjectIsOnesOwnWithEachProviderAndStays(t *testing.T) {
	seen := map[string]string{}
	for _, h := range houses() {
		if h.subject == nil {
			continue
		}
		one := h.accountOf([]byte("seed"), "Jane@doe.test", true)
		if two := h.accountOf([]byte("seed"), "jane@DOE.test", false); one.subject != two.subject {
			t.Errorf("%s: %q and %q are one person", h.name, one.subject, two.subject)
		}
		for _, other := range []account{h.accountOf([]byte("seed"), "joe@doe.test", true), h.accountOf([]byte("other"), "jane@doe.test", true)} {
			if other.subject == one.subject {
				t.Errorf("%s: %q is two people", h.name, one.subject)
			}
		}
		if by, taken := seen[one.subject]; taken {
			t.Errorf("%s and %s both say %q", h.name, by, one.subject)
		}
		seen[one.subject] = h.name
	}
}

func TestKeysFollowFromTheSeed(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256"} {
		one, again, other := newSigner(alg, seeded("a"), "x")(), newSigner(alg, seeded("a"), "x")(), newSigner(alg, seeded("b"), "x")()
		if one.kid != again.kid || one.public != again.public {
			t.Errorf("%s: one seed, two keys", alg)
		}
		if one.kid == other.kid {
			t.Errorf("%s: two seeds, one key", alg)
		}
	}
}

// A code that was used, is over, or is presented by whom it was not made for, opens nothing.
func TestACodeIsGoodOnceForAMinuteForOneClient(t *testing.T) {
	w := newWorld(t)
	app := w.app("/oidc/google", "", "openid")
	verifier := oauth2.GenerateVerifier()
	code := func() string {
		return w.logIn(app.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)), "a@b.test", app.RedirectURL).Get("code")
	}
	form := func(code string) url.Values {
		return url.Values{"grant_type": {"authorization_code"}, "client_id": {"app"}, "redirect_uri": {app.RedirectURL}, "code": {code}, "code_verifier": {verifier}}
	}
	exchange := func(path string, f url.Values) (status int, out tokens, problem string) {
		t.Helper()
		p := w.post(w.url+path+"/token", f)
		var bad struct{ Error string }
		if err := json.Unmarshal([]byte(p.body), &out); err != nil {
			t.Fatal(err)
		}
		_ = json.Unmarshal([]byte(p.body), &bad)
		return p.status, out, bad.Error
	}
	me := func(access string) int {
		r, _ := http.NewRequest(http.MethodGet, w.url+"/oidc/google/userinfo", nil)
		r.Header.Set("Authorization", "Bearer "+access)
		return w.do(r).status
	}
	stolen := code()
	status, out, _ := exchange("/oidc/google", form(stolen))
	if status != 200 || out.IDToken == "" || me(out.Access) != 200 {
		t.Fatalf("status %d, userinfo %d", status, me(out.Access))
	}
	if status, _, why := exchange("/oidc/google", form(stolen)); status != 400 || why != "invalid_grant" {
		t.Errorf("twice: %d %s", status, why)
	}
	if me(out.Access) != 401 {
		t.Error("a code was used twice, and what the first use brought is still good")
	}
	late := code()
	w.time.advance(59 * time.Second)
	if status, _, _ := exchange("/oidc/google", form(late)); status != 200 {
		t.Errorf("after 59 s: %d", status)
	}
	late = code()
	w.time.advance(time.Minute)
	if _, _, why := exchange("/oidc/google", form(late)); why != "invalid_grant" {
		t.Errorf("after a minute: %q", why)
	}
	for name, change := range map[string]func(url.Values) string{
		"another client":   func(f url.Values) string { f.Set("client_id", "other"); return "/oidc/google" },
		"another address":  func(f url.Values) string { f.Set("redirect_uri", app.RedirectURL+"/"); return "/oidc/google" },
		"no address":       func(f url.Values) string { f.Del("redirect_uri"); return "/oidc/google" },
		"another verifier": func(f url.Values) string { f.Set("code_verifier", oauth2.GenerateVerifier()); return "/oidc/google" },
		"no verifier":      func(f url.Values) string { f.Del("code_verifier"); return "/oidc/google" },
		"another provider": func(url.Values) string { return "/oidc/sandbox" },
		"the challenge sent": func(f url.Values) string {
			f.Set("code_verifier", oauth2.S256ChallengeFromVerifier(verifier))
			return "/oidc/google"
		},
	} {
		f := form(code())
		if status, _, why := exchange(change(f), f); status != 400 || why != "invalid_grant" {
			t.Errorf("%s: %d %s", name, status, why)
		}
	}
	plain := w.logIn(app.AuthCodeURL("s"), "a@b.test", app.RedirectURL).Get("code")
	if _, _, why := exchange("/oidc/google", form(plain)); why != "invalid_grant" {
		t.Errorf("a verifier without a challenge: %q", why)
	}
	for name, change := range map[string]func(url.Values){
		"no grant type":   func(f url.Values) { f.Del("grant_type") },
		"other grant":     func(f url.Values) { f.Set("grant_type", "password") },
		"twice the code":  func(f url.Values) { f.Add("code", "x") },
		"no client":       func(f url.Values) { f.Del("client_id") },
		"nothing at all":  func(f url.Values) { clear(f) },
		"a code of nulls": func(f url.Values) { f.Set("code", "\x00") },
	} {
		f := form(code())
		change(f)
		if status, out, why := exchange("/oidc/google", f); status < 400 || status > 499 || out.Access != "" || why == "" {
			t.Errorf("%s: %d %s", name, status, why)
		}
	}
}

func TestListedClientsNeedTheirSecret(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Clients = map[string]map[string]string{Google: {"app": "s&cret"}} })
	app := w.app("/oidc/google", "s&cret", "openid")
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
		for secret, want := range map[string]bool{"s&cret": true, "other": false, "": false} {
			app.Endpoint.AuthStyle, app.ClientSecret = style, secret
			back := w.logIn(app.AuthCodeURL("s"), "a@b.test", app.RedirectURL)
			if _, err := app.Exchange(context.Background(), back.Get("code")); (err == nil) != want {
				t.Errorf("style %d, secret %q: %v", style, secret, err)
			}
		}
	}
	app.ClientID = "stranger"
	if p := w.get(app.AuthCodeURL("s")); p.status != http.StatusBadRequest || p.header.Get("Location") != "" {
		t.Errorf("a stranger: %d", p.status)
	}
}

// What is wrong with the address or the client is shown and goes nowhere; the rest is told to the app.
func TestRequestsThatAProviderWouldRefuse(t *testing.T) {
	w := newWorld(t)
	ask := func(name string, change map[string]string) page {
		q := url.Values{"client_id": {"app"}, "redirect_uri": {"https://app.test/cb"}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s t"}}
		if name == Facebook || name == X {
			q.Set("code_challenge", strings.Repeat("a", 43))
			q.Set("code_challenge_method", "S256")
		}
		for k, v := range change {
			q.Set(k, v)
			if v == "" {
				q.Del(k)
			}
		}
		path := "/oidc/"
		if name == X || name == Discord {
			path = "/oauth2/"
		}
		return w.get(w.url + path + name + "/authorize?" + q.Encode())
	}
	for _, bad := range []string{"", "/relative", "app.test/cb", "//app.test/cb", "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://app.test/1",
		"https://user@app.test/", "https://app.test/#frag", "https://app.test/#", "http:///x", "http:x", "https://app.test/ x", "https://app.test/\"><script>", "https://app.test\\@evil.test/", "https://app.test/\r\nSet-Cookie: x=1", "https://äpp.test/", "://", "view-source:https://app.test",
		"https://app.test/" + strings.Repeat("x", 3000)} {
		if p := ask(Google, map[string]string{"redirect_uri": bad}); p.status != http.StatusBadRequest || p.header.Get("Location") != "" || strings.Contains(p.body, "<form") || strings.Contains(p.body, "<script>") {
			t.Errorf("redirect_uri %.60q: status %d, to %q", bad, p.status, p.header.Get("Location"))
		}
	}
	if p := ask(Google, map[string]string{"client_id": ""}); p.status != http.StatusBadRequest {
		t.Errorf("no client: %d", p.status)
	}
	if p := w.get(w.url + "/oidc/google/authorize?client_id=a&client_id=b&redirect_uri=https://app.test"); p.status != http.StatusBadRequest {
		t.Errorf("two clients: %d", p.status)
	}
	for _, c := range []struct {
		name   string
		change map[string]string
		want   string
	}{
		{Google, map[string]string{"response_type": ""}, "invalid_request"},
		{Google, map[string]string{"response_type": "token"}, "unsupported_response_type"},
		{Google, map[string]string{"response_type": "id_token"}, "invalid_request"}, // no nonce
		{Google, map[string]string{"response_type": "id_token", "nonce": "n", "scope": "email"}, "invalid_scope"},
		{Google, map[string]string{"response_type": "id_token", "nonce": "n", "response_mode": "query"}, "invalid_request"},
		{Google, map[string]string{"code_challenge": strings.Repeat("a", 43)}, "invalid_request"}, // plain, by leaving the method out
		{Google, map[string]string{"code_challenge": strings.Repeat("a", 43), "code_challenge_method": "plain"}, "invalid_request"},
		{Google, map[string]string{"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"},
		{Google, map[string]string{"code_challenge_method": "S256"}, "invalid_request"},
		{Google, map[string]string{"prompt": "none"}, "login_required"},
		{Google, map[string]string{"request": "eyJ"}, "request_not_supported"},
		{Apple, map[string]string{"scope": "email"}, "invalid_request"}, // not form_post
		{Facebook, map[string]string{"code_challenge": "", "code_challenge_method": ""}, "invalid_request"},
		{Facebook, map[string]string{"response_type": "id_token", "nonce": "n"}, "unsupported_response_type"},
		{X, map[string]string{"state": ""}, "invalid_request"},
		{X, map[string]string{"code_challenge": "", "code_challenge_method": ""}, "invalid_request"},
		{Discord, map[string]string{"response_type": "id_token"}, "unsupported_response_type"},
	} {
		p := ask(c.name, c.change)
		if p.status != http.StatusSeeOther {
			t.Errorf("%s %v: status %d", c.name, c.change, p.status)
			continue
		}
		back := p.answer(t, "https://app.test/cb")
		if back.Get("error") != c.want || back.Get("state") != "s t" && c.name != X || back.Has("code") {
			t.Errorf("%s %v: %v", c.name, c.change, back)
		}
	}
}

func TestTheLogInPageShowsWhereItLeadsAndRunsNothing(t *testing.T) {
	w := newWorld(t)
	q := url.Values{"client_id": {`<script>x</script>`}, "redirect_uri": {"http://[::1]:9/back?a='x'"}, "response_type": {"code"}, "scope": {`"><img>`}, "state": {`"><b>`}, "login_hint": {`x"y`}}
	p := w.get(w.url + "/oidc/sandbox/authorize?" + q.Encode())
	if p.status != 200 || strings.Contains(p.body, "<script") || strings.Contains(p.body, "<img>") || strings.Contains(p.body, "<b>") {
		t.Errorf("status %d: %s", p.status, p.body)
	}
	if !strings.Contains(p.body, "http://[::1]:9/back?a=") {
		t.Error("does not show where it leads")
	}
	policy := p.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self' http:"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%s: no %s", policy, want)
		}
	}
	if strings.Contains(policy, "script-src") || strings.Contains(policy, "unsafe") {
		t.Errorf("scripts may run: %s", policy)
	}
	action, fields := p.form(t)
	if fields.Get("state") != `"><b>` || action != "/oidc/sandbox/authorize" {
		t.Errorf("the form says %q, %v", action, fields)
	}
	for _, bad := range []string{"", "jane", "Jane <jane@doe.test>", "a@b@c", "a@b\r\nc", strings.Repeat("x", 300) + "@doe.test"} {
		fields.Set("email", bad)
		if got := w.post(w.url+action, fields); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "no e-mail address") {
			t.Errorf("%q: %d", bad, got.status)
		}
	}
	fields.Set("email", "a@b.test")
	for name, change := range map[string]func(*http.Request){
		"another page's form":   func(r *http.Request) { r.Header.Set("Origin", "https://evil.test") },
		"a page without origin": func(r *http.Request) { r.Header.Set("Origin", "null") },
		"another site's form":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
	} {
		if got := w.post(w.url+action, fields, change); got.status != http.StatusBadRequest || got.header.Get("Location") != "" {
			t.Errorf("%s: %d, to %q", name, got.status, got.header.Get("Location"))
		}
	}
	fields.Set("cancel", "1")
	if back := w.post(w.url+action, fields).answer(t, q.Get("redirect_uri")); back.Get("error") != "access_denied" || back.Get("state") != `"><b>` {
		t.Errorf("cancelled: %v", back)
	}
}

// A Host that is not this machine's would let a stranger choose the issuer.
func TestOnlyLoopbackHostsChooseTheIssuer(t *testing.T) {
	w := newWorld(t)
	told := newWorld(t, func(c *Config) { c.BaseURL = "https://sandbox.test/" })
	ask := func(w *world, host string) page {
		r, _ := http.NewRequest(http.MethodGet, w.url+"/oidc/sandbox/.well-known/openid-configuration", nil)
		r.Host = host
		return w.do(r)
	}
	for host, want := range map[string]string{"localhost:81": "http://localhost:81", "127.0.0.5": "http://127.0.0.5", "[::1]:81": "http://[::1]:81", "LOCALHOST": "http://localhost",
		"evil.test": "", "localhost.evil.test": "", "127.0.0.1.evil.test": "", "10.0.0.1:80": "", "localhost:x": "", "localhost:0": ""} {
		p := ask(w, host)
		if want == "" {
			if p.status == 200 {
				t.Errorf("%s: %s", host, p.body)
			}
			continue
		}
		if !strings.Contains(p.body, `"issuer":"`+want+`/oidc/sandbox"`) {
			t.Errorf("%s: %d %s", host, p.status, p.body)
		}
	}
	if p := ask(told, "anything.test"); !strings.Contains(p.body, `"issuer":"https://sandbox.test/oidc/sandbox"`) {
		t.Errorf("told its address: %s", p.body)
	}
}

func TestABaseIsSchemeAndHostAlone(t *testing.T) {
	for text, want := range map[string]bool{"": true, "https://sandbox.test": true, "http://box:4000/": true, "http://[::1]:1": true, "sandbox.test": false, "sandbox.test:1": false,
		"ftp://a": false, "https://": false, "https://a/b": false, "https://a?b": false, "https://a#b": false, "https://u@a": false, "https://a b": false, "://": false} {
		if err := CheckBase(text); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	if p := New(Config{Seed: seeded("one"), Now: time.Now, BaseURL: "http://box:4000/"}); p.Issuer(p.Base("evil.test"), Google) != "http://box:4000/oidc/google" {
		t.Error(p.Base("evil.test"))
	}
}

func TestCodesAreKeptWithinBounds(t *testing.T) {
	s, now := newStore(), time.Now()
	for i := range 3 * storeMax {
		s.put(&grant{secret: strings.Repeat("x", i), expires: now.Add(time.Hour)})
	}
	if len(s.byID) != storeMax {
		t.Errorf("%d are kept", len(s.byID))
	}
	if _, ok := s.valid(strings.Repeat("x", 3*storeMax-1), now); !ok {
		t.Error("the newest is gone")
	}
}

func TestWhatIsNotThereIsAnswered(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/oidc/", "/oidc/google", "/oidc/nobody/jwks", "/oidc/google/", "/oidc/google/x", "/oauth2/google/token", "/oauth2/x/jwks", "/oidc/turnkey/authorize", "/oidc/turnkey/token", "/oidc/x/token", "/oauth2/x/userinfo", "/oidc/google/users/me", "/"} {
		if p := w.get(w.url + path); p.status != 404 {
			t.Errorf("%s: %d", path, p.status)
		}
	}
	for _, path := range []string{"/oidc/google/token", "/oidc/google/userinfo"} {
		r, _ := http.NewRequest(http.MethodDelete, w.url+path, nil)
		if p := w.do(r); p.status != 405 {
			t.Errorf("DELETE %s: %d", path, p.status)
		}
	}
	if p := w.get(w.url + "/oidc/google/token"); p.status != 405 {
		t.Errorf("GET of a token: %d", p.status)
	}
	if p := w.get(w.url + "/oidc/google/authorize?%zz"); p.status != 400 {
		t.Errorf("no query: %d", p.status)
	}
}
