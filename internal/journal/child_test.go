package journal

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/store"
)

const roleVariable, dirVariable = "LATCHKEY_TEST_ROLE", "LATCHKEY_TEST_DIR"

// TestMain is also the other process: [child] starts it. It appends entries whose time is their number in its own
// count, in a name of its own, without end or as many as it is told, and names each that is written.
func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	d, err := store.Open(os.Getenv(dirVariable))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	count, err := strconv.Atoi(role)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	j := &Journal{Dir: d, Profile: "test", Sealer: keyed(stateKey), segmentSize: 8000, keep: 1000}
	for n := 1; n <= count; n++ {
		e := sample(n)
		e.Session, e.Time = "child-"+strconv.Itoa(os.Getpid()), int64(n)
		if written, err := j.Append(context.Background(), []Entry{e}); err != nil || written != 1 {
			fmt.Println(written, err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

// child starts another process that appends count entries to j.
func child(t *testing.T, j *Journal, count int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+strconv.Itoa(count), dirVariable+"="+j.Dir.Path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}

// orders checks that every writer's entries are all there once, in its own order, and returns how many each has.
func orders(t *testing.T, j *Journal) map[string]int64 {
	t.Helper()
	all, err := j.Read(t.Context(), Filter{})
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]int64{}
	for _, e := range all {
		if e.Time != last[e.Session]+1 {
			t.Errorf("entry %d of %s follows entry %d", e.Time, e.Session, last[e.Session])
		}
		last[e.Session] = e.Time
	}
	return last
}

func TestProcessesAndGoroutinesAppendAtOnceAndNothingIsLost(t *testing.T) {
	j := at(t, t.TempDir())
	j.segmentSize, j.keep = 8000, 1000
	const each = 15
	_, first := child(t, j, each)
	_, second := child(t, j, each)
	var work sync.WaitGroup
	for g := range 8 {
		work.Go(func() {
			for n := range each {
				e := sample(n)
				e.Session, e.Time = fmt.Sprintf("goroutine-%d", g), int64(n+1)
				if written, err := j.Append(t.Context(), []Entry{e}); err != nil || written != 1 {
					t.Errorf("append: %d, %v", written, err)
				}
			}
		})
	}
	for _, out := range []*bufio.Scanner{first, second} {
		for n := 1; n <= each; n++ {
			if !out.Scan() || out.Text() != strconv.Itoa(n) {
				t.Fatalf("a child said %q", out.Text())
			}
		}
	}
	work.Wait()
	writers := orders(t, j)
	if len(writers) != 10 {
		t.Errorf("%d writers", len(writers))
	}
	for name, last := range writers {
		if last != each {
			t.Errorf("%s has %d entries, want %d", name, last, each)
		}
	}
	r := check(t, j)
	if want(t, r, Intact, ""); r.Last != 10*each {
		t.Errorf("last entry %d, want %d", r.Last, 10*each)
	}
}

// TestR20_AJournalSurvivesBeingKilled kills a process that appends, at seeded moments, and goes on with the next.
func TestR20_AJournalSurvivesBeingKilled(t *testing.T) {
	j := at(t, t.TempDir())
	j.segmentSize, j.keep = 8000, 1000
	said := map[string]int64{} // by child: the last entry that it named as written
	for round := range 12 {
		cmd, out := child(t, j, 1_000_000)
		name := "child-" + strconv.Itoa(cmd.Process.Pid)
		for range 1 + round*5%7 {
			if !out.Scan() {
				t.Fatal("the child ended")
			}
			n, err := strconv.ParseInt(out.Text(), 10, 64)
			if err != nil {
				t.Fatal(out.Text())
			}
			said[name] = n
		}
		time.Sleep(time.Duration(round*7919%4000) * time.Microsecond) // the seed: another step of the next entry each time
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for out.Scan() { // what it said before it died
			if n, err := strconv.ParseInt(strings.TrimSpace(out.Text()), 10, 64); err == nil {
				said[name] = n
			}
		}
		_ = cmd.Wait()
		r := check(t, j)
		if r.Verdict != Intact {
			t.Fatalf("round %d: %s %q", round, r.Verdict, r.short())
		}
		for _, f := range r.Findings {
			if f.Kind != CutOff && f.Kind != NotCovered {
				t.Errorf("round %d: %s", round, f.Text)
			}
		}
	}
	there := orders(t, j)
	for name, n := range said {
		if there[name] < n {
			t.Errorf("%s wrote %d entries, and %d are there", name, n, there[name])
		}
	}
	put(t, j, 1)
	want(t, check(t, j), Intact, "")
}
