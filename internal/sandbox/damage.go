package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"

	bolterrors "go.etcd.io/bbolt/errors"

	"latchkey/internal/fault"
)

// errDamaged: the file is there, but is not what was written.
var errDamaged = errors.New("the file is damaged")

// openFolder opens the state of a folder. A file that cannot be read is set aside, so that the next start begins anew
// instead of failing for ever. Errors: fault.SandboxDamaged, SandboxBusy, DiskFull, DiskReadOnly; others have no kind.
func (s *Sandbox) openFolder(dir string, seed uint64) error {
	err := s.openGuarded(dir, seed)
	if err == nil {
		return nil
	}
	if !errors.Is(err, errDamaged) {
		return errors.Join(inKind(err), s.disk.close())
	}
	_ = s.disk.close() // of a damaged file nothing more is expected
	name := filepath.Join(dir, "sandbox.db")
	if asideErr := os.Rename(name, name+".damaged"); asideErr != nil {
		return inKind(errors.Join(err, asideErr))
	}
	return fault.New(fault.SandboxDamaged, fmt.Errorf("%s.damaged: %w", name, err))
}

// openGuarded opens the folder and turns what the database does with a damaged file, panics and faults of memory it
// has mapped, into errDamaged.
func (s *Sandbox) openGuarded(dir string, seed uint64) (err error) {
	before := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(before)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errDamaged, p)
		}
	}()
	err = s.open(dir, seed)
	if err != nil && headless(filepath.Join(dir, "sandbox.db")) {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	for _, damage := range []error{bolterrors.ErrInvalid, bolterrors.ErrChecksum, bolterrors.ErrVersionMismatch} {
		if errors.Is(err, damage) {
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
	}
	return err
}

// inKind gives the disk's own refusals their kinds.
func inKind(err error) error {
	switch {
	case fault.KindOf(err) != "":
		return err
	case errors.Is(err, syscall.ENOSPC):
		return fault.New(fault.DiskFull, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fault.New(fault.DiskReadOnly, err)
	}
	return err
}

// headless reports whether a file is there and too short for the two pages that every database begins with. Only what
// the database says of other damage has a type.
func headless(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular() && info.Size() > 0 && info.Size() < 2*int64(os.Getpagesize())
}
