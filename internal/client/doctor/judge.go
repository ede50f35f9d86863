package doctor

import (
	"fmt"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/session"
)

// verdict is a finding without its name.
type verdict struct {
	state             State
	seen, means, next string
}

func ok(format string, args ...any) verdict {
	return verdict{state: OK, seen: fmt.Sprintf(format, args...)}
}

func skipped(format string, args ...any) verdict {
	return verdict{state: Skipped, seen: fmt.Sprintf(format, args...)}
}

func warning(seen, means, next string) verdict { return verdict{Warning, seen, means, next} }

func failed(seen, means, next string) verdict { return verdict{Failed, seen, means, next} }

// told puts an error in the words that the whole program has for it, with what is special about it.
func told(state State, err error) verdict {
	w := fault.Tell(err)
	seen := w.Happened
	if kind := fault.KindOf(err); kind == fault.Invalid || kind == "" || strings.Contains(w.Next, "details") {
		seen = fmt.Sprintf("%s Details: %s", seen, err)
	}
	return verdict{state, seen, w.Means, w.Next}
}

// late is what is said of what did not answer in time.
var late = failed("No answer in time.", "What this looks at hangs, and whatever of Latchkey needs it will wait as well.",
	"Look what is busy on this computer, then run latchkey doctor again.")

// check is one thing that is looked at.
type check struct {
	id, group, title string
	judge            func(f *Facts) verdict
}

// The groups, in the order in which they are shown.
const (
	groupProgram = "Program"
	groupProfile = "Profile"
	groupKeys    = "Keys"
	groupFiles   = "Files"
	groupService = "Services"
	groupWindow  = "Window"
)

// checks are all checks, group by group. Their ids are for good: programs read them.
var checks = []check{
	{"version", groupProgram, "Version", func(f *Facts) verdict { return ok("%s, state version %d.", f.Program.Version, session.StateVersion) }},
	{"environment", groupProgram, "Environment", environment},
	{"core-dumps", groupProgram, "Core dumps", known(func(f *Facts) *Core { return f.Core }, core)},

	{"profile", groupProfile, "Profile", profileValid},
	{"settings", groupProfile, "Settings", settings},
	{"pins", groupProfile, "Pinned keys", pinned},

	{"bus", groupKeys, "Session bus", known(func(f *Facts) *Trouble { return f.Bus }, bus)},
	{"key-store", groupKeys, "Key store", ofProfile(health)},
	{"trial", groupKeys, "Write and read", ofProfile(trial)},
	{"tpm", groupKeys, "TPM", ofProfile(known(tpmHealth, tpm))},
	{"passphrase-file", groupKeys, "Passphrase file", known(func(f *Facts) *Secret { return f.Passphrase }, passphrase)},
	{"orphaned-keys", groupKeys, "Orphaned keys", ofProfile(orphans)},
	{"missing-keys", groupKeys, "Missing keys", ofProfile(missing)},

	{"rights", groupFiles, "File rights", ofProfile(known(func(f *Facts) *Rights { return f.Rights }, rights))},
	{"disk-space", groupFiles, "Disk space", ofProfile(known(func(f *Facts) *Space { return f.Space }, space))},
	{"disk-write", groupFiles, "Writing", ofProfile(known(func(f *Facts) *Trouble { return f.Write }, writing))},
	{"state", groupFiles, "State file", ofProfile(known(func(f *Facts) *StateFile { return f.State }, stateFile))},
	{"journal", groupFiles, "Journal", ofProfile(known(func(f *Facts) *Journal { return f.Journal }, journalWhole))},
	{"locks", groupFiles, "Locks", ofProfile(known(func(f *Facts) *Locks { return f.Locks }, locks))},

	{"api", groupService, "Turnkey's API", ofProfile(service(func(f *Facts) *Service { return f.API }, fault.APIDown))},
	{"backend", groupService, "Backend", ofProfile(service(func(f *Facts) *Service { return f.Backend }, fault.BackendDown))},
	{"clock", groupService, "Clock", ofProfile(clock)},
	{"port", groupService, "Backend's port", known(func(f *Facts) *Port { return f.Port }, port)},

	{"webkit", groupWindow, "WebKit", known(func(f *Facts) *Library { return f.Library }, webkit)},
	{"display", groupWindow, "Display", known(func(f *Facts) *Display { return f.Display }, display)},
}

// Judge says what the facts mean, check by check.
func Judge(f Facts) []Finding {
	findings := make([]Finding, 0, len(checks))
	for _, c := range checks {
		v := c.judge(&f)
		findings = append(findings, Finding{c.id, c.group, c.title, v.state, v.seen, v.means, v.next})
	}
	return findings
}

// known judges a part of the facts that was known in time.
func known[T any](part func(*Facts) *T, judge func(*Facts, T) verdict) func(*Facts) verdict {
	return func(f *Facts) verdict {
		if p := part(f); p != nil {
			return judge(f, *p)
		}
		return late
	}
}

// ofProfile skips what cannot be looked at without a profile.
func ofProfile(judge func(*Facts) verdict) func(*Facts) verdict {
	return func(f *Facts) verdict {
		if f.ProfileErr != nil {
			return skipped("There is no profile to look at: see Profile.")
		}
		return judge(f)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
