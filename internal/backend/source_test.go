package backend_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/backend"
	"latchkey/internal/fault"
)

// write puts a file into a folder of the test's own.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, text string) *backend.File {
	t.Helper()
	f, err := backend.ReadFile(write(t, "backend.toml", text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTheStrongerPlaceCounts(t *testing.T) {
	file := readFile(t, "latchkey_app_name = 'file'\nlatchkey_logo_url = 'file'\nlatchkey_listen = 'file'\nlatchkey_otp_alphanumeric = true\nport = 4000\n")
	env := map[string]string{"LATCHKEY_APP_NAME": "environment", "LATCHKEY_LISTEN": "environment"}
	c, told, err := backend.Source{
		Flags:  map[string]backend.Flag{"LATCHKEY_LISTEN": {Name: "--listen", Value: "flag"}},
		Getenv: func(name string) string { return env[name] }, File: file,
	}.Read()
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "flag" || c.AppName != "environment" || c.LogoURL != "file" || !c.OTPAlphanumeric || c.Port != 4000 {
		t.Errorf("%q %q %q %v %d", c.Listen, c.AppName, c.LogoURL, c.OTPAlphanumeric, c.Port)
	}
	for variable, want := range map[string]backend.Told{
		"LATCHKEY_LISTEN":   {Value: "flag", Origin: backend.FromFlag, Where: "--listen"},
		"LATCHKEY_APP_NAME": {Value: "environment", Origin: backend.FromEnvironment, Where: "LATCHKEY_APP_NAME"},
		"LATCHKEY_LOGO_URL": {Value: "file", Origin: backend.FromFile, Where: file.Path + ":2"},
		"PORT":              {Value: "4000", Origin: backend.FromFile, Where: file.Path + ":5"},
		"TURNKEY_API_URL":   {Origin: backend.FromDefault},
	} {
		want.Variable = variable
		if i := slices.IndexFunc(told, func(t backend.Told) bool { return t.Variable == variable }); i < 0 || told[i] != want {
			t.Errorf("%s: %+v", variable, told)
		}
	}
}

func TestAFileMayNameFilesListsAndPairs(t *testing.T) {
	path := write(t, "backend.toml", "turnkey_api_private_key_file = 'parent.key'\nlatchkey_allowed_hosts = ['a.example', 'b.example']\nlatchkey_oauth_client_ids = { google = 'g', apple = 'a' }\n")
	key := filepath.Join(filepath.Dir(path), "parent.key")
	if err := os.WriteFile(key, []byte("canary-key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := backend.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, told, err := backend.Source{File: file}.Read()
	if err != nil || !slices.Equal(c.AllowedHosts, []string{"a.example", "b.example"}) || c.OAuthClientIDs["google"] != "g" || c.OAuthClientIDs["apple"] != "a" {
		t.Fatalf("%v %v %v", c.AllowedHosts, c.OAuthClientIDs, err)
	}
	for _, s := range told {
		if strings.Contains(s.Value, "canary") {
			t.Errorf("%s tells its secret", s.Variable)
		}
		if s.Variable == "TURNKEY_API_PRIVATE_KEY" && (!s.Secret || s.Where != path+":1 "+key) {
			t.Errorf("%+v", s)
		}
	}
}

func TestABadLineIsToldByItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		"a = [":                                    ":1: ",
		"port = 1\nport = 2":                       ":2: ",
		"[port]\nx = 1":                            ":1: a backend's settings stand under no heading",
		"port.x = 1":                               ":1: a setting has a name without dots",
		"\nPort = 1":                               ":2: Port: want lower case",
		"port = 1.5":                               ":1: port: want a text",
		"latchkey_allowed_hosts = [1]":             ":1: latchkey_allowed_hosts: want texts in it",
		"latchkey_allowed_hosts = ['a,b']":         ":1: latchkey_allowed_hosts: want no comma",
		"latchkey_allowed_host = 'a'":              ":1: latchkey_allowed_host: is no setting",
		"\n\nport = 'x'":                           ":3: PORT: want a whole number",
		"port_file = 'none'":                       "/none: PORT_FILE: cannot be read",
		"port = 1\nport_file = 'none'":             ":1: PORT: is set both by itself and by PORT_FILE",
		"latchkey_otp_alphanumeric = 'perhaps'":    ":1: LATCHKEY_OTP_ALPHANUMERIC: want true or false",
		"latchkey_oauth_client_ids = ['google']":   ":1: LATCHKEY_OAUTH_CLIENT_IDS: want name=value",
		"x = '" + strings.Repeat("x", 1<<20) + "'": "holds over",
	} {
		path := write(t, "backend.toml", text)
		file, err := backend.ReadFile(path)
		if err == nil {
			var told backend.Origins
			_, told, err = backend.Source{File: file}.Read()
			err = told.Explain(err)
		}
		if fault.CodeOf(err) != fault.BackendConfig || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), filepath.Dir(path)) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}
