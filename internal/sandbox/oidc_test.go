package sandbox

import "testing"

// What goes to the providers is seen by the sandbox's owner like every other request, and follows the sandbox's clock.
func TestTheOwnerSeesWhatTheProvidersWereAsked(t *testing.T) {
	b := newBox(t, Options{ProviderURL: "https://sandbox.test"})
	w := b.browse("GET", portal+"/oidc/sandbox/.well-known/openid-configuration", nil)
	if w.Code != 200 || w.Header().Get("Date") != b.time.now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") {
		t.Errorf("status %d, Date %s", w.Code, w.Header().Get("Date"))
	}
	b.browse("GET", portal+"/oidc/nobody/jwks", nil)
	seen := b.controlled("GET", "/requests", nil).ok()
	if seen.text("requests", "0", "path") != "/oidc/nobody/jwks" || seen.at("requests", "0", "status") != 404.0 || seen.at("requests", "1", "status") != 200.0 {
		t.Errorf("seen %s", seen.raw)
	}
	raw := b.idToken("sandbox", "web", "jane@doe.test", newKey().PublicKey())
	if got := payload(t, raw)["iss"]; got != "https://sandbox.test/oidc/sandbox" {
		t.Errorf("issuer %v", got)
	}
	b.oauthSignUp("Jane", raw, nil) // verified without a look at sandbox.test
}
