package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// figure is the last thing measured for a row.
type figure struct {
	Row  string
	Text string
	Date string // day of the measurement; empty: today
}

// figureFile is the file that holds the last figures: one line each, "ROW DATE TEXT", sorted.
type figureFile string

func (f figureFile) read() ([]figure, error) {
	data, err := os.ReadFile(string(f))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []figure
	for line := range strings.Lines(string(data)) {
		part := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if len(part) != 3 || strings.HasPrefix(line, "#") {
			continue
		}
		all = append(all, figure{Row: part[0], Date: part[1], Text: part[2]})
	}
	return all, nil
}

// keep writes the figures in the place of the older ones of the same rows.
func (f figureFile) keep(fresh []figure) error {
	if len(fresh) == 0 {
		return nil
	}
	old, err := f.read()
	if err != nil {
		return err
	}
	all := slices.DeleteFunc(old, func(o figure) bool {
		return slices.ContainsFunc(fresh, func(n figure) bool { return n.Row == o.Row })
	})
	for _, n := range fresh {
		if n.Date == "" {
			n.Date = time.Now().Format(time.DateOnly)
		}
		all = append(all, n)
	}
	slices.SortStableFunc(all, func(a, b figure) int { return compareRows(a.Row, b.Row) })
	var text strings.Builder
	text.WriteString("# The last figure of each row, written by make bench and make campaign: row, day, what was measured.\n")
	for _, n := range all {
		fmt.Fprintln(&text, n.Row, n.Date, n.Text)
	}
	return os.WriteFile(string(f), []byte(text.String()), 0o644)
}

var benchLine = regexp.MustCompile(`^Benchmark(P\d+)_(\S+?)(?:-\d+)?\s+\d+\s+(.*)`)

// chatter is what go test prints about itself and the machine around the figures.
var chatter = regexp.MustCompile(`^(PASS|ok|\?|goos:|goarch:|pkg:|cpu:)`)

// readBench prints what the benchmarks of each row measured, the median of all repetitions, and keeps it. What
// testing measures by itself (ns/op, B/op, MB/s), and other times, depend on the machine: they are left out where a
// benchmark reports a ratio or a count of its own.
func readBench(in io.Reader, out io.Writer, figures figureFile) error {
	type series struct {
		row, name string
		units     []string
		values    map[string][]float64
	}
	var all []*series
	failed := false
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m := benchLine.FindStringSubmatch(lines.Text())
		if m == nil {
			if strings.HasPrefix(lines.Text(), "FAIL") || strings.HasPrefix(lines.Text(), "---") {
				failed = true
			}
			if !chatter.MatchString(lines.Text()) {
				fmt.Fprintln(out, lines.Text())
			}
			continue
		}
		i := slices.IndexFunc(all, func(s *series) bool { return s.row == m[1] && s.name == m[2] })
		if i < 0 {
			i = len(all)
			all = append(all, &series{row: m[1], name: m[2], values: map[string][]float64{}})
		}
		s, words := all[i], strings.Fields(m[3])
		for j := 0; j+1 < len(words); j += 2 {
			v, err := strconv.ParseFloat(words[j], 64)
			if err != nil {
				return fmt.Errorf("%q: %w", lines.Text(), err)
			}
			if !slices.Contains(s.units, words[j+1]) {
				s.units = append(s.units, words[j+1])
			}
			s.values[words[j+1]] = append(s.values[words[j+1]], v)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if failed {
		return fmt.Errorf("a benchmark failed")
	}
	var kept []figure
	for _, s := range all {
		own := slices.DeleteFunc(slices.Clone(s.units), func(unit string) bool {
			return slices.Contains([]string{"ns/op", "B/op", "MB/s"}, unit) || strings.HasSuffix(unit, "-ns")
		})
		if len(own) == 0 || slices.Equal(own, []string{"allocs/op"}) {
			own = s.units
		}
		var parts []string
		for _, unit := range own {
			parts = append(parts, strconv.FormatFloat(median(s.values[unit]), 'g', 4, 64)+" "+unit)
		}
		text := s.name + ": " + strings.Join(parts, ", ")
		fmt.Fprintf(out, "%-4s %s\n", s.row, text)
		kept = append(kept, figure{Row: s.row, Text: text})
	}
	if len(kept) == 0 {
		return fmt.Errorf("no benchmark carries a row's id")
	}
	return figures.keep(kept)
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}
