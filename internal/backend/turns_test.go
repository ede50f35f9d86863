package backend

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/fault"
)

func TestTurnsAreOneAtATimeForEachName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ts turns
		var mu sync.Mutex
		inside := map[string]int{}
		var wg sync.WaitGroup
		start := time.Now()
		for i := range 20 {
			name := fmt.Sprint(i % 2)
			wg.Go(func() {
				done, err := ts.take(t.Context(), name)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				inside[name]++
				if inside[name] != 1 {
					t.Errorf("%d in %s", inside[name], name)
				}
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				inside[name]--
				mu.Unlock()
				done()
			})
		}
		wg.Wait()
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("took %v: names hold each other up, or not themselves", took)
		}
		if len(ts.names) != 0 {
			t.Errorf("%d names left", len(ts.names))
		}
	})
}

func TestWhoGivesUpLosesOnlyHisPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ts turns
		done, err := ts.take(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := ts.take(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		done()
		done, err = ts.take(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		done()
		if len(ts.names) != 0 {
			t.Errorf("%d names left", len(ts.names))
		}
	})
}

// Whoever waited as long as a request may is told to ask again, and whoever turned away is told nothing.
func TestNoTurnIsToldByWhoGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q memoryQueue
		turn, err := q.take(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		defer turn.done()
		ctx, cancel := context.WithTimeout(t.Context(), callLimit)
		defer cancel()
		_, err = q.take(ctx, "a")
		if status, told := describe(err, ""); status != 429 || told.Reason != fault.BackendBusy || told.RetryAfterSeconds != turnSeconds || told.Message == "" {
			t.Errorf("after %v: %d %+v", callLimit, status, told)
		}
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if _, err = q.take(ctx, "a"); fault.CodeOf(err) != fault.Cancel {
			t.Errorf("turned away: %v", err)
		}
	})
}
