package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/internal/fault"
)

// A damaged file ends neither the program nor the folder: it is set aside with its own words, and the next start is
// a new sandbox.
func TestR20_ADamagedFileIsSetAside(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, file string){
		"cut": func(t *testing.T, file string) {
			if err := os.Truncate(file, 9000); err != nil {
				t.Fatal(err)
			}
		},
		"cut within its head": func(t *testing.T, file string) {
			if err := os.Truncate(file, 100); err != nil {
				t.Fatal(err)
			}
		},
		"cut to one page of something else": func(t *testing.T, file string) {
			if err := os.WriteFile(file, []byte(strings.Repeat("not a database\n", 333)), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"overwritten behind its head": func(t *testing.T, file string) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i := 2 * os.Getpagesize(); i < len(data); i++ {
				data[i] ^= 0x5a
			}
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"something else": func(t *testing.T, file string) {
			if err := os.WriteFile(file, []byte(strings.Repeat("not a database\n", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := New(Options{StateDir: dir})
			if err != nil {
				t.Fatal(err)
			}
			before := s.Facts()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "sandbox.db")
			damage(t, file)

			s, err = New(Options{StateDir: dir})
			if err == nil {
				_ = s.Close()
				t.Fatal("opened")
			}
			if fault.CodeOf(err) != fault.SandboxDamaged || !strings.Contains(err.Error(), file+".damaged") {
				t.Errorf("%v", err)
			}
			if _, err := os.Stat(file + ".damaged"); err != nil {
				t.Error(err)
			}
			s, err = New(Options{StateDir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if s.Facts() == before {
				t.Error("the same sandbox, out of nothing")
			}
		})
	}
}

func TestAFolderInUseOrOutOfReachHasItsKind(t *testing.T) {
	dir := t.TempDir()
	s, err := New(Options{StateDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := New(Options{StateDir: dir}); fault.CodeOf(err) != fault.SandboxBusy {
		t.Errorf("in use: %v", err)
	}
	if _, err := New(Options{StateDir: "/proc/no/such/folder"}); err == nil || errors.Is(err, fault.Corrupt) {
		t.Errorf("out of reach: %v", err)
	}
}

func TestAChosenSeedIsRemembered(t *testing.T) {
	dir := t.TempDir()
	for i, seed := range []uint64{7, 0} {
		s, err := New(Options{StateDir: dir, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		if !s.Seeded() {
			t.Errorf("start %d: nobody knows that the seed was chosen", i)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := New(Options{StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Seeded() {
		t.Error("a random seed counts as chosen")
	}
}
