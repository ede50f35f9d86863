package login

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/bundle"
	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/p256"
	"latchkey/internal/profile"
	"latchkey/internal/session"
	"latchkey/internal/session/sessiontest"
	"latchkey/internal/store"
	"latchkey/internal/token"
)

// wire is a small backend with its own enclave: it speaks the routes that this package uses, with real bundles, real
// tokens and real client signatures, and misbehaves when told.
type wire struct {
	vendor  *sessiontest.Vendor
	fetcher *ecdsa.PrivateKey // the enclave's
	now     func() time.Time

	// Before may answer in place of the backend, before anything happened; After, when it did happen. Both return 0 to
	// leave it alone, or -1 to cut the connection.
	before, after func(path string) (status int, body string)
	length        int
	alphanumeric  bool
	changeTarget  func(string) string
	changeProof   func(*token.Verification) *ecdsa.PrivateKey // nil: the enclave's key
	changeSession func(jwt string) string

	mu       sync.Mutex
	counts   map[string]int
	codes    map[string]*sent  // by otpId
	accounts map[string]string // organization by proven contact
	signUps  map[string]string // organization by Idempotency-Key
	last     map[string]string // the newest code by contact
}

type sent struct {
	contact, code string
	key           *ecdh.PrivateKey
	wrong         int
	used          bool
	ends          time.Time
}

func newWire(vendor *sessiontest.Vendor, now func() time.Time) *wire {
	return &wire{
		vendor: vendor, fetcher: p256.Generate(), now: now, length: 6, counts: map[string]int{}, codes: map[string]*sent{},
		accounts: map[string]string{}, signUps: map[string]string{}, last: map[string]string{},
	}
}

func (w *wire) pins() profile.Pins {
	return profile.Pins{TLSFetcher: p256.Uncompressed(&w.fetcher.PublicKey), Notarizer: p256.Uncompressed(&w.vendor.Notarizer.PublicKey)}
}

func (w *wire) count(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts[path]
}

// code is what the newest message to contact says.
func (w *wire) code(contact string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last[contact]
}

func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	answer := func(hook func(string) (int, string)) bool {
		if hook == nil {
			return false
		}
		status, body := hook(r.URL.Path)
		switch status {
		case 0:
			return false
		case -1:
			panic(http.ErrAbortHandler)
		}
		rw.WriteHeader(status)
		fmt.Fprint(rw, body)
		return true
	}
	if answer(w.before) {
		return
	}
	reply, err := w.do(r)
	if answer(w.after) {
		return
	}
	if err != nil {
		refuse(rw, err)
		return
	}
	_ = json.NewEncoder(rw).Encode(reply)
}

func refuse(rw http.ResponseWriter, err error) {
	e, _ := errors.AsType[*fault.Error](err)
	rw.WriteHeader(http.StatusUnprocessableEntity)
	_ = json.NewEncoder(rw).Encode(map[string]any{"message": "no", "reason": e.Code, "kind": e.Kind, "triesLeft": e.TriesLeft})
}

