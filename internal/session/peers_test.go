package session

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/p256"
	"latchkey/internal/session/sessiontest"
)

// What goes wrong with sessions elsewhere, and does not here: internal/peers_test.go says which of these is about what.

// A session that is not the active one is refreshed by its own key, and nothing of the active one changes.
func TestARefreshIsStampedByTheSessionsOwnKey(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	standby, active := d.logIn(m, 15*time.Minute), d.logIn(m, 15*time.Minute)
	var by []string
	d.vendor.Before.Set(func(q sessiontest.Request) error {
		if q.Op == sessiontest.OpStamp {
			by = append(by, q.By)
		}
		return nil
	})
	if _, err := m.RefreshNow(t.Context(), standby.ID); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(by, []string{standby.Key.PublicKey}) {
		t.Errorf("stamped by %v", by)
	}
	if now, ok := m.Active(); !ok || now.ID != active.ID || now.Key.PublicKey != active.Key.PublicKey {
		t.Errorf("active is %+v", now)
	}
}

func TestTheEndOfOneSessionTouchesNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, keystore.NewMemory())
		defer r.stop()
		short, err := logIn(t.Context(), r.Manager, r.client, 5*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		long, err := logIn(t.Context(), r.Manager, r.client, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		events, cancel := r.Subscribe()
		defer cancel()
		r.vendor.Before.Set(failing(sessiontest.OpStamp, fault.New(fault.APIRefused, nil)))
		pass(6 * time.Minute)
		if got, _ := r.Get(short.ID); got.Ended == nil || got.Ended.Reason != Clock {
			t.Errorf("the short one: %+v", got.Ended)
		}
		if now, ok := r.Active(); !ok || now.ID != long.ID || r.State() != Authenticated {
			t.Errorf("the long one: %+v, %s", now, r.State())
		}
		for len(events) > 0 {
			if e := <-events; (e.Type == Expired || e.Type == Cleared) && e.SessionID != short.ID {
				t.Errorf("told: %+v", e)
			}
		}
	})
}

// A log-in under way keeps its key whatever else happens: other log-ins, refreshes, log-outs, other processes, starts.
// And what the state does not name is somebody else's, and is never touched.
func TestNothingIsPrunedThatSomebodyMayNeed(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	key, err := m.NewPendingKey(t.Context(), "login")
	if err != nil {
		t.Fatal(err)
	}
	a := Attempt{ID: "one", Method: "test", PublicKey: key.PublicKey(), Data: []byte("x")}
	if err := m.PutAttempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	foreign, err := d.keys.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := d.open()
	d.logIn(other, 15*time.Minute)
	for range 4 {
		d.clock.advance(12*time.Minute + time.Second)
		d.step(other)
		d.step(m)
	}
	if _, err := other.LogOutAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := d.open()
	d.step(again)
	if _, err := finishLogIn(t.Context(), again, d.client, a, 15*time.Minute); err != nil {
		t.Errorf("the log-in cannot go on: %v", err)
	}
	if _, err := again.LogOutAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.clock.advance(2 * time.Hour)
	d.step(again)
	if got := d.keys.List(); !slices.Equal(got, []string{foreign.PublicKey()}) {
		t.Errorf("left of mine and others': %v", got)
	}
}

// A log-in that nobody finishes leaves no key.
func TestAnAbandonedLogInLeavesNoKey(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	for i := range 3 {
		key, err := m.NewPendingKey(t.Context(), "login")
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			continue
		}
		if err := m.PutAttempt(t.Context(), Attempt{ID: fmt.Sprint(i), Method: "test", PublicKey: key.PublicKey()}); err != nil {
			t.Fatal(err)
		}
	}
	d.clock.advance(pendingLife - time.Minute)
	d.step(m)
	if n := len(d.keys.List()); n != 3 {
		t.Errorf("%d keys after 59 minutes", n)
	}
	d.clock.advance(time.Minute + time.Second)
	d.step(m)
	if n := d.keys.List(); len(n) != 0 {
		t.Errorf("left: %v", n)
	}
	d.accounted(m)
}

