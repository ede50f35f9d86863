package backend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/fault"
)

// kind is a state under test: how to open one, how long a span of its tests is, and how time passes.
type kind struct {
	open func(t *testing.T, rate int) *state
	span time.Duration
	pass func(d time.Duration)
	// others opens another replica's view of the same state; nil where there is none.
	other func(t *testing.T, rate int) *state
}

// The memory of a process and Redis are held to the same, word by word.
func TestStates(t *testing.T) {
	w := &wall{at: time.Unix(1000, 0)}
	t.Run("memory", func(t *testing.T) {
		testState(t, kind{
			open: func(_ *testing.T, rate int) *state { return inMemory(w.now, rate) },
			span: time.Minute,
			pass: func(d time.Duration) { w.at = w.at.Add(d) },
		})
	})
	t.Run("Redis", func(t *testing.T) {
		server := StartRedis(t)
		open := func(t *testing.T, rate int) *state { return openShared(t, server, t.Name(), 0, rate) }
		testState(t, kind{open: open, other: open, span: 4 * time.Second, pass: time.Sleep})
	})
}

// openShared opens a replica's state in a Redis. Those of one world share it.
func openShared(t testing.TB, server *RedisServer, world string, copies, rate int) *state {
	t.Helper()
	hash := func(purpose, value string) string {
		sum := sha256.Sum256([]byte("salt\x00" + purpose + "\x00" + value))
		return hex.EncodeToString(sum[:16])
	}
	s, err := inRedis(Config{OrganizationID: world, RedisURL: server.URL(), RedisCopies: copies, APIRate: rate}, hash, time.Minute) // a busy machine's Redis is slow, and not away
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.close() })
	return s
}

func testState(t *testing.T, k kind) {
	for _, part := range []struct {
		name string
		test func(*testing.T, kind)
	}{
		{"limits are exact in every span", limitsAreExact},
		{"all quotas or none", allQuotasOrNone},
		{"limits hold in parallel", limitsHoldInParallel},
		{"tries", triesAreCounted},
		{"tries in parallel", triesInParallel},
		{"records", recordsEnd},
		{"marks", marksEnd},
		{"turns", turnsAreOneAtATime},
		{"a turn that is not got", whoGivesUpLosesHisPlaceAlone},
		{"the API's rate", rateHolds},
	} {
		t.Run(part.name, func(t *testing.T) {
			if k.other != nil { // there time really passes
				t.Parallel()
			}
			part.test(t, k)
		})
	}
}

