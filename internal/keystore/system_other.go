//go:build !linux

package keystore

import (
	"context"
	"errors"
	"os/exec"
	"runtime"

	"github.com/zalando/go-keyring"

	"latchkey/internal/fault"
)

// direct is a keychain that go-keyring reaches without further ado: macOS and Windows.
type direct struct{ service string }

func newSystem(service string) system { return direct{service} }

func (d direct) ready(context.Context) error { return nil }

func (d direct) get(account string) (string, error) {
	value, err := keyring.Get(d.service, account)
	return value, translate(err)
}

func (d direct) set(account, value string) error {
	return translate(keyring.Set(d.service, account, value))
}

func (d direct) remove(account string) error {
	return translate(keyring.Delete(d.service, account))
}

// health looks for an item that nobody stores: being told "not found" takes an open keychain and asks nobody.
func (d direct) health(context.Context) Health {
	name := map[string]string{"darwin": "macOS Keychain", "windows": "Windows Credential Manager"}[runtime.GOOS]
	_, err := d.get("v1/health")
	switch {
	case err == nil, errors.Is(err, keyring.ErrNotFound):
		return Health{State: Protected, Name: name}
	case fault.KindOf(err) == fault.Locked:
		return Health{State: Locked, Name: name, Err: err}
	default:
		return Health{State: Absent, Name: name, Err: err}
	}
}

// translate gives a foreign error its code. Its text is dropped: that of macOS may hold the secret.
func translate(err error) error {
	switch {
	case err == nil, errors.Is(err, keyring.ErrNotFound):
		return err
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return fault.New(fault.KeychainTooLarge, nil)
	case errors.Is(err, keyring.ErrUnsupportedPlatform), errors.Is(err, exec.ErrNotFound):
		return fault.New(fault.KeychainAbsent, nil)
	}
	return fault.New(systemCode(err), nil)
}
