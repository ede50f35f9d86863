package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"latchkey/internal/fault"
)

// fileName is the settings file's, in [Home].Config.
const fileName = "config.toml"

// fileMost is the most that the settings file may measure.
const fileMost = 1 << 20

// File is config.toml as it was read: its settings, each with the line on which it stands. A file that is not there is
// an empty one.
//
//	profile = "acme"              # the one in use
//
//	[profiles.acme]
//	kind = "development"
//	backend_url = "http://127.0.0.1:3000"
//
//	[profiles.acme.pins]
//	notarizer = "04…"
type File struct {
	Path string

	text    []byte
	entries []entry
}

// entry is one setting of the file.
type entry struct {
	key    string // dotted, as in Setting.fullKey
	text   string
	line   int
	header bool // it is a table's head, not a setting
	inline bool // it shares its expression with others
	from   int  // where its expression begins
	to     int  // and ends, its comment not counted
	value  unstable.Range
}

// ReadFile reads the settings of a home. Errors: fault.ProfileBad with path and line for what is not TOML, for a
// setting that does not exist, and for a parent's API key, which has no place here; fault.DiskFailed.
func ReadFile(home Home) (*File, error) {
	f := &File{Path: filepath.Join(home.Config, fileName)}
	info, err := os.Stat(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, nil
	case err != nil:
		return nil, fault.New(fault.DiskFailed, err)
	case !info.Mode().IsRegular(): // a pipe would be waited for without an end
		return nil, bad("%s is no regular file", f.Path)
	case info.Size() > fileMost:
		return nil, bad("%s is over %d bytes", f.Path, fileMost)
	case foreign(info):
		return nil, bad("%s may be written by others (mode %04o), who could name their own keys as trusted; make it 0600", f.Path, info.Mode().Perm())
	}
	if f.text, err = os.ReadFile(f.Path); err != nil {
		return nil, fault.New(fault.DiskFailed, err)
	}
	return f, f.parse()
}

// parse reads text into entries.
func (f *File) parse() error {
	f.entries = nil
	var whole map[string]any
	if err := toml.Unmarshal(f.text, &whole); err != nil { // it knows all the rules, keys that are given twice among them
		if at, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, _ := at.Position()
			return f.bad(line, "%s", strings.TrimPrefix(at.Error(), "toml: "))
		}
		return bad("%s: %w", f.Path, err)
	}
	var p unstable.Parser
	p.Reset(f.text)
	var table []string
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table:
			var first, last unstable.Range
			table, first, last = dotted(e.Key())
			line := p.Shape(first).Start.Line
			if err := f.add(entry{key: strings.Join(table, "."), line: line, header: true, from: int(first.Offset), to: int(last.Offset + last.Length)}, table); err != nil {
				return err
			}
		case unstable.KeyValue:
			if err := f.keyValue(&p, e, table, nil); err != nil {
				return err
			}
		default:
			return bad("%s: lists of tables have no place here", f.Path)
		}
	}
	return p.Error()
}

// dotted returns the parts of a key, and where the first and the last of them stand.
func dotted(keys unstable.Iterator) (parts []string, first, last unstable.Range) {
	for keys.Next() {
		last = keys.Node().Raw
		if parts == nil {
			first = last
		}
		parts = append(parts, string(keys.Node().Data))
	}
	return parts, first, last
}

// keyValue adds one setting, or those of an inline table.
func (f *File) keyValue(p *unstable.Parser, e *unstable.Node, table []string, outer *entry) error {
	parts, first, _ := dotted(e.Key())
	path := slices.Concat(table, parts)
	v := e.Value()
	at := entry{key: strings.Join(path, "."), line: p.Shape(first).Start.Line, from: int(first.Offset)}
	if outer != nil {
		at.from, at.inline = outer.from, true
	}
	if v.Kind == unstable.InlineTable {
		for it := v.Children(); it.Next(); {
			if err := f.keyValue(p, it.Node(), path, &at); err != nil {
				return err
			}
		}
		return nil
	}
	switch v.Kind {
	case unstable.String, unstable.Bool, unstable.Integer:
	default:
		return f.bad(at.line, "%s must be a text", at.key)
	}
	at.text, at.value = string(v.Data), v.Raw
	if v.Raw.Length == 0 {
		at.value = p.Range(v.Data)
	}
	at.to = int(at.value.Offset + at.value.Length)
	return f.add(at, path)
}

// add takes an entry whose place is one that exists.
func (f *File) add(e entry, path []string) error {
	if parental(path[len(path)-1]) {
		return f.bad(e.line, "%s: a parent organization's API key belongs in its backend's environment alone, and in no profile", e.key)
	}
	known := e.header && path[0] == "profiles" && len(path) <= 2
	if path[0] == "profiles" && len(path) > 1 {
		if err := checkName(path[1]); err != nil {
			return f.bad(e.line, "%w", err)
		}
	}
	for _, s := range Settings() {
		key := s.Key
		if s.PerProfile && len(path) > 2 {
			key = s.fullKey(path[1])
		}
		known = known || key != "" && (e.key == key && !e.header || e.header && strings.HasPrefix(key, e.key+"."))
	}
	if !known {
		return f.bad(e.line, "%s is no setting", e.key)
	}
	f.entries = append(f.entries, e)
	return nil
}

// parental reports whether a key is named as the key to a parent organization, or any other private key, would be. What
// a provider issues to a desktop app is called a secret, and is none.
func parental(key string) bool {
	if key == "client_secret" {
		return false
	}
	name := strings.NewReplacer("_", "", "-", "", ".", "").Replace(strings.ToLower(key))
	return strings.Contains(name, "private") || strings.Contains(name, "apikey") || strings.Contains(name, "apipublickey") || strings.Contains(name, "secret")
}

func (f *File) bad(line int, format string, args ...any) error {
	if f.Path == "" {
		return bad(format, args...)
	}
	return bad("%s:%d: %w", f.Path, line, fmt.Errorf(format, args...))
}

// at says where an entry stands. A draft has no lines yet.
func (f *File) at(e entry) string {
	if f.Path == "" {
		return e.key[strings.LastIndexByte(e.key, '.')+1:]
	}
	return fmt.Sprintf("%s:%d", f.Path, e.line)
}

// find returns the setting at a dotted key, or nil.
func (f *File) find(key string) *entry {
	if f == nil || key == "" {
		return nil
	}
	for i, e := range f.entries {
		if e.key == key && !e.header {
			return &f.entries[i]
		}
	}
	return nil
}

// Names returns the profiles that the file has, in its order, the built-in one among them only where it is set up.
func (f *File) Names() []string {
	var names []string
	for _, e := range f.entries {
		parts := strings.SplitN(e.key, ".", 3)
		if len(parts) > 1 && parts[0] == "profiles" && !slices.Contains(names, parts[1]) {
			names = append(names, parts[1])
		}
	}
	return names
}