func limitsAreExact(t *testing.T, k kind) {
	l := k.open(t, 0).limits
	q := quota{"k", 3, k.span, fault.OTPLimited}
	var allowed []time.Time
	now := time.Now()
	if k.other == nil {
		now = time.Time{}
	}
	clock := func() time.Time {
		if k.other == nil {
			return now
		}
		return time.Now()
	}
	pass := func(d time.Duration) { now = now.Add(d); k.pass(d) }
	rounds := 40
	if k.other != nil {
		rounds = 20
	}
	for range rounds {
		before := clock()
		err := l.take(t.Context(), q)
		switch e, limited := errors.AsType[*fault.Error](err); {
		case err == nil:
			allowed = append(allowed, before)
		case !limited || e.Kind != fault.Limited || e.Code != fault.OTPLimited || e.RetryAfter <= 0 || e.RetryAfter > k.span:
			t.Fatalf("%+v", err)
		}
		pass(k.span / 9)
	}
	for i := 3; i < len(allowed); i++ { // noted before each was asked for, so what lies between two may be a little more
		if d := allowed[i].Sub(allowed[i-3]); d < k.span-k.span/20 {
			t.Errorf("four within %v of %v", d, k.span)
		}
	}
	if len(allowed) < 6 {
		t.Errorf("only %d of %d allowed", len(allowed), rounds)
	}

	// The wait that is told is true: one more is allowed after it.
	q.key = "wait"
	for range 3 {
		if err := l.take(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		pass(k.span / 10)
	}
	e, _ := errors.AsType[*fault.Error](l.take(t.Context(), q))
	if e == nil {
		t.Fatal("a fourth")
	}
	if k.other == nil {
		pass(e.RetryAfter - time.Nanosecond)
		if l.take(t.Context(), q) == nil {
			t.Error("allowed too early")
		}
		pass(time.Nanosecond)
	} else {
		pass(e.RetryAfter + k.span/10) // what one remembers oneself ends a moment later than Redis's
	}
	if err := l.take(t.Context(), q); err != nil {
		t.Error(err)
	}

	for range 100 { // a limit can be switched off
		if err := l.take(t.Context(), quota{"off", -1, k.span, fault.OTPLimited}); err != nil {
			t.Fatal(err)
		}
	}
}

func allQuotasOrNone(t *testing.T, k kind) {
	l := k.open(t, 0).limits
	wide, narrow := quota{"wide", 3, time.Hour, fault.BackendBusy}, quota{"narrow", 1, time.Hour, fault.OTPLimited}
	if err := l.take(t.Context(), wide, narrow); err != nil {
		t.Fatal(err)
	}
	for range 5 { // of which none counts
		if err := l.take(t.Context(), wide, narrow); fault.CodeOf(err) != fault.OTPLimited {
			t.Fatal(err)
		}
		if err := l.room(t.Context(), wide); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := l.take(t.Context(), wide); err != nil {
			t.Error(err)
		}
	}
	if err := l.room(t.Context(), wide); fault.CodeOf(err) != fault.BackendBusy {
		t.Error(err)
	}
	longer := narrow
	longer.span *= 2 // the same key under another span is another count
	if err := l.take(t.Context(), longer); err != nil {
		t.Error(err)
	}
}

func limitsHoldInParallel(t *testing.T, k kind) {
	replicas := []*state{k.open(t, 0)}
	if k.other != nil {
		replicas = append(replicas, k.other(t, 0), k.other(t, 0))
	}
	var got atomic.Int32
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			err := replicas[i%len(replicas)].limits.take(t.Context(), quota{"p", 7, time.Hour, fault.OTPLimited})
			switch {
			case err == nil:
				got.Add(1)
			case fault.CodeOf(err) != fault.OTPLimited:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got.Load() != 7 {
		t.Errorf("%d of 60 allowed, want 7", got.Load())
	}
}

func triesAreCounted(t *testing.T, k kind) {
	s := k.open(t, 0)
	if _, known, err := s.attempts.spend(t.Context(), "never", true); err != nil || known {
		t.Errorf("known %v, %v", known, err)
	}
	if err := s.attempts.begin(t.Context(), "id", attempt{encrypted: true, contact: "c"}); err != nil {
		t.Fatal(err)
	}
	spend := func(encrypted bool) attempt {
		t.Helper()
		a, known, err := s.attempts.spend(t.Context(), "id", encrypted)
		if err != nil || !known || !a.encrypted || a.contact != "c" || a.over {
			t.Fatalf("%+v %v %v", a, known, err)
		}
		return a
	}
	if a := spend(true); a.tries != 1 {
		t.Error(a.tries)
	}
	spend(false) // the other generation does not count
	if a := spend(true); a.tries != 2 {
		t.Error(a.tries)
	}
	if err := s.attempts.refund(t.Context(), "id"); err != nil {
		t.Fatal(err)
	}
	for want := 2; want <= 5; want++ {
		if a := spend(true); a.tries != min(want, triesMax+1) {
			t.Errorf("%d, want %d", a.tries, want)
		}
	}
	if err := s.attempts.finish(t.Context(), "id"); err != nil {
		t.Fatal(err)
	}
	if _, known, err := s.attempts.spend(t.Context(), "id", true); err != nil || known {
		t.Errorf("known %v after its end, %v", known, err)
	}
	if err := s.attempts.refund(t.Context(), "id"); err != nil { // comes too late, and brings nothing back
		t.Error(err)
	}
	if _, known, _ := s.attempts.spend(t.Context(), "id", true); known {
		t.Error("a refund has made an attempt")
	}
}

func triesInParallel(t *testing.T, k kind) {
	replicas := []*state{k.open(t, 0)}
	if k.other != nil {
		replicas = append(replicas, k.other(t, 0), k.other(t, 0))
	}
	for i := range 10 {
		id := fmt.Sprint("id", i)
		if err := replicas[0].attempts.begin(t.Context(), id, attempt{}); err != nil {
			t.Fatal(err)
		}
		var taken atomic.Int32
		var wg sync.WaitGroup
		for j := range 20 {
			wg.Go(func() {
				a, known, err := replicas[j%len(replicas)].attempts.spend(t.Context(), id, false)
				if err != nil || !known {
					t.Errorf("%v %v", known, err)
				}
				if a.tries <= triesMax {
					taken.Add(1)
				}
			})
		}
		wg.Wait()
		if taken.Load() != triesMax {
			t.Fatalf("%d tries at one code", taken.Load())
		}
	}
}

func recordsEnd(t *testing.T, k kind) {
	s := k.open(t, 0).signUps
	want := signUp{body: "b", name: "n", made: made{OrganizationID: "o", UserID: "u", Wallet: &wallet{"w", []string{"0x1"}}}}
	if err := s.put(t.Context(), "slot", want, time.Hour); err != nil {
		t.Fatal(err)
	}
	got, ok, err := s.get(t.Context(), "slot")
	if err != nil || !ok || got.body != "b" || got.name != "n" || got.made.OrganizationID != "o" || got.made.UserID != "u" || got.made.Wallet == nil || got.made.Wallet.Addresses[0] != "0x1" {
		t.Fatalf("%+v %v %v", got, ok, err)
	}
	if err := s.put(t.Context(), "slot", signUp{body: "other"}, k.span); err != nil {
		t.Fatal(err)
	}
	if got, ok, _ := s.get(t.Context(), "slot"); !ok || got.body != "other" {
		t.Errorf("%+v %v", got, ok)
	}
	k.pass(k.span + k.span/10)
	if got, ok, err := s.get(t.Context(), "slot"); ok || err != nil {
		t.Errorf("%+v after its time, %v", got, err)
	}
	if err := s.put(t.Context(), "slot", want, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.drop(t.Context(), "slot"); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.get(t.Context(), "slot"); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
}

func marksEnd(t *testing.T, k kind) {
	m := k.open(t, 0).familiar
	if ok, err := m.marked(t.Context(), "m"); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	if err := m.mark(t.Context(), "m", k.span); err != nil {
		t.Fatal(err)
	}
	if ok, err := m.marked(t.Context(), "m"); !ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	k.pass(k.span + k.span/10)
	if ok, err := m.marked(t.Context(), "m"); ok || err != nil {
		t.Errorf("%v after its time, %v", ok, err)
	}
}

func turnsAreOneAtATime(t *testing.T, k kind) {
	replicas := []*state{k.open(t, 0)}
	if k.other != nil {
		replicas = append(replicas, k.other(t, 0), k.other(t, 0))
	}
	var inside [2]atomic.Int32
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			turn, err := replicas[i%len(replicas)].joining.take(t.Context(), fmt.Sprint("name", i%2))
			if err != nil {
				t.Error(err)
				return
			}
			defer turn.done()
			if n := inside[i%2].Add(1); n != 1 {
				t.Errorf("%d at once", n)
			}
			if err := turn.still(t.Context()); err != nil {
				t.Error(err)
			}
			inside[i%2].Add(-1)
		})
	}
	wg.Wait()
}

