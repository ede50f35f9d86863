package cli

import (
	"os"

	"golang.org/x/sys/unix"
)

// dropTyped forgets what was typed on the terminal and not yet read.
func dropTyped(tty *os.File) error {
	return unix.IoctlSetInt(int(tty.Fd()), unix.TCFLSH, unix.TCIFLUSH)
}
