package keystore_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/keystore"
	"latchkey/internal/session"
	"latchkey/internal/session/sessiontest"
)

// cycles logs in, refreshes and logs out a hundred times with the real key store s, and checks that nothing is left: no
// key, no target key, no key at the service; items counts whatever else the backend can count from outside.
func cycles(t *testing.T, s keystore.Store, items func() int) {
	t.Helper()
	const rounds, length = 100, 15 * time.Minute
	now := atomic.Int64{}
	now.Store(1_800_000_000)
	clock := func() time.Time { return time.Unix(now.Load(), 0) }
	vendor := sessiontest.NewVendor(clock)
	client := sessiontest.Client{Vendor: vendor}
	ask := func(ctx context.Context, by keystore.Signer, op, publicKey string) (string, error) {
		reply, err := client.Do(ctx, by, sessiontest.Request{
			Op: op, OrganizationID: sessiontest.Organization, PublicKey: publicKey, Seconds: int64(length / time.Second),
		})
		return reply.JWT, err
	}
	m := &session.Manager{
		Profile: "test", Dir: folder(t, sessiontest.Folder(t)), Keys: s, OrganizationParent: sessiontest.Parent, Now: clock,
		Notarizer: &vendor.Notarizer.PublicKey,
		Refresh: func(ctx context.Context, _ session.Session, current keystore.Signer, next string) (string, error) {
			return ask(ctx, current, sessiontest.OpStamp, next)
		},
		Revoke: func(ctx context.Context, _ session.Session, by keystore.Signer, publicKey string) error {
			_, err := ask(ctx, by, sessiontest.OpRevoke, publicKey)
			return err
		},
		Probe: func(ctx context.Context, _ session.Session, by keystore.Signer) error {
			_, err := ask(ctx, by, sessiontest.OpWhoami, "")
			return err
		},
	}
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(m.Open(ctx))
	once := func() {
		t.Helper()
		key, err := m.NewPendingKey(ctx, "login")
		check(err)
		attempt := session.Attempt{
			ID: "attempt-" + key.PublicKey()[:8], Method: "test", PublicKey: key.PublicKey(),
			OrganizationID: sessiontest.Organization, KeyEnds: clock().Add(length),
		}
		check(m.PutAttempt(ctx, attempt))
		jwt, err := ask(ctx, nil, sessiontest.OpLogin, key.PublicKey())
		check(err)
		made, err := m.Store(ctx, session.StoreRequest{
			JWT: jwt, PublicKey: key.PublicKey(), OrganizationID: sessiontest.Organization, Contact: "user@example.com",
			Method: "test", Length: length, Attempt: attempt.ID, Select: true,
		})
		check(err)
		_, err = m.RefreshNow(ctx, made.ID)
		check(err)
		_, err = m.LogOut(ctx, made.ID)
		check(err)
	}
	held := func() (all []string) {
		t.Helper()
		signers, err := listed(ctx, s)
		check(err)
		targets, err := s.(keystore.Targets).ListTargets(ctx)
		check(err)
		return slices.Concat(signers, targets)
	}
	keysBefore := held()
	check(s.PutSecret(ctx, "state-key", make([]byte, 32))) // the one item that stays, whoever logs out
	before := items()
	for range rounds {
		once()
	}
	now.Add(int64((5 * time.Minute) / time.Second)) // whatever retires is over
	for range 3 {
		check(m.Step(ctx))
	}
	if after := held(); !slices.Equal(after, keysBefore) {
		t.Errorf("%d keys before, %d after: %v", len(keysBefore), len(after), after)
	}
	if after := items(); after != before {
		t.Errorf("%d items before, %d after", before, after)
	}
	if live := vendor.Live(); len(live) != 0 {
		t.Errorf("the service still knows %v", live)
	}
	if done := vendor.Count(sessiontest.OpStamp); done != rounds {
		t.Errorf("%d refreshes in %d cycles", done, rounds)
	}
	t.Logf("%d cycles on %s: %d items before and after, 0 keys left, at most %d at the service", rounds, s.Backend(), before, vendor.Most())
}

// nothing is what a backend has that can be counted by its list alone.
func nothing() int { return 0 }

func TestAHundredCyclesLeaveNothingBehind(t *testing.T) {
	t.Run("memory", func(t *testing.T) { cycles(t, keystore.NewMemory(), nothing) })
	t.Run("passphrase", func(t *testing.T) { cycles(t, passphraseFile(t, sessiontest.Folder(t), says(words)), nothing) })
}
