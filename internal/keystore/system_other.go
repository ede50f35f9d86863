//go:build !linux

package keystore

import (
	"context"
	"errors"
	"os/exec"

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

func (d direct) list(_ context.Context, prefix string) ([]string, error) {
	return systemList(d.service, prefix)
}

// health looks for an item that nobody stores: being told "not found" takes an open keychain and asks nobody.
func (d direct) health(ctx context.Context) Health {
	h := Health{State: Absent, Name: systemName}
	answer := make(chan error, 1)
	go func() {
		_, err := d.get("v1/health")
		answer <- err
	}()
	select {
	case h.Err = <-answer:
	case <-ctx.Done():
		h.Err = ended(ctx)
	}
	switch {
	case h.Err == nil, errors.Is(h.Err, keyring.ErrNotFound):
		h.State, h.Err = Protected, nil
	case fault.KindOf(h.Err) == fault.Locked:
		h.State = Locked
	}
	return h
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
