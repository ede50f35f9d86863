package transaction

import (
	"errors"

	"latchkey/internal/fault"
)

// reason is what chain says about an input, without the code that goes before it.
func reason(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Err != nil {
		return e.Err.Error()
	}
	return err.Error()
}
