package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/session/sessiontest"
	"latchkey/internal/store"
)

// campaign returns how much to do: little in make test, and the whole promise when LATCHKEY_CAMPAIGN is set.
func campaign(short, long int) int {
	if os.Getenv("LATCHKEY_CAMPAIGN") != "" {
		return long
	}
	return short
}

// seed returns the seed of a random test: LATCHKEY_SEED, or a new one that is logged.
func seed(t testing.TB) *rand.Rand {
	t.Helper()
	n, err := strconv.ParseUint(os.Getenv("LATCHKEY_SEED"), 10, 64)
	if err != nil {
		n = rand.Uint64()
	}
	t.Logf("LATCHKEY_SEED=%d", n)
	return rand.New(rand.NewPCG(n, 1))
}

// wall is a wall clock inside a synctest bubble: it runs with the bubble's time and jumps at will, as it does when a
// laptop sleeps, which timers do not notice.
type wall struct {
	mu     sync.Mutex
	offset time.Duration
}

func (w *wall) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.offset)
}

func (w *wall) jump(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offset += d
}

// running is a Manager that runs in a bubble.
type running struct {
	*Manager
	vendor *sessiontest.Vendor
	client sessiontest.Client
	wall   *wall
	stop   func()
}

func run(t *testing.T, keys keystore.Store, change ...func(*running)) *running {
	t.Helper()
	dir, err := store.Open(filepath.Join(sessiontest.Folder(t), "state"))
	if err != nil {
		t.Fatal(err)
	}
	w := &wall{}
	v := sessiontest.NewVendor(w.Now)
	r := &running{vendor: v, client: sessiontest.Client{Vendor: v}, wall: w}
	r.Manager = manage(dir, keys, r.client, w.Now)
	for _, f := range change {
		f(r)
	}
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	}
	return r
}

// pass lets bubble time go by, and everything that follows from it happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestRunRefreshesBeforeTheEndForAsLongAsItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, keystore.NewMemory())
		defer r.stop()
		s, err := logIn(t.Context(), r.Manager, r.client, 15*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 * 60 {
			pass(time.Minute)
			now, ok := r.Active()
			if !ok || now.ID != s.ID {
				t.Fatalf("not authenticated: %+v", now)
			}
			if left := now.Expires.Sub(r.wall.Now()); left < 2*time.Minute {
				t.Fatalf("only %s left", left)
			}
		}
		// Four hours in windows of twelve minutes, at most a tenth of the margin earlier.
		if n := r.vendor.Count(sessiontest.OpStamp); n < 19 || n > 21 {
			t.Errorf("%d refreshes in four hours", n)
		}
		if n := len(r.vendor.Live()); n > 2 {
			t.Errorf("%d keys live", n)
		}
	})
}

func TestRunHasNoTightLoopForAShortSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, keystore.NewMemory())
		defer r.stop()
		if _, err := logIn(t.Context(), r.Manager, r.client, 30*time.Second); err != nil {
			t.Fatal(err)
		}
		var asked []time.Time
		r.vendor.Before.Set(func(q sessiontest.Request) error {
			if q.Op == sessiontest.OpStamp {
				asked = append(asked, time.Now())
			}
			return nil
		})
		pass(10 * time.Minute)
		shortest := time.Hour
		for i := range len(asked) - 1 {
			shortest = min(shortest, asked[i+1].Sub(asked[i]))
		}
		n := r.vendor.Count(sessiontest.OpStamp)
		t.Logf("a 30-second session, ten minutes: %d refreshes, at least %s apart", n, shortest)
		if n < 30 || n > 40 || n != len(asked) || shortest < 15*time.Second {
			t.Errorf("%d refreshes in ten minutes, %d tries, the shortest pause %s", n, len(asked), shortest)
		}
		if n := r.vendor.Most(); n > 2 {
			t.Errorf("%d keys at one time", n)
		}
		if r.State() != Authenticated {
			t.Error("lost")
		}
	})
}

