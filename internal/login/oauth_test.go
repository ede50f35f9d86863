package login_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/backend"
	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/login/logintest"
	"latchkey/internal/profile"
	"latchkey/internal/session"
)

// far is what a browser and a device reach of a place: the sandbox, the backend, and by real sockets what listens here.
type far struct {
	p    *place
	lose func(r *http.Request) bool // a request that is not answered, though it arrived
}

func (f *far) RoundTrip(r *http.Request) (*http.Response, error) {
	to := http.DefaultTransport
	switch r.URL.Host {
	case "127.0.0.1:1":
		to = &handler{Handler: f.p.box.API()}
	case "127.0.0.1:3000", "localhost:3000":
		to = f.p.backend
	}
	reply, err := to.RoundTrip(r)
	if err == nil && reply.Request == nil {
		reply.Request = r
	}
	if err == nil && f.lose != nil && f.lose(r) {
		reply.Body.Close()
		return nil, &net.OpError{Op: "read", Err: fmt.Errorf("connection reset")}
	}
	return reply, err
}

// withProviders sets a place up for log-ins by a provider, and returns who logs in.
func withProviders(t *testing.T, change func(*profile.OAuth)) (*place, *far, logintest.Person) {
	t.Helper()
	p := newPlace(t)
	f := &far{p: p}
	o := profile.OAuth{Ports: freePorts(t)}.InSandbox("http://127.0.0.1:1")
	if change != nil {
		change(&o)
	}
	p.otp.OAuth.Settings, p.otp.OAuth.Transport = func() profile.OAuth { return o }, f
	t.Cleanup(p.otp.Close)
	return p, f, logintest.Person{Email: robin, Client: &http.Client{Transport: f, Timeout: time.Minute}}
}

// freePorts are three that were free a moment ago.
func freePorts(t *testing.T) string {
	t.Helper()
	var ports []string
	for range 3 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}
	return strings.Join(ports, ",")
}

// known uploads the secrets of the apps at X and Discord.
func (p *place) known() {
	p.t.Helper()
	f := p.box.Facts()
	c := backend.Config{APIURL: "http://127.0.0.1:1", OrganizationID: f.OrganizationID, APIPublicKey: f.APIPublicKey, APIPrivateKey: backend.SecretOf(f.APIPrivateKey),
		Now: p.now, HTTP: &http.Client{Transport: &handler{Handler: p.box.API()}},
		Pins: backend.Pins{Notarizer: f.NotarizerPublicKey, TLSFetcher: f.TLSFetcherPublicKey, TLSFetcherEncryption: f.TLSFetcherEncryptionPublicKey, LegacyToken: f.LegacyTokenPublicKey}}
	for _, provider := range []string{"x", "discord"} {
		for _, again := range []bool{false, true} {
			if id, replaced, err := backend.AddOAuth2Credential(p.t.Context(), c, provider, "latchkey-sandbox", backend.SecretOf("s")); err != nil || id == "" || replaced != again {
				p.t.Fatalf("%s: %q, %v, %v", provider, id, replaced, err)
			}
		}
	}
}

