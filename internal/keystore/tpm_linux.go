package keystore

import (
	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/linuxtpm"
)

// SystemTPM connects to the computer's TPM, through the kernel's resource manager, so that several programs may use it.
func SystemTPM() (transport.TPMCloser, error) { return linuxtpm.Open("/dev/tpmrm0") }
