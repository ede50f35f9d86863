// Package need says what a test needs of the machine. Without it the test is skipped by the name of what is missing;
// with LATCHKEY_REQUIRE=all, as in make test, what is missing fails the test instead, so that a green run has skipped
// nothing. It is imported by tests alone.
package need

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Command skips or fails the test unless every named program can be run.
func Command(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			Missing(t, name)
		}
	}
}

// Chromium returns the browser to run: the one that LATCHKEY_CHROMIUM names, or the one on the path.
func Chromium(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("LATCHKEY_CHROMIUM"); path != "" {
		return path
	}
	Command(t, "chromium")
	return "chromium"
}

// Missing skips the test because what is missing, or fails it when everything is required.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("LATCHKEY_REQUIRE") == "all" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// Root returns the top folder of the project.
func Root(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) { // -trimpath leaves a module path: look upwards from the test's folder instead
		dir, err := os.Getwd()
		for err == nil && dir != filepath.Dir(dir) {
			if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
				return dir
			}
			dir = filepath.Dir(dir)
		}
		t.Fatal("no go.mod above the test")
	}
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Shared returns the path of a file of the folder that lies beside the project: outside vectors and the service's own
// API description, which are not part of the project. Where the whole folder does not exist, as in a stranger's clone,
// the test is skipped whatever is required; a single missing file is a failure.
func Shared(t testing.TB, parts ...string) string {
	t.Helper()
	dir := filepath.Join(Root(t), "..", "shared")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("missing: ../shared, the outside vectors")
	}
	path := filepath.Join(append([]string{dir}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}
