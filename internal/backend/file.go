package backend

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// fileMost is the most that a configuration file may measure.
const fileMost = 1 << 20

// File is a configuration file as it was read. A setting stands in it under its variable's name in lower case, and may
// be a file of its own as it may in the environment; such a path counts from the folder of the configuration:
//
//	turnkey_organization_id = "…"
//	turnkey_api_public_key = "02…"
//	turnkey_api_private_key_file = "parent.key"
//	latchkey_allowed_origins = ["https://app.example.com"]
//	latchkey_oauth_client_ids = { google = "…" }
type File struct {
	Path string

	open  bool // everybody on this machine can read it
	lines []fileLine
}

type fileLine struct {
	key, variable, text string
	line                int
}

// ReadFile reads a configuration file. It judges its form alone: that its settings exist and are good is for
// [Source.Read] and [Config.Check] to say. Errors: those of the system for what cannot be read; fault.BackendConfig with
// path and line.
func ReadFile(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	f := &File{Path: path, open: info.Mode().Perm()&0o004 != 0 && os.PathSeparator == '/'}
	if info.Size() > fileMost {
		return nil, wrong(path, fmt.Sprintf("holds over %d bytes", fileMost))
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return f, f.parse(raw)
}

// parse reads the lines of raw.
func (f *File) parse(raw []byte) error {
	var whole map[string]any
	if err := toml.Unmarshal(raw, &whole); err != nil { // it knows all the rules, keys that are given twice among them
		if at, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, _ := at.Position()
			return f.wrong(line, strings.TrimPrefix(at.Error(), "toml: "))
		}
		return wrong(f.Path, err.Error())
	}
	var p unstable.Parser
	p.Reset(raw)
	for p.NextExpression() {
		e := p.Expression()
		key := e.Key()
		if !key.Next() {
			continue
		}
		first := key.Node()
		line := p.Shape(first.Raw).Start.Line
		if e.Kind != unstable.KeyValue {
			return f.wrong(line, "a backend's settings stand under no heading")
		}
		if key.Next() {
			return f.wrong(line, "a setting has a name without dots")
		}
		text, why := valueText(whole[string(first.Data)])
		if why != "" {
			return f.wrong(line, string(first.Data)+": "+why)
		}
		name := string(first.Data)
		if name != strings.ToLower(name) {
			return f.wrong(line, name+": want lower case")
		}
		f.lines = append(f.lines, fileLine{name, strings.ToUpper(name), text, line})
	}
	return p.Error()
}

// valueText is a value as the environment would have it, or why it cannot be one.
func valueText(v any) (text, why string) {
	part := func(v any) string {
		s, ok := v.(string)
		if !ok {
			why = "want texts in it"
		} else if strings.ContainsAny(s, ",\n") {
			why = "want no comma in a part of it"
		}
		return s
	}
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), ""
	case int64, bool:
		return fmt.Sprint(v), ""
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, part(one))
		}
		return strings.Join(all, ","), why
	case map[string]any:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			all = append(all, name+"="+part(v[name]))
		}
		return strings.Join(all, ","), why
	}
	return "", "want a text, a whole number, true or false, or a list of texts"
}

func (f *File) at(line int) string { return fmt.Sprintf("%s:%d", f.Path, line) }

func (f *File) wrong(line int, why string) error { return wrong(f.at(line), why) }

// find returns what the file says of a variable, and where.
func (f *File) find(variable string) (text, where string) {
	if f == nil {
		return "", ""
	}
	for _, l := range f.lines {
		if l.variable == variable {
			return l.text, f.at(l.line)
		}
	}
	return "", ""
}

func (f *File) has(variable string) bool {
	text, _ := f.find(variable)
	return text != ""
}

// near makes a path that the file names absolute, as seen from the file.
func (f *File) near(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(f.Path), path)
}
