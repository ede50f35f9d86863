package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
)

// pending is a file that is written whole before it takes its name. renameio does not support Windows.
type pending struct {
	file *os.File
	path string
	done bool
}

// prepare writes data beside path. Who may read it is inherited from the folder, which lies in the user's profile.
func prepare(folder, path string, data []byte) (*pending, error) {
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*000000") // ends as sweep expects
	if err != nil {
		return nil, err
	}
	p := &pending{file: f, path: path}
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

// commit gives the file its name in one step, and returns when the change of the folder is on the disk too.
func (p *pending) commit() error {
	if err := p.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) { // closed already, on a second try
		return err
	}
	from, err := windows.UTF16PtrFromString(p.file.Name())
	if err != nil {
		return err
	}
	to, err := windows.UTF16PtrFromString(p.path)
	if err != nil {
		return err
	}
	if err := windows.MoveFileEx(from, to, windows.MOVEFILE_REPLACE_EXISTING|windows.MOVEFILE_WRITE_THROUGH); err != nil {
		return err
	}
	p.done = true
	return nil
}

// discard removes what was not committed; after commit it does nothing.
func (p *pending) discard() {
	if p.done {
		return
	}
	_ = p.file.Close()
	_ = os.Remove(p.file.Name())
}

// syncFolder does nothing: a folder cannot be flushed here, and commit has written through.
func syncFolder(string) error { return nil }

// patiently runs op again, for up to half a second, while it is refused because a reader or a virus scanner has the
// file open.
func patiently(op func() error) (err error) {
	for range 50 {
		err = op()
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// private reports true: the mode bits mean nothing here; the folder inherits the list of the user's profile.
func private(fs.FileInfo) bool { return true }

var (
	fullErrors     = []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED}
	readOnlyErrors = []error{windows.ERROR_WRITE_PROTECT, windows.ERROR_ACCESS_DENIED}
)
