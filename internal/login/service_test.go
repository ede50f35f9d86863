package login_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"latchkey/internal/backend"
	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/login"
	"latchkey/internal/p256"
	"latchkey/internal/profile"
	"latchkey/internal/sandbox"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
	"latchkey/internal/store"
	"latchkey/internal/turnkey"
)

const robin = "robin@example.org"

// handler answers requests without a network. lose, when set, says whether the answer gets lost.
type handler struct {
	http.Handler
	lose func(path string) bool
}

func (h *handler) RoundTrip(q *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	in := q.Clone(q.Context())
	in.RemoteAddr, in.Host = "127.0.0.1:40000", q.URL.Host
	h.ServeHTTP(rec, in)
	if h.lose != nil && h.lose(q.URL.Path) {
		return nil, errors.New("connection reset")
	}
	return rec.Result(), nil
}

// place is a device, a backend and a sandbox on one clock.
type place struct {
	t       *testing.T
	mu      sync.Mutex
	at      time.Time
	box     *sandbox.Sandbox
	backend *handler
	service *handler // Turnkey's API, as the device reaches it
	keys    *keystore.Memory
	otp     *login.Ways
	api     *turnkey.Client
}

func (p *place) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

func (p *place) advance(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = p.at.Add(d)
}

type by struct{}

// stamper stamps with the key that the context names, or the active session's.
type stamper struct{ sessions *session.Manager }

func (s stamper) Stamp(ctx context.Context, body []byte) (*stamp.Stamp, error) {
	if k, ok := ctx.Value(by{}).(keystore.Signer); ok {
		return stamp.APIKey{Signer: k}.Stamp(ctx, body)
	}
	k, err := s.sessions.Signer(ctx, "")
	if err != nil {
		return nil, err
	}
	return stamp.APIKey{Signer: k}.Stamp(ctx, body)
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t: t, at: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), keys: keystore.NewMemory()}
	var err error
	if p.box, err = sandbox.New(sandbox.Options{Seed: 11, Now: p.now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.box.Close() })
	f := p.box.Facts()
	api := &http.Client{Transport: &handler{Handler: p.box.API()}}
	b, err := backend.New(backend.Config{
		APIURL: "http://127.0.0.1:1", OrganizationID: f.OrganizationID, APIPublicKey: f.APIPublicKey,
		APIPrivateKey: backend.SecretOf(f.APIPrivateKey), Now: p.now, HTTP: api, MagicLink: "latchkey://mail?bundle=%s",
		Pins: backend.Pins{Notarizer: f.NotarizerPublicKey, TLSFetcher: f.TLSFetcherPublicKey, TLSFetcherEncryption: f.TLSFetcherEncryptionPublicKey,
			Signer: f.SignerPublicKey, LegacyToken: f.LegacyTokenPublicKey},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.backend = &handler{Handler: b.Handler()}
	notarizer, err := p256.ParsePublic(f.NotarizerPublicKey)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := store.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	m := &session.Manager{Profile: "sandbox", Dir: dir, Keys: p.keys, Notarizer: notarizer, OrganizationParent: f.OrganizationID, Now: p.now}
	p.service = &handler{Handler: p.box.API()}
	p.api = &turnkey.Client{BaseURL: func() string { return "http://127.0.0.1:1" }, HTTP: &http.Client{Transport: p.service}, Now: p.now, Stamper: stamper{m}}
	m.Skew = p.api.Skew
	m.Refresh = func(ctx context.Context, s session.Session, current keystore.Signer, next string) (string, error) {
		return p.api.StampLogin(context.WithValue(ctx, by{}, current), s.OrganizationID, turnkey.LoginParams{
			PublicKey: next, ExpirationSeconds: turnkey.Seconds(s.Length.Seconds())})
	}
	m.Probe = func(ctx context.Context, s session.Session, k keystore.Signer) error {
		_, err := p.api.Whoami(context.WithValue(ctx, by{}, k), s.OrganizationID)
		return err
	}
	m.Revoke = func(ctx context.Context, s session.Session, k keystore.Signer, publicKey string) error {
		ctx = context.WithValue(ctx, by{}, k)
		who, err := p.api.Whoami(ctx, s.OrganizationID)
		if err != nil {
			return err
		}
		keys, err := p.api.GetAPIKeys(ctx, who.OrganizationID, who.UserID)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if k.Credential.PublicKey == publicKey {
				_, err := p.api.DeleteAPIKeys(ctx, who.OrganizationID, who.UserID, k.APIKeyID)
				return err
			}
		}
		return fault.NotFound
	}
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.otp = login.New(&login.Desk{
		Backend:  &login.Backend{URL: func() string { return "http://127.0.0.1:3000" }, HTTP: &http.Client{Transport: p.backend}},
		API:      p.api,
		Sessions: m, Keys: p.keys, OrganizationID: f.OrganizationID, SessionLength: 15 * time.Minute,
		Pins: profile.Pins{Notarizer: f.NotarizerPublicKey, TLSFetcher: f.TLSFetcherPublicKey, TLSFetcherEncryption: f.TLSFetcherEncryptionPublicKey,
			Signer: f.SignerPublicKey, LegacyToken: f.LegacyTokenPublicKey},
	})
	return p
}

