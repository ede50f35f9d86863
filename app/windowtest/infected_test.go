//go:build linux

package windowtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/internal/need"
)

// infected builds the production binary with a script more in its page, which is otherwise what people get.
func infected(t testing.TB, script string) string {
	t.Helper()
	_ = program(t) // what is missing here is said there
	return withScript(t, ".", filepath.Join("frontend", "dist"), script)
}

// bare builds the least Wails app that there can be, with a script in its page.
func bare(t testing.TB, script string) string {
	t.Helper()
	_ = program(t)
	dir := filepath.Join("app", "windowtest", "testdata", "bare")
	return withScript(t, "./"+filepath.ToSlash(dir), filepath.Join(dir, "dist"), script)
}

// withScript builds a window whose embedded page lies in dist, with a script added to it. Both are of the project's root.
func withScript(t testing.TB, main, dist, script string) string {
	t.Helper()
	root := need.Root(t)
	dist = filepath.Join(root, dist)
	index, err := os.ReadFile(filepath.Join(dist, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	overlay := map[string]map[string]string{"Replace": {}}
	for name, text := range map[string]string{
		"index.html": strings.Replace(string(index), "</head>", `<script type="module" src="/added.js"></script></head>`, 1),
		"added.js":   script,
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay["Replace"][filepath.Join(dist, name)] = file
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), list, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "window")
	cmd := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-trimpath", "-tags", "desktop,production,webkit2_41", "-ldflags", "-s -w", "-o", path, main)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", main, err, out)
	}
	return path
}
