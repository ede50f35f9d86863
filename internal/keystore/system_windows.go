package keystore

import (
	"errors"

	"golang.org/x/sys/windows"

	"latchkey/internal/fault"
)

// systemName is what people know the keychain by.
const systemName = "Windows Credential Manager"

// systemCode reads the error of the Credential Manager.
func systemCode(err error) fault.Code {
	switch {
	case errors.Is(err, windows.ERROR_NO_SUCH_LOGON_SESSION): // a service or network log-on has no credentials
		return fault.KeychainAbsent
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return fault.KeychainDenied
	case errors.Is(err, windows.ERROR_CANCELLED):
		return fault.KeychainDismissed
	default:
		return fault.KeychainFailed
	}
}
