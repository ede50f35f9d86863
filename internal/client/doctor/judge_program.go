package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/profile"
)

func environment(f *Facts) verdict {
	switch e := f.Env; {
	case e.Home != "" && !filepath.IsAbs(e.Home):
		return failed(fmt.Sprintf("LATCHKEY_HOME is %q, which is not absolute.", e.Home),
			"It would be another folder in every terminal, so nothing is opened.", "Set LATCHKEY_HOME to a path from the root, or unset it.")
	case e.Inspector != "":
		return warning(e.Inspector+" is set.", "It opens the page of every WebKit window to whoever reaches its port. Latchkey's own window takes it away before it starts.",
			"Unset "+e.Inspector+".")
	case e.ParentKey:
		return warning("TURNKEY_API_PRIVATE_KEY is set.", "latchkey request stamps with that key and not with your session's. A parent's key opens everybody's organization, and has no place on a wallet user's computer.",
			"Unset TURNKEY_API_PRIVATE_KEY unless you develop a backend here.")
	case e.Home != "":
		return ok("All folders are below %s, as LATCHKEY_HOME says.", e.Home)
	}
	return ok("No variable stands in the way.")
}

func core(_ *Facts, c Core) verdict {
	switch {
	case !c.Known:
		return skipped("This system does not say it.")
	case c.Allowed:
		return warning("Allowed: when a program crashes, the system may write its memory to the disk.", "A key that is unlocked at that moment would be in the file.",
			"Run ulimit -c 0 before you start Latchkey, or switch them off for your user.")
	}
	return ok("Off: a crash writes no memory to the disk.")
}

func profileValid(f *Facts) verdict {
	switch {
	case f.ProfileErr != nil:
		return told(Failed, f.ProfileErr)
	case f.SandboxErr != nil:
		return failed("local.json in the sandbox's folder, which says where the sandbox is, cannot be read: "+reason(f.SandboxErr)+".",
			"Whoever comes second does not find the sandbox that runs.", sandboxAgain)
	}
	p := f.Profile
	if p.Kind == profile.KindSandbox && p.APIURL == "" {
		return ok("%s (%s); its sandbox was never started.", p.Name, p.Kind)
	}
	if err := p.Check(); err != nil {
		return told(Failed, err)
	}
	return ok("%s (%s), API %s, backend %s.", p.Name, p.Kind, p.APIURL, p.BackendURL)
}

func settings(f *Facts) verdict {
	switch {
	case f.KeyStoreErr != nil:
		return told(Failed, f.KeyStoreErr)
	case f.ProfileErr != nil:
		return skipped("There is no profile whose settings could be read: see Profile.")
	}
	return ok("Valid; keys are made in: %s.", f.KeyStore)
}

// pinned looks at each key that the profile trusts: that it is a key, spelt as the service spells it, and not that of
// another kind of profile.
func pinned(f *Facts) verdict {
	p := f.Profile
	switch {
	case f.ProfileErr != nil:
		return skipped("There is no profile: see Profile.")
	case p.Kind == profile.KindSandbox && p.Pins == (profile.Pins{}):
		return skipped("The sandbox was never started, and its keys come from it.")
	}
	theirs := profile.ProductionPins()
	for _, pin := range []struct {
		name, text, production string
		length                 int
	}{
		{"notarizer", p.Pins.Notarizer, theirs.Notarizer, 130},
		{"TLS fetcher", p.Pins.TLSFetcher, theirs.TLSFetcher, 130},
		{"TLS fetcher encryption", p.Pins.TLSFetcherEncryption, theirs.TLSFetcherEncryption, 130},
		{"signer", p.Pins.Signer, theirs.Signer, 130},
		{"legacy token", p.Pins.LegacyToken, theirs.LegacyToken, 66},
	} {
		wrong := ""
		if _, err := p256.ParsePublic(pin.text); err != nil {
			wrong = "is no public key"
		} else if len(pin.text) != pin.length || strings.ToLower(pin.text) != pin.text {
			wrong = fmt.Sprintf("is not spelt in %d lower-case hex characters, as Turnkey does", pin.length)
		} else if p.Kind == profile.KindSandbox && pin.text == pin.production {
			wrong = "is that of production, with which no sandbox can sign"
		} else if p.Kind == profile.KindLive && pin.text != pin.production {
			wrong = "is not that of production"
		}
		if wrong != "" {
			return failed(fmt.Sprintf("The %s key %s.", pin.name, wrong), "What the service sends is not believed, so nobody can log in.", pinsNext(p.Kind))
		}
	}
	return ok("Five, each a key of its kind.")
}

// sandboxAgain is the step when what a sandbox said of itself was spoilt.
const sandboxAgain = "End every Latchkey that runs; the next one starts the sandbox and writes it again."

func pinsNext(k profile.Kind) string {
	if k == profile.KindSandbox {
		return sandboxAgain
	}
	return "Correct the profile's pinned keys, or leave them out: production's are the default."
}

func webkit(f *Facts, l Library) verdict {
	switch {
	case !l.Needed:
		return skipped("The window's page comes with this system.")
	case l.Path != "":
		return ok("%s", l.Path)
	case !f.Program.Window && (f.Display == nil || f.Display.Name == ""):
		return skipped("This build has no window, and there is no display for one.")
	}
	return warning("libwebkit2gtk-4.1 is not installed.", "The window cannot be opened; the terminal is not touched.",
		"Install it: on Debian and Ubuntu, apt install libwebkit2gtk-4.1-0.")
}

func display(f *Facts, d Display) verdict {
	switch {
	case !d.Needed:
		return skipped("This system has one display, and it needs no name.")
	case d.Err != nil:
		return warning(fmt.Sprintf("%s is named and does not answer.", d.Name), "Neither the window nor the keychain's questions can be shown.",
			"Start Latchkey from a desktop session, or correct DISPLAY or WAYLAND_DISPLAY.")
	case d.Name != "":
		return ok("%s", d.Name)
	case !f.Program.Window:
		return skipped("There is none, and this build has no window.")
	}
	return warning("Neither DISPLAY nor WAYLAND_DISPLAY is set.", "The window cannot be opened, and a keychain cannot ask for its password.",
		"Start Latchkey from a desktop session, or use its commands.")
}

// reason returns the innermost text of an error, for words that already say the rest.
func reason(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Err != nil {
		return e.Err.Error()
	}
	return cmp.Or(fmt.Sprint(err), "unknown")
}
