//go:build linux

// Package windowtest drives the program that people get, in a real window: the production binary, WebKit, an X server,
// a session bus, a keychain and the accessibility tree are all the real ones. It has only tests, and is for them alone.
//
// It owns the desk (a display, a session and a keychain of the test's own, gone with the test) and the hands (find a
// control by role and name, press, type, look). What the page does in detail is tested in a browser, where that is
// quicker; here stand the few stories that must be seen through real parts.
package windowtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
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

// desk is a desktop of the test's own: an X display, a session bus with the accessibility services behind it, and
// folders. It is not the desktop of whoever runs the tests, and nothing of it is left afterwards.
type desk struct {
	t       testing.TB
	home    string
	env     []string
	display string
	session *dbus.Conn
	keyring *exec.Cmd
}

// openDesk starts an empty desk. A theme is the name of a GTK theme; empty: the default, which is light.
func openDesk(t testing.TB, theme string) *desk {
	t.Helper()
	need.Command(t, "Xvfb", "dbus-run-session", "gnome-keyring-daemon", "xdotool", "import")
	home, err := os.MkdirTemp("", "latchkey-desk") // not t.TempDir: the path of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, home: home}
	t.Cleanup(func() {
		d.nothingLeft()
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	d.env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "LATCHKEY_HOME=" + filepath.Join(home, "latchkey")}
	for variable, name := range map[string]string{"XDG_RUNTIME_DIR": "run", "XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache", "XDG_STATE_HOME": "state"} {
		d.env = append(d.env, variable+"="+filepath.Join(home, name))
		if err := os.Mkdir(filepath.Join(home, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if theme != "" {
		d.env = append(d.env, "GTK_THEME="+theme)
	}
	d.startDisplay()
	d.startSession()
	return d
}

// startDisplay starts an X server on a number that it finds free itself.
func (d *desk) startDisplay() {
	d.t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		d.t.Fatal(err)
	}
	defer read.Close()
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", screenWidth, screenHeight), "-nolisten", "tcp", "-noreset")
	cmd.ExtraFiles = []*os.File{write}
	d.start(cmd)
	_ = write.Close()
	number, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		d.t.Fatalf("Xvfb found no display: %v", err)
	}
	d.display = ":" + strings.TrimSpace(number)
	d.env = append(d.env, "DISPLAY="+d.display)
}

// bareBus starts nothing on demand but the accessibility bus: without it, the first question would start the system's
// keyring, locked and empty, before the test starts its own or while it must have none.
const bareBus = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth><servicedir>%s</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>`

// startSession starts a session bus, which lives until the test lets go of its standard input.
func (d *desk) startSession() {
	d.t.Helper()
	services := filepath.Join(d.home, "services")
	if err := os.Mkdir(services, 0o700); err != nil {
		d.t.Fatal(err)
	}
	service, err := os.ReadFile("/usr/share/dbus-1/services/org.a11y.Bus.service")
	if err != nil {
		need.Missing(d.t, "the accessibility bus (at-spi2-core)")
	}
	config := filepath.Join(d.home, "bus.conf")
	for path, text := range map[string][]byte{
		filepath.Join(services, "org.a11y.Bus.service"): service,
		config: fmt.Appendf(nil, bareBus, filepath.Join(d.home, "run", "bus"), services),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
	cmd := exec.Command("dbus-run-session", "--config-file="+config, "--", "sh", "-c", `echo "$DBUS_SESSION_BUS_ADDRESS"; exec cat`)
	input, err := cmd.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	d.start(cmd)
	d.t.Cleanup(func() { _ = input.Close() })
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		d.t.Fatalf("no session bus: %v", err)
	}
	address = strings.TrimSpace(address)
	d.env = append(d.env, "DBUS_SESSION_BUS_ADDRESS="+address)
	if d.session, err = dbus.Connect(address); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = d.session.Close() })
}

// start starts a program on the desk, as a process group of its own that ends with the test.
func (d *desk) start(cmd *exec.Cmd) {
	d.t.Helper()
	cmd.Env = d.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if cmd.Stderr == nil {
		cmd.Stderr = io.Discard // GTK, WebKit and the services have much to say about a bare desk
	}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() // says that it was killed
	})
}

// startKeyring starts a real gnome-keyring, unlocked by its password, and waits until it answers.
func (d *desk) startKeyring() {
	d.t.Helper()
	d.keyring = exec.Command("gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock")
	d.keyring.Stdin = strings.NewReader("desk") // no line end: the bytes are the password
	d.start(d.keyring)
	within(d.t, 2*time.Minute, "the keyring has its login collection", func() error {
		var all dbus.Variant
		err := d.session.Object(secretsName, secretsPath).Call("org.freedesktop.DBus.Properties.Get", 0, "org.freedesktop.Secret.Service", "Collections").Store(&all)
		if paths, _ := all.Value().([]dbus.ObjectPath); err == nil && !slices.Contains(paths, loginPath) {
			err = errNotThere
		}
		return err
	})
}

// stopKeyring kills it without warning, and waits until the bus knows.
func (d *desk) stopKeyring() {
	d.t.Helper()
	if err := d.keyring.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	_ = d.keyring.Wait() // says that it was killed
	within(d.t, 2*time.Minute, "the bus lost the keyring", func() error {
		var owned bool
		if err := d.session.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&owned); err != nil {
			return err
		}
		if owned {
			return errors.New("it is still there")
		}
		return nil
	})
}

// lockKeyring locks it, as the desktop does when its user goes away.
func (d *desk) lockKeyring() {
	d.t.Helper()
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err := d.session.Object(secretsName, secretsPath).Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{loginPath}).Store(&locked, &prompt)
	if err != nil || len(locked) != 1 {
		d.t.Fatalf("lock the keyring: %v, %v", locked, err)
	}
}

const (
	secretsName = "org.freedesktop.secrets"
	secretsPath = dbus.ObjectPath("/org/freedesktop/secrets")
	loginPath   = secretsPath + "/collection/login"
)

// nothingLeft waits for all that was started on the desk to end, which the services of a session do by themselves
// when their bus is gone. It kills what stays, and the test has failed.
func (d *desk) nothingLeft() {
	for end := time.Now().Add(time.Minute); ; {
		left := d.living()
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			d.t.Errorf("left running: %v", left)
			for pid := range left {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			return
		}
		pause()
	}
}

// living returns the processes that have the desk's home in their environment.
func (d *desk) living() map[int]string {
	found := map[int]string{}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		environ, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil || !bytes.Contains(environ, []byte("HOME="+d.home+"\x00")) {
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

// within asks again and again until there is no error, for at most the time given.
func within(t testing.TB, limit time.Duration, what string, ask func() error) {
	t.Helper()
	begin := time.Now()
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Since(begin) > limit {
			t.Fatalf("%v passed, and not yet: %s: %v", limit, what, err)
		}
		pause()
	}
}

// pause gives other processes a moment. There is no event to wait for: the window is another program, and what is
// asked of it here (is this shown yet?) is what a person's eye asks.
func pause() { <-time.After(50 * time.Millisecond) }

// run runs a short program on the desk and returns what it printed.
func (d *desk) run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = d.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