// code reads the newest message from the sandbox's inbox.
func (p *place) code(to string) string {
	p.t.Helper()
	rec := httptest.NewRecorder()
	q := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:1/inbox?to="+url.QueryEscape(to), nil)
	p.box.Control().ServeHTTP(rec, q)
	var inbox struct{ Messages []struct{ Code string } }
	if err := json.Unmarshal(rec.Body.Bytes(), &inbox); err != nil || len(inbox.Messages) == 0 {
		p.t.Fatalf("inbox: %v, %s", err, rec.Body)
	}
	return inbox.Messages[0].Code
}

func (p *place) logIn() session.Session {
	p.t.Helper()
	a, err := p.otp.OTP.Begin(p.t.Context(), robin, login.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	s, err := p.otp.Continue(p.t.Context(), a.ID, p.code(robin))
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *place) step() {
	p.t.Helper()
	if err := p.otp.Sessions.Step(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

func TestOneSessionFromEndToEndAgainstBackendAndSandbox(t *testing.T) {
	p := newPlace(t)
	m := p.otp.Sessions
	s := p.logIn()
	who, err := p.api.Whoami(t.Context(), s.OrganizationID)
	if err != nil || who.UserID != s.UserID || who.OrganizationID != s.OrganizationID {
		t.Fatalf("%+v, %v; session %+v", who, err, s)
	}
	first, err := p.keys.Open(t.Context(), s.Key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // three windows
		now, _ := m.Active()
		p.advance(now.RefreshAt.Sub(p.now()) + time.Second)
		p.step()
		next, ok := m.Active()
		if !ok || next.Key.PublicKey == now.Key.PublicKey || !next.Expires.After(now.Expires) {
			t.Fatalf("not refreshed: %+v", next)
		}
		if _, err := p.api.Whoami(t.Context(), s.OrganizationID); err != nil {
			t.Fatal(err)
		}
		p.advance(time.Minute)
		p.step()
	}
	now, _ := m.Active()
	keys, err := p.api.GetAPIKeys(t.Context(), s.OrganizationID, s.UserID)
	if err != nil || len(keys) != 1 || keys[0].Credential.PublicKey != now.Key.PublicKey {
		t.Errorf("keys at the service: %+v, %v", keys, err)
	}
	last, err := p.keys.Open(t.Context(), now.Key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	result, err := m.LogOut(t.Context(), "")
	if err != nil || !result.Revoked || !result.Deleted {
		t.Fatalf("%+v, %v", result, err)
	}
	for _, k := range []keystore.Signer{first, last} {
		if _, err := k.Sign(t.Context(), make([]byte, 32)); fault.CodeOf(err) != fault.KeyMissing {
			t.Errorf("the key is still here: %v", err)
		}
	}
	if _, err := p.api.Whoami(t.Context(), s.OrganizationID); fault.CodeOf(err) != fault.SessionNone {
		t.Errorf("after the log-out: %v", err)
	}
	// The same person comes back to the same place, and the service knows one key again.
	again := p.logIn()
	if again.OrganizationID != s.OrganizationID || again.UserID != s.UserID {
		t.Errorf("another account: %+v", again)
	}
	if keys, err := p.api.GetAPIKeys(t.Context(), s.OrganizationID, s.UserID); err != nil || len(keys) != 1 {
		t.Errorf("keys at the service: %+v, %v", keys, err)
	}
}

func TestLostAnswersOfTheRealBackendCostNothing(t *testing.T) {
	for _, path := range []string{"/signup", "/otp-login"} {
		t.Run(path, func(t *testing.T) {
			p := newPlace(t)
			a, err := p.otp.OTP.Begin(t.Context(), robin, login.Options{})
			if err != nil {
				t.Fatal(err)
			}
			p.backend.lose = func(q string) bool { return q == path }
			if _, err := p.otp.Continue(t.Context(), a.ID, p.code(robin)); fault.CodeOf(err) != fault.BackendDown {
				t.Fatalf("%v", err)
			}
			p.backend.lose = nil
			s, err := p.otp.Continue(t.Context(), a.ID, "")
			if err != nil {
				t.Fatal(err)
			}
			keys, err := p.api.GetAPIKeys(t.Context(), s.OrganizationID, s.UserID)
			if err != nil || len(keys) != 1 || keys[0].Credential.PublicKey != s.Key.PublicKey {
				t.Errorf("keys at the service: %+v, %v", keys, err)
			}
			if again := p.logIn(); again.OrganizationID != s.OrganizationID {
				t.Errorf("a second account: %s, %s", s.OrganizationID, again.OrganizationID)
			}
		})
	}
}

func TestTheRealBackendsRefusalsKeepTheirNames(t *testing.T) {
	p := newPlace(t)
	a, err := p.otp.OTP.Begin(t.Context(), robin, login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wrong := "000000"
	if p.code(robin) == wrong {
		wrong = "000001"
	}
	for _, want := range []struct {
		code fault.Code
		left int
	}{{fault.OTPWrong, 2}, {fault.OTPWrong, 1}, {fault.OTPLocked, 0}} {
		_, err := p.otp.Continue(t.Context(), a.ID, wrong)
		if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != want.code || e.TriesLeft != want.left {
			t.Errorf("%v, want %+v", err, want)
		}
	}
	p.advance(31 * time.Second)
	if _, err := p.otp.Resend(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	p.advance(5 * time.Minute)
	if _, err := p.otp.Continue(t.Context(), a.ID, p.code(robin)); fault.CodeOf(err) != fault.OTPExpired {
		t.Errorf("%v", err)
	}
	limited := false
	for range 4 {
		p.advance(31 * time.Second)
		if _, err = p.otp.Resend(t.Context(), a.ID); err != nil {
			e, ok := errors.AsType[*fault.Error](err)
			limited = ok && e.Code == fault.OTPLimited && e.RetryAfter > 0
			break
		}
	}
	if !limited {
		t.Errorf("never limited: %v", err)
	}
}

func TestASessionRevokedElsewhereEnds(t *testing.T) {
	p := newPlace(t)
	m := p.otp.Sessions
	s := p.logIn()
	signer, err := p.keys.Open(t.Context(), s.Key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Revoke(t.Context(), s, signer, s.Key.PublicKey); err != nil {
		t.Fatal(err)
	}
	if _, err := m.RefreshNow(t.Context(), s.ID); fault.CodeOf(err) != fault.SessionRejected {
		t.Errorf("%v", err)
	}
	if got, ok := m.LastEnded(); !ok || got.Ended.Reason != session.Rejected {
		t.Errorf("%+v", got)
	}
}

// A further log-in is called what it was asked to be called, and takes the place of no other unless asked.
func TestAFurtherLogInKeepsItsNameAndTheActiveSession(t *testing.T) {
	p := newPlace(t)
	m := p.otp.Sessions
	first := p.logIn()
	for i, c := range []struct {
		further login.Options
		label   string
		active  bool
	}{
		{login.Options{Label: "work", Stay: true}, "work", false},
		{login.Options{Stay: true}, robin + "-2", false},
		{login.Options{Label: "second"}, "second", true},
	} {
		p.advance(time.Minute)
		p.step()
		a, err := p.otp.OTP.Begin(t.Context(), robin, c.further)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 { // the wish outlives another code
			p.advance(time.Minute)
			if a, err = p.otp.Resend(t.Context(), a.ID); err != nil {
				t.Fatal(err)
			}
		}
		s, err := p.otp.Continue(t.Context(), a.ID, p.code(robin))
		if err != nil {
			t.Fatal(err)
		}
		if s.Label != c.label || s.Active != c.active || s.ID == first.ID {
			t.Errorf("%+v became %+v", c.further, s)
		}
	}
	if _, err := m.LogOutAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.advance(30 * time.Minute) // so many codes are not sent in a short time
	a, err := p.otp.OTP.Begin(t.Context(), robin, login.Options{Stay: true})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := p.otp.Continue(t.Context(), a.ID, p.code(robin)); err != nil || !s.Active {
		t.Errorf("beside none, it is the active one: %+v, %v", s, err)
	}
}

// A setting that is missing is told in the same way whether somebody is logged in or not.
func TestAMissingAddressIsTheSameFailureWithASessionAndWithout(t *testing.T) {
	p := newPlace(t)
	said := map[bool]fault.Code{}
	for _, loggedIn := range []bool{false, true} {
		if loggedIn {
			p.logIn()
		}
		url := p.otp.Backend.URL
		p.otp.Backend.URL = func() string { return "" }
		_, err := p.otp.OTP.Begin(t.Context(), robin, login.Options{})
		p.otp.Backend.URL = url
		said[loggedIn] = fault.CodeOf(err)
	}
	if said[false] != said[true] || said[true] == fault.Internal {
		t.Errorf("without a session %q, with one %q", said[false], said[true])
	}
}

// accounts are all sub-organizations that there are.
func (p *place) accounts() ([]string, error) {
	f := p.box.Facts()
	private, err := p256.ParsePrivate(f.APIPrivateKey)
	if err != nil {
		return nil, err
	}
	signer, err := keystore.NewMemory().Import(p.t.Context(), private)
	if err != nil {
		return nil, err
	}
	parent := &turnkey.Client{BaseURL: p.api.BaseURL, HTTP: &http.Client{Transport: &handler{Handler: p.box.API()}}, Now: p.now, Stamper: stamp.APIKey{Signer: signer}}
	return parent.ListSubOrgs(p.t.Context(), f.OrganizationID, turnkey.SubOrgFilter{})
}
