package main

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A row is one promised number. build/rows.txt lists them all, one line each:
//
//	P1 claimed stamp a request
//	R2 partly  one refresh | what of it is not shown yet
//	R7 later   hostile page | why nothing of it is shown yet
//
// A claimed row and one claimed in part must be carried by a test or a benchmark; what is not claimed needs its reason.
type row struct {
	id, state, what, why string
}

func readRows(path string) ([]row, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rows []row
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		part := strings.Fields(line)
		if len(part) < 3 || !rowID.MatchString(part[0]) || !slices.Contains([]string{"claimed", "partly", "later"}, part[1]) {
			return nil, fmt.Errorf("%s: %q: want a row, claimed, partly or later, and what it is", path, line)
		}
		what, why, _ := strings.Cut(strings.Join(part[2:], " "), " | ")
		if part[1] != "claimed" && why == "" {
			return nil, fmt.Errorf("%s: %s is not claimed whole, and no reason stands behind it", path, part[0])
		}
		if slices.ContainsFunc(rows, func(r row) bool { return r.id == part[0] }) {
			return nil, fmt.Errorf("%s: %s stands there twice", path, part[0])
		}
		rows = append(rows, row{id: part[0], state: part[1], what: what, why: why})
	}
	return rows, nil
}

var (
	rowID = regexp.MustCompile(`^[PRE]\d+$`)
	// A Go test or benchmark carries a row by its name, a test of the front end by the first word of its
	// title, "E4: …" or "TestE4: …".
	goCarrier = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)([PRE]\d+)_\w+)\(`)
	jsCarrier = regexp.MustCompile("(?m)\\b(?:test|it|describe)\\(\\s*['\"`]((?:Test)?([PRE]\\d+)[: _][^'\"`]*)")
)

// carriers finds the tests that carry a row, by row.
func carriers(root string) (map[string][]string, error) {
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if name == "node_modules" || name == "dist" || name == "tools" || strings.HasPrefix(name, ".") && path != root {
				return filepath.SkipDir
			}
			return nil
		}
		var pattern *regexp.Regexp
		switch {
		case strings.HasSuffix(name, "_test.go"):
			pattern = goCarrier
		case strings.HasSuffix(name, ".ts"), strings.HasSuffix(name, ".mjs"), strings.HasSuffix(name, ".js"):
			pattern = jsCarrier
		default:
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		for _, m := range pattern.FindAllSubmatch(data, -1) {
			found[string(m[2])] = append(found[string(m[2])], fmt.Sprintf("%s %s", filepath.ToSlash(filepath.Dir(rel)), m[1]))
		}
		return nil
	})
	return found, err
}

// printRows lists every row with its tests and its last figure. A claimed row without a test is an error, and so is a
// test for a row that nobody promised or that is for later.
func printRows(root string, out io.Writer, figures figureFile) error {
	rows, err := readRows(filepath.Join(root, "build", "rows.txt"))
	if err != nil {
		return err
	}
	tests, err := carriers(root)
	if err != nil {
		return err
	}
	last, err := figures.read()
	if err != nil {
		return err
	}
	var wrong []string
	for _, r := range rows {
		carried := tests[r.id]
		delete(tests, r.id)
		state := r.state
		if r.why != "" {
			state += ": " + r.why
		}
		fmt.Fprintf(out, "%-4s %s (%s)\n", r.id, r.what, state)
		for _, c := range carried {
			fmt.Fprintln(out, "       by", c)
		}
		for _, f := range last {
			if f.Row == r.id {
				fmt.Fprintf(out, "       %s %s\n", f.Date, f.Text)
			}
		}
		if r.state != "later" && len(carried) == 0 {
			wrong = append(wrong, r.id+" is claimed, and no test carries it")
		}
		if r.state == "later" && len(carried) > 0 {
			wrong = append(wrong, r.id+" is for later, and carried already: claim what is shown")
		}
	}
	for id, carried := range tests {
		wrong = append(wrong, fmt.Sprintf("%s is carried by %s, and is not in build/rows.txt", id, strings.Join(carried, ", ")))
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return fmt.Errorf("%s", strings.Join(wrong, "\n  "))
	}
	return nil
}

// compareRows puts P before R before E, and P2 before P10.
func compareRows(a, b string) int {
	const order = "PRE"
	an, _ := strconv.Atoi(a[1:])
	bn, _ := strconv.Atoi(b[1:])
	return cmp.Or(cmp.Compare(strings.IndexByte(order, a[0]), strings.IndexByte(order, b[0])), cmp.Compare(an, bn))
}
