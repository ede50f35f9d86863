package internal

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	yaml "github.com/oasdiff/yaml3"

	"latchkey/internal/backend"
	"latchkey/internal/need"
	"latchkey/internal/profile"
)

// backendTakes reads settings as `latchkey backend` would, with what only a user can say filled in, and fails the test
// where one is unknown, a secret stands in clear, or the whole cannot be used.
func backendTakes(t *testing.T, said map[string]string) backend.Config {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("0", 63)+"1"), 0o600); err != nil {
		t.Fatal(err)
	}
	known := map[string]profile.Setting{}
	for _, s := range profile.Settings() {
		if s.Server {
			known[s.Variable] = s
		}
	}
	for name, value := range said {
		s, ok := known[strings.TrimSuffix(name, "_FILE")]
		if !ok {
			t.Errorf("%s is no setting of the backend", name)
		}
		if s.Secret && !strings.HasSuffix(name, "_FILE") && !regexp.MustCompile(`^redis://[a-z]+:\d+/0$`).MatchString(value) {
			t.Errorf("%s stands in clear", name)
		}
		if strings.HasSuffix(name, "_FILE") {
			said[name] = key
		}
	}
	filled := func(name string) string {
		switch name {
		case "TURNKEY_ORGANIZATION_ID":
			return "11111111-2222-4333-8444-555555555555"
		case "TURNKEY_API_PUBLIC_KEY":
			return "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
		}
		return regexp.MustCompile(`\$\{LATCHKEY_HOST:[^}]*\}`).ReplaceAllString(strings.ReplaceAll(said[name], "${LATCHKEY_ALLOWED_ORIGINS:-}", ""), "auth.example.com")
	}
	c, told, err := backend.Source{Getenv: filled}.Read()
	if err == nil {
		c.Pins = backend.Pins(profile.ProductionPins())
		err = c.Check()
	}
	if err != nil {
		t.Error(told.Explain(err))
	}
	return c
}

func TestTheComposeFileSaysWhatTheBackendReads(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(need.Root(t), "build", "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Environment map[string]string
			Secrets     []string
			Networks    []string
			Ports       []string
			ReadOnly    bool     `yaml:"read_only"`
			CapDrop     []string `yaml:"cap_drop"`
			Deploy      struct{ Replicas int }
		}
		Secrets, Networks map[string]any
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	b := file.Services["backend"]
	if b.Deploy.Replicas != 3 || len(b.Ports) != 0 || !b.ReadOnly || !slices.Equal(b.CapDrop, []string{"ALL"}) || len(file.Services) != 3 {
		t.Errorf("%+v", b)
	}
	if p := file.Services["redis"].Ports; len(p) != 0 {
		t.Errorf("Redis is published: %v", p)
	}
	for name, s := range file.Services {
		for _, secret := range s.Secrets {
			if _, ok := file.Secrets[secret]; !ok {
				t.Errorf("%s wants the secret %s, which there is not", name, secret)
			}
		}
		for _, network := range s.Networks {
			if _, ok := file.Networks[network]; !ok {
				t.Errorf("%s is in the network %s, which there is not", name, network)
			}
		}
	}
	if path := b.Environment["TURNKEY_API_PRIVATE_KEY_FILE"]; len(b.Secrets) != 1 || path != "/run/secrets/"+b.Secrets[0] {
		t.Errorf("the key is at %s, and the secrets are %v", path, b.Secrets)
	}
	if c := backendTakes(t, b.Environment); c.Listen != "0.0.0.0:3000" || c.DrainSeconds == 0 || !slices.Equal(c.AllowedHosts, []string{"auth.example.com"}) {
		t.Errorf("%q %d %v", c.Listen, c.DrainSeconds, c.AllowedHosts)
	}
}

func TestTheUnitSaysWhatTheBackendReadsAndSystemdTakesIt(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(need.Root(t), "build", "latchkey-backend.service"))
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^Environment=(\w+)=(.*)$`).FindAllStringSubmatch(string(raw), -1) {
		said[m[1]] = m[2]
	}
	if c := backendTakes(t, said); c.DrainSeconds == 0 || c.AdminListen == "" {
		t.Errorf("drain %d, admin %q", c.DrainSeconds, c.AdminListen)
	}

	need.Command(t, "systemd-analyze", "true")
	program, err := exec.LookPath("true") // systemd looks whether the program is there
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "latchkey-backend.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(raw), "/usr/local/bin/latchkey", program)), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("verify: %v\n%s", err, out)
	}
	// Exposure from 0 to 100, the threshold included: what systemd itself calls "OK" begins at 20.
	if out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit).CombinedOutput(); err != nil {
		t.Errorf("security: %v\n%s", err, out)
	}
}

// What check explains is what the table has: the same settings, and the same secrets.
func TestTheBackendReadsWhatTheTableSays(t *testing.T) {
	_, told, err := backend.Source{}.Read()
	if err != nil {
		t.Fatal(err)
	}
	secret := map[string]bool{}
	for _, s := range profile.Settings() {
		if s.Server {
			secret[s.Variable] = s.Secret
		}
	}
	for _, s := range told {
		want, ok := secret[s.Variable]
		if !ok || want != s.Secret {
			t.Errorf("%s: in the table %v, secret there %v and here %v", s.Variable, ok, want, s.Secret)
		}
		delete(secret, s.Variable)
	}
	for variable := range secret {
		t.Errorf("the backend does not read %s", variable)
	}
}
