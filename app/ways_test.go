package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"

	"latchkey/internal/fault"
	"latchkey/internal/local"
	"latchkey/internal/login/logintest"
)

// house is a window on a home of its own, whose keys outlive it, with a person before it.
type house struct {
	*testing.T
	a       *App
	w       *listener
	control string // the sandbox's
	ahead   *atomic.Int64
	cut     func(yes bool) // takes the network away
	touch   *logintest.Authenticator
	wallet  string // a wallet's key file
	last    string // what the browser was last opened with
	pins    string // of the development profile's service
	person  int    // who goes a way in: another for each row, since one is sent few messages
	read    uint64 // the number of the message whose key was read last
}

// closedAndOpened is the window closed and opened again.
func (h *house) closedAndOpened() State {
	h.Helper()
	Close(h.a)
	h.open()
	return h.until("an answer", func(s State) bool { return s.Phase != PhaseLoading })
}

func (h *house) open() {
	h.Helper()
	h.a = New(Options{Version: "test", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }})
	h.w = &listener{changes: make(chan struct{}, 64), opened: make(chan string, 64)}
	Attach(context.Background(), h.a, h.w)
	if err := h.a.Ready(); err != nil {
		h.Fatal(err)
	}
}

// until waits for a state.
func (h *house) until(what string, good func(State) bool) State {
	h.Helper()
	limit := time.After(2 * time.Minute)
	for {
		s := must(h.a.State())(h.T)
		if good(s) {
			return s
		}
		select {
		case <-h.w.changes:
		case <-limit:
			h.Fatalf("no %s: phase %s, attempt %+v, failure %+v", what, s.Phase, s.Attempt, s.Failure)
		}
	}
}

func (h *house) phase(want Phase) State {
	h.Helper()
	return h.until(string(want), func(s State) bool { return s.Phase == want })
}

// fails waits until the background says why the attempt did not go on.
func (h *house) fails() fault.Code {
	h.Helper()
	s := h.until("failure of the attempt", func(s State) bool { return s.Attempt != nil && s.Attempt.Failure != nil })
	return fault.Code(s.Attempt.Failure.Code)
}

// link is what the browser was last opened with.
func (h *house) link() string {
	h.Helper()
	for len(h.w.opened) > 0 {
		h.last = <-h.w.opened
	}
	if h.last == "" {
		h.Fatal("no browser was opened")
	}
	return h.last
}

// later lets time pass, for the service and for this machine.
func (h *house) later(d time.Duration) {
	h.Helper()
	h.post(http.MethodPost, "/clock", map[string]any{"advanceSeconds": d / time.Second})
	h.ahead.Add(int64(d))
}

func (h *house) post(method, path string, body any) {
	h.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		h.Fatal(err)
	}
	q, err := http.NewRequest(method, h.control+path, bytes.NewReader(text))
	if err != nil {
		h.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(q)
	if err != nil {
		h.Fatal(err)
	}
	defer reply.Body.Close()
	if answer, _ := io.ReadAll(reply.Body); reply.StatusCode/100 != 2 {
		h.Fatalf("%s %s: %d %s", method, path, reply.StatusCode, answer)
	}
}

// message is what pick finds in the newest message to a person after one, and that message's number. It waits for it.
func (h *house) message(to string, after uint64, pick func(m mail) string) (text string, number uint64) {
	h.Helper()
	for range 3 {
		reply, err := http.Get(fmt.Sprintf("%s/inbox?wait=60&after=%d&to=%s", h.control, after, url.QueryEscape(to)))
		if err != nil {
			h.Fatal(err)
		}
		var inbox struct{ Messages []mail }
		err = json.NewDecoder(reply.Body).Decode(&inbox)
		reply.Body.Close()
		if err != nil {
			h.Fatal(err)
		}
		for _, m := range inbox.Messages {
			if text := pick(m); text != "" {
				return text, m.number(h.T)
			}
		}
		if len(inbox.Messages) > 0 { // others came first
			after = inbox.Messages[0].number(h.T)
		}
	}
	h.Fatalf("no message to %s", to)
	return "", 0
}

// mail is a message in the sandbox's inbox.
type mail struct{ ID, Code, Bundle string }

func (m mail) number(t *testing.T) uint64 {
	t.Helper()
	return must(strconv.ParseUint(m.ID, 10, 64))(t)
}

func (h *house) code(to string) string {
	h.Helper()
	text, _ := h.message(to, 0, func(m mail) string { return m.Code })
	return text
}

