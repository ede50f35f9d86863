package backend_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"latchkey/internal/backend"
)

// sendForm sends Apple's form as a browser does, and returns the page and where it leads.
func (w *world) sendForm(form url.Values, change func(*http.Request)) (*httptest.ResponseRecorder, *url.URL) {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/oauth/relay", strings.NewReader(form.Encode()))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://appleid.apple.com")
	if change != nil {
		change(r)
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	m := regexp.MustCompile(`url=([^"]*)"`).FindStringSubmatch(rec.Body.String())
	if m == nil {
		return rec, nil
	}
	to, err := url.Parse(html.UnescapeString(m[1]))
	if err != nil {
		w.t.Fatal(err)
	}
	return rec, to
}

func TestTheRelayLeadsOneBrowserHomeOnceAndTellsTheTokenToTheDeviceAlone(t *testing.T) {
	w := newWorld(t, func(c *backend.Config) { c.Token = "correct-horse-battery" })
	const home, verifier = "http://127.0.0.1:4711/PATH", "a-secret-that-only-the-device-has-and-nobody-else"
	token := []string{backend.TokenHeader, "correct-horse-battery"}
	sum := sha256.Sum256([]byte(verifier))
	begin := object{"returnTo": home, "state": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "challenge": base64.RawURLEncoding.EncodeToString(sum[:])}
	state := w.ok(w.post("/oauth/relay/begin", begin, token...)).text("state")
	form := url.Values{"state": {state}, "id_token": {"e30.e30.SECRETTOKEN"}, "code": {"SECRETCODE"}}
	if rec, to := w.sendForm(form, func(r *http.Request) { r.Host = "attacker.example" }); to != nil || rec.Code < 400 {
		t.Errorf("by a foreign name: %d", rec.Code)
	}
	rec, to := w.sendForm(form, nil)
	if to == nil || !strings.HasPrefix(to.String(), home+"?") || to.Query().Get("state") != begin["state"] {
		t.Fatalf("%d, leads to %v", rec.Code, to)
	}
	if policy := rec.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(rec.Body.String(), "SECRET") {
		t.Errorf("%s: %s", policy, rec.Body)
	}
	if rec, to := w.sendForm(form, nil); to != nil || rec.Code < 400 {
		t.Errorf("a second time: %d, %v", rec.Code, to)
	}
	ticket := to.Query().Get("code")
	w.post("/oauth/relay/token", object{"ticket": ticket, "verifier": verifier + "x"}, token...).is(t, 403, "login.refused")
	w.post("/oauth/relay/token", object{"ticket": state, "verifier": verifier}, token...).is(t, 403, "login.refused")
	if got := w.ok(w.post("/oauth/relay/token", object{"ticket": ticket, "verifier": verifier}, token...)).text("oidcToken"); got != form.Get("id_token") {
		t.Errorf("%q", got)
	}
	for _, away := range []string{
		"https://127.0.0.1:4711/P", "http://attacker.example:4711/P", "http://127.0.0.1.attacker.example:1/P", "http://127.0.0.1/P", "http://127.0.0.1:1/", "http://a@127.0.0.1:1/P",
		"http://127.0.0.1:1/P?x", "http://127.0.0.1:1/P#x", "javascript:alert(1)", "http://192.168.0.1:80/P", "http://127.0.0.1:1/\"><script>", "",
	} {
		begin["returnTo"] = away
		w.post("/oauth/relay/begin", begin, token...).is(t, 400, "request.invalid")
	}
}
