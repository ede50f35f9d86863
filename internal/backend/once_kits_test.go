package backend_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"latchkey/internal/p256"
	"latchkey/internal/turnkey"
)

// A sign-up whose answer was lost, by whatever way in and family, is asked for again and made once.
func TestR14_NoFamilyMakesTwoOrganizations(t *testing.T) {
	challenge, attestation := passkey()
	lists := func(in object) object {
		for _, name := range []string{"apiKeys", "authenticators", "oauthProviders"} {
			if in[name] == nil {
				in[name] = []any{}
			}
		}
		return in
	}
	authenticator := func() []any {
		return []any{object{"authenticatorName": "p", "challenge": challenge, "attestation": attestation}}
	}
	for name, ask := range map[string]struct {
		path string
		body func(w *world, key *p256.Key) object
	}{
		"proxy, passkey": {"/v1/signup_v2", func(_ *world, key *p256.Key) object {
			return lists(object{"authenticators": authenticator(), "apiKeys": apiKeys(key)})
		}},
		"proxy, wallet": {"/v1/signup_v2", func(_ *world, key *p256.Key) object { return lists(object{"apiKeys": apiKeys(key)}) }},
		"proxy, OAuth": {"/v1/signup_v2", func(w *world, key *p256.Key) object {
			return lists(object{"oauthProviders": []any{object{"providerName": "g", "oidcToken": w.idToken("ann@example.com", key)}}})
		}},
		"proxy, code": {"/v1/signup_v2", func(w *world, key *p256.Key) object {
			return w.proxySignUp(w.proxyProve("ann@example.com", key, true), key, "ann@example.com", false)
		}},
		"Swift, log-in by OAuth": {"/auth/oAuth", func(w *world, key *p256.Key) object {
			return object{"publicKey": key.PublicKey(), "providerName": "g", "oidcToken": w.idToken("ann@example.com", key)}
		}},
		"Swift, log-in by code": {"/auth/otp", func(w *world, key *p256.Key) object {
			return object{"publicKey": key.PublicKey(), "verificationToken": w.proxyProve("ann@example.com", key, false)}
		}},
		"Swift, passkey": {"/auth/createSubOrg", func(*world, *p256.Key) object {
			return object{"passkey": object{"challenge": challenge, "attestation": attestation}}
		}},
		"web, wallet": {"/api/createSuborg", func(_ *world, key *p256.Key) object {
			return object{"publicKey": key.PublicKey(), "curveType": "API_KEY_CURVE_P256"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				in := ask.body(w, newKey())
				drops := 0
				w.network.setFault(func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
					resp := send()
					if strings.HasSuffix(path, "/create_sub_organization") && drops < 4 { // as often as one call tries
						drops++
						return nil, errors.New("connection reset")
					}
					return resp, nil
				})
				config := []string{"X-Auth-Proxy-Config-ID", w.facts.OrganizationID}
				w.post(ask.path, in, config...).is(t, 502, reasonAt(ask.path, "api.unreachable"))
				w.restart() // and another replica, which remembers nothing, is asked
				first := w.ok(w.post(ask.path, in, config...))
				second := w.ok(w.post(ask.path, in, config...))
				all, err := w.parent().ListSubOrgs(t.Context(), w.facts.OrganizationID, turnkey.SubOrgFilter{Limit: 100})
				id := first.text("organizationId")
				if err != nil || len(all) != 1 || all[0] != id && !strings.Contains(first.raw, all[0]) || second.text("organizationId") != id {
					t.Errorf("%v, %v\n%s%s", all, err, first.raw, second.raw)
				}
			})
		})
	}
}
