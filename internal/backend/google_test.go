package backend_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"latchkey/internal/backend"
)

// Google's own word that it verified an address finds the account in which the address was proven; nobody else's does.
func TestGooglesWordOnAnAddressFindsItsAccount(t *testing.T) {
	w := newWorld(t, func(c *backend.Config) { c.OAuthClientIDs = map[string]string{"google": "app"} })
	key := newKey()
	org := w.session(kits[4].enter(w, "ann@example.com", key), key).OrganizationID
	google, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &google.PublicKey, KeyID: "k", Algorithm: "RS256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	up := func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
		if path == "/oauth2/v3/certs" {
			return answer(200, string(keys)), nil
		}
		return send(), nil
	}
	issue := func(by *rsa.PrivateKey, change object) string {
		claims := object{"iss": "https://accounts.google.com", "aud": "app", "sub": "1", "email": "Ann@Example.com", "email_verified": true,
			"exp": w.clock.now().Add(time.Hour).Unix(), "iat": w.clock.now().Unix()}
		for name, value := range change {
			claims[name] = value
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: by}, (&jose.SignerOptions{}).WithHeader("kid", "k"))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(raw)
		if err != nil {
			t.Fatal(err)
		}
		text, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	ask := func(idToken string) reply {
		return w.proxy("account", object{"filterType": "EMAIL", "filterValue": "ann@example.com", "oidcToken": idToken})
	}
	w.network.setFault(func(string, []byte, func() *http.Response) (*http.Response, error) {
		return nil, errors.New("no route to host")
	})
	if r := ask(issue(google, nil)); r.status != 502 || strings.Contains(r.raw, org) {
		t.Errorf("without Google's keys: %d %s", r.status, r.raw)
	}
	w.network.setFault(up)
	w.restart() // a fetch that has just failed answers for whoever comes in the same moment
	if r := w.ok(ask(issue(google, nil))); r.text("organizationId") != org {
		t.Errorf("%s", r.raw)
	}
	for name, c := range map[string]struct {
		idToken string
		status  int
	}{
		"not verified":    {issue(google, object{"email_verified": false}), 200},
		"another address": {issue(google, object{"email": "bob@example.com"}), 200},
		"no address":      {issue(google, object{"email": nil}), 200},
		"another key":     {issue(other, nil), 403},
		"another client":  {issue(google, object{"aud": "else"}), 403},
		"another issuer":  {issue(google, object{"iss": "https://evil.example"}), 403},
		"over":            {issue(google, object{"exp": w.clock.now().Add(-time.Hour).Unix()}), 403},
		"not a token":     {"a.b.c", 403},
		"the sandbox's":   {w.idToken("ann@example.com", key), 403},
	} {
		if r := ask(c.idToken); r.status != c.status || r.text("organizationId") != "" || r.status == 200 && r.raw != "{}\n" {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	if r := w.ok(w.proxy("account", object{"filterType": "PHONE_NUMBER", "filterValue": "+14155550100", "oidcToken": issue(google, nil)})); r.raw != "{}\n" {
		t.Errorf("a number: %s", r.raw)
	}
	w.config.OAuthClientIDs = nil
	w.restart()
	if r := w.ok(ask(issue(google, nil))); r.raw != "{}\n" {
		t.Errorf("without a client: %s", r.raw)
	}
}
