// Package internal holds no code, only the test of the map: which package may know which.
package internal

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows says which of our packages each may import, besides fault and p256, which all may know. A package below
// another (keystore/keystoretest) has the rights of its parent and may import it. What is not listed may import
// nothing of ours.
//
// p256 is not in the first map of the design: stamp, token, bundle, keystore and sandbox all spell keys, and one
// spelling is better than five.
var arrows = map[string][]string{
	"":    {"app", "internal/cli"}, // main
	"app": {"internal/client", "internal/chain", "internal/login", "internal/session", "internal/keystore", "internal/profile", "internal/turnkey"},
	"internal/cli": {"internal/client", "internal/chain", "internal/local", "internal/backend", "internal/sandbox", "internal/stamp",
		"internal/login", "internal/session", "internal/keystore", "internal/profile", "internal/turnkey", "internal/ceremony"},
	"internal/client":   {"internal/chain", "internal/login", "internal/session", "internal/turnkey", "internal/keystore", "internal/journal", "internal/approve", "internal/profile", "internal/store", "internal/local", "internal/stamp", "internal/token"},
	"internal/login":    {"internal/session", "internal/ceremony", "internal/turnkey", "internal/keystore", "internal/token", "internal/bundle", "internal/stamp", "internal/profile", "internal/store", "internal/chain"},
	"internal/session":  {"internal/keystore", "internal/token", "internal/store"},
	"internal/approve":  {"internal/chain"},
	"internal/journal":  {"internal/store"},
	"internal/profile":  {"internal/store"},
	"internal/keystore": {"internal/store"},
	"internal/turnkey":  {"internal/stamp"},
	"internal/backend":  {"internal/turnkey", "internal/stamp", "internal/token", "internal/bundle"},
	"internal/sandbox":  {"internal/stamp", "internal/token", "internal/bundle", "internal/chain"},
	"internal/local":    {"internal/backend", "internal/sandbox", "internal/store"},
	"internal/fault":    {},
	"internal/p256":     {},
	"internal/stamp":    {},
	"internal/token":    {},
	"internal/bundle":   {},
	"internal/chain":    {},
	"internal/store":    {},
	"internal/ceremony": {},
}

// ground is what every package may import.
var ground = []string{"internal/fault", "internal/p256"}

func TestLayoutFollowsTheArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "latchkey/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		from := room(pkg.ImportPath)
		for _, path := range pkg.Imports {
			if path != "latchkey" && !strings.HasPrefix(path, "latchkey/") {
				continue
			}
			if strings.HasSuffix(pkg.ImportPath, "test") && path == "latchkey/internal/need" { // a package for tests alone
				continue
			}
			if to := room(path); !allowed(from, to) {
				t.Errorf("%s imports %s: that arrow is not on the map", pkg.ImportPath, path)
			}
		}
		if from == "internal" || from == "internal/need" {
			continue
		}
		if _, ok := arrows[from]; !ok && !strings.HasPrefix(from, "frontend") {
			t.Errorf("%s is not on the map", pkg.ImportPath)
		}
	}
	if seen == 0 {
		t.Fatal("go list found no package")
	}
}

// allowed reports whether a package of room from may import one of room to.
func allowed(from, to string) bool {
	if from == to || slices.Contains(arrows[from], to) {
		return true
	}
	// fault is the ground of all; p256 stands on it.
	return slices.Contains(ground, to) && !(from == "internal/fault" && to == "internal/p256")
}

// room returns the map's name for an import path: the first two parts below the module for internal packages.
func room(path string) string {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "latchkey"), "/")
	parts := strings.Split(path, "/")
	if parts[0] == "internal" && len(parts) > 2 {
		return strings.Join(parts[:2], "/")
	}
	if parts[0] == "app" {
		return "app"
	}
	return path
}

func TestForbiddenArrowsAreSeen(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"internal/sandbox", "internal/turnkey", false},
		{"internal/session", "internal/turnkey", false},
		{"internal/fault", "internal/p256", false},
		{"internal/stamp", "internal/need", false},
		{"internal/sandbox", "internal/stamp", true},
		{"internal/keystore", "internal/keystore", true},
		{"internal/token", "internal/fault", true},
	} {
		if got := allowed(c.from, c.to); got != c.want {
			t.Errorf("allowed(%s, %s) = %v", c.from, c.to, got)
		}
	}
}
