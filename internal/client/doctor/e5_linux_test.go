package doctor

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2/transport"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/local"
	"latchkey/internal/login"
	"latchkey/internal/profile"
	"latchkey/internal/session"
	"latchkey/internal/store"
)

// ample is time enough for a busy machine: what is tested here is what is found, not how fast.
const ample = time.Minute

// machine is one on which nothing is wrong, and then one thing after another.
type machine struct {
	t        *testing.T
	home     profile.Home
	dir      *store.Dir // of the profile
	keyring  *keyring
	key      string // of its session
	control  string // of the sandbox
	api      string
	backend  string
	empty    string // a folder with nothing in it
	change   func(*client.Patient)
	library  []string // where libraries are
	patience time.Duration
}

// look examines the machine, as the command does.
func (m *machine) look() []Finding {
	p := client.Patient{}
	if home, err := profile.DefaultHome(); err != nil {
		p.Err = err
	} else {
		p = client.Examine(client.Options{Home: home})
	}
	if m.change != nil {
		m.change(&p)
	}
	f := Gather(m.t.Context(), Program{"latchkey v0", true}, p, m.patience)
	lookLibrary(m.library)(m.t.Context(), func(one found) { one(&f) })
	return Judge(f)
}

// env sets a variable, and returns what takes it back.
func env(name, value string) func() {
	before, was := os.LookupEnv(name)
	_ = os.Setenv(name, value) // its name is one
	return func() {
		if !was {
			_ = os.Unsetenv(name)
			return
		}
		_ = os.Setenv(name, before)
	}
}

// edit changes files of a folder, and returns what puts them back as they were. A nil text removes.
func (m *machine) edit(folder string, change func(text []byte) []byte, names ...string) func() {
	m.t.Helper()
	before := map[string][]byte{}
	for _, name := range names {
		path := filepath.Join(folder, name)
		text, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			m.t.Fatal(err)
		}
		before[path] = text
		m.put(path, change(bytes.Clone(text)))
	}
	return func() {
		for path, text := range before {
			m.put(path, text)
		}
	}
}

func (m *machine) put(path string, text []byte) {
	m.t.Helper()
	var err error
	if text == nil {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil && !os.IsNotExist(err) {
		m.t.Fatal(err)
	}
}

func garbage([]byte) []byte { return []byte("not ours") }

func same(text []byte) []byte { return text }

// mode changes the rights of a file, and returns what gives them back.
func (m *machine) mode(path string, mode fs.FileMode) func() {
	info, err := os.Stat(path)
	if err == nil {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return func() { _ = os.Chmod(path, info.Mode().Perm()) }
}

// write writes a state through the store, which keeps its form, and returns what puts the files back.
func (m *machine) write(folder, name string, change func(text []byte) []byte) func() {
	m.t.Helper()
	undo := m.edit(folder, same, name, name+".1")
	dir := &store.Dir{Path: folder}
	text, err := dir.Read(name)
	if err == nil {
		err = dir.Write(name, change(text))
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return undo
}

// develop makes a development profile the one in use.
func (m *machine) develop(api, backend string) func() {
	text := "[profiles.dev]\nkind = \"development\"\napi_url = \"" + api + "\"\nbackend_url = \"" + backend + "\"\n"
	undo := m.edit(m.home.Config, func([]byte) []byte { return []byte(text) }, "config.toml")
	back := env("LATCHKEY_PROFILE", "dev")
	return func() { undo(); back() }
}

// closed returns an address on which nobody listens.
func (m *machine) closed() string {
	l := m.listen()
	defer l.Close() //nolint:errcheck // nobody called
	return "http://" + l.Addr().String()
}

func (m *machine) listen() net.Listener {
	m.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		m.t.Fatal(err)
	}
	return l
}

// outdated listens with a certificate whose time is over, and says nothing else to anybody.
func (m *machine) outdated() net.Listener {
	m.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	was := time.Now().Add(-48 * time.Hour)
	paper := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: was, NotAfter: was.Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	raw, err := x509.CreateCertificate(rand.Reader, paper, paper, key.Public(), key)
	if err != nil {
		m.t.Fatal(err)
	}
	l := tls.NewListener(m.listen(), &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // it was closed
			}
			_, _ = io.Copy(io.Discard, c) // the handshake, which the other side breaks off
			_ = c.Close()
		}
	}()
	return l
}

