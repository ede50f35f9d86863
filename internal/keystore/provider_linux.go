package keystore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"latchkey/internal/fault"
)

// The names of the Secret Service. Source: Secret Service API Draft 0.2, freedesktop.org.
const (
	secretsName     = "org.freedesktop.secrets"
	secretsPath     = dbus.ObjectPath("/org/freedesktop/secrets")
	loginCollection = secretsPath + "/collection/login"
	serviceFace     = "org.freedesktop.Secret.Service"
	collectionFace  = "org.freedesktop.Secret.Collection"
	itemFace        = "org.freedesktop.Secret.Item"
	promptFace      = "org.freedesktop.Secret.Prompt"
	noObject        = dbus.ObjectPath("/")
)

// The attributes by which go-keyring finds an item.
const (
	serviceAttribute = "service"
	accountAttribute = "username"
)

// provider asks the Secret Service what go-keyring does not: on a connection of its own, within ctx.
type provider struct {
	bus  *dbus.Conn
	root dbus.BusObject
}

// connect connects to the session bus; fault.KeychainNoBus if there is none or it is dead.
func connect(ctx context.Context) (*provider, error) {
	address, err := busAddress()
	if err != nil {
		return nil, err
	}
	// Only connecting ends with ctx in this way. After it the connection must live on: a question is taken back on it.
	own, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, cancel)
	bus, err := dbus.Connect(address, dbus.WithContext(own))
	stop()
	if err != nil {
		cancel()
		if ctx.Err() != nil {
			return nil, ended(ctx)
		}
		return nil, fault.New(fault.KeychainNoBus, err)
	}
	return &provider{bus, bus.Object(secretsName, secretsPath)}, nil
}

func (p *provider) close() { _ = p.bus.Close() }

// invoke calls a method and stores what it returns. A provider that is not running is started by the bus, if it can be.
func invoke(ctx context.Context, object dbus.BusObject, method string, args []any, result ...any) error {
	err := object.CallWithContext(ctx, method, 0, args...).Store(result...)
	if err != nil && ctx.Err() != nil {
		return ended(ctx)
	}
	return translate(err)
}

func property(ctx context.Context, object dbus.BusObject, face, name string, value any) error {
	var v dbus.Variant
	if err := invoke(ctx, object, "org.freedesktop.DBus.Properties.Get", []any{face, name}, &v); err != nil {
		return err
	}
	return translate(v.Store(value))
}

// collection returns the collection that go-keyring will use: login if there is one, else whatever is called default.
// fault.KeychainEmpty if there is neither.
func (p *provider) collection(ctx context.Context) (dbus.ObjectPath, error) {
	var all []dbus.ObjectPath
	if err := property(ctx, p.root, serviceFace, "Collections", &all); err != nil {
		return "", err
	}
	if slices.Contains(all, loginCollection) {
		return loginCollection, nil
	}
	var path dbus.ObjectPath
	if err := invoke(ctx, p.root, serviceFace+".ReadAlias", []any{"default"}, &path); err != nil {
		return "", err
	}
	if path == noObject || path == "" {
		return "", fault.New(fault.KeychainEmpty, fmt.Errorf("none of %d collections is called login or default", len(all)))
	}
	return path, nil
}

func (p *provider) locked(ctx context.Context, collection dbus.ObjectPath) (locked bool, err error) {
	err = property(ctx, p.bus.Object(secretsName, collection), collectionFace, "Locked", &locked)
	return locked, err
}

// unlock unlocks the collection, letting the provider ask the user if it must. When ctx ends first the question is
// taken back.
func (p *provider) unlock(ctx context.Context, collection dbus.ObjectPath) error {
	locked, err := p.locked(ctx, collection)
	if err != nil || !locked {
		return err
	}
	var unlocked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	if err := invoke(ctx, p.root, serviceFace+".Unlock", []any{[]dbus.ObjectPath{collection}}, &unlocked, &prompt); err != nil {
		return err
	}
	if prompt != noObject {
		if err := p.ask(ctx, prompt); err != nil {
			return err
		}
	}
	// An empty-password keyring is locked until somebody asks, and opens in silence: so the answer is what is true now.
	switch locked, err := p.locked(ctx, collection); {
	case err != nil:
		return err
	case locked:
		return stillLocked("the collection")
	}
	return nil
}

