package backend_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"latchkey/internal/backend"
)

// Every way in which somebody else's page or program on this machine could reach a backend on loopback, or one behind
// a name, is refused before anything is read.
func TestR18_StrangersAreRefused(t *testing.T) {
	const token = "correct-horse"
	local := newWorld(t, func(c *backend.Config) { c.Token = token })
	named := newWorld(t, func(c *backend.Config) {
		c.AllowedHosts = []string{"auth.example.com", "10.0.0.7:3000"}
		c.AllowedOrigins = []string{"https://app.example.com", "http://dev.example.com:*"}
	})
	probes := 0
	probe := func(t *testing.T, w *world, headers ...string) {
		t.Helper()
		for _, path := range []string{"/otp/init", "/otp/verify", "/otp-login", "/signup"} {
			probes++
			r := w.post(path, object{"contact": "x@example.com"}, headers...)
			r.is(t, 403, "backend.refused")
			if allowed := r.header.Get("Access-Control-Allow-Origin"); allowed != "" && allowed != "http://localhost:5173" {
				t.Error("a foreign page may read the refusal")
			}
		}
	}
	t.Run("a name that was pointed at this machine", func(t *testing.T) {
		for _, host := range []string{"evil.example", "evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "192.168.0.2:3000",
			"169.254.169.254", "[::2]:3000", "2130706433", "0x7f000001", "127.1", "localhost@evil.example", "xlocalhost"} {
			probe(t, local, "Host", host, backend.TokenHeader, token)
		}
		for _, host := range []string{"evil.example", "example.com", "xauth.example.com", "auth.example.com.evil.example", "10.0.0.7", "10.0.0.7:80", "10.0.0.8:3000"} {
			probe(t, named, "Host", host)
		}
	})
	t.Run("a foreign page", func(t *testing.T) {
		for _, origin := range []string{"https://evil.example", "http://evil.example:3000", "null", "file://", "https://localhost:1", "http://localhost.evil.example",
			"http://127.0.0.1.evil.example:80", "http://127.0.0.2:80", "http://user@localhost", "http://localhost/", "http://localhost:80#x", "chrome-extension://abc", "x", "http://", "*"} {
			probe(t, local, "Origin", origin, backend.TokenHeader, token)
		}
		for _, origin := range []string{"http://app.example.com", "https://app.example.com:8443", "https://xapp.example.com", "https://app.example.com.evil.example",
			"https://dev.example.com:1", "http://localhost:5173", "http://127.0.0.1:5173"} {
			probe(t, named, "Host", "auth.example.com", "Origin", origin)
		}
	})
	t.Run("a program of another user", func(t *testing.T) {
		for _, sent := range []string{"", "wrong", token + " ", token[:len(token)-1], strings.ToUpper(token), strings.Repeat("x", 10_000)} {
			probe(t, local, backend.TokenHeader, sent)
			probe(t, local, backend.TokenHeader, sent, "Origin", "http://localhost:5173")
		}
	})
	t.Run("a form", func(t *testing.T) {
		for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
			probes++
			local.post("/signup", `{"userEmail":"x@example.com"}`, "Content-Type", kind, backend.TokenHeader, token).is(t, 415, "request.invalid")
		}
	})
	if len(local.network.calls)+len(named.network.calls) != 0 {
		t.Errorf("the service was called: %v %v", local.network.calls, named.network.calls)
	}
	if probes < 60 {
		t.Errorf("only %d probes", probes)
	}
}

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
