package doctor

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/journal"
	"latchkey/internal/keystore"
	"latchkey/internal/profile"
	"latchkey/internal/session"
)

// healthy are the facts of a machine on which nothing is wrong.
func healthy() Facts {
	p := profile.Sandbox(profile.At("/home/robin"))
	p.APIURL, p.BackendURL = "http://127.0.0.1:4001", "http://127.0.0.1:4002"
	p.Pins = profile.ProductionPins()
	// Any keys but production's: two of them change places.
	p.Pins.Notarizer, p.Pins.TLSFetcher = p.Pins.TLSFetcher, p.Pins.Notarizer
	p.Pins.TLSFetcherEncryption, p.Pins.Signer = p.Pins.Signer, p.Pins.TLSFetcherEncryption
	p.Pins.LegacyToken = "02" + p.Pins.Notarizer[2:66]
	return Facts{
		Program: Program{"latchkey v1", true}, System: "linux", Profile: p, Served: true, KeyStore: "keychain",
		Core: &Core{Known: true}, Bus: &Trouble{Where: "unix:path=/run/bus"},
		Keys:  &keystore.Health{State: keystore.Protected, Name: "GNOME Keyring"},
		Trial: &Trial{}, TPM: &keystore.Health{State: keystore.Protected, Name: "TPM 2.0"},
		Passphrase: &Secret{Path: "/home/robin/words", Mode: 0o600}, Kept: &Kept{Keys: 2},
		Rights: &Rights{Known: true, Seen: 12}, Space: &Space{Where: "/", Known: true, Free: 20 << 30}, Write: &Trouble{Where: "/"},
		State:   &StateFile{There: true, Inspection: session.Inspection{Version: 1, Serial: 3}},
		Journal: &Journal{There: true, Report: journal.Report{Verdict: journal.Intact, Entries: 4}},
		Locks:   &Locks{}, API: &Service{URL: p.APIURL, Status: 501, Dated: true, Least: -time.Second, Most: time.Second},
		Backend: &Service{URL: p.BackendURL, Status: 404}, Port: &Port{Text: "3000", Valid: true},
		Library: &Library{Needed: true, Path: "/usr/lib/" + library}, Display: &Display{Needed: true, Name: ":0"},
	}
}

func TestNothingIsFoundWhereNothingIsWrong(t *testing.T) {
	for _, f := range Judge(healthy()) {
		if f.State != OK || f.Seen == "" {
			t.Errorf("%+v", f)
		}
	}
}

// trouble is one thing that may be wrong.
type trouble struct {
	id    string
	name  string
	spoil func(f *Facts)
	state State
	seen  string // what it says has this in it
}

var errDown = errors.New("connection refused")

