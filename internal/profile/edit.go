package profile

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/store"
)

// Draft is a new profile as a person says it. An empty text stands for the default.
type Draft struct {
	Name, Kind                         string
	APIURL, BackendURL, OrganizationID string
	SessionLength                      string // "12h"
	Pins                               Pins   // what is empty is production's
}

// Profile returns the profile that the draft would be, without a name that is taken being one's concern. Errors:
// fault.ProfileBad, naming the setting.
func (d Draft) Profile(home Home) (Profile, error) {
	f, err := (&File{}).With(d)
	if err != nil {
		return Profile{}, err
	}
	return Sources{File: f, Getenv: func(string) string { return "" }}.named(home, d.Name)
}

// lines are the draft's tables in config.toml.
func (d Draft) lines() (string, error) {
	var b strings.Builder
	add := func(key, text string) error {
		switch {
		case text == "":
		case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '"' || r == '\\' }):
			return bad("%s holds a character that no setting has", key)
		default:
			fmt.Fprintf(&b, "%s = \"%s\"\n", key, text)
		}
		return nil
	}
	fmt.Fprintf(&b, "[profiles.%s]\n", d.Name)
	for _, s := range [][2]string{
		{"kind", d.Kind}, {"api_url", d.APIURL}, {"backend_url", d.BackendURL}, {"organization_id", d.OrganizationID},
		{"session_length", d.SessionLength},
	} {
		if err := add(s[0], s[1]); err != nil {
			return "", err
		}
	}
	if d.Pins == (Pins{}) {
		return b.String(), nil
	}
	fmt.Fprintf(&b, "\n[profiles.%s.pins]\n", d.Name)
	for _, s := range [][2]string{
		{"notarizer", d.Pins.Notarizer}, {"tls_fetcher", d.Pins.TLSFetcher}, {"tls_fetcher_encryption", d.Pins.TLSFetcherEncryption},
		{"signer", d.Pins.Signer}, {"legacy_token", d.Pins.LegacyToken},
	} {
		if err := add(s[0], s[1]); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// Edit changes config.toml under a lock: what change returns is written, whole and durable, or nothing is. Errors:
// those of ReadFile and of change; fault.StateBusy; those of the disk.
func Edit(ctx context.Context, home Home, change func(*File) (*File, error)) error {
	if err := home.Make(); err != nil {
		return err
	}
	dir, err := store.Open(home.State)
	if err != nil {
		return err
	}
	unlock, err := dir.Lock(ctx, "config")
	if err != nil {
		return err
	}
	defer unlock()
	before, err := ReadFile(home)
	if err != nil {
		return err
	}
	after, err := change(before)
	if err != nil || bytes.Equal(after.text, before.text) {
		return err
	}
	return store.Replace(before.Path, after.text)
}

// With returns the file with a new profile at its end. Errors: fault.ProfileTaken; fault.ProfileBad.
func (f *File) With(d Draft) (*File, error) {
	if err := checkName(d.Name); err != nil {
		return nil, err
	}
	if d.Name == BuiltIn || slices.Contains(f.Names(), d.Name) {
		return nil, fault.New(fault.ProfileTaken, fmt.Errorf("%q", d.Name))
	}
	lines, err := d.lines()
	if err != nil {
		return nil, err
	}
	text := bytes.TrimRight(f.text, "\n")
	if len(text) > 0 {
		text = append(slices.Clone(text), "\n\n"...)
	}
	after := &File{Path: f.Path, text: append(text, lines...)}
	return after, after.parse()
}

// Using returns the file with another profile in use. Errors: fault.ProfileUnknown.
func (f *File) Using(name string) (*File, error) {
	if name != BuiltIn && f.find("profiles."+name+".kind") == nil {
		return nil, fault.New(fault.ProfileUnknown, fmt.Errorf("%q", name))
	}
	line := fmt.Sprintf("profile = %q", name)
	after := &File{Path: f.Path}
	if e := f.find("profile"); e != nil {
		after.text = slices.Concat(f.text[:e.from], []byte(line), f.text[e.to:])
		return after, f.differs(after, map[string]string{"profile": name}, "")
	}
	// Settings of the file itself stand before its first table, and above what is written over that.
	at := len(f.text)
	for _, e := range f.entries {
		at = min(at, f.start(e))
	}
	rest := f.text[at:]
	gap := "\n"
	if len(rest) > 0 {
		gap = "\n\n"
	}
	head := f.text[:at]
	if len(head) > 0 && !bytes.HasSuffix(head, []byte("\n")) {
		head = append(slices.Clone(head), '\n')
	}
	after.text = slices.Concat(head, []byte(line+gap), rest)
	return after, f.differs(after, map[string]string{"profile": name}, "")
}

// Without returns the file without a profile; if that was the one in use, the built-in one is. Errors:
// fault.ProfileUnknown; fault.ProfileBad for the built-in one, and where a person has written it in a way that cannot be
// taken out line by line.
func (f *File) Without(name string) (*File, error) {
	switch {
	case name == BuiltIn:
		return nil, bad("the profile %s is built in", BuiltIn)
	case !slices.Contains(f.Names(), name):
		return nil, fault.New(fault.ProfileUnknown, fmt.Errorf("%q", name))
	}
	gone := "profiles." + name
	after := &File{Path: f.Path}
	kept := 0 // up to here the text is taken over or left out
	want := map[string]string{}
	for _, e := range f.entries {
		inUse := e.key == "profile" && e.text == name
		if e.key != gone && !strings.HasPrefix(e.key, gone+".") && !inUse {
			continue
		}
		if from := f.start(e); from >= kept {
			after.text = append(after.text, f.text[kept:from]...)
		}
		kept = max(kept, f.end(e))
		if inUse {
			want["profile"] = ""
		}
	}
	after.text = append(after.text, f.text[kept:]...)
	after.text = append(bytes.TrimRight(after.text, "\n"), '\n')
	return after, f.differs(after, want, gone)
}

// start is where the lines of an entry begin: with the comment right above it, which speaks of it.
func (f *File) start(e entry) int {
	at := bytes.LastIndexByte(f.text[:e.from], '\n') + 1
	for at > 0 {
		above := bytes.LastIndexByte(f.text[:at-1], '\n') + 1
		if !bytes.HasPrefix(bytes.TrimSpace(f.text[above:at]), []byte("#")) {
			break
		}
		at = above
	}
	return at
}

// end is where they end: with their last line.
func (f *File) end(e entry) int {
	if n := bytes.IndexByte(f.text[e.to:], '\n'); n >= 0 {
		return e.to + n + 1
	}
	return len(f.text)
}

// differs parses what an edit made, and makes sure that it changed what it was to change and nothing else.
func (f *File) differs(after *File, changed map[string]string, gone string) error {
	want := map[string]string{}
	for _, e := range f.entries {
		if !e.header && (gone == "" || !strings.HasPrefix(e.key, gone+".")) {
			want[e.key] = e.text
		}
	}
	for key, text := range changed {
		want[key] = text
		if text == "" {
			delete(want, key)
		}
	}
	got := map[string]string{}
	if err := after.parse(); err != nil {
		return bad("%s is written in a way that can only be changed by hand: %w", f.Path, err)
	}
	for _, e := range after.entries {
		if !e.header {
			got[e.key] = e.text
		}
	}
	if !maps.Equal(got, want) {
		return bad("%s is written in a way that can only be changed by hand", f.Path)
	}
	return nil
}
