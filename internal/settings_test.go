package internal

import (
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/need"
	"latchkey/internal/profile"
)

var update = flag.Bool("update", false, "write the README's settings table")

// A variable in code is one that is read, or the name by which a setting is looked up, outside the table itself.
var (
	variableInCode = regexp.MustCompile(`"((?:LATCHKEY|TURNKEY|OTEL)_[A-Z_]+|PORT)"`)
	settingInCode  = regexp.MustCompile(`\b(?:profile\.)?(Setting[A-Z]\w+)`)
	nameInTable    = regexp.MustCompile(`(?m)^\t(Setting\w+) += "(.*)"$`)
)

// The table in internal/profile lists what the product reads from the environment: all of it, and nothing else.
func TestTheTableHasEverySettingThatIsRead(t *testing.T) {
	root := need.Root(t)
	table := filepath.Join("internal", "profile", "setting.go")
	text, err := os.ReadFile(filepath.Join(root, table))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, m := range nameInTable.FindAllStringSubmatch(string(text), -1) {
		names[m[1]] = m[2]
	}
	read := map[string]bool{}
	for _, s := range profile.Settings() {
		if s.Variable != "" {
			read[s.Variable] = false
		}
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "node_modules" || name == "need" || name == "build" || name == "frontend" || strings.HasPrefix(name, ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(path, table) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range variableInCode.FindAllStringSubmatch(string(text), -1) {
			if _, known := read[m[1]]; !known {
				t.Errorf("%s reads %s, which the table has not", path, m[1])
			}
			read[m[1]] = true
		}
		for _, m := range settingInCode.FindAllStringSubmatch(string(text), -1) {
			for _, s := range profile.Settings() {
				if s.Name == names[m[1]] {
					read[s.Variable] = true
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(read)) {
		if !read[name] {
			t.Errorf("nothing reads %s", name)
		}
	}
}

// The README shows the table as it is in code, row by row.
func TestTheREADMEShowsTheSettings(t *testing.T) {
	path := filepath.Join(need.Root(t), "README.md")
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(profile.Table(), "\n")
	before, rest, ok := strings.Cut(string(readme), head)
	if !ok {
		t.Fatalf("the README has no table with the head %s", head)
	}
	got, after, _ := strings.Cut(head+rest, "\n\n")
	if got+"\n" == profile.Table() {
		return
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+profile.Table()+"\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("the README's table differs from profile.Settings; write it with: go test ./internal -run Settings -update\n%s", got)
}
