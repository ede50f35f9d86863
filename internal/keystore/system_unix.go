//go:build !linux && !darwin && !windows

package keystore

import "latchkey/internal/fault"

// systemName is what the keychain is called where we do not know it.
const systemName = "System keychain"

// systemCode knows no errors by name on systems that nobody has tried.
func systemCode(error) fault.Code { return fault.KeychainFailed }

// systemList cannot look: nobody has tried this system.
func systemList(string, string) ([]string, error) {
	return nil, fault.New(fault.KeychainUnlisted, nil)
}