func TestRunKeepsLookingAtTheClockWhileTheServiceHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, keystore.NewMemory(), func(r *running) {
			r.Refresh = func(ctx context.Context, _ Session, _ keystore.Signer, _ string) (string, error) {
				<-ctx.Done()
				return "", ctx.Err()
			}
		})
		defer r.stop()
		s, err := logIn(t.Context(), r.Manager, r.client, 15*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		events, cancel := r.Subscribe()
		defer cancel()
		seen := map[EventType]time.Time{}
		pass(13 * time.Minute)
		r.vendor.Before.Set(failing(sessiontest.OpWhoami, errLost))
		for range 3 * 60 / 5 {
			pass(5 * time.Second)
			for len(events) > 0 {
				e := <-events
				if _, ok := seen[e.Type]; !ok {
					seen[e.Type] = r.wall.Now()
				}
			}
		}
		if at := seen[Expired]; at.Sub(s.Expires) > 6*time.Second || at.Before(s.Expires) {
			t.Errorf("told of the end %s after it", at.Sub(s.Expires))
		}
		if at, ok := seen[Expiring]; !ok || s.Expires.Sub(at) > expiringAhead {
			t.Errorf("announced %s ahead, %v", s.Expires.Sub(at), ok)
		}
		if seen[RefreshFailed].IsZero() || r.State() != Unauthenticated {
			t.Errorf("%v, %s", seen, r.State())
		}
	})
}

func TestHowEarlyTheEndIsToldCanBeSet(t *testing.T) {
	for ahead, want := range map[time.Duration]time.Duration{0: time.Minute, 20 * time.Second: 20 * time.Second, time.Hour: 90 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, keystore.NewMemory(), func(r *running) { r.ExpiringAhead = ahead })
			defer r.stop()
			if _, err := logIn(t.Context(), r.Manager, r.client, 15*time.Minute); err != nil {
				t.Fatal(err)
			}
			events, cancel := r.Subscribe()
			defer cancel()
			r.vendor.Before.Set(failing(sessiontest.OpStamp, errLost))
			told := 0
			for range 15 * 60 {
				pass(time.Second)
				for len(events) > 0 {
					if e := <-events; e.Type == Expiring {
						if told++; e.In > want || e.In < want-6*time.Second {
							t.Errorf("asked for %s, told %s ahead, want %s", ahead, e.In, want)
						}
					}
				}
			}
			if told != 1 {
				t.Errorf("told %d times", told)
			}
		})
	}
}

func TestRunEndsEverythingItBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the bubble fails if a goroutine is left
		began := make(chan struct{}, 1)
		r := run(t, keystore.NewMemory(), func(r *running) {
			r.Refresh = func(ctx context.Context, _ Session, _ keystore.Signer, _ string) (string, error) {
				began <- struct{}{}
				<-ctx.Done()
				return "", ctx.Err()
			}
		})
		if _, err := logIn(t.Context(), r.Manager, r.client, 15*time.Minute); err != nil {
			t.Fatal(err)
		}
		pass(13 * time.Minute)
		<-began
		r.stop()
	})
}

// TestR3_RefreshedAtTheLast lets every refresh fail from when it is due until 5 % of the session's life is left.
func TestR3_RefreshedAtTheLast(t *testing.T) {
	for _, length := range []time.Duration{30 * time.Second, 15 * time.Minute, 12 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, keystore.NewMemory())
			defer r.stop()
			s, err := logIn(t.Context(), r.Manager, r.client, length)
			if err != nil {
				t.Fatal(err)
			}
			last, tries, done := s.Expires.Add(-length/20), 0, time.Time{}
			r.vendor.Before.Set(func(q sessiontest.Request) error {
				switch {
				case q.Op != sessiontest.OpStamp:
				case r.wall.Now().Before(last):
					tries++
					return errLost
				case done.IsZero():
					done = r.wall.Now()
				}
				return nil
			})
			for r.wall.Now().Before(s.Expires.Add(length / 4)) {
				pass(length / 100)
				if r.State() != Authenticated {
					t.Fatalf("%s: logged out %s before the end", length, s.Expires.Sub(r.wall.Now()))
				}
			}
			now, ok := r.Active()
			if !ok || now.ID != s.ID || !now.Expires.After(s.Expires) || tries < 3 {
				t.Errorf("%s: %+v after %d tries", length, now, tries)
			}
			t.Logf("%s: %d tries failed, then refreshed %s before the end", length, tries, s.Expires.Sub(done))
		})
	}
}

func TestRunTriesAgainWithPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, keystore.NewMemory())
		defer r.stop()
		s, err := logIn(t.Context(), r.Manager, r.client, 15*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		var tries atomic.Int32
		r.vendor.Before.Set(func(q sessiontest.Request) error {
			if tries.Add(1) > 1000 {
				<-time.After(time.Hour) // a tight loop stops time in here
			}
			return errLost
		})
		pass(s.Expires.Sub(r.wall.Now()) - time.Second)
		// Three minutes at 1, 2, 4, 8, 16 and then 30 seconds, less jitter, and more often towards the end.
		if n := tries.Load(); n < 8 || n > 60 {
			t.Errorf("%d tries", n)
		}
		if r.State() != Authenticated {
			t.Errorf("%s", r.State())
		}
	})
}