func whoGivesUpLosesHisPlaceAlone(t *testing.T, k kind) {
	s := k.open(t, 0)
	other := s
	if k.other != nil {
		other = k.other(t, 0)
	}
	turn, err := s.joining.take(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := other.joining.take(ctx, "a"); fault.CodeOf(err) != fault.BackendBusy && fault.CodeOf(err) != fault.BackendState {
		t.Fatalf("two in one turn: %v", err)
	}
	turn.done()
	if turn, err = other.joining.take(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	turn.done()
}

// Log-ins are booked ahead, each a second after the one before; what is not a log-in finds nothing left meanwhile.
func rateHolds(t *testing.T, k kind) {
	const rate = 1
	s := k.open(t, rate)
	other := s
	if k.other != nil {
		other = k.other(t, rate)
	}
	if wait, booked, err := s.outbound.book(t.Context(), false); err != nil || !booked || wait > 0 {
		t.Fatalf("the first: %v %v %v", wait, booked, err)
	}
	began := time.Now()
	for i := range 3 {
		wait, booked, err := other.outbound.book(t.Context(), true)
		most := time.Duration(i+1) * time.Second
		if err != nil || !booked || wait > most || k.other == nil && wait != most || i == 2 && wait == 0 && time.Since(began) < 2*time.Second {
			t.Fatalf("log-in %d: %v %v %v", i, wait, booked, err)
		}
	}
	if wait, booked, err := s.outbound.book(t.Context(), false); err != nil || (booked || wait <= 0) && time.Since(began) < 2*time.Second {
		t.Errorf("what is no log-in was let in before them: %v %v %v", wait, booked, err)
	}
	refused := false
	for range 1000 {
		_, booked, err := s.outbound.book(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		if refused = !booked; refused {
			break
		}
	}
	if !refused {
		t.Error("booked ahead without end")
	}
}
