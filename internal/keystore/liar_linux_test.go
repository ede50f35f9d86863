package keystore_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
)

// liar is a Secret Service on the test's bus that behaves until it is told not to, through [liar.set].
type liar struct {
	t    *testing.T
	conn *dbus.Conn

	mu      sync.Mutex
	calls   map[string]int // by method
	items   map[dbus.ObjectPath]*stored
	prompts map[dbus.ObjectPath]func(dismissed bool) dbus.Variant // what happens at the end of a question
	last    int

	locked      bool                             // the collection
	hides       bool                             // the names of items, while locked
	lockedItems bool                             // each item by itself
	before      map[string]func() *dbus.Error    // by method: hang, fail, die
	asks        map[string]bool                  // by method: a question comes first
	answer      string                           // to questions: "yes", "no", "" for silence
	keep        func(value []byte) []byte        // what is stored in place of value; nil for nothing
	give        func(value []byte) []byte        // what is given back in place of value
	collections func(call int) any               // the property, for the nth who asks
	unlock      func(locked bool) (stillSo bool) // the effect of an accepted question
}

type stored struct {
	attributes map[string]string
	value      []byte
}

// lie starts a liar, and ends it with the test.
func lie(t *testing.T) *liar {
	t.Helper()
	l := &liar{t: t, conn: bus(t), answer: "yes",
		calls: map[string]int{}, items: map[dbus.ObjectPath]*stored{}, prompts: map[dbus.ObjectPath]func(bool) dbus.Variant{},
		before: map[string]func() *dbus.Error{}, asks: map[string]bool{},
	}
	for face, methods := range map[string]any{
		"org.freedesktop.Secret.Service":    liarService{l},
		"org.freedesktop.Secret.Collection": liarCollection{l},
		"org.freedesktop.Secret.Item":       liarItem{l},
		"org.freedesktop.Secret.Session":    liarSession{l},
		"org.freedesktop.Secret.Prompt":     liarPrompt{l},
		"org.freedesktop.DBus.Properties":   liarProperties{l},
	} {
		if err := l.conn.ExportSubtree(methods, secretsPath, face); err != nil {
			t.Fatal(err)
		}
	}
	if reply, err := l.conn.RequestName(secretsName, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("the name is not free: %v, %v", reply, err)
	}
	t.Cleanup(func() { _, _ = l.conn.ReleaseName(secretsName) })
	return l
}

// set changes what the liar does.
func (l *liar) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// count returns how often method was called.
func (l *liar) count(method string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls[method]
}

// kept returns the values that are stored.
func (l *liar) kept() (values []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for item := range maps.Values(l.items) {
		values = append(values, string(item.value))
	}
	return values
}

// hang makes method wait until the returned function is called.
func (l *liar) hang(method string) (release func()) {
	gate := make(chan struct{})
	l.set(func() {
		l.before[method] = func() *dbus.Error {
			<-gate
			return nil
		}
	})
	release = sync.OnceFunc(func() {
		l.set(func() { delete(l.before, method) })
		close(gate)
	})
	l.t.Cleanup(release)
	return release
}

// enter counts a call and does what comes before it.
func (l *liar) enter(method string) *dbus.Error {
	l.mu.Lock()
	l.calls[method]++
	before := l.before[method]
	l.mu.Unlock()
	if before != nil {
		return before()
	}
	return nil
}

// ask does what is to be done at the end of a question, or at once if method asks none.
func (l *liar) ask(method string, end func(dismissed bool) dbus.Variant) dbus.ObjectPath {
	if !l.asks[method] {
		end(false)
		return "/"
	}
	l.last++
	path := secretsPath + dbus.ObjectPath(fmt.Sprintf("/prompt/p%d", l.last))
	l.prompts[path] = end
	return path
}

type liarService struct{ *liar }

func (l liarService) OpenSession(string, dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
	err := l.enter("OpenSession")
	return dbus.MakeVariant(""), secretsPath + "/session/s1", err
}

func (l liarService) ReadAlias(string) (dbus.ObjectPath, *dbus.Error) {
	return loginPath, l.enter("ReadAlias")
}

