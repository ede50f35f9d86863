// Package profile says where a log-in leads: which kind of profile it is, which keys it trusts, which backend and API
// it talks to, and which folder and keychain service are its own.
//
// It owns the settings, with every place where they can be set and which place counts; config.toml, which a person edits
// too; the defaults, the pinned keys of production and the folders of a user. It does not own what is in those folders
// (session, local) nor the sandbox's keys, which whoever starts the sandbox fills in, and it contacts nobody: whether a
// profile leads anywhere is client's to find out. It depends on fault, p256, store, adrg/xdg and pelletier/go-toml.
package profile

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// Kind says what a profile is for. Kinds share neither keychain service nor folder, so that a demonstration can never
// touch real keys.
type Kind string

// The kinds.
const (
	KindSandbox     Kind = "sandbox"     // backend and vendor run inside this program
	KindDevelopment Kind = "development" // a developer's backend, with the vendor keys that the profile names
	KindLive        Kind = "live"        // production keys, which no setting can change
)

// How long a session is asked for.
const (
	sandboxSession = 900 * time.Second // so that a refresh is seen
	session        = 12 * time.Hour
)

// services are the keychain services of the kinds. What lies under one is never looked for under another.
var services = map[Kind]string{
	KindSandbox:     "dev.latchkey.sandbox",
	KindDevelopment: "dev.latchkey.development",
	KindLive:        "dev.latchkey",
}

const productionAPI = "https://api.turnkey.com"

// Profile is one place to log in to.
type Profile struct {
	Name            string
	Kind            Kind
	APIURL          string // of Turnkey's API, without a slash at the end
	BackendURL      string // of the log-in backend, without a slash at the end
	BackendToken    string // what the embedded backend wants to hear; "" for others; a secret
	OrganizationID  string // the parent organization, "" when the profile does not know it
	Pins            Pins
	OAuth           OAuth
	SessionLength   time.Duration
	KeychainService string
	Dir             string // the profile's own folder of state
}

// LogValue keeps the token out of logs.
func (p Profile) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", p.Name), slog.String("kind", string(p.Kind)))
}

// Sandbox returns the built-in profile. Its addresses, organization and pins are empty until a sandbox runs.
func Sandbox(home Home) Profile { return base(home, KindSandbox, BuiltIn) }

// New returns a profile of a kind with the defaults of that kind; what has none is empty. Development and live profiles
// come with the production keys, which a development profile may replace. Errors: fault.ProfileBad for an unknown kind or a name that cannot be a folder.
func New(home Home, kind Kind, name string) (Profile, error) {
	if kind != KindSandbox && kind != KindDevelopment && kind != KindLive {
		return Profile{}, bad("kind %q", kind)
	}
	if err := checkName(name); err != nil {
		return Profile{}, err
	}
	return base(home, kind, name), nil
}

func base(home Home, kind Kind, name string) Profile {
	p := Profile{
		Name: name, Kind: kind, SessionLength: session, KeychainService: services[kind],
		Dir: filepath.Join(home.State, string(kind), name),
	}
	switch kind {
	case KindSandbox: // the rest is said by the sandbox
		p.SessionLength = sandboxSession
	case KindDevelopment, KindLive:
		p.APIURL, p.Pins = productionAPI, ProductionPins()
	}
	return p
}

// Check reports whether the profile can be used: every address and pin is there and well formed, and a live profile
// trusts production alone. It contacts nothing. Errors: fault.ProfileBad, naming the setting.
func (p Profile) Check() error {
	if err := checkName(p.Name); err != nil {
		return err
	}
	for _, check := range []func() error{p.CheckAPIURL, p.CheckBackendURL, p.CheckPins} {
		if err := check(); err != nil {
			return err
		}
	}
	switch {
	case p.KeychainService != services[p.Kind]:
		return bad("keychain service %q belongs to another kind", p.KeychainService)
	case p.SessionLength < shortest:
		return bad("session length %s", p.SessionLength)
	case !filepath.IsAbs(p.Dir):
		return bad("folder %q is not absolute", p.Dir)
	}
	return nil
}

// CheckAPIURL is the part of Check about the API's address. Errors: fault.ProfileBad, as with the other parts.
func (p Profile) CheckAPIURL() error { return p.checkURL(SettingAPIURL, p.APIURL) }

// CheckBackendURL is the part of Check about the backend's address.
func (p Profile) CheckBackendURL() error { return p.checkURL(SettingBackendURL, p.BackendURL) }

func (p Profile) checkURL(name, address string) error {
	if address == "" {
		return bad("the %s is missing", name)
	}
	if err := checkURL(address, p.Kind == KindLive); err != nil {
		return bad("%s %q: %w", name, withoutUser(address), err)
	}
	return nil
}

// CheckPins is the part of Check about the pinned keys.
func (p Profile) CheckPins() error {
	for name, pin := range p.Pins.byName() {
		if _, err := p256.ParsePublic(pin); err != nil {
			return bad("pinned key %s: %w", name, err)
		}
	}
	switch p.Kind {
	case KindSandbox, KindDevelopment:
	case KindLive:
		if p.Pins != ProductionPins() {
			return bad("a live profile trusts the production keys alone")
		}
	default:
		return bad("kind %q", p.Kind)
	}
	return nil
}

// checkURL accepts https, and http where nobody else can listen: on loopback, and never for live.
func checkURL(address string, live bool) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("not an address")
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("want a host and at most a path")
	case strings.HasSuffix(address, "/"):
		return errors.New("ends with a slash")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && !live && loopback(u.Hostname()):
		return nil
	}
	return errors.New("want https; http is for loopback")
}

// withoutUser is an address for the words of an error, without the password that may stand in it.
func withoutUser(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address
	}
	scheme, _, _ := strings.Cut(address, "//")
	return scheme + "//…" + address[at:]
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// checkName allows what is a folder and part of a keychain account everywhere.
func checkName(name string) error {
	ok := name != "" && len(name) <= 40 && name[0] != '-'
	for _, c := range []byte(name) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok {
		return bad("profile name %q: want at most 40 of a-z, 0-9 and hyphen", name)
	}
	return nil
}

func bad(format string, args ...any) error {
	return fault.New(fault.ProfileBad, fmt.Errorf(format, args...))
}
