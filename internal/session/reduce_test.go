package session

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/internal/fault"
)

const minute = instant(60_000)

// someone is a state with one good session "a" of key "K1", made at 0 for 15 minutes.
func someone() state {
	return state{Version: 1, Active: "a", Sessions: []record{{
		ID: "a", OrganizationID: "org", UserID: "user", LengthSeconds: 900, Token: []byte("sealed"),
		Key: key{"K1", "keychain", 0, 15 * minute},
	}}}
}

// after applies events in turn, a minute apart, starting at from.
func after(t *testing.T, s state, from instant, events ...event) state {
	t.Helper()
	for i, e := range events {
		var err error
		if s, err = reduce(s, e, from+instant(i)*minute); err != nil {
			t.Fatalf("%T: %v", e, err)
		}
	}
	return s
}

func leavingNames(s state) (names []string) {
	for _, k := range s.Leaving {
		names = append(names, k.PublicKey)
	}
	return names
}

func TestReduceTellsTheStory(t *testing.T) {
	next := nextNamed{"a", "K1", "K2", "keychain"}
	swap := swapped{"a", "K2", 30 * minute, []byte("new"), kind{}}
	for _, c := range []struct {
		name   string
		from   instant
		events []event
		check  func(t *testing.T, s state, r *record)
	}{
		{"a next key is not a new key", 12 * minute, []event{next}, func(t *testing.T, s state, r *record) {
			if r.Key.PublicKey != "K1" || r.Next.PublicKey != "K2" || string(r.Token) != "sealed" {
				t.Errorf("%+v", r)
			}
			if want := 27 * minute; r.Next.Expires != want {
				t.Errorf("next key lives until %d, want %d", r.Next.Expires, want)
			}
		}},
		{"a swap keeps the old key for a minute", 12 * minute, []event{next, swap}, func(t *testing.T, s state, r *record) {
			if r.Key.PublicKey != "K2" || r.Key.Expires != 30*minute || r.Next != nil || string(r.Token) != "new" || r.Issued != 13*minute {
				t.Errorf("%+v", r)
			}
			if len(r.Retiring) != 1 || r.Retiring[0].PublicKey != "K1" || r.Retiring[0].Revoke != 14*minute || len(s.Leaving) != 0 {
				t.Errorf("retiring %+v, leaving %+v", r.Retiring, s.Leaving)
			}
		}},
		{"a revoked key is still to be deleted here", 12 * minute, []event{next, swap, keyRevoked{"K1"}}, func(t *testing.T, s state, r *record) {
			if len(r.Retiring) != 0 || !slices.Equal(leavingNames(s), []string{"K1"}) || s.Leaving[0].OrganizationID != "" {
				t.Errorf("retiring %+v, leaving %+v", r.Retiring, s.Leaving)
			}
		}},
		{"a swap after the end needs no retiring", 14 * minute, []event{next, passed{}, swap}, func(t *testing.T, s state, r *record) {
			if r.Ended != nil || r.Key.PublicKey != "K2" || len(r.Retiring) != 0 || !slices.Equal(leavingNames(s), []string{"K1"}) {
				t.Errorf("%+v, leaving %+v", r, s.Leaving)
			}
		}},
		{"a lost answer is not the end", 14 * minute, []event{next, passed{}, passed{}}, func(t *testing.T, s state, r *record) {
			if r.Ended != nil || r.standing(16*minute) != unsure {
				t.Errorf("%+v", r)
			}
		}},
		{"adopted: no token, to be refreshed at once", 14 * minute, []event{next, passed{}, nextAdopted{"a", "K2"}}, func(t *testing.T, s state, r *record) {
			if r.Key.PublicKey != "K2" || r.Token != nil || !refreshDue(*r, 16*minute) || r.Key.Expires != 29*minute {
				t.Errorf("%+v", r)
			}
		}},
		{"given up for good: time decides", 14 * minute, []event{next, nextDropped{"a", "K2", false, false}, passed{}}, func(t *testing.T, s state, r *record) {
			if r.Ended == nil || r.Ended.Reason != Clock || !slices.Equal(leavingNames(s), []string{"K2", "K1"}) || r.Token != nil {
				t.Errorf("%+v, leaving %+v", r, s.Leaving)
			}
		}},
		{"over before the start", 16 * minute, []event{passed{opened: 16 * minute}}, func(t *testing.T, s state, r *record) {
			if r.Ended == nil || r.Ended.Reason != Startup {
				t.Errorf("%+v", r.Ended)
			}
		}},
		{"a rejected key ends it", minute, []event{refused{"a", "K1", Rejected}}, func(t *testing.T, s state, r *record) {
			if r.Ended == nil || r.Ended.Reason != Rejected || s.Leaving[0].OrganizationID != "" {
				t.Errorf("%+v, leaving %+v", r.Ended, s.Leaving)
			}
		}},
		{"a rejected key that was replaced ends nothing", 12 * minute, []event{next, swap, refused{"a", "K1", Rejected}}, func(t *testing.T, s state, r *record) {
			if r.Ended != nil {
				t.Errorf("%+v", r.Ended)
			}
		}},
		{"a rejected key with a next one waits for that", 12 * minute, []event{next, refused{"a", "K1", Rejected}}, func(t *testing.T, s state, r *record) {
			if r.Ended != nil || r.standing(13*minute) != unsure {
				t.Errorf("%+v", r)
			}
		}},
		{"log-out takes every key", 12 * minute, []event{next, swap, nextNamed{"a", "K2", "K3", "keychain"}, loggedOut{"a"}}, func(t *testing.T, s state, r *record) {
			if r.Ended.Reason != LoggedOut || r.Token != nil || r.Next != nil || r.Retiring != nil {
				t.Errorf("%+v", r)
			}
			if !slices.Equal(leavingNames(s), []string{"K2", "K1", "K3"}) || s.Leaving[0].Unsure || !s.Leaving[2].Unsure || s.Leaving[2].OrganizationID != "org" {
				t.Errorf("leaving %+v", s.Leaving)
			}
		}},
		{"gone here, not there: later", minute, []event{loggedOut{"a"}, departed{"K1", false}}, func(t *testing.T, s state, r *record) {
			if len(s.Leaving) != 0 || len(s.Later) != 1 || s.Later[0].Ends != 15*minute || r.Ended.Revoked {
				t.Errorf("later %+v, ended %+v", s.Later, r.Ended)
			}
		}},
		{"gone here and there", minute, []event{loggedOut{"a"}, departed{"K1", true}}, func(t *testing.T, s state, r *record) {
			if len(s.Leaving) != 0 || len(s.Later) != 0 || !r.Ended.Revoked {
				t.Errorf("later %+v, ended %+v", s.Later, r.Ended)
			}
		}},
		{"another process struck it out first", minute, []event{loggedOut{"a"}, departed{"K1", false}, departed{"K1", true}}, func(t *testing.T, s state, r *record) {
			if len(s.Later) != 0 || !r.Ended.Revoked {
				t.Errorf("later %+v, ended %+v", s.Later, r.Ended)
			}
		}},
		{"what waits for later ends by itself", minute, []event{loggedOut{"a"}, departed{"K1", false}, passed{}}, func(t *testing.T, s state, r *record) {
			if got := after(t, s, 15*minute, passed{}); len(got.Later) != 0 {
				t.Errorf("later %+v", got.Later)
			}
		}},
		{"dismissed", minute, []event{loggedOut{"a"}, dismissed{"a"}}, func(t *testing.T, s state, r *record) {
			if r != nil || s.Active != "" || len(s.Leaving) != 1 {
				t.Errorf("%+v", s)
			}
		}},
		{"a living session cannot be dismissed", minute, []event{dismissed{"a"}}, func(t *testing.T, s state, r *record) {
			if r == nil || s.Active != "a" {
				t.Errorf("%+v", s)
			}
		}},
		{"an ended session is remembered for a week", minute, []event{loggedOut{"a"}, departed{"K1", true}}, func(t *testing.T, s state, r *record) {
			s = after(t, s, at(time.UnixMilli(0).Add(8*24*time.Hour)), passed{})
			if len(s.Sessions) != 0 || s.Active != "" {
				t.Errorf("%+v", s)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := after(t, someone(), c.from, c.events...)
			c.check(t, s, s.session("a"))
		})
	}
}

func TestALogInSwapsKeyAndAttemptForASessionInOneStep(t *testing.T) {
	s := after(t, someone(), minute,
		keyNamed{"P", "keychain", "login"},
		attemptPut{attempt{ID: "x", Method: "otp", PublicKey: "P"}},
		stored{record: record{ID: "b", OrganizationID: "org2", UserID: "u2", LengthSeconds: 60, Key: key{PublicKey: "P", Expires: 9 * minute}}, attempt: "x"})
	r := s.session("b")
	if len(s.Pending) != 0 || len(s.Attempts) != 0 || r.Key.Backend != "keychain" || r.Key.Expires != 9*minute {
		t.Errorf("%+v", s)
	}
	if s.Active != "a" {
		t.Errorf("storing made %q active unasked", s.Active)
	}
	if _, err := reduce(s, stored{record: record{ID: "c", Key: key{PublicKey: "P"}}}, minute); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("a key that is not pending: %v", err)
	}
	s = after(t, s, 2*minute, keyNamed{"Q", "keychain", "login"},
		stored{record: record{ID: "c", OrganizationID: "org", UserID: "user", Key: key{PublicKey: "Q", Expires: 9 * minute}}, active: true, replace: "a"})
	if s.Active != "c" || s.session("a") != nil || !slices.Contains(leavingNames(s), "K1") || s.session("b").Ended != nil {
		t.Errorf("replaced: %+v", s)
	}
}

