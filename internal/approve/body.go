package approve

import (
	"fmt"
	"slices"
	"strings"

	"latchkey/internal/chain"
	"latchkey/internal/fault"
)

// maxBody is the largest body that is looked at, in bytes.
const maxBody = 1 << 20

func unclear(format string, args ...any) error {
	return fault.New(fault.ApprovalUnclear, fmt.Errorf(format, args...))
}

// object is the members of a JSON object.
type object = map[string]any

// readBody reads a body as the one object that it can be for every reader.
func readBody(body []byte) (object, error) {
	v, err := chain.ReadJSON(body, maxBody)
	if err != nil {
		return nil, unclear("the body: %w", err)
	}
	top, ok := v.(object)
	if !ok {
		return nil, unclear("the body is no JSON object")
	}
	return top, checkNames(v)
}

// fold is how the most lenient reader takes a name: without case and underscores. Upper case comes first for the two
// letters beyond ASCII that are s and k to readers like Go's: the long s and the sign of kelvin.
func fold(name string) string {
	return strings.ToLower(strings.ToUpper(strings.ReplaceAll(name, "_", "")))
}

// checkNames refuses objects of which two members might be the same one.
func checkNames(v any) error {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := checkNames(item); err != nil {
				return err
			}
		}
	case object:
		seen := make(map[string]bool, len(v))
		for name, item := range v {
			if seen[fold(name)] {
				return unclear("the body: member %q is there in two spellings", chain.Visible(name, 40))
			}
			seen[fold(name)] = true
			if err := checkNames(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// exact refuses members that a lenient reader takes for one of names, and that are spelt otherwise.
func exact(members object, names ...string) error {
	for name := range members {
		for _, want := range names {
			if name != want && fold(name) == fold(want) {
				return unclear("the body: member %q is spelt %q", want, chain.Visible(name, 40))
			}
		}
	}
	return nil
}

// only refuses members that a version of an activity does not have: nobody would be shown them. What clients leave
// among the parameters by a habit of Turnkey's own is let through, since it stands in the envelope, too.
func only(members object, names ...string) error {
	if err := exact(members, names...); err != nil {
		return err
	}
	for name := range members {
		if name != "generateAppProofs" && !slices.Contains(names, name) {
			return unclear("the parameters: unknown member %q", chain.Visible(name, 40))
		}
	}
	return nil
}

// fields reads members of an object, and refuses those that are spelt otherwise or are of another kind.
type fields struct {
	from object
	err  error
}

// text returns a member that must be a text; one that is not there is empty.
func (f *fields) text(name string) string {
	v, ok := f.get(name).(string)
	if !ok && f.err == nil && f.from[name] != nil {
		f.err = unclear("member %q is no text", name)
	}
	return v
}

// needed is text for a member that must be there.
func (f *fields) needed(name string) string {
	s := f.text(name)
	if s == "" && f.err == nil {
		f.err = unclear("member %q is missing", name)
	}
	return s
}

func (f *fields) list(name string) []any {
	v, ok := f.get(name).([]any)
	if !ok && f.err == nil && f.from[name] != nil {
		f.err = unclear("member %q is no list", name)
	}
	return v
}

func (f *fields) get(name string) any {
	if f.err == nil {
		f.err = exact(f.from, name)
	}
	return f.from[name]
}
