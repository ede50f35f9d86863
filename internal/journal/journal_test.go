package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/store"
)

// stateKey is the key of most tests.
var stateKey = bytes.Repeat([]byte{7}, store.KeySize)

// keyed returns what a journal asks for its sealer: with a nil key there is none.
func keyed(key []byte) func(context.Context) (*store.Sealer, error) {
	return func(context.Context) (*store.Sealer, error) {
		if key == nil {
			return nil, fault.New(fault.KeychainLocked, nil)
		}
		return store.NewSealer(key)
	}
}

// at returns a journal in a folder.
func at(t testing.TB, path string) *Journal {
	t.Helper()
	d, err := store.Open(filepath.Join(path, "profile")) // private, as the test's own folder is not
	if err != nil {
		t.Fatal(err)
	}
	return &Journal{Dir: d, Profile: "test", Sealer: keyed(stateKey)}
}

const organization = "0f5c0000-0000-4000-8000-00000000000a"

// sample is the n-th request.
func sample(n int) Entry {
	e := New(time.UnixMilli(int64(1_700_000_000_000+n)), "/public/v1/submit/create_wallet",
		fmt.Appendf(nil, `{"type":"ACTIVITY_TYPE_CREATE_WALLET","organizationId":"%s","parameters":{"walletName":"%d"}}`, organization, n))
	e.Answer(200, []byte(`{"activity":{"id":"0f5c0000-0000-4000-8000-00000000000b","status":"ACTIVITY_STATUS_COMPLETED"}}`))
	return e
}

// put appends n entries, one by one.
func put(t testing.TB, j *Journal, n int) {
	t.Helper()
	for i := range n {
		if written, err := j.Append(t.Context(), []Entry{sample(i)}); err != nil || written != 1 {
			t.Fatalf("append: %d, %v", written, err)
		}
	}
}

