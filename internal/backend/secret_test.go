package backend_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"latchkey/internal/backend"
	"latchkey/internal/token"
)

// Canaries go through every route and every way it can fail; none is in the log, at any level, or in the metrics, and no
// secret of the backend's own in an answer.
func TestR9_NothingSecretIsLogged(t *testing.T) {
	synctest.Test(t, nothingIsLogged) // where the waits between tries cost nothing
}

func nothingIsLogged(t *testing.T) {
	const token0 = "canary-backend-token"
	w := newWorld(t, func(c *backend.Config) { c.Token = token0 })
	canaries := map[string]string{"parent's key": w.facts.APIPrivateKey, "backend token": token0}
	note := func(name, value string) string {
		if len(value) < 4 {
			t.Fatalf("%s: no canary", name)
		}
		canaries[name] = value
		return value
	}
	var answers strings.Builder
	post := func(path string, body any, headers ...string) reply {
		r := w.post(path, body, append(headers, backend.TokenHeader, token0)...)
		answers.WriteString(r.raw)
		return r
	}
	// Each kind of trouble that the service can make, in words that repeat what it was sent.
	echo := func(status int) func(string, []byte, func() *http.Response) (*http.Response, error) {
		return func(_ string, body []byte, _ func() *http.Response) (*http.Response, error) {
			raw, err := json.Marshal(map[string]any{"code": 13, "message": "cannot do " + string(body)})
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(raw))}, err
		}
	}
	troubles := map[string]func(string, []byte, func() *http.Response) (*http.Response, error){
		"none": nil, "echo 400": echo(400), "echo 401": echo(401), "echo 501": echo(501), "echo 502": echo(502),
		"echo a value": func(path string, body []byte, send func() *http.Response) (*http.Response, error) {
			if strings.Contains(path, "/query/") {
				return send(), nil
			}
			var in struct {
				Parameters map[string]any `json:"parameters"`
			}
			if err := json.Unmarshal(body, &in); err != nil {
				return nil, err
			}
			longest := ""
			for _, v := range in.Parameters {
				if s, ok := v.(string); ok && len(s) < 450 && len(s) > len(longest) {
					longest = s
				}
			}
			raw, err := json.Marshal(map[string]any{"code": 13, "message": "cannot do " + longest})
			return &http.Response{StatusCode: 502, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(raw))}, err
		},
		"down": func(_ string, body []byte, _ func() *http.Response) (*http.Response, error) {
			return nil, errors.New("dial: " + string(body))
		},
		"panic": func(_ string, body []byte, _ func() *http.Response) (*http.Response, error) {
			panic("at " + string(body))
		},
		"another shape": func(string, []byte, func() *http.Response) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"activity":{"status":"ACTIVITY_STATUS_COMPLETED","result":{}}}`))}, nil
		},
	}
	i := 0
	for name, trouble := range troubles {
		for _, encrypted := range []bool{true, false} {
			i++
			contact := note("contact "+name, fmt.Sprintf("canary%d@example.com", i))
			key := newKey()
			begun := post("/otp/init", object{"contact": contact, "encrypted": encrypted})
			begun.is(t, 200, "")
			code := note(fmt.Sprint("code ", i), w.code(contact))
			bad := note(fmt.Sprint("wrong code ", i), fmt.Sprintf("CANARYCODE%d", i))
			answer := func(code string) object {
				if encrypted {
					return object{"otpId": begun.text("otpId"), "encryptedOtpBundle": note(fmt.Sprint("bundle ", i, code), w.seal(begun, code, key.PublicKey()))}
				}
				return object{"otpId": begun.text("otpId"), "otpCode": code}
			}
			post("/otp/verify", answer(bad))
			w.network.setFault(trouble)
			post("/otp/init", object{"contact": contact, "encrypted": encrypted})
			post("/otp/verify", answer(bad))
			w.network.setFault(nil)
			verified := post("/otp/verify", answer(code))
			verified.is(t, 200, "")
			jwt := note(fmt.Sprint("token ", i), verified.text("verificationToken"))
			login := w.login(jwt, key)
			if encrypted {
				w.network.setFault(trouble)
				post("/signup", w.signUp(jwt, key, contact), "Idempotency-Key", note(fmt.Sprint("idempotency key ", i), fmt.Sprintf("canary-key-%d", i)))
				w.network.setFault(nil)
				post("/signup", w.signUp(jwt, key, contact))
				sig := login["clientSignature"].(token.ClientSignature)
				note(fmt.Sprint("client signature ", i), sig.Signature)
			}
			w.network.setFault(trouble)
			post("/otp-login", login)
			post("/signup", object{"userEmail": contact, "userName": note(fmt.Sprint("name ", i), fmt.Sprintf("Canary Person %d", i))})
			w.network.setFault(nil)
			in := post("/otp-login", login)
			in.is(t, 200, "")
			note(fmt.Sprint("session ", i), in.text("session"))
		}
	}
	for _, body := range []string{`{"contact":"canary-half`, `{"contact":"canary-half@example.com","contact":1}`, `{"verificationToken":"canary.half.token","publicKey":"02"}`,
		`{"otpId":"canary-half","otpCode":"canary-half"}`, `{"userEmail":"canary-half"}`, `canary-half`} {
		for _, path := range []string{"/otp/init", "/otp/verify", "/otp-login", "/signup", "/canary-half"} {
			post(path, body)
			w.post(path, body, "Host", "canary-half.example", "Origin", "http://canary-half.example", backend.TokenHeader, "canary-half")
		}
	}
	canaries["parts of bad requests"] = "canary-half"

	log, metrics := w.log.String(), w.scrape()
	if strings.Count(metrics, "_count{") < 20 {
		t.Fatalf("the metrics are too few to prove anything:\n%s", metrics)
	}
	if strings.Count(log, "\n") < 100 || !strings.Contains(log, `"contact":`) || !strings.Contains(log, "panic") {
		t.Fatalf("the log is too short to prove anything:\n%s", log)
	}
	if len(canaries) < 50 {
		t.Fatalf("%d canaries", len(canaries))
	}
	for name, c := range canaries {
		// A code is six digits, which may stand in a number by chance: look for it as a word.
		for _, line := range strings.Split(log+metrics, "\n") {
			if at := strings.Index(line, c); at >= 0 && !(len(c) == 6 && within(line, at, len(c))) {
				t.Errorf("%s (%s) in the log or the metrics: %s", name, c, line)
				break
			}
		}
	}
	for _, name := range []string{"parent's key", "backend token"} {
		if strings.Contains(answers.String(), canaries[name]) {
			t.Errorf("%s is in an answer", name)
		}
	}
}

