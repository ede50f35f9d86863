package keystore_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"latchkey/internal/keystore"
	"latchkey/internal/keystore/keystoretest"
	"latchkey/internal/need"
)

// keepassSettings: it is asked nothing, and does not save by itself, which 2.7.4 does not survive when changes come
// fast (see the package comment).
const keepassSettings = `[General]
AutoSaveAfterEveryChange=false
AutoSaveOnExit=false
UpdateCheckMessageShown=true
SingleInstance=false
[GUI]
CheckForUpdates=false
[FdoSecrets]
Enabled=true
ShowNotification=false
ConfirmAccessItem=false
ConfirmDeleteItem=false
`

// keepassDatabase exposes its root group as the Secret Service's collection: the UUID is the same twice.
const keepassDatabase = `<?xml version="1.0" encoding="UTF-8"?>
<KeePassFile><Meta><DatabaseName>keys</DatabaseName><CustomData><Item><Key>FDO_SECRETS_EXPOSED_GROUP</Key>
<Value>{00112233-4455-6677-8899-aabbccddeeff}</Value></Item></CustomData></Meta>
<Root><Group><UUID>ABEiM0RVZneImaq7zN3u/w==</UUID><Name>Root</Name></Group></Root></KeePassFile>`

// startKeePass starts a real KeePassXC without a display, on a database of its own that is open, and waits until it
// answers. It is ended with the test.
func startKeePass(t *testing.T) {
	t.Helper()
	home := os.Getenv("HOME") // of the session alone
	settings, xml, database := filepath.Join(home, "keepass.ini"), filepath.Join(home, "keys.xml"), filepath.Join(home, "keys.kdbx")
	for path, text := range map[string]string{settings: keepassSettings, xml: keepassDatabase} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("QT_QPA_PLATFORM", "offscreen")
	making := exec.CommandContext(t.Context(), "keepassxc-cli", "import", "--set-password", "--decryption-time", "100", xml, database)
	making.Stdin = strings.NewReader("ci\nci\n")
	if out, err := making.CombinedOutput(); err != nil {
		t.Fatalf("make its database: %v\n%s", err, out)
	}
	cmd := exec.Command("keepassxc", "--config", settings, "--localconfig", filepath.Join(home, "local.ini"), "--pw-stdin", database)
	cmd.Stdin = strings.NewReader("ci\n")
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	conn := bus(t)
	root := conn.Object(secretsName, secretsPath)
	for start := time.Now(); ; {
		var path dbus.ObjectPath
		locked := dbus.MakeVariant(true) // it has a collection before that is open
		err := root.CallWithContext(t.Context(), "org.freedesktop.Secret.Service.ReadAlias", 0, "default").Store(&path)
		if err == nil && path != "/" {
			err = conn.Object(secretsName, path).CallWithContext(t.Context(), "org.freedesktop.DBus.Properties.Get", 0,
				"org.freedesktop.Secret.Collection", "Locked").Store(&locked)
		}
		if open, ok := locked.Value().(bool); err == nil && ok && !open {
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("it ended: %v", err)
		default:
		}
		if time.Since(start) > 90*time.Second {
			t.Fatalf("it does not answer: %q, %v", path, err)
		}
	}
}

// A second program of other making keeps the Secret Service's promises in its own way, and is a store all the same.
func TestKeePassXCIsAStore(t *testing.T) {
	need.Command(t, "keepassxc", "keepassxc-cli")
	if !inSession(t) {
		return
	}
	startKeePass(t)
	keystoretest.Run(t, newKeychain)
	if h := newKeychain(t).Health(t.Context()); h.Name != "KeePassXC" || h.State != keystore.Protected || h.Err != nil {
		t.Errorf("health %+v", h)
	}
}
