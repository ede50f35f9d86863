package oidc

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestR15_ProvidersTakeAnyRequest sends requests of every shape to every page of every provider: none breaks it, none
// is led to where a browser would run something, and no access token is given for nothing.
func TestR15_ProvidersTakeAnyRequest(t *testing.T) {
	p := New(Config{Seed: seeded("one"), Now: time.Now})
	for _, sign := range p.signers {
		sign() // before the requests, for an RSA key takes a while
	}
	rng := rand.New(rand.NewPCG(15, 0))
	pick := func(of ...string) string { return of[rng.IntN(len(of))] }
	junk := func() string {
		b := make([]byte, rng.IntN(40))
		for i := range b {
			b[i] = byte(rng.IntN(256))
		}
		return string(b)
	}
	long := strings.Repeat("x", 5000)
	values := map[string][]string{
		"client_id": {"app", ""}, "redirect_uri": {"https://app.test/cb", "myapp://cb", "javascript:alert(1)", "http://[::1]/?x", "data:text/html,x"},
		"response_type": {"code", "id_token", "code id_token", "token"}, "response_mode": {"query", "fragment", "form_post"}, "scope": {"openid email profile", "name"},
		"state": {"s", "\r\nX: y"}, "nonce": {"n"}, "code_challenge": {strings.Repeat("a", 43)}, "code_challenge_method": {"S256", "plain"}, "email": {"a@b.test", "a"},
		"cancel": {"1"}, "grant_type": {"authorization_code"}, "code": {"c"}, "code_verifier": {strings.Repeat("b", 43)}, "client_secret": {"s"}, "prompt": {"none", "login"},
	}
	form := func() string {
		v := url.Values{}
		for name, known := range values {
			switch rng.IntN(60) {
			case 0:
			case 1:
				v.Set(name, junk())
			case 2:
				v[name] = []string{pick(known...), pick(known...)}
			case 3:
				v.Set(name, long)
			default:
				if name != "cancel" && name != "prompt" || rng.IntN(4) == 0 {
					v.Set(name, known[0])
				}
				if rng.IntN(12) == 0 {
					v.Set(name, pick(known...))
				}
			}
		}
		if rng.IntN(20) == 0 {
			return junk()
		}
		return v.Encode()
	}
	seen := map[string]int{}
	for range 20_000 {
		path := pick("/oidc/google", "/oidc/apple", "/oidc/facebook", "/oidc/sandbox", "/oidc/turnkey", "/oauth2/x", "/oauth2/discord", "/oidc/"+url.PathEscape(junk())) +
			pick("/authorize", "/authorize", "/token", "/token", "/userinfo", "/users/me", "/users/@me", "/jwks", "/.well-known/openid-configuration", "/", "")
		r := httptest.NewRequest(pick("GET", "GET", "POST", "POST", "HEAD", "OPTIONS", "PUT"), "http://"+pick("localhost", "localhost", "localhost:81", "127.0.0.1:80", "[::1]", "evil.test")+path, strings.NewReader(form()))
		r.URL.RawQuery = form()
		r.Header.Set("Content-Type", pick("application/x-www-form-urlencoded", "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x", junk()))
		if rng.IntN(4) == 0 {
			r.Header.Set("Authorization", pick("Basic ", "Bearer ")+junk())
		}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		seen[fmt.Sprintf("%d", w.Code)]++
		to, _, _ := strings.Cut(strings.ToLower(w.Header().Get("Location")), ":")
		switch {
		case w.Code >= 500:
			t.Fatalf("%s %s: %d", r.Method, r.URL, w.Code)
		case to != "" && to != "https" && to != "http" && to != "myapp", strings.ContainsAny(w.Header().Get("Location"), "\r\n"):
			t.Fatalf("%s %s: to %q", r.Method, r.URL, w.Header().Get("Location"))
		case strings.Contains(w.Body.String(), "access_token"):
			t.Fatalf("%s %s: %s", r.Method, r.URL, w.Body)
		}
	}
	for _, status := range []int{http.StatusOK, http.StatusSeeOther, http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusMisdirectedRequest} {
		if seen[fmt.Sprint(status)] < 100 {
			t.Errorf("only %d answers of status %d: %v", seen[fmt.Sprint(status)], status, seen)
		}
	}
}