func (l liarService) Unlock(objects []dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	if err := l.enter("Unlock"); err != nil {
		return nil, "/", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	collection := slices.Contains(objects, loginPath)
	if collection && !l.locked || !collection && !l.lockedItems {
		return objects, "/", nil
	}
	prompt := l.ask("Unlock", func(dismissed bool) dbus.Variant {
		if dismissed {
			return dbus.MakeVariant([]dbus.ObjectPath{})
		}
		if collection {
			l.locked = l.unlock != nil && l.unlock(l.locked)
		} else {
			l.lockedItems = false
		}
		return dbus.MakeVariant(objects)
	})
	return []dbus.ObjectPath{}, prompt, nil
}

type liarCollection struct{ *liar }

func (l liarCollection) SearchItems(attributes map[string]string) ([]dbus.ObjectPath, *dbus.Error) {
	if err := l.enter("SearchItems"); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	found := []dbus.ObjectPath{}
	for path, item := range l.items {
		if has(item.attributes, attributes) {
			found = append(found, path)
		}
	}
	return found, nil
}

// has reports whether all contains every one of some.
func has(all, some map[string]string) bool {
	for name, value := range some {
		if got, ok := all[name]; !ok || got != value {
			return false
		}
	}
	return true
}

func (l liarCollection) CreateItem(properties map[string]dbus.Variant, s secret, _ bool) (dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	if err := l.enter("CreateItem"); err != nil {
		return "/", "/", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	attributes, _ := properties["org.freedesktop.Secret.Item.Attributes"].Value().(map[string]string)
	l.last++
	path := loginPath + dbus.ObjectPath(fmt.Sprintf("/i%d", l.last))
	prompt := l.ask("CreateItem", func(dismissed bool) dbus.Variant {
		if l.keep != nil {
			s.Value = l.keep(s.Value)
		}
		if !dismissed && s.Value != nil {
			maps.DeleteFunc(l.items, func(_ dbus.ObjectPath, item *stored) bool { return maps.Equal(item.attributes, attributes) })
			l.items[path] = &stored{attributes, s.Value}
		}
		return dbus.MakeVariant(path)
	})
	if prompt != "/" {
		return "/", prompt, nil
	}
	return path, "/", nil
}

type liarItem struct{ *liar }

func (l liarItem) GetSecret(m dbus.Message, session dbus.ObjectPath) (secret, *dbus.Error) {
	if err := l.enter("GetSecret"); err != nil {
		return secret{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	item := l.items[path(m)]
	if item == nil {
		return secret{}, dbus.NewError("org.freedesktop.Secret.Error.NoSuchObject", nil)
	}
	value := item.value
	if l.give != nil {
		value = l.give(value)
	}
	return secret{session, []byte{}, value, "text/plain"}, nil
}

func (l liarItem) Delete(m dbus.Message) (dbus.ObjectPath, *dbus.Error) {
	if err := l.enter("Delete"); err != nil {
		return "/", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ask("Delete", func(dismissed bool) dbus.Variant {
		if !dismissed {
			delete(l.items, path(m))
		}
		return dbus.MakeVariant("")
	}), nil
}

type liarSession struct{ *liar }

func (l liarSession) Close() *dbus.Error { return l.enter("Close") }

type liarPrompt struct{ *liar }

func (l liarPrompt) Prompt(m dbus.Message, _ string) *dbus.Error {
	if err := l.enter("Prompt"); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answer != "" {
		l.complete(path(m), l.answer == "no")
	}
	return nil
}

func (l liarPrompt) Dismiss(m dbus.Message) *dbus.Error {
	err := l.enter("Dismiss")
	l.mu.Lock()
	defer l.mu.Unlock()
	l.complete(path(m), true)
	return err
}

func (l *liar) complete(prompt dbus.ObjectPath, dismissed bool) {
	if end := l.prompts[prompt]; end != nil {
		delete(l.prompts, prompt)
		_ = l.conn.Emit(prompt, "org.freedesktop.Secret.Prompt.Completed", dismissed, end(dismissed))
	}
}

type liarProperties struct{ *liar }

func (l liarProperties) Get(m dbus.Message, face, property string) (dbus.Variant, *dbus.Error) {
	if err := l.enter(property); err != nil {
		return dbus.Variant{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch property {
	case "Collections":
		if l.collections != nil {
			return dbus.MakeVariant(l.collections(l.calls[property])), nil
		}
		return dbus.MakeVariant([]dbus.ObjectPath{loginPath}), nil
	case "Locked":
		return dbus.MakeVariant(l.locked), nil
	case "Attributes":
		item := l.items[path(m)]
		switch {
		case item == nil:
			return dbus.Variant{}, dbus.NewError("org.freedesktop.Secret.Error.NoSuchObject", nil)
		case l.locked && l.hides:
			return dbus.MakeVariant(map[string]string{}), nil
		}
		return dbus.MakeVariant(item.attributes), nil
	}
	return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", []any{face, property})
}

func path(m dbus.Message) dbus.ObjectPath {
	p, _ := m.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	return p
}