// accounts returns which accounts of the service the collection has, of those that begin with prefix. A locked
// collection may hide the names of its items (GNOME Keyring keeps only their hashes on disk), or its items (KeePassXC):
// then it is fault.KeychainLocked, rather than a list with gaps.
func (p *provider) accounts(ctx context.Context, collection dbus.ObjectPath, service, prefix string) ([]string, error) {
	locked, err := p.locked(ctx, collection)
	if err != nil {
		return nil, err
	}
	items, err := p.search(ctx, collection, service)
	if err != nil {
		return nil, err
	}
	hidden := locked && len(items) == 0
	var accounts []string
	for _, item := range items {
		var attributes map[string]string
		err := property(ctx, p.bus.Object(secretsName, item), itemFace, "Attributes", &attributes)
		if err != nil {
			if left, again := p.search(ctx, collection, service); again == nil && !slices.Contains(left, item) {
				continue // deleted meanwhile
			}
			return nil, err
		}
		account, ok := attributes[accountAttribute]
		hidden = hidden || locked && !ok
		if strings.HasPrefix(account, prefix) {
			accounts = append(accounts, account)
		}
	}
	if hidden {
		return nil, fault.New(fault.KeychainLocked, errors.New("while it is locked, it does not tell what it holds"))
	}
	return accounts, nil
}

// search returns the collection's items of a service.
func (p *provider) search(ctx context.Context, collection dbus.ObjectPath, service string) (items []dbus.ObjectPath, err error) {
	err = invoke(ctx, p.bus.Object(secretsName, collection), collectionFace+".SearchItems",
		[]any{map[string]string{serviceAttribute: service}}, &items)
	return items, err
}

// ask shows a prompt and waits for its end. That it was dismissed is for the caller to see: by what is still locked.
func (p *provider) ask(ctx context.Context, prompt dbus.ObjectPath) error {
	signals := make(chan *dbus.Signal, 16)
	p.bus.Signal(signals)
	matches := [][]dbus.MatchOption{
		{dbus.WithMatchSender(secretsName), dbus.WithMatchObjectPath(prompt), dbus.WithMatchInterface(promptFace)},
		{dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, secretsName)},
	}
	for _, match := range matches {
		if err := p.bus.AddMatchSignalContext(ctx, match...); err != nil {
			if ctx.Err() != nil {
				return ended(ctx)
			}
			return translate(err)
		}
	}
	object := p.bus.Object(secretsName, prompt)
	if err := invoke(ctx, object, promptFace+".Prompt", []any{""}); err != nil {
		p.takeBack(object)
		return err
	}
	for {
		select {
		case signal, ok := <-signals:
			switch {
			case !ok:
				return fault.New(fault.KeychainNoBus, dbus.ErrClosed)
			case signal.Name == promptFace+".Completed" && signal.Path == prompt:
				return nil
			case signal.Name == "org.freedesktop.DBus.NameOwnerChanged":
				return fault.New(fault.KeychainFailed, errors.New("the provider went away while it asked"))
			}
		case <-ctx.Done():
			p.takeBack(object)
			return ended(ctx)
		}
	}
}

// takeBack closes a question that nobody waits for any more. Whether that succeeds is nobody's concern either.
func (p *provider) takeBack(prompt dbus.BusObject) {
	prompt.Go(promptFace+".Dismiss", dbus.FlagNoReplyExpected, nil)
}

// name returns the name that people know the provider by, if it is one we know.
func (p *provider) name(ctx context.Context) string {
	var pid uint32
	if invoke(ctx, p.bus.BusObject(), "org.freedesktop.DBus.GetConnectionUnixProcessID", []any{secretsName}, &pid) == nil {
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		switch name := strings.TrimSpace(string(comm)); {
		case strings.HasPrefix(name, "gnome-keyring"): // cut to 15 characters by the kernel
			return "GNOME Keyring"
		case name == "keepassxc":
			return "KeePassXC"
		}
	}
	return "Secret Service"
}
