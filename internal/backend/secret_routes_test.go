package backend_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/internal/backend"
	"latchkey/internal/p256"
)

// Every field of every route that is described carries a canary, through a service that repeats what it is sent in its
// refusals: none is in the log.
func TestR9_NoRouteLogsWhatItIsSent(t *testing.T) {
	synctest.Test(t, noRouteLogs) // where the waits between tries cost nothing
}

func noRouteLogs(t *testing.T) {
	w := newWorld(t, func(c *backend.Config) { c.Limits.ContactSends = -1 })
	key := newKey()
	session, s := w.comesIn("ann@example.com", key)
	id := w.idToken("canary-at-google@example.com", key)
	proof := w.prove("canary-proven@example.com", key, true).text("verificationToken")
	challenge, attestation := passkey()
	canaries := []string{"canary", session, id, proof, attestation["attestationObject"].(string)}
	good := map[string]any{ // what a request must have to get further than its reading
		"otpType": "OTP_TYPE_EMAIL", "otpId": "7f6f1a7e-3c5d-4a52-9b66-000000000000", "publicKey": key.PublicKey(), "tempPublicKey": key.PublicKey(), "encrypted": true,
		"oidcToken": id, "verificationToken": proof, "organizationId": s.OrganizationID, "suborgID": s.OrganizationID, "curveType": "API_KEY_CURVE_P256",
		"attestation": attestation, "challenge": challenge, "targetPublicKey": p256.Uncompressed(&key.Private().PublicKey), "provider": "OAUTH2_PROVIDER_X",
		"url": "https://api.turnkey.com/public/v1/submit/create_wallet", "stampHeaderName": "X-Stamp", "activityId": "7f6f1a7e-3c5d-4a52-9b66-000000000000",
		"contact": "canary-contact@example.com", "email": "canary-mail@example.com", "userEmail": "canary-user@example.com", "phone": "+14155550100", "phoneNumber": "+14155550100",
		"userPhoneNumber": "+14155550100", "expirationSeconds": "60", "sessionLengthSeconds": 60, "type": "ethereum", "oidcClaims": nil, "customAccounts": nil,
	}
	echo := func(status int) func(string, []byte, func() *http.Response) (*http.Response, error) {
		return func(_ string, body []byte, _ func() *http.Response) (*http.Response, error) {
			raw, err := json.Marshal(object{"code": 13, "message": "cannot do " + string(body)})
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(raw))}, err
		}
	}
	calls := 0
	for _, trouble := range []func(string, []byte, func() *http.Response) (*http.Response, error){
		nil, echo(400), echo(500),
		func(path string, body []byte, send func() *http.Response) (*http.Response, error) { // only what changes something
			if strings.Contains(path, "/query/") {
				return send(), nil
			}
			return nil, errors.New("dial: " + string(body))
		},
		func(_ string, body []byte, _ func() *http.Response) (*http.Response, error) {
			panic("at " + string(body))
		},
	} {
		for path, item := range described.load(t).Paths.Map() {
			if item.Post == nil {
				continue
			}
			whole := item.Post.RequestBody.Value.Content["application/json"].Schema.Value
			for _, without := range [][]string{nil, {"verificationToken"}, {"oidcToken"}, {"encryptedOtpBundle"}, {"otpCode"}} { // ways that shut each other out
				for _, kind := range []string{"EMAIL", "PUBLIC_KEY", "OIDC_TOKEN"} {
					good["filterType"] = kind
					body := canary(whole, "", good).(map[string]any)
					for _, name := range without {
						delete(body, name)
					}
					w.network.setFault(trouble)
					w.post(path, body, "X-Auth-Proxy-Config-ID", w.facts.OrganizationID, "Authorization", "Bearer "+session, "X-Captcha-Token", "canary-captcha")
					w.network.setFault(nil)
					calls++
					if body["filterType"] == nil {
						break
					}
				}
			}
		}
	}
	log := w.log.String()
	if strings.Count(log, "\n") < calls || !strings.Contains(log, "panic") || !strings.Contains(log, "apiReason") {
		t.Fatalf("the log of %d calls is too short to prove anything:\n%.2000s", calls, log)
	}
	told := map[string]bool{}
	for line := range strings.Lines(log) {
		for _, c := range canaries {
			if at := strings.Index(line, c); at >= 0 && !told[line[at:min(len(line), at+16)]] {
				told[line[at:min(len(line), at+16)]] = true
				t.Errorf("%q in the log: %s", c, line)
			}
		}
	}
	t.Logf("%d calls", calls)
}

// canary makes a value as a schema describes it, in which every text that is free says what it is.
func canary(s *openapi3.Schema, name string, good map[string]any) any {
	switch {
	case s.Type == nil || s.Type.Is("string"):
		return "canary-" + name
	case s.Type.Is("object"):
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			if v, ok := good[name]; ok {
				out[name] = v
			} else {
				out[name] = canary(s.Properties[name].Value, name, good)
			}
		}
		return out
	case s.Type.Is("array"):
		return []any{canary(s.Items.Value, name, good)}
	default:
		return nil
	}
}
