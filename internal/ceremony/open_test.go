//go:build unix

package ceremony

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/internal/fault"
)

// program writes a script that notes what it was called with.
func program(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "browser")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheBrowserOfTheEnvironmentIsOpenedWithoutAShell(t *testing.T) {
	const address = "https://id.example/authorize?a=1&b=$(touch${IFS}x);c=%27"
	note := filepath.Join(t.TempDir(), "note")
	good := program(t, `printf '%s|' "$@" >`+note)
	failing := program(t, "exit 3")
	for browser, want := range map[string]string{
		good:                            address + "|",
		good + " --new-window %s -x":    "--new-window|" + address + "|-x|",
		failing + ":" + good + ":/none": address + "|",
		"/none/such:" + good:            address + "|",
	} {
		t.Setenv("BROWSER", browser)
		if err := OpenBrowser(t.Context(), address); err != nil {
			t.Errorf("%s: %v", browser, err)
		}
		if got, err := os.ReadFile(note); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", browser, got, err)
		}
	}
	for _, browser := range []string{"/none/such", failing} {
		t.Setenv("BROWSER", browser)
		if err := OpenBrowser(t.Context(), address); fault.CodeOf(err) != fault.BrowserUnopened {
			t.Errorf("%s: %v", browser, err)
		}
	}
}

func TestOnlyWhatABrowserShowsIsOpened(t *testing.T) {
	note := filepath.Join(t.TempDir(), "note")
	t.Setenv("BROWSER", program(t, `echo "$1" >>`+note))
	for _, address := range []string{
		"", "file:///etc/passwd", "javascript:alert(1)", "http://id.example/", "http://192.168.1.1/", "https:///x", "https:x", "latchkey://x",
		"https://a:b@id.example/", "https://id.example/ x", "https://id.example/\n", "-version", "https://id.example/\"x", "http://127.0.0.1.attacker.example/",
	} {
		if err := OpenBrowser(t.Context(), address); fault.CodeOf(err) != fault.BrowserUnopened {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := os.Stat(note); err == nil {
		t.Error("something was opened")
	}
	for _, address := range []string{"https://id.example/x?y", "http://127.0.0.1:1/x", "http://[::1]:1/x", "http://localhost:1/"} {
		if err := OpenBrowser(t.Context(), address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
	if got, err := os.ReadFile(note); err != nil || strings.Count(string(got), "\n") != 4 {
		t.Errorf("%q, %v", got, err)
	}
}
