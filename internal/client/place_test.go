package client

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"latchkey/internal/bundle"
	"latchkey/internal/fault"
	"latchkey/internal/local"
	"latchkey/internal/login"
	"latchkey/internal/p256"
	"latchkey/internal/profile"
	"latchkey/internal/session"
	"latchkey/internal/token"
)

// service is a developer's own backend in front of a sandbox, as `latchkey backend --sandbox` runs them.
type service struct {
	box     local.Ready
	backend string
}

func serve(t *testing.T) service {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	box, err := local.StartSandbox(local.SandboxOptions{Listen: "127.0.0.1:0", Control: "127.0.0.1:0", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	config, err := local.BackendFor(box.Ready, log)
	if err != nil {
		t.Fatal(err)
	}
	back, err := local.StartBackend("127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(back.Close)
	return service{box.Ready, back.Ready.URL}
}

// code reads the newest code from the service's inbox.
func (s service) code(t *testing.T, contact string) string {
	t.Helper()
	resp, err := http.Get(s.box.InboxURL + "?wait=20&to=" + url.QueryEscape(contact))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var inbox struct{ Messages []struct{ Code string } }
	if err := json.NewDecoder(resp.Body).Decode(&inbox); err != nil || len(inbox.Messages) == 0 {
		t.Fatalf("inbox of %s: %+v, %v", contact, inbox, err)
	}
	return inbox.Messages[0].Code
}

// configured puts a config.toml into a home.
func configured(t *testing.T, home profile.Home, text string) {
	t.Helper()
	if err := home.Make(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home.Config, "config.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// development is the part of a config.toml by which a development profile leads to s.
func (s service) development(name string) string {
	return fmt.Sprintf(`
[profiles.%s]
kind = "development"
api_url = %q
backend_url = %q
organization_id = %q
session_length = %q

[profiles.%[1]s.pins]
notarizer = %[6]q
tls_fetcher = %q
tls_fetcher_encryption = %q
signer = %q
legacy_token = %q
`, name, s.box.APIBaseURL, s.backend, s.box.OrganizationID, "10m", s.box.NotarizerPublicKey, s.box.TLSFetcherPublicKey,
		s.box.TLSFetcherEncryptionPublicKey, s.box.SignerPublicKey, s.box.LegacyTokenPublicKey)
}

// opened returns an open client, which keeps its keys under a passphrase, so that they outlive it.
func opened(t *testing.T, o Options) *Client {
	t.Helper()
	t.Setenv("LATCHKEY_PASSPHRASE_FILE", words(t))
	o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.Open(t.Context(), Passphrase); err != nil {
		t.Fatal(err)
	}
	return c
}

func words(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "words")
	if err := os.WriteFile(path, []byte("correct horse battery\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestADevelopmentProfileLeadsThroughItsOwnBackend(t *testing.T) {
	s, home := serve(t), profile.At(t.TempDir())
	configured(t, home, `profile = "acme"`+"\n"+s.development("acme"))
	c := opened(t, Options{Home: home})
	if p := c.Profile(); p.Kind != profile.KindDevelopment || p.BackendURL != s.backend || p.SessionLength != 10*time.Minute {
		t.Fatalf("opened %+v", p)
	}
	if _, err := os.Stat(filepath.Join(home.Data, "sandbox")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a development profile started a sandbox: %v", err)
	}
	if inbox := c.InboxURL(); inbox != "" {
		t.Errorf("a development profile has the inbox %s", inbox)
	}
	if _, err := c.SandboxCode(t.Context(), "robin@example.org"); fault.CodeOf(err) != fault.SandboxOnly {
		t.Errorf("the sandbox's code: %v", err)
	}
	attempt, err := c.Login().OTP.Begin(t.Context(), "robin@example.org", login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	first, err := c.Login().Continue(t.Context(), attempt.ID, s.code(t, "robin@example.org"))
	if err != nil {
		t.Fatal(err)
	}
	if first.Length != 10*time.Minute {
		t.Errorf("a session of %s", first.Length)
	}
	if who, err := c.Whoami(t.Context()); err != nil || who.OrganizationID != first.OrganizationID {
		t.Errorf("whoami: %v, %v", who, err)
	}
	if _, err := c.CreateWallet(t.Context(), "Everyday", []string{"ethereum"}); err != nil {
		t.Error(err)
	}
	next, err := c.Sessions().RefreshNow(t.Context(), first.ID)
	if err != nil || next.Key.PublicKey == first.Key.PublicKey {
		t.Errorf("refreshed: %v, %v", next, err)
	}
	if out, err := c.LogOut(t.Context()); err != nil || !out.Revoked || !out.Deleted {
		t.Errorf("log-out: %+v, %v", out, err)
	}
}

// Switching from profile to profile ends no session and mixes none up.
func TestSwitchingProfilesLosesNothing(t *testing.T) {
	s, home := serve(t), profile.At(t.TempDir())
	configured(t, home, s.development("acme"))
	ids := map[string]string{}
	for range 2 {
		for _, name := range []string{"sandbox", "acme"} {
			c := opened(t, Options{Home: home, Profile: name})
			if ids[name] == "" {
				contact := name + "@example.org"
				attempt, err := c.Login().OTP.Begin(t.Context(), contact, login.Options{})
				if err != nil {
					t.Fatal(err)
				}
				var code string
				if name == "sandbox" {
					code, err = c.SandboxCode(t.Context(), contact)
				} else {
					code = s.code(t, contact)
				}
				if err != nil {
					t.Fatal(err)
				}
				in, err := c.Login().Continue(t.Context(), attempt.ID, code)
				if err != nil {
					t.Fatal(err)
				}
				ids[name] = in.ID
			}
			active, ok := c.Sessions().Active()
			if !ok || active.ID != ids[name] || len(c.Sessions().List()) != 1 {
				t.Errorf("%s: active %v of %v", name, active, c.Sessions().List())
			}
			if _, err := c.Whoami(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// overTLS puts TLS in front of a plain server, and returns its address and the pool that trusts it.
func overTLS(t *testing.T, to string, pool *x509.CertPool) string {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }})
	t.Cleanup(front.Close)
	pool.AddCert(front.Certificate())
	return front.URL
}

// R23, on the device: a live profile that was led to a sandbox, through certificates that it trusts, believes nothing
// that the sandbox signs: no code target, no verification token, no session, at no step.
func TestR23_ALiveProfileRefusesEverythingOfASandbox(t *testing.T) {
	s, home, pool := serve(t), profile.At(t.TempDir()), x509.NewCertPool()
	carrier := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer carrier.CloseIdleConnections()
	configured(t, home, fmt.Sprintf(`
[profiles.home]
kind = "live"
api_url = %q
backend_url = %q
%s`, overTLS(t, s.box.APIBaseURL, pool), overTLS(t, s.backend, pool), s.development("acme")))

	live := opened(t, Options{Home: home, Profile: "home", Transport: carrier})
	if _, err := live.Login().OTP.Begin(t.Context(), "robin@example.org", login.Options{}); fault.CodeOf(err) != fault.BundleInvalid {
		t.Errorf("a code target of the sandbox: %v", err)
	}
	if _, pending, err := live.Login().Pending(t.Context()); err != nil || pending {
		t.Errorf("the refused log-in is pending: %v", err)
	}

	// What a sandbox gave to somebody who trusts it.
	dev := opened(t, Options{Home: home, Profile: "acme"})
	attempt, err := dev.Login().OTP.Begin(t.Context(), "robin@example.org", login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in, err := dev.Login().Continue(t.Context(), attempt.ID, s.code(t, "robin@example.org"))
	if err != nil {
		t.Fatal(err)
	}
	jwt, err := dev.Sessions().Token(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = live.Sessions().Store(t.Context(), session.StoreRequest{
		JWT: jwt, PublicKey: in.Key.PublicKey, OrganizationID: in.OrganizationID, Label: "x", Contact: "x", Method: "otp", Length: time.Hour, Select: true,
	})
	if fault.CodeOf(err) != fault.TokenInvalid {
		t.Errorf("a session token of the sandbox: %v", err)
	}
	if live.Sessions().State() != session.Unauthenticated {
		t.Errorf("the live profile is %s", live.Sessions().State())
	}
	for _, sealed := range []bool{true, false} {
		verification := s.verification(t, sealed)
		if _, err := token.VerifyVerification(verification, parse(t, s.box.TLSFetcherPublicKey), parse(t, s.box.LegacyTokenPublicKey), time.Now()); err != nil {
			t.Fatalf("the token is none to begin with: %v", err)
		}
		pins := live.Profile().Pins
		if _, err := token.VerifyVerification(verification, parse(t, pins.TLSFetcher), parse(t, pins.LegacyToken), time.Now()); fault.CodeOf(err) != fault.TokenInvalid {
			t.Errorf("a verification token of the sandbox, sealed %v: %v", sealed, err)
		}
	}
}

func parse(t *testing.T, key string) *ecdsa.PublicKey {
	t.Helper()
	k, err := p256.ParsePublic(key)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// verification proves a contact to the service, in either generation, and returns the token that says so.
func (s service) verification(t *testing.T, sealed bool) string {
	t.Helper()
	contact := fmt.Sprintf("robin-%v@example.org", sealed)
	var begun struct {
		OTPID  string `json:"otpId"`
		Target string `json:"otpEncryptionTargetBundle"`
	}
	s.post(t, "/otp/init", map[string]any{"otpType": "OTP_TYPE_EMAIL", "contact": contact, "encrypted": sealed}, &begun)
	code, key := s.code(t, contact), p256.Compressed(&p256.Generate().PublicKey)
	proof := map[string]any{"otpId": begun.OTPID, "otpCode": code, "publicKey": key}
	if sealed {
		envelope, err := bundle.SealOTP(begun.Target, parse(t, s.box.TLSFetcherPublicKey), code, key)
		if err != nil {
			t.Fatal(err)
		}
		proof = map[string]any{"otpId": begun.OTPID, "encryptedOtpBundle": envelope}
	}
	var proven struct {
		Token string `json:"verificationToken"`
	}
	s.post(t, "/otp/verify", proof, &proven)
	return proven.Token
}

func (s service) post(t *testing.T, path string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(s.backend+path, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", path, resp.StatusCode, err)
	}
}