// bundle returns each sealed key once: e-mail with one is sent when the backend has answered already.
func (h *house) bundle(to string) string {
	h.Helper()
	text, number := h.message(to, h.read, func(m mail) string { return m.Bundle })
	h.read = number
	return text
}

// home is the way of a browser to this machine where nobody listened yet: a window that was just opened again listens a
// moment later than its page is there.
func (h *house) home(err error) error {
	var to *url.Error
	for range 600 {
		if !errors.As(err, &to) || !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		time.Sleep(100 * time.Millisecond)
		var reply *http.Response
		if reply, err = http.Get(to.URL); err == nil {
			reply.Body.Close()
		}
	}
	return err
}

// out leaves whatever is there, up to the ways in.
func (h *house) out() {
	h.Helper()
	s := must(h.a.State())(h.T)
	if s.Phase == PhaseIn {
		s = must(h.a.LogOut())(h.T)
	}
	if s.Phase == PhaseEnded {
		s = must(h.a.Acknowledge())(h.T)
	}
	if s.Attempt != nil {
		s = must(h.a.CancelLogin(s.Attempt.ID))(h.T)
	}
	if s.Phase != PhaseWays || s.PendingPublicKey != "" {
		h.Fatalf("phase %s, not the ways in", s.Phase)
	}
	for len(h.w.opened) > 0 {
		<-h.w.opened
	}
	h.last = ""
}

// method is a way in, as a person goes it.
type method struct {
	name  string
	begin func(h *house) State          // up to where the person acts elsewhere
	act   func(h *house, s State) error // and acts; then the session is there
	wrong func(h *house, s State) error // acts wrongly once, and returns what was said
	want  fault.Code                    // of that
	again bool                          // after which the attempt must be begun anew
	needs func(h *house)                // what must be there before: nil where anybody can sign up
	pause bool                          // it is not resent at once
	one   bool                          // it is one step, with nothing half-way
}

func (h *house) goOn(id, typed string) error {
	_, err := h.a.ContinueLogin(id, typed)
	return err
}

// goes has the person act, and waits for the session.
func (h *house) goes(m method, s State) State {
	h.Helper()
	if err := m.act(h, s); err != nil {
		h.Fatal(err)
	}
	return h.phase(PhaseIn)
}

func methods() []method {
	byCode := func(name string, to func(h *house) string) method {
		spelled := func(h *house) string { return strings.ReplaceAll(to(h), " ", "") }
		return method{
			name: name, pause: true, want: fault.OTPWrong,
			begin: func(h *house) State { return must(h.a.BeginLogin(name, to(h)))(h.T) },
			act:   func(h *house, s State) error { return h.goOn(s.Attempt.ID, h.code(spelled(h))) },
			wrong: func(h *house, s State) error { return h.goOn(s.Attempt.ID, mirrored(h.code(spelled(h)))) },
		}
	}
	ada := func(h *house) string { return fmt.Sprintf("ada%d@example.org", h.person) }
	byLink := method{
		name: "emailLink", pause: true, want: fault.MailWrong,
		needs: func(h *house) {
			s := must(h.a.BeginLogin("email", ada(h)))(h.T)
			must(h.a.ContinueLogin(s.Attempt.ID, h.code(ada(h))))(h.T)
			h.out()
		},
		begin: func(h *house) State { return must(h.a.BeginLogin("emailLink", ada(h)))(h.T) },
		act: func(h *house, s State) error {
			return h.goOn(s.Attempt.ID, "https://app.example.org/login?bundle="+h.bundle(ada(h)))
		},
		wrong: func(h *house, s State) error { return h.goOn(s.Attempt.ID, "not a key") },
	}
	byProvider := method{
		name: "provider", want: fault.PasteWrong,
		begin: func(h *house) State { return must(h.a.BeginLogin("provider", "google"))(h.T) },
		act: func(h *house, _ State) error {
			page, err := logintest.Person{Email: ada(h)}.LogIn(h.link())
			err = h.home(err)
			if err == nil && page.URL != nil && page.Status != http.StatusOK {
				err = fmt.Errorf("the browser ended at %d", page.Status)
			}
			return err
		},
		wrong: func(h *house, s State) error { return h.goOn(s.Attempt.ID, "http://127.0.0.1:1/?code=x") },
	}
	byTouch := func(name string) method {
		return method{
			name: strings.TrimSpace("passkey " + name), want: fault.PasskeyDenied, again: true,
			begin: func(h *house) State {
				s := must(h.a.BeginLogin("passkey", name))(h.T)
				if s.Attempt == nil || s.Attempt.Match == "" {
					h.Errorf("no number to compare: %+v", s.Attempt)
				}
				return s
			},
			act: func(h *house, _ State) error {
				_, err := h.touch.Go(h.link())
				return h.home(err)
			},
			wrong: func(h *house, s State) error {
				if _, err := h.touch.TurnAway(h.link()); err != nil {
					h.Fatal(err)
				}
				return fault.New(h.fails(), nil)
			},
		}
	}
	newPasskey, passkey := byTouch("Laptop"), byTouch("")
	passkey.needs = func(h *house) {
		h.touch = logintest.NewAuthenticator(nil)
		h.goes(newPasskey, newPasskey.begin(h))
		h.out()
	}
	newPasskey.needs = func(h *house) { h.touch = logintest.NewAuthenticator(nil) }
	byWallet := method{
		name: "wallet", one: true, want: fault.WalletFile,
		begin: func(h *house) State {
			h.w.file = h.wallet
			s, err := h.a.LogInByWalletFile("")
			if err != nil {
				h.Fatal(err)
			}
			return s
		},
		act: func(*house, State) error { return nil },
		wrong: func(h *house, _ State) error {
			h.w.file = filepath.Join(h.TempDir(), "none")
			_, err := h.a.LogInByWalletFile("")
			return err
		},
	}
	number := func(h *house) string { return fmt.Sprintf("+41 79 123 45 %02d", h.person) }
	byWalletPage := method{
		name: "wallet in the browser", want: fault.WalletDenied, again: true,
		begin: func(h *house) State { return must(h.a.BeginLogin("wallet", ""))(h.T) },
		act: func(h *house, _ State) error {
			_, err := (&logintest.Wallet{Sign: personalSign(byte(h.person))}).Go(h.link())
			return h.home(err)
		},
		wrong: func(h *house, _ State) error {
			if _, err := h.touch.TurnAway(h.link()); err != nil {
				h.Fatal(err)
			}
			return fault.New(h.fails(), nil)
		},
	}
	return []method{byCode("email", ada), byCode("phone", number), byLink, byProvider, newPasskey, passkey, byWalletPage, byWallet}
}

