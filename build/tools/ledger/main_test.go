package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// events joins lines of go test -json of one package.
func events(lines ...string) string {
	var text strings.Builder
	for _, line := range lines {
		action, rest, _ := strings.Cut(line, " ")
		test, output, _ := strings.Cut(rest, " ")
		text.WriteString(`{"Action":"` + action + `","Package":"latchkey/x"`)
		if test != "" && test != "-" {
			text.WriteString(`,"Test":"` + test + `"`)
		}
		if output != "" {
			text.WriteString(`,"Output":"` + output + `\n"`)
		}
		text.WriteString("}\n")
	}
	return text.String()
}

func TestTestsAreCountedByTheirLeaves(t *testing.T) {
	for _, c := range []struct {
		name          string
		in            string
		withoutShared bool
		want          count
		err           string // part of the error; empty: none
		prints        string // part of the output; empty: not looked at
	}{
		{
			name: "a test counts by its subtests", want: count{passed: 2},
			in: events("run TestA", "run TestA/one", "run TestA/two", "pass TestA/one", "pass TestA/two", "pass TestA",
				"output - ok  \\tlatchkey/x\\t0.1s", "pass -"),
			prints: "ok  \tlatchkey/x\t0.1s\n",
		},
		{
			name: "a failed subtest counts once and is printed", want: count{passed: 1, failed: 1}, err: "1 failed",
			in: events("run TestA", "run TestA/one", "run TestA/two", "output TestA/one     x_test.go:3: boom", "fail TestA/one",
				"pass TestA/two", "fail TestA", "fail -"),
			prints: "boom",
		},
		{
			name: "a test that never ended has failed", want: count{failed: 1}, err: "1 failed",
			in: events("run TestA", "output TestA panic: test timed out", "fail -"), prints: "timed out",
		},
		{
			name: "a package that does not build has failed", want: count{failed: 1}, err: "1 failed",
			in: `{"ImportPath":"latchkey/x","Action":"build-output","Output":"x.go:1: nonsense\n"}` + "\n" + events("fail -"), prints: "nonsense",
		},
		{
			name: "a skipped test fails the run by its reason", want: count{passed: 1, skipped: 1}, err: "missing: dbus-daemon",
			in: events("run TestA", "pass TestA", "run TestB", "output TestB     need.go:9: missing: dbus-daemon", "skip TestB", "pass -"),
		},
		{
			name: "outside vectors may be missing where they are", withoutShared: true, want: count{passed: 1, skipped: 1},
			in: events("run TestA", "pass TestA", "run TestB", "output TestB     need.go:9: missing: ../shared, the outside vectors", "skip TestB", "pass -"),
		},
		{
			name: "outside vectors may not be missing where they are not", want: count{passed: 1, skipped: 1}, err: "outside vectors",
			in: events("run TestA", "pass TestA", "run TestB", "output TestB     need.go:9: missing: ../shared, the outside vectors", "skip TestB", "pass -"),
		},
		{name: "nothing ran", in: events("pass -"), err: "no test ran"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			got := readTests(strings.NewReader(c.in), &out, false, c.withoutShared)
			if got.count != c.want {
				t.Errorf("counted %+v, want %+v", got.count, c.want)
			}
			err := got.err()
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			if !strings.Contains(out.String(), c.prints) {
				t.Errorf("printed %q, want %q in it", out.String(), c.prints)
			}
		})
	}
}

func TestVitestsSkipsAndBrokenFilesAreFailures(t *testing.T) {
	in := `{"testResults":[
		{"name":"a.test.ts","status":"passed","assertionResults":[{"fullName":"a one","status":"passed"},{"fullName":"a two","status":"skipped"}]},
		{"name":"b.test.ts","status":"failed","assertionResults":[]},
		{"name":"c.test.ts","status":"failed","assertionResults":[{"fullName":"c one","status":"failed"}]}]}`
	r, err := readVitest(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	if want := (count{passed: 1, failed: 2, skipped: 1}); r.count != want {
		t.Errorf("counted %+v, want %+v", r.count, want)
	}
	if len(r.forbidden) != 1 || r.err() == nil {
		t.Errorf("forbidden %q, error %v", r.forbidden, r.err())
	}
}

func TestSumAddsWhatStepsCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tally")
	for name, c := range map[string]count{"go": {10, 1, 0}, "browser": {3, 0, 2}} {
		if err := addTally(path, name, c); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := printSum(path, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "\n13 passed, 1 failed, 2 skipped\n") {
		t.Errorf("printed %q", out.String())
	}
}

func TestBenchKeepsTheMedianOfOwnMeasures(t *testing.T) {
	path := figureFile(filepath.Join(t.TempDir(), "figures.txt"))
	if err := path.keep([]figure{{Row: "P10", Text: "kept", Date: "2026-01-02"}, {Row: "P2", Text: "replaced", Date: "2026-01-02"}}); err != nil {
		t.Fatal(err)
	}
	in := `goos: linux
BenchmarkP2_Verify/cached-2   100  12000 ns/op  1.08 x/verify  9 allocs/op
BenchmarkP2_Verify/cached-2   100  12000 ns/op  1.04 x/verify  9 allocs/op
BenchmarkP2_Verify/cached-2   100  99000 ns/op  9.00 x/verify  9 allocs/op
PASS
`
	var out strings.Builder
	if err := readBench(strings.NewReader(in), &out, path); err != nil {
		t.Fatal(err)
	}
	if want := "P2   Verify/cached: 1.08 x/verify, 9 allocs/op\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
	kept, err := path.read()
	if err != nil {
		t.Fatal(err)
	}
	if len(kept) != 2 || kept[0].Row != "P2" || kept[0].Text != "Verify/cached: 1.08 x/verify, 9 allocs/op" || kept[1].Text != "kept" {
		t.Errorf("kept %+v", kept)
	}
}

func TestRowsNeedTheirTests(t *testing.T) {
	for _, c := range []struct{ name, rows, test, err string }{
		{"claimed and carried", "P1 claimed stamp", "package x\n\nfunc BenchmarkP1_Stamp(b *testing.B) {}\n", ""},
		{"claimed and not carried", "P1 claimed stamp", "package x\n", "no test carries it"},
		{"later, with its reason", "R9 later canaries | with the journal", "package x\n", ""},
		{"later, without a reason", "R9 later canaries", "package x\n", "no reason"},
		{"claimed in part", "R9 partly canaries | logs alone", "package x\n\nfunc TestR9_Logs(t *testing.T) {}\n", ""},
		{"claimed in part and not carried", "R9 partly canaries | logs alone", "package x\n", "no test carries it"},
		{"carried and left for later", "R9 later canaries | soon", "package x\n\nfunc TestR9_Logs(t *testing.T) {}\n", "claim what is shown"},
		{"carried and not promised", "P1 later stamp | soon", "package x\n\nfunc TestR99_Odd(t *testing.T) {}\n", "not in build/rows.txt"},
		{"named twice", "P1 claimed stamp\nP1 claimed stamp", "package x\n", "twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.Mkdir(filepath.Join(root, "build"), 0o755); err != nil {
				t.Fatal(err)
			}
			for path, text := range map[string]string{"build/rows.txt": c.rows, "x_test.go": c.test} {
				if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var out strings.Builder
			err := printRows(root, &out, figureFile(filepath.Join(root, "build", "figures.txt")))
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
}
