package keystore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/keystore/keystoretest"
	"latchkey/internal/need"
	"latchkey/internal/p256"
)

// softTPM is a TPM 2.0 in software, with a state that outlives its restarts.
type softTPM struct {
	t    *testing.T
	home string
	cmd  *exec.Cmd
}

// newTPM starts a TPM of its own, with seeds of its own: another machine.
func newTPM(t *testing.T) *softTPM {
	t.Helper()
	need.Command(t, "swtpm")
	home, err := os.MkdirTemp("", "latchkey-tpm") // not t.TempDir: the path of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	s := &softTPM{t: t, home: home}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *softTPM) socket() string { return filepath.Join(s.home, "tpm.sock") }

func (s *softTPM) start() {
	s.t.Helper()
	s.cmd = exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+s.home, "--server", "type=unixio,path="+s.socket(),
		"--ctrl", "type=unixio,path="+filepath.Join(s.home, "tpm.ctrl"), "--flags", "not-need-init,startup-clear", "--seccomp", "action=none")
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for start := time.Now(); ; {
		conn, err := net.Dial("unix", s.socket())
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Since(start) > 2*time.Minute {
			s.t.Fatalf("no TPM: %v", err)
		}
	}
}

// stop ends it without warning, as a power cut does.
func (s *softTPM) stop() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
	_ = os.Remove(s.socket())
}

func (s *softTPM) open() (transport.TPMCloser, error) {
	return linuxudstpm.Open(s.socket())
}

// objects counts what is left in the TPM's few places.
func (s *softTPM) objects() int {
	s.t.Helper()
	conn, err := linuxudstpm.Open(s.socket())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // it was only read
	count := 0
	for _, first := range []uint32{0x80000000, 0x02000000, 0x03000000, 0x81000000} { // transient, sessions, saved, persistent
		answer, err := tpm2.GetCapability{Capability: tpm2.TPMCapHandles, Property: first, PropertyCount: 100}.Execute(conn)
		if err != nil {
			s.t.Fatal(err)
		}
		handles, err := answer.CapabilityData.Data.Handles()
		if err != nil {
			s.t.Fatal(err)
		}
		count += len(handles.Handle)
	}
	return count
}

func TestATPMIsAStore(t *testing.T) {
	tpm, path := newTPM(t), place(t)
	keystoretest.Run(t, func(t *testing.T) keystore.Store { return keystore.NewTPM(folder(t, path), tpm.open) })
	h := keystore.NewTPM(folder(t, path), tpm.open).Health(t.Context())
	if h.State != keystore.Protected || h.Name != "TPM 2.0 (IBM)" {
		t.Errorf("health %+v", h)
	}
	if n := tpm.objects(); n != 0 {
		t.Errorf("%d objects were left in the TPM", n)
	}
	if left, err := filepath.Glob(filepath.Join(path, "tpm-*")); err != nil || len(left) != 2 {
		t.Errorf("files were left: %v, %v", left, err) // but for the key and the secret that the suite leaves
	}
}

