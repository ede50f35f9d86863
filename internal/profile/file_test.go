package profile

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// written returns a home with a config.toml.
func written(t *testing.T, text string) Home {
	t.Helper()
	home := At(t.TempDir())
	if err := home.Make(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home.Config, "config.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

func read(t *testing.T, home Home) *File {
	t.Helper()
	f, err := ReadFile(home)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func text(t *testing.T, home Home) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(home.Config, "config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func none(string) string { return "" }

const byHand = `# What I keep here.
debug = true

# My own backend.
[profiles.acme]      # since May
kind = "development"
backend_url = "http://127.0.0.1:3000"  # port of the compose file
  session_length = '10m'

# The one that counts.
[profiles.home]
kind = "live"
backend_url = "https://login.example"
`

func TestAFlagCountsBeforeTheEnvironmentThatBeforeTheFileAndThatBeforeTheDefault(t *testing.T) {
	home := written(t, byHand)
	environment := map[string]string{}
	s := Sources{Flags: Flags{}, File: read(t, home), Getenv: func(name string) string { return environment[name] }}
	look := func(name string) Value {
		t.Helper()
		p, err := Load(home, s)
		if err != nil {
			t.Fatal(err)
		}
		v := s.Lookup(name, p.Name)
		if name == SettingSessionLength && v.Text != "" && p.SessionLength.String() != v.Text+"0s" {
			t.Errorf("the profile's session is %s, the setting %s", p.SessionLength, v.Text)
		}
		return v
	}
	file := filepath.Join(home.Config, "config.toml")
	if v := look(SettingProfile); v != (Value{Origin: FromDefault}) {
		t.Errorf("profile by default: %+v", v)
	}
	environment["LATCHKEY_PROFILE"] = "acme"
	if v := look(SettingProfile); v != (Value{"acme", FromEnvironment, "LATCHKEY_PROFILE"}) {
		t.Errorf("profile by environment: %+v", v)
	}
	if v := look(SettingSessionLength); v != (Value{"10m", FromFile, file + ":8"}) {
		t.Errorf("session length by file: %+v", v)
	}
	environment["LATCHKEY_SESSION_LENGTH"] = "20m"
	if v := look(SettingSessionLength); v != (Value{"20m", FromEnvironment, "LATCHKEY_SESSION_LENGTH"}) {
		t.Errorf("session length by environment: %+v", v)
	}
	s.Flags[SettingSessionLength] = "30m"
	if v := look(SettingSessionLength); v != (Value{"30m", FromFlag, "--session-length"}) {
		t.Errorf("session length by flag: %+v", v)
	}
	s.Flags[SettingProfile] = "home"
	if v := look(SettingBackendURL); v != (Value{"https://login.example", FromFile, file + ":13"}) {
		t.Errorf("backend of another profile: %+v", v)
	}
}

// Every setting that a profile has changes what Load returns, or is looked up by who opens it.
func TestEverySettingOfAProfileHasItsEffect(t *testing.T) {
	key := p256.Uncompressed(&p256.Generate().PublicKey)
	values := map[string]string{
		SettingSessionLength: "45m", SettingAPIURL: "https://api.example", SettingBackendURL: "https://b.example",
		SettingOrganization: "0aaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "kind": "live",
		SettingIssuer: "https://id.example", SettingOAuthPorts: "5001", SettingProvidersURL: "http://127.0.0.1:4000",
	}
	elsewhere := []string{SettingKeyStore, SettingPassphrase} // client
	for _, s := range Settings() {
		if !s.PerProfile {
			continue
		}
		value, ok := values[s.Name]
		if strings.HasPrefix(s.Name, "pinned ") {
			value, ok = key, true
		}
		if strings.Contains(s.Name, "client ") {
			value, ok = "app", true
		}
		if !ok {
			if !strings.Contains(strings.Join(elsewhere, ","), s.Name) {
				t.Errorf("no value to try %s with", s.Name)
			}
			continue
		}
		kind := `profiles.a.kind = "development"` + "\n"
		if s.Name == "kind" {
			kind = ""
		}
		home := written(t, kind+s.fullKey("a")+` = "`+value+`"`)
		with, err := Load(home, Sources{Flags: Flags{SettingProfile: "a"}, File: read(t, home), Getenv: none})
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		without := base(home, KindDevelopment, "a")
		if with == without {
			t.Errorf("%s changes nothing", s.Name)
		}
	}
}

func TestAFileThatCannotBeMeantIsRefusedByItsLine(t *testing.T) {
	for content, want := range map[string]string{
		"x = [":        "toml:1",
		"profil = 'a'": "toml:1: profil is no setting",
		"debug = true\n[profiles.a]\nkind = 'live'\ncolour = 'red'":                 "toml:4: profiles.a.colour is no setting",
		"[profiles.a]\nkind = 'live'\nkind = 'live'":                                "toml:3",
		"[profiles.a]\nkind = ['live']":                                             "toml:2: profiles.a.kind must be a text",
		"[profiles.'../a']\nkind = 'live'":                                          "toml:1",
		"[[profiles]]\nname = 'a'":                                                  "lists of tables",
		"[profiles.a]\napi_private_key = 'x'":                                       "toml:2: profiles.a.api_private_key: a parent organization's API key",
		"[profiles.a]\nTURNKEY_API_PRIVATE_KEY = 'x'":                               "API key",
		"[profiles.a]\napiKey = 'x'":                                                "API key",
		"[profiles.a.pins]\nprivate-key = 'x'":                                      "API key",
		"api_public_key = 'x'":                                                      "API key",
		"profiles = { a = { kind = 'development', parent_api_private_key = 'x' } }": "API key",
	} {
		_, err := ReadFile(written(t, content))
		if fault.CodeOf(err) != fault.ProfileBad || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\n got %v\nwant %q", content, err, want)
		}
	}
	home := written(t, "")
	if err := os.Chmod(filepath.Join(home.Config, "config.toml"), 0o666); err != nil {
		t.Fatal(err)
	}
	// The words point to the file: a private folder does not help.
	if _, err := ReadFile(home); fault.CodeOf(err) != fault.ProfileBad || !strings.Contains(err.Error(), "config.toml may be written by others (mode 0666)") {
		t.Errorf("a file that others may write: %v", err)
	}
}

// What an address is refused for is told without the password in it.
func TestAPasswordInAnAddressIsNotTold(t *testing.T) {
	home := written(t, "profiles.a.kind = 'live'\nprofiles.a.backend_url = 'https://robin:canary@backend.example'")
	f, err := ReadFile(home)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Load(home, Sources{File: f, Flags: Flags{SettingProfile: "a"}, Getenv: func(string) string { return "" }})
	if fault.CodeOf(err) != fault.ProfileBad || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "@backend.example") {
		t.Error(err)
	}
	p := base(home, KindLive, "a")
	p.BackendURL = "https://robin:canary@backend.example"
	if err := p.CheckBackendURL(); err == nil || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

func TestASettingThatItsKindDoesNotTakeIsRefused(t *testing.T) {
	key := p256.Uncompressed(&p256.Generate().PublicKey)
	for content, want := range map[string]string{
		"profiles.a.kind = 'live'\nprofiles.a.pins.notarizer = '" + key + "'":     "toml:2: a live profile takes no pinned keys",
		"profiles.a.kind = 'live'\nprofiles.a.backend_url = 'http://127.0.0.1:1'": "https",
		"profiles.a.kind = 'sandbox'":                                             "one sandbox profile",
		"profiles.a.kind = 'staging'":                                             "kind",
		"profiles.a.kind = 'development'\nprofiles.a.session_length = '1s'":       "session length",
		"profiles.a.kind = 'development'\nprofiles.a.organization_id = 'x'":       "UUID",
		"profiles.a.kind = 'development'\nprofiles.a.pins.signer = '04'":          "toml:2: pinned key signer",
	} {
		home := written(t, content)
		_, err := Load(home, Sources{Flags: Flags{SettingProfile: "a"}, File: read(t, home), Getenv: none})
		if fault.CodeOf(err) != fault.ProfileBad || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\n got %v\nwant %q", content, err, want)
		}
	}
	home := written(t, "profiles.sandbox.backend_url = 'http://127.0.0.1:1'")
	if _, err := Load(home, Sources{File: read(t, home), Getenv: none}); fault.CodeOf(err) != fault.ProfileBad {
		t.Errorf("the sandbox with a backend of its own: %v", err)
	}
	if _, err := Load(home, Sources{File: read(t, home), Flags: Flags{SettingProfile: "b"}}); fault.CodeOf(err) != fault.ProfileUnknown || !strings.Contains(err.Error(), "--profile") {
		t.Errorf("a profile that is not there: %v", err)
	}
}

func TestEditsKeepWhatAPersonWrote(t *testing.T) {
	home := written(t, byHand)
	edit := func(change func(*File) (*File, error)) {
		t.Helper()
		if err := Edit(t.Context(), home, change); err != nil {
			t.Fatal(err)
		}
	}
	edit(func(f *File) (*File, error) { return f.Using("acme") })
	want := strings.Replace(byHand, "# What I keep here.\n", "profile = \"acme\"\n\n# What I keep here.\n", 1)
	if got := text(t, home); got != want {
		t.Errorf("after use:\n%s", got)
	}
	edit(func(f *File) (*File, error) { return f.Using("home") })
	if got := text(t, home); got != strings.Replace(want, `"acme"`, `"home"`, 1) {
		t.Errorf("after another use:\n%s", got)
	}
	edit(func(f *File) (*File, error) {
		return f.With(Draft{Name: "new", Kind: "development", BackendURL: "http://127.0.0.1:3001", Pins: Pins{Signer: p256.Compressed(&p256.Generate().PublicKey)}})
	})
	if got := text(t, home); !strings.HasPrefix(got, strings.Replace(want, `"acme"`, `"home"`, 1)+"\n[profiles.new]\nkind = \"development\"\n") {
		t.Errorf("after add:\n%s", got)
	}
	edit(func(f *File) (*File, error) { return f.Without("new") })
	edit(func(f *File) (*File, error) { return f.Without("home") })
	if got, want := text(t, home), byHand[:strings.Index(byHand, "\n# The one that counts")]; got != "\n"+want {
		t.Errorf("after two removals:\n%q\nwant\n%q", got, "\n"+want)
	}
	for name, change := range map[fault.Code]func(f *File) (*File, error){
		fault.ProfileUnknown: func(f *File) (*File, error) { return f.Using("nobody") },
		fault.ProfileTaken:   func(f *File) (*File, error) { return f.With(Draft{Name: "acme", Kind: "live"}) },
		fault.ProfileBad:     func(f *File) (*File, error) { return f.Without("sandbox") },
	} {
		before := text(t, home)
		if err := Edit(t.Context(), home, change); fault.CodeOf(err) != name || text(t, home) != before {
			t.Errorf("want %s, got %v, and the file was touched: %v", name, err, text(t, home) != before)
		}
	}
}

func TestAFileThatCannotBeEditedByLinesIsLeftAlone(t *testing.T) {
	const inline = "profiles = { a = { kind = 'live' }, b = { kind = 'live' } }\n"
	home := written(t, inline)
	err := Edit(t.Context(), home, func(f *File) (*File, error) { return f.Without("a") })
	if fault.CodeOf(err) != fault.ProfileBad || !strings.Contains(err.Error(), "by hand") || text(t, home) != inline {
		t.Errorf("%v, and the file holds %q", err, text(t, home))
	}
}

func TestALinkedSettingsFileStaysALink(t *testing.T) {
	home := written(t, "")
	real, path := filepath.Join(t.TempDir(), "dotfile"), filepath.Join(home.Config, "config.toml")
	if err := os.Rename(path, real); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, path); err != nil {
		t.Fatal(err)
	}
	if err := Edit(t.Context(), home, func(f *File) (*File, error) { return f.With(Draft{Name: "a", Kind: "live"}) }); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info.Mode(), err)
	}
	if got := read(t, home).Names(); len(got) != 1 || got[0] != "a" {
		t.Errorf("profiles %v", got)
	}
}

func TestTwoEditsAtOnceLoseNothing(t *testing.T) {
	home := written(t, "")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	failed := make(chan error, 8)
	for _, name := range strings.Split("a b c d e f g h", " ") {
		go func() {
			failed <- Edit(ctx, home, func(f *File) (*File, error) { return f.With(Draft{Name: name, Kind: "live"}) })
		}()
	}
	for range 8 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if got := read(t, home).Names(); len(got) != 8 {
		t.Errorf("profiles %v", got)
	}
}