func (w *wire) do(r *http.Request) (any, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[r.URL.Path]++
	var q struct {
		OTPType, Contact, OTPID, EncryptedOTPBundle, VerificationToken, PublicKey, UserEmail string
		Encrypted                                                                            bool
		ClientSignature                                                                      token.ClientSignature
		ExpirationSeconds                                                                    string
		APIKeys, Authenticators, OAuthProviders                                              []any
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return nil, fault.New(fault.RequestInvalid, err)
	}
	switch r.URL.Path {
	case "/otp/init":
		if q.OTPType != "OTP_TYPE_EMAIL" || !q.Encrypted {
			return nil, fault.New(fault.RequestInvalid, nil)
		}
		return w.init(q.Contact)
	case "/otp/verify":
		return w.verify(q.OTPID, q.EncryptedOTPBundle)
	case "/signup":
		v, use, err := w.agreed(q.VerificationToken, q.ClientSignature)
		if err != nil || use.SignupV2 == nil || !use.SignupV2.Equal(token.SignupUsage{Email: q.UserEmail}) || !strings.EqualFold(v.Contact, q.UserEmail) || q.APIKeys == nil {
			return nil, fault.New(fault.SignUpRefused, err)
		}
		key := r.Header.Get("Idempotency-Key")
		if key == "" {
			return nil, fault.New(fault.RequestInvalid, nil)
		}
		if w.signUps[key] == "" { // a second key makes a second account: that is what the test is about
			w.signUps[key] = uuid.NewString()
			w.accounts[strings.ToLower(v.Contact)] = w.signUps[key]
		}
		return map[string]string{"subOrganizationId": w.signUps[key]}, nil
	case "/otp-login":
		v, use, err := w.agreed(q.VerificationToken, q.ClientSignature)
		if err != nil || use.Login == nil || use.Login.PublicKey != q.PublicKey {
			return nil, fault.New(fault.LoginRefused, err)
		}
		organization := w.accounts[strings.ToLower(v.Contact)]
		if organization == "" {
			return nil, fault.New(fault.AccountUnknown, nil)
		}
		var seconds int64
		if _, err := fmt.Sscan(q.ExpirationSeconds, &seconds); err != nil {
			return nil, fault.New(fault.RequestInvalid, err)
		}
		reply, err := w.vendor.Do(sessiontest.Request{Op: sessiontest.OpLogin, OrganizationID: organization, PublicKey: q.PublicKey, Seconds: seconds})
		if err != nil {
			return nil, fault.New(fault.APIDown, err)
		}
		if w.changeSession != nil {
			reply.JWT = w.changeSession(reply.JWT)
		}
		return map[string]string{"session": reply.JWT}, nil
	}
	return nil, fault.New(fault.RequestInvalid, nil)
}

func (w *wire) init(contact string) (any, error) {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	target, err := bundle.NewOTPTarget(w.fetcher, key.PublicKey(), sessiontest.Parent)
	if err != nil {
		return nil, err
	}
	if w.changeTarget != nil {
		target = w.changeTarget(target)
	}
	alphabet := "0123456789"
	if w.alphanumeric {
		alphabet = "023456789ACDEFGHJKLMNPQRSTUVWXYZ"
	}
	code := make([]byte, w.length)
	rand.Read(code)
	for i := range code {
		code[i] = alphabet[int(code[i])%len(alphabet)]
	}
	id := uuid.NewString()
	for _, old := range w.codes {
		if old.contact == contact {
			old.used = true
		}
	}
	w.codes[id] = &sent{contact: contact, code: string(code), key: key, ends: w.now().Add(5 * time.Minute)}
	w.last[contact] = string(code)
	return map[string]any{"otpId": id, "otpEncryptionTargetBundle": target, "otpLength": w.length, "otpAlphanumeric": w.alphanumeric, "expiresInSeconds": 300, "maxTries": 3}, nil
}

func (w *wire) verify(id, sealed string) (any, error) {
	s := w.codes[id]
	if s == nil || s.used || !w.now().Before(s.ends) {
		return nil, fault.New(fault.OTPExpired, nil)
	}
	code, publicKey, err := bundle.OpenOTP(s.key, sealed)
	if err != nil {
		return nil, err
	}
	if code != s.code {
		if s.wrong++; s.wrong >= 3 {
			s.used = true
			return nil, fault.New(fault.OTPLocked, nil)
		}
		return nil, &fault.Error{Kind: fault.Denied, Code: fault.OTPWrong, TriesLeft: 3 - s.wrong}
	}
	s.used = true
	v := token.Verification{ID: uuid.NewString(), OrganizationID: sessiontest.Parent, VerificationType: "OTP_TYPE_EMAIL",
		Contact: s.contact, PublicKey: publicKey, Expires: w.now().Add(time.Hour)}
	signer := w.fetcher
	if w.changeProof != nil {
		if k := w.changeProof(&v); k != nil {
			signer = k
		}
	}
	jwt, err := token.IssueVerification(signer, v)
	if err != nil {
		return nil, err
	}
	reply := map[string]string{"verificationToken": jwt}
	if organization := w.accounts[strings.ToLower(s.contact)]; organization != "" {
		reply["subOrganizationId"] = organization
	}
	return reply, nil
}

