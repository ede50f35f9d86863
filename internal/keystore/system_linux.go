package keystore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"

	"latchkey/internal/fault"
)

// secretService is the keychain of Linux: whoever owns org.freedesktop.secrets on the session bus.
//
// Items go through go-keyring. What go-keyring cannot do we do ourselves on a connection of our own, before each
// call: refuse to start a bus, find the collection, and unlock it with a question that can be taken back.
type secretService struct{ service string }

func newSystem(service string) system { return secretService{service} }

func (s secretService) get(account string) (value string, err error) {
	defer rescue(&err)
	value, err = keyring.Get(s.service, account)
	return value, translate(err)
}

func (s secretService) set(account, value string) (err error) {
	defer rescue(&err)
	return translate(keyring.Set(s.service, account, value))
}

func (s secretService) remove(account string) (err error) {
	defer rescue(&err)
	return translate(keyring.Delete(s.service, account))
}

// rescue turns a panic into an error: go-keyring asserts the types of what a provider sends, and takes the next
// signal on the bus for the end of a prompt, even when that is the end of the bus.
func rescue(err *error) {
	if p := recover(); p != nil {
		*err = fault.New(fault.KeychainFailed, fmt.Errorf("answered out of order: %T", p))
	}
}

// busAddress returns the address of the session bus, and makes sure that go-keyring finds the same one. Without it,
// go-keyring must not be called: where dbus-launch is installed, it starts a bus of its own, on which a keyring
// starts, and leaves both running.
func busAddress() (string, error) {
	if address := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" && !strings.HasPrefix(address, "autolaunch:") {
		return address, nil
	}
	socket := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus")
	if info, err := os.Stat(socket); !filepath.IsAbs(socket) || err != nil || info.Mode().Type() != os.ModeSocket {
		return "", fault.New(fault.KeychainNoBus, errors.New("neither DBUS_SESSION_BUS_ADDRESS nor $XDG_RUNTIME_DIR/bus"))
	}
	address := "unix:path=" + dbus.EscapeBusAddressValue(socket)
	return address, os.Setenv("DBUS_SESSION_BUS_ADDRESS", address) // where go-keyring looks, and sets it itself
}

// translate gives a foreign error its code. Texts from a provider are dropped: who knows what they repeat.
func translate(err error) error {
	if err == nil || errors.Is(err, keyring.ErrNotFound) || fault.KindOf(err) != "" {
		return err
	}
	if e, ok := errors.AsType[dbus.Error](err); ok {
		return fault.New(busCode(e.Name), errors.New(e.Name))
	}
	_, network := errors.AsType[net.Error](err)
	switch {
	case network, errors.Is(err, io.EOF), errors.Is(err, dbus.ErrClosed), errors.Is(err, os.ErrNotExist):
		return fault.New(fault.KeychainNoBus, err)
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return fault.New(fault.KeychainTooLarge, nil)
	case strings.HasPrefix(err.Error(), "failed to unlock"): // go-keyring has no name for it
		return stillLocked("the item")
	default:
		return fault.New(fault.KeychainFailed, fmt.Errorf("%T", err))
	}
}

// busCode reads the name of a D-Bus error.
func busCode(name string) fault.Code {
	const bus, secret = "org.freedesktop.DBus.Error.", "org.freedesktop.Secret.Error."
	switch {
	case name == bus+"ServiceUnknown", name == bus+"NameHasNoOwner", strings.HasPrefix(name, bus+"Spawn."):
		return fault.KeychainAbsent
	case name == bus+"AccessDenied", name == bus+"AuthFailed":
		return fault.KeychainDenied
	case name == bus+"Disconnected", name == bus+"NoServer":
		return fault.KeychainNoBus
	case name == secret+"IsLocked":
		return fault.KeychainLocked
	default:
		return fault.KeychainFailed
	}
}

// stillLocked tells a question that was closed from one that nobody could be asked. The Secret Service says
// "dismissed" for both.
func stillLocked(what string) error {
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return fault.New(fault.KeychainLocked, errors.New(what+" is locked, and without a display nobody can be asked"))
	}
	return fault.New(fault.KeychainDismissed, errors.New(what+" stayed locked"))
}

// ready makes sure that there is a bus, a provider and a collection, and that the collection is unlocked.
func (s secretService) ready(ctx context.Context) error {
	p, err := connect(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	collection, err := p.collection(ctx)
	if err != nil {
		return err
	}
	return p.unlock(ctx, collection)
}

func (s secretService) list(ctx context.Context, prefix string) ([]string, error) {
	p, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	defer p.close()
	collection, err := p.collection(ctx)
	if err != nil {
		return nil, err
	}
	return p.accounts(ctx, collection, s.service, prefix)
}

func (s secretService) health(ctx context.Context) Health {
	h := Health{State: Absent, Name: "Secret Service"}
	p, err := connect(ctx)
	if err != nil {
		h.Err = err
		return h
	}
	defer p.close()
	collection, err := p.collection(ctx)
	h.Name = p.name(ctx) // after the first question: that is what starts a provider that starts on demand
	if err == nil {
		var locked bool
		if locked, err = p.locked(ctx, collection); err == nil && locked {
			err = fault.New(fault.KeychainLocked, nil)
		}
	}
	switch {
	case err == nil:
		h.State = Protected
	case fault.KindOf(err) == fault.Locked:
		h.State, h.Err = Locked, err
	default:
		h.Err = err
	}
	return h
}
