package backend_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"latchkey/internal/backend"
)

// Requests of every kind of wrongness, grown from good ones, over every route: each gets an answer in JSON that is
// not an internal failure.
func TestR15_BadInputIsAnswered(t *testing.T) {
	synctest.Test(t, badInput)
}

func badInput(t *testing.T) {
	const seed = 15
	rng := rand.New(rand.NewPCG(seed, seed))
	w := newWorld(t, func(c *backend.Config) { c.Limits.ContactSends = -1 })
	key := newKey()
	begun := w.begin("good@example.com", true)
	jwt := w.prove("good@example.com", key, true).text("verificationToken")
	plain := w.prove("plain@example.com", key, false).text("verificationToken")
	good := map[string][]object{
		"/otp/init": {{"otpType": "OTP_TYPE_EMAIL", "contact": "good@example.com", "encrypted": true}, {"email": "good@example.com"}, {"contact": "+14155550100"}},
		"/otp/verify": {{"otpId": begun.text("otpId"), "encryptedOtpBundle": w.seal(begun, "123456", key.PublicKey())},
			{"otpId": begun.text("otpId"), "otpCode": "123456", "publicKey": key.PublicKey()}},
		"/otp-login": {w.login(jwt, key), w.login(plain, key), {"verificationToken": plain, "publicKey": key.PublicKey(), "expirationSeconds": "900", "invalidateExisting": true}},
		"/signup": {w.signUp(jwt, key, "good@example.com"), {"userEmail": "x@example.com", "userName": "x", "apiKeys": []any{object{"apiKeyName": "k", "publicKey": key.PublicKey(),
			"curveType": "API_KEY_CURVE_P256", "expirationSeconds": "60"}}, "authenticators": []any{object{"authenticatorName": "a", "challenge": "c",
			"attestation": object{"credentialId": "i", "clientDataJson": "j", "attestationObject": "o", "transports": []any{"x"}}}}, "oauthProviders": []any{object{"providerName": "g", "oidcToken": "t"}}}},
	}
	var routes []string
	for route := range good {
		routes = append(routes, route)
	}
	slices.Sort(routes)
	seen := map[int]int{}
	for i := range often("R15", 4000, 100_000) {
		route := routes[rng.IntN(len(routes))]
		base, err := json.Marshal(good[route][rng.IntN(len(good[route]))])
		if err != nil {
			t.Fatal(err)
		}
		var tree any
		if err := json.Unmarshal(base, &tree); err != nil {
			t.Fatal(err)
		}
		for range 1 + rng.IntN(3) {
			tree = bend(rng, tree)
		}
		body, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		if rng.IntN(3) == 0 {
			body = spoil(rng, body)
		}
		r := httptest.NewRequest(pick(rng, "POST", "POST", "POST", "POST", "POST", "POST", "GET", "OPTIONS", "PUT"), route, bytes.NewReader(body))
		r.Host = pick(rng, "localhost", "localhost", "127.0.0.1:1", "evil.example")
		r.Header.Set("Content-Type", pick(rng, "application/json", "application/json", "application/json;charset=UTF-8", "text/plain", ""))
		if rng.IntN(4) == 0 {
			r.Header.Set("Idempotency-Key", odd(rng))
		}
		if rng.IntN(6) == 0 {
			r.Header.Set("Origin", pick(rng, "http://localhost:1", "null", odd(rng)))
		}
		got := w.do(r) // which fails on an answer that is not JSON
		seen[got.status]++
		if got.status == 500 || got.status < 200 || got.status > 599 || got.status >= 400 && (got.text("error") == "" || got.text("reason") == "") {
			t.Fatalf("seed %d, request %d: %s %s %s\n%d %s", seed, i, r.Method, route, body, got.status, got.raw)
		}
	}
	for _, status := range []int{200, 400, 403, 405, 415, 422} {
		if seen[status] == 0 {
			t.Errorf("no request was answered %d: %v", status, seen)
		}
	}
	if strings.Contains(w.log.String(), `"msg":"panic"`) {
		t.Error("a panic")
	}
}

