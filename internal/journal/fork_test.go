package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Two true histories from one copy: each entry's seal is ours, and only the head says which of them happened here.
func TestAnEntryOfAnotherHistoryIsNotTaken(t *testing.T) {
	here, there := at(t, t.TempDir()), at(t, t.TempDir())
	put(t, here, 3)
	for _, name := range []string{segmentName(1), headName} {
		raw, err := os.ReadFile(filepath.Join(here.Dir.Path, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(there.Dir.Path, name), raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for j, n := range map[*Journal]int{here: 10, there: 20} {
		if _, err := j.Append(t.Context(), []Entry{sample(n)}); err != nil {
			t.Fatal(err)
		}
		want(t, check(t, j), Intact, "")
	}
	raw, err := os.ReadFile(there.path(1))
	if err == nil {
		err = os.WriteFile(here.path(1), raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	want(t, check(t, here), Damaged, "changed 4-4")
}

// What a crash left may be longer than the entry that comes next.
func TestALongUnfinishedEntryGoesWhole(t *testing.T) {
	j := at(t, t.TempDir())
	put(t, j, 1)
	f, err := os.OpenFile(j.path(1), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(bytes.Repeat([]byte{'x'}, 200_000)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, check(t, j), Intact, "cut_off 0-0")
	put(t, j, 1)
	want(t, check(t, j), Intact, "")
}