func TestAnAttemptTakesItsKeyAlong(t *testing.T) {
	begun := []event{keyNamed{"P", "keychain", "login"}, attemptPut{attempt{ID: "x", PublicKey: "P"}}}
	s := after(t, state{}, 0, append(begun, attemptDropped{"x"})...)
	if len(s.Pending) != 0 || !slices.Equal(leavingNames(s), []string{"P"}) || s.Leaving[0].OrganizationID != "" {
		t.Errorf("dropped: %+v", s)
	}
	s = after(t, state{}, 0, append(begun, keyNamed{"Q", "keychain", "login"}, attemptPut{attempt{ID: "x", PublicKey: "Q"}})...)
	if len(s.Attempts) != 1 || s.Attempts[0].Made != minute || !slices.Equal(leavingNames(s), []string{"P"}) {
		t.Errorf("resent: %+v", s)
	}
	s = after(t, state{}, 0, append(begun, attemptPut{attempt{ID: "x", PublicKey: "P", OrganizationID: "org", KeyEnds: 20 * minute}}, attemptDropped{"x"})...)
	if k := s.Leaving[0]; k.OrganizationID != "org" || !k.Unsure || k.Expires != 20*minute {
		t.Errorf("dropped after its log-in was sent: %+v", s)
	}
	s = after(t, state{}, 0, append(begun, passed{})...)
	if s = after(t, s, 61*minute, passed{}); len(s.Attempts)+len(s.Pending) != 0 || len(s.Leaving) != 1 {
		t.Errorf("an hour later: %+v", s)
	}
	if _, err := reduce(state{}, attemptDropped{"x"}, 0); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("dropping nothing: %v", err)
	}
}

