package internal

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/need"
)

var (
	settingInCode  = regexp.MustCompile(`"((?:LATCHKEY|TURNKEY)_[A-Z_]+|PORT)"`)
	settingInTable = regexp.MustCompile("(?m)^\\| `([A-Z_]+)`")
)

// The settings table of the README lists what the product reads from the environment: all of it, and nothing else.
func TestTheREADMENamesEverySetting(t *testing.T) {
	root := need.Root(t)
	code := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "node_modules" || name == "need" || name == "build" || name == "frontend" || strings.HasPrefix(name, ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range settingInCode.FindAllStringSubmatch(string(text), -1) {
			code[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]bool{}
	for _, m := range settingInTable.FindAllStringSubmatch(string(readme), -1) {
		table[m[1]] = true
	}
	got, want := slices.Sorted(maps.Keys(table)), slices.Sorted(maps.Keys(code))
	if !slices.Equal(got, want) {
		t.Errorf("the README's table names\n%v\nthe code reads\n%v", got, want)
	}
}
