package backend_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/backend"
	"latchkey/internal/bundle"
	"latchkey/internal/p256"
	"latchkey/internal/sandbox"
	"latchkey/internal/stamp"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// world is a backend in front of a real sandbox, on one clock, with everything that the backend logs.
type world struct {
	t       testing.TB
	box     *sandbox.Sandbox
	api     http.Handler // the sandbox's, as are
	control http.Handler
	facts   sandbox.Facts
	config  backend.Config
	h       http.Handler
	b       *backend.Backend
	clock   *clock
	log     *lines
	network *network

	noting sync.Mutex     // guards done, since requests may go side by side
	done   map[string]int // by path, the requests that were answered 200
}

// clock is set by the test.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// lines keeps what is logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// network carries the backend's requests to the sandbox, unless fault takes them.
type network struct {
	api http.Handler

	mu    sync.Mutex
	fault func(path string, body []byte, send func() *http.Response) (*http.Response, error)
	calls []string
	quiet bool // keeps no calls
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	n.mu.Lock()
	fault := n.fault
	if !n.quiet {
		n.calls = append(n.calls, r.URL.Path)
	}
	n.mu.Unlock()
	send := func() *http.Response {
		in := httptest.NewRequest(r.Method, r.URL.String(), bytes.NewReader(body))
		in.Header = r.Header.Clone()
		rec := httptest.NewRecorder()
		n.api.ServeHTTP(rec, in)
		return rec.Result()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if fault != nil {
		return fault(r.URL.Path, body, send)
	}
	return send(), nil
}

func (n *network) setFault(f func(path string, body []byte, send func() *http.Response) (*http.Response, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fault = f
}

func (n *network) count(path string) (total int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.calls {
		if strings.HasSuffix(p, path) {
			total++
		}
	}
	return total
}

// newWorld starts one, with the configuration that change makes of the plain one.
func newWorld(t testing.TB, change ...func(*backend.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{at: time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)}, log: &lines{}, done: map[string]int{}}
	var err error
	if w.box, err = sandbox.New(sandbox.Options{Seed: 7, Now: w.clock.now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.box.Close() })
	w.facts = w.box.Facts()
	w.api, w.control = w.box.API(), w.box.Control()
	w.network = &network{api: w.api}
	w.config = configFor(w.facts)
	w.config.Now = w.clock.now
	w.config.HTTP = &http.Client{Transport: w.network}
	w.config.Log = slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, f := range change {
		f(&w.config)
	}
	w.restart()
	return w
}

func configFor(f sandbox.Facts) backend.Config {
	return backend.Config{
		APIURL: "http://sandbox.test", OrganizationID: f.OrganizationID,
		APIPublicKey: f.APIPublicKey, APIPrivateKey: backend.SecretOf(f.APIPrivateKey),
		Pins: backend.Pins{Notarizer: f.NotarizerPublicKey, TLSFetcher: f.TLSFetcherPublicKey, Signer: f.SignerPublicKey,
			TLSFetcherEncryption: f.TLSFetcherEncryptionPublicKey, LegacyToken: f.LegacyTokenPublicKey},
		Limits: backend.Limits{AddressSends: -1, NetworkSends: -1, TotalSends: -1, AddressGuesses: -1, AddressCalls: -1, NetworkCalls: -1},
	}
}

// restart replaces the backend by a new one that remembers nothing.
func (w *world) restart() {
	w.t.Helper()
	b, err := backend.New(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.b, w.h = b, b.Handler()
}

// reply is an answer of the backend.
type reply struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

func (r reply) text(name string) string {
	s, _ := r.body[name].(string)
	return s
}

// is fails the test unless the reply has this status and reason ("" for none).
func (r reply) is(t testing.TB, status int, reason string) {
	t.Helper()
	if r.status != status || r.text("reason") != reason {
		t.Fatalf("%d %s\nwant %d %q", r.status, r.raw, status, reason)
	}
}

// object is a JSON object.
type object map[string]any

// post sends body, a text or what encodes to one, with headers in pairs.
func (w *world) post(path string, body any, headers ...string) reply {
	w.t.Helper()
	text, ok := body.(string)
	if !ok {
		raw, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		text = string(raw)
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(text))
	r.Host = "127.0.0.1:3000"
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	return w.do(r)
}

func (w *world) do(r *http.Request) reply {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	out := reply{status: rec.Code, header: rec.Result().Header, raw: rec.Body.String()}
	if out.raw != "" {
		if err := json.Unmarshal(rec.Body.Bytes(), &out.body); err != nil {
			w.t.Fatalf("%s: not JSON: %q", r.URL.Path, out.raw)
		}
	}
	described.check(w.t, r, out)
	w.note(r.URL.Path, out.status)
	return out
}

// note counts a request that did what it was for.
func (w *world) note(path string, status int) {
	w.noting.Lock()
	defer w.noting.Unlock()
	if w.done == nil {
		w.done = map[string]int{}
	}
	if status == http.StatusOK {
		w.done[strings.ReplaceAll(path, "//", "/")]++
	}
}

// code returns the newest code that was sent to a contact.
func (w *world) code(to string) string {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/inbox?to="+url.QueryEscape(to), nil)
	r.Host = "127.0.0.1:1"
	rec := httptest.NewRecorder()
	w.control.ServeHTTP(rec, r)
	var in struct{ Messages []struct{ Code string } }
	if err := json.Unmarshal(rec.Body.Bytes(), &in); err != nil || len(in.Messages) == 0 {
		w.t.Fatalf("no message to %s: %s", to, rec.Body)
	}
	return in.Messages[0].Code
}

func (w *world) fetcher() *ecdsa.PublicKey {
	w.t.Helper()
	pub, err := p256.ParsePublic(w.facts.TLSFetcherPublicKey)
	if err != nil {
		w.t.Fatal(err)
	}
	return pub
}

// begin asks for a code.
func (w *world) begin(contact string, encrypted bool) reply {
	w.t.Helper()
	r := w.post("/otp/init", object{"contact": contact, "encrypted": encrypted})
	r.is(w.t, 200, "")
	return r
}

// seal puts a code and a key in the form in which an encrypted attempt is answered.
func (w *world) seal(begun reply, code, publicKey string) string {
	w.t.Helper()
	sealed, err := bundle.SealOTP(begun.text("otpEncryptionTargetBundle"), w.fetcher(), code, publicKey)
	if err != nil {
		w.t.Fatal(err)
	}
	return sealed
}

// prove goes from a contact to a verified code.
func (w *world) prove(contact string, key *p256.Key, encrypted bool) reply {
	w.t.Helper()
	begun := w.begin(contact, encrypted)
	guess := object{"otpId": begun.text("otpId")}
	if encrypted {
		guess["encryptedOtpBundle"] = w.seal(begun, w.code(contact), key.PublicKey())
	} else {
		guess["otpCode"] = w.code(contact)
	}
	r := w.post("/otp/verify", guess)
	r.is(w.t, 200, "")
	return r
}

// login is the body of /otp-login for a token, signed where the token names a key.
func (w *world) login(jwt string, key *p256.Key) object {
	w.t.Helper()
	v, err := token.ParseVerification(jwt)
	if err != nil {
		w.t.Fatal(err)
	}
	in := object{"verificationToken": jwt, "publicKey": key.PublicKey()}
	if v.PublicKey != "" {
		if in["clientSignature"], err = token.SignLogin(w.t.Context(), key, v.ID, key.PublicKey()); err != nil {
			w.t.Fatal(err)
		}
	}
	return in
}

// signUp is the body of /signup for an encrypted token.
func (w *world) signUp(jwt string, key *p256.Key, email string, apiKeys ...any) object {
	w.t.Helper()
	v, err := token.ParseVerification(jwt)
	if err != nil {
		w.t.Fatal(err)
	}
	sig, err := token.SignSignup(w.t.Context(), key, v.ID, token.SignupUsage{Email: email, APIKeys: apiKeys})
	if err != nil {
		w.t.Fatal(err)
	}
	if apiKeys == nil {
		apiKeys = []any{}
	}
	return object{"userEmail": email, "apiKeys": apiKeys, "authenticators": []any{}, "oauthProviders": []any{},
		"verificationToken": jwt, "clientSignature": sig}
}

// often is how many times a test of a row does its thing: less in a short run, campaign in the row's campaign.
func often(row string, normal, campaign int) int {
	switch {
	case os.Getenv("LATCHKEY_CAMPAIGN") == row:
		return campaign
	case testing.Short():
		return normal / 4
	default:
		return normal
	}
}

func newKey() *p256.Key { return p256.NewKey(p256.Generate()) }

// as is a client of the sandbox that stamps with key.
func (w *world) as(key *p256.Key) *turnkey.Client {
	return &turnkey.Client{
		BaseURL: func() string { return "http://sandbox.test" }, Stamper: stamp.APIKey{Signer: key},
		HTTP: &http.Client{Transport: &network{api: w.api}}, Now: w.config.Now,
	}
}

// parent is a client with the parent's own key.
func (w *world) parent() *turnkey.Client {
	w.t.Helper()
	key, err := p256.ParsePrivate(w.facts.APIPrivateKey)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.as(p256.NewKey(key))
}

// subOrgs returns the organizations that carry an e-mail address, proven or not.
func (w *world) subOrgs(email string) []string {
	w.t.Helper()
	ids, err := w.parent().ListSubOrgs(w.t.Context(), w.facts.OrganizationID, turnkey.SubOrgFilter{Type: "EMAIL", Value: email, Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	return ids
}

// works fails the test unless key stamps for the organization.
func (w *world) works(ctx context.Context, key *p256.Key, organizationID string) {
	w.t.Helper()
	me, err := w.as(key).Whoami(ctx, organizationID)
	if err != nil || me.OrganizationID != organizationID {
		w.t.Fatalf("whoami: %+v, %v", me, err)
	}
}

// signText signs a message as a client signature.
func (w *world) signText(key *p256.Key, message string) token.ClientSignature {
	w.t.Helper()
	sum := sha256.Sum256([]byte(message))
	der, err := key.Sign(w.t.Context(), sum[:])
	if err != nil {
		w.t.Fatal(err)
	}
	raw, err := p256.ToRaw(der)
	if err != nil {
		w.t.Fatal(err)
	}
	return token.ClientSignature{PublicKey: key.PublicKey(), Scheme: token.SchemeClient, Message: message, Signature: hex.EncodeToString(raw)}
}

// request is a POST of a text.
func request(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Host = "127.0.0.1:3000"
	r.Header.Set("Content-Type", "application/json")
	return r
}
