package keystore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zalando/go-keyring"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/stamp"
)

// drawer is a keychain in memory that counts how often it is asked and may be told to wait.
type drawer struct {
	calls   atomic.Int64
	readied atomic.Int64
	busy    atomic.Int64
	wait    atomic.Pointer[func(method string)]

	mu    sync.Mutex
	items map[string]string
}

func newDrawer() *drawer { return &drawer{items: map[string]string{}} }

func (d *drawer) enter(method string) (leave func()) {
	d.calls.Add(1)
	if d.busy.Add(1) > 1 {
		panic("two calls at once")
	}
	if wait := d.wait.Load(); wait != nil {
		(*wait)(method)
	}
	d.mu.Lock()
	return func() {
		d.mu.Unlock()
		d.busy.Add(-1)
	}
}

func (d *drawer) ready(context.Context) error {
	d.readied.Add(1)
	return nil
}

func (d *drawer) health(context.Context) Health { return Health{State: Protected, Name: "Drawer"} }

func (d *drawer) get(account string) (string, error) {
	defer d.enter("get")()
	value, ok := d.items[account]
	if !ok {
		return "", keyring.ErrNotFound
	}
	return value, nil
}

func (d *drawer) set(account, value string) error {
	defer d.enter("set")()
	d.items[account] = value
	return nil
}

func (d *drawer) remove(account string) error {
	defer d.enter("remove")()
	if _, ok := d.items[account]; !ok {
		return keyring.ErrNotFound
	}
	delete(d.items, account)
	return nil
}

func (d *drawer) list(_ context.Context, prefix string) (accounts []string, _ error) {
	defer d.enter("list")()
	for account := range d.items {
		if strings.HasPrefix(account, prefix) {
			accounts = append(accounts, account)
		}
	}
	return accounts, nil
}

func chain(t *testing.T) (*Keychain, *drawer) {
	d := newDrawer()
	return newKeychain("test", checkNames("dev.latchkey.test", "test"), d), d
}

func wantCode(t *testing.T, what string, err error, want fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Errorf("%s: got %v, want %s", what, err, want)
	}
}

// P1: a stamp costs one signature and no question to the keychain, whether the key was made here or opened, until it
// is forgotten.
func TestP1_StampMakesNoKeychainCall(t *testing.T) {
	k, d := chain(t)
	made, err := k.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k.Forget()
	opened, err := k.Open(t.Context(), made.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	const stamps = 10_000
	before, ready := d.calls.Load(), d.readied.Load()
	for i := range stamps / 2 {
		for _, key := range []Signer{made, opened} {
			made, err := stamp.APIKey{Signer: key}.Stamp(t.Context(), fmt.Appendf(nil, `{"request":%d}`, i))
			if err != nil || made.HeaderValue == "" {
				t.Fatal(err)
			}
		}
		if opened, err = k.Open(t.Context(), made.PublicKey()); err != nil {
			t.Fatal(err)
		}
	}
	if asked, readied := d.calls.Load()-before, d.readied.Load()-ready; asked != 0 || readied != 0 {
		t.Errorf("%d stamps asked the keychain %d times, and %d times whether it is ready", stamps, asked, readied)
	}
	t.Logf("%d stamps: %d questions to the keychain", stamps, d.calls.Load()-before)
	k.Forget()
	if _, err := made.Sign(t.Context(), make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	if asked := d.calls.Load() - before; asked != 1 {
		t.Errorf("a forgotten key was opened by %d questions", asked)
	}
}

// A call that ends as soon as its caller leaves turns nobody away: cancelled and asked again is answered.
func TestACancelledCallTurnsNobodyAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, d := chain(t)
		ctx, cancel := context.WithCancel(t.Context())
		slow := func(string) {
			cancel()
			time.Sleep(grace / 2) // notices, and ends
		}
		d.wait.Store(&slow)
		_, err := k.Secret(ctx, "state-key")
		wantCode(t, "cancelled", err, fault.Cancel)
		_, err = k.Secret(t.Context(), "state-key")
		wantCode(t, "asked again", err, fault.KeyMissing)
	})
}

