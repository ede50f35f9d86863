package backend

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
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
