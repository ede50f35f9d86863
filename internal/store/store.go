// Package store keeps a program's state on disk so that trouble never costs more than the last change: every write is
// atomic and durable, the generation before it is kept, damage is noticed and set aside, and locks end with the
// process that held them.
//
// It owns files and locks, and knows nothing of what is in them: sessions, rules and journals are their owners'
// business, and so are secrets, for which [Sealer] stands ready. It depends on fault, gofrs/flock and google/renameio.
//
// # On disk
//
// A file is one header line and then the caller's bytes, as they are:
//
//	latchkey 1 <generation> <SHA-256 of generation and bytes, in hex>
//
// The generation counts writes. Beside NAME stand NAME.1, the generation before; NAME.damaged, the last file that
// could not be read; and NAME.lock, whose content means nothing. Of two readable files the one with the higher
// generation counts, so that an old file put back by a backup or a sync program does not undo what came after it. An
// old folder put back as a whole cannot be told from the truth by the folder alone.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"latchkey/internal/fault"
)

// MaxSize is the most that a file may hold, in bytes. State is small; whatever is larger is not ours.
const MaxSize = 16 << 20

// Dir is a folder of state files. Its methods are safe for parallel use. Between processes, hold [Dir.Lock] over a
// read that decides a write; a lone Read needs no lock and sees the state before or after a write, never half of one.
type Dir struct {
	Path string

	// Notice, when set before first use, is told what was put right without an error: a fault with the code
	// [fault.StateRecovered] when an older generation was read in place of a damaged or outdated file.
	Notice func(name string, err error)

	// Untouched, when set before first use, leaves damaged files where they are: for those who only look.
	Untouched bool

	mu    sync.Mutex               // one write at a time in this process; guards turns
	turns map[string]chan struct{} // by lock: the right to ask the system for it, while nobody here has it
	disk  func(step string) error  // for tests: asked before each step on the disk; an error stands for the step's own
}

// step asks the tests' disk, which in a program is never there.
func (d *Dir) step(name string) error {
	if d.disk == nil {
		return nil
	}
	return d.disk(name)
}

// Open returns the folder at path, which it makes, with its parents, for this user alone (mode 0700). A folder that
// others may read or write is refused (fault.StateReadable): what was put there cannot be trusted.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make folder %q: %w", path, writeFault(err))
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open folder %q: %w", path, readFault(err))
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("open folder %q: %w", path, fault.New(fault.DiskFailed, errors.New("not a folder")))
	}
	if !private(info) {
		return nil, fmt.Errorf("open folder %q: %w", path,
			fault.New(fault.StateReadable, fmt.Errorf("mode %04o", info.Mode().Perm())))
	}
	d := &Dir{Path: path}
	d.sweep()
	return d, nil
}

// Read returns the newest good generation of name. What was never written is of kind NotFound. When neither the file
// nor the generation before it is good, both are set aside and the error is fault.StateCorrupt, once: afterwards the
// name reads as never written. Disk trouble is fault.DiskFailed.
func (d *Dir) Read(name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	data, err := d.read(name)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}
	return data, nil
}

// Write makes data the newest generation of name, and keeps the one before. When it returns, data is on the disk;
// when it fails, or the machine stops meanwhile, the last good state is still there. Errors: fault.DiskFull,
// fault.DiskReadOnly, fault.DiskFailed.
func (d *Dir) Write(name string, data []byte) error {
	if err := checkName(name); err != nil {
		return err
	}
	if len(data) > MaxSize {
		return fmt.Errorf("write %q: %d bytes are over %d: %w", name, len(data), MaxSize, fault.Invalid)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.write(name, data); err != nil {
		return fmt.Errorf("write %q: %w", name, writeFault(err))
	}
	return nil
}

// Remove deletes every generation of name, and what was set aside of it. What was never written is of kind NotFound.
func (d *Dir) Remove(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	found := false
	// The newest goes last: a crash in between must not bring an older one back to life.
	for _, file := range []string{name + damaged, name + older, name} {
		switch err := d.remove(file); {
		case err == nil:
			found = true
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("remove %q: %w", name, writeFault(err))
		}
	}
	if !found {
		return fmt.Errorf("remove %q: %w", name, fault.NotFound)
	}
	if err := d.sync(); err != nil {
		return fmt.Errorf("remove %q: %w", name, writeFault(err))
	}
	return nil
}

func (d *Dir) file(name string) string { return filepath.Join(d.Path, name) }

// What stands beside a file.
const (
	older   = ".1"
	damaged = ".damaged"
	locked  = ".lock"
)

// checkName keeps names inside the folder and apart from what we put beside files ourselves. A bad name is a
// mistake of the program, hence no code of its own.
func checkName(name string) error {
	ok := name != "" && len(name) <= 200 && name[0] != '.'
	for _, c := range []byte(name) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_')
	}
	for _, end := range []string{older, damaged, locked, "."} {
		ok = ok && !strings.HasSuffix(name, end)
	}
	if !ok {
		return fmt.Errorf("file name %q: %w", name, fault.Invalid)
	}
	return nil
}