// Stamps of several sessions at once, while all of them are refreshed: each is by a key of its own session.
func TestStampsAtOnceAreEachByTheirOwnKey(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	owner := map[string]string{} // session by key
	var ids []string
	for range 3 {
		s := d.logIn(m, 15*time.Minute)
		ids, owner[s.Key.PublicKey] = append(ids, s.ID), s.ID
	}
	type signed struct{ id, key string }
	out := make(chan signed, 3*200)
	var work sync.WaitGroup
	for _, id := range ids {
		work.Go(func() {
			for i := range 200 {
				if i == 100 {
					if _, err := m.RefreshNow(t.Context(), id); err != nil {
						t.Error(err)
					}
				}
				signer, err := m.Signer(t.Context(), id)
				if err != nil {
					t.Error(err)
					return
				}
				digest := sha256.Sum256(fmt.Append(nil, id, i))
				signature, err := signer.Sign(t.Context(), digest[:])
				if err != nil {
					t.Error(err)
					return
				}
				public, err := p256.ParsePublic(signer.PublicKey())
				if err != nil || !ecdsa.VerifyASN1(public, digest[:], signature) {
					t.Errorf("stamped by another key than it says: %v", err)
				}
				out <- signed{id, signer.PublicKey()}
			}
		})
	}
	work.Wait()
	close(out)
	for _, k := range m.Held() {
		owner[k.PublicKey] = k.SessionID
	}
	for s := range out {
		if owner[s.key] != s.id {
			t.Fatalf("a stamp for %s by a key of %q", s.id, owner[s.key])
		}
	}
}

func TestLoggingOutWithoutANameMeansTheActiveSession(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	first, second := d.logIn(m, 15*time.Minute), d.logIn(m, 15*time.Minute)
	if err := m.Select(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if result, err := m.LogOut(t.Context(), ""); err != nil || result.SessionID != first.ID {
		t.Errorf("%+v, %v", result, err)
	}
	if got, _ := m.Get(second.ID); got.Ended != nil {
		t.Errorf("the other one ended: %+v", got.Ended)
	}
	if k := d.keys.List(); !slices.Equal(k, []string{second.Key.PublicKey}) { // it was waited for
		t.Errorf("keys: %v", k)
	}
}

// slow is a store that takes its time for everything.
type slow struct{ keystore.Store }

func (s slow) CreateNamed(ctx context.Context, name func(string) error) (keystore.Signer, error) {
	return s.Store.CreateNamed(ctx, func(publicKey string) error {
		if err := name(publicKey); err != nil {
			return err
		}
		<-time.After(10 * time.Second)
		return nil
	})
}

func (s slow) Open(ctx context.Context, publicKey string) (keystore.Signer, error) {
	<-time.After(3 * time.Second)
	return s.Store.Open(ctx, publicKey)
}

func (slow) Backend() string { return "keychain" }

func TestASlowKeyStoreLosesNoRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, slow{keystore.NewMemory()})
		defer r.stop()
		s, err := logIn(t.Context(), r.Manager, r.client, 5*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			pass(time.Minute)
			if now, ok := r.Active(); !ok || now.ID != s.ID {
				t.Fatalf("%+v", now)
			}
		}
		if n := r.vendor.Count(sessiontest.OpStamp); n < 15 || n > 25 {
			t.Errorf("%d refreshes in an hour", n)
		}
	})
}

// The same user logs in again while the earlier session lives, or takes its place: no name is taken.
func TestTheSameUserLogsInAgain(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	first, second := d.logIn(m, 15*time.Minute), d.logIn(m, 15*time.Minute)
	if now, ok := m.Active(); !ok || now.ID != second.ID {
		t.Errorf("asked to be active, and is not: %+v", now)
	}
	key, err := m.NewPendingKey(t.Context(), "login")
	if err != nil {
		t.Fatal(err)
	}
	reply, err := d.client.Do(t.Context(), nil, sessiontest.Request{Op: sessiontest.OpLogin, OrganizationID: sessiontest.Organization, PublicKey: key.PublicKey(), Seconds: 900})
	if err != nil {
		t.Fatal(err)
	}
	third, err := m.Store(t.Context(), StoreRequest{JWT: reply.JWT, PublicKey: key.PublicKey(), Label: first.Label, Replace: first.ID})
	if err != nil {
		t.Fatal(err)
	}
	if third.Label != first.Label {
		t.Errorf("the place was taken, but not the name: %q", third.Label)
	}
	d.step(m)
	if _, ok := d.vendor.Knows(first.Key.PublicKey); ok {
		t.Error("the service still knows the key of the one that was replaced")
	}
	d.accounted(m)
}

