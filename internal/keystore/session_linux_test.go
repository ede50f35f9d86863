package keystore_test

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

	"latchkey/internal/need"
)

// A test that speaks D-Bus runs in a process of its own, on a session bus of its own, with folders of its own: never
// on the bus of whoever runs the tests. Nothing it started is left when it ends.

const sessionVariable = "LATCHKEY_TEST_SESSION"

// bareBus starts nothing on demand: without it, the bus would start the system's keyring by itself.
const bareBus = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>`

// inSession reports whether the test runs inside its session. Outside, it runs the test again inside, and reports how
// that went; the caller returns.
func inSession(t *testing.T) bool {
	t.Helper()
	if os.Getenv(sessionVariable) == t.Name() {
		return true
	}
	t.Parallel()
	need.Command(t, "dbus-run-session", "dbus-daemon", "gnome-keyring-daemon")
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

// bus returns a connection of the test's own.
func bus(t *testing.T) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(os.Getenv("DBUS_SESSION_BUS_ADDRESS"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

const (
	secretsName = "org.freedesktop.secrets"
	secretsPath = dbus.ObjectPath("/org/freedesktop/secrets")
	loginPath   = secretsPath + "/collection/login"
)

// keyring is a real gnome-keyring-daemon.
type keyring struct {
	t   *testing.T
	cmd *exec.Cmd
	bus *dbus.Conn
}

// startKeyring starts one, unlocked by password if that is not empty, and waits until it answers.
func startKeyring(t *testing.T, password string) *keyring {
	t.Helper()
	k := &keyring{t: t, bus: bus(t), cmd: exec.Command("gnome-keyring-daemon", "--foreground", "--components=secrets")}
	if password != "" {
		k.cmd.Args = append(k.cmd.Args, "--unlock")
		k.cmd.Stdin = strings.NewReader(password) // no line end: the bytes are the password
	}
	k.cmd.Stderr = os.Stderr
	k.cmd.WaitDelay = time.Second
	if err := k.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.stop)
	k.until("it answers", func() bool {
		var all dbus.Variant
		err := k.bus.Object(secretsName, secretsPath).CallWithContext(t.Context(), "org.freedesktop.DBus.Properties.Get", 0,
			"org.freedesktop.Secret.Service", "Collections").Store(&all)
		paths, _ := all.Value().([]dbus.ObjectPath)
		return err == nil && (password == "" || slices.Contains(paths, loginPath))
	})
	return k
}

// stop kills it without warning, and waits until the bus knows.
func (k *keyring) stop() {
	if k.cmd.ProcessState != nil {
		return
	}
	_ = k.cmd.Process.Kill()
	_ = k.cmd.Wait()
	k.until("the bus lost it", func() bool {
		var owned bool
		err := k.bus.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&owned)
		return err != nil || !owned
	})
}

// lock locks the login collection, as the desktop does when the user locks the screen or asks for it.
func (k *keyring) lock() {
	k.t.Helper()
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err := k.bus.Object(secretsName, secretsPath).Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{loginPath}).Store(&locked, &prompt)
	if err != nil || len(locked) != 1 {
		k.t.Fatalf("lock: %v, %v", locked, err)
	}
}

// until asks until the answer is yes; each question is a round trip on the bus.
func (k *keyring) until(what string, done func() bool) {
	k.t.Helper()
	for start := time.Now(); !done(); {
		if time.Since(start) > 2*time.Minute {
			k.t.Fatalf("gave up waiting until %s", what)
		}
	}
}
