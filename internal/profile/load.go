package profile

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// BuiltIn is the name of the one profile that needs no setting up.
const BuiltIn = "sandbox"

// How long a session may be asked for.
const (
	shortest = 30 * time.Second
	longest  = 30 * 24 * time.Hour
)

// InUse returns the name of the profile that the sources choose, and who says so. It need not exist.
func (s Sources) InUse() Value {
	v := s.Lookup(SettingProfile, "")
	v.Text = cmp.Or(v.Text, BuiltIn)
	return v
}

// Debug reports whether the log is to say what happens, for developers: any text does, but one that means no.
func (s Sources) Debug() bool {
	text := s.Lookup(SettingDebug, "").Text
	yes, err := strconv.ParseBool(text)
	return text != "" && (err != nil || yes)
}

// Load returns the profile that the sources choose, with their settings. Addresses may be missing; [Profile.Check]
// sees that. Errors: fault.ProfileUnknown; fault.ProfileBad, naming the setting and where it was said.
func Load(home Home, s Sources) (Profile, error) {
	name := s.InUse()
	if err := checkName(name.Text); err != nil {
		return Profile{}, fmt.Errorf("%s: %w", name.Said(), err)
	}
	p, err := s.named(home, name.Text)
	if fault.CodeOf(err) == fault.ProfileUnknown {
		err = fault.New(fault.ProfileUnknown, fmt.Errorf("%s names %q", name.Said(), name.Text))
	}
	return p, err
}

// All returns every profile, the built-in one first, and what is wrong with one in its place.
func (s Sources) All(home Home) (profiles []Profile, errs []error) {
	names := []string{BuiltIn}
	if s.File != nil {
		for _, name := range s.File.Names() {
			if name != BuiltIn {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		// What flags and environment say is meant for the profile that is opened.
		p, err := Sources{File: s.File, Getenv: func(string) string { return "" }}.named(home, name)
		if err == nil && p.Kind != KindSandbox {
			err = p.Check()
		}
		p.Name = name
		profiles, errs = append(profiles, p), append(errs, err)
	}
	return profiles, errs
}

// named returns the profile of a name.
func (s Sources) named(home Home, name string) (Profile, error) {
	kind := s.Lookup("kind", name)
	switch {
	case name == BuiltIn && kind.Text != "" && kind.Text != string(KindSandbox):
		return Profile{}, bad("%s: the profile %s is built in, and no other kind", kind.Said(), BuiltIn)
	case name == BuiltIn:
		kind.Text = string(KindSandbox)
	case kind.Text == "":
		return Profile{}, fault.New(fault.ProfileUnknown, fmt.Errorf("%q", name))
	case kind.Text == string(KindSandbox):
		return Profile{}, bad("%s: there is one sandbox profile, %s; another sandbox is a development profile", kind.Said(), BuiltIn)
	}
	p, err := New(home, Kind(kind.Text), name)
	if err != nil {
		return Profile{}, fmt.Errorf("%s: %w", kind.Said(), err)
	}
	for _, set := range []func(*Profile, string) error{s.addresses, s.pins, s.oauth, s.length} {
		if err := set(&p, name); err != nil {
			return Profile{}, err
		}
	}
	return p, nil
}

// addresses sets where the profile leads. A sandbox profile leads into this program, whatever is said: a setting that is
// meant for another profile is not passed over in silence.
func (s Sources) addresses(p *Profile, name string) error {
	for _, place := range []struct {
		setting string
		to      *string
	}{{SettingAPIURL, &p.APIURL}, {SettingBackendURL, &p.BackendURL}, {SettingOrganization, &p.OrganizationID}} {
		setting, to := place.setting, place.to
		v := s.Lookup(setting, name)
		switch {
		case v.Text == "":
		case p.Kind == KindSandbox:
			return bad("%s: the sandbox profile runs its own API and backend, and takes no %s", v.Said(), setting)
		case setting == SettingOrganization:
			if err := CheckOrganization(v.Text); err != nil {
				return bad("%s: %w", v.Said(), err)
			}
			*to = v.Text
		default:
			if err := checkURL(v.Text, p.Kind == KindLive); err != nil {
				return bad("%s: %s %q: %w", v.Said(), setting, withoutUser(v.Text), err)
			}
			*to = v.Text
		}
	}
	return nil
}

// pins sets the keys that a development profile trusts in place of production's.
func (s Sources) pins(p *Profile, name string) error {
	for pin, to := range p.Pins.places() {
		v := s.Lookup("pinned "+pin, name)
		switch {
		case v.Text == "":
		case p.Kind != KindDevelopment:
			return bad("%s: a %s profile takes no pinned keys: what it trusts is built in", v.Said(), p.Kind)
		default:
			if _, err := p256.ParsePublic(v.Text); err != nil {
				return bad("%s: pinned key %s: %w", v.Said(), pin, err)
			}
			*to = v.Text
		}
	}
	return nil
}

func (s Sources) length(p *Profile, name string) error {
	v := s.Lookup(SettingSessionLength, name)
	if v.Text == "" {
		return nil
	}
	d, err := ParseLength(v.Text)
	if err != nil {
		return bad("%s: %w", v.Said(), err)
	}
	p.SessionLength = d
	return nil
}

// ParseLength reads a session's length: "15m", "12h".
func ParseLength(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < shortest || d > longest || d%time.Second != 0 {
		return 0, fmt.Errorf("session length %q: want 30s to 720h, in whole seconds", text)
	}
	return d, nil
}

// FormatLength writes a session's length as ParseLength reads it, without parts that are nothing: "12h".
func FormatLength(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// CheckOrganization reports whether id can be an organization's.
func CheckOrganization(id string) error {
	if !uuid.MatchString(id) {
		return errors.New("the organization's id must be a UUID, in lower case")
	}
	return nil
}
