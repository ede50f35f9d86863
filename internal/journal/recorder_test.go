package journal

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/store"
)

func TestTheRecorderLetsNobodyWait(t *testing.T) {
	j := at(t, t.TempDir())
	answer := make(chan struct{})
	sealer := j.Sealer
	j.Sealer = func(ctx context.Context) (*store.Sealer, error) { // the keychain shows a question
		<-answer
		return sealer(ctx)
	}
	r := &Recorder{Journal: j}
	for n := range 200 {
		r.Add(sample(n)) // would never return
	}
	close(answer)
	if left := r.Flush(); left != 0 {
		t.Errorf("%d left", left)
	}
	report := check(t, j)
	want(t, report, Intact, "")
	if report.Entries != 200 {
		t.Errorf("%d entries", report.Entries)
	}
	all, err := j.Read(t.Context(), Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for n, e := range all {
		if e.Time != sample(n).Time {
			t.Fatalf("entry %d is out of order", e.Number)
		}
	}
}

func TestManyMayRecordAtOnce(t *testing.T) {
	j := at(t, t.TempDir())
	r := &Recorder{Journal: j}
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for n := range 25 {
				r.Add(sample(n))
				if n%10 == 9 {
					r.Flush()
				}
			}
		})
	}
	work.Wait()
	if left := r.Flush(); left != 0 {
		t.Errorf("%d left", left)
	}
	report := check(t, j)
	want(t, report, Intact, "")
	if report.Entries != 200 {
		t.Errorf("%d entries", report.Entries)
	}
}

func TestWhatCannotBeWrittenWaitsAndIsToldOnce(t *testing.T) {
	j := at(t, t.TempDir())
	var full atomic.Bool
	full.Store(true)
	j.disk = func(step string) error {
		if step == "write" && full.Load() {
			return errors.New("no space left")
		}
		return nil
	}
	var told []error
	r := &Recorder{Journal: j, Trouble: func(err error) { told = append(told, err) }}
	for n := range 5 {
		r.Add(sample(n))
		if left := r.Flush(); left != n+1 {
			t.Errorf("%d left, want %d", left, n+1)
		}
	}
	if len(told) != 1 || fault.CodeOf(told[0]) != fault.JournalFailed {
		t.Errorf("told %v", told)
	}
	full.Store(false)
	r.Add(sample(5))
	if left := r.Flush(); left != 0 {
		t.Errorf("%d left", left)
	}
	report := check(t, j)
	want(t, report, Intact, "")
	if report.Entries != 6 {
		t.Errorf("%d entries", report.Entries)
	}
	full.Store(true)
	r.Add(sample(6))
	if r.Flush(); len(told) != 2 {
		t.Errorf("trouble that came back was told %d times", len(told)-1)
	}
}

func TestWhatWaitsIsBoundedAndTheRestIsCounted(t *testing.T) {
	j := at(t, t.TempDir())
	var full atomic.Bool
	full.Store(true)
	j.disk = func(step string) error {
		if step == "header" && full.Load() {
			return errors.New("no space left")
		}
		return nil
	}
	r := &Recorder{Journal: j}
	for n := range waiting + 7 {
		r.Add(sample(n))
	}
	r.Flush()
	full.Store(false)
	if left := r.Flush(); left != 0 {
		t.Errorf("%d left", left)
	}
	report := check(t, j)
	want(t, report, Intact, "lost 1-1")
	if report.Entries != waiting {
		t.Errorf("%d entries", report.Entries)
	}
	if all, err := j.Read(t.Context(), Filter{}); err != nil || all[0].Lost != 7 || all[0].Time != sample(7).Time {
		t.Errorf("the first tells of %d lost, %v", all[0].Lost, err)
	}
}
