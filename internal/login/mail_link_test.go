package login_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/bundle"
	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/p256"
)

const link = "latchkey://mail?bundle="

func TestALinkGoesOnWithTheLogInThatItBelongsTo(t *testing.T) {
	p := newPlace(t)
	known := p.joined()
	a, err := p.otp.Mail.Begin(t.Context(), robin, login.Options{Label: "by link"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.otp.Mail.Begin(t.Context(), "somebody@example.org", login.Options{}); err != nil { // which waits too
		t.Fatal(err)
	}
	sealed := p.mailed(robin, "")
	written := p.linkTo(robin) // by the backend's template
	if written != link+sealed {
		t.Errorf("the message leads to %s", written)
	}
	s, err := login.New(p.otp.Desk).Mail.Open(t.Context(), written)
	if err != nil {
		t.Fatal(err)
	}
	if s.OrganizationID != known.OrganizationID || s.Key.PublicKey != a.PublicKey || s.Label != "by link" {
		t.Errorf("%+v", s)
	}
	if _, err := p.otp.Mail.Open(t.Context(), link+sealed); fault.CodeOf(err) != fault.LinkUnasked {
		t.Errorf("once more: %v", err)
	}
}

// linkTo is the link in the newest message to an address.
func (p *place) linkTo(to string) string {
	p.t.Helper()
	rec := httptest.NewRecorder()
	p.box.Control().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://127.0.0.1:1/inbox?to="+url.QueryEscape(to), nil))
	var box struct{ Messages []struct{ Link string } }
	if err := json.Unmarshal(rec.Body.Bytes(), &box); err != nil || len(box.Messages) == 0 {
		p.t.Fatalf("inbox: %v, %s", err, rec.Body)
	}
	return box.Messages[0].Link
}

// A link that nobody here waits for changes nothing: no key, no request, no attempt.
func TestALinkThatNobodyWaitsForIsNotFollowed(t *testing.T) {
	p := newPlace(t)
	p.joined()
	a, err := p.otp.Mail.Begin(t.Context(), robin, login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	genuine := p.mailed(robin, "")
	point, err := p256.Generate().PublicKey.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := bundle.SealCredential(point, p256.Generate())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := p.keys.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	p.service.lose = func(string) bool { asked++; return false }
	p.backend.lose = p.service.lose
	if _, err := p.otp.Mail.Open(t.Context(), link+foreign); fault.CodeOf(err) != fault.LinkUnasked {
		t.Errorf("%v", err)
	}
	if after, err := p.keys.List(t.Context()); err != nil || len(after) != len(keys) || asked != 0 {
		t.Errorf("%d keys, then %d; %d requests; %v", len(keys), len(after), asked, err)
	}
	if got, pending, err := p.otp.Pending(t.Context()); err != nil || !pending || got.ID != a.ID {
		t.Errorf("the attempt: %+v, %v, %v", got, pending, err)
	}
	if err := p.otp.Cancel(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := p.otp.Mail.Open(t.Context(), link+genuine); fault.CodeOf(err) != fault.LinkUnasked || asked != 0 {
		t.Errorf("after it was given up: %v, %d requests", err, asked)
	}
}

func TestALinkHasOneForm(t *testing.T) {
	sealed := strings.Repeat("2Vb", 39)
	for _, good := range []string{link + sealed, "latchkey://mail/?bundle=" + sealed} {
		if got, err := login.ReadLink(good); err != nil || got != sealed {
			t.Errorf("%s: %q, %v", good, got, err)
		}
	}
	for _, bad := range []string{
		"", "latchkey:", "latchkey://mail", link, link + "short", "LATCHKEY://mail?bundle=" + sealed, "latchkey:mail?bundle=" + sealed,
		"latchkey://other?bundle=" + sealed, "latchkey://mail/x?bundle=" + sealed, "latchkey://mail@evil?bundle=" + sealed,
		"latchkey://mail:80?bundle=" + sealed, "https://mail?bundle=" + sealed, " " + link + sealed, link + sealed + "\n", link + sealed + "&x=1",
		link + sealed + "#x", link + sealed + "&bundle=" + sealed, link + strings.Replace(sealed, "V", "0", 1), link + strings.Replace(sealed, "V", "%56", 1),
		link + strings.Replace(sealed, "V", "l", 1), link + sealed + " --yes", link + sealed[:99], link + sealed + sealed, link + strings.Repeat("2", 4096),
		"latchkey://mail?bundle=" + sealed[:100] + "\u202e" + sealed[100:],
	} {
		if got, err := login.ReadLink(bad); fault.CodeOf(err) != fault.LinkInvalid || got != "" {
			t.Errorf("%q: %q, %v", bad, got, err)
		}
	}
}

func FuzzReadLink(f *testing.F) {
	f.Add(link + strings.Repeat("2Vb", 39))
	f.Add("latchkey://mail?bundle=&bundle=")
	f.Fuzz(func(t *testing.T, text string) {
		sealed, err := login.ReadLink(text)
		if (err == nil) != (sealed != "") || err == nil && text != link+sealed && text != "latchkey://mail/?bundle="+sealed {
			t.Errorf("%q: %q, %v", text, sealed, err)
		}
	})
}
