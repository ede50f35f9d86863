package secretservice

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
)

// Liar is a Secret Service on the test's bus that behaves until it is told not to, through [liar.Set].
type Liar struct {
	Conn *dbus.Conn // its own; closing it is its death

	// What it does, to be changed by Set alone.
	Items       map[dbus.ObjectPath]*Item        // what it keeps
	Locked      bool                             // the collection
	Hides       bool                             // the names of items, while locked
	LockedItems bool                             // each item by itself
	Empty       bool                             // there is no collection
	Before      map[string]func() *dbus.Error    // by method: hang, fail, die
	Asks        map[string]bool                  // by method: a question comes first
	Answer      string                           // to questions: "yes", "no", "" for silence
	Keep        func(value []byte) []byte        // what is stored in place of value; nil for nothing
	Give        func(value []byte) []byte        // what is given back in place of value
	Collections func(call int) any               // the property, for the nth who asks
	Effect      func(locked bool) (stillSo bool) // of an accepted question to unlock

	t       testing.TB
	mu      sync.Mutex
	calls   map[string]int                                        // by method
	prompts map[dbus.ObjectPath]func(dismissed bool) dbus.Variant // what happens at the end of a question
	last    int
}

// Item is what was stored.
type Item struct {
	Attributes map[string]string
	Value      []byte
}

// Lie starts a liar, and ends it with the test.
func Lie(t testing.TB) *Liar {
	t.Helper()
	l := &Liar{t: t, Conn: Bus(t), Answer: "yes",
		calls: map[string]int{}, Items: map[dbus.ObjectPath]*Item{}, prompts: map[dbus.ObjectPath]func(bool) dbus.Variant{},
		Before: map[string]func() *dbus.Error{}, Asks: map[string]bool{},
	}
	for face, methods := range map[string]any{
		"org.freedesktop.Secret.Service":    liarService{l},
		"org.freedesktop.Secret.Collection": liarCollection{l},
		"org.freedesktop.Secret.Item":       liarItem{l},
		"org.freedesktop.Secret.Session":    liarSession{l},
		"org.freedesktop.Secret.Prompt":     liarPrompt{l},
		"org.freedesktop.DBus.Properties":   liarProperties{l},
	} {
		if err := l.Conn.ExportSubtree(methods, Path, face); err != nil {
			t.Fatal(err)
		}
	}
	if reply, err := l.Conn.RequestName(Name, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("the name is not free: %v, %v", reply, err)
	}
	t.Cleanup(func() { _, _ = l.Conn.ReleaseName(Name) })
	return l
}

// Set changes what the liar does.
func (l *Liar) Set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// Count returns how often method was called.
func (l *Liar) Count(method string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls[method]
}

// Kept returns the values that are stored.
func (l *Liar) Kept() (values []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for item := range maps.Values(l.Items) {
		values = append(values, string(item.Value))
	}
	return values
}

// Hang makes method wait until the returned function is called.
func (l *Liar) Hang(method string) (release func()) {
	gate := make(chan struct{})
	l.Set(func() {
		l.Before[method] = func() *dbus.Error {
			<-gate
			return nil
		}
	})
	release = sync.OnceFunc(func() {
		l.Set(func() { delete(l.Before, method) })
		close(gate)
	})
	l.t.Cleanup(release)
	return release
}

// enter counts a call and does what comes before it.
func (l *Liar) enter(method string) *dbus.Error {
	l.mu.Lock()
	l.calls[method]++
	before := l.Before[method]
	l.mu.Unlock()
	if before != nil {
		return before()
	}
	return nil
}

// ask does what is to be done at the end of a question, or at once if method asks none.
func (l *Liar) ask(method string, end func(dismissed bool) dbus.Variant) dbus.ObjectPath {
	if !l.Asks[method] {
		end(false)
		return "/"
	}
	l.last++
	path := Path + dbus.ObjectPath(fmt.Sprintf("/prompt/p%d", l.last))
	l.prompts[path] = end
	return path
}

type liarService struct{ *Liar }

func (l liarService) OpenSession(string, dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
	err := l.enter("OpenSession")
	return dbus.MakeVariant(""), Path + "/session/s1", err
}

func (l liarService) ReadAlias(string) (dbus.ObjectPath, *dbus.Error) {
	err := l.enter("ReadAlias")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Empty {
		return "/", err
	}
	return Login, err
}