func TestAFailureIsSharedByAllWhoWaitForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int32
		release := make(chan struct{})
		r := run(t, keystore.NewMemory(), func(r *running) {
			r.Refresh = func(context.Context, Session, keystore.Signer, string) (string, error) {
				requests.Add(1)
				<-release
				return "", fault.New(fault.APIDown, nil)
			}
		})
		defer r.stop()
		s, err := logIn(t.Context(), r.Manager, r.client, 15*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		const callers = 50
		results := make(chan error, callers)
		for range callers {
			go func() { results <- r.refresh(t.Context(), s.ID, wish{seen: s.Key.PublicKey}) }()
		}
		pass(time.Second)
		close(release)
		for range callers {
			if err := <-results; fault.CodeOf(err) != fault.APIDown {
				t.Errorf("%v", err)
			}
		}
		if n := requests.Load(); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestR4_SleepAndClock lets the wall clock jump, as it does over a sleep, while no timer moves. No key that is over ever
// signs; and six seconds later what the program believes, has written down and has told is right.
func TestR4_SleepAndClock(t *testing.T) {
	random := seed(t)
	synctest.Test(t, func(t *testing.T) {
		r := run(t, keystore.NewMemory())
		defer r.stop()
		if err := sleepAndWake(t.Context(), r, random, campaign(60, 500)); err != nil {
			t.Fatal(err)
		}
	})
}

// TestR4_FailsWithoutTheWakeCheck takes the look at the clock away, so that Run sleeps until its timer, as if no laptop
// ever slept: then what the test above promises does not hold.
func TestR4_FailsWithoutTheWakeCheck(t *testing.T) {
	random := seed(t)
	synctest.Test(t, func(t *testing.T) {
		r := run(t, keystore.NewMemory(), func(r *running) { r.every = 1000 * time.Hour })
		defer r.stop()
		err := sleepAndWake(t.Context(), r, random, 60)
		if err == nil {
			t.Error("the test of sleep and clock passes without the wake check, so it shows nothing")
		}
		t.Logf("%.80s", err)
	})
}

// sleepAndWake lets the clock jump, and returns the first thing that was not as it should be.
func sleepAndWake(ctx context.Context, r *running, random *rand.Rand, jumps int) error {
	events, cancel := r.Subscribe()
	defer cancel()
	for i := range jumps {
		name := fmt.Sprint("jump ", i)
		r.vendor.Before.Set(nil)
		if r.State() != Authenticated {
			if _, err := logIn(ctx, r.Manager, r.client, 15*time.Minute); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		online := random.IntN(3) > 0
		r.vendor.Before.Set(func(sessiontest.Request) error {
			if online {
				return nil
			}
			return errLost
		})
		before, _ := r.Active()
		for len(events) > 0 {
			<-events
		}
		var d time.Duration
		switch random.IntN(4) {
		case 0:
			d = -time.Duration(random.Int64N(int64(time.Hour)))
		case 1:
			d = time.Duration(random.Int64N(int64(16 * time.Minute)))
		case 2:
			d = time.Duration(random.Int64N(int64(24 * time.Hour)))
		default:
			d = time.Duration(random.Int64N(int64(30 * 24 * time.Hour)))
		}
		r.wall.jump(d)
		idle := random.IntN(2) == 0                         // nobody stamps, and so nobody looks at the clock for another reason
		if !idle && r.wall.Now().Sub(before.Expires) >= 0 { // nobody has looked yet, and still nothing is signed
			if _, err := r.Signer(ctx, ""); err == nil {
				return fmt.Errorf("%s of %s: an expired key was handed out", name, d)
			}
		}
		for range 3 {
			pass(2 * time.Second)
			if idle {
				continue
			}
			if signer, err := r.Signer(ctx, ""); err == nil {
				if _, err := signer.Sign(ctx, make([]byte, 32)); err != nil {
					return fmt.Errorf("%s of %s: %v", name, d, err)
				}
				if k, ok := r.vendor.Knows(signer.PublicKey()); !ok {
					return fmt.Errorf("%s of %s: stamped with a key that ended at %s, now %s", name, d, k.Expires, r.wall.Now())
				}
			}
		}
		now := r.wall.Now()
		after, err := r.Get(before.ID)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		heard := map[EventType]bool{}
		for len(events) > 0 {
			heard[(<-events).Type] = true
		}
		st := r.snapshot()
		written := st.session(before.ID)
		switch over := !now.Before(before.Expires); {
		case over && !before.Expires.After(now.Add(-7*time.Second)): // it was over before anybody could refresh it
			written := written.Ended != nil || written.Next != nil // whose answer was lost, and may bring it back
			if after.Ended == nil || !written || !heard[Expired] || r.State() != Unauthenticated {
				return fmt.Errorf("%s of %s: six seconds later %s, told %v, %+v", name, d, r.State(), heard, after)
			}
		case !over:
			if r.State() != Authenticated || after.Ended != nil {
				return fmt.Errorf("%s of %s: a good session was ended: %+v", name, d, after.Ended)
			}
			due := before.Expires.Add(-margin(before.Expires.Sub(before.Issued)))
			if online && now.Sub(due) > 6*time.Second && !heard[Refreshed] {
				return fmt.Errorf("%s of %s: due since %s, and not refreshed", name, d, now.Sub(due))
			}
		}
	}
	return nil
}

func TestWakeLooksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, keystore.NewMemory())
		defer r.stop()
		s, err := logIn(t.Context(), r.Manager, r.client, 15*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		r.wall.jump(13 * time.Minute)
		r.Wake()
		synctest.Wait()
		if now, _ := r.Active(); !now.Expires.After(s.Expires) {
			t.Error("not refreshed on waking")
		}
	})
}