var troubles = []trouble{
	{"environment", "a home that is not absolute", func(f *Facts) { f.Env.Home = "latchkey" }, Failed, `"latchkey"`},
	{"environment", "an inspector", func(f *Facts) { f.Env.Inspector = "WEBKIT_INSPECTOR_SERVER" }, Warning, "WEBKIT_INSPECTOR_SERVER"},
	{"environment", "a parent's key", func(f *Facts) { f.Env.ParentKey = true }, Warning, "TURNKEY_API_PRIVATE_KEY"},
	{"core-dumps", "allowed", func(f *Facts) { f.Core.Allowed = true }, Warning, "memory"},
	{"core-dumps", "unknown", func(f *Facts) { f.Core.Known = false }, Skipped, "system"},

	{"profile", "none", func(f *Facts) { f.ProfileErr = fault.New(fault.ProfileBad, errors.New("line 3")) }, Failed, "line 3"},
	{"profile", "a bad address", func(f *Facts) { f.Profile.BackendURL = "ftp://example.org" }, Failed, "ftp://example.org"},
	{"profile", "a damaged sandbox", func(f *Facts) { f.SandboxErr = fault.New(fault.StateCorrupt, errDown) }, Failed, "local.json"},
	{"settings", "no such key store", func(f *Facts) { f.KeyStoreErr = fault.New(fault.ProfileBad, errors.New("floppy")) }, Failed, "floppy"},
	{"settings", "no profile", func(f *Facts) { f.ProfileErr = errDown }, Skipped, "Profile"},
	{"pins", "no key", func(f *Facts) { f.Profile.Pins.Signer = "04" + strings.Repeat("0", 128) }, Failed, "signer key is no public key"},
	{"pins", "spelt otherwise", func(f *Facts) { f.Profile.Pins.Notarizer = f.Profile.Pins.LegacyToken }, Failed, "130"},
	{"pins", "production's in a sandbox", func(f *Facts) { f.Profile.Pins.Notarizer = profile.ProductionPins().Notarizer }, Failed, "production"},
	{"pins", "others in a live profile", func(f *Facts) { f.Profile.Kind = profile.KindLive }, Failed, "not that of production"},
	{"pins", "never started", func(f *Facts) { f.Profile.Pins = profile.Pins{} }, Skipped, "never started"},

	{"bus", "none", func(f *Facts) { f.Bus.Err = fault.New(fault.KeychainNoBus, nil) }, Failed, "session bus"},
	{"bus", "none, and none needed", func(f *Facts) { f.Bus.Err, f.KeyStore = fault.New(fault.KeychainNoBus, nil), "tpm" }, Skipped, "not in a keychain"},
	{"bus", "another system", func(f *Facts) { f.System = "darwin" }, Skipped, "Linux"},
	{"bus", "hangs", func(f *Facts) { f.Bus = nil }, Failed, "in time"},
	{"key-store", "absent", func(f *Facts) {
		f.Keys = &keystore.Health{State: keystore.Absent, Err: fault.New(fault.KeychainAbsent, nil)}
	}, Failed, "no program keeps secrets"},
	{"key-store", "for want of a bus", func(f *Facts) {
		err := fault.New(fault.KeychainNoBus, nil)
		f.Bus.Err, f.Keys = err, &keystore.Health{State: keystore.Absent, Err: err}
	}, Skipped, "Session bus"},
	{"key-store", "locked", func(f *Facts) {
		f.Keys = &keystore.Health{State: keystore.Locked, Name: "KeePassXC", Err: fault.New(fault.KeychainLocked, nil)}
	}, Warning, "KeePassXC is locked"},
	{"key-store", "silent", func(f *Facts) {
		f.Keys = &keystore.Health{State: keystore.Locked, Err: fault.New(fault.KeychainTimeout, nil)}
	}, Failed, "locked"},
	{"key-store", "hangs", func(f *Facts) { f.Keys = nil }, Failed, "in time"},
	{"key-store", "memory", func(f *Facts) { f.Keys.State = keystore.InMemory }, Warning, "Memory"},
	{"key-store", "a setting is wrong", func(f *Facts) { f.KeyStoreErr = errDown }, Skipped, "Settings"},
	{"trial", "lies", func(f *Facts) { f.Trial.Err = fault.New(fault.KeychainMismatch, nil) }, Failed, "something else"},
	{"trial", "not made", func(f *Facts) { f.Trial.Skipped = "It is locked, and nobody is asked." }, Skipped, "locked"},
	{"trial", "hangs", func(f *Facts) { f.Trial = nil }, Failed, "in time"},
	{"trial", "after a store that hangs", func(f *Facts) { f.Keys, f.Trial = nil, nil }, Skipped, "Key store"},
	{"tpm", "none", func(f *Facts) { f.TPM = &keystore.Health{State: keystore.Absent, Err: fault.New(fault.TPMAbsent, nil)} }, Skipped, "none"},
	{"tpm", "forbidden", func(f *Facts) { f.TPM = &keystore.Health{State: keystore.Absent, Err: fault.New(fault.TPMDenied, nil)} }, Skipped, "may not open"},
	{"tpm", "broken", func(f *Facts) { f.TPM = &keystore.Health{State: keystore.Absent, Err: fault.New(fault.TPMFailed, nil)} }, Warning, "error"},
	{"tpm", "none, with keys in it", func(f *Facts) {
		f.KeyStore, f.TPM = "tpm", &keystore.Health{State: keystore.Absent, Err: fault.New(fault.TPMAbsent, nil)}
	}, Failed, "no TPM"},
	{"passphrase-file", "for others", func(f *Facts) { f.Passphrase.Mode = 0o644 }, Failed, "0644"},
	{"passphrase-file", "gone, and needed", func(f *Facts) { f.KeyStore, f.Passphrase.Err = "passphrase", fs.ErrNotExist }, Failed, "does not exist"},
	{"passphrase-file", "unreadable, and not needed", func(f *Facts) { f.Passphrase.Err = fs.ErrPermission }, Warning, "cannot be read"},
	{"passphrase-file", "none", func(f *Facts) { f.Passphrase.Path = "" }, Skipped, "names one"},
	{"orphaned-keys", "one", func(f *Facts) { f.Kept.Orphans = []string{strings.Repeat("02ab", 16)} }, Warning, "1 key that no session and no log-in knows: 02ab02ab02ab…"},
	{"orphaned-keys", "unknown", func(f *Facts) { f.Kept.Skipped = "It is locked." }, Skipped, "locked"},
	{"orphaned-keys", "cannot be listed", func(f *Facts) { f.Kept.Err = fault.New(fault.KeychainFailed, nil) }, Warning, "error"},
	{"missing-keys", "one", func(f *Facts) { f.Kept.Missing = []string{strings.Repeat("03cd", 16)} }, Failed, "03cd03cd03cd…"},
	{"missing-keys", "hangs", func(f *Facts) { f.Kept = nil }, Failed, "in time"},

	{"rights", "a file", func(f *Facts) { f.Rights.Open = []Opened{{Path: "/h/x", Mode: 0o644}, {Path: "/h/y", Mode: 0o644}} }, Warning, "/h/x may be used by others: mode 0644, and 1 more"},
	{"rights", "a folder that counts", func(f *Facts) { f.Rights.Open = []Opened{{Path: "/h", Mode: 0o755, Fatal: true, Folder: true}} }, Failed, "0755"},
	{"rights", "another's", func(f *Facts) { f.Rights.Other = []string{"/h/x"} }, Failed, "another user"},
	{"rights", "closed to us", func(f *Facts) { f.Rights.Err = fs.ErrPermission }, Warning, "permission"},
	{"rights", "of another kind", func(f *Facts) { f.Rights.Known = false }, Skipped, "kind"},
	{"disk-space", "none", func(f *Facts) { f.Space.Free = 12 << 10 }, Failed, "12 kB"},
	{"disk-space", "little", func(f *Facts) { f.Space.Free = 12 << 20 }, Warning, "12 MB"},
	{"disk-space", "no disk", func(f *Facts) { f.Space.Err = fs.ErrNotExist }, Warning, "not exist"},
	{"disk-space", "unknown", func(f *Facts) { f.Space.Known = false }, Skipped, "system"},
	{"disk-write", "refused", func(f *Facts) { f.Write.Err = fault.New(fault.DiskReadOnly, fs.ErrPermission) }, Failed, "permission"},
	{"disk-write", "hangs", func(f *Facts) { f.Write = nil }, Failed, "in time"},
	{"state", "damaged", func(f *Facts) { f.State.Err = fault.New(fault.StateCorrupt, nil) }, Failed, "damaged"},
	{"state", "of a newer program", func(f *Facts) { f.State.Err = fault.New(fault.StateTooNew, errors.New("version 2")) }, Failed, "newer"},
	{"state", "an older copy", func(f *Facts) { f.State.Recovered = fault.New(fault.StateRecovered, errDown) }, Warning, "older"},
	{"journal", "damaged", func(f *Facts) {
		f.Journal.Report = journal.Report{Verdict: journal.Damaged, Findings: []journal.Finding{{Kind: journal.HeadOlder}}}
	}, Failed, "head older"},
	{"journal", "unproven", func(f *Facts) {
		f.Journal.Report = journal.Report{Verdict: journal.Unproven, Findings: []journal.Finding{{Kind: journal.Unsealed}}}
	}, Warning, "unsealed"},
	{"journal", "sealed", func(f *Facts) {
		f.Journal.NoKey, f.Journal.Verdict = "It is locked, and nobody is asked.", journal.Unproven
	}, Skipped, "locked"},
	{"journal", "busy", func(f *Facts) { f.Journal.Err = fault.New(fault.StateBusy, errDown) }, Failed, "process"},
	{"locks", "held", func(f *Facts) { f.Locks.Held = []Lock{{"state.lock", 4711, "latchkey", false}} }, Warning, "state.lock is held by process 4711 (latchkey)"},
	{"locks", "held by one that is stopped", func(f *Facts) { f.Locks.Held = []Lock{{"state.lock", 4711, "latchkey", true}} }, Warning, "stopped"},
	{"locks", "held by nobody knows whom", func(f *Facts) { f.Locks.Held = []Lock{{Name: "state.lock"}} }, Warning, "does not name"},

	{"api", "down", func(f *Facts) { f.API.Err = errDown }, Failed, "connection refused"},
	{"api", "hangs", func(f *Facts) { f.API = nil }, Failed, "in time"},
	{"api", "broken", func(f *Facts) { f.API.Status = 502 }, Warning, "502"},
	{"api", "nobody serves", func(f *Facts) { f.Served = false }, Skipped, "Nobody"},
	{"backend", "down", func(f *Facts) { f.Backend.Err = errDown }, Failed, "127.0.0.1:4002"},
	{"clock", "behind", func(f *Facts) { f.API.Least, f.API.Most = 2*time.Minute, 2*time.Minute+time.Second }, Warning, "2m0s behind"},
	{"clock", "ahead", func(f *Facts) { f.API.Least, f.API.Most = -3*time.Hour, -3*time.Hour+time.Second }, Warning, "2h59m59s ahead"},
	{"clock", "so wrong that certificates look invalid", func(f *Facts) {
		f.API = &Service{URL: "https://api.turnkey.com", Err: fmt.Errorf("call: %w", x509.CertificateInvalidError{Reason: x509.Expired})}
	}, Warning, "certificate"},
	{"clock", "unknown", func(f *Facts) { f.API.Dated = false }, Skipped, "time"},
	{"port", "nonsense", func(f *Facts) { f.Port.Text, f.Port.Valid = "many", false }, Warning, "many"},
	{"port", "nonsense where the backend is to be", func(f *Facts) {
		f.Profile.Kind, f.Profile.BackendURL, f.Port.Text, f.Port.Valid = profile.KindDevelopment, "http://127.0.0.1:3000", "many", false
	}, Failed, "many"},
	{"port", "nonsense beside the sandbox", func(f *Facts) {
		f.Profile.Kind, f.Profile.BackendURL, f.Port.Text, f.Port.Valid = profile.KindSandbox, "http://127.0.0.1:3000", "many", false
	}, Warning, "many"},
	{"port", "taken", func(f *Facts) { f.Port.Taken = true }, Warning, "in use"},
	{"port", "forbidden", func(f *Facts) { f.Port.Reason = "permission denied" }, Warning, "permission"},

	{"webkit", "not there", func(f *Facts) { f.Library.Path = "" }, Warning, "libwebkit2gtk-4.1"},
	{"webkit", "not there, and not needed", func(f *Facts) { f.Library.Path, f.Program.Window, f.Display.Name = "", false, "" }, Skipped, "no window"},
	{"display", "none", func(f *Facts) { f.Display.Name = "" }, Warning, "DISPLAY"},
	{"display", "dead", func(f *Facts) { f.Display.Err = errDown }, Warning, ":0"},
	{"display", "none, and none needed", func(f *Facts) { f.Display.Name, f.Program.Window = "", false }, Skipped, "window"},
}