// within reports whether the n characters at at are part of a longer number or id.
func within(line string, at, n int) bool {
	part := func(i int) bool {
		return i >= 0 && i < len(line) && strings.ContainsRune("0123456789abcdef", rune(line[i]))
	}
	return part(at-1) || part(at+n)
}

func TestR9_ConfigAndKeyNeverPrintThemselves(t *testing.T) {
	w := newWorld(t, func(c *backend.Config) { c.Token = "canary-backend-token" })
	var logged bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&logged, nil))
	log.Info("x", "config", w.config, "key", w.config.APIPrivateKey)
	raw, err := json.Marshal(w.config.APIPrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	wrapped := struct {
		C backend.Config
		k backend.Secret
	}{w.config, w.config.APIPrivateKey}
	out := fmt.Sprintf("%v %+v %#v %s %x %q %d %v %+v", w.config, w.config, w.config, w.config.APIPrivateKey, w.config.APIPrivateKey,
		w.config.APIPrivateKey, w.config.APIPrivateKey, wrapped, &wrapped) + fmt.Sprintf("%+v %#v", w.b, w.b) + logged.String() + string(raw)
	for _, secret := range []string{w.facts.APIPrivateKey, fmt.Sprintf("%x", w.facts.APIPrivateKey), "canary-backend-token"} {
		if strings.Contains(out, secret) {
			t.Errorf("%q is in the output", secret)
		}
	}
}
