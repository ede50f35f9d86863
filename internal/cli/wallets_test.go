package cli

import (
	"strings"
	"testing"
)

func TestNamesOfOthersGiveTheTerminalNoOrders(t *testing.T) {
	for name, want := range map[string]string{
		"Every day":            "Every day",
		"Größe 財布":             "Größe 財布",
		"\x1b[2Jgone":          "\uFFFD[2Jgone",
		"tab\tand\nline":       "tab\uFFFDand\uFFFDline",
		"turned \u202e around": "turned \uFFFD around",
	} {
		if got := visible(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestLinesAreBrokenBetweenWords(t *testing.T) {
	indent := strings.Repeat(" ", 30)
	text := strings.Repeat("seven words of text stand in here ", 8)
	for i, line := range strings.Split(indent+wrap(text, indent), "\n") {
		if n := len(line); n > lineWidth || !strings.HasPrefix(line, indent) || strings.HasSuffix(line, " ") {
			t.Errorf("line %d, of %d: %q", i, n, line)
		}
	}
	if got := strings.Join(strings.Fields(wrap(text, indent)), " "); got != strings.TrimSpace(text) {
		t.Errorf("words were lost: %q", got)
	}
	long := strings.Repeat("x", 120)
	if got := wrap(long, indent); got != long {
		t.Errorf("a path that has no spaces was changed: %q", got)
	}
}
