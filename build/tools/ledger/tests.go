package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// event is one line of go test -json (see go doc test2json).
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

// count is how many tests ended which way. A test with subtests is counted by its subtests.
type count struct{ passed, failed, skipped int }

func (c count) plus(d count) count {
	return count{c.passed + d.passed, c.failed + d.failed, c.skipped + d.skipped}
}

// report is what one run of go test came to.
type report struct {
	count
	forbidden []string // skipped tests that had to run
	broken    []string // packages that failed outside a test: they did not build, or ended early
	logged    []string // lines that a test logged, without file and line
}

func (r report) err() error {
	switch {
	case r.failed > 0 || len(r.broken) > 0:
		return fmt.Errorf("%d failed", max(r.failed, len(r.broken)))
	case len(r.forbidden) > 0:
		return fmt.Errorf("%d skipped, and a skipped test is a failed run:\n  %s", len(r.forbidden), strings.Join(r.forbidden, "\n  "))
	case r.passed == 0:
		return errors.New("no test ran")
	}
	return nil
}

// outsideVectors is the one reason that a test may give for not running, and only where it is true.
const outsideVectors = "missing: ../shared, the outside vectors"

// readTests copies to out what a person wants of a run: each package's closing line, and the whole output of each test
// that failed, or of all tests when verbose. withoutShared says that ../shared does not exist.
func readTests(in io.Reader, out io.Writer, verbose, withoutShared bool) report {
	var r report
	type key struct{ pkg, test string }
	texts := map[key]*bytes.Buffer{}
	ended := map[key]string{}
	parents := map[key]bool{}
	var order []key
	packages := map[string]bool{} // failed packages; true once a test explains it

	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Action == "" {
			fmt.Fprintln(out, lines.Text()) // not of the protocol: the go command speaking for itself
			continue
		}
		k := key{e.Package, e.Test}
		switch {
		case e.Action == "build-output":
			io.WriteString(out, e.Output)
		case e.Test == "" && e.Action == "output":
			if e.Output != "PASS\n" && e.Output != "FAIL\n" {
				io.WriteString(out, e.Output)
			}
		case e.Test == "" && e.Action == "fail":
			if _, ok := packages[e.Package]; !ok {
				packages[e.Package] = false
			}
		case e.Test == "":
		case e.Action == "run":
			texts[k] = &bytes.Buffer{}
			order = append(order, k)
			for name := e.Test; strings.Contains(name, "/"); {
				name = name[:strings.LastIndex(name, "/")]
				parents[key{e.Package, name}] = true
			}
		case e.Action == "output":
			if b := texts[k]; b != nil && !strings.HasPrefix(e.Output, "=== ") {
				b.WriteString(e.Output)
			}
			if line := logLine.FindStringSubmatch(e.Output); line != nil {
				r.logged = append(r.logged, strings.TrimSpace(line[1]))
				if figureLine.MatchString(line[1]) && !verbose {
					fmt.Fprintln(out, " ", strings.TrimSpace(line[1]))
				}
			}
		case e.Action == "pass" || e.Action == "fail" || e.Action == "skip":
			ended[k] = e.Action
		}
	}
	if err := lines.Err(); err != nil {
		r.broken = append(r.broken, "reading the run: "+err.Error())
	}

	failedChild := map[key]bool{}
	for _, k := range order {
		if ended[k] != "pass" && ended[k] != "skip" {
			for name := k.test; strings.Contains(name, "/"); {
				name = name[:strings.LastIndex(name, "/")]
				failedChild[key{k.pkg, name}] = true
			}
		}
	}
	for _, k := range order {
		how := ended[k]
		if how == "" {
			how = "fail" // still running when the program ended
		}
		if how == "fail" || verbose {
			out.Write(texts[k].Bytes())
		}
		switch {
		case how == "fail":
			packages[k.pkg] = true
			if !failedChild[k] {
				r.failed++
			}
		case how == "skip":
			r.skipped++
			text := texts[k].String()
			if !withoutShared || !strings.Contains(text, outsideVectors) {
				r.forbidden = append(r.forbidden, fmt.Sprintf("%s %s: %s", k.pkg, k.test, reason(text)))
			}
		case !parents[k]:
			r.passed++
		}
	}
	for pkg, explained := range packages {
		if !explained {
			r.broken = append(r.broken, pkg)
			r.failed++
		}
	}
	return r
}

var (
	// logLine is a line written by t.Log: four spaces for each level, file, line, text.
	logLine = regexp.MustCompile(`^\s+[\w.-]+\.go:\d+: (.*)`)
	// figureLine is a logged line that names its row, such as "R3: 10000 refreshes, 0 log-outs".
	figureLine = regexp.MustCompile(`^[PRE]\d+: `)
)

// reason returns what a skipped test gave as its reason.
func reason(text string) string {
	for line := range strings.Lines(text) {
		if m := logLine.FindStringSubmatch(line); m != nil {
			return strings.TrimSpace(m[1])
		}
	}
	return "no reason given"
}

// figures returns the lines that tests logged for the row, or without any that they passed.
func (r report) figures(row string) []figure {
	var kept []figure
	for _, line := range r.logged {
		if text, ok := strings.CutPrefix(line, row+": "); ok {
			kept = append(kept, figure{Row: row, Text: text})
		}
	}
	if len(kept) == 0 && r.err() == nil {
		kept = append(kept, figure{Row: row, Text: fmt.Sprintf("long form passed, %d tests", r.passed)})
	}
	return kept
}
