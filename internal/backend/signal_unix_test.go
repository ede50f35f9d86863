//go:build unix

package backend

import (
	"os"
	"syscall"
)

// A process that got the first does nothing until it gets the second.
var stopSignal, goOnSignal os.Signal = syscall.SIGSTOP, syscall.SIGCONT