func TestEachTroubleIsFound(t *testing.T) {
	for _, c := range troubles {
		f := healthy()
		c.spoil(&f)
		found := Judge(f)
		at := slices.IndexFunc(found, func(f Finding) bool { return f.ID == c.id })
		if got := found[at]; got.State != c.state || !strings.Contains(got.Seen, c.seen) {
			t.Errorf("%s, %s: %s %q, want %s and %q", c.id, c.name, got.State, got.Seen, c.state, c.seen)
		}
	}
}

// Who serves the sandbox and is silent is named: nobody else can be ended or continued.
func TestTheSilentServerIsNamed(t *testing.T) {
	f := healthy()
	f.API.Err, f.Process = errDown, 4711
	if got := of(Judge(f), "api"); !strings.Contains(got.Next, "process 4711") {
		t.Errorf("%+v", got)
	}
}

// Whatever is said is a sentence, and what is wrong comes with what it means and one step.
func TestFindingsAreSentences(t *testing.T) {
	sentence := func(s string) bool { return s != "" && strings.ContainsAny(s[len(s)-1:], ".!") }
	seen := map[string]bool{}
	for _, c := range troubles {
		f := healthy()
		c.spoil(&f)
		for _, got := range Judge(f) {
			bad := got.State == Warning || got.State == Failed
			if bad != (got.Means != "") || bad != (got.Next != "") || bad && (!sentence(got.Means) || !sentence(got.Next)) {
				t.Errorf("%s, %s: %+v", c.id, c.name, got)
			}
		}
		seen[c.id] = true
	}
	for _, c := range checks {
		if !seen[c.id] && c.id != "version" {
			t.Errorf("%s: nothing is ever wrong with it", c.id)
		}
	}
}
