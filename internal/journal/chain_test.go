package journal

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/internal/store"
)

// Whatever is done to a log whose head stands, entries are either as they were written or named, and honest trouble is
// never called tampering.
func TestEveryChangeOfALogIsFound(t *testing.T) {
	j := at(t, t.TempDir())
	put(t, j, 6)
	whole := pieces(t, j.path(1))
	raw := append(bytes.Join(whole, nil), '\n')
	rapid.Check(t, func(rt *rapid.T) {
		changed := slices.Clone(raw)
		from := headerSize
		for range rapid.IntRange(1, 3).Draw(rt, "changes") {
			if len(changed) <= from {
				break
			}
			i := rapid.IntRange(from, len(changed)-1).Draw(rt, "at")
			switch rapid.SampledFrom([]string{"flip", "cut", "delete", "insert", "delete line", "copy line"}).Draw(rt, "how") {
			case "flip":
				changed[i] ^= byte(rapid.IntRange(1, 255).Draw(rt, "bits"))
			case "cut":
				changed = changed[:i]
			case "delete":
				changed = slices.Delete(changed, i, min(len(changed), i+rapid.IntRange(1, 2000).Draw(rt, "n")))
			case "insert":
				changed = slices.Insert(changed, i, rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(rt, "bytes")...)
			case "delete line", "copy line":
				lines := bytes.SplitAfter(changed[from:], []byte("\n"))
				n := rapid.IntRange(0, len(lines)-1).Draw(rt, "line")
				if rapid.Bool().Draw(rt, "copy") {
					lines = slices.Insert(lines, rapid.IntRange(0, len(lines)).Draw(rt, "to"), lines[n])
				} else {
					lines = slices.Delete(lines, n, n+1)
				}
				changed = append(slices.Clone(changed[:from]), bytes.Join(lines, nil)...)
			}
		}
		if err := os.WriteFile(j.path(1), changed, 0o600); err != nil {
			rt.Fatal(err)
		}
		r, err := j.Verify(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		// What begins as it was written and has only an unfinished line behind it is no tampering.
		harmless := bytes.HasPrefix(changed, raw) && !bytes.Contains(changed[len(raw):], []byte("\n"))
		if (r.Verdict == Intact) != harmless {
			rt.Fatalf("verdict %s with %q", r.Verdict, r.short())
		}
		// Every entry that is not named is there as it was written. Beyond a break, one that lost its seal is named as
		// one that was never sealed: which of both it is nobody can tell.
		named := map[uint64]bool{}
		for _, f := range r.Findings {
			if f.Kind == Changed || f.Kind == Removed || f.Kind == Truncated || f.Kind == OlderCopy || f.Kind == Unsealed {
				for n := f.First; n <= f.Last; n++ {
					named[n] = true
				}
			}
		}
		for n := 1; n < len(whole); n++ {
			if !named[uint64(n)] && !bytes.Contains(changed, bytes.TrimSuffix(whole[n], []byte("\n"))) {
				rt.Fatalf("entry %d is not as it was written, and not named: %q", n, r.short())
			}
		}
	})
}

// Whatever fails while entries are appended, and whether there is a key or not, nothing that was said to be written is
// lost, and nothing is called tampering.
func TestHonestTroubleIsNeverCalledTampering(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		d, err := store.Open(dir + "/profile")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(d.Path) //nolint:errcheck // the next run would tell
		j := &Journal{Dir: d, Profile: "test", Sealer: keyed(stateKey), segmentSize: 3000, keep: 1000}
		written, keyless := 0, false
		for i := range rapid.IntRange(1, 8).Draw(rt, "calls") {
			fail := rapid.SampledFrom([]string{"", "", "", "header", "write", "sync", "head", "hint"}).Draw(rt, "fails")
			j.disk = func(step string) error {
				if step == fail {
					return errors.New("trouble")
				}
				return nil
			}
			j.Sealer = keyed(stateKey)
			if rapid.IntRange(0, 4).Draw(rt, "key") == 0 {
				j.Sealer, keyless = keyed(nil), true
			}
			entries := make([]Entry, rapid.IntRange(1, 4).Draw(rt, "entries"))
			for n := range entries {
				entries[n] = New(time.UnixMilli(int64(i)), "/x", []byte("{}"))
			}
			n, err := j.Append(t.Context(), entries)
			if n != len(entries) && n != 0 || n == 0 && err == nil {
				rt.Fatalf("%d of %d written, %v", n, len(entries), err)
			}
			written += n
		}
		j.disk, j.Sealer = nil, keyed(stateKey)
		r, err := j.Verify(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		if r.Verdict == Damaged || r.Verdict == Unproven && !keyless || r.Entries != written {
			rt.Fatalf("%s with %q: %d of %d entries", r.Verdict, r.short(), r.Entries, written)
		}
	})
}

func FuzzParse(f *testing.F) {
	e := sample(1)
	e.Number, e.Previous = 1, nothing
	f.Add(e.line())
	f.Add([]byte(`{"number":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := parse(raw); err == nil && !bytes.Equal(e.line(), raw) {
			t.Errorf("two spellings of one entry: %q", raw)
		}
	})
}
