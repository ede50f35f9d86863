package session

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/session/sessiontest"
)

func TestALostStateKeyEndsNothing(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	key, err := m.NewPendingKey(t.Context(), "login")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.PutAttempt(t.Context(), Attempt{ID: "one", Method: "test", PublicKey: key.PublicKey(), Data: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if err := d.keys.DeleteSecret(t.Context(), stateKeyName); err != nil {
		t.Fatal(err)
	}
	again := d.open()
	if err := d.stamp(again); err != nil {
		t.Errorf("stamp: %v", err)
	}
	if _, err := again.Token(t.Context(), s.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("token: %v", err)
	}
	if _, err := again.GetAttempt(t.Context(), "one"); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("attempt: %v", err)
	}
	if list, err := again.Attempts(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("attempts: %v, %v", list, err)
	}
	d.clock.advance(13 * time.Minute)
	d.step(again)
	if jwt, err := again.Token(t.Context(), s.ID); err != nil || jwt == "" {
		t.Errorf("the next refresh brought no token: %v", err)
	}
	if err := again.DropAttempt(t.Context(), "one"); err != nil {
		t.Errorf("an attempt that cannot be read cannot be dropped: %v", err)
	}
}

func TestAShutKeychainLosesNothing(t *testing.T) {
	for name, shut := range map[string]func(*sessiontest.Keys){"locked": (*sessiontest.Keys).Lock, "absent": (*sessiontest.Keys).Vanish} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			s := d.logIn(d.open(), 15*time.Minute)
			d.clock.advance(13 * time.Minute)
			shut(d.keys)
			m := d.open()
			if m.State() != Authenticated {
				t.Errorf("%s", m.State())
			}
			d.step(m)
			if n := d.keys.Asked(); n != 0 {
				t.Errorf("asked %d times for what would raise a prompt nobody wants", n)
			}
			if got, _ := m.Active(); got.RetryAt.IsZero() || got.Ended != nil {
				t.Errorf("%+v", got)
			}
			if err := d.stamp(m); fault.KindOf(err) != fault.Locked && fault.KindOf(err) != fault.Unavailable {
				t.Errorf("stamp: %v", err)
			}
			result, err := d.openOther().LogOut(t.Context(), "")
			if err != nil || result.Deleted || result.Revoked {
				t.Errorf("log-out with the keychain %s: %+v, %v", name, result, err)
			}
			d.keys.Unlock()
			m.Wake()
			d.step(m)
			if n := d.keys.List(); len(n) != 0 {
				t.Errorf("keys of the session %s left: %v", s.ID, n)
			}
			if n := d.vendor.Live(); len(n) != 0 {
				t.Errorf("live: %v", n)
			}
		})
	}
}

// openOther is another process on the same desk.
func (d *desk) openOther() *Manager { return d.open() }

func TestAShutKeychainIsTriedAgainOnWake(t *testing.T) {
	d := newDesk(t)
	s := d.logIn(d.open(), 15*time.Minute)
	d.clock.advance(13 * time.Minute)
	d.keys.Lock()
	m := d.open()
	d.step(m)
	d.keys.Unlock()
	m.Wake()
	d.step(m)
	if got, ok := m.Active(); !ok || !got.Expires.After(s.Expires) || !got.RetryAt.IsZero() {
		t.Errorf("%+v", got)
	}
}

func TestADamagedStateIsReportedAndKept(t *testing.T) {
	d := newDesk(t)
	d.logIn(d.open(), 15*time.Minute)
	dir := filepath.Join(d.dir, "state")
	for _, name := range []string{stateFile, stateFile + ".1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("latchkey 1 7 nonsense\n{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := d.manager(d.keys)
	if err := m.Open(t.Context()); fault.CodeOf(err) != fault.StateCorrupt {
		t.Fatalf("opened a damaged state: %v", err)
	}
	if m.State() != Loading {
		t.Errorf("%s", m.State())
	}
	if err := m.Open(t.Context()); err != nil || m.State() != Unauthenticated {
		t.Errorf("the second time: %v, %s", err, m.State())
	}
	if aside, err := os.ReadFile(filepath.Join(dir, stateFile+".damaged")); err != nil || !bytes.Contains(aside, []byte("nonsense")) {
		t.Errorf("the damaged file is gone: %v", err)
	}
}

func TestAStateThatIsWholeButNotOursIsSetAside(t *testing.T) {
	d := newDesk(t)
	m := d.manager(d.keys)
	for _, c := range []struct {
		text string
		want fault.Code
	}{
		{`{"version":1,"sessions":[{"id":""}]}`, fault.StateCorrupt},
		{`[]`, fault.StateCorrupt},
		{`{"version":2,"anything":true}`, fault.StateTooNew},
	} {
		text, want := c.text, c.want
		if err := m.Dir.Write(stateFile, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := m.Open(t.Context()); fault.CodeOf(err) != want {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := m.NewPendingKey(t.Context(), "login"); want == fault.StateTooNew && fault.CodeOf(err) != want {
			t.Errorf("wrote over a newer file: %v", err)
		}
	}
	if kept, err := m.Dir.Read("unreadable-" + stateFile); err != nil || len(kept) == 0 {
		t.Errorf("what could not be read is gone: %v", err)
	}
	if text, err := m.Dir.Read(stateFile); err == nil && !bytes.Contains(text, []byte(`"version":2`)) {
		t.Errorf("the newer file became %s", text)
	}
}

func TestAnOlderGenerationIsRepaired(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	d.clock.advance(13 * time.Minute)
	var before []byte
	m.step = func(step string) {
		if step == "wrote next key" {
			before, _ = m.Dir.Read(stateFile)
		}
	}
	d.step(m)
	if before == nil {
		t.Fatal("no refresh")
	}
	// The disk forgot the swap: the next key is only named.
	if err := m.Dir.Write(stateFile, before); err != nil {
		t.Fatal(err)
	}
	again := d.open()
	d.step(again)
	if got, ok := again.Active(); !ok || got.ID != s.ID || got.Refreshing {
		t.Errorf("%+v", got)
	}
	if err := d.stamp(again); err != nil {
		t.Error(err)
	}
	d.clock.advance(retireGrace)
	d.step(again)
	d.accounted(again)
}

func TestMemoryKeysEndWithTheirProcess(t *testing.T) {
	d := newDesk(t)
	m := d.manager(keystore.NewMemory())
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := d.logIn(m, 15*time.Minute)
	withKeychain := d.open()
	if got, err := withKeychain.Get(s.ID); err != nil || got.Ended != nil {
		t.Errorf("another store's session was touched: %+v, %v", got, err)
	}
	if withKeychain.State() != Unauthenticated {
		t.Errorf("%s with a key that is out of reach", withKeychain.State())
	}
	if _, err := withKeychain.Signer(t.Context(), s.ID); fault.CodeOf(err) != fault.KeyMissing {
		t.Errorf("signer: %v", err)
	}
	m.Close() // as the end of the process does
	again := d.manager(keystore.NewMemory())
	if err := again.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := again.Get(s.ID); err != nil || got.Ended == nil || got.Ended.Reason != Startup {
		t.Errorf("%+v, %v", got, err)
	}
	d.step(again)
	d.accounted(again) // on the list for later
}
