package doctor

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/profile"
	"latchkey/internal/session"
	"latchkey/internal/store"
)

// hung is a key store that answers nothing, and does not look at the clock either.
type hung struct {
	keystore.Store
	over chan struct{}
}

func (h hung) Health(context.Context) keystore.Health {
	<-h.over
	return keystore.Health{}
}

// slow is a key store that answers its health, and then waits until its caller has gone.
type slow struct{ keystore.Store }

func (slow) Health(context.Context) keystore.Health {
	return keystore.Health{State: keystore.Protected, Name: "slow"}
}

func (slow) PutSecret(ctx context.Context, _ string, _ []byte) error {
	<-ctx.Done()
	return fault.New(fault.KeychainTimeout, ctx.Err())
}

func quiet(t *testing.T) client.Patient {
	t.Helper()
	for _, name := range []string{"DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "LATCHKEY_KEYSTORE", "LATCHKEY_PROFILE", "LATCHKEY_PASSPHRASE_FILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	p := client.Examine(client.Options{Home: profile.At(t.TempDir())})
	if p.Err != nil || p.KeyStoreErr != nil {
		t.Fatal(p.Err, p.KeyStoreErr)
	}
	return p
}

func of(all []Finding, id string) Finding {
	return all[slices.IndexFunc(all, func(f Finding) bool { return f.ID == id })]
}

// E5: whatever hangs, the doctor answers within three seconds, and says of the rest what it always says.
func TestE5_AnswersInTimeWhateverHangs(t *testing.T) {
	p := quiet(t)
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		defer close(over)
		p.Keys, p.TPM = hung{over: over}, hung{over: over}
		began := time.Now()
		r := Look(t.Context(), Program{}, func() client.Patient { return p })
		if took := time.Since(began); took >= 3*time.Second {
			t.Errorf("it took %s", took)
		}
		for id, want := range map[string]State{"key-store": Failed, "trial": Skipped, "orphaned-keys": Skipped, "tpm": Failed, "state": OK, "disk-write": OK, "journal": OK} {
			if got := of(r.Findings, id); got.State != want {
				t.Errorf("%+v, want %s", got, want)
			}
		}
		if r.Healthy() {
			t.Error("a key store that hangs is taken for healthy")
		}
	})
}

// E5: so it does when the disk with the settings hangs.
func TestE5_AnswersInTimeWhereSettingsCannotBeRead(t *testing.T) {
	quiet(t)
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		defer close(over)
		began := time.Now()
		r := Look(t.Context(), Program{}, func() client.Patient { <-over; return client.Patient{} })
		if took := time.Since(began); took >= 3*time.Second {
			t.Errorf("it took %s", took)
		}
		if got := of(r.Findings, "profile"); got.State != Failed || r.Healthy() {
			t.Errorf("%+v", got)
		}
	})
}

func TestASlowKeyStoreFailsItsTrialAndNothingMore(t *testing.T) {
	p := quiet(t)
	synctest.Test(t, func(t *testing.T) {
		p.Keys = slow{}
		all := Judge(Gather(t.Context(), Program{}, p, patience))
		for id, want := range map[string]State{"key-store": OK, "trial": Failed, "orphaned-keys": Skipped, "missing-keys": Skipped} {
			if got := of(all, id); got.State != want {
				t.Errorf("%+v, want %s", got, want)
			}
		}
	})
}

// Whoever keeps keys in memory holds a lock for life, which is no trouble, and ending it would lose them.
func TestTheLockOfWhoeverKeepsKeysInMemoryIsNoTrouble(t *testing.T) {
	p := quiet(t)
	dir, err := store.Open(p.Dir.Path)
	if err != nil {
		t.Fatal(err)
	}
	held := func() []Lock {
		var f Facts
		lookLocks(p, 0)(t.Context(), func(one found) { one(&f) })
		return f.Locks.Held
	}
	for name, want := range map[string]int{session.MemoryLock: 0, "state.lock": 1} {
		unlock, _, err := dir.TryLock(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := held(); len(got) != want {
			t.Errorf("while %s is held: %+v", name, got)
		}
		unlock()
	}
}

// PORT=0 is a free port to latchkey backend, and so to the doctor.
func TestAPortOfZeroIsAFreeOne(t *testing.T) {
	for text, want := range map[string]string{"0": "Whichever port is free.", "00": "Whichever port is free.", "-1": `PORT is "-1".`} {
		t.Setenv("PORT", text)
		f := healthy()
		lookPort(client.Patient{})(t.Context(), func(one found) { one(&f) })
		for _, found := range Judge(f) {
			if found.ID == "port" && found.Seen != want {
				t.Errorf("PORT=%s: %+v", text, found)
			}
		}
	}
}

// What a doctor looks at stays as it is: even a state that is damaged is not set aside, and no folder is made.
func TestTheDoctorChangesNothing(t *testing.T) {
	p := quiet(t)
	Look(t.Context(), Program{}, func() client.Patient { return p })
	if _, err := p.Dir.Names(); err == nil {
		t.Error("the folder of the profile was made")
	}
	if _, err := readState(p.Dir); !errors.Is(err, fault.NotFound) {
		t.Errorf("the state: %v", err)
	}
}
