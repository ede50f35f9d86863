package store

import (
	"fmt"
	"path/filepath"
)

// Replace writes data as the file at path, whole and durable or not at all, for this user alone. It is for files that a
// person may edit, which have no header and no generations; everything else is [Dir.Write]'s. Where path is a link,
// the file that it leads to is replaced. Errors: fault.DiskFull, fault.DiskReadOnly, fault.DiskFailed.
func Replace(path string, data []byte) error {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		path = to
	}
	folder := filepath.Dir(path)
	file, err := prepare(folder, path, data)
	if err == nil {
		defer file.discard()
		if err = patiently(file.commit); err == nil {
			err = syncFolder(folder)
		}
	}
	if err != nil {
		return fmt.Errorf("write %q: %w", path, writeFault(err))
	}
	return nil
}
