package session

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/session/sessiontest"
)

func TestPendingKeysGoWithTheirAttempt(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	key, err := m.NewPendingKey(t.Context(), "login")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.PutAttempt(t.Context(), Attempt{ID: "one", Method: "test", PublicKey: key.PublicKey(), Data: []byte("data")}); err != nil {
		t.Fatal(err)
	}
	again := d.open()
	if a, err := again.GetAttempt(t.Context(), "one"); err != nil || string(a.Data) != "data" || a.PublicKey != key.PublicKey() {
		t.Errorf("after a restart: %+v, %v", a, err)
	}
	if err := again.DropAttempt(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	if n := d.keys.List(); len(n) != 0 {
		t.Errorf("keys left: %v", n)
	}
	if _, err := m.GetAttempt(t.Context(), "one"); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("the other process still has it: %v", err)
	}
	if err := m.PutAttempt(t.Context(), Attempt{ID: "two", PublicKey: "02" + strings.Repeat("0", 64)}); !errors.Is(err, fault.Conflict) {
		t.Errorf("an attempt of a key that is not pending: %v", err)
	}
	// One whose log-in was sent is revoked by itself: the service may know it.
	key, err = m.NewPendingKey(t.Context(), "login")
	if err != nil {
		t.Fatal(err)
	}
	a := Attempt{ID: "three", PublicKey: key.PublicKey(), OrganizationID: sessiontest.Organization, KeyEnds: d.clock.Now().Add(15 * time.Minute)}
	if err := m.PutAttempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if _, err := d.client.Do(t.Context(), nil, sessiontest.Request{Op: sessiontest.OpLogin, OrganizationID: sessiontest.Organization, PublicKey: key.PublicKey(), Seconds: 900}); err != nil {
		t.Fatal(err)
	}
	if err := m.DropAttempt(t.Context(), "three"); err != nil {
		t.Fatal(err)
	}
	if n := d.vendor.Live(); len(n) != 0 {
		t.Errorf("live: %v", n)
	}
	d.accounted(m)
}

func TestAKeyThatCannotBeMadeLeavesNoTrace(t *testing.T) {
	d := newDesk(t)
	m := d.manager(&unmaking{Keys: d.keys})
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.NewPendingKey(t.Context(), "login"); fault.CodeOf(err) != fault.KeychainDismissed {
		t.Fatalf("%v", err)
	}
	d.step(m)
	if names := m.PublicKeys(); len(names) != 0 {
		t.Errorf("named: %v", names)
	}
}

// unmaking says that it could not make a key, though it did.
type unmaking struct{ *sessiontest.Keys }

func (u *unmaking) CreateNamed(ctx context.Context, name func(string) error) (keystore.Signer, error) {
	if _, err := u.Keys.CreateNamed(ctx, name); err != nil {
		return nil, err
	}
	return nil, fault.New(fault.KeychainDismissed, nil)
}
