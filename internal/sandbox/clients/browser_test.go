package clients_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"latchkey/internal/need"
)

// @turnkey/core in Chromium, with the backend as the auth proxy between it and the sandbox: an application that was
// told another authProxyUrl, and nothing else.
func TestR21_CoreInTheBrowser(t *testing.T) {
	if os.Getenv("LATCHKEY_CHROMIUM") == "" {
		need.Command(t, "chromium")
	}
	env := sandbox(t, "--seed", "7", "--shuffle")
	env["PINS"] = pins(t, "--seed", "7")
	proxy(t, env)
	node(t, "core.mjs", env, nil)
}

// The ten lines that swap the pinned keys, in both bundlers that they are for.
func TestPinnedKeysAreSwappedByTheBundlers(t *testing.T) {
	if _, err := os.Stat(filepath.Join(need.Root(t), "frontend", "node_modules", "vite")); err != nil {
		need.Missing(t, "node_modules in frontend (npm ci)")
	}
	node(t, "pins.mjs", map[string]string{"PINS": pins(t, "--seed", "7")}, nil)
}

// pins is what the program prints for the bundler's plugin.
func pins(t *testing.T, args ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: this builds and runs the program")
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, append([]string{"sandbox", "--print-pins"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
