package session

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/session/sessiontest"
)

// A disk that takes no write keeps nobody logged in: the key is revoked and gone, the file says so once it can, and what
// is asked of the session until then finds no key.
func TestR20_ALogOutThatTheDiskRefusesStillEndsTheKey(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s, other := d.logIn(m, 15*time.Minute), d.logIn(m, 15*time.Minute)
	// A folder that is not empty, where a write makes the link to the older generation.
	inTheWay := filepath.Join(m.Dir.Path, "."+stateFile+".1.link")
	if err := os.MkdirAll(filepath.Join(inTheWay, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := m.LogOut(t.Context(), s.ID); fault.CodeOf(err) != fault.LogOutUnwritten {
		t.Fatalf("log-out on a disk that takes no write: %v", err)
	}
	if _, known := d.vendor.Knows(s.Key.PublicKey); known {
		t.Error("the service still knows the key")
	}
	if _, err := d.keys.Open(t.Context(), s.Key.PublicKey); fault.CodeOf(err) != fault.KeyMissing {
		t.Errorf("the key is still here: %v", err)
	}
	for name, m := range map[string]*Manager{"this process": m, "the next one": d.manager(d.keys)} {
		if signer, err := m.Signer(t.Context(), s.ID); err == nil {
			if _, err = signer.Sign(t.Context(), make([]byte, 32)); err == nil {
				t.Errorf("%s stamps with it", name)
			}
		}
	}
	if _, err := m.Signer(t.Context(), other.ID); err != nil {
		t.Errorf("the other session: %v", err)
	}
	if _, err := m.LogOutAll(t.Context()); fault.CodeOf(err) != fault.LogOutUnwritten {
		t.Errorf("all of them: %v", err)
	}
	if left := d.vendor.Live(); len(left) != 0 {
		t.Errorf("after all logged out the service knows %v", left)
	}
	if err := os.RemoveAll(inTheWay); err != nil {
		t.Fatal(err)
	}
	if _, err := m.LogOut(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Get(s.ID); err != nil || got.Ended == nil || got.Ended.Reason != LoggedOut {
		t.Errorf("once more, with a disk: %+v, %v", got, err)
	}
	d.accounted(m)
}

// A session half-way into a store that has since been locked: its own key decides, and what lies in the other store does
// not bring it back.
func TestR20_ALogOutThatTheDiskRefusesAmidAMove(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	d.vendor.After.Set(failing(sessiontest.OpStamp, errLost))
	if _, err := m.Move(t.Context(), s.ID, d.chip); err == nil {
		t.Fatal("moved")
	}
	d.vendor.After.Set(nil)
	d.chip.Lock()
	inTheWay := filepath.Join(m.Dir.Path, "."+stateFile+".1.link")
	if err := os.MkdirAll(filepath.Join(inTheWay, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := m.LogOut(t.Context(), s.ID); fault.CodeOf(err) != fault.LogOutUnwritten {
		t.Errorf("log-out: %v", err)
	}
	if _, known := d.vendor.Knows(s.Key.PublicKey); known {
		t.Error("the service still knows the key")
	}
	if _, err := d.keys.Open(t.Context(), s.Key.PublicKey); fault.CodeOf(err) != fault.KeyMissing {
		t.Errorf("the key is still here: %v", err)
	}
	if err := os.RemoveAll(inTheWay); err != nil {
		t.Fatal(err)
	}
	d.chip.Unlock()
	d.step(m)
	if err := d.stamp(m); err == nil {
		t.Error("the session is back")
	}
}
