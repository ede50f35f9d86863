package local

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"latchkey/internal/fault"
	"latchkey/internal/store"
)

// Peek says where the pair that serves the folder is, as far as the folder tells, and whether a process serves it now.
// It starts nothing, asks nobody and changes nothing. What was never served is empty. Errors: those of store.
func Peek(path string) (at Endpoints, served bool, err error) {
	dir := &store.Dir{Path: path, Untouched: true}
	data, err := dir.Read(endpointsName)
	if errors.Is(err, fault.NotFound) {
		return Endpoints{}, false, nil
	}
	if err == nil && json.Unmarshal(data, &at) != nil {
		err = fault.New(fault.StateCorrupt, errors.New(endpointsName+" is not in its form"))
	}
	if err != nil {
		return Endpoints{}, false, err
	}
	if _, err := os.Stat(filepath.Join(path, lockName)); errors.Is(err, fs.ErrNotExist) {
		return at, false, nil // asking for the lock would make it
	}
	unlock, free, err := dir.TryLock(lockName)
	if err != nil {
		return at, false, err
	}
	if free {
		unlock()
	}
	return at, !free, nil
}
