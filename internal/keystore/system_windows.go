package keystore

import (
	"errors"
	"strings"

	"github.com/danieljoos/wincred"
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

// systemList finds the names under which go-keyring stores: "service:account". It compiles, and was never run.
func systemList(service, prefix string) (accounts []string, err error) {
	found, err := wincred.FilteredList(service + ":" + prefix + "*")
	switch {
	case errors.Is(err, wincred.ErrElementNotFound):
		return nil, nil
	case err != nil:
		return nil, translate(err)
	}
	for _, credential := range found {
		if account, ok := strings.CutPrefix(credential.TargetName, service+":"); ok {
			accounts = append(accounts, account)
		}
	}
	return accounts, nil
}
