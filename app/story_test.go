package app

import (
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/fault"
)

// listener is a window that counts, and takes what is copied.
type listener struct {
	changes chan struct{}
	copied  string
	title   atomic.Value
	opened  chan string // addresses that a browser was to open
	shut    atomic.Bool // no browser opens
	file    string      // that the person chooses; "" turns away
	raised  atomic.Int32
}

func (l *listener) Changed() {
	select {
	case l.changes <- struct{}{}:
	default:
	}
}

func (l *listener) Title(text string) { l.title.Store(text) }

func (l *listener) Ask(string) (bool, error) { return false, nil }

func (l *listener) ChooseFile(string) (string, error) { return l.file, nil }

func (l *listener) Open(url string) error {
	if l.shut.Load() {
		return fault.New(fault.BrowserUnopened, nil)
	}
	l.opened <- url
	return nil
}

func (l *listener) Raise() { l.raised.Add(1) }

func (l *listener) Copy(text string) error {
	l.copied = text
	return nil
}

// window opens an App on an empty home without a keychain, as the page does, up to the first run.
func window(t *testing.T) (*App, *listener, *strings.Builder) {
	t.Helper()
	t.Setenv("LATCHKEY_HOME", filepath.Join(t.TempDir(), "home"))
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(t.TempDir(), "no-bus"))
	var log strings.Builder
	a := New(Options{Version: "test", Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	w := &listener{changes: make(chan struct{}, 64), opened: make(chan string, 16)}
	Attach(t.Context(), a, w)
	t.Cleanup(func() { Close(a) })
	if s := must(a.State())(t); s.Phase != PhaseLoading {
		t.Fatalf("before the page is ready: %s", s.Phase)
	}
	if err := a.Ready(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, a, w, PhaseFirstRun)
	return a, w, &log
}

// waitFor waits, from one change to the next, for a phase.
func waitFor(t *testing.T, a *App, w *listener, want Phase) State {
	t.Helper()
	limit := time.After(2 * time.Minute)
	for {
		s := must(a.State())(t)
		if s.Phase == want {
			return s
		}
		select {
		case <-w.changes:
		case <-limit:
			t.Fatalf("phase %s, want %s: %+v", s.Phase, want, s.Failure)
		}
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestTheWholeWayThroughTheBoundMethods(t *testing.T) {
	a, w, _ := window(t)
	first := must(a.State())(t)
	if len(first.Stores) != 2 || !first.Stores[1].Available {
		t.Fatalf("stores: %+v", first.Stores)
	}
	must(a.Start("memory"))(t)
	waitFor(t, a, w, PhaseWays)

	if _, err := a.BeginLogin("email", "nobody"); fault.CodeOf(err) != fault.ContactInvalid {
		t.Errorf("an address without @: %v", err)
	}
	s := must(a.BeginLogin("email", "robin@example.org"))(t)
	if s.Phase != PhaseCode || s.Attempt == nil || s.Attempt.TriesLeft != 3 || s.PendingPublicKey != s.Attempt.PublicKey {
		t.Fatalf("after the code was sent: %+v", s)
	}
	code := must(a.SandboxCode(s.Attempt.ID))(t)
	if _, err := a.ContinueLogin(s.Attempt.ID, mirrored(code)); fault.CodeOf(err) != fault.OTPWrong {
		t.Errorf("a wrong code: %v", err)
	}
	if left := must(a.State())(t).Attempt.TriesLeft; left != 2 {
		t.Errorf("tries left: %d", left)
	}
	s = must(a.ContinueLogin(s.Attempt.ID, " "+code[:3]+"-"+code[3:]))(t)
	if s.Phase != PhaseIn || s.Session == nil || s.Session.Contact != "robin@example.org" || s.Session.LengthSeconds != 900 {
		t.Fatalf("after the code: %+v", s)
	}

	if list := must(a.Wallets())(t); len(list) != 0 {
		t.Errorf("a new account has %v", list)
	}
	made := must(a.CreateWallet("  Everyday ", []string{"ethereum", "solana"}))(t)
	if made.Name != "Everyday" || len(made.Accounts) != 2 || made.Accounts[0].Chain != "ETH" {
		t.Errorf("made %+v", made)
	}
	if err := a.Copy(made.Accounts[0].Address); err != nil || w.copied != made.Accounts[0].Address {
		t.Errorf("copied %q, %v", w.copied, err)
	}
	before := s.Session.PublicKey
	s = must(a.RefreshSession())(t)
	if s.Session.PublicKey == before {
		t.Error("the refresh kept the key")
	}

	s = must(a.LogOut())(t)
	if s.Phase != PhaseEnded || s.Ended == nil || s.Ended.Reason != "loggedOut" || !s.Ended.Revoked || s.Ended.Kept {
		t.Fatalf("after log-out: %+v", s)
	}
	if _, err := a.Wallets(); !errors.Is(err, fault.NotFound) {
		t.Errorf("wallets after log-out: %v", err)
	}
	if s = must(a.Acknowledge())(t); s.Phase != PhaseWays {
		t.Errorf("after the notice was read: %s", s.Phase)
	}
}

func TestCancelAndResend(t *testing.T) {
	a, w, _ := window(t)
	must(a.Start("memory"))(t)
	waitFor(t, a, w, PhaseWays)
	s := must(a.BeginLogin("email", "robin@example.org"))(t)
	if _, err := a.ResendLogin(s.Attempt.ID); fault.CodeOf(err) != fault.OTPLimited {
		t.Errorf("asked again at once: %v", err)
	}
	if _, err := a.SandboxCode("another"); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("the code of a strange attempt: %v", err)
	}
	if s = must(a.CancelLogin(s.Attempt.ID))(t); s.Phase != PhaseWays || s.Attempt != nil {
		t.Errorf("after turning away: %+v", s)
	}
	if _, err := a.ContinueLogin("gone", "123456"); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("a code for an attempt that is over: %v", err)
	}
}

func TestWithoutAKeychainTheWordsSayWhatToDo(t *testing.T) {
	a, w, _ := window(t)
	s := must(a.Start("keychain"))(t)
	if s.Phase != PhaseFailed || s.Failure.Code != "keychain.no_bus" || s.Failure.Next == "" {
		t.Fatalf("%+v", s)
	}
	if s = must(a.CheckStores())(t); s.Phase != PhaseFailed {
		t.Errorf("asked again: %s", s.Phase)
	}
	if s = must(a.ChooseStores())(t); s.Phase != PhaseFirstRun {
		t.Errorf("another choice: %s", s.Phase)
	}
	must(a.Start("memory"))(t)
	waitFor(t, a, w, PhaseWays)
	if _, err := a.Start("floppy"); !errors.Is(err, fault.Invalid) {
		t.Errorf("an unknown store: %v", err)
	}
}

// R9: what the page learns and what is logged holds no token, no code and no key beyond the public ones.
func TestR9_NoSecretReachesThePageOrTheLog(t *testing.T) {
	a, w, log := window(t)
	must(a.Start("memory"))(t)
	waitFor(t, a, w, PhaseWays)
	s := must(a.BeginLogin("email", "robin@example.org"))(t)
	code := must(a.SandboxCode(s.Attempt.ID))(t)
	var page []any
	page = append(page, s, must(a.ContinueLogin(s.Attempt.ID, code))(t), must(a.CreateWallet("A", []string{"ethereum"}))(t), must(a.RefreshSession())(t))
	active, _ := a.client.Sessions().Active()
	jwt, err := a.client.Sessions().Token(t.Context(), active.ID)
	if err != nil {
		t.Fatal(err)
	}
	page = append(page, must(a.LogOut())(t))
	Close(a)
	told, err := json.Marshal(page)
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"page": string(told), "log": log.String()} {
		for what, secret := range map[string]string{"a token": "eyJ", "the session token": jwt, "the backend's token": a.client.Profile().BackendToken} {
			if secret != "" && strings.Contains(text, secret) {
				t.Errorf("%s is in the %s", what, where)
			}
		}
		// As a word of its own: six digits turn up inside ids and durations too.
		if where == "log" && regexp.MustCompile(`(^|[^0-9A-Za-z.])`+code+`($|[^0-9A-Za-z])`).MatchString(text) {
			t.Errorf("the code is in the log")
		}
	}
}

// mirrored is a code with every digit changed.
func mirrored(code string) string {
	return strings.Map(func(r rune) rune { return '0' + ('9' - r) }, code)
}
