package secretservice

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

const sessionVariable = "KEYSTORETEST_SESSION"

// bareBus starts nothing on demand: without it, the bus would start the system's keyring by itself.
const bareBus = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>`

// InSession reports whether the test runs inside its session. Outside, it runs the test again inside, and reports how
// that went; the caller returns. It takes dbus-run-session and dbus-daemon.
func InSession(t *testing.T) bool {
	t.Helper()
	if os.Getenv(sessionVariable) == t.Name() {
		return true
	}
	t.Parallel()
	home, err := os.MkdirTemp("", "latchkey-session") // not t.TempDir: the path of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == "DISPLAY" || name == "WAYLAND_DISPLAY" || strings.HasPrefix(name, "DBUS_") || strings.HasPrefix(name, "GNOME_KEYRING_")
	})
	env = append(env, sessionVariable+"="+t.Name(), "HOME="+home)
	for variable, name := range map[string]string{"XDG_RUNTIME_DIR": "run", "XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache"} {
		env = append(env, variable+"="+filepath.Join(home, name))
		if err := os.Mkdir(filepath.Join(home, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(home, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, bareBus, filepath.Join(home, "run", "bus")), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dbus-run-session", "--config-file="+config, "--", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // its own group, and nothing else
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("\n--- PASS: "+t.Name())) {
		t.Errorf("in its session: %v\n%s", err, out)
	} else {
		t.Logf("in its session:\n%s", out)
	}
	if left := living(home); len(left) > 0 {
		t.Errorf("left running: %v", left)
		for pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return false
}

// living returns the processes that were started with home in their environment and have not ended.
func living(home string) map[int]string {
	found := map[int]string{}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		environ, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil || !bytes.Contains(environ, []byte("HOME="+home+"\x00")) {
			continue
		}
		stat, _ := os.ReadFile(filepath.Join(dir, "stat"))
		if _, state, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(state, "Z") || state == "" {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(dir))
		comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
		found[pid] = strings.TrimSpace(string(comm))
	}
	return found
}

// Bus returns a connection of the test's own.
func Bus(t testing.TB) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(os.Getenv("DBUS_SESSION_BUS_ADDRESS"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// The names of the Secret Service, and its usual collection.
const (
	Name  = "org.freedesktop.secrets"
	Path  = dbus.ObjectPath("/org/freedesktop/secrets")
	Login = Path + "/collection/login"
)

// Secret is the struct in which secrets travel.
type Secret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}
