package backend_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/internal/backend"
	"latchkey/internal/p256"
)

// Requests of every kind of wrongness, grown from what the description says of every route and from values that are
// good somewhere: each gets an answer that is described, and none is an internal failure.
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
	nobodys := w.prove("nobody@example.com", key, true).text("verificationToken") // who never signs up
	session, s := w.comesIn("ann@example.com", key)
	id := w.idToken("ann@example.com", key)
	challenge, attestation := passkey()
	bodies := map[string][]object{ // good as a whole, where one field depends on another
		"/otp-login": {w.login(jwt, key), w.login(plain, key)}, "/v1/otp_login_v2": {w.login(jwt, key), w.login(nobodys, key)}, "/api/otpLogin": {w.login(jwt, key)},
		"/signup": {w.signUp(jwt, key, "good@example.com")}, "/v1/signup_v2": {w.signUp(jwt, key, "good@example.com")},
		"/v1/signup":        {w.proxySignUp(jwt, key, "good@example.com", true)},
		"/api/createSuborg": {{"email": "x@example.com"}}, "/api/createSubOrg": {{"userEmail": "x@example.com", "challenge": challenge, "attestation": attestation}},
	}
	values := map[string][]any{ // good by the name of a field
		"contact": {"good@example.com", "+14155550100"}, "email": {"good@example.com"}, "userEmail": {"x@example.com"}, "phone": {"+14155550100"},
		"otpType": {"OTP_TYPE_EMAIL", "OTP_TYPE_SMS"}, "encrypted": {true, false}, "otpId": {begun.text("otpId")}, "otpCode": {"123456"},
		"encryptedOtpBundle": {w.seal(begun, "123456", key.PublicKey())}, "publicKey": {key.PublicKey()}, "tempPublicKey": {key.PublicKey()},
		"verificationToken": {jwt, plain}, "expirationSeconds": {"900", 60}, "curveType": {"API_KEY_CURVE_P256", "API_KEY_CURVE_SECP256K1"},
		"oidcToken": {id}, "organizationId": {s.OrganizationID}, "suborgID": {s.OrganizationID}, "challenge": {challenge}, "attestation": {attestation},
		"filterType": {"EMAIL", "PUBLIC_KEY", "OIDC_TOKEN", "CREDENTIAL_ID", "NAME"}, "filterValue": {"good@example.com", key.PublicKey(), id},
		"targetPublicKey": {p256.Uncompressed(&key.Private().PublicKey)}, "provider": {"OAUTH2_PROVIDER_X"}, "activityId": {"7f6f1a7e-3c5d-4a52-9b66-000000000000"},
		"url": {"https://api.turnkey.com/public/v1/query/whoami"}, "body": {`{"organizationId":"` + s.OrganizationID + `"}`}, "stampHeaderName": {"X-Stamp"},
		"curve": {"CURVE_SECP256K1"}, "pathFormat": {"PATH_FORMAT_BIP32"}, "path": {"m/44'/60'/0'/0/0"}, "addressFormat": {"ADDRESS_FORMAT_ETHEREUM"},
	}
	paths := described.load(t).Paths
	routes := slices.Sorted(maps.Keys(paths.Map()))
	seen, perRoute := map[int]int{}, map[string]map[int]int{}
	for i := range often("R15", 3000, 100_000) {
		route := routes[rng.IntN(len(routes))]
		method, op := "POST", paths.Value(route).Post
		var tree any = map[string]any{}
		if op == nil {
			method = "GET"
		} else if whole := bodies[route]; whole != nil && rng.IntN(2) == 0 {
			base, err := json.Marshal(whole[rng.IntN(len(whole))])
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(base, &tree); err != nil {
				t.Fatal(err)
			}
		} else {
			tree = grown(rng, op.RequestBody.Value.Content["application/json"].Schema.Value, "", values)
		}
		for range rng.IntN(4) {
			tree = bend(rng, tree)
		}
		body, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		if rng.IntN(4) == 0 {
			body = spoil(rng, body)
		}
		mostly := func(good string, bad ...string) string { // what is refused at the door says nothing about the rooms
			if rng.IntN(20) > 0 {
				return good
			}
			return pick(rng, bad...)
		}
		r := httptest.NewRequest(mostly(method, "GET", "POST", "OPTIONS", "PUT"), route, bytes.NewReader(body))
		r.Host = mostly("localhost", "127.0.0.1:1", "evil.example", "")
		r.Header.Set("Content-Type", mostly("application/json", "application/json;charset=UTF-8", "text/plain", ""))
		r.Header.Set("X-Auth-Proxy-Config-ID", mostly(w.facts.OrganizationID, "", odd(rng)))
		r.Header.Set("Authorization", mostly("Bearer "+session, "Bearer "+jwt, "Basic "+session, odd(rng)))
		if rng.IntN(10) == 0 {
			r.Header.Set("Idempotency-Key", odd(rng))
		}
		if rng.IntN(12) == 0 {
			r.Header.Set("Origin", pick(rng, "http://localhost:1", "null", odd(rng)))
		}
		if rng.IntN(12) == 0 {
			r.URL.RawQuery = url.Values{pick(rng, "organizationId", "userId", odd(rng)): {pick(rng, s.OrganizationID, odd(rng))}}.Encode()
			r.Header.Set("X-Forwarded-Uri", odd(rng))
		}
		got := w.do(r) // which fails on an answer that is not as described
		seen[got.status]++
		if perRoute[route] == nil {
			perRoute[route] = map[int]int{}
		}
		perRoute[route][got.status]++
		if got.status == 500 || got.status < 200 || got.status > 599 || got.status >= 400 && got.text("message") == "" {
			t.Fatalf("seed %d, request %d: %s %s %s\n%d %s", seed, i, r.Method, route, body, got.status, got.raw)
		}
	}
	for _, status := range []int{200, 400, 401, 403, 404, 405, 415, 422} {
		if seen[status] == 0 {
			t.Errorf("no request was answered %d: %v", status, seen)
		}
	}
	served := 0
	for _, route := range routes {
		if perRoute[route][200] > 0 {
			served++
		}
	}
	if served < len(routes)*2/3 {
		t.Errorf("only %d routes of %d were ever reached: %v", served, len(routes), perRoute)
	}
	t.Logf("statuses %v; %d routes of %d did at least once what they were asked", seen, served, len(routes))
	if strings.Contains(w.log.String(), `"msg":"panic"`) {
		t.Error("a panic")
	}
}

// grown makes a value as a schema describes it, of values that are good by their name where there are any.
func grown(rng *rand.Rand, s *openapi3.Schema, name string, values map[string][]any) any {
	if good := values[name]; good != nil && rng.IntN(8) != 0 {
		return plainJSON(good[rng.IntN(len(good))])
	}
	switch {
	case len(s.AnyOf) > 0:
		return grown(rng, s.AnyOf[rng.IntN(len(s.AnyOf))].Value, name, values)
	case s.Type == nil:
		return strange(rng)
	case s.Type.Is("object"):
		out := map[string]any{}
		for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
			if slices.Contains(s.Required, field) && rng.IntN(16) != 0 || rng.IntN(3) == 0 {
				out[field] = grown(rng, s.Properties[field].Value, field, values)
			}
		}
		return out
	case s.Type.Is("array"):
		out := []any{}
		for range rng.IntN(3) {
			out = append(out, grown(rng, s.Items.Value, "", values))
		}
		return out
	case s.Type.Is("boolean"):
		return rng.IntN(2) == 0
	case s.Type.Is("integer"):
		return rng.IntN(1000)
	default:
		return odd(rng)
	}
}

// plainJSON is a value as a decoder would have made it, and nobody else's to change.
func plainJSON(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return out
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
