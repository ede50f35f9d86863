package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"latchkey/internal/fault"
	"latchkey/internal/keystore/keystoretest/secretservice"
	"latchkey/internal/need"
)

// E3: the ten states that a keychain can be in when a person logs in from a terminal. Each has its own words and one
// next step, the exit status is 1, nothing is kept elsewhere instead, and no session bus is started.
func TestE3_TheTenKeychainStatesInTheTerminal(t *testing.T) {
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
	titles := map[string]fault.Code{}
	for _, state := range []struct {
		name string
		lie  func(l *secretservice.Liar) // nil: nobody keeps secrets on the bus
		env  string
		run  func(t *testing.T, l *secretservice.Liar, home string) (said string)
		code fault.Code
	}{
		{"no session bus", nil, "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere", logsIn, fault.KeychainNoBus},
		{"nobody keeps secrets", nil, "", logsIn, fault.KeychainAbsent},
		{"never set up", func(l *secretservice.Liar) { l.Empty = true }, "", logsIn, fault.KeychainEmpty},
		{"locked, and nobody to ask", locked, "", logsIn, fault.KeychainLocked},
		{"its question was closed", locked, "DISPLAY=nowhere", logsIn, fault.KeychainDismissed},
		{"no answer", func(*secretservice.Liar) {}, "", runsOutOfTime, fault.KeychainTimeout},
		{"said saved, and kept nothing", func(l *secretservice.Liar) { l.Keep = func([]byte) []byte { return nil } }, "", logsIn, fault.KeychainMismatch},
		{"refuses", fails("CreateItem", "org.freedesktop.DBus.Error.AccessDenied"), "", logsIn, fault.KeychainDenied},
		{"fails", fails("CreateItem", "org.example.Odd"), "", logsIn, fault.KeychainFailed},
		{"too large", nil, "", isTold, fault.KeychainTooLarge}, // what we store is a thirtieth of the limit, so no log-in comes to it
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
			home := filepath.Join(t.TempDir(), "home")
			said := state.run(t, l, home)
			words := fault.Tell(fault.New(state.code, nil))
			for _, want := range []string{words.Title + " (" + string(state.code) + ")", words.Happened, words.Means, words.Next} {
				if !strings.Contains(said, want) {
					t.Errorf("said %q, without %q", said, want)
				}
			}
			if other, twice := titles[words.Happened]; twice {
				t.Errorf("says the same as %s", other)
			}
			titles[words.Happened] = state.code
			if l != nil && len(l.Kept()) != 0 {
				t.Errorf("the keychain keeps %d values of a log-in that failed", len(l.Kept()))
			}
			_ = filepath.WalkDir(home, func(path string, d os.DirEntry, err error) error {
				if err == nil && (d.Name() == "keys.sealed" || strings.HasPrefix(d.Name(), "tpm-")) {
					t.Errorf("a key was kept elsewhere instead: %s", path)
				}
				return nil
			})
		})
	}
	if len(titles) != 10 {
		t.Errorf("%d states with words of their own", len(titles))
	}
}

var logInArguments = []string{"login", "--email", "robin@example.org"}

// logsIn runs the program itself.
func logsIn(t *testing.T, _ *secretservice.Liar, home string) string {
	t.Helper()
	var out, said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "latchkey", logInArguments...)
	cmd.Env = append(os.Environ(), "LATCHKEY_HOME="+home)
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || out.Len() > 0 {
		t.Errorf("ended with %v, answered %q", err, out.String())
	}
	return said.String()
}

// alarm is a deadline that comes when it is rung, not by the clock.
type alarm struct {
	context.Context
	rung chan struct{}
}

func (a alarm) Done() <-chan struct{} { return a.rung }

func (a alarm) Err() error {
	select {
	case <-a.rung:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// runsOutOfTime runs the command in this process, since a person has two minutes to answer a keychain. The time is over
// once the keychain was asked to store, and is silent.
func runsOutOfTime(t *testing.T, l *secretservice.Liar, home string) string {
	t.Helper()
	release := l.Hang("CreateItem")
	ctx := alarm{t.Context(), make(chan struct{})}
	go func() {
		for l.Count("CreateItem") == 0 && t.Context().Err() == nil {
		}
		close(ctx.rung)
	}()
	var out, said bytes.Buffer
	term := &terminal{in: strings.NewReader(""), out: &out, err: &said, version: "test", getenv: func(name string) string {
		if name == "LATCHKEY_HOME" {
			return home
		}
		return os.Getenv(name)
	}}
	if status := term.run(ctx, logInArguments); status != 1 || out.Len() > 0 {
		t.Errorf("ended with %d, answered %q", status, out.String())
	}
	release()
	for len(l.Kept()) > 0 || l.Count("Delete") == 0 { // it is stored too late, and deleted again
		if t.Context().Err() != nil {
			break
		}
	}
	return said.String()
}

func isTold(*testing.T, *secretservice.Liar, string) string {
	var said bytes.Buffer
	(&terminal{err: &said}).tell(fault.New(fault.KeychainTooLarge, nil))
	return said.String()
}
