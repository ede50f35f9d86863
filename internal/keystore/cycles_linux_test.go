package keystore_test

import (
	"os"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"latchkey/internal/keystore"
	"latchkey/internal/need"
	"latchkey/internal/session/sessiontest"
)

// secretItems counts the items that the Secret Service holds, whoever stored them, without our own list.
func secretItems(t *testing.T) func() int {
	conn := bus(t)
	return func() int {
		t.Helper()
		var unlocked, locked []dbus.ObjectPath
		err := conn.Object(secretsName, secretsPath).CallWithContext(t.Context(), "org.freedesktop.Secret.Service.SearchItems", 0,
			map[string]string{"service": "dev.latchkey.test"}).Store(&unlocked, &locked)
		if err != nil {
			t.Fatal(err)
		}
		return len(unlocked) + len(locked)
	}
}

func TestAHundredCyclesLeaveNothingInGNOMEKeyring(t *testing.T) {
	if !inSession(t) {
		return
	}
	startKeyring(t, "ci")
	cycles(t, newKeychain(t), secretItems(t))
}

func TestAHundredCyclesLeaveNothingInKeePassXC(t *testing.T) {
	need.Command(t, "keepassxc", "keepassxc-cli")
	if !inSession(t) {
		return
	}
	startKeePass(t)
	cycles(t, newKeychain(t), secretItems(t))
}

func TestAHundredCyclesLeaveNothingInATPM(t *testing.T) {
	tpm, path := newTPM(t), sessiontest.Folder(t)
	cycles(t, keystore.NewTPM(folder(t, path), tpm.open), func() int {
		t.Helper()
		files, err := os.ReadDir(path)
		if err != nil {
			t.Fatal(err)
		}
		blobs := 0
		for _, file := range files {
			if strings.HasPrefix(file.Name(), "tpm-") {
				blobs++
			}
		}
		return blobs + tpm.objects()
	})
}