func (m *machine) clock(body string) {
	m.t.Helper()
	resp, err := http.Post(m.control+"/clock", "application/json", strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		m.t.Fatalf("clock: %d", resp.StatusCode)
	}
}

func (m *machine) keychain() keystore.Store {
	return keystore.NewKeychain("dev.latchkey.sandbox", "sandbox")
}

// seeded is one fault: which check must find it, as what, and how it is brought about. What seed returns takes it away
// again; nil means that this machine does not allow it.
type seeded struct {
	id    string
	name  string
	state State
	seen  string
	seed  func(m *machine) func()
}

func nothing() {}

// faults are brought about one at a time. The last cannot be taken back.
var faults = []seeded{
	{"environment", "a home that is not absolute", Failed, "not absolute", func(*machine) func() { return env(profile.HomeVariable, "home") }},
	{"environment", "WebKit's inspector", Warning, "WEBKIT_INSPECTOR_SERVER", func(*machine) func() { return env("WEBKIT_INSPECTOR_SERVER", "127.0.0.1:1") }},
	{"environment", "a parent's key", Warning, "PRIVATE_KEY", func(*machine) func() { return env("TURNKEY_API_PRIVATE_KEY", "00") }},
	{"core-dumps", "allowed", Warning, "memory", func(m *machine) func() {
		var before syscall.Rlimit
		if syscall.Getrlimit(syscall.RLIMIT_CORE, &before) != nil || before.Max == 0 {
			return nil
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Cur: 1, Max: before.Max}); err != nil {
			m.t.Fatal(err)
		}
		return func() { _ = syscall.Setrlimit(syscall.RLIMIT_CORE, &before) }
	}},

	{"profile", "one that does not exist", Failed, "nowhere", func(*machine) func() { return env("LATCHKEY_PROFILE", "nowhere") }},
	{"profile", "a config.toml that is none", Failed, "config.toml", func(m *machine) func() { return m.edit(m.home.Config, garbage, "config.toml") }},
	{"profile", "no backend's address", Failed, "backend address", func(m *machine) func() { return m.develop(m.api, "") }},
	{"profile", "where the sandbox is cannot be read", Failed, "local.json", func(m *machine) func() {
		return m.edit(filepath.Join(m.home.Data, "sandbox"), garbage, "local.json", "local.json.1")
	}},
	{"settings", "a key store that nobody knows", Failed, "floppy", func(*machine) func() { return env("LATCHKEY_KEYSTORE", "floppy") }},
	{"settings", "the choice cannot be read", Failed, "chosen earlier", func(m *machine) func() { return m.edit(m.dir.Path, garbage, "settings.json", "settings.json.1") }},
	{"pins", "production's in the sandbox", Failed, "notarizer key is that of production", func(m *machine) func() {
		return m.write(filepath.Join(m.home.Data, "sandbox"), "local.json", func(text []byte) []byte {
			_, after, _ := bytes.Cut(text, []byte(`"notarizerPublicKey":"`))
			return bytes.Replace(text, after[:130], []byte(profile.ProductionPins().Notarizer), 1)
		})
	}},
	{"pins", "no key", Failed, "signer", func(m *machine) func() {
		return m.write(filepath.Join(m.home.Data, "sandbox"), "local.json", func(text []byte) []byte {
			return bytes.Replace(text, []byte(`"signerPublicKey":"04`), []byte(`"signerPublicKey":"05`), 1)
		})
	}},

	{"bus", "none", Failed, "session bus", func(m *machine) func() {
		one, two := env("DBUS_SESSION_BUS_ADDRESS", ""), env("XDG_RUNTIME_DIR", m.empty)
		return func() { one(); two() }
	}},
	{"bus", "dead", Failed, "session bus", func(m *machine) func() {
		return env("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(m.empty, "bus"))
	}},
	{"key-store", "locked", Warning, "GNOME Keyring is locked", func(m *machine) func() {
		m.keyring.lock()
		return func() { m.keyring.stop(); m.keyring.start() }
	}},
	{"key-store", "hangs", Failed, "locked", func(m *machine) func() {
		m.patience = 2 * time.Second
		_ = m.keyring.cmd.Process.Signal(syscall.SIGSTOP)
		return func() { _ = m.keyring.cmd.Process.Signal(syscall.SIGCONT) }
	}},
	{"key-store", "gone", Failed, "no program keeps secrets", func(m *machine) func() {
		m.keyring.stop()
		return m.keyring.start
	}},
	{"trial", "it says saved and keeps nothing", Failed, "something else", func(m *machine) func() {
		m.change = func(p *client.Patient) { p.Keys = liar{p.Keys} }
		return nothing
	}},
	{"tpm", "keys in a TPM that is not there", Failed, "no TPM", func(m *machine) func() {
		m.change = func(p *client.Patient) {
			p.TPM = keystore.NewTPM(p.Dir, func() (transport.TPMCloser, error) { return nil, fs.ErrNotExist })
			p.Keys, p.KeyStore = p.TPM, client.TPM
		}
		return nothing
	}},
	{"passphrase-file", "for others", Failed, "0644", func(m *machine) func() { return m.mode(os.Getenv("LATCHKEY_PASSPHRASE_FILE"), 0o644) }},
	{"passphrase-file", "not there", Warning, "does not exist", func(m *machine) func() {
		return env("LATCHKEY_PASSPHRASE_FILE", filepath.Join(m.empty, "words"))
	}},
	{"orphaned-keys", "a key that nobody knows", Warning, "1 key", func(m *machine) func() {
		key, err := m.keychain().Create(m.t.Context())
		if err != nil {
			m.t.Fatal(err)
		}
		return func() {
			if err := m.keychain().Delete(m.t.Context(), key.PublicKey()); err != nil {
				m.t.Error(err)
			}
		}
	}},

	{"rights", "the profile's folder for others", Failed, "0755", func(m *machine) func() { return m.mode(m.dir.Path, 0o755) }},
	{"rights", "a file for others", Warning, "state.json may be used by others: mode 0640", func(m *machine) func() { return m.mode(filepath.Join(m.dir.Path, "state.json"), 0o640) }},
	{"state", "damaged", Failed, "damaged", func(m *machine) func() {
		return m.edit(m.dir.Path, garbage, session.StateFile, session.StateFile+".1")
	}},
	{"state", "the newest is damaged", Warning, "older", func(m *machine) func() { return m.edit(m.dir.Path, garbage, session.StateFile) }},
	{"state", "of a newer program", Failed, "newer", func(m *machine) func() {
		return m.write(m.dir.Path, session.StateFile, func([]byte) []byte { return []byte(`{"version":99}`) })
	}},
	{"journal", "an entry was changed", Failed, "changed", func(m *machine) func() {
		return m.edit(m.dir.Path, func(text []byte) []byte {
			return bytes.Replace(text, []byte(`"http":200`), []byte(`"http":403`), 1)
		}, "journal-000001.log")
	}},
	{"journal", "its entries were taken away", Failed, "removed", func(m *machine) func() {
		return m.edit(m.dir.Path, func([]byte) []byte { return nil }, "journal-000001.log")
	}},
	{"locks", "held", Warning, "state.lock is held by process " + strconv.Itoa(os.Getpid()), func(m *machine) func() {
		unlock, err := m.dir.Lock(m.t.Context(), "state.lock")
		if err != nil {
			m.t.Fatal(err)
		}
		return unlock
	}},

	{"api", "nobody listens", Failed, "refused", func(m *machine) func() { return m.develop(m.closed(), m.backend) }},
	{"api", "silent", Failed, "no answer in time", func(m *machine) func() {
		m.patience = 2 * time.Second
		l := m.listen() // whom nobody accepts
		undo := m.develop("http://"+l.Addr().String(), m.backend)
		return func() { undo(); _ = l.Close() }
	}},
	{"backend", "nobody listens", Failed, "refused", func(m *machine) func() { return m.develop(m.api, m.closed()) }},
	{"clock", "behind", Warning, "behind", func(m *machine) func() {
		m.clock(`{"advanceSeconds":600}`)
		return func() { m.clock(`{"advanceSeconds":-600}`) }
	}},
	{"clock", "ahead", Warning, "ahead", func(m *machine) func() {
		m.clock(`{"advanceSeconds":-600}`)
		return func() { m.clock(`{"advanceSeconds":600}`) }
	}},
	{"clock", "so wrong that certificates look invalid", Warning, "certificate", func(m *machine) func() {
		l := m.outdated()
		undo := m.develop("https://"+l.Addr().String(), m.backend)
		return func() { undo(); _ = l.Close() }
	}},
	{"port", "taken", Warning, "in use", func(m *machine) func() {
		l := m.listen()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		undo := env("PORT", port)
		return func() { undo(); _ = l.Close() }
	}},
	{"port", "no number", Warning, "http", func(*machine) func() { return env("PORT", "http") }},

	{"webkit", "not installed", Warning, "not installed", func(m *machine) func() {
		before := m.library
		m.library = []string{m.empty}
		return func() { m.library = before }
	}},
	{"display", "none", Warning, "Neither", func(*machine) func() { return env("WAYLAND_DISPLAY", "") }},
	{"display", "one that does not answer", Warning, ":4711", func(*machine) func() {
		one, two := env("WAYLAND_DISPLAY", ""), env("DISPLAY", ":4711")
		return func() { one(); two() }
	}},

	{"missing-keys", "the session's key was deleted", Failed, "1 key of a session", func(m *machine) func() {
		if err := m.keychain().Delete(m.t.Context(), m.key); err != nil {
			m.t.Fatal(err)
		}
		return nothing
	}},
}

