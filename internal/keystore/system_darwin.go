package keystore

import (
	"errors"
	"os/exec"

	"latchkey/internal/fault"
)

// systemName is what people know the keychain by.
const systemName = "macOS Keychain"

// systemCode reads the exit status of /usr/bin/security, which is the lowest byte of an OSStatus: -25308 (may not
// ask the user) becomes 36, -25307 (no default keychain) 37, -25293 (not authorized) 51, -128 (user cancelled) 128.
func systemCode(err error) fault.Code {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return fault.KeychainFailed
	}
	switch exit.ExitCode() {
	case 36:
		return fault.KeychainLocked
	case 37:
		return fault.KeychainEmpty
	case 51:
		return fault.KeychainDenied
	case 128:
		return fault.KeychainDismissed
	default:
		return fault.KeychainFailed
	}
}

// systemList cannot look: go-keyring v0.2.8 cannot search, and its commands tell no names.
func systemList(string, string) ([]string, error) {
	return nil, fault.New(fault.KeychainUnlisted, nil)
}
