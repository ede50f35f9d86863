package profile

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/need"
	"latchkey/internal/p256"
)

// Source: turnkey-protocol.md, sections 3.2, 4.3, 5.5, 8.3 and 4.4, each key on a line that names it.
func TestCompiledPinsEqualTheProtocol(t *testing.T) {
	text, err := os.ReadFile(need.Shared(t, "turnkey-protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	pins := ProductionPins()
	for _, c := range []struct{ pin, section, words string }{
		{pins.Notarizer, "### 3.2 ", "Production notarizer key"},
		{pins.TLSFetcher, "### 4.3 ", "TLS-fetcher signing key"},
		{pins.LegacyToken, "### 4.4 ", "Legacy (VERIFY_OTP)"},
		{pins.TLSFetcherEncryption, "### 5.5 ", "TLS-fetcher **encryption** key"},
		{pins.Signer, "### 8.3 ", "signer, production"},
	} {
		_, section, ok := strings.Cut(string(text), "\n"+c.section)
		if !ok {
			t.Fatalf("no section %q", c.section)
		}
		section, _, _ = strings.Cut(section, "\n##")
		found := false
		for line := range strings.Lines(section) {
			if !strings.Contains(line, c.words) {
				continue
			}
			keys := regexp.MustCompile("`0[234][0-9a-f]{64,128}`").FindAllString(line, -1)
			found = found || slices.Contains(keys, "`"+c.pin+"`")
		}
		if !found {
			t.Errorf("section %s: no line with %q and %s", c.section, c.words, c.pin)
		}
		if _, err := p256.ParsePublic(c.pin); err != nil {
			t.Errorf("%s: %v", c.words, err)
		}
	}
}

func TestKindsShareNothing(t *testing.T) {
	home := At(t.TempDir())
	sandbox := Sandbox(home)
	if sandbox.Name != "sandbox" || sandbox.KeychainService != "dev.latchkey.sandbox" || sandbox.SessionLength != 900*time.Second {
		t.Errorf("sandbox profile %+v", sandbox)
	}
	if sandbox.Pins != (Pins{}) || sandbox.APIURL != "" {
		t.Errorf("a sandbox profile trusts something before a sandbox runs: %+v", sandbox)
	}
	dirs, services := map[string]bool{sandbox.Dir: true}, map[string]bool{sandbox.KeychainService: true}
	for _, kind := range []Kind{KindDevelopment, KindLive} {
		p, err := New(home, kind, "sandbox")
		if err != nil {
			t.Fatal(err)
		}
		if p.SessionLength != 12*time.Hour {
			t.Errorf("%s profile %+v", kind, p)
		}
		if services[p.KeychainService] {
			t.Errorf("%s shares the keychain service %s", kind, p.KeychainService)
		}
		services[p.KeychainService] = true
		if dirs[p.Dir] {
			t.Errorf("%s shares the folder %s", kind, p.Dir)
		}
		dirs[p.Dir] = true
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	home := At(t.TempDir())
	sandboxPins := func() Pins {
		key := func() string { return p256.Uncompressed(&p256.Generate().PublicKey) }
		return Pins{key(), key(), key(), key(), key()}
	}
	for name, c := range map[string]struct {
		kind   Kind
		change func(*Profile)
		want   string // "" when good
	}{
		"live":                     {KindLive, func(*Profile) {}, ""},
		"live with a sandbox pin":  {KindLive, func(p *Profile) { p.Pins.Notarizer = sandboxPins().Notarizer }, "production"},
		"live over http":           {KindLive, func(p *Profile) { p.BackendURL = "http://127.0.0.1:3000" }, "https"},
		"live in the sandbox's":    {KindLive, func(p *Profile) { p.KeychainService = "dev.latchkey.sandbox" }, "keychain"},
		"sandbox in the live one":  {KindSandbox, func(p *Profile) { p.KeychainService = "dev.latchkey" }, "keychain"},
		"sandbox on loopback":      {KindSandbox, func(p *Profile) { p.APIURL = "http://127.0.0.1:40000" }, ""},
		"development over http":    {KindDevelopment, func(p *Profile) { p.BackendURL = "http://backend.example" }, "https"},
		"development, v6 loopback": {KindDevelopment, func(p *Profile) { p.BackendURL = "http://[::1]:3000" }, ""},
		"no backend":               {KindDevelopment, func(p *Profile) { p.BackendURL = "" }, "backend"},
		"credentials in address":   {KindDevelopment, func(p *Profile) { p.BackendURL = "https://a:b@c.example" }, "backend"},
		"slash at the end":         {KindDevelopment, func(p *Profile) { p.BackendURL = "https://c.example/" }, "slash"},
		"a pin off the curve":      {KindDevelopment, func(p *Profile) { p.Pins.Signer = "02" + strings.Repeat("f", 64) }, "signer"},
		"no length":                {KindDevelopment, func(p *Profile) { p.SessionLength = 0 }, "length"},
		"a name that climbs":       {KindDevelopment, func(p *Profile) { p.Name = "../live" }, "name"},
		"unknown kind":             {KindDevelopment, func(p *Profile) { p.Kind = "staging" }, "kind"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := New(home, c.kind, "one")
			if err != nil {
				t.Fatal(err)
			}
			p.BackendURL, p.APIURL = "https://backend.example", "https://api.turnkey.com"
			if c.kind != KindLive {
				p.Pins = sandboxPins()
			}
			c.change(&p)
			err = p.Check()
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (fault.CodeOf(err) != fault.ProfileBad || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want a word of %q", err, c.want)
			}
		})
	}
	if _, err := New(home, "staging", "one"); !errors.Is(err, fault.Invalid) {
		t.Errorf("unknown kind: %v", err)
	}
	if _, err := New(home, KindLive, "A"); !errors.Is(err, fault.Invalid) {
		t.Errorf("bad name: %v", err)
	}
}

func TestHomeFollowsTheVariableAndIsPrivate(t *testing.T) {
	top := filepath.Join(t.TempDir(), "deep", "down")
	t.Setenv(HomeVariable, top)
	home, err := DefaultHome()
	if err != nil {
		t.Fatal(err)
	}
	if err := home.Make(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{home.Config, home.State, home.Data} {
		if !strings.HasPrefix(dir, top) {
			t.Errorf("%s is not below %s", dir, top)
		}
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %o", dir, info.Mode().Perm())
		}
	}
	t.Setenv(HomeVariable, "relative")
	if _, err := DefaultHome(); fault.CodeOf(err) != fault.ProfileBad {
		t.Errorf("a relative home: %v", err)
	}
	t.Setenv(HomeVariable, "")
	if home, err = DefaultHome(); err != nil || !filepath.IsAbs(home.State) || filepath.Base(home.State) != "latchkey" {
		t.Errorf("system home %+v, %v", home, err)
	}
}
