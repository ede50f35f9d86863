package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"latchkey/internal/local"
)

// weak is what the passphrase files of tests cost to open: nearly nothing, since every command of a story opens one.
const weak = 6

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"latchkey": func() { os.Exit((&terminal{version: "v0.0.0-test", work: weak}).main(os.Args[1:])) },
	})
}

// The stories of the terminal, each in a file of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: commands,
		Setup: func(env *testscript.Env) error {
			env.Setenv("LATCHKEY_HOME", env.WorkDir+"/home")
			env.Setenv("XDG_RUNTIME_DIR", env.WorkDir+"/no-bus")
			env.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
			return nil
		},
	})
}

func TestLoopbackIsToldFromTheRest(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:0": true, "localhost:3000": true, "[::1]:80": true, "127.8.8.8:1": true,
		"0.0.0.0:0": false, ":3000": false, "192.0.2.1:80": false, "example.org:80": false, "": false, "[::]:1": false,
	} {
		if got := local.Loopback(addr); got != want {
			t.Errorf("Loopback(%q) = %v", addr, got)
		}
	}
}

func TestTheEnvironmentFileIsThisUsersAlone(t *testing.T) {
	dir := t.TempDir()
	victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "env")
	if err := os.WriteFile(victim, []byte("untouched"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, path); err != nil {
		t.Fatal(err)
	}
	if err := writeEnvironment(path, local.Ready{APIPrivateKey: "secret"}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "untouched" {
		t.Errorf("what a link led to now holds %q, %v", text, err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left over: %v, %v", left, err)
	}
}
