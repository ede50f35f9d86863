package clients_test

import (
	"bufio"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/need"
)

// The example that the README points to, copied as its reader copies it: an app for Turnkey of which two URLs are
// changed. Breaks that were tried, each of which turns this red: the keys not swapped, either URL left as it is in production,
// another id of the auth proxy's configuration.
func TestR21_TheExampleLogsInAndSigns(t *testing.T) {
	if os.Getenv("LATCHKEY_CHROMIUM") == "" {
		need.Command(t, "chromium")
	}
	root := need.Root(t)
	vite := filepath.Join(root, "frontend", "node_modules", "vite")
	if _, err := os.Stat(vite); err != nil {
		need.Missing(t, "node_modules in frontend (npm ci)")
	}
	env := sandbox(t, "--seed", "7", "--shuffle")

	// the copy, with the packages of this folder and the front end's Vite for its own
	work := t.TempDir()
	example := filepath.Join(work, "example")
	for _, name := range []string{"index.html", "main.js", "vite.config.js", "package.json", ".env", ".env.development"} { // not what else npm and Vite left there
		text, err := os.ReadFile(filepath.Join(root, "build", "example", name))
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(example, name), text)
	}
	link(t, filepath.Join(root, "build", "pins.mjs"), filepath.Join(work, "pins.mjs"))
	link(t, filepath.Join("node_modules", "@turnkey"), filepath.Join(example, "node_modules", "@turnkey"))
	link(t, vite, filepath.Join(example, "node_modules", "vite"))

	production, development := variables(t, filepath.Join(example, ".env")), variables(t, filepath.Join(example, ".env.development"))
	const apiURL, proxyURL = "VITE_TURNKEY_API_BASE_URL", "VITE_TURNKEY_AUTH_PROXY_URL"
	if changed := slices.Sorted(maps.Keys(development)); !slices.Equal(changed, []string{apiURL, proxyURL}) {
		t.Errorf("development changes %v", changed)
	}
	env["LATCHKEY_AUTH_PROXY_CONFIG_ID"] = production["VITE_TURNKEY_AUTH_PROXY_CONFIG_ID"]
	proxy(t, env)
	env[apiURL], env[proxyURL] = env["TURNKEY_API_URL"], env["AUTH_PROXY_URL"]

	// the program as latchkey in the path, by which the example's vite.config.js asks for its keys
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	link(t, path, filepath.Join(work, "bin", "latchkey"))
	env["PATH"] = filepath.Join(work, "bin") + string(filepath.ListSeparator) + os.Getenv("PATH")
	env["EXAMPLE"], env["PINS"] = example, pins(t, "--seed", "7")
	node(t, "example.mjs", env, nil)
}

// put writes a file, with the folders above it.
func put(t *testing.T, at string, text []byte) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(at), 0o755)
	if err == nil {
		err = os.WriteFile(at, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// link makes a symbolic link to a file or folder, with the folders above it.
func link(t *testing.T, to, at string) {
	t.Helper()
	to, err := filepath.Abs(to)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(at), 0o755)
	}
	if err == nil {
		err = os.Symlink(to, at)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// variables reads one of Vite's files of variables.
func variables(t *testing.T, path string) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	said := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok {
			said[name] = value
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return said
}