func check(t testing.TB, j *Journal) Report {
	t.Helper()
	r, err := j.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// found returns the findings in short: "changed 3-4".
func (r Report) short() string {
	var all []string
	for _, f := range r.Findings {
		all = append(all, fmt.Sprintf("%s %d-%d", f.Kind, f.First, f.Last))
	}
	return strings.Join(all, ", ")
}

func want(t testing.TB, r Report, verdict Verdict, findings string) {
	t.Helper()
	if r.Verdict != verdict || r.short() != findings {
		t.Errorf("verdict %s with %q, want %s with %q: %+v", r.Verdict, r.short(), verdict, findings, r)
	}
}

func TestWhatWasAppendedIsReadAndProven(t *testing.T) {
	j := at(t, t.TempDir())
	want(t, check(t, j), Intact, "")
	put(t, j, 5)
	r := check(t, j)
	want(t, r, Intact, "")
	if r.First != 1 || r.Last != 5 || r.Entries != 5 {
		t.Errorf("report %+v", r)
	}
	all, err := j.Read(t.Context(), Filter{Bodies: true})
	if err != nil || len(all) != 5 {
		t.Fatalf("read %d, %v", len(all), err)
	}
	e := all[4]
	if e.Number != 5 || e.Organization != organization || e.Type != "ACTIVITY_TYPE_CREATE_WALLET" || e.Status != "ACTIVITY_STATUS_COMPLETED" ||
		!bytes.Equal(e.Body(), sample(4).body) || e.SHA256 != hash(e.Body()) {
		t.Errorf("entry %+v", e)
	}
}

func TestFiltersChoose(t *testing.T) {
	j := at(t, t.TempDir())
	put(t, j, 5)
	if _, err := j.Append(t.Context(), []Entry{New(time.UnixMilli(1_700_000_000_010), "/public/v1/query/whoami", []byte(`{}`))}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		filter Filter
		want   []uint64
	}{
		"limit": {Filter{Limit: 2}, []uint64{5, 6}},
		"since": {Filter{Since: time.UnixMilli(1_700_000_000_003)}, []uint64{4, 5, 6}},
		"type":  {Filter{Type: "create_WALLET"}, []uint64{1, 2, 3, 4, 5}},
		"path":  {Filter{Type: "query/"}, []uint64{6}},
		"none":  {Filter{Type: "sign"}, nil},
	} {
		all, err := j.Read(t.Context(), c.filter)
		var got []uint64
		for _, e := range all {
			got = append(got, e.Number)
			if e.Body() != nil {
				t.Errorf("%s: a body that nobody asked for", name)
			}
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
}

// A log in pieces: its header and its lines, line ends included.
func pieces(t testing.TB, path string) [][]byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.SplitAfter(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
}

func assemble(t testing.TB, path string, parts [][]byte) {
	t.Helper()
	raw := bytes.Join(parts, nil)
	if len(raw) > 0 && raw[len(raw)-1] != '\n' {
		raw = append(raw, '\n')
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// line i of the file is entry i: the header is line 0.
func TestEveryTamperingIsFoundAndToldApart(t *testing.T) {
	replace := func(old, new string) func([]byte) []byte {
		return func(raw []byte) []byte {
			if !bytes.Contains(raw, []byte(old)) {
				panic("nothing to replace")
			}
			return bytes.Replace(raw, []byte(old), []byte(new), 1)
		}
	}
	forged := func(number uint64, previous string) []byte {
		e := sample(99)
		e.Number, e.Previous = number, previous
		return append(e.line(), '\n')
	}
	for name, c := range map[string]struct {
		tamper func(t *testing.T, j *Journal, parts [][]byte) [][]byte
		want   string
	}{
		"changed": {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte {
			p[3] = replace(`"http":200`, `"http":403`)(p[3])
			return p
		}, "changed 3-3"},
		"two changed": {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte {
			p[3], p[4] = replace(`"http":200`, `"http":403`)(p[3]), replace(`"http":200`, `"http":403`)(p[4])
			return p
		}, "changed 3-4"},
		"the last changed": {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte {
			p[8] = replace(`"http":200`, `"http":403`)(p[8])
			return p
		}, "changed 8-8"},
		"changed, and all later hashes with it": {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte {
			p[3] = replace(`"http":200`, `"http":403`)(p[3])
			for i := 4; i < len(p); i++ {
				e, err := parse(bytes.TrimSuffix(p[i], []byte("\n")))
				if err != nil {
					panic(err)
				}
				e.Previous = hash(bytes.TrimSuffix(p[i-1], []byte("\n")))
				p[i] = append(e.line(), '\n')
			}
			return p
		}, "changed 3-8"},
		"made unreadable": {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte { p[3][0] = '#'; return p }, "changed 3-3"},
		"spelt otherwise": {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte {
			p[3] = replace(`,"path"`, `, "path"`)(p[3])
			return p
		}, "changed 3-3"},
		"seal taken off": {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte {
			i := bytes.Index(p[3], []byte(`,"sealed"`))
			p[3] = append(p[3][:i:i], "}\n"...)
			return p
		}, "changed 3-3"},
		"removed": {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte { return slices.Delete(p, 3, 5) }, "removed 3-4"},
		"the first removed": {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte {
			return slices.Delete(p, 1, 2)
		}, "removed 1-1"},
		"truncated":  {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte { return p[:6] }, "truncated 6-8"},
		"all cut":    {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte { return p[:1] }, "truncated 1-8"},
		"duplicated": {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte { return slices.Insert(p, 5, p[3]) }, "inserted 3-3"},
		"swapped": {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte {
			p[3], p[4] = p[4], p[3]
			return p
		}, "changed 3-3"},
		"inserted": {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte {
			return slices.Insert(p, 4, forged(4, hash(bytes.TrimSuffix(p[3], []byte("\n")))))
		}, "inserted 4-4"},
		"put behind the end": {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte {
			e := sample(99)
			e.Number, e.Previous, e.Head = 9, hash(p[8]), 8
			s, _ := store.NewSealer(bytes.Repeat([]byte{9}, store.KeySize))
			e.seal(s, "test")
			return append(p, []byte("\n"), append(e.line(), '\n'))
		}, "inserted 9-9"},
		"garbage inserted": {func(_ *testing.T, _ *Journal, p [][]byte) [][]byte {
			return slices.Insert(p, 4, []byte("hello\n"))
		}, "inserted 0-0"},
		"an older copy of the log": {func(t *testing.T, j *Journal, _ [][]byte) [][]byte {
			return pieces(t, filepath.Join(j.Dir.Path, "older"))
		}, "older_copy 4-8"},
		"the log gone": {func(t *testing.T, j *Journal, _ [][]byte) [][]byte {
			if err := os.Remove(j.path(1)); err != nil {
				t.Fatal(err)
			}
			return nil
		}, "removed 1-8"},
		"the head gone": {func(t *testing.T, j *Journal, p [][]byte) [][]byte {
			if err := j.Dir.Remove(headName); err != nil {
				t.Fatal(err)
			}
			return p
		}, "head_missing 1-8"},
		"the head replaced": {func(t *testing.T, j *Journal, p [][]byte) [][]byte {
			if err := j.Dir.Write(headName, []byte("hello")); err != nil {
				t.Fatal(err)
			}
			return p
		}, "head_changed 1-8"},
		"an older head": {func(t *testing.T, j *Journal, p [][]byte) [][]byte {
			for _, name := range []string{headName, headName + ".1"} {
				raw, err := os.ReadFile(filepath.Join(j.Dir.Path, "older."+name))
				if err == nil {
					err = os.WriteFile(filepath.Join(j.Dir.Path, name), raw, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			return p
		}, "head_older 4-8"},
		"an older head and the log cut to it": {func(t *testing.T, j *Journal, p [][]byte) [][]byte {
			for _, name := range []string{headName, headName + ".1"} {
				raw, err := os.ReadFile(filepath.Join(j.Dir.Path, "older."+name))
				if err == nil {
					err = os.WriteFile(filepath.Join(j.Dir.Path, name), raw, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			return p[:4]
		}, "older_copy 4-8"},
	} {
		t.Run(name, func(t *testing.T) {
			j := at(t, t.TempDir())
			put(t, j, 3)
			for from, to := range map[string]string{segmentName(1): "older", headName: "older." + headName, headName + ".1": "older." + headName + ".1"} {
				raw, err := os.ReadFile(filepath.Join(j.Dir.Path, from))
				if err == nil {
					err = os.WriteFile(filepath.Join(j.Dir.Path, to), raw, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			put(t, j, 5)
			want(t, check(t, j), Intact, "")
			if parts := c.tamper(t, j, pieces(t, j.path(1))); parts != nil {
				assemble(t, j.path(1), parts)
			}
			r := check(t, j)
			want(t, r, Damaged, c.want)

			// Going on hides nothing of it.
			put(t, j, 2)
			after := check(t, j)
			for _, f := range r.Findings {
				if f.Kind == HeadOlder { // what it had covered was proven by its seals, and now is by the head
					continue
				}
				if after.Verdict != Damaged || after.Findings == nil {
					t.Errorf("after two more entries: %s %q", after.Verdict, after.short())
				}
			}
		})
	}
}

func TestACrashAtAnyByteCostsAtMostTheUnfinishedEntry(t *testing.T) {
	origin := at(t, t.TempDir())
	put(t, origin, 2)
	before, err := os.ReadFile(origin.path(1))
	if err != nil {
		t.Fatal(err)
	}
	heads := map[string][]byte{}
	for _, name := range []string{headName, headName + ".1"} {
		if heads[name], err = os.ReadFile(filepath.Join(origin.Dir.Path, name)); err != nil {
			t.Fatal(err)
		}
	}
	put(t, origin, 1)
	after, err := os.ReadFile(origin.path(1))
	if err != nil {
		t.Fatal(err)
	}
	copy(after, before[:headerSize]) // the hint comes last
	for cut := len(before); cut <= len(after); cut++ {
		j := at(t, t.TempDir())
		for name, raw := range heads {
			if err := os.WriteFile(filepath.Join(j.Dir.Path, name), raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(j.path(1), after[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		entries, said := uint64(2), "cut_off 0-0"
		switch cut {
		case len(before):
			said = ""
		case len(after):
			entries, said = 3, "not_covered 3-3"
		}
		r := check(t, j)
		want(t, r, Intact, said)
		if r.Last != entries {
			t.Fatalf("cut at %d: last entry %d, want %d", cut, r.Last, entries)
		}
		if cut%97 != 0 && cut != len(after) && cut != len(after)-1 { // each append syncs; a sample will do
			continue
		}
		put(t, j, 1)
		r = check(t, j)
		want(t, r, Intact, "")
		if r.Last != entries+1 {
			t.Errorf("cut at %d: went on to %d", cut, r.Last)
		}
		all, err := j.Read(t.Context(), Filter{})
		if err != nil {
			t.Fatal(err)
		}
		dropped := int64(cut - len(before))
		if cut == len(after) {
			dropped = 0
		}
		if got := all[len(all)-1].Cut; got != dropped {
			t.Errorf("cut at %d: the next entry tells of %d bytes, want %d", cut, got, dropped)
		}
	}
}

func TestALogThatWasBeingMadeIsMadeAgain(t *testing.T) {
	for n := range headerSize {
		j := at(t, t.TempDir())
		if err := os.WriteFile(j.path(1), header(0)[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if n%20 == 0 {
			put(t, j, 1)
			want(t, check(t, j), Intact, "")
		}
	}
}

func TestALongJournalForgetsItsBeginningAndKeepsItsChain(t *testing.T) {
	j := at(t, t.TempDir())
	j.segmentSize, j.keep = 2000, 3
	put(t, j, 30)
	r := check(t, j)
	want(t, r, Intact, "")
	if r.First == 1 || r.Last != 30 || r.Entries != int(r.Last-r.First)+1 {
		t.Errorf("report %+v", r)
	}
	numbers, err := j.segments()
	if err != nil || len(numbers) != 3 {
		t.Errorf("logs %v, %v", numbers, err)
	}
	// A log that goes without being retired is missed.
	if err := os.Remove(j.path(numbers[0])); err != nil {
		t.Fatal(err)
	}
	r = check(t, j)
	if r.Verdict != Damaged || !strings.HasPrefix(r.short(), fmt.Sprintf("removed %d-", r.First)) {
		t.Errorf("a log removed: %+v", r)
	}
}

func TestACrashBetweenTwoLogsLosesNothing(t *testing.T) {
	for _, step := range []string{"header", "write", "sync", "head", "hint"} {
		j := at(t, t.TempDir())
		j.segmentSize, j.keep = 2000, 3
		for i := range 20 {
			j.disk = func(s string) error {
				if s == step && i%3 == 2 {
					return errors.New("the machine stopped")
				}
				return nil
			}
			_, _ = j.Append(t.Context(), []Entry{sample(i)}) // the next one makes up for it
		}
		j.disk = nil
		put(t, j, 1)
		if r := check(t, j); r.Verdict != Intact || r.short() != "" {
			t.Errorf("%s: %s %q", step, r.Verdict, r.short())
		}
	}
}

func TestWithoutTheStateKeyEntriesAreWrittenAndNotProven(t *testing.T) {
	j := at(t, t.TempDir())
	put(t, j, 3)

	j.Sealer = keyed(nil) // the keychain is locked
	put(t, j, 2)
	want(t, check(t, j), Unproven, "no_key 1-5")
	if all, err := j.Read(t.Context(), Filter{Bodies: true}); err != nil || len(all) != 5 || all[0].Body() != nil {
		t.Errorf("read without a key: %d, %v", len(all), err)
	}

	j.Sealer = keyed(stateKey) // and unlocked again
	want(t, check(t, j), Unproven, "unsealed 4-5")
	put(t, j, 1)
	want(t, check(t, j), Unproven, "unsealed 4-5")
	all, err := j.Read(t.Context(), Filter{Bodies: true})
	if err != nil || all[0].Body() == nil || all[4].Body() != nil || all[5].Body() == nil {
		t.Errorf("bodies: %v", err)
	}

	j.Sealer = keyed(bytes.Repeat([]byte{8}, store.KeySize)) // the keychain was reset
	want(t, check(t, j), Unproven, "other_key 1-6")
	put(t, j, 2)
	want(t, check(t, j), Unproven, "other_key 1-6")

	// What came before is still held by the chain.
	p := pieces(t, j.path(1))
	p[2] = bytes.Replace(p[2], []byte(`"http":200`), []byte(`"http":201`), 1)
	assemble(t, j.path(1), p)
	if r := check(t, j); r.Verdict != Damaged || !strings.Contains(r.short(), "changed 2-2") {
		t.Errorf("changed under the old key: %+v", r)
	}
}

func TestAJournalBegunWithoutAKeyIsCoveredLater(t *testing.T) {
	j := at(t, t.TempDir())
	j.Sealer = keyed(nil)
	put(t, j, 2)
	want(t, check(t, j), Unproven, "no_key 1-2")
	j.Sealer = keyed(stateKey)
	put(t, j, 2)
	r := check(t, j)
	if r.Verdict != Unproven || r.Last != 4 || r.Entries != 4 {
		t.Errorf("report %+v", r)
	}
}

func TestNothingOfABodyStandsInClear(t *testing.T) {
	j := at(t, t.TempDir())
	canaries := []string{"417302canary", "eyJhbGciOiJFUzI1NiJ9.canary", "canaryprivatekey", "ACTIVITY_TYPE_canary", "canary organization"}
	body := fmt.Appendf(nil, `{"type":%q,"organizationId":%q,"parameters":{"otpCode":%q,"verificationToken":%q,"key":%q}}`,
		canaries[3], canaries[4], canaries[0], canaries[1], canaries[2])
	e := New(time.Now(), "/public/v1/submit/"+"?"+canaries[0], body)
	e.Answer(200, []byte(`{"activity":{"id":"`+canaries[1]+`","status":"`+canaries[2]+`"}}`))
	e.Session, e.User, e.PublicKey, e.Code = canaries[1], canaries[0], canaries[2], canaries[0]
	for _, key := range [][]byte{stateKey, nil} {
		j.Sealer = keyed(key)
		if _, err := j.Append(t.Context(), []Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(j.Dir.Path, "*"))
	if err != nil || len(files) < 3 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte("canary")) {
			t.Errorf("%s holds a canary: %s", filepath.Base(name), raw)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, %v", filepath.Base(name), info.Mode(), err)
		}
	}
	j.Sealer = keyed(stateKey)
	all, err := j.Read(t.Context(), Filter{Bodies: true})
	if err != nil || !bytes.Equal(all[0].Body(), body) || all[1].Body() != nil {
		t.Errorf("bodies: %v", err)
	}
}

func TestALargeBodyLeavesItsHash(t *testing.T) {
	j := at(t, t.TempDir())
	for _, size := range []int{MaxBody, MaxBody + 1} {
		if _, err := j.Append(t.Context(), []Entry{New(time.Now(), "/x", bytes.Repeat([]byte{'1'}, size))}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := j.Read(t.Context(), Filter{Bodies: true})
	if err != nil || len(all) != 2 || len(all[0].Body()) != MaxBody || all[1].Body() != nil || all[1].Size != MaxBody+1 {
		t.Errorf("read %d, %v", len(all), err)
	}
	want(t, check(t, j), Intact, "")
}

func TestNoSealOpensInAnotherJournal(t *testing.T) {
	j := at(t, t.TempDir())
	put(t, j, 1)
	j.Profile = "another"
	all, err := j.Read(t.Context(), Filter{Bodies: true})
	if err != nil || all[0].Body() != nil {
		t.Errorf("opened under another profile: %v", err)
	}
}

func TestAFullDiskLeavesTheLogAsItWas(t *testing.T) {
	j := at(t, t.TempDir())
	put(t, j, 2)
	before, err := os.ReadFile(j.path(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{"write", "sync"} {
		j.disk = func(s string) error {
			if s == step {
				return &fs.PathError{Op: s, Err: errors.New("no space left")}
			}
			return nil
		}
		written, err := j.Append(t.Context(), []Entry{sample(2)})
		if written != 0 || fault.CodeOf(err) != fault.JournalFailed {
			t.Errorf("%s: %d, %v", step, written, err)
		}
		if now, err := os.ReadFile(j.path(1)); err != nil || !bytes.Equal(now, before) {
			t.Errorf("%s left something behind, %v", step, err)
		}
	}
	j.disk = nil
	put(t, j, 1)
	want(t, check(t, j), Intact, "")
}

func TestABusyLockIsWaitedForNoLongerThanAsked(t *testing.T) {
	j := at(t, t.TempDir())
	unlock, err := j.Dir.Lock(t.Context(), lockName)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Append(ctx, []Entry{sample(1)}); fault.CodeOf(err) != fault.StateBusy {
		t.Errorf("append: %v", err)
	}
	if _, err := j.Verify(ctx); fault.CodeOf(err) != fault.StateBusy {
		t.Errorf("verify: %v", err)
	}
}
