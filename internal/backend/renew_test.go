package backend_test

import (
	"errors"
	"net/http"
	"testing"

	"latchkey/internal/backend"
	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/turnkey"
)

// server makes a user of the parent with a key of its own, which is no root user.
func (w *world) server(key *p256.Key) (userID string) {
	w.t.Helper()
	parent, org := w.parent(), w.facts.OrganizationID
	var made struct {
		UserIDs []string `json:"userIds"`
	}
	_, err := parent.Submit(w.t.Context(), turnkey.Activity{Path: "/public/v1/submit/create_users", Type: "ACTIVITY_TYPE_CREATE_USERS_V3", OrganizationID: org, Parameters: object{
		"users": []object{{"userName": "server", "apiKeys": []object{{"apiKeyName": "server", "publicKey": key.PublicKey(), "curveType": "API_KEY_CURVE_P256"}},
			"authenticators": []object{}, "oauthProviders": []object{}, "userTags": []string{}}},
	}, ResultKey: "createUsersResult"}, &made)
	if err != nil || len(made.UserIDs) != 1 {
		w.t.Fatal(err)
	}
	return made.UserIDs[0]
}

// allow gives the parent a policy.
func (w *world) allow(p backend.Policy) {
	w.t.Helper()
	_, err := w.parent().Submit(w.t.Context(), turnkey.Activity{Path: "/public/v1/submit/create_policy", Type: "ACTIVITY_TYPE_CREATE_POLICY_V3",
		OrganizationID: w.facts.OrganizationID, Parameters: p, ResultKey: "createPolicyResult"}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
}

// with is the configuration with another key.
func (w *world) with(key *p256.Key) backend.Config {
	c := w.config
	c.APIPublicKey, c.APIPrivateKey = key.PublicKey(), backend.SecretOf(p256.PrivateHex(key.Private()))
	return c
}

// With the least policy alone, a user that is no root user serves every step; with less, not one of them.
func TestTheLeastPolicyIsEnoughAndNeeded(t *testing.T) {
	w, key := newWorld(t), newKey()
	id := w.server(key)
	w.config = w.with(key)
	w.restart()
	w.post("/otp/init", object{"contact": "a@example.com"}).is(t, 502, "api.refused")

	report, err := backend.TryKey(t.Context(), w.config)
	if err != nil || report.UserID != id || report.Root {
		t.Fatalf("%+v, %v", report, err)
	}
	w.allow(backend.LeastPolicy(id))
	for _, encrypted := range []bool{true, false} {
		contact, device := map[bool]string{true: "sealed@example.com", false: "plain@example.com"}[encrypted], newKey()
		token := w.prove(contact, device, encrypted).text("verificationToken")
		if encrypted {
			w.post("/signup", w.signUp(token, device, contact)).is(t, 200, "")
		}
		in := w.post("/otp-login", w.login(token, device))
		in.is(t, 200, "")
		w.works(t.Context(), device, in.text("organizationId"))
	}
}

func TestARootUsersKeyIsSeen(t *testing.T) {
	w := newWorld(t)
	if report, err := backend.TryKey(t.Context(), w.config); err != nil || !report.Root {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestAKeyIsRenewedAndABadOneIsNot(t *testing.T) {
	w, next := newWorld(t), newKey()
	old := w.facts.APIPublicKey
	elsewhere := w.with(next)
	elsewhere.OrganizationID = "11111111-2222-4333-8444-555555555555"
	broken := w.with(next)
	broken.APIPublicKey = old
	for name, bad := range map[string]struct {
		config backend.Config
		code   fault.Code
	}{
		"unknown to the service":    {w.with(next), fault.SessionRejected},
		"of another organization":   {elsewhere, fault.BackendConfig},
		"halves that do not belong": {broken, fault.BackendConfig},
	} {
		if err := w.b.Renew(t.Context(), bad.config); fault.CodeOf(err) != bad.code {
			t.Errorf("%s: %v", name, err)
		}
		if w.b.KeyInUse() != old {
			t.Fatalf("%s: the old key is gone", name)
		}
	}
	w.allow(backend.LeastPolicy(w.server(next)))
	w.network.setFault(func(string, []byte, func() *http.Response) (*http.Response, error) {
		return nil, errors.New("no route")
	})
	if err := w.b.Renew(t.Context(), w.with(next)); err == nil || w.b.KeyInUse() != old {
		t.Errorf("a key that could not be tried is in use: %v", err)
	}
	w.network.setFault(nil)
	if err := w.b.Renew(t.Context(), w.with(next)); err != nil || w.b.KeyInUse() != next.PublicKey() {
		t.Fatalf("%v", err)
	}
	w.begin("a@example.com", true)
	if status, body := w.probe("/readyz"); status != 200 || body["status"] != "ready" {
		t.Errorf("%d %v", status, body)
	}
}

func TestWhoLeavesIsNotReadyAndServesOn(t *testing.T) {
	w := newWorld(t)
	w.b.Leave()
	if status, body := w.probe("/readyz"); status != 503 || body["status"] != "draining" {
		t.Errorf("%d %v", status, body)
	}
	if status, _ := w.probe("/livez"); status != 200 {
		t.Errorf("livez %d", status)
	}
	w.begin("a@example.com", true)
}
