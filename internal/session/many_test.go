package session

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/session/sessiontest"
	"latchkey/internal/token"
)

func TestManySessionsHaveLabelsOfTheirOwn(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	var ids []string
	for range 3 {
		ids = append(ids, d.logIn(m, 15*time.Minute).ID)
	}
	var labels []string
	for _, s := range m.List() {
		labels = append(labels, s.Label)
	}
	if want := []string{"user@example.com", "user@example.com-2", "user@example.com-3"}; !slices.Equal(labels, want) {
		t.Errorf("labels %v", labels)
	}
	if err := m.Rename(t.Context(), ids[0], "work"); err != nil {
		t.Fatal(err)
	}
	if err := m.Rename(t.Context(), ids[1], "work"); fault.CodeOf(err) != fault.LabelTaken {
		t.Errorf("two are called alike: %v", err)
	}
	if err := m.Rename(t.Context(), ids[0], "work"); err != nil {
		t.Errorf("to what it is called: %v", err)
	}
	if err := m.Rename(t.Context(), "nobody", "x"); fault.CodeOf(err) != fault.SessionNone {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"", " x", "x ", "a\nb", "a\u202eb", strings.Repeat("x", 101), "\xff"} {
		if err := m.Rename(t.Context(), ids[0], bad); fault.CodeOf(err) != fault.RequestInvalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	// Another process sees it, and finds it by label, id and the beginning of an id.
	other := d.open()
	for word, want := range map[string]string{"work": ids[0], ids[1]: ids[1], ids[2][:15]: ids[2], "": ids[2]} {
		if got, err := other.Find(word); err != nil || got.ID != want {
			t.Errorf("Find(%q) is %q, %v, want %q", word, got.ID, err, want)
		}
	}
	if _, err := other.Find("w"); fault.CodeOf(err) != fault.SessionUnknown {
		t.Errorf("the beginning of a label: %v", err)
	}
	if _, err := m.LogOut(t.Context(), ids[0]); err != nil {
		t.Fatal(err)
	}
	if err := m.Rename(t.Context(), ids[1], "work"); err != nil {
		t.Errorf("the label of an ended session is taken: %v", err)
	}
	if got, err := other.Find("work"); err != nil || got.ID != ids[1] {
		t.Errorf("an ended session was found first: %+v, %v", got, err)
	}
}

func TestOneBeginningOfSeveralIdsNamesNone(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	for range 17 { // of 16 digits one is first twice
		d.logIn(m, 15*time.Minute)
	}
	first := map[string]int{}
	for _, s := range m.List() {
		first[s.ID[:1]]++
	}
	for digit, n := range first {
		_, err := m.Find(digit)
		if n > 1 && fault.CodeOf(err) != fault.RequestInvalid || n == 1 && err != nil {
			t.Errorf("%q begins %d ids: %v", digit, n, err)
		}
	}
}

func TestASessionThatIsNotActiveHasItsOwnLife(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	first := d.logIn(m, 15*time.Minute)
	key, err := m.NewPendingKey(t.Context(), "login")
	if err != nil {
		t.Fatal(err)
	}
	reply, err := d.client.Do(t.Context(), nil, sessiontest.Request{Op: sessiontest.OpLogin, OrganizationID: sessiontest.Organization, PublicKey: key.PublicKey(), Seconds: 900})
	if err != nil {
		t.Fatal(err)
	}
	second, err := m.Store(t.Context(), StoreRequest{JWT: reply.JWT, PublicKey: key.PublicKey(), Contact: "b@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if now, _ := m.Active(); now.ID != first.ID {
		t.Errorf("active is %+v", now)
	}
	// Refreshing one that is not active touches neither the active one nor which it is.
	d.clock.advance(time.Minute)
	if _, err := m.RefreshNow(t.Context(), second.ID); err != nil {
		t.Fatal(err)
	}
	if now, _ := m.Active(); now.ID != first.ID || now.Key.PublicKey != first.Key.PublicKey {
		t.Errorf("active is %+v", now)
	}
	if err := m.Select(t.Context(), second.ID); err != nil {
		t.Fatal(err)
	}
	if now, _ := m.Active(); now.ID != second.ID {
		t.Errorf("active is %+v", now)
	}
	// The end of one touches no other.
	if _, err := m.LogOut(t.Context(), second.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Get(first.ID); err != nil || got.Ended != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestR19_LogOutOfAll(t *testing.T) {
	for name, away := range map[string]bool{"reachable": false, "not reachable": true} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			m := d.open()
			for i := range 3 {
				s := d.logIn(m, 15*time.Minute)
				if i == 1 {
					if _, err := m.Move(t.Context(), s.ID, d.chip); err != nil {
						t.Fatal(err)
					}
				}
			}
			if away {
				d.vendor.Before.Set(func(sessiontest.Request) error { return errLost })
			}
			results, err := m.LogOutAll(t.Context())
			if err != nil || len(results) != 3 {
				t.Fatalf("%+v, %v", results, err)
			}
			for _, r := range results {
				if r.Revoked == away || !r.Deleted || r.SessionID == "" || r.Label == "" {
					t.Errorf("%+v", r)
				}
			}
			if n := len(d.keys.List()) + len(d.chip.List()); n != 0 {
				t.Errorf("%d keys here", n)
			}
			if m.State() != Unauthenticated {
				t.Errorf("%s", m.State())
			}
			d.accounted(m)
			d.vendor.Before.Set(nil)
			if _, err := m.LogOutAll(t.Context()); fault.CodeOf(err) != fault.SessionNone {
				t.Errorf("of nothing: %v", err)
			}
			d.logIn(m, 15*time.Minute)
			m.Wake()
			d.step(m)
			if live := d.vendor.Live(); len(live) != 1 {
				t.Errorf("the service knows %v", live)
			}
		})
	}
}

func TestR19_LogOutEverywhere(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	first, second := d.logIn(m, 15*time.Minute), d.logIn(m, 15*time.Minute)
	// Another machine of the same user.
	elsewhere := newDesk(t)
	elsewhere.vendor, elsewhere.client, elsewhere.clock = d.vendor, d.client, d.clock
	phone := elsewhere.open()
	elsewhere.logIn(phone, 15*time.Minute)

	d.vendor.Before.Set(failing(sessiontest.OpStampAlone, errLost))
	if _, err := m.LogOutEverywhere(t.Context(), first.ID); fault.CodeOf(err) != fault.APIDown {
		t.Errorf("without the service: %v", err)
	}
	if got, _ := m.Get(first.ID); got.Ended != nil || d.stamp(m) != nil || elsewhere.stamp(phone) != nil {
		t.Errorf("something ended all the same: %+v", got)
	}
	d.vendor.Before.Set(nil)

	results, err := m.LogOutEverywhere(t.Context(), first.ID)
	if err != nil || len(results) != 2 {
		t.Fatalf("%+v, %v", results, err)
	}
	for _, r := range results {
		if !r.Revoked || !r.Deleted {
			t.Errorf("%+v", r)
		}
	}
	if live := d.vendor.Live(); len(live) != 0 {
		t.Errorf("the service knows %v", live)
	}
	if got, _ := m.Get(second.ID); got.Ended == nil || got.Ended.Reason != LoggedOut {
		t.Errorf("the user's other session here: %+v", got)
	}
	if err := elsewhere.stamp(phone); fault.CodeOf(err) != fault.SessionRejected {
		t.Errorf("the user's session on another machine: %v", err)
	}
	if n := d.keys.List(); len(n) != 0 {
		t.Errorf("keys here: %v", n)
	}
	d.step(m)
	d.accounted(m)
}

// An answer that is lost may have ended everything else: the session is brought back by its next key, and ends nothing
// until it is asked again.
func TestALostAnswerToEverywhereKeepsTheSession(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	d.vendor.After.Set(failing(sessiontest.OpStampAlone, errLost))
	if _, err := m.LogOutEverywhere(t.Context(), ""); err == nil {
		t.Fatal("done, though nobody answered")
	}
	d.vendor.After.Set(nil)
	if err := d.stamp(m); fault.CodeOf(err) != fault.SessionRejected { // the service did it
		t.Fatalf("%v", err)
	}
	if err := m.Reject(t.Context(), s.ID, s.Key.PublicKey); err != nil {
		t.Fatal(err)
	}
	d.step(m)
	if err := d.stamp(m); err != nil {
		t.Errorf("the session is lost: %v", err)
	}
	if results, err := m.LogOutEverywhere(t.Context(), ""); err != nil || len(results) != 1 {
		t.Errorf("asked again: %+v, %v", results, err)
	}
	d.step(m)
	d.accounted(m)
}

func TestClearingForgetsOneOrAllThatEnded(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	// Of different users, because what a new log-in of the same user makes old news is forgotten anyway.
	var ids []string
	for range 3 {
		ids = append(ids, d.logIn(m, 15*time.Minute).ID)
	}
	if result, err := m.Clear(t.Context(), ids[0]); err != nil || !result.Revoked {
		t.Errorf("a live one: %+v, %v", result, err)
	}
	if _, err := m.Get(ids[0]); fault.CodeOf(err) != fault.SessionNone {
		t.Errorf("still there: %v", err)
	}
	if _, err := m.LogOut(t.Context(), ids[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Clear(t.Context(), ids[1]); err != nil {
		t.Errorf("an ended one: %v", err)
	}
	if _, err := m.LogOut(t.Context(), ids[2]); err != nil {
		t.Fatal(err)
	}
	if n, err := m.ForgetEnded(t.Context()); err != nil || n != 1 || len(m.List()) != 0 {
		t.Errorf("forgot %d, %v; left %v", n, err, m.List())
	}
	if _, err := m.Clear(t.Context(), ids[2]); fault.CodeOf(err) != fault.SessionNone {
		t.Errorf("%v", err)
	}
}

func TestTheLengthOfRefreshesIsRememberedPerSession(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	one, other := d.logIn(m, 15*time.Minute), d.logIn(m, 15*time.Minute)
	if err := m.SetLength(t.Context(), one.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	again := d.open() // after a restart
	d.clock.advance(13 * time.Minute)
	d.step(again)
	for id, want := range map[string]time.Duration{one.ID: time.Hour, other.ID: 15 * time.Minute} {
		got, err := again.Get(id)
		if left := got.Expires.Sub(d.clock.Now()); err != nil || left != want || got.Length != want {
			t.Errorf("lasts %s, want %s", left, want)
		}
	}
	for _, bad := range []time.Duration{0, -time.Hour, 29 * time.Second, 400 * 24 * time.Hour} {
		if err := again.SetLength(t.Context(), one.ID, bad); fault.CodeOf(err) != fault.RequestInvalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := again.SetLength(t.Context(), "nobody", time.Hour); fault.CodeOf(err) != fault.SessionNone {
		t.Errorf("%v", err)
	}
}

func TestEveryKeyIsListedByItsRole(t *testing.T) {
	d := newDesk(t)
	m := d.open()
	s := d.logIn(m, 15*time.Minute)
	if _, err := m.NewPendingKey(t.Context(), "login"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Move(t.Context(), s.ID, d.chip); err != nil {
		t.Fatal(err)
	}
	gone := d.logIn(m, 15*time.Minute)
	d.vendor.Before.Set(func(sessiontest.Request) error { return errLost })
	if _, err := m.LogOut(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := m.RefreshNow(t.Context(), s.ID); err == nil {
		t.Fatal("refreshed without a network")
	}
	roles := map[Role]string{}
	for _, k := range m.Held() {
		roles[k.Role] = k.Backend
	}
	// The refresh revokes the retiring key first, and got no answer to that: so there is no next key yet.
	for role, backend := range map[Role]string{RoleSession: "tpm", RoleRetiring: "keychain", RolePending: "keychain", RoleRevoke: ""} {
		if got, ok := roles[role]; !ok || got != backend {
			t.Errorf("%s is in %q, %v", role, got, ok)
		}
	}
	if len(m.Held()) != len(m.PublicKeys()) {
		t.Errorf("%d of %d keys", len(m.Held()), len(m.PublicKeys()))
	}
}

// The rights that a token speaks of are kept with the session, whatever they are called, through every refresh.
func TestTokensOfEveryTypeAreSessions(t *testing.T) {
	const profile = "33333333-4444-4555-8666-777777777777"
	for name, says := range map[string]token.Session{
		"read and write": {SessionType: "SESSION_TYPE_READ_WRITE"},
		"read only":      {SessionType: "SESSION_TYPE_READ_ONLY"},
		"a profile":      {SessionType: "agents", SessionProfileID: profile, Scope: "activity.resource == 'WALLET'"},
		"of a later day": {SessionType: "SESSION_TYPE_NOBODY_KNOWS_YET"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.vendor.Says = says
			m := d.open()
			s := d.logIn(m, 15*time.Minute)
			check := func(got Session) {
				t.Helper()
				if got.Type != says.SessionType || got.ProfileID != says.SessionProfileID || got.Scope != says.Scope {
					t.Errorf("%+v", got)
				}
			}
			check(s)
			d.clock.advance(13 * time.Minute)
			d.step(m)
			now, ok := m.Active()
			if !ok || now.Key.PublicKey == s.Key.PublicKey {
				t.Fatalf("not refreshed: %+v", now)
			}
			check(now)
			again, err := d.open().Get(s.ID)
			if err != nil {
				t.Fatal(err)
			}
			check(again)
		})
	}
}

// typed is a store whose next Open waits for a person who types a passphrase.
type typed struct {
	*keystore.Memory
	takes atomic.Int64
}

func (*typed) Backend() string { return "passphrase" }

func (s *typed) Open(ctx context.Context, publicKey string) (keystore.Signer, error) {
	select {
	case <-time.After(time.Duration(s.takes.Swap(0))):
		return s.Memory.Open(ctx, publicKey)
	case <-ctx.Done():
		return nil, fault.New(fault.KeychainTimeout, ctx.Err())
	}
}

// The service's three seconds are not spent on the passphrase.
func TestR19_LogOutWaitsForWhoTypesAPassphrase(t *testing.T) {
	for takes, want := range map[time.Duration]bool{20 * time.Second: true, time.Hour: false} {
		synctest.Test(t, func(t *testing.T) {
			keys := &typed{Memory: keystore.NewMemory()}
			r := run(t, keys)
			defer r.stop()
			if _, err := logIn(t.Context(), r.Manager, r.client, 15*time.Minute); err != nil {
				t.Fatal(err)
			}
			keys.takes.Store(int64(takes))
			began := time.Now()
			result, err := r.LogOut(t.Context(), "")
			if err != nil || want && !result.Revoked {
				t.Errorf("%s: %+v, %v", takes, result, err)
			}
			if took := time.Since(began); took > unlockPatience+revokePatience {
				t.Errorf("%s: took %s", takes, took)
			}
		})
	}
}
