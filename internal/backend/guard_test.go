package backend_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"latchkey/internal/backend"
)

func TestFriendsAreServed(t *testing.T) {
	local := newWorld(t)
	for _, host := range []string{"localhost", "LOCALHOST:3000", "127.0.0.1:3000", "127.8.9.1", "[::1]:3000", "[::1]"} {
		local.post("/otp/verify", `{}`, "Host", host).is(t, 400, "request.invalid")
	}
	for _, origin := range []string{"http://localhost", "http://localhost:5173", "http://127.0.0.1:9", "http://127.0.0.1:3000" /* its own */} {
		r := local.post("/otp/verify", `{}`, "Origin", origin)
		r.is(t, 400, "request.invalid")
		if r.header.Get("Access-Control-Allow-Origin") != origin || r.header.Get("Vary") != "Origin" || r.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", origin, r.header)
		}
	}
	named := newWorld(t, func(c *backend.Config) {
		c.AllowedHosts = []string{"Auth.Example.com"}
		c.AllowedOrigins = []string{"https://App.example.com", "http://dev.example.com:*"}
	})
	for _, origin := range []string{"", "https://app.example.com", "http://dev.example.com", "http://dev.example.com:8080", "https://auth.example.com" /* its own */} {
		headers := []string{"Host", "auth.example.com"}
		if origin != "" {
			headers = append(headers, "Origin", origin)
		}
		named.post("/otp/verify", `{}`, headers...).is(t, 400, "request.invalid")
	}
	all := newWorld(t, func(c *backend.Config) { c.AllowedOrigins = []string{"*"} })
	all.post("/otp/verify", `{}`, "Origin", "https://any.example").is(t, 400, "request.invalid")
	embedded := newWorld(t, func(c *backend.Config) { c.Token = "correct-horse" })
	embedded.post("/otp/verify", `{}`, backend.TokenHeader, "correct-horse").is(t, 400, "request.invalid")
}

func TestPreflight(t *testing.T) {
	w := newWorld(t, func(c *backend.Config) { c.Token = "correct-horse" })
	ask := func(origin string, headers ...string) reply {
		r := httptest.NewRequest(http.MethodOptions, "/otp/init", nil)
		r.Host = "127.0.0.1:3000"
		r.Header.Set("Origin", origin)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return w.do(r)
	}
	r := ask("http://localhost:5173", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type,x-latchkey-token")
	if r.status != 204 || r.header.Get("Access-Control-Allow-Origin") != "http://localhost:5173" || r.header.Get("Access-Control-Allow-Methods") != "POST" ||
		!strings.Contains(r.header.Get("Access-Control-Allow-Headers"), "Idempotency-Key") || r.header.Get("Access-Control-Allow-Private-Network") != "" {
		t.Errorf("%d %v", r.status, r.header)
	}
	r = ask("http://localhost:5173", "Access-Control-Request-Method", "POST", "Access-Control-Request-Private-Network", "true")
	if r.header.Get("Access-Control-Allow-Private-Network") != "true" {
		t.Errorf("%v", r.header)
	}
	r = ask("https://evil.example", "Access-Control-Request-Method", "POST")
	r.is(t, 403, "backend.refused")
	if r.header.Get("Access-Control-Allow-Origin") != "" || r.header.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("%v", r.header)
	}
}

func TestRoutes(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]int{"/": 404, "/otp": 404, "/otp/init/": 404, "/OTP/init": 404, "//otp/verify": 400, "/otp//verify": 400, "/otp/../otp/verify": 404} {
		if r := w.post(path, `{}`); r.status != want || r.text("reason") != "request.invalid" {
			t.Errorf("%s: %d %s", path, r.status, r.raw)
		}
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"} {
		r := httptest.NewRequest(method, "/otp/init", nil)
		r.Host = "localhost"
		if got := w.do(r); got.status != 405 || got.header.Get("Allow") != "POST, OPTIONS" {
			t.Errorf("%s: %d %s", method, got.status, got.raw)
		}
	}
	r := w.post("/otp/verify", `{}`)
	if r.header.Get("X-Request-Id") == "" || r.text("requestId") != r.header.Get("X-Request-Id") || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %s", r.header, r.raw)
	}
	big := w.post("/otp/verify", `{"otpId":"`+strings.Repeat("x", 70_000)+`"}`)
	big.is(t, 413, "request.invalid")
}
