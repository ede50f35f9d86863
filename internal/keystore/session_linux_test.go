package keystore_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"latchkey/internal/keystore/keystoretest/secretservice"
	"latchkey/internal/need"
)

const (
	secretsName = secretservice.Name
	secretsPath = secretservice.Path
	loginPath   = secretservice.Login
)

type (
	liar   = secretservice.Liar
	secret = secretservice.Secret
)

func inSession(t *testing.T) bool {
	t.Helper()
	need.Command(t, "dbus-run-session", "dbus-daemon", "gnome-keyring-daemon")
	return secretservice.InSession(t)
}

func bus(t *testing.T) *dbus.Conn {
	t.Helper()
	return secretservice.Bus(t)
}

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