// personalSign signs as wallets of Ethereum do, with the key that is this number.
func personalSign(scalar byte) func([]byte) []byte {
	key := secp256k1.PrivKeyFromBytes([]byte{31: scalar})
	return func(body []byte) []byte {
		h := sha3.NewLegacyKeccak256()
		fmt.Fprintf(h, "\x19Ethereum Signed Message:\n%d", len(body))
		h.Write(body)
		compact := ecdsa.SignCompact(key, h.Sum(nil), true)
		return append(compact[1:65:65], compact[0]-4)
	}
}

// Every way in that the window has, on the methods that its page is bound to.
func TestEveryWayInFromTheWindow(t *testing.T) {
	for _, where := range []struct {
		profile string
		open    func(t *testing.T) *house
	}{{"sandbox", inSandbox}, {"development", inDevelopment}} {
		t.Run(where.profile, func(t *testing.T) {
			h := where.open(t)
			for _, m := range methods() {
				t.Run(m.name, func(t *testing.T) {
					outer := h.T
					h.T = t
					defer func() { h.T = outer }()
					h.everything(m)
				})
			}
			h.T = t
		})
	}
}

func (h *house) everything(m method) {
	var first *SessionView
	h.step(m, "sign-up", func() {
		if first = h.goes(m, m.begin(h)).Session; len(must(h.a.Wallets())(h.T)) != 0 {
			h.Errorf("a new account has wallets: %+v", first)
		}
	})
	h.step(m, "log-in again", func() {
		begin := m.begin
		if m.name == "passkey Laptop" { // it is the same passkey, used
			begin = func(h *house) State { return must(h.a.BeginLogin("passkey", ""))(h.T) }
		}
		if s := h.goes(m, begin(h)); s.Session.OrganizationID != first.OrganizationID || s.Session.PublicKey == first.PublicKey {
			h.Errorf("another account, or the same key: %+v after %+v", s.Session, first)
		}
	})
	h.step(m, "wrong input", func() {
		var s State
		if !m.one {
			s = m.begin(h)
		}
		if err := m.wrong(h, s); fault.CodeOf(err) != m.want {
			h.Errorf("said %v, want %s", err, m.want)
		}
		switch {
		case m.one:
			s = m.begin(h)
		case m.again:
			s = must(h.a.ResendLogin(s.Attempt.ID))(h.T)
		}
		h.goes(m, s)
	})
	h.step(m, "cancelled", func() {
		if m.one {
			h.w.file = ""
			if _, err := h.a.LogInByWalletFile(""); fault.CodeOf(err) != fault.Cancel {
				h.Errorf("turned away: %v", err)
			}
			h.phase(PhaseWays)
			return
		}
		s := m.begin(h)
		if s = must(h.a.CancelLogin(s.Attempt.ID))(h.T); s.Phase != PhaseWays || s.Attempt != nil || s.PendingPublicKey != "" {
			h.Errorf("after it: %+v", s)
		}
		if _, err := h.a.ResendLogin("gone"); fault.CodeOf(err) != fault.AttemptOver {
			h.Errorf("an attempt that is over: %v", err)
		}
	})
	if !m.one {
		h.step(m, "resent", func() { h.resent(m) })
		h.step(m, "window closed half-way", func() {
			s := m.begin(h)
			again := h.again(s)
			if again.Phase != s.Phase || again.Attempt == nil || again.Attempt.ID != s.Attempt.ID || again.Attempt.PublicKey != s.Attempt.PublicKey {
				h.Fatalf("the log-in is gone: %s %+v, before %s %+v", again.Phase, again.Attempt, s.Phase, s.Attempt)
			}
			h.goes(m, again)
		})
	}
	h.step(m, "offline half-way", func() {
		var s State
		if m.one {
			h.cut(true)
			h.w.file = h.wallet
			if _, err := h.a.LogInByWalletFile(""); fault.KindOf(err) != fault.Unavailable {
				h.Errorf("without a network: %v", err)
			}
			h.cut(false)
			m.begin(h)
			h.phase(PhaseIn)
			return
		}
		s = m.begin(h)
		h.offline(m, s)
	})
}

