package store

import (
	"errors"
	"slices"

	"latchkey/internal/fault"
)

// writeFault gives the error of a change its code. What has one keeps it.
func writeFault(err error) error {
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case fault.KindOf(err) != "":
		return err
	case slices.ContainsFunc(fullErrors, is):
		return fault.New(fault.DiskFull, err)
	case slices.ContainsFunc(readOnlyErrors, is):
		return fault.New(fault.DiskReadOnly, err)
	default:
		return fault.New(fault.DiskFailed, err)
	}
}

// readFault gives the error of a look its code.
func readFault(err error) error {
	if fault.KindOf(err) != "" {
		return err
	}
	return fault.New(fault.DiskFailed, err)
}
