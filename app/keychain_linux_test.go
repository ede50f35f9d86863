package app

import (
	"encoding/json"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"latchkey/internal/fault"
	"latchkey/internal/keystore/keystoretest/secretservice"
	"latchkey/internal/need"
)

// E3: the ten states that a keychain can be in when a person starts the window and logs in. Each reaches the page with
// its own words and one next step, in the state or as the failure of a bound method, and no other key store stands in.
//
// R5: while a keychain is silent, the page's picture of now does not wait for it.
func TestE3_TheTenKeychainStatesInTheWindow(t *testing.T) {
	need.Command(t, "dbus-run-session", "dbus-daemon")
	if !secretservice.InSession(t) {
		return
	}
	fails := func(method, name string) func(l *secretservice.Liar) {
		return func(l *secretservice.Liar) {
			l.Before[method] = func() *dbus.Error { return dbus.NewError(name, nil) }
		}
	}
	locked := func(l *secretservice.Liar) { l.Locked, l.Asks["Unlock"], l.Answer = true, true, "no" }
	said := map[string]fault.Code{}
	for _, state := range []struct {
		name  string
		lie   func(l *secretservice.Liar) // nil: nobody keeps secrets on the bus
		env   string
		shows func(t *testing.T, l *secretservice.Liar) *Failure
		code  fault.Code
	}{
		{"no session bus", nil, "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere", atStart, fault.KeychainNoBus},
		{"nobody keeps secrets", nil, "", atStart, fault.KeychainAbsent},
		{"never set up", func(l *secretservice.Liar) { l.Empty = true }, "", atStart, fault.KeychainEmpty},
		{"locked, and nobody to ask", locked, "", atLogIn, fault.KeychainLocked},
		{"its question was closed", locked, "DISPLAY=nowhere", atLogIn, fault.KeychainDismissed},
		{"no answer", func(*secretservice.Liar) {}, "", whileSilent, fault.KeychainTimeout},
		{"said saved, and kept nothing", func(l *secretservice.Liar) { l.Keep = func([]byte) []byte { return nil } }, "", atLogIn, fault.KeychainMismatch},
		{"refuses", fails("CreateItem", "org.freedesktop.DBus.Error.AccessDenied"), "", atLogIn, fault.KeychainDenied},
		{"fails", fails("CreateItem", "org.example.Odd"), "", atLogIn, fault.KeychainFailed},
		{"too large", nil, "", asTold, fault.KeychainTooLarge}, // what we store is a thirtieth of the limit, so no log-in comes to it
	} {
		t.Run(state.name, func(t *testing.T) {
			var l *secretservice.Liar
			if state.lie != nil {
				l = secretservice.Lie(t)
				l.Set(func() { state.lie(l) })
			}
			if name, value, ok := strings.Cut(state.env, "="); ok {
				t.Setenv(name, value)
			}
			t.Setenv("LATCHKEY_HOME", filepath.Join(t.TempDir(), "home"))
			f, words := state.shows(t, l), fault.Tell(fault.New(state.code, nil))
			if f == nil {
				t.Fatal("the page was told nothing")
			}
			if f.Code != string(state.code) || f.Title != words.Title || f.Happened != words.Happened || f.Means != words.Means || f.Next != words.Next {
				t.Errorf("the page was told %+v, want the words of %s", f, state.code)
			}
			if other, twice := said[f.Happened]; twice {
				t.Errorf("says the same as %s", other)
			}
			said[f.Happened] = state.code
			if l != nil && len(l.Kept()) != 0 {
				t.Errorf("the keychain keeps %d values of a log-in that failed", len(l.Kept()))
			}
		})
	}
	if len(said) != 10 {
		t.Errorf("%d states with words of their own", len(said))
	}
}

// onThisBus opens an App as window does, on the session bus of the test.
func onThisBus(t *testing.T) (*App, *listener) {
	t.Helper()
	a := New(Options{Version: "test", Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	w := &listener{changes: make(chan struct{}, 64)}
	Attach(t.Context(), a, w)
	t.Cleanup(func() { Close(a) })
	if err := a.Ready(); err != nil {
		t.Fatal(err)
	}
	return a, w
}

// told reads a failure as the page does.
func told(t *testing.T, err error) *Failure {
	t.Helper()
	text, ok := FormatError(err).(string)
	var f Failure
	if !ok || json.Unmarshal([]byte(text), &f) != nil {
		t.Fatalf("the page cannot read %v", text)
	}
	return &f
}

// atStart chooses a keychain that is not there: the first run says so, and so does the state when it is chosen anyway.
func atStart(t *testing.T, _ *secretservice.Liar) *Failure {
	a, w := onThisBus(t)
	s := waitFor(t, a, w, PhaseFirstRun)
	if s.Stores[0].Backend != "keychain" || s.Stores[0].Available || s.Stores[0].Failure == nil {
		t.Errorf("the choice shows %+v", s.Stores[0])
	}
	s = must(a.Start("keychain"))(t)
	if s.Phase != PhaseFailed || s.Store.Backend != "keychain" {
		t.Errorf("phase %s, with %+v", s.Phase, s.Store)
	}
	return s.Failure
}

// atLogIn chooses a keychain that fails when a key is made.
func atLogIn(t *testing.T, _ *secretservice.Liar) *Failure {
	a, w := onThisBus(t)
	waitFor(t, a, w, PhaseFirstRun)
	must(a.Start("keychain"))(t)
	waitFor(t, a, w, PhaseWays)
	_, err := a.BeginLogin("email", "robin@example.org")
	if err == nil {
		t.Fatal("a code was sent")
	}
	if s := must(a.State())(t); s.Phase != PhaseWays || s.Store.Backend != "keychain" {
		t.Errorf("phase %s, with %+v", s.Phase, s.Store)
	}
	return told(t, err)
}

// whileSilent asks a keychain that hangs how it is. That the state comes at all, again and again, before the keychain is
// let go shows that it does not wait for it.
func whileSilent(t *testing.T, l *secretservice.Liar) *Failure {
	release := l.Hang("Collections")
	a, w := onThisBus(t)
	for l.Count("Collections") == 0 && t.Context().Err() == nil {
	}
	for range 100 {
		must(a.State())(t)
	}
	s := waitFor(t, a, w, PhaseFirstRun)
	if s.Stores[0].Backend != "keychain" {
		t.Errorf("the choice shows %+v", s.Stores)
	}
	release()
	return s.Stores[0].Failure
}

func asTold(t *testing.T, _ *secretservice.Liar) *Failure {
	return told(t, fault.New(fault.KeychainTooLarge, nil))
}
