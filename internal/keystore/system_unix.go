//go:build !linux && !darwin && !windows

package keystore

import "latchkey/internal/fault"

// systemCode knows no errors by name on systems that nobody has tried.
func systemCode(error) fault.Code { return fault.KeychainFailed }