// by logs in by a provider, as who.
func (p *place) by(provider string, who logintest.Person, options login.Options) session.Session {
	p.t.Helper()
	a, err := p.otp.OAuth.Begin(p.t.Context(), provider, options)
	if err != nil {
		p.t.Fatal(err)
	}
	s, err := p.back(a, who.LogIn)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// back goes on with an attempt while somebody does something at the provider's page.
func (p *place) back(a login.Attempt, do func(string) (logintest.Page, error)) (s session.Session, err error) {
	p.t.Helper()
	var browser sync.WaitGroup
	browser.Go(func() {
		if _, err := do(a.URL); err != nil {
			p.t.Errorf("in the browser: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(p.t.Context(), 2*time.Minute)
	defer cancel()
	s, err = p.otp.Continue(ctx, a.ID, "")
	browser.Wait()
	return s, err
}

var every = []string{login.Google, login.Apple, login.Facebook, login.Discord, login.X, login.OIDC}

func TestEveryProviderSignsUpAndLogsInAgain(t *testing.T) {
	p, _, who := withProviders(t, nil)
	p.known()
	if got := p.otp.OAuth.Providers(); len(got) != len(every) {
		t.Fatalf("%d providers", len(got))
	}
	other := who
	other.Email = "ann@example.org"
	for _, provider := range every {
		t.Run(provider, func(t *testing.T) {
			p.t = t
			first := p.by(provider, who, login.Options{Label: provider})
			if _, err := p.api.Whoami(t.Context(), first.OrganizationID); err != nil {
				t.Error(err)
			}
			for _, straight := range []bool{false, true} {
				again := p.by(provider, who, login.Options{Label: fmt.Sprint(provider, straight), Straight: straight})
				if again.OrganizationID != first.OrganizationID || again.UserID != first.UserID {
					t.Errorf("straight %v: another account: %+v", straight, again)
				}
			}
			if s := p.by(provider, other, login.Options{Label: provider + "-ann"}); s.OrganizationID == first.OrganizationID {
				t.Error("somebody else came into the account")
			}
			if _, ok, err := p.otp.Pending(t.Context()); ok || err != nil {
				t.Errorf("an attempt is left: %v", err)
			}
		})
	}
}

func TestWhoTurnsAwayIsToldSoAndMayTryAgain(t *testing.T) {
	for _, provider := range every {
		p, _, who := withProviders(t, nil)
		p.known()
		a, err := p.otp.OAuth.Begin(t.Context(), provider, login.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.back(a, who.TurnAway); fault.CodeOf(err) != fault.ProviderDenied {
			t.Errorf("%s: %v", provider, err)
		}
		if _, err := p.otp.Continue(t.Context(), a.ID, ""); fault.CodeOf(err) != fault.BrowserLate {
			t.Errorf("%s: the round goes on: %v", provider, err)
		}
		again, err := p.otp.Resend(t.Context(), a.ID)
		if err != nil || again.ID != a.ID || again.URL == a.URL || again.PublicKey != a.PublicKey {
			t.Fatalf("%s: %+v, %v", provider, again, err)
		}
		if _, err := p.back(again, who.LogIn); err != nil {
			t.Errorf("%s: %v", provider, err)
		}
	}
}

func TestAPastedAddressDoesWhereTheBrowserIsElsewhere(t *testing.T) {
	p, _, who := withProviders(t, nil)
	a, err := p.otp.OAuth.Begin(t.Context(), login.Google, login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	address, err := who.Stop(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(address)
	q := u.Query()
	q.Set("state", "wrong")
	u.RawQuery = q.Encode()
	for _, wrong := range []string{"x", a.URL, u.String()} {
		if _, err := p.otp.Continue(t.Context(), a.ID, wrong); fault.CodeOf(err) != fault.PasteWrong {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	if _, err := p.otp.Continue(t.Context(), a.ID, address); err != nil {
		t.Error(err)
	}
}

// R16, the device's part: an answer with another state, nonce, issuer or audience is refused, and nothing of it is sent on.
func TestR16_WrongStateNonceIssuerAndAudienceAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(link url.Values)
		iss   string // in the answer
		want  fault.Code
	}{
		"nonce of another key": {spoil: func(q url.Values) { q.Set("nonce", strings.Repeat("0", 64)) }, want: fault.IdentityForeign},
		"no nonce":             {spoil: func(q url.Values) { q.Del("nonce") }, want: fault.IdentityForeign},
		"issuer in the answer": {iss: "http://127.0.0.1:1/oidc/google", want: fault.IdentityForeign},
	} {
		t.Run(name, func(t *testing.T) {
			p, f, who := withProviders(t, nil)
			sent := 0
			f.lose = func(r *http.Request) bool {
				if r.URL.Host == "127.0.0.1:3000" {
					sent++
				}
				return false
			}
			a, err := p.otp.OAuth.Begin(t.Context(), login.OIDC, login.Options{})
			if err != nil {
				t.Fatal(err)
			}
			u, _ := url.Parse(a.URL)
			q := u.Query()
			if c.spoil != nil {
				c.spoil(q)
			}
			u.RawQuery = q.Encode()
			address, err := who.Stop(u.String())
			if err != nil {
				t.Fatal(err)
			}
			if c.iss != "" {
				back, _ := url.Parse(address)
				q := back.Query()
				q.Set("iss", c.iss)
				back.RawQuery = q.Encode()
				address = back.String()
			}
			if _, err := p.otp.Continue(t.Context(), a.ID, address); fault.CodeOf(err) != c.want {
				t.Errorf("%v", err)
			}
			if sent > 0 || p.otp.Sessions.State() == session.Authenticated {
				t.Errorf("%d requests to the backend, %s", sent, p.otp.Sessions.State())
			}
		})
	}
	for name, change := range map[string]func(*profile.OAuth){
		"audience of another app":    func(o *profile.OAuth) { o.OIDC.ClientID = "another-app" },
		"issuer in the token itself": func(o *profile.OAuth) { o.OIDC.Issuer = "http://127.0.0.1:1/oidc/google" },
	} {
		t.Run(name, func(t *testing.T) {
			var o profile.OAuth
			p, f, who := withProviders(t, func(set *profile.OAuth) { o = *set })
			a, err := p.otp.OAuth.Begin(t.Context(), login.OIDC, login.Options{})
			if err != nil {
				t.Fatal(err)
			}
			address, err := who.Stop(a.URL)
			if err != nil {
				t.Fatal(err)
			}
			back, _ := url.Parse(address)
			q := back.Query()
			q.Del("iss")
			back.RawQuery = q.Encode()
			change(&o)
			p.otp.OAuth.Settings, p.otp.OAuth.Transport = func() profile.OAuth { return o }, substitute{f}
			if _, err := p.otp.Continue(t.Context(), a.ID, back.String()); fault.CodeOf(err) != fault.IdentityForeign {
				t.Errorf("%v", err)
			}
			if p.otp.Sessions.State() == session.Authenticated {
				t.Error("logged in")
			}
		})
	}
}

// substitute has every code exchanged by the sandbox's own provider for its own app, as a token endpoint would that hands
// out another's tokens.
type substitute struct{ http.RoundTripper }

func (s substitute) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/token") {
		return s.RoundTripper.RoundTrip(r)
	}
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	form := r.PostForm
	form.Set("client_id", "latchkey-sandbox")
	next, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://127.0.0.1:1/oidc/sandbox/token", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	next.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.RoundTripper.RoundTrip(next)
}

// What was granted is not asked for twice: a network that goes away at any point costs nothing but patience, and where a
// code was used up without an answer, another round.
func TestALogInByAProviderSurvivesLostAnswers(t *testing.T) {
	for _, path := range []string{"/.well-known/openid-configuration", "/jwks", "/token", "/api/getSuborgs", "/signup", "/oauth-login"} {
		t.Run(path, func(t *testing.T) {
			p, f, who := withProviders(t, nil)
			a, err := p.otp.OAuth.Begin(t.Context(), login.OIDC, login.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var lost atomic.Bool
			lose := func(q string) bool {
				hit := strings.HasSuffix(q, path)
				if hit {
					lost.Store(true)
				}
				return hit
			}
			f.lose = func(r *http.Request) bool { return lose(r.URL.Path) }
			p.backend.lose = lose
			_, err = p.back(a, who.LogIn)
			if !lost.Load() || fault.CodeOf(err) != fault.ProviderDown && fault.CodeOf(err) != fault.BackendDown {
				t.Fatalf("lost %v: %v", lost.Load(), err)
			}
			f.lose, p.backend.lose = nil, nil
			s, err := p.otp.Continue(t.Context(), a.ID, "")
			if path == "/token" { // it was exchanged, and the token is lost
				if fault.CodeOf(err) != fault.BrowserLate {
					t.Fatalf("%v", err)
				}
				if a, err = p.otp.Resend(t.Context(), a.ID); err != nil {
					t.Fatal(err)
				}
				s, err = p.back(a, who.LogIn)
			}
			if err != nil {
				t.Fatal(err)
			}
			if again := p.by(login.OIDC, who, login.Options{Label: "again"}); again.OrganizationID != s.OrganizationID {
				t.Errorf("a second account")
			}
		})
	}
}

// The person signs up in two places as one: client ids of the same app elsewhere come with the sign-up.
func TestOtherClientIDsAreTheSamePerson(t *testing.T) {
	p, f, who := withProviders(t, func(o *profile.OAuth) { o.Google.OtherClientIDs = "web,ios" })
	first := p.by(login.Google, who, login.Options{})
	o := profile.OAuth{Google: profile.OAuthClient{ClientID: "web"}}.InSandbox("http://127.0.0.1:1")
	p.otp.OAuth.Settings, p.otp.OAuth.Transport = func() profile.OAuth { return o }, f
	if s := p.by(login.Google, who, login.Options{Label: "web"}); s.OrganizationID != first.OrganizationID {
		t.Error("by the web's client id it is another account")
	}
}

func TestAnAttemptOutlivesItsListener(t *testing.T) {
	p, _, who := withProviders(t, nil)
	a, err := p.otp.OAuth.Begin(t.Context(), login.OIDC, login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.otp.Close() // the window is closed, and opened again
	pending, ok, err := p.otp.Pending(t.Context())
	if err != nil || !ok || pending.URL != a.URL {
		t.Fatalf("%+v, %v", pending, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.otp.Continue(ctx, a.ID, ""); fault.CodeOf(err) != fault.Cancel { // it listens again by now
		t.Fatal(err)
	}
	if _, err := who.LogIn(pending.URL); err == nil {
		t.Log("the browser came back to the same address")
	}
}

func TestCancelEndsTheWaitAndFreesThePort(t *testing.T) {
	p, _, who := withProviders(t, nil)
	a, err := p.otp.OAuth.Begin(t.Context(), login.OIDC, login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		if _, err := p.otp.Continue(t.Context(), a.ID, ""); fault.CodeOf(err) != fault.AttemptOver {
			t.Errorf("%v", err)
		}
	})
	if err := p.otp.Cancel(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	wait.Wait()
	if _, err := who.LogIn(a.URL); err == nil {
		t.Error("something still listens")
	}
	if _, err := p.keys.Open(t.Context(), a.PublicKey); fault.CodeOf(err) != fault.KeyMissing {
		t.Errorf("the key: %v", err)
	}
}

func TestAProviderWithoutSettingsIsNotShownAndRefused(t *testing.T) {
	p, _, _ := withProviders(t, nil)
	p.otp.OAuth.Settings = func() profile.OAuth { return profile.OAuth{X: profile.OAuthClient{ClientID: "app"}} }
	if got := p.otp.OAuth.Providers(); len(got) != 1 || got[0].Name != login.X {
		t.Errorf("%+v", got)
	}
	if _, err := p.otp.OAuth.Begin(t.Context(), login.Google, login.Options{}); fault.CodeOf(err) != fault.ProviderUnset {
		t.Errorf("%v", err)
	}
}

// A thousand rounds through the browser, one after the other and with foreign requests between: none fails.
func TestR16_RoundAfterRound(t *testing.T) {
	rounds := 12
	if os.Getenv("LATCHKEY_CAMPAIGN") == "R16" {
		rounds = 1000
	}
	failed := 0
	p, _, who := withProviders(t, nil)
	for i := range rounds {
		if i%20 == 0 { // each device keeps its sessions, and each address its limits
			p, _, who = withProviders(t, nil)
			p.known()
		}
		provider := every[i%len(every)]
		a, err := p.otp.OAuth.Begin(t.Context(), provider, login.Options{Label: fmt.Sprint("n", i)})
		if err == nil {
			_, err = p.back(a, who.LogIn)
		}
		if err != nil {
			failed++
			t.Errorf("round %d, %s: %v", i, provider, err)
		}
	}
	t.Logf("%d rounds, %d failed", rounds, failed)
}
