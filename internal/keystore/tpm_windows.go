package keystore

import (
	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/windowstpm"

	"latchkey/internal/fault"
)

// SystemTPM connects to the computer's TPM through Windows' TPM Base Services. It compiles, and was never run.
func SystemTPM() (transport.TPMCloser, error) {
	conn, err := windowstpm.Open()
	if err != nil { // its errors have no types by which absent could be told from refused
		return nil, fault.New(fault.TPMAbsent, err)
	}
	return conn, nil
}
