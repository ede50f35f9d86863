package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"latchkey/internal/client"
	"latchkey/internal/need"
	"latchkey/internal/profile"
)

// The machine with the faults is a process of its own, on a session bus of its own, with folders of its own: never the
// bus or the folders of whoever runs the tests.

const (
	sessionVariable = "LATCHKEY_DOCTOR_SESSION"
	roleVariable    = "LATCHKEY_DOCTOR_ROLE"
)

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
	home, err := os.MkdirTemp("", "latchkey-doctor") // not t.TempDir: the path of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	env := []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + home, "HOME=" + home, sessionVariable + "=" + t.Name()}
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
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
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
	return false
}

const (
	secretsName = "org.freedesktop.secrets"
	secretsPath = dbus.ObjectPath("/org/freedesktop/secrets")
	loginPath   = secretsPath + "/collection/login"
)

// keyring is a real gnome-keyring-daemon, unlocked.
type keyring struct {
	t   *testing.T
	cmd *exec.Cmd
	bus *dbus.Conn
}

const keyringPassword = "ci"

func startKeyring(t *testing.T) *keyring {
	t.Helper()
	conn, err := dbus.Connect(os.Getenv("DBUS_SESSION_BUS_ADDRESS"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	k := &keyring{t: t, bus: conn}
	k.start()
	t.Cleanup(k.stop)
	return k
}

// start starts it and waits until it answers and is open.
func (k *keyring) start() {
	k.t.Helper()
	k.cmd = exec.Command("gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock")
	k.cmd.Stdin = strings.NewReader(keyringPassword) // no line end: the bytes are the password
	k.cmd.WaitDelay = time.Second
	if err := k.cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	for start := time.Now(); ; {
		var all dbus.Variant
		err := k.bus.Object(secretsName, secretsPath).CallWithContext(k.t.Context(), "org.freedesktop.DBus.Properties.Get", 0,
			"org.freedesktop.Secret.Service", "Collections").Store(&all)
		if paths, _ := all.Value().([]dbus.ObjectPath); err == nil && slices.Contains(paths, loginPath) {
			return
		}
		if time.Since(start) > 2*time.Minute {
			k.t.Fatalf("no keyring: %v", err)
		}
	}
}

func (k *keyring) stop() {
	_ = k.cmd.Process.Kill()
	_ = k.cmd.Wait()
}

// lock locks it, as the desktop does when the user asks for it.
func (k *keyring) lock() {
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err := k.bus.Object(secretsName, secretsPath).Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{loginPath}).Store(&locked, &prompt)
	if err != nil || len(locked) != 1 {
		k.t.Fatalf("lock: %v, %v", locked, err)
	}
}

// roles are machines that a process cannot leave again: what it finds there is printed as JSON.
var roles = map[string]func(){
	"a disk that is full": func() {
		home := os.Getenv(profile.HomeVariable)
		if err := syscall.Mount("none", home, "tmpfs", 0, "size=256k,mode=0700"); err != nil {
			fmt.Println("cannot mount:", err)
			return
		}
		report()
	},
	"a quota": func() {
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 1000, Max: 1000}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			fmt.Println(err)
			return
		}
		report()
	},
}

// report prints what is found on the machine that a role made.
func report() {
	home, err := profile.DefaultHome()
	if err != nil {
		fmt.Println(err)
		return
	}
	r := Judge(Gather(context.Background(), Program{}, client.Examine(client.Options{Home: home}), ample))
	_ = json.NewEncoder(os.Stdout).Encode(r) // the parent sees what is missing
}

func TestMain(m *testing.M) {
	if role, ok := roles[os.Getenv(roleVariable)]; ok {
		role()
		return
	}
	os.Exit(m.Run())
}

// play runs a role, in name spaces of its own where it mounts, and returns what it found; nothing where this machine
// lets nobody mount.
func play(t *testing.T, role string, mounts bool) []Finding {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, profile.HomeVariable+"="+t.TempDir())
	if mounts {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
	}
	out, err := cmd.CombinedOutput()
	if mounts && (err != nil && len(out) == 0 || strings.HasPrefix(string(out), "cannot mount")) {
		t.Logf("no right to mount here: %v %s", err, out)
		return nil
	}
	var found []Finding
	if err := json.Unmarshal(out, &found); err != nil {
		t.Errorf("%s: %v in %s", role, err, out)
	}
	return found
}