// TestR3_BadNetworkFor10000Refreshes refreshes again and again over a network that does everything a network does.
func TestR3_BadNetworkFor10000Refreshes(t *testing.T) {
	random := seed(t)
	synctest.Test(t, func(t *testing.T) {
		r := run(t, keystore.NewMemory())
		defer r.stop()
		var mu sync.Mutex
		// Sooner or later chance lets no request through for as long as a session has left, and then it rightly ends. So in
		// the last half minute of a key the network is a good one: what ends a session all the same is a fault of ours.
		last := func() bool {
			now, _ := r.Active()
			return now.Expires.Sub(r.wall.Now()) < 30*time.Second
		}
		r.vendor.Before.Set(func(q sessiontest.Request) error {
			if last() {
				return nil
			}
			mu.Lock()
			n, wait := random.IntN(10), time.Duration(random.Int64N(int64(20*time.Second)))
			mu.Unlock()
			switch {
			case q.Op == sessiontest.OpLogin:
			case n < 2:
				<-time.After(wait)
			case n == 2:
				return errLost // no DNS, reset, refused
			case n == 3:
				return &fault.Error{Kind: fault.Limited, Code: fault.APILimited, RetryAfter: 2 * time.Second}
			case n == 4:
				return fault.New(fault.APIDown, errors.New("503"))
			}
			return nil
		})
		r.vendor.After.Set(func(q sessiontest.Request) error {
			if last() {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			if q.Op != sessiontest.OpLogin && random.IntN(10) == 0 {
				return errLost // half open: done, and nobody hears of it
			}
			return nil
		})
		s, err := logIn(t.Context(), r.Manager, r.client, 15*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		want, narrow := campaign(40, 10_000), 0
		for r.vendor.Count(sessiontest.OpStamp) < want {
			pass(30 * time.Second)
			if last() {
				narrow++
			}
			if now, ok := r.Active(); !ok || now.ID != s.ID {
				t.Fatalf("logged out after %d refreshes, at %s: %+v, %+v", r.vendor.Count(sessiontest.OpStamp), r.wall.Now(), now, now.Ended)
			}
		}
		t.Logf("%d refreshes, none lost; looked at in the last half minute of a key %d times", r.vendor.Count(sessiontest.OpStamp), narrow)
		r.vendor.Before.Set(nil)
		r.vendor.After.Set(nil)
		r.Wake()
		pass(2 * time.Minute)
		if n := r.vendor.Most(); n > 3 {
			t.Errorf("%d keys at one time", n)
		}
		names := r.PublicKeys()
		for _, k := range r.vendor.Live() {
			if !slices.Contains(names, k) {
				t.Errorf("the service knows %s, which nobody accounts for", k)
			}
		}
	})
}
