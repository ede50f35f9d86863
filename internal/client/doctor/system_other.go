//go:build !linux

package doctor

import (
	"context"
	"errors"
	"io/fs"
	"syscall"
)

// hasDisplays: a window opens on the system's own display.
const hasDisplays = false

func libraryFolders() []string { return nil }

func lookCore(_ context.Context, tell func(found)) { tell(func(f *Facts) { f.Core = &Core{} }) }

func free(string) (bytes uint64, known bool, err error) { return 0, false, nil }

func foreign(fs.FileInfo) bool { return false }

// inUse knows EADDRINUSE and Windows' WSAEADDRINUSE.
func inUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.Errno(10048))
}

func holder(string) (process int, command string, stopped bool) { return 0, "", false }