// What is stored is versioned, small, and under a name that says whose it is.
func TestTheStoredForm(t *testing.T) {
	k, d := chain(t)
	key, err := k.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := k.PutSecret(t.Context(), "state-key", make([]byte, MaxSecret)); err != nil {
		t.Fatal(err)
	}
	scalar := d.items["v1/test/key/"+key.PublicKey()]
	if len(scalar) != 3+64 || !strings.HasPrefix(scalar, "v1:") {
		t.Errorf("a key is stored in %d bytes", len(scalar))
	}
	for account, value := range d.items {
		if len(value) >= maxItem || len(account) >= 180 {
			t.Errorf("%s: name of %d bytes, value of %d", account, len(account), len(value))
		}
	}
	if len(d.items) != 2 || d.items["v1/test/state-key"] == "" {
		t.Error("stored under other names")
	}
}

func TestNamesThatCannotBeUsedAreRefusedEverywhere(t *testing.T) {
	for _, c := range []struct{ service, profile string }{
		{"", "test"}, {"dev:latchkey", "test"}, {"dev latchkey", "test"}, {"Dev", "test"}, {strings.Repeat("s", 41), "test"},
		{"dev.latchkey", ""}, {"dev.latchkey", "a:b"}, {"dev.latchkey", "../x"}, {"dev.latchkey", "Profile"},
	} {
		d := newDrawer()
		k := newKeychain(c.profile, checkNames(c.service, c.profile), d)
		key := "02" + strings.Repeat("0", 64)
		_, create := k.Create(t.Context())
		_, open := k.Open(t.Context(), key)
		_, secret := k.Secret(t.Context(), "a")
		for what, err := range map[string]error{"create": create, "open": open, "secret": secret, "delete": k.Delete(t.Context(), key),
			"put": k.PutSecret(t.Context(), "a", nil), "delete secret": k.DeleteSecret(t.Context(), "a"), "health": k.Health(t.Context()).Err} {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("%q %q: %s: %v", c.service, c.profile, what, err)
			}
		}
		if d.calls.Load() != 0 {
			t.Errorf("%q %q: the keychain was asked", c.service, c.profile)
		}
	}
}

// R5: one caller waits as long as it wants for a keychain that hangs; everybody else is told at once; when the answer
// comes after all, the next question is asked.
func TestR5_AHungKeychainHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, d := chain(t)
		gate := make(chan struct{})
		hang := func(string) { <-gate }
		d.wait.Store(&hang)
		start := time.Now()
		var group sync.WaitGroup
		ask := func(after, limit, waits time.Duration) {
			group.Go(func() {
				time.Sleep(after)
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				asked := time.Now()
				_, err := k.Secret(ctx, "state-key")
				wantCode(t, fmt.Sprintf("asked after %v", after), err, fault.KeychainTimeout)
				if got := time.Since(asked); got != waits {
					t.Errorf("asked after %v with %v to spare, waited %v, want %v", after, limit, got, waits)
				}
			})
		}
		ask(0, 3*time.Second, 3*time.Second)
		ask(1*time.Second, 1*time.Second, 1*time.Second)       // its own time is over first
		ask(2*time.Second, 120*time.Second, time.Second+grace) // told when the first gave up
		ask(4*time.Second, 120*time.Second, 0)                 // told at once
		group.Wait()
		if d.calls.Load() != 1 {
			t.Errorf("the hung keychain was asked %d times", d.calls.Load())
		}
		d.wait.Store(nil)
		close(gate)
		synctest.Wait()
		if err := k.PutSecret(t.Context(), "state-key", []byte("x")); err != nil {
			t.Errorf("after %v it answered: %v", time.Since(start), err)
		}
	})
}

// Callers who only queue behind a slow answer are not told that it hangs.
func TestCallersWaitForTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, d := chain(t)
		slow := func(string) { time.Sleep(time.Second) }
		d.wait.Store(&slow)
		var group sync.WaitGroup
		for i := range 10 {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := k.PutSecret(ctx, fmt.Sprintf("s%d", i), []byte("x")); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if len(d.items) != 10 {
			t.Errorf("%d of 10 were stored", len(d.items))
		}
	})
}

// R5: a key that was stored after its caller had left is deleted again, and what was put is left as it is.
func TestR5_ALateAnswerLeavesNoKeyBehind(t *testing.T) {
	for _, method := range []string{"set", "get"} { // late in the write, late in the read-back
		synctest.Test(t, func(t *testing.T) {
			k, d := chain(t)
			gate := make(chan struct{})
			late := func(m string) {
				if m == method {
					<-gate
				}
			}
			d.wait.Store(&late)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			key, err := k.Create(ctx)
			wantCode(t, "create", err, fault.Cancel)
			if key != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("key %v, %v", key, err)
			}
			d.wait.Store(nil)
			close(gate)
			synctest.Wait()
			if len(d.items) != 0 {
				t.Errorf("left behind: %d items", len(d.items))
			}
		})
	}
}

