package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/session"
	"latchkey/internal/store"
)

// most is how many files are looked at: a home has dozens.
const most = 10_000

func lookRights(p client.Patient) look {
	return func(ctx context.Context, tell func(found)) {
		r := Rights{Known: runtime.GOOS != "windows"}
		if r.Known {
			refused := map[string]bool{p.Dir.Path: true, p.Sandbox: true} // what the store opens for itself alone
			for _, root := range []string{p.Home.State, p.Home.Data, p.Home.Config} {
				r.walk(ctx, root, root == p.Home.Config, refused)
			}
		}
		tell(func(f *Facts) { f.Rights = &r })
	}
}

// walk looks at everything below root. What a person edits may be read by others: nothing in it is a secret.
func (r *Rights) walk(ctx context.Context, root string, edited bool, refused map[string]bool) {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went while we looked, or was never there
		}
		if err != nil {
			return err
		}
		if r.Seen++; r.Seen > most || ctx.Err() != nil {
			return fs.SkipAll
		}
		info, err := entry.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && info.Mode().Type()&fs.ModeSymlink != 0:
			return nil
		case err != nil:
			return err
		}
		if foreign(info) {
			r.Other = append(r.Other, path)
		}
		forbidden := fs.FileMode(0o077)
		if edited {
			forbidden = 0o022
		}
		if info.Mode().Perm()&forbidden != 0 {
			r.Open = append(r.Open, Opened{path, info.Mode(), refused[path], info.IsDir()})
		}
		return nil
	})
	if err != nil && r.Err == nil {
		r.Err = err
	}
}

// lookDisk looks at the folder of the state, or where it will be.
func lookDisk(p client.Patient) look {
	return func(_ context.Context, tell func(found)) {
		where := p.Dir.Path
		for {
			info, err := os.Stat(where)
			if err == nil && info.IsDir() || filepath.Dir(where) == where {
				break
			}
			where = filepath.Dir(where)
		}
		s := Space{Where: where}
		s.Free, s.Known, s.Err = free(where)
		tell(func(f *Facts) { f.Space = &s })
		t := Trouble{Where: where, Err: tryFile(where)}
		tell(func(f *Facts) { f.Write = &t })
	}
}

// tryFile writes a file and removes it. Its name is one that the store takes for unfinished, and removes, should this
// program end meanwhile.
func tryFile(folder string) error {
	file, err := os.CreateTemp(folder, ".doctor-*0000000")
	if err == nil {
		defer os.Remove(file.Name()) //nolint:errcheck // the store sweeps it
		if _, err = file.Write(make([]byte, 64<<10)); err == nil {
			err = file.Sync()
		}
		if closing := file.Close(); err == nil {
			err = closing
		}
	}
	if err != nil {
		return store.WriteFault(err)
	}
	return nil
}

func lookState(p client.Patient) look {
	return func(_ context.Context, tell func(found)) {
		var s StateFile
		dir := &store.Dir{Path: p.Dir.Path, Untouched: true, Notice: func(_ string, err error) { s.Recovered = err }}
		s.Inspection, s.Err = readState(dir)
		if s.There = true; errors.Is(s.Err, fault.NotFound) && fault.CodeOf(s.Err) == fault.Internal {
			s.There, s.Err = false, nil
		}
		tell(func(f *Facts) { f.State = &s })
	}
}

// lookLocks looks for locks that are held now and still are after a while: holding one for a moment is what they are
// for. The lock of whoever serves the sandbox is none of them, nor that of whoever keeps keys in memory.
func lookLocks(p client.Patient, while time.Duration) look {
	return func(ctx context.Context, tell func(found)) {
		var l Locks
		names, err := filepath.Glob(filepath.Join(p.Dir.Path, "*.lock"))
		l.Err = err
		names = slices.DeleteFunc(names, func(name string) bool { return filepath.Base(name) == session.MemoryLock })
		for i := 0; i < 2 && len(names) > 0; i++ {
			if i > 0 {
				select {
				case <-time.After(while):
				case <-ctx.Done():
					return
				}
			}
			var held []string
			for _, name := range names {
				switch is, err := isHeld(name); {
				case err != nil:
					l.Err = err
				case is:
					held = append(held, name)
				}
			}
			names = held
		}
		for _, path := range names {
			lock := Lock{Name: filepath.Base(path)}
			lock.Process, lock.Command, lock.Stopped = holder(path)
			if !ours(lock) {
				l.Held = append(l.Held, lock)
			}
		}
		tell(func(f *Facts) { f.Locks = &l })
	}
}

// ours reports whether a doctor holds the lock, this one or another: while it tries the key store, and while it verifies
// a long journal.
func ours(l Lock) bool {
	return l.Name == trialLock || l.Name == journalLock && (l.Process == 0 || l.Process == os.Getpid())
}

const journalLock = "journal.lock"

// isHeld reports whether a process holds the lock. It can only be asked for by taking it, and then it is given back at
// once.
func isHeld(path string) (bool, error) {
	lock := flock.New(path)
	free, err := lock.TryLock()
	if err != nil {
		return false, err
	}
	if free {
		err = lock.Close()
	}
	return !free, err
}

// trimmed is the first line of a small file, or "".
func trimmed(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}