// Authenticated is never said of a session that cannot sign.
func TestAuthenticatedMeansThatItSigns(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	check := func(when string) {
		t.Helper()
		err := d.stamp(m)
		if said := m.State() == Authenticated; said != (err == nil) {
			t.Errorf("%s: %s, and stamping says %v", when, m.State(), err)
		}
	}
	check("at first")
	s := d.logIn(m, 15*time.Minute)
	check("logged in")
	if _, err := m.Move(t.Context(), s.ID, d.chip); err != nil {
		t.Fatal(err)
	}
	check("moved")
	d.clock.advance(13 * time.Minute)
	check("due")
	d.step(m)
	check("refreshed")
	d.clock.advance(15 * time.Minute)
	check("over")
	d.step(m)
	check("ended")
	d.logIn(m, 15*time.Minute)
	check("logged in again")
	d.vendor.Before.Set(func(sessiontest.Request) error { return errLost })
	if _, err := m.LogOut(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	d.vendor.Before.Set(nil)
	check("logged out without a network")
}

// A start without a network is a start: the session is there, and is refreshed when there is one again.
func TestAStartWithoutANetworkKeepsTheSession(t *testing.T) {
	d := newDesk(t)
	s := d.logIn(d.open(), 15*time.Minute)
	d.vendor.Before.Set(func(sessiontest.Request) error { return errLost })
	d.clock.advance(13 * time.Minute)
	m := d.open()
	d.step(m)
	if now, ok := m.Active(); !ok || now.ID != s.ID || m.State() != Authenticated {
		t.Errorf("%+v, %s", now, m.State())
	}
	signer, err := m.Signer(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Sign(t.Context(), make([]byte, 32)); err != nil {
		t.Error(err)
	}
	d.vendor.Before.Set(nil)
	m.Wake()
	d.step(m)
	if now, ok := m.Active(); !ok || !now.Expires.After(s.Expires) {
		t.Errorf("%+v", now)
	}
}

// Everything at once, for the race detector; nothing may be lost in it.
func TestEveryMethodIsSafeBesideEveryOther(t *testing.T) {
	d := newDesk(t)
	m, other := d.open(), d.open()
	kept := d.logIn(m, 15*time.Minute)
	d.step(other) // which sees it
	ctx, cancel := context.WithCancel(t.Context())
	var loops, work sync.WaitGroup
	for _, p := range []*Manager{m, other} {
		loops.Go(func() { _ = p.Run(ctx) })
	}
	do := func(f func(p *Manager) error) {
		for _, p := range []*Manager{m, other} {
			work.Go(func() {
				for range 10 {
					if err := f(p); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	do(func(p *Manager) error { _, err := p.RefreshNow(t.Context(), kept.ID); return err })
	do(func(p *Manager) error {
		signer, err := p.Signer(t.Context(), kept.ID)
		if err != nil {
			return err
		}
		// Two refreshes may fall between looking a key up and signing, here alone: then it is gone.
		if _, err = signer.Sign(t.Context(), make([]byte, 32)); fault.CodeOf(err) == fault.KeyMissing || fault.CodeOf(err) == fault.SessionExpired {
			err = nil
		}
		return err
	})
	do(func(p *Manager) error {
		_, stop := p.Subscribe()
		defer stop()
		p.List()
		p.Held()
		p.State()
		p.LastEnded()
		p.Wake()
		return p.Rename(t.Context(), kept.ID, "kept")
	})
	do(func(p *Manager) error { return p.SetLength(t.Context(), kept.ID, 15*time.Minute) })
	do(func(p *Manager) error {
		key, err := p.NewPendingKey(t.Context(), "login")
		if err != nil {
			return err
		}
		if err := p.PutAttempt(t.Context(), Attempt{ID: key.PublicKey(), Method: "test", PublicKey: key.PublicKey()}); err != nil {
			return err
		}
		return p.DropAttempt(t.Context(), key.PublicKey())
	})
	work.Go(func() {
		for i := range 6 {
			to := []keystore.Store{d.chip, d.keys}[i%2]
			if _, err := m.Move(t.Context(), kept.ID, to); err != nil {
				t.Error(err)
			}
		}
	})
	work.Wait()
	cancel()
	loops.Wait()
	if got, err := m.Get(kept.ID); err != nil || got.Ended != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	m.Wake()
	d.step(m)
	d.clock.advance(retireGrace)
	d.step(m)
	d.step(m)
	d.accounted(m)
	if n := len(d.keys.List()) + len(d.chip.List()); n != 1 {
		t.Errorf("keys left: %v, %v", d.keys.List(), d.chip.List())
	}
	if err := d.stamp(m); errors.Is(err, fault.Expired) {
		t.Error(err)
	}
}