// A key that was being opened while everything was forgotten, or it was deleted, does not stay in memory.
func TestForgetReachesKeysThatAreJustBeingOpened(t *testing.T) {
	for what, forget := range map[string]func(ctx context.Context, k *Keychain, publicKey string){
		"forget": func(_ context.Context, k *Keychain, _ string) { k.Forget() },
		"delete": func(ctx context.Context, k *Keychain, publicKey string) { _ = k.Delete(ctx, publicKey) },
	} {
		synctest.Test(t, func(t *testing.T) {
			k, d := chain(t)
			key, err := k.Create(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			k.Forget()
			slow := func(string) { time.Sleep(time.Second) }
			d.wait.Store(&slow)
			go func() {
				time.Sleep(time.Second / 2)
				forget(t.Context(), k, key.PublicKey())
			}()
			if _, err := k.Open(t.Context(), key.PublicKey()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if len(k.keys) != 0 {
				t.Errorf("%s: the key is still unlocked", what)
			}
			time.Sleep(time.Minute)
		})
	}
}

// E3: each trouble has words of its own and one next step.
func TestE3_EachTroubleHasItsOwnWords(t *testing.T) {
	said := map[string]fault.Code{}
	for _, code := range []fault.Code{
		fault.KeychainNoBus, fault.KeychainAbsent, fault.KeychainEmpty, fault.KeychainLocked, fault.KeychainDismissed, fault.KeychainTimeout,
		fault.KeychainMismatch, fault.KeychainTooLarge, fault.KeychainDenied, fault.KeychainFailed, fault.KeyMissing, fault.KeyCorrupt,
	} {
		words := fault.Tell(fault.New(code, nil))
		if other, ok := said[words.Happened]; ok {
			t.Errorf("%s and %s say the same: %q", code, other, words.Happened)
		}
		said[words.Happened] = code
		if words.Next == "" || code.Kind() == "" {
			t.Errorf("%s has no next step or kind", code)
		}
	}
}

// What somebody moved between the name spaces of an account opens as neither kind.
func TestAStoredKeyHasItsKind(t *testing.T) {
	k, d := chain(t)
	signer, err := k.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	target, err := k.CreateTarget(t.Context(), func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	d.items["v1/test/target/"+signer.PublicKey()] = d.items["v1/test/key/"+signer.PublicKey()]
	d.items["v1/test/key/"+target.PublicKey()] = d.items["v1/test/target/"+target.PublicKey()]
	_, err = k.OpenTarget(t.Context(), signer.PublicKey())
	wantCode(t, "a signer as a target key", err, fault.KeyCorrupt)
	_, err = k.Open(t.Context(), target.PublicKey())
	wantCode(t, "a target key as a signer", err, fault.KeyCorrupt)
}

// R5: what was stored after its caller had left is deleted again, target keys and imported keys too; but not what was
// there before.
func TestR5_ALateAnswerLeavesNoOtherKeyBehind(t *testing.T) {
	private := p256.Generate()
	for what, c := range map[string]struct {
		before bool
		call   func(ctx context.Context, k *Keychain) error
		left   int
	}{
		"a target key": {false, func(ctx context.Context, k *Keychain) error {
			_, err := k.CreateTarget(ctx, func(string) error { return nil })
			return err
		}, 0},
		"an imported key": {false, func(ctx context.Context, k *Keychain) error {
			_, err := k.Import(ctx, private)
			return err
		}, 0},
		"a key that is imported again": {true, func(ctx context.Context, k *Keychain) error {
			_, err := k.Import(ctx, private)
			return err
		}, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			k, d := chain(t)
			if c.before {
				if _, err := k.Import(t.Context(), private); err != nil {
					t.Fatal(err)
				}
			}
			gate := make(chan struct{})
			late := func(string) { <-gate }
			d.wait.Store(&late)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			wantCode(t, what, c.call(ctx, k), fault.Cancel)
			d.wait.Store(nil)
			close(gate)
			synctest.Wait()
			if len(d.items) != c.left {
				t.Errorf("%s: %d items, want %d", what, len(d.items), c.left)
			}
		})
	}
}
