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
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

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

	mu sync.Mutex // one write at a time in this process
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
	if private(info) {
		return &Dir{Path: path}, nil
	}
	return nil, fmt.Errorf("open folder %q: %w", path,
		fault.New(fault.StateReadable, fmt.Errorf("mode %04o", info.Mode().Perm())))
}

// Read returns the newest good generation of name. What was never written is of kind NotFound. When neither the file
// nor the generation before it is good, both are set aside and the error is fault.StateCorrupt, once: afterwards the
// name reads as never written. Disk trouble is fault.DiskFailed.
func (d *Dir) Read(name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	best, err := d.read(name)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}
	return best.data, nil
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
		switch err := os.Remove(d.file(file)); {
		case err == nil:
			found = true
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("remove %q: %w", name, writeFault(err))
		}
	}
	if !found {
		return fmt.Errorf("remove %q: %w", name, fault.NotFound)
	}
	if err := syncFolder(d.Path); err != nil {
		return fmt.Errorf("remove %q: %w", name, writeFault(err))
	}
	return nil
}

// lockPoll is how often a taken lock is asked for again: no system has a lock that waits and can be interrupted.
const lockPoll = 20 * time.Millisecond

// Lock takes the lock called name, waiting for it until ctx ends (fault.StateBusy, around ctx's error). It excludes
// other processes and other callers in this one. The system itself releases it when the process dies, however it
// dies. The returned function releases it, and may be called twice.
func (d *Dir) Lock(ctx context.Context, name string) (unlock func(), err error) {
	lock, err := d.lock(name)
	if err != nil {
		return nil, err
	}
	ok, err := lock.TryLockContext(ctx, lockPoll)
	if !ok && ctx.Err() != nil {
		return nil, fmt.Errorf("lock %q: %w", name, fault.New(fault.StateBusy, ctx.Err()))
	}
	if err != nil {
		return nil, fmt.Errorf("lock %q: %w", name, writeFault(err))
	}
	return sync.OnceFunc(func() { _ = lock.Unlock() }), nil
}

// TryLock takes the lock called name if it is free, and says whether it was. See [Dir.Lock].
func (d *Dir) TryLock(name string) (unlock func(), ok bool, err error) {
	lock, err := d.lock(name)
	if err != nil {
		return nil, false, err
	}
	ok, err = lock.TryLock()
	if err != nil {
		return nil, false, fmt.Errorf("lock %q: %w", name, writeFault(err))
	}
	if !ok {
		return nil, false, nil
	}
	return sync.OnceFunc(func() { _ = lock.Unlock() }), true, nil
}

func (d *Dir) lock(name string) (*flock.Flock, error) {
	name = strings.TrimSuffix(name, locked)
	if err := checkName(name); err != nil {
		return nil, err
	}
	return flock.New(d.file(name + locked)), nil
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

// generation is one readable file.
type generation struct {
	number uint64
	data   []byte
}

var errDamaged = errors.New("the file is damaged")

// load reads one file: errDamaged if it is not whole, fs.ErrNotExist if there is none.
func (d *Dir) load(file string) (generation, error) {
	f, err := os.Open(d.file(file))
	if err != nil {
		return generation{}, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, MaxSize+maxHeader+1))
	if err != nil {
		return generation{}, err
	}
	return decode(raw)
}

// read returns the newest good generation. Its errors are faults.
func (d *Dir) read(name string) (generation, error) {
	newest, newestErr := d.load(name)
	previous, previousErr := d.load(name + older)
	switch {
	case newestErr == nil && (previousErr != nil || newest.number >= previous.number):
		return newest, nil
	case previousErr == nil && newestErr == nil:
		d.notice(name, fmt.Errorf("generation %d was put back over %d", newest.number, previous.number+1))
		return previous, nil
	case previousErr == nil && (errors.Is(newestErr, errDamaged) || errors.Is(newestErr, fs.ErrNotExist)):
		d.notice(name, newestErr)
		return previous, nil
	case errors.Is(newestErr, fs.ErrNotExist) && errors.Is(previousErr, fs.ErrNotExist):
		return generation{}, fault.NotFound
	}
	for _, err := range []error{newestErr, previousErr} { // a disk that fails is no reason to give anything up
		if !errors.Is(err, errDamaged) && !errors.Is(err, fs.ErrNotExist) {
			return generation{}, readFault(err)
		}
	}
	d.setAside(name)
	return generation{}, fault.New(fault.StateCorrupt, errDamaged)
}

func (d *Dir) notice(name string, cause error) {
	if d.Notice != nil {
		d.Notice(name, fault.New(fault.StateRecovered, cause))
	}
}

// maxHeader is the longest header line: "latchkey 1 ", 20 digits, a space, 64 hex characters, a line end.
const maxHeader = 11 + 20 + 1 + 64 + 1

func encode(g generation) []byte {
	return append(fmt.Appendf(make([]byte, 0, maxHeader+len(g.data)), "latchkey 1 %d %s\n", g.number, checksum(g)), g.data...)
}

func decode(raw []byte) (generation, error) {
	header, data, ok := strings.Cut(string(raw[:min(len(raw), maxHeader)]), "\n")
	if !ok {
		return generation{}, errDamaged
	}
	_ = data
	g := generation{data: raw[len(header)+1:]}
	var sum string
	if n, err := fmt.Sscanf(header, "latchkey 1 %d %64s", &g.number, &sum); n != 2 || err != nil {
		return generation{}, errDamaged
	}
	if sum != checksum(g) || header != fmt.Sprintf("latchkey 1 %d %s", g.number, sum) {
		return generation{}, errDamaged
	}
	return g, nil
}

// checksum finds damage, not malice: whoever may write here may also compute it.
func checksum(g generation) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d\n", g.number)
	h.Write(g.data)
	return hex.EncodeToString(h.Sum(nil))
}