func (l liarService) Unlock(objects []dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	if err := l.enter("Unlock"); err != nil {
		return nil, "/", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	collection := slices.Contains(objects, Login)
	if collection && !l.Locked || !collection && !l.LockedItems {
		return objects, "/", nil
	}
	prompt := l.ask("Unlock", func(dismissed bool) dbus.Variant {
		if dismissed {
			return dbus.MakeVariant([]dbus.ObjectPath{})
		}
		if collection {
			l.Locked = l.Effect != nil && l.Effect(l.Locked)
		} else {
			l.LockedItems = false
		}
		return dbus.MakeVariant(objects)
	})
	return []dbus.ObjectPath{}, prompt, nil
}

type liarCollection struct{ *Liar }

func (l liarCollection) SearchItems(attributes map[string]string) ([]dbus.ObjectPath, *dbus.Error) {
	if err := l.enter("SearchItems"); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	found := []dbus.ObjectPath{}
	for path, item := range l.Items {
		if has(item.Attributes, attributes) {
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

func (l liarCollection) CreateItem(properties map[string]dbus.Variant, s Secret, _ bool) (dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	if err := l.enter("CreateItem"); err != nil {
		return "/", "/", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	attributes, _ := properties["org.freedesktop.Secret.Item.Attributes"].Value().(map[string]string)
	l.last++
	path := Login + dbus.ObjectPath(fmt.Sprintf("/i%d", l.last))
	prompt := l.ask("CreateItem", func(dismissed bool) dbus.Variant {
		if l.Keep != nil {
			s.Value = l.Keep(s.Value)
		}
		if !dismissed && s.Value != nil {
			maps.DeleteFunc(l.Items, func(_ dbus.ObjectPath, item *Item) bool { return maps.Equal(item.Attributes, attributes) })
			l.Items[path] = &Item{attributes, s.Value}
		}
		return dbus.MakeVariant(path)
	})
	if prompt != "/" {
		return "/", prompt, nil
	}
	return path, "/", nil
}

type liarItem struct{ *Liar }

func (l liarItem) GetSecret(m dbus.Message, session dbus.ObjectPath) (Secret, *dbus.Error) {
	if err := l.enter("GetSecret"); err != nil {
		return Secret{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	item := l.Items[path(m)]
	if item == nil {
		return Secret{}, dbus.NewError("org.freedesktop.Secret.Error.NoSuchObject", nil)
	}
	value := item.Value
	if l.Give != nil {
		value = l.Give(value)
	}
	return Secret{session, []byte{}, value, "text/plain"}, nil
}

func (l liarItem) Delete(m dbus.Message) (dbus.ObjectPath, *dbus.Error) {
	if err := l.enter("Delete"); err != nil {
		return "/", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ask("Delete", func(dismissed bool) dbus.Variant {
		if !dismissed {
			delete(l.Items, path(m))
		}
		return dbus.MakeVariant("")
	}), nil
}

type liarSession struct{ *Liar }

func (l liarSession) Close() *dbus.Error { return l.enter("Close") }

type liarPrompt struct{ *Liar }

func (l liarPrompt) Prompt(m dbus.Message, _ string) *dbus.Error {
	if err := l.enter("Prompt"); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Answer != "" {
		l.complete(path(m), l.Answer == "no")
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

func (l *Liar) complete(prompt dbus.ObjectPath, dismissed bool) {
	if end := l.prompts[prompt]; end != nil {
		delete(l.prompts, prompt)
		_ = l.Conn.Emit(prompt, "org.freedesktop.Secret.Prompt.Completed", dismissed, end(dismissed))
	}
}

type liarProperties struct{ *Liar }

func (l liarProperties) Get(m dbus.Message, face, property string) (dbus.Variant, *dbus.Error) {
	if err := l.enter(property); err != nil {
		return dbus.Variant{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch property {
	case "Collections":
		if l.Empty {
			return dbus.MakeVariant([]dbus.ObjectPath{}), nil
		}
		if l.Collections != nil {
			return dbus.MakeVariant(l.Collections(l.calls[property])), nil
		}
		return dbus.MakeVariant([]dbus.ObjectPath{Login}), nil
	case "Locked":
		return dbus.MakeVariant(l.Locked), nil
	case "Attributes":
		item := l.Items[path(m)]
		switch {
		case item == nil:
			return dbus.Variant{}, dbus.NewError("org.freedesktop.Secret.Error.NoSuchObject", nil)
		case l.Locked && l.Hides:
			return dbus.MakeVariant(map[string]string{}), nil
		}
		return dbus.MakeVariant(item.Attributes), nil
	}
	return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", []any{face, property})
}

func path(m dbus.Message) dbus.ObjectPath {
	p, _ := m.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	return p
}