func TestKeysOfATPMSurviveItsRestarts(t *testing.T) {
	tpm, path := newTPM(t), place(t)
	s := keystore.NewTPM(folder(t, path), tpm.open)
	key, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutSecret(t.Context(), "state-key", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	sign := func(what string, key keystore.Signer) {
		t.Helper()
		if _, err := key.Sign(t.Context(), make([]byte, 32)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	sign("at first", key)
	for range 3 {
		tpm.stop()
		_, err := key.Sign(t.Context(), make([]byte, 32))
		wantCode(t, "sign while it is away", err, fault.TPMAbsent)
		if h := s.Health(t.Context()); h.State != keystore.Absent || fault.CodeOf(h.Err) != fault.TPMAbsent {
			t.Errorf("health %+v", h)
		}
		tpm.start()
		sign("after a restart", key)
		next := keystore.NewTPM(folder(t, path), tpm.open) // of the program too
		opened, err := next.Open(t.Context(), key.PublicKey())
		if err != nil {
			t.Fatal(err)
		}
		sign("opened after both restarts", opened)
		if got, err := next.Secret(t.Context(), "state-key"); err != nil || string(got) != "kept" {
			t.Errorf("the secret is %q, %v", got, err)
		}
	}
	tpm.stop()
	if err := s.Delete(t.Context(), key.PublicKey()); err != nil {
		t.Errorf("delete without the TPM: %v", err)
	}
}

func TestKeysOfAnotherMachineAreRefusedByName(t *testing.T) {
	path := place(t)
	here := keystore.NewTPM(folder(t, path), newTPM(t).open)
	key, err := here.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := here.PutSecret(t.Context(), "state-key", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	there := keystore.NewTPM(folder(t, path), newTPM(t).open)
	_, err = there.Open(t.Context(), key.PublicKey())
	wantCode(t, "open on another machine", err, fault.TPMForeign)
	_, err = there.Secret(t.Context(), "state-key")
	wantCode(t, "secret on another machine", err, fault.KeyCorrupt)
	if !strings.Contains(fmt.Sprint(err), string(fault.TPMForeign)) {
		t.Errorf("%v does not tell why", err)
	}
	if _, err := here.Open(t.Context(), key.PublicKey()); err != nil {
		t.Errorf("back home: %v", err)
	}
	if err := there.PutSecret(t.Context(), "state-key", []byte("new")); err != nil {
		t.Errorf("a new secret in place of the lost one: %v", err)
	}
	if got, err := there.Secret(t.Context(), "state-key"); err != nil || string(got) != "new" {
		t.Errorf("it is %q, %v", got, err)
	}
}

// The private half is in no file, and what is in the files opens nothing when it was changed.
func TestAChangedBlobIsCorrupt(t *testing.T) {
	tpm, path := newTPM(t), place(t)
	dir := folder(t, path)
	s := keystore.NewTPM(dir, tpm.open)
	one, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutSecret(t.Context(), "a", []byte("canary-5d1c")); err != nil {
		t.Fatal(err)
	}
	name := "tpm-key-" + one.PublicKey()
	good, err := dir.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	other, err := dir.Read("tpm-key-" + two.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	secretName := fmt.Sprintf("tpm-secret-%x", sha256.Sum256([]byte("a")))
	secret, err := dir.Read(secretName)
	if err != nil || bytes.Contains(secret, []byte("canary")) {
		t.Fatalf("%q, %v", secret, err)
	}
	var parts map[string]any
	if err := json.Unmarshal(good, &parts); err != nil {
		t.Fatal(err)
	}
	with := func(field string, value any) []byte {
		changed := map[string]any{}
		for k, v := range parts {
			changed[k] = v
		}
		changed[field] = value
		data, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	flipped := func(field string, at int) []byte {
		var raw []byte
		text, err := json.Marshal(parts[field])
		if err == nil {
			err = json.Unmarshal(text, &raw)
		}
		if err != nil {
			t.Fatal(err)
		}
		raw[at%len(raw)] ^= 1
		return with(field, raw)
	}
	bad := map[string][]byte{
		"nothing": nil, "not JSON": []byte("x"), "an empty blob": []byte(`{"version":1}`), "another key": other, "a secret": secret,
		"no private part": with("private", []byte{}), "a long private part": with("private", make([]byte, 5000)), "no version": with("version", 0),
	}
	for at := range 130 {
		bad[fmt.Sprintf("private byte %d", at)] = flipped("private", at)
		if at < 90 {
			bad[fmt.Sprintf("public byte %d", at)] = flipped("public", at)
		}
	}
	for what, data := range bad {
		if err := dir.Write(name, data); err != nil {
			t.Fatal(err)
		}
		s.Forget()
		_, err := s.Open(t.Context(), one.PublicKey())
		wantCode(t, what, err, fault.KeyCorrupt)
	}
	for what, c := range map[string]struct {
		data []byte
		code fault.Code
	}{"a later version": {with("version", 2), fault.StateTooNew}, "another parent": {with("parent", []byte("x")), fault.TPMForeign}} {
		if err := dir.Write(name, c.data); err != nil {
			t.Fatal(err)
		}
		_, err := s.Open(t.Context(), one.PublicKey())
		wantCode(t, what, err, c.code)
	}
	if err := dir.Write(name, good); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), one.PublicKey()); err != nil {
		t.Errorf("put back: %v", err)
	}
	if err := s.PutSecret(t.Context(), "b", []byte("b")); err != nil {
		t.Fatal(err)
	}
	if err := dir.Write(fmt.Sprintf("tpm-secret-%x", sha256.Sum256([]byte("b"))), secret); err != nil {
		t.Fatal(err)
	}
	_, err = s.Secret(t.Context(), "b")
	wantCode(t, "a secret under another name", err, fault.KeyCorrupt)
	if n := tpm.objects(); n != 0 {
		t.Errorf("%d objects were left in the TPM", n)
	}
}

// mute is a TPM that takes a command and never answers, until it is let go.
type mute struct{ let chan struct{} }

func (m mute) Send([]byte) ([]byte, error) {
	<-m.let
	return nil, errors.New("let go")
}
func (m mute) Close() error { return nil }

func TestATPMThatIsNotThereRefusesOrHangsIsTold(t *testing.T) {
	hang := mute{make(chan struct{})}
	defer close(hang.let)
	for what, c := range map[string]struct {
		open keystore.OpenTPM
		code fault.Code
	}{
		"absent": {func() (transport.TPMCloser, error) {
			return nil, &fs.PathError{Op: "stat", Path: "/dev/tpmrm0", Err: fs.ErrNotExist}
		}, fault.TPMAbsent},
		"refused": {func() (transport.TPMCloser, error) {
			return nil, &fs.PathError{Op: "open", Path: "/dev/tpmrm0", Err: fs.ErrPermission}
		}, fault.TPMDenied},
		"hung": {func() (transport.TPMCloser, error) { return hang, nil }, fault.KeychainTimeout},
	} {
		s := keystore.NewTPM(folder(t, place(t)), c.open)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := s.Create(ctx)
		wantCode(t, what+", create", err, c.code)
		wantCode(t, what+", put secret", s.PutSecret(ctx, "a", nil), c.code)
		if h := s.Health(ctx); h.State != keystore.Absent || fault.CodeOf(h.Err) != c.code {
			t.Errorf("%s: health %+v", what, h)
		}
		cancel()
	}
}

// An owner's password is not guessed.
func TestAnOwnedTPMIsDenied(t *testing.T) {
	tpm := newTPM(t)
	conn, err := tpm.open()
	if err != nil {
		t.Fatal(err)
	}
	_, err = tpm2.HierarchyChangeAuth{
		AuthHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: tpm2.PasswordAuth(nil)},
		NewAuth:    tpm2.TPM2BAuth{Buffer: []byte("owner")},
	}.Execute(conn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = keystore.NewTPM(folder(t, place(t)), tpm.open).Create(t.Context())
	wantCode(t, "create", err, fault.TPMDenied)
}

func TestBundlesOpenWithTargetKeysOfATPM(t *testing.T) {
	tpm := newTPM(t)
	opensBundles(t, keystore.NewTPM(folder(t, place(t)), tpm.open))
	if n := tpm.objects(); n != 0 {
		t.Errorf("%d objects were left in the TPM", n)
	}
}

// A wrapped key that somebody renamed opens as neither kind, and one that another machine wrapped is imported anew.
func TestAWrappedKeyHasItsKind(t *testing.T) {
	tpm, path := newTPM(t), place(t)
	dir := folder(t, path)
	s := keystore.NewTPM(dir, tpm.open)
	signer, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	target, err := s.CreateTarget(t.Context(), func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	rename := func(from, to string) {
		data, err := dir.Read(from)
		if err == nil {
			err = dir.Write(to, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	rename("tpm-key-"+signer.PublicKey(), "tpm-target-"+signer.PublicKey())
	rename("tpm-target-"+target.PublicKey(), "tpm-key-"+target.PublicKey())
	_, err = s.OpenTarget(t.Context(), signer.PublicKey())
	wantCode(t, "a signer as a target key", err, fault.KeyCorrupt)
	_, err = s.Open(t.Context(), target.PublicKey())
	wantCode(t, "a target key as a signer", err, fault.KeyCorrupt)

	private := p256.Generate()
	there := keystore.NewTPM(dir, newTPM(t).open)
	if _, err := there.Import(t.Context(), private); err != nil {
		t.Fatal(err)
	}
	_, err = s.Open(t.Context(), p256.Compressed(&private.PublicKey))
	wantCode(t, "what another TPM wrapped", err, fault.TPMForeign)
	again, err := s.Import(t.Context(), private)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Sign(t.Context(), make([]byte, 32)); err != nil {
		t.Errorf("imported anew: %v", err)
	}
}
