package client

import (
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/profile"
	"latchkey/internal/session"
)

func roles(t *testing.T, c *Client) map[session.Role]KeyLine {
	t.Helper()
	lines, _, err := c.KeyLines(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	by := map[session.Role]KeyLine{}
	for _, l := range lines {
		by[l.Role] = l
	}
	return by
}

// A session moves into a store that outlives the process, which is the one in use from the next start on.
func TestASessionMovesAndTheChoiceIsRemembered(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir()) // no bus, whatever the machine has
	home := profile.At(t.TempDir())
	first := at(t, home, "correct horse")
	if err := first.Open(t.Context(), Memory); err != nil {
		t.Fatal(err)
	}
	s := logIn(t, first, "robin@example.org")
	for _, bad := range []string{Memory, "floppy"} {
		if _, err := first.MoveKey(t.Context(), s.ID, bad); fault.CodeOf(err) != fault.ProfileBad {
			t.Errorf("to %s: %v", bad, err)
		}
	}
	moved, err := first.MoveKey(t.Context(), s.ID, Passphrase)
	if err != nil {
		t.Fatal(err)
	}
	if moved.ID != s.ID || moved.Key.Backend != Passphrase || moved.Key.PublicKey == s.Key.PublicKey {
		t.Errorf("%+v", moved)
	}
	if _, err := first.Whoami(t.Context()); err != nil {
		t.Errorf("from where it is now: %v", err)
	}
	by := roles(t, first)
	if l := by[session.RoleSession]; l.Backend != Passphrase || l.Presence != Here || !l.Active || l.Label != "robin@example.org" {
		t.Errorf("the session's key: %+v", l)
	}
	if l := by[session.RoleRetiring]; l.Backend != Memory || l.Presence != Here {
		t.Errorf("the key of before: %+v", l)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second := at(t, home, "correct horse")
	if got, err := second.Choose(); err != nil || got != Passphrase {
		t.Fatalf("remembered %q, %v", got, err)
	}
	if err := second.Open(t.Context(), Passphrase); err != nil {
		t.Fatal(err)
	}
	if who, err := second.Whoami(t.Context()); err != nil || who.OrganizationID != s.OrganizationID {
		t.Errorf("at the next start: %+v, %v", who, err)
	}
	if l := roles(t, second)[session.RoleRetiring]; l.Presence != Unasked {
		t.Errorf("what was in the memory of another process: %+v", l)
	}
	if _, err := second.LogOut(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOnlyOrphansAreDeletedByName(t *testing.T) {
	c := open(t, profile.At(t.TempDir()))
	s := logIn(t, c, "robin@example.org")
	if _, err := c.DeleteOrphan(t.Context(), s.Key.PublicKey); fault.CodeOf(err) != fault.KeyInUse {
		t.Errorf("the key of a session: %v", err)
	}
	orphan, err := c.stores[Memory].Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if l := roles(t, c)[RoleOrphan]; l.PublicKey != orphan.PublicKey() || l.Backend != Memory || l.Presence != Here {
		t.Errorf("%+v", l)
	}
	if backend, err := c.DeleteOrphan(t.Context(), orphan.PublicKey()); err != nil || backend != Memory {
		t.Errorf("%q, %v", backend, err)
	}
	if _, err := c.DeleteOrphan(t.Context(), orphan.PublicKey()); fault.CodeOf(err) != fault.KeyUnknown {
		t.Errorf("twice: %v", err)
	}
	if _, err := c.Whoami(t.Context()); err != nil {
		t.Error(err)
	}
}
