//go:build !linux && !windows

package keystore

import (
	"errors"

	"github.com/google/go-tpm/tpm2/transport"

	"latchkey/internal/fault"
)

// SystemTPM reports that this system has no TPM 2.0 that we could reach.
func SystemTPM() (transport.TPMCloser, error) {
	return nil, fault.New(fault.TPMAbsent, errors.New("not on this system"))
}
