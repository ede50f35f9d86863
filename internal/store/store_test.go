package store

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/fault"
)

// open returns a fresh folder whose notices are collected.
func open(t *testing.T) (*Dir, *[]error) {
	t.Helper()
	d, err := Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	var notices []error
	d.Notice = func(_ string, err error) { notices = append(notices, err) }
	return d, &notices
}

func write(t *testing.T, d *Dir, name, data string) {
	t.Helper()
	if err := d.Write(name, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func wantRead(t *testing.T, d *Dir, name, want string) {
	t.Helper()
	if got, err := d.Read(name); err != nil || string(got) != want {
		t.Errorf("read %q, %v; want %q", got, err, want)
	}
}

func wantCode(t *testing.T, what string, err error, want fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Errorf("%s: got %v, want %s", what, err, want)
	}
}

func wantKind(t *testing.T, what string, err error, want fault.Kind) {
	t.Helper()
	if got := fault.KindOf(err); got != want {
		t.Errorf("%s: got %v, want kind %s", what, err, want)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	d, notices := open(t)
	_, err := d.Read("state.json")
	wantKind(t, "read before any write", err, fault.NotFound)
	wantKind(t, "remove before any write", d.Remove("state.json"), fault.NotFound)

	large := make([]byte, 1<<20)
	rand.Read(large)
	for _, data := range []string{"", "\n", "{}\n", "no line end", "latchkey 1 7 0\n", string(large), "last"} {
		write(t, d, "state.json", data)
		wantRead(t, d, "state.json", data)
	}
	write(t, d, "other.json", "other")
	if err := d.Remove("state.json"); err != nil {
		t.Fatal(err)
	}
	_, err = d.Read("state.json")
	wantKind(t, "read after remove", err, fault.NotFound)
	wantRead(t, d, "other.json", "other")
	if len(*notices) != 0 {
		t.Errorf("notices without trouble: %v", *notices)
	}
}

func TestFilesAreForThisUserAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("missing: mode bits")
	}
	parent := t.TempDir()
	d, err := Open(filepath.Join(parent, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, d, "state.json", "1")
	write(t, d, "state.json", "2")
	unlock, err := d.Lock(t.Context(), "state.lock")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	for path, want := range map[string]fs.FileMode{
		"a": fs.ModeDir | 0o700, "a/b": fs.ModeDir | 0o700,
		"a/b/state.json": 0o600, "a/b/state.json.1": 0o600, "a/b/state.lock": 0o600,
	} {
		info, err := os.Stat(filepath.Join(parent, path))
		if err != nil {
			t.Error(err)
		} else if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
	}
}

func TestAFolderOpenToOthersIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("missing: mode bits")
	}
	path := t.TempDir()
	for _, mode := range []fs.FileMode{0o755, 0o750, 0o701, 0o770, 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path)
		wantCode(t, mode.String(), err, fault.StateReadable)
	}
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err != nil {
		t.Error(err)
	}
}

func TestAFileInPlaceOfTheFolderIsATroubleOfTheDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, filepath.Join(path, "below")} {
		_, err := Open(p)
		wantCode(t, p, err, fault.DiskFailed)
	}
}