// liar says that it keeps what it is given, and keeps nothing.
type liar struct{ keystore.Store }

func (liar) PutSecret(context.Context, string, []byte) error { return nil }

func (liar) Secret(context.Context, string) ([]byte, error) { return []byte("something else"), nil }

func (liar) DeleteSecret(context.Context, string) error { return nil }

// newMachine sets a machine up and logs in on it, through the real keyring and the sandbox.
func newMachine(t *testing.T) *machine {
	t.Helper()
	top := filepath.Join(os.Getenv("HOME"), "latchkey")
	m := &machine{t: t, home: profile.At(top), empty: t.TempDir(), patience: ample, keyring: startKeyring(t)}
	t.Setenv(profile.HomeVariable, top)

	words := filepath.Join(t.TempDir(), "words")
	m.put(words, []byte("correct horse battery staple"))
	t.Setenv("LATCHKEY_PASSPHRASE_FILE", words)
	screen := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "wayland-0")
	l, err := net.Listen("unix", screen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	t.Setenv("WAYLAND_DISPLAY", "wayland-0")
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(m.closed(), "http://"))
	t.Setenv("PORT", port)
	libraries := t.TempDir()
	m.put(filepath.Join(libraries, library), []byte{})
	m.library = []string{libraries}
	var core syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &core); err != nil {
		t.Fatal(err)
	}
	core.Cur = 0
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &core); err != nil {
		t.Fatal(err)
	}

	c, err := client.New(client.Options{Home: m.home})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Open(t.Context(), client.Keychain); err != nil {
		t.Fatal(err)
	}
	attempt, err := c.Login().OTP.Begin(t.Context(), "robin@example.org", login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	code, err := c.SandboxCode(t.Context(), "robin@example.org")
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Login().Continue(t.Context(), attempt.ID, code)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Whoami(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	m.key, m.dir = s.Key.PublicKey, &store.Dir{Path: c.Profile().Dir}

	shared, err := local.Join(t.Context(), filepath.Join(m.home.Data, "sandbox"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shared.Close() })
	at := shared.Endpoints()
	m.control, m.api, m.backend = at.Sandbox.ControlURL, at.Sandbox.APIBaseURL, at.BackendURL
	return m
}

// E5: on a machine on which nothing is wrong nothing is found; then it is given one fault after another, each for real,
// and the doctor finds each by its name.
func TestE5_FindsEveryFaultItIsGiven(t *testing.T) {
	if !inSession(t) {
		return
	}
	m := newMachine(t)
	began := time.Now()
	m.mustBeHealthy("before")
	t.Logf("E5: all checks of a healthy machine took %s", time.Since(began).Round(time.Millisecond))
	planted, discovered, ids := 0, 0, map[string]bool{"version": true}
	find := func(f seeded, all []Finding) {
		planted++
		ids[f.id] = true
		at := slices.IndexFunc(all, func(one Finding) bool { return one.ID == f.id })
		if at < 0 || all[at].State != f.state || !strings.Contains(all[at].Seen, f.seen) {
			t.Errorf("%s, %s: not found: %+v, want %s and %q", f.id, f.name, all[max(at, 0)], f.state, f.seen)
			return
		}
		discovered++
	}
	for _, f := range faults {
		if f.id == "missing-keys" {
			m.mustBeHealthy("with everything put right again")
		}
		undo := f.seed(m)
		if undo == nil {
			t.Logf("%s, %s: cannot be brought about here", f.id, f.name)
			ids[f.id] = true
			continue
		}
		before := m.files()
		find(f, m.look())
		if after := m.files(); !maps.Equal(before, after) {
			t.Errorf("%s, %s: the doctor changed files: %v", f.id, f.name, changed(before, after))
		}
		undo()
		m.change, m.patience = nil, ample
	}
	find(seeded{id: "disk-write", name: "a quota", state: Failed, seen: "cannot be written"}, play(t, "a quota", false))
	ids["disk-space"] = true
	if all := play(t, "a disk that is full", true); all != nil {
		find(seeded{id: "disk-space", name: "a disk that is full", state: Failed, seen: "kB are left"}, all)
	}
	for _, c := range checks {
		if !ids[c.id] {
			t.Errorf("%s was given no fault", c.id)
		}
	}
	t.Logf("E5: %d checks, %d faults seeded, %d found", len(checks), planted, discovered)
	if len(checks) < 15 {
		t.Errorf("only %d checks", len(checks))
	}
}

// files returns all files of Latchkey with what is in them, but for locks, whose content means nothing, and what the
// sandbox that is running writes.
func (m *machine) files() map[string]string {
	m.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(filepath.Dir(m.home.State), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".lock") || strings.HasSuffix(path, ".db") {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return all
}

// changed names the files that differ.
func changed(before, after map[string]string) (names []string) {
	for path, text := range after {
		if old, was := before[path]; !was || old != text {
			names = append(names, path)
		}
	}
	for path := range before {
		if _, is := after[path]; !is {
			names = append(names, path)
		}
	}
	return names
}

// mustBeHealthy fails the test when anything is found.
func (m *machine) mustBeHealthy(when string) {
	m.t.Helper()
	for _, f := range m.look() {
		if f.State == Warning || f.State == Failed {
			m.t.Errorf("%s: %+v", when, f)
		}
	}
	if _, err := m.keychain().Secret(m.t.Context(), trialName); fault.CodeOf(err) != fault.KeyMissing {
		m.t.Errorf("%s: of the trial is left: %v", when, err)
	}
}
