//go:build !windows

package store

import (
	"io/fs"
	"os"
	"syscall"

	"github.com/google/renameio/v2"
)

// pending is a file that is written whole before it takes its name.
type pending struct{ file *renameio.PendingFile }

// prepare writes data beside path, for this user alone.
func prepare(folder, path string, data []byte) (*pending, error) {
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(folder), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return nil, err
	}
	p := &pending{f}
	if _, err := f.Write(data); err != nil {
		p.discard()
		return nil, err
	}
	if err := f.Sync(); err != nil {
		p.discard()
		return nil, err
	}
	return p, nil
}

// commit gives the file its name in one step.
func (p *pending) commit() error { return p.file.CloseAtomicallyReplace() }

// discard removes what was not committed; after commit it does nothing.
func (p *pending) discard() { _ = p.file.Cleanup() }

// syncFolder makes renames durable.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// patiently runs op: nothing here is refused only because somebody else is looking.
func patiently(op func() error) error { return op() }

// private reports whether only this user may use the folder.
func private(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 == 0 }

// EFBIG is what a process limit or a quota of the file system says in place of "full".
var (
	fullErrors     = []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}
	readOnlyErrors = []error{syscall.EROFS, syscall.EACCES, syscall.EPERM}
)
