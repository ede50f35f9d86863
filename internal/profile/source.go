package profile

import (
	"cmp"
	"os"
	"strings"
)

// Flags are the settings that a command line says, by their names.
type Flags map[string]string

// Sources are the places from which settings come. Getenv nil is os.Getenv; File nil is an empty one.
type Sources struct {
	Flags  Flags
	Getenv func(string) string
	File   *File
}

// Origin is the kind of place where a value comes from.
type Origin string

// The origins, the strongest first.
const (
	FromFlag        Origin = "flag"
	FromEnvironment Origin = "environment"
	FromFile        Origin = "file"
	FromDefault     Origin = "default"
)

// Value is what a setting is, and who says so.
type Value struct {
	Text   string
	Origin Origin
	Where  string // "--profile", "LATCHKEY_PROFILE", "/…/config.toml:3"; "" for the default
}

// Said says who set the value, for the words of an error.
func (v Value) Said() string { return cmp.Or(v.Where, string(v.Origin)) }

// Lookup returns what a setting is for a profile, whose name counts only for settings that profiles have. The text of a
// default is "": whoever asked knows it.
func (s Sources) Lookup(name, profile string) Value { return s.value(setting(name), profile) }

func (s Sources) value(of Setting, profile string) Value {
	if text := s.Flags[of.Name]; text != "" && of.Flag != "" {
		return Value{text, FromFlag, "--" + of.Flag}
	}
	getenv := s.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	if of.Variable != "" {
		if text := strings.TrimSpace(getenv(of.Variable)); text != "" {
			return Value{text, FromEnvironment, of.Variable}
		}
		if path := getenv(of.Variable + "_FILE"); of.Server && path != "" {
			return Value{"(in " + path + ")", FromEnvironment, of.Variable + "_FILE"}
		}
	}
	if e := s.File.find(of.fullKey(profile)); e != nil && e.text != "" {
		return Value{e.text, FromFile, s.File.at(*e)}
	}
	return Value{Origin: FromDefault}
}
