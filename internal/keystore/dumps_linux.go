package keystore

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

func noCoreDumps() error {
	err := noCores()
	if e := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); e != nil {
		err = errors.Join(err, fmt.Errorf("forbid core dumps: %w", e))
	}
	return err
}