// step is one row of the matrix: from the ways in, and back.
func (h *house) step(m method, name string, f func()) {
	h.Helper()
	defer func() {
		if h.Failed() {
			h.Logf("in %q", name)
		}
	}()
	defer h.cut(false)
	h.out()
	if name != "log-in again" { // which is the same person
		h.person++
		if m.needs != nil {
			m.needs(h)
		}
	}
	f()
	if h.Failed() {
		h.FailNow()
	}
	h.cut(false)
	h.out()
	h.later(31 * time.Second) // so that the next message may be asked for
}

func (h *house) resent(m method) {
	h.Helper()
	s := m.begin(h)
	if m.pause {
		if _, err := h.a.ResendLogin(s.Attempt.ID); fault.CodeOf(err) != fault.OTPLimited {
			h.Errorf("asked again at once: %v", err)
		}
		h.later(31 * time.Second)
	}
	if s.Phase == PhaseLink {
		h.bundle(s.Attempt.Contact) // it opens nothing any more
	}
	again := must(h.a.ResendLogin(s.Attempt.ID))(h.T)
	if again.Attempt == nil || again.Attempt.ID != s.Attempt.ID || again.Attempt.ExpiresAt < s.Attempt.ExpiresAt {
		h.Fatalf("%+v after %+v", again.Attempt, s.Attempt)
	}
	h.goes(m, again)
}

// again closes the window and opens it; the browser keeps its page.
func (h *house) again(s State) State {
	h.Helper()
	if s.Phase == PhaseBrowser {
		h.link()
	}
	return h.closedAndOpened()
}

// offline has the network go away after the log-in was begun, and come back: what the person did is not asked for twice
// where it was heard.
func (h *house) offline(m method, s State) {
	h.Helper()
	if s.Phase != PhaseBrowser {
		typed := func() string {
			if s.Phase == PhaseLink {
				return h.bundle(s.Attempt.Contact)
			}
			return h.code(s.Attempt.Contact)
		}()
		h.cut(true)
		if err := h.goOn(s.Attempt.ID, typed); fault.KindOf(err) != fault.Unavailable {
			h.Errorf("without a network: %v", err)
		}
		h.cut(false)
		if err := h.goOn(s.Attempt.ID, typed); err != nil {
			h.Error(err)
		}
		h.phase(PhaseIn)
		return
	}
	h.cut(true)
	if err := m.act(h, s); err != nil { // the page itself asks Turnkey, and tells the person
		h.cut(false)
		h.goes(m, must(h.a.ResendLogin(s.Attempt.ID))(h.T))
		return
	}
	if code := h.fails(); code.Kind() != fault.Unavailable {
		h.Errorf("without a network: %s", code)
	}
	if at := must(h.a.State())(h.T); !at.Attempt.Verified {
		h.Errorf("what the browser brought is lost: %+v", at.Attempt)
	}
	h.cut(false)
	if err := h.goOn(s.Attempt.ID, ""); err != nil {
		h.Error(err)
	}
	h.phase(PhaseIn)
}

