package clients_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// flows gathers what the scripts say of a client's flows: a line "flow", client, flow and outcome, parted by tabs.
type flows struct {
	mu   sync.Mutex
	rows [][3]string
}

var table flows

// read takes the rows out of a script's account of its steps, and returns the rest.
func (f *flows) read(account string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var rest strings.Builder
	for line := range strings.Lines(account) {
		if cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(cells) == 4 && cells[0] == "flow" {
			f.rows = append(f.rows, [3]string(cells[1:]))
			continue
		}
		rest.WriteString(line)
	}
	return rest.String()
}

// String is the table, a client's flows together.
func (f *flows) String() string {
	var b strings.Builder
	passed, last := 0, ""
	slices.SortStableFunc(f.rows, func(a, b [3]string) int { return strings.Compare(a[0], b[0]) })
	for _, row := range f.rows {
		client := row[0]
		if client != last {
			fmt.Fprintf(&b, "  %s\n", client)
			last = client
		}
		fmt.Fprintf(&b, "    %-4s  %s\n", row[2], row[1])
		if row[2] == "pass" {
			passed++
		}
	}
	return fmt.Sprintf("%d of %d flows of Turnkey's own clients:\n%s", passed, len(f.rows), b.String())
}
