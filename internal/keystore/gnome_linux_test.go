package keystore_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/keystore/keystoretest"
)

func newKeychain(*testing.T) keystore.Store {
	return keystore.NewKeychain("dev.latchkey.test", "test")
}

// wantTrouble checks that every method fails with the code, and that health says the same.
func wantTrouble(t *testing.T, code fault.Code, state keystore.State, name string) {
	t.Helper()
	s := newKeychain(t)
	for what, err := range everyCall(t.Context(), s) {
		wantCode(t, what, err, code)
	}
	if code != fault.KeychainLocked { // what is locked may still tell names
		_, err := listed(t.Context(), s)
		wantCode(t, "list", err, code)
	}
	h := s.Health(t.Context())
	if h.State != state || h.Name != name {
		t.Errorf("health %+v, want %s by %s", h, state, name)
	}
	wantCode(t, "health", h.Err, code)
}

// The real keychain of GNOME is a store by the same definition as every other.
func TestGNOMEKeyringIsAStore(t *testing.T) {
	if !inSession(t) {
		return
	}
	startKeyring(t, "ci")
	keystoretest.Run(t, newKeychain)
	if h := newKeychain(t).Health(t.Context()); h.Name != "GNOME Keyring" || h.State != keystore.Protected || h.Err != nil {
		t.Errorf("health %+v", h)
	}
}

// E3: without a session bus the library would start one, if it could; it must not get the chance.
func TestE3_WithoutASessionBusNothingIsCalled(t *testing.T) {
	if !inSession(t) {
		return
	}
	launched := filepath.Join(t.TempDir(), "launched")
	launcher := t.TempDir()
	script := "#!/bin/sh\ntouch " + launched + "\nexit 1\n"
	if err := os.WriteFile(filepath.Join(launcher, "dbus-launch"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", launcher+":"+os.Getenv("PATH"))
	empty := t.TempDir()
	for _, c := range []struct{ what, address, runtime string }{
		{"nothing is set", "", ""},
		{"autolaunch is wished for", "autolaunch:", ""},
		{"the folder has no socket", "", empty},
		{"the folder is relative", "", "."},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Setenv("DBUS_SESSION_BUS_ADDRESS", c.address)
			t.Setenv("XDG_RUNTIME_DIR", c.runtime)
			wantTrouble(t, fault.KeychainNoBus, keystore.Absent, "Secret Service")
			if _, err := os.Stat(launched); err == nil {
				t.Error("dbus-launch was started")
			}
		})
	}
}

// E3: an address that nobody listens on, or that is none.
func TestE3_ADeadBus(t *testing.T) {
	if !inSession(t) {
		return
	}
	for _, address := range []string{"unix:path=" + filepath.Join(t.TempDir(), "bus"), "disabled:", "nonsense"} {
		t.Run(address[:4], func(t *testing.T) {
			t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
			wantTrouble(t, fault.KeychainNoBus, keystore.Absent, "Secret Service")
		})
	}
}

// E3: a bus on which nobody keeps secrets.
func TestE3_NoProvider(t *testing.T) {
	if !inSession(t) {
		return
	}
	wantTrouble(t, fault.KeychainAbsent, keystore.Absent, "Secret Service")
}

// E3: a keyring in a fresh home, which nobody ever gave a password.
func TestE3_NoCollection(t *testing.T) {
	if !inSession(t) {
		return
	}
	startKeyring(t, "")
	wantTrouble(t, fault.KeychainEmpty, keystore.Absent, "GNOME Keyring")
}

// E3: a keyring that was locked after it had been in use, and then one that was started locked. Keys that are
// unlocked go on signing; what must be opened says that it is locked.
func TestE3_LockedAndNobodyToAsk(t *testing.T) {
	if !inSession(t) {
		return
	}
	gnome := startKeyring(t, "ci")
	s := newKeychain(t)
	key, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gnome.lock()
	wantTrouble(t, fault.KeychainLocked, keystore.Locked, "GNOME Keyring")
	if got, err := listed(t.Context(), s); err != nil || !slices.Equal(got, []string{key.PublicKey()}) {
		t.Errorf("locked after it was open, it lists %v, %v", got, err)
	}
	if _, err := key.Sign(t.Context(), make([]byte, 32)); err != nil {
		t.Errorf("an unlocked key does not sign: %v", err)
	}
	s.Forget()
	_, err = key.Sign(t.Context(), make([]byte, 32))
	wantCode(t, "sign with a forgotten key", err, fault.KeychainLocked)

	gnome.stop()
	gnome = startKeyring(t, "")
	wantTrouble(t, fault.KeychainLocked, keystore.Locked, "GNOME Keyring")
	_, err = listed(t.Context(), s)
	wantCode(t, "list what is locked since its start", err, fault.KeychainLocked)

	gnome.stop()
	startKeyring(t, "ci")
	if _, err := key.Sign(t.Context(), make([]byte, 32)); err != nil {
		t.Errorf("unlocked again, the key does not sign: %v", err)
	}
}

