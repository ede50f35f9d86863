//go:build !linux

package keystore

import (
	"context"
	"errors"

	"latchkey/internal/fault"
)

// Bus is fault.KeychainNoBus: no keychain of this system is asked over a bus.
func Bus(context.Context) (address string, err error) {
	return "", fault.New(fault.KeychainNoBus, errors.New("this system has none"))
}
