package backend

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"latchkey/internal/fault"
)

// Source is where settings are looked up. A flag counts before the environment, that before the file, and the file
// before the default. Getenv and File may be nil.
type Source struct {
	Flags  map[string]Flag // by variable
	Getenv func(string) string
	File   *File
}

// Flag is a setting that the command line says.
type Flag struct{ Name, Value string } // "--listen"

// Origin is the kind of place that a value comes from.
type Origin string

// The origins, the strongest first.
const (
	FromFlag        Origin = "flag"
	FromEnvironment Origin = "environment"
	FromFile        Origin = "file"
	FromDefault     Origin = "default"
)

// Told is who said one setting. Value is as it was said, and "" for a secret.
type Told struct {
	Variable string // by which the setting is known: "LATCHKEY_OTP_LENGTH"
	Value    string
	Secret   bool
	Origin   Origin
	Where    string // "--listen", "PORT", "PORT_FILE /run/port", "backend.toml:3"; "" for the default
}

// Origins is every setting that a backend reads, in the order of reading.
type Origins []Told

// Explain puts before an error about a setting where that setting was said. Any other error stays as it is.
func (o Origins) Explain(err error) error {
	s, ok := errors.AsType[*settingError](err)
	if !ok || s.where != "" {
		return err
	}
	variable, ofFile := strings.CutSuffix(s.setting, fileSuffix)
	for _, t := range o {
		named := t.Origin == FromEnvironment && (ofFile || t.Where == t.Variable) // by the error itself
		if t.Variable == variable && t.Where != "" && !named {
			return fault.New(fault.BackendConfig, &settingError{t.Where, s.setting, s.why})
		}
	}
	return err
}

// settingError is what is wrong with a setting, by its variable, and where it was said, if that is known.
type settingError struct{ where, setting, why string }

func (e *settingError) Error() string {
	if e.where != "" {
		return e.where + ": " + e.setting + ": " + e.why
	}
	return e.setting + ": " + e.why
}

// said is a setting as one place says it.
type said struct {
	text, path string // path is of a file that holds the text
	origin     Origin
	where      string
	pathWhere  string
}

// look returns what the strongest place that says something about a setting says.
func (s Source) look(variable string) said {
	if f := s.Flags[variable]; f.Value != "" {
		return said{text: f.Value, origin: FromFlag, where: f.Name}
	}
	if s.Getenv != nil {
		text, path := strings.TrimSpace(s.Getenv(variable)), s.Getenv(variable+fileSuffix)
		if text != "" || path != "" {
			return said{text, path, FromEnvironment, variable, variable + fileSuffix}
		}
	}
	text, where := s.File.find(variable)
	path, pathWhere := s.File.find(variable + fileSuffix)
	if text != "" || path != "" {
		return said{text, s.File.near(path), FromFile, where, pathWhere}
	}
	return said{origin: FromDefault}
}

// fileSuffix makes the name of a setting that of a file which holds it.
const fileSuffix = "_FILE"

// valueMax is the longest value that is read from a file.
const valueMax = 4 << 10

// readValue reads what a file of its own holds.
func readValue(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot be read: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, valueMax+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot be read: %w", err)
	case len(raw) > valueMax:
		return "", fmt.Errorf("holds over %d bytes", valueMax)
	}
	return strings.TrimSpace(string(raw)), nil
}

// environment reads settings, notes who said each, and keeps the first error.
type environment struct {
	from Source
	told Origins
	err  error
}

func (e *environment) text(variable string) string   { return e.read(variable, false) }
func (e *environment) secret(variable string) Secret { return SecretOf(e.read(variable, true)) }

func (e *environment) read(variable string, secret bool) string {
	s := e.from.look(variable)
	text, where := s.text, s.where
	switch {
	case s.path != "" && s.text != "":
		e.told = append(e.told, Told{variable, "", secret, s.origin, s.where})
		e.fail(variable, "is set both by itself and by "+variable+fileSuffix)
		return ""
	case s.path != "":
		where = s.pathWhere + " " + s.path
		var err error
		if text, err = readValue(s.path); err != nil {
			e.told = append(e.told, Told{variable, "", secret, s.origin, where})
			e.fail(variable+fileSuffix, err.Error())
			return ""
		}
	}
	shown := text
	if secret {
		shown = ""
	}
	if text == "" && s.path == "" {
		where = ""
	}
	e.told = append(e.told, Told{variable, shown, secret, cmp.Or(s.origin, FromDefault), where})
	return text
}

// strangers refuses what the file says and nobody read.
func (e *environment) strangers() {
	if e.from.File == nil {
		return
	}
	read := map[string]bool{}
	for _, t := range e.told {
		read[t.Variable], read[t.Variable+fileSuffix] = true, true
		if t.Secret && e.from.File.open && e.from.File.has(t.Variable) {
			_, where := e.from.File.find(t.Variable)
			e.failAt(where, t.Variable, "is a secret, and everybody can read the file: make its mode 0600 or 0640")
		}
	}
	for _, l := range e.from.File.lines {
		if !read[l.variable] {
			e.failAt(e.from.File.at(l.line), l.key, "is no setting")
		}
	}
}

// failAt is fail for what stands at a place that no reading would name.
func (e *environment) failAt(where, setting, why string) {
	if e.err == nil {
		e.err = fault.New(fault.BackendConfig, &settingError{where, setting, why})
	}
}
