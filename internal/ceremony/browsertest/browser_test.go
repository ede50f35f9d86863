package browsertest

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A passkey is made and used on a page of localhost, on this tab and on no other.
func TestATabHasItsOwnAuthenticator(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>page</title><input id="name"><button id="go" onclick="document.title = 'for ' + document.getElementById('name').value + ' by ' + window.wallet">Go</button>`)
	}))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	page := "http://localhost:" + port + "/"

	tab := Open(t)
	tab.Before(`window.wallet = "extension"`)
	mine := tab.Authenticator()
	tab.Go(page)
	tab.Type("#name", "robin")
	tab.Click("#go")
	tab.Until(`document.title === "for robin by extension"`)
	Eval[string](tab, create)
	if n := len(mine.Passkeys()); n != 1 {
		t.Fatalf("%d passkeys", n)
	}
	if got := Eval[string](tab, get); got != "public-key" {
		t.Errorf("used: %q", got)
	}
	mine.Verifies(false)
	if got := Eval[string](tab, get); got != "NotAllowedError" {
		t.Errorf("with a wrong finger: %q", got)
	}

	other := Open(t)
	other.Authenticator()
	other.Go(page)
	if got := Eval[string](other, get); got != "NotAllowedError" {
		t.Errorf("in another person's browser: %q", got)
	}
}

const (
	create = `navigator.credentials.create({publicKey: {challenge: new Uint8Array(32), rp: {id: "localhost", name: "test"},
		user: {id: new Uint8Array(16), name: "robin", displayName: "Robin"}, pubKeyCredParams: [{type: "public-key", alg: -7}],
		authenticatorSelection: {residentKey: "required", userVerification: "required"}}}).then((c) => c.type)`
	get = `navigator.credentials.get({publicKey: {challenge: new Uint8Array(32), rpId: "localhost", userVerification: "required", timeout: 2000}})
		.then((c) => c.type, (e) => e.name)`
)