// E3: the same keychain object outlives its provider, and sees the next one.
func TestE3_RestartedBetweenCalls(t *testing.T) {
	if !inSession(t) {
		return
	}
	s := newKeychain(t)
	var keys []keystore.Signer
	for range 3 {
		gnome := startKeyring(t, "ci")
		key, err := s.Create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
		s.Forget()
		for _, key := range keys {
			if _, err := key.Sign(t.Context(), make([]byte, 32)); err != nil {
				t.Error(err)
			}
		}
		gnome.stop()
		s.Forget()
		_, err = key.Sign(t.Context(), make([]byte, 32))
		wantCode(t, "sign while it is away", err, fault.KeychainAbsent)
	}
}

// R5: the real keyring, stopped in its tracks and then killed: nobody waits longer than they wanted, and what was
// stored before is there afterwards.
func TestR5_TheRealKeyringStopsAnswering(t *testing.T) {
	if !inSession(t) {
		return
	}
	gnome := startKeyring(t, "ci")
	s := newKeychain(t)
	key, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Forget()
	for what, wake := range map[string]func(){
		"woken": func() { _ = gnome.cmd.Process.Signal(syscall.SIGCONT) },
		"killed": func() {
			gnome.stop()
			gnome = startKeyring(t, "ci")
		},
	} {
		if err := gnome.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		for method, err := range everyCall(ctx, s) {
			wantCode(t, method, err, fault.KeychainTimeout)
		}
		h := s.Health(ctx)
		wantCode(t, "health", h.Err, fault.KeychainTimeout)
		cancel()
		wake()
		working(t, s)
		if _, err := key.Sign(t.Context(), make([]byte, 32)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		s.Forget()
	}
}

// Some systems have the socket of the bus, and no variable that names it.
func TestTheBusIsFoundByItsSocket(t *testing.T) {
	if !inSession(t) {
		return
	}
	startKeyring(t, "ci")
	for _, address := range []string{"", "autolaunch:", "autolaunch:scope=install-path"} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		s := newKeychain(t)
		if err := s.PutSecret(t.Context(), "state-key", []byte("x")); err != nil {
			t.Fatalf("%q: %v", address, err)
		}
		if got, err := s.Secret(t.Context(), "state-key"); err != nil || string(got) != "x" {
			t.Errorf("%q: %q, %v", address, got, err)
		}
	}
}

// What another program stored under our names, or changed there, is not taken for a key.
func TestAForeignValueIsCorrupt(t *testing.T) {
	if !inSession(t) {
		return
	}
	startKeyring(t, "ci")
	s := newKeychain(t)
	one, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn := bus(t)
	var stored string
	for _, c := range []struct {
		what  string
		value func() string
	}{
		{"nothing", func() string { return "" }},
		{"a password", func() string { return "hunter2" }},
		{"no version", func() string { return stored[3:] }},
		{"a later version", func() string { return "v2:" + stored[3:] }},
		{"cut", func() string { return stored[:40] }},
		{"zero", func() string { return "v1:" + "0000000000000000000000000000000000000000000000000000000000000000" }},
		{"another key", func() string { return rawItem(t, conn, two.PublicKey()) }},
	} {
		if stored == "" {
			stored = rawItem(t, conn, one.PublicKey())
		}
		setRawItem(t, conn, one.PublicKey(), c.value())
		s.Forget()
		_, err := s.Open(t.Context(), one.PublicKey())
		wantCode(t, c.what, err, fault.KeyCorrupt)
	}
	setRawItem(t, conn, one.PublicKey(), stored)
	if _, err := s.Open(t.Context(), one.PublicKey()); err != nil {
		t.Errorf("as it was: %v", err)
	}
}

// item finds the item of a key, and opens a session, without go-keyring.
func item(t *testing.T, conn *dbus.Conn, publicKey string) (dbus.BusObject, dbus.ObjectPath) {
	t.Helper()
	var output dbus.Variant
	var session dbus.ObjectPath
	root := conn.Object(secretsName, secretsPath)
	if err := root.Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&output, &session); err != nil {
		t.Fatal(err)
	}
	var unlocked, locked []dbus.ObjectPath
	attributes := map[string]string{"service": "dev.latchkey.test", "username": "v1/test/key/" + publicKey}
	if err := root.Call("org.freedesktop.Secret.Service.SearchItems", 0, attributes).Store(&unlocked, &locked); err != nil || len(unlocked) != 1 {
		t.Fatalf("found %v, %v", unlocked, err)
	}
	return conn.Object(secretsName, unlocked[0]), session
}

func rawItem(t *testing.T, conn *dbus.Conn, publicKey string) string {
	t.Helper()
	object, session := item(t, conn, publicKey)
	var s secret
	if err := object.Call("org.freedesktop.Secret.Item.GetSecret", 0, session).Store(&s); err != nil {
		t.Fatal(err)
	}
	return string(s.Value)
}

func setRawItem(t *testing.T, conn *dbus.Conn, publicKey, value string) {
	t.Helper()
	object, session := item(t, conn, publicKey)
	if err := object.Call("org.freedesktop.Secret.Item.SetSecret", 0, secret{Session: session, Parameters: []byte{}, Value: []byte(value), ContentType: "text/plain"}).Err; err != nil {
		t.Fatal(err)
	}
}
