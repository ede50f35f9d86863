package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// hasDisplays: a window opens on the display that a variable names.
const hasDisplays = true

// libraryFolders are where the loader finds libraries, as far as that is the same everywhere.
func libraryFolders() []string {
	folders := filepath.SplitList(os.Getenv("LD_LIBRARY_PATH"))
	return append(folders, "/usr/lib/*-linux-gnu*", "/usr/lib64", "/usr/lib", "/usr/local/lib", "/usr/local/lib/*-linux-gnu*", "/lib/*-linux-gnu*")
}

func lookCore(_ context.Context, tell func(found)) {
	var c Core
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err == nil {
		dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		c = Core{Known: true, Allowed: limit.Cur > 0 && (err != nil || dumpable == 1)}
	}
	tell(func(f *Facts) { f.Core = &c })
}

// free returns the bytes that this user may still write at path.
func free(path string) (bytes uint64, known bool, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, false, fmt.Errorf("%s: %w", path, err)
	}
	return s.Bavail * uint64(s.Bsize), true, nil
}

// foreign reports whether a file belongs to another user.
func foreign(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) != os.Geteuid()
}

func inUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// holder returns which process holds a lock, as far as the kernel tells: 0 where it does not.
func holder(path string) (process int, command string, stopped bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, "", false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, "", false
	}
	all, err := os.ReadFile("/proc/locks") // 1: FLOCK ADVISORY WRITE 4711 08:01:12345 0 EOF
	if err != nil {
		return 0, "", false
	}
	inode := fmt.Sprintf("%02x:%02x:%d", unix.Major(s.Dev), unix.Minor(s.Dev), s.Ino)
	for line := range strings.Lines(string(all)) {
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[1] != "FLOCK" || fields[5] != inode {
			continue
		}
		process, err := strconv.Atoi(fields[4])
		if err != nil || process <= 0 {
			continue
		}
		proc := fmt.Sprintf("/proc/%d/", process)
		stat := trimmed(proc + "stat") // its third field, after a name in brackets, is the state
		if at := strings.LastIndex(stat, ") "); at > 0 {
			stopped = strings.HasPrefix(stat[at+2:], "T")
		}
		return process, trimmed(proc + "comm"), stopped
	}
	return 0, "", false
}
