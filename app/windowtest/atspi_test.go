//go:build linux

package windowtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// tree is the accessibility tree of a session, as a screen reader sees it. The protocol is AT-SPI over a bus of its
// own, whose address the session bus tells.
// Source: gnome.org at-spi2-core, xml/Accessible.xml and its neighbours.
type tree struct {
	bus *dbus.Conn
}

const (
	accessible   = "org.a11y.atspi.Accessible"
	callTime     = 30 * time.Second // for one question to a program that may be busy
	maxControls  = 4000
	stateChecked = 4  // ATSPI_STATE_CHECKED
	stateEnabled = 8  // ATSPI_STATE_ENABLED
	stateFocused = 12 // ATSPI_STATE_FOCUSED
	stateShowing = 25 // ATSPI_STATE_SHOWING
)

// openTree asks the session bus for the accessibility bus, which starts it, and joins it.
func openTree(session *dbus.Conn) (*tree, error) {
	var address string
	if err := session.Object("org.a11y.Bus", "/org/a11y/bus").Call("org.a11y.Bus.GetAddress", 0).Store(&address); err != nil {
		return nil, fmt.Errorf("where is the accessibility bus: %w", err)
	}
	bus, err := dbus.Connect(address)
	if err != nil {
		return nil, fmt.Errorf("join the accessibility bus: %w", err)
	}
	return &tree{bus}, nil
}

func (tr *tree) close() { _ = tr.bus.Close() }

// reference names a control: the program's name on the bus, and the control's path there.
type reference struct {
	Program string
	Path    dbus.ObjectPath
}

func (tr *tree) call(ref reference, method string, args ...any) *dbus.Call {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	return tr.bus.Object(ref.Program, ref.Path).CallWithContext(ctx, method, 0, args...)
}

// role is what a control is, by its number in AT-SPI.
type role uint32

const (
	checkBox    role = 7
	dialog      role = 16
	button      role = 43
	radioButton role = 44
	entry       role = 79
	heading     role = 83
	link        role = 88
	page        role = 95
)

func (r role) String() string {
	for known, name := range map[role]string{
		checkBox: "check box", dialog: "dialog", button: "button", radioButton: "radio button",
		entry: "entry", heading: "heading", link: "link", page: "page",
	} {
		if r == known {
			return name
		}
	}
	return fmt.Sprintf("role %d", uint32(r))
}

// control is one thing of the window: what it is, what it is called, what it says.
type control struct {
	tree  *tree
	ref   reference
	role  role
	name  string
	text  string // what it shows itself, without its children
	state uint64 // one bit for each state
	depth int
}

func (c control) has(state uint) bool { return c.state&(1<<state) != 0 }

func (c control) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s%s %q %q", strings.Repeat("  ", c.depth), c.role, c.name, c.text))
}

// controls returns every control of the program's windows, outermost first. Controls that vanish while they are read
// are left out.
func (tr *tree) controls(pid uint32) ([]control, error) {
	programs, err := tr.children(reference{"org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root"})
	if err != nil {
		return nil, fmt.Errorf("list the programs: %w", err)
	}
	var all []control
	var walk func(ref reference, depth int)
	walk = func(ref reference, depth int) {
		if len(all) >= maxControls || depth > 80 {
			return
		}
		c, err := tr.control(ref, depth)
		if err != nil {
			return
		}
		all = append(all, c)
		children, err := tr.children(ref)
		if err != nil {
			return
		}
		for _, child := range children {
			walk(child, depth+1)
		}
	}
	for _, program := range programs {
		var owner uint32
		if err := tr.bus.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, program.Program).Store(&owner); err != nil || owner != pid {
			continue
		}
		walk(program, 0)
	}
	return all, nil
}

func (tr *tree) children(ref reference) ([]reference, error) {
	var children []reference
	if err := tr.call(ref, accessible+".GetChildren").Store(&children); err != nil || len(children) > 0 {
		return children, err
	}
	// The place in the window where the page is plugged in, another program's tree, tells its child by number alone.
	var plug reference
	if tr.call(ref, accessible+".GetChildAtIndex", int32(0)).Store(&plug) == nil && plug.Path != nobody {
		children = append(children, plug)
	}
	return children, nil
}

// nobody stands where there is no child.
const nobody = dbus.ObjectPath("/org/a11y/atspi/null")

func (tr *tree) control(ref reference, depth int) (control, error) {
	c := control{tree: tr, ref: ref, depth: depth}
	if err := tr.call(ref, accessible+".GetRole").Store(&c.role); err != nil { // WebKit knows no names for them
		return c, err
	}
	var states []uint32
	if err := tr.call(ref, accessible+".GetState").Store(&states); err != nil {
		return c, err
	}
	for i, word := range states {
		c.state |= uint64(word) << (32 * i)
	}
	var name dbus.Variant
	if err := tr.call(ref, "org.freedesktop.DBus.Properties.Get", accessible, "Name").Store(&name); err != nil {
		return c, err
	}
	c.name, _ = name.Value().(string)
	var interfaces []string
	if err := tr.call(ref, accessible+".GetInterfaces").Store(&interfaces); err != nil {
		return c, err
	}
	if slices.Contains(interfaces, "org.a11y.atspi.Text") {
		if err := tr.call(ref, "org.a11y.atspi.Text.GetText", int32(0), int32(-1)).Store(&c.text); err != nil {
			return c, err
		}
	}
	c.text = strings.TrimSpace(strings.ReplaceAll(c.text, "\ufffc", "")) // the mark where a child stands
	return c, nil
}

// press does what the control does when it is pressed.
func (c control) press() error {
	var done bool
	if err := c.tree.call(c.ref, "org.a11y.atspi.Action.DoAction", int32(0)).Store(&done); err != nil {
		return fmt.Errorf("press %s: %w", c, err)
	}
	if !done {
		return fmt.Errorf("press %s: it would not", c)
	}
	return nil
}

// focus gives the control the keyboard.
func (c control) focus() error {
	var done bool
	if err := c.tree.call(c.ref, "org.a11y.atspi.Component.GrabFocus").Store(&done); err != nil {
		return fmt.Errorf("focus %s: %w", c, err)
	}
	if !done {
		return fmt.Errorf("focus %s: it would not", c)
	}
	return nil
}

var errNotThere = errors.New("not there")

// find returns the first shown control of the role whose name or text has the words in it.
func find(all []control, what role, words string) (control, error) {
	for _, c := range all {
		if c.role == what && c.has(stateShowing) && (strings.Contains(c.name, words) || strings.Contains(c.text, words)) {
			return c, nil
		}
	}
	return control{}, errNotThere
}
