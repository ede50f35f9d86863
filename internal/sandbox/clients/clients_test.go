package clients_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/need"
)

// node runs a script of this folder and returns what it prints. A script fails the test by ending with another code
// than 0; its account of the steps then tells why. input, when not nil, is its standard input as JSON.
func node(t testing.TB, script string, env map[string]string, input any) []byte {
	t.Helper()
	needNode(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", script)
	cmd.Env = os.Environ()
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if input != nil {
		raw, err := json.Marshal(input)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdin = bytes.NewReader(raw)
	}
	var out, steps bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &steps
	err := cmd.Run()
	account := table.read(steps.String())
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, account)
	}
	t.Logf("%s\n%s", script, account)
	return out.Bytes()
}

// needNode skips the test unless node and the pinned packages are there.
func needNode(t testing.TB) {
	t.Helper()
	need.Command(t, "node")
	if _, err := os.Stat(filepath.Join("node_modules", "@turnkey", "sdk-server")); err != nil {
		need.Missing(t, "node_modules in internal/sandbox/clients (npm ci)")
	}
}

// buildDir is where the program is built. TestMain makes and removes it.
var buildDir string

func TestMain(m *testing.M) {
	var err error
	if buildDir, err = os.MkdirTemp("", "latchkey-clients"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if len(table.rows) > 0 {
		fmt.Print(table.String())
		for _, c := range []*contract{publicAPI, authProxy} {
			fmt.Println(c.account())
		}
	}
	_ = os.RemoveAll(buildDir)
	os.Exit(code)
}

// program is the headless program: the one that LATCHKEY_PROGRAM names, or one built here for all tests of the folder.
var program = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("LATCHKEY_PROGRAM"); path != "" {
		return path, nil
	}
	path := filepath.Join(buildDir, "latchkey")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "latchkey")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make builds it, so that both use one cache
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})

// run starts a server command of the program and waits for its ready line, which it reads into ready. The server ends
// with the test.
func run(t *testing.T, ready any, env map[string]string, args ...string) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	start(t, cmd, ready)
}

// start starts a server that writes one line of JSON when it is ready.
func start(t *testing.T, cmd *exec.Cmd, ready any) {
	t.Helper()
	name := filepath.Base(cmd.Args[0]) + " " + cmd.Args[1]
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", name, log.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s: no ready line: %v", name, err)
	}
	if err := json.Unmarshal([]byte(line), ready); err != nil {
		t.Fatalf("%s: ready line %q: %v", name, line, err)
	}
}

// sandbox is a running sandbox with the witness in front of it. env is what its own environment file says, but for the
// URL, which is the witness's. args are further flags.
func sandbox(t *testing.T, args ...string) (env map[string]string) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: this builds and runs the program")
	}
	needNode(t)
	file := filepath.Join(t.TempDir(), "sandbox.env")
	var ready struct{ APIBaseURL, ControlURL string }
	run(t, &ready, nil, append([]string{"sandbox", "--listen", "127.0.0.1:0", "--env-file", file}, args...)...)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	env = map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok {
			t.Fatalf("environment file: %q", line)
		}
		env[name] = value
	}
	if env["TURNKEY_API_URL"] != ready.APIBaseURL {
		t.Errorf("the environment file says %q, the ready line %q", env["TURNKEY_API_URL"], ready.APIBaseURL)
	}
	env["TURNKEY_API_URL"] = witness(t, publicAPI, ready.APIBaseURL)
	env["CONTROL_URL"], env["PROVIDERS_URL"] = ready.ControlURL, ready.APIBaseURL // people's own doors, not a client's
	return env
}

// backend starts a backend that knows the sandbox by env, and adds its URL.
func backend(t *testing.T, env map[string]string) {
	t.Helper()
	var ready struct{ URL string }
	run(t, &ready, env, "backend", "--listen", "127.0.0.1:0")
	env["BACKEND_URL"] = ready.URL
}

// proxy starts the backend as the auth proxy, with a witness in front of it, and adds its URL.
func proxy(t *testing.T, env map[string]string) {
	t.Helper()
	backend(t, env)
	env["AUTH_PROXY_CONFIG_ID"] = env["TURNKEY_ORGANIZATION_ID"]
	env["AUTH_PROXY_URL"] = witness(t, authProxy, env["BACKEND_URL"])
}
