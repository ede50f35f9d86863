//go:build !windows

package profile

import "io/fs"

// foreign reports whether others may write the file: they could name their own keys as trusted.
func foreign(info fs.FileInfo) bool { return info.Mode().Perm()&0o022 != 0 }
