package keystore

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"

	"latchkey/internal/fault"
)

// secretService is the keychain of Linux: whoever owns org.freedesktop.secrets on the session bus.
type secretService struct{ service string }

func newSystem(service string) system { return secretService{service} }

// ready refuses to go on without a session bus: the library would start one of its own, with a keyring on it, and
// leave both running.
func (s secretService) ready(context.Context) error {
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return nil
	}
	socket := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus")
	if info, err := os.Stat(socket); !filepath.IsAbs(socket) || err != nil || info.Mode().Type() != os.ModeSocket {
		return fault.New(fault.KeychainNoBus, errors.New("no session bus"))
	}
	return os.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+dbus.EscapeBusAddressValue(socket))
}

func (s secretService) get(account string) (string, error) { return keyring.Get(s.service, account) }

func (s secretService) set(account, value string) error {
	return keyring.Set(s.service, account, value)
}

func (s secretService) remove(account string) error { return keyring.Delete(s.service, account) }

func (s secretService) health(ctx context.Context) Health {
	if err := s.ready(ctx); err != nil {
		return Health{State: Absent, Err: err}
	}
	return Health{State: Protected, Name: "Secret Service"}
}