func (w *wire) agreed(jwt string, by token.ClientSignature) (token.Verification, token.Usage, error) {
	v, err := token.VerifyVerification(jwt, &w.fetcher.PublicKey, nil, w.now())
	if err != nil {
		return v, token.Usage{}, err
	}
	if err := by.Verify(); err != nil {
		return v, token.Usage{}, err
	}
	use, err := by.Usage()
	if err == nil && (by.PublicKey != v.PublicKey || use.TokenID != v.ID) {
		err = errors.New("of another token")
	}
	return v, use, err
}

// desk is a profile's folder with a key store, a backend and a clock that is set.
type desk struct {
	t      testing.TB
	dir    string
	keys   *sessiontest.Keys
	vendor *sessiontest.Vendor
	wire   *wire
	url    string

	mu   sync.Mutex
	time time.Time
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{t: t, dir: sessiontest.Folder(t), time: time.Unix(1_800_000_000, 0)}
	d.keys = &sessiontest.Keys{Dir: filepath.Join(d.dir, "keys")}
	if err := os.MkdirAll(d.keys.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d.vendor = sessiontest.NewVendor(d.now)
	d.wire = newWire(d.vendor, d.now)
	d.url = "http://127.0.0.1:3000"
	return d
}

// RoundTrip carries a request to the backend, if it is sent there.
func (d *desk) RoundTrip(q *http.Request) (reply *http.Response, err error) {
	if q.URL.Host != "127.0.0.1:3000" {
		return nil, errors.New("connection refused")
	}
	defer func() {
		cut := recover()
		if abort, ok := cut.(error); ok && errors.Is(abort, http.ErrAbortHandler) {
			err = errors.New("connection reset")
		} else if cut != nil {
			panic(cut)
		}
	}()
	rec := httptest.NewRecorder()
	d.wire.ServeHTTP(rec, q)
	if q.Context().Err() != nil {
		return nil, q.Context().Err()
	}
	return rec.Result(), nil
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.time
}

func (d *desk) advance(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.time = d.time.Add(by)
}

// open returns the way in as a process that starts would have it.
func (d *desk) open() *Ways {
	d.t.Helper()
	dir, err := store.Open(filepath.Join(d.dir, "state"))
	if err != nil {
		d.t.Fatal(err)
	}
	client := sessiontest.Client{Vendor: d.vendor}
	o := New(&Desk{
		Backend: &Backend{URL: func() string { return d.url }, HTTP: &http.Client{Transport: d}}, Keys: d.keys, Pins: d.wire.pins(),
		OrganizationID: sessiontest.Parent, SessionLength: 15 * time.Minute,
		Sessions: &session.Manager{
			Profile: "test", Dir: dir, Keys: d.keys, Notarizer: &d.vendor.Notarizer.PublicKey, OrganizationParent: sessiontest.Parent,
			Now: d.now, Revoke: revoke(client),
		},
	})
	if err := o.Sessions.Open(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return o
}

// begin asks for a code.
func (d *desk) begin(o *Ways, contact string) Attempt {
	d.t.Helper()
	a, err := o.OTP.Begin(d.t.Context(), contact, Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// logIn goes the whole way.
func (d *desk) logIn(o *Ways, contact string) session.Session {
	d.t.Helper()
	a := d.begin(o, contact)
	s, err := o.Continue(d.t.Context(), a.ID, d.wire.code(contact))
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// accounted checks that nobody holds a key that the file does not name.
func (d *desk) accounted(o *Ways) {
	d.t.Helper()
	if err := o.Sessions.Step(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	names := o.Sessions.PublicKeys()
	for _, k := range append(d.keys.List(), d.vendor.Live()...) {
		if !slices.Contains(names, k) {
			d.t.Errorf("nobody accounts for %s", k)
		}
	}
}

var _ keystore.Store = (*sessiontest.Keys)(nil)