// bend changes one thing somewhere in a JSON value.
func bend(rng *rand.Rand, v any) any {
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		if len(names) == 0 || rng.IntN(8) == 0 {
			v[odd(rng)] = strange(rng)
			return v
		}
		name := names[rng.IntN(len(names))]
		if rng.IntN(8) == 0 {
			delete(v, name)
			return v
		}
		v[name] = bend(rng, v[name])
		return v
	case []any:
		if len(v) == 0 || rng.IntN(4) == 0 {
			return append(v, strange(rng))
		}
		if rng.IntN(8) == 0 {
			return append(v, v...)
		}
		i := rng.IntN(len(v))
		v[i] = bend(rng, v[i])
		return v
	case string:
		if len(v) > 0 && rng.IntN(2) == 0 { // nearly right is the hardest
			b := []byte(v)
			switch at := rng.IntN(len(b)); rng.IntN(4) {
			case 0:
				b[at] ^= 1 << rng.IntN(7)
			case 1:
				b = b[:at]
			case 2:
				b = append(b, b[at:]...)
			case 3:
				b = bytes.ToUpper(b)
			}
			return strings.ToValidUTF8(string(b), "?")
		}
	}
	return strange(rng)
}

func strange(rng *rand.Rand) any {
	switch rng.IntN(9) {
	case 0:
		return nil
	case 1:
		return rng.IntN(2) == 0
	case 2:
		return pick(rng, 0.0, -1, 1e308, 1<<62, 0.5, -900)
	case 3:
		return []any{}
	case 4:
		return map[string]any{}
	case 5:
		return []any{map[string]any{"publicKey": odd(rng)}, nil, "x", 1}
	case 6:
		return map[string]any{"publicKey": odd(rng), "message": odd(rng), "signature": odd(rng), "scheme": "CLIENT_SIGNATURE_SCHEME_API_P256"}
	default:
		return odd(rng)
	}
}

func odd(rng *rand.Rand) string {
	return pick(rng, "", " ", "\x00", "a@b", "a@b.c\r\nX: y", "<script>", strings.Repeat("A", 1+rng.IntN(3000)), "../../etc/passwd", "%s%n%d", "\u202e\u0000\ufeff",
		"9223372036854775808", "-0", "1e9", "null", "eyJhbGciOiJub25lIn0.e30.", "ey.ey.ey", strings.Repeat(".", 50), strings.Repeat("0", 64), "02"+strings.Repeat("f", 64),
		"03"+strings.Repeat("0", 64), "04"+strings.Repeat("1", 128), "00000000-0000-0000-0000-000000000000", `{"encappedPublic":"04","ciphertext":"00"}`,
		`{"login":{"publicKey":"x"},"tokenId":"y","type":"USAGE_TYPE_LOGIN"}`, "😀", "OTP_TYPE_SMS", "contact", "constructor", "__proto__")
}

// spoil damages bytes.
func spoil(rng *rand.Rand, body []byte) []byte {
	body = bytes.Clone(body)
	switch at := rng.IntN(len(body)); rng.IntN(7) {
	case 0:
		body[at] = byte(rng.Uint32())
	case 1:
		body = body[:at]
	case 2:
		body = append(body, body...)
	case 3:
		body = bytes.Replace(body, []byte("{"), []byte(`{"contact":"a@b.c","contact":"d@e.f",`), 1)
	case 4:
		body = append(append(bytes.Clone(body[:at]), bytes.Repeat([]byte("["), 1+rng.IntN(2000))...), body[at:]...)
	case 5:
		body = bytes.Repeat([]byte(" "), rng.IntN(80_000))
	case 6:
		body = bytes.ReplaceAll(body, []byte(`"`), []byte(`\u0022`))
	}
	return body
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }

// Over real sockets: clients that never finish their request hold up nobody else.
func TestR15_SlowClientsLeaveTheRestServed(t *testing.T) {
	w := newWorld(t)
	server := backend.Server(w.h)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	for i := range 100 {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /otp/init HTTP/1.1\r\nHost: localhost\r\n")
		if i%2 == 0 { // half of them stop in the middle of the body
			fmt.Fprintf(conn, "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{\"contact\":\"")
		}
	}
	resp, err := http.Post("http://"+listener.Addr().String()+"/otp/init", "application/json", strings.NewReader(`{"contact":"a@example.com"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 {
		t.Errorf("%d %s, %v", resp.StatusCode, body, err)
	}
	resp, err = http.Post("http://"+listener.Addr().String()+"/otp/init", "application/json", io.LimitReader(zeros{}, 10<<20))
	if err == nil { // the server may also close on whoever goes on sending
		defer resp.Body.Close()
		if resp.StatusCode != 413 {
			t.Errorf("10 MB: %d", resp.StatusCode)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