// in reaches what is in the stores named.
func in(backends ...string) func(key) bool {
	return func(k key) bool { return slices.Contains(backends, k.Backend) }
}

func TestPlanRepairs(t *testing.T) {
	base := after(t, someone(), 12*minute, nextNamed{"a", "K1", "K2", "keychain"}, swapped{"a", "K2", 30 * minute, nil, kind{}})
	for _, c := range []struct {
		name string
		s    state
		now  instant
		want []task
	}{
		{"nothing to do", someone(), minute, nil},
		{"due", someone(), 13 * minute, []task{{kind: taskRefresh, session: "a"}}},
		{"over", someone(), 15 * minute, nil},
		{"a next key was left", after(t, someone(), 12*minute, nextNamed{"a", "K1", "K2", "keychain"}), 12 * minute, []task{{kind: taskRefresh, session: "a"}}},
		{"a retiring key, too soon", base, 14*minute - 1, nil},
		{"a retiring key", base, 14 * minute, []task{{taskRetire, "a", "K1"}}},
		{"a retiring key, after the clock went back", base, 2 * minute, []task{{kind: taskRefresh, session: "a"}, {taskRetire, "a", "K1"}}},
		{"a leaving key", after(t, someone(), minute, loggedOut{"a"}), minute, []task{{kind: taskDepart, publicKey: "K1"}}},
		{"a key for later, and nobody to do it", after(t, someone(), minute, loggedOut{"a"}, departed{"K1", false}), 2 * minute, nil},
		{"a key for later", after(t, someone(), minute, loggedOut{"a"}, departed{"K1", false}, keyNamed{"P", "keychain", ""},
			stored{record: record{ID: "b", OrganizationID: "org", UserID: "user", Key: key{PublicKey: "P", Expires: 20 * minute}}}), 5 * minute, []task{{taskRevoke, "b", "K1"}}},
		{"a key for later, another user", after(t, someone(), minute, loggedOut{"a"}, departed{"K1", false}, keyNamed{"P", "keychain", ""},
			stored{record: record{ID: "b", OrganizationID: "org", UserID: "other", Key: key{PublicKey: "P", Expires: 20 * minute}}}), 5 * minute, nil},
	} {
		if got := plan(c.s, in("keychain"), c.now); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	if got := plan(after(t, someone(), 12*minute, nextNamed{"a", "K1", "K2", "keychain"}), in("memory"), 14*minute); got != nil {
		t.Errorf("keys of another store: %+v", got)
	}
}

func TestChangesSpeakInOrder(t *testing.T) {
	types := func(events []Event) (list []EventType) {
		for _, e := range events {
			list = append(list, e.Type)
		}
		return list
	}
	started := after(t, someone(), 12*minute, nextNamed{"a", "K1", "K2", "keychain"})
	done := after(t, started, 13*minute, swapped{"a", "K2", 30 * minute, nil, kind{}})
	left := after(t, done, 14*minute, loggedOut{"a"})
	for _, c := range []struct {
		name          string
		before, after state
		want          []EventType
	}{
		{"nothing", done, done, nil},
		{"started", someone(), started, []EventType{RefreshStarted}},
		{"refreshed", started, done, []EventType{Refreshed}},
		{"refreshed by another, seen late", someone(), done, []EventType{Refreshed}},
		{"cleared", done, left, []EventType{Cleared}},
		{"cleared and dismissed by another, seen late", done, after(t, left, 15*minute, dismissed{"a"}), []EventType{Cleared}},
		{"expired", someone(), after(t, someone(), 15*minute, passed{}), []EventType{Expired}},
		{"rejected", someone(), after(t, someone(), minute, refused{"a", "K1", Rejected}), []EventType{Expired}},
		{"stored and selected", state{}, someone(), []EventType{SessionStored, SessionSelected}},
		{"a key for a log-in", state{}, after(t, state{}, 0, keyNamed{"P", "keychain", ""}), []EventType{KeyCreated}},
	} {
		if got := types(changes(c.before, c.after, 0)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// held counts the keys whose private half may exist.
func held(s state) map[string]int {
	n := map[string]int{}
	for _, r := range s.Sessions {
		if r.Ended == nil {
			n[r.Key.PublicKey]++
		}
		if r.Next != nil {
			n[r.Next.PublicKey]++
		}
		for _, k := range r.Retiring {
			n[k.PublicKey]++
		}
	}
	for _, k := range s.Pending {
		n[k.PublicKey]++
	}
	for _, k := range s.Leaving {
		n[k.PublicKey]++
	}
	return n
}

// TestNoEventLosesAKeyOrASession walks at random through everything that can happen.
func TestNoEventLosesAKeyOrASession(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now, serial := state{Version: 1}, instant(1_800_000_000_000), 0
		fresh := func(prefix string) string { serial++; return fmt.Sprint(prefix, serial) }
		pick := func(names []string) string {
			if len(names) == 0 {
				return "none"
			}
			slices.Sort(names)
			return rapid.SampledFrom(names).Draw(t, "which")
		}
		ids := func(want func(record) bool) (list []string) {
			for _, r := range s.Sessions {
				if want(r) {
					list = append(list, r.ID)
				}
			}
			return list
		}
		any := func(record) bool { return true }
		withNext := func(r record) bool { return r.Next != nil }
		draw := map[string]func() event{
			"keyNamed": func() event { return keyNamed{fresh("P"), "keychain", "login"} },
			"unmade": func() event {
				var names []string
				for _, k := range s.Pending {
					if !slices.ContainsFunc(s.Attempts, func(a attempt) bool { return a.PublicKey == k.PublicKey }) {
						names = append(names, k.PublicKey)
					}
				}
				return keyUnmade{pick(names)}
			},
			"attempt": func() event {
				a := attempt{ID: fresh("x")}
				if len(s.Attempts) > 0 && rapid.Bool().Draw(t, "again") {
					a.ID = s.Attempts[0].ID
				}
				if len(s.Pending) > 0 {
					a.PublicKey = s.Pending[len(s.Pending)-1].PublicKey
				}
				if rapid.Bool().Draw(t, "sent") {
					a.OrganizationID, a.KeyEnds = "org", now+15*minute
				}
				return attemptPut{a}
			},
			"dropped": func() event {
				var names []string
				for _, a := range s.Attempts {
					names = append(names, a.ID)
				}
				return attemptDropped{pick(names)}
			},
			"stored": func() event {
				var names []string
				for _, k := range s.Pending {
					names = append(names, k.PublicKey)
				}
				return stored{record: record{ID: fresh("s"), OrganizationID: "org", UserID: pick([]string{"u", "v"}), LengthSeconds: 900,
					Key: key{PublicKey: pick(names), Expires: now + instant(rapid.IntRange(1, 30).Draw(t, "minutes"))*minute}},
					active: rapid.Bool().Draw(t, "active"), replace: pick(append(ids(any), ""))}
			},
			"next": func() event {
				id := pick(ids(any))
				current := ""
				if r := s.session(id); r != nil {
					current = r.Key.PublicKey
				}
				return nextNamed{id, current, fresh("N"), pick([]string{"keychain", "tpm"})} // in the other store: a move
			},
			"swap": func() event {
				id := pick(ids(withNext))
				name := ""
				if r := s.session(id); r != nil {
					name = r.Next.PublicKey
				}
				return swapped{id, name, now + 15*minute, []byte("token"), kind{}}
			},
			"adopt": func() event {
				id := pick(ids(withNext))
				name := ""
				if r := s.session(id); r != nil {
					name = r.Next.PublicKey
				}
				return nextAdopted{id, name}
			},
			"dropNext": func() event {
				id := pick(ids(withNext))
				name := ""
				if r := s.session(id); r != nil {
					name = r.Next.PublicKey
				}
				return nextDropped{id, name, rapid.Bool().Draw(t, "registered"), rapid.Bool().Draw(t, "unsure")}
			},
			"revoked": func() event { return keyRevoked{pick(s.names())} },
			"refused": func() event {
				id := pick(ids(any))
				r := s.session(id)
				if r == nil {
					return refused{id, "", Rejected}
				}
				names := []string{r.Key.PublicKey}
				for _, k := range r.Retiring {
					names = append(names, k.PublicKey)
				}
				return refused{id, pick(names), Rejected}
			},
			"logout":     func() event { return loggedOut{pick(ids(any))} },
			"logoutAll":  func() event { return allLoggedOut{} },
			"everywhere": func() event { return userLoggedOut{pick(ids(any))} },
			"rename":     func() event { return renamed{pick(ids(any)), pick([]string{"one", "two", "three"})} },
			"length": func() event {
				return lengthSet{pick(ids(any)), int64(rapid.IntRange(30, 3600).Draw(t, "seconds"))}
			},
			"forget": func() event { return endedForgotten{} },
			"lost": func() event {
				id := pick(ids(any))
				if r := s.session(id); r != nil {
					return keyLost{id, r.Key.PublicKey}
				}
				return keyLost{id, ""}
			},
			"departed": func() event { return departed{pick(leavingNames(s)), rapid.Bool().Draw(t, "known")} },
			"select":   func() event { return selected{pick(ids(any))} },
			"dismiss":  func() event { return dismissed{pick(ids(any))} },
			"passed": func() event {
				now += instant(rapid.IntRange(0, 20).Draw(t, "pass")) * minute
				return passed{}
			},
		}
		kinds := slices.Sorted(maps.Keys(draw))
		// Often enough that several sessions live beside each other, and are refreshed.
		kinds = append(kinds, "keyNamed", "keyNamed", "keyNamed", "stored", "stored", "stored", "stored", "next", "next", "swap", "swap", "departed")
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			e := draw[rapid.SampledFrom(kinds).Draw(t, "event")]()
			before := s.clone()
			next, err := reduce(s, e, now)
			if !reflect.DeepEqual(s, before) {
				t.Fatalf("%T changed the state it was given", e)
			}
			if err != nil {
				if errors.Is(err, fault.Corrupt) {
					t.Fatal(err)
				}
				continue
			}
			s = next
			keys := held(s)
			for name, n := range keys {
				if n != 1 {
					t.Fatalf("%T: %s is held %d times", e, name, n)
				}
			}
			gone, _ := e.(departed)
			for name := range held(before) {
				if keys[name] == 0 && name != gone.publicKey {
					t.Fatalf("%T lost the key %s", e, name)
				}
			}
			if gone.publicKey != "" && !gone.revoked { // deleted here, perhaps alive there: still on a list
				for _, k := range before.Leaving {
					if k.PublicKey == gone.publicKey && k.OrganizationID != "" && k.Expires > now && !slices.Contains(s.names(), k.PublicKey) {
						t.Fatalf("%s may be alive at the service, and nobody remembers it", k.PublicKey)
					}
				}
			}
			checkSessions(t, before, s, e, now)
			checkLabels(t, s)
			for _, task := range plan(s, in("keychain"), now) {
				if r := s.session(task.session); r != nil && r.Key.Backend != "keychain" {
					t.Fatalf("%T: plan %+v needs a key that is out of reach", e, task)
				}
				if r := s.session(task.session); task.kind == taskDepart && slices.ContainsFunc(s.Sessions, func(r record) bool {
					return r.Ended == nil && r.Key.PublicKey == task.publicKey
				}) || r != nil && r.Ended != nil {
					t.Fatalf("%T: plan %+v touches what lives or uses what ended", e, task)
				}
			}
			again, err := decode(s.encode())
			if err != nil || !again.same(s) {
				t.Fatalf("%T: the file reads otherwise than it was written: %v", e, err)
			}
		}
	})
}

// checkLabels: no two live sessions are called alike.
func checkLabels(t *rapid.T, s state) {
	seen := map[string]bool{}
	for _, r := range s.Sessions {
		if r.Ended == nil && seen[r.Label] {
			t.Fatalf("two live sessions are called %q", r.Label)
		}
		seen[r.Label] = seen[r.Label] || r.Ended == nil
	}
}

func checkSessions(t *rapid.T, before, s state, e event, now instant) {
	touched := ""
	switch e := e.(type) {
	case nextNamed:
		touched = e.id
	case swapped:
		touched = e.id
	case nextAdopted:
		touched = e.id
	case nextDropped:
		touched = e.id
	case refused:
		touched = e.id
	case loggedOut:
		touched = e.id
	case dismissed:
		touched = e.id
	case renamed:
		touched = e.id
	case lengthSet:
		touched = e.id
	case keyLost:
		touched = e.id
	}
	for _, old := range before.Sessions {
		r := s.session(old.ID)
		if r == nil {
			ok := old.Ended != nil || touched == old.ID && old.standing(now) != good // dismissed
			if q, is := e.(stored); is {
				ok = ok || q.replace == old.ID || q.record.UserID == old.UserID && old.standing(now) != good
			}
			if _, is := e.(endedForgotten); is {
				ok = old.Ended != nil
			}
			if !ok {
				t.Fatalf("%T lost the session %s", e, old.ID)
			}
			continue
		}
		if touched != "" && r.ID != touched && !reflect.DeepEqual(*r, old) {
			t.Fatalf("%T of %s touched %s", e, touched, r.ID)
		}
		if r.Ended != nil && old.Ended == nil {
			ok := false
			switch q := e.(type) {
			case passed:
				ok = old.standing(now) == over && r.Ended.Reason == Clock
			case refused:
				ok = q.publicKey == old.Key.PublicKey && (old.Next == nil || old.Next.Expires <= now) && r.Ended.Reason == Rejected
			case loggedOut, allLoggedOut:
				ok = r.Ended.Reason == LoggedOut
			case userLoggedOut:
				ok = r.Ended.Reason == LoggedOut && before.session(q.id).UserID == old.UserID
			case keyLost:
				ok = r.Ended.Reason == Startup
			case stored:
				ok = q.replace == old.ID && r.Ended.Reason == Replaced
			}
			if !ok {
				t.Fatalf("%T ended %s for %q", e, r.ID, r.Ended.Reason)
			}
		}
		if r.Ended != nil && (r.Token != nil || r.Next != nil || len(r.Retiring) > 0) {
			t.Fatalf("%T left %+v", e, r)
		}
	}
	if s.Active != before.Active {
		switch e.(type) {
		case stored, selected, dismissed, passed, endedForgotten:
		default:
			t.Fatalf("%T changed the active session", e)
		}
	}
}