// built is a house with a keystore that outlives it.
func built(t *testing.T) *house {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("LATCHKEY_HOME", filepath.Join(dir, "home"))
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(dir, "no-bus"))
	passphrase := filepath.Join(dir, "passphrase")
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		t.Fatal(err)
	}
	key[0] = 0 // below the order of the curve
	wallet := filepath.Join(dir, "wallet")
	for path, text := range map[string]string{passphrase: "correct horse battery staple", wallet: "0x" + hex.EncodeToString(new(big.Int).SetBytes(key[:]).FillBytes(make([]byte, 32)))} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("LATCHKEY_KEYSTORE", "passphrase")
	t.Setenv("LATCHKEY_PASSPHRASE_FILE", passphrase)
	h := &house{T: t, ahead: &atomic.Int64{}, wallet: wallet}
	t.Cleanup(func() { Close(h.a) })
	h.open()
	h.phase(PhaseWays)
	return h
}

func inSandbox(t *testing.T) *house {
	h := built(t)
	h.control = strings.TrimSuffix(h.a.client.InboxURL(), "/inbox")
	h.cut = func(yes bool) {
		faults := []map[string]any{}
		if yes {
			faults = append(faults, map[string]any{"path": "/public/v1/*", "status": http.StatusServiceUnavailable})
		}
		h.post(http.MethodPut, "/faults", faults)
	}
	return h
}

func inDevelopment(t *testing.T) *house {
	h := built(t)
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
	behind, near := box.Ready, box.Ready
	near.APIBaseURL, h.cut = wire(t, behind.APIBaseURL)
	h.control = strings.TrimSuffix(behind.InboxURL, "/inbox")
	c, err := local.BackendFor(near, log)
	if err != nil {
		t.Fatal(err)
	}
	b, err := local.StartBackend("127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	h.pins = pinLines(near)
	out := must(h.a.SetUpProfile("development", "acme", b.Ready.URL, near.APIBaseURL, near.OrganizationID, "", h.pins, ""))(t)
	if !out.Saved {
		t.Fatalf("%+v", out)
	}
	t.Setenv("LATCHKEY_PROVIDERS_URL", behind.APIBaseURL)
	t.Setenv("LATCHKEY_GOOGLE_CLIENT_ID", local.AppOfSandbox)
	t.Setenv("LATCHKEY_GOOGLE_CLIENT_SECRET", local.AppOfSandbox)
	must(h.a.UseProfile("acme"))(t)
	s := h.phase(PhaseWays)
	if s.Profile.Name != "acme" || len(s.Ways.Providers) != 1 || s.Ways.Providers[0] != (ProviderView{"google", "Google"}) {
		t.Fatalf("%+v offers %+v", s.Profile, s.Ways)
	}
	return h
}

// wire is a network to an address, which can be cut: a request then ends without an answer.
func wire(t *testing.T, to string) (near string, cut func(yes bool)) {
	t.Helper()
	at, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	var gone atomic.Bool
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if gone.Load() {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, gone.Store
}

// What the backend does not offer is not shown, and is refused if it is asked for all the same.
func TestTheWindowOffersWhatTheBackendAllows(t *testing.T) {
	h := inDevelopment(t)
	rows := must(h.a.Profiles())(t)
	narrow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/config" {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"methods":["email","google"]}`)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(narrow.Close)
	for _, row := range rows {
		if row.Name == "acme" {
			out := must(h.a.SetUpProfile("development", "narrow", narrow.URL, row.APIURL, row.OrganizationID, "", h.pins, "anyway"))(t)
			if !out.Saved {
				t.Fatalf("%+v", out)
			}
		}
	}
	must(h.a.UseProfile("narrow"))(t)
	s := h.until("answer of the backend", func(s State) bool { return s.Phase == PhaseWays && s.Profile.Name == "narrow" && !s.Ways.Phone })
	if w := s.Ways; !w.Email || !w.EmailLink || w.Passkey || w.Wallet || w.WalletFile || len(w.Providers) != 1 {
		t.Errorf("offers %+v", w)
	}
	if _, err := h.a.BeginLogin("phone", "+41 79 123 45 67"); fault.CodeOf(err) != fault.WayClosed {
		t.Errorf("what is not offered: %v", err)
	}
}