func TestNamesStayInTheFolder(t *testing.T) {
	d, _ := open(t)
	for _, name := range []string{"", ".", "..", "../x", "a/b", `a\b`, ".hidden", "a.1", "a.damaged", "a.", "a:b", "a\x00", "ä", "a b", strings.Repeat("a", 201)} {
		_, read := d.Read(name)
		_, lock := d.Lock(t.Context(), name)
		_, _, try := d.TryLock(name)
		for what, err := range map[string]error{"read": read, "write": d.Write(name, nil), "remove": d.Remove(name), "lock": lock, "try": try} {
			wantKind(t, fmt.Sprintf("%s %q", what, name), err, fault.Invalid)
		}
	}
	wantKind(t, "write a lock file", d.Write("a.lock", nil), fault.Invalid)
	wantKind(t, "write too much", d.Write("a", make([]byte, MaxSize+1)), fault.Invalid)
	if entries, err := os.ReadDir(d.Path); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// R20: every way in which the newest file can be half written or spoilt is found, and the generation before it is
// used and told of.
func TestR20_ADamagedFileFallsBackToTheGenerationBefore(t *testing.T) {
	d, notices := open(t)
	write(t, d, "state.json", "first")
	write(t, d, "state.json", "second")
	path := filepath.Join(d.Path, "state.json")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := map[string][]byte{
		"doubled":            append(bytes.Clone(good), good...),
		"zeroes":             make([]byte, len(good)),
		"without its header": []byte("second"),
		"of a later version": bytes.Replace(good, []byte("latchkey 1 "), []byte("latchkey 2 "), 1),
		"another number":     bytes.Replace(good, []byte("1 2 "), []byte("1 9 "), 1),
		"a padded number":    bytes.Replace(good, []byte("1 2 "), []byte("1 02 "), 1),
		"line end changed":   bytes.Replace(good, []byte("\n"), []byte("\r\n"), 1),
	}
	for i := range good {
		spoilt[fmt.Sprintf("cut after %d bytes", i)] = good[:i]
		flipped := bytes.Clone(good)
		flipped[i] ^= 1 << (i % 8)
		spoilt[fmt.Sprintf("bit flipped in byte %d", i)] = flipped
	}
	for what, raw := range spoilt {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		*notices = nil
		if got, err := d.Read("state.json"); err != nil || string(got) != "first" {
			t.Errorf("%s: read %q, %v", what, got, err)
		}
		if len(*notices) != 1 || fault.CodeOf((*notices)[0]) != fault.StateRecovered {
			t.Errorf("%s: notices %v", what, *notices)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantRead(t, d, "state.json", "first")
}

// R20: a write over a damaged file keeps the good generation, and the damaged bytes for whoever wants to look.
func TestR20_AWriteOverDamageKeepsTheGoodGeneration(t *testing.T) {
	d, _ := open(t)
	write(t, d, "state.json", "first")
	write(t, d, "state.json", "second")
	path := filepath.Join(d.Path, "state.json")
	if err := os.WriteFile(path, []byte("spoilt"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, d, "state.json", "third")
	wantRead(t, d, "state.json", "third")
	if raw, err := os.ReadFile(path + ".damaged"); err != nil || string(raw) != "spoilt" {
		t.Errorf("set aside: %q, %v", raw, err)
	}
	if err := os.WriteFile(path, []byte("spoilt again"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantRead(t, d, "state.json", "first")
}

// R20: with no good generation left there is one clear error, and then a fresh start; the bytes are kept.
func TestR20_WithBothDamagedTheFileIsSetAside(t *testing.T) {
	for _, c := range []struct{ name, newest, previous, kept string }{
		{"both spoilt", "spoilt", "spoilt too", "spoilt"},
		{"the only one spoilt", "spoilt", "", "spoilt"},
		{"newest gone, previous spoilt", "", "spoilt too", "spoilt too"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, notices := open(t)
			path := filepath.Join(d.Path, "state.json")
			for file, raw := range map[string]string{path: c.newest, path + ".1": c.previous} {
				if raw != "" {
					if err := os.WriteFile(file, []byte(raw), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			_, err := d.Read("state.json")
			wantCode(t, "first read", err, fault.StateCorrupt)
			_, err = d.Read("state.json")
			wantKind(t, "second read", err, fault.NotFound)
			if raw, err := os.ReadFile(path + ".damaged"); err != nil || string(raw) != c.kept {
				t.Errorf("set aside: %q, %v", raw, err)
			}
			write(t, d, "state.json", "fresh")
			wantRead(t, d, "state.json", "fresh")
			if len(*notices) != 0 {
				t.Errorf("notices beside the error: %v", *notices)
			}
			if err := d.Remove("state.json"); err != nil {
				t.Fatal(err)
			}
			if entries, err := os.ReadDir(d.Path); err != nil || len(entries) != 0 {
				t.Errorf("left after remove: %v, %v", entries, err)
			}
		})
	}
}

// R20: an older file put back by a backup or a sync program does not undo what came after it.
func TestR20_AnOlderFilePutBackIsNotBelieved(t *testing.T) {
	d, notices := open(t)
	path := filepath.Join(d.Path, "state.json")
	write(t, d, "state.json", "1")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 2; i <= 5; i++ {
		write(t, d, "state.json", fmt.Sprint(i))
	}
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	wantRead(t, d, "state.json", "4") // 5 was overwritten; 4 is the newest that is left
	if len(*notices) != 1 || fault.CodeOf((*notices)[0]) != fault.StateRecovered {
		t.Errorf("notices %v", *notices)
	}
	write(t, d, "state.json", "6")
	wantRead(t, d, "state.json", "6")
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	wantRead(t, d, "state.json", "4")
}

// A reader without a lock sees a whole state, and states only move forward.
func TestReadersSeeWholeStatesWhileOthersWrite(t *testing.T) {
	d, notices := open(t)
	state := func(n int) string { return strings.Repeat(fmt.Sprintf("%06d", n), 1000) }
	write(t, d, "state.json", state(0))
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			last := ""
			for {
				select {
				case <-done:
					return
				default:
				}
				got, err := d.Read("state.json")
				if err != nil || len(got) != 6000 || strings.Repeat(string(got[:6]), 1000) != string(got) || string(got[:6]) < last {
					t.Errorf("read %.12q after %q, %v", got, last, err)
					return
				}
				last = string(got[:6])
			}
		})
	}
	for n := range 200 {
		write(t, d, "state.json", state(n))
	}
	close(done)
	readers.Wait()
	if len(*notices) != 0 {
		t.Errorf("notices without trouble: %v", *notices)
	}
}

func TestOpenSweepsWhatAStoppedMachineLeft(t *testing.T) {
	d, _ := open(t)
	write(t, d, "state.json", "kept")
	hours := time.Now().Add(-2 * time.Hour)
	for name, old := range map[string]bool{
		".state.json5577006791947779410": true, ".state.json.1.link": true,
		".state.json8674665223082153551": false, ".DS_Store": true, "index123456": true,
	} {
		path := filepath.Join(d.Path, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if old {
			if err := os.Chtimes(path, hours, hours); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := Open(d.Path); err != nil {
		t.Fatal(err)
	}
	var left []string
	entries, _ := os.ReadDir(d.Path)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if got, want := strings.Join(left, " "), ".DS_Store .state.json8674665223082153551 index123456 state.json"; got != want {
		t.Errorf("left %q, want %q", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(generation{7, []byte("data")}))
	f.Add([]byte("latchkey 1 7 \n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		g, err := decode(raw)
		if err == nil && !bytes.Equal(encode(g), raw) {
			t.Errorf("%q was read, and would be written differently", raw)
		}
		if err != nil && !errors.Is(err, errDamaged) {
			t.Error(err)
		}
	})
}
