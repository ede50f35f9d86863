package doctor

import (
	"fmt"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/journal"
	"latchkey/internal/profile"
	"latchkey/internal/session"
)

func rights(_ *Facts, r Rights) verdict {
	switch {
	case !r.Known:
		return skipped("This system has rights of another kind.")
	case r.Err != nil:
		return warning("Not all could be looked at: "+r.Err.Error()+".", "What could not be looked at may be used by others.", "Give yourself the right to read your own folders.")
	case len(r.Other) > 0:
		return failed(fmt.Sprintf("%s belongs to another user%s.", r.Other[0], more(len(r.Other))), "Latchkey cannot rely on it, and may not be able to write it. It was once run as that user, perhaps with sudo.",
			"Give it back to yourself with chown.")
	case len(r.Open) > 0:
		first := r.Open[0]
		v := warning(fmt.Sprintf("%s may be used by others: mode %04o%s.", first.Path, first.Mode.Perm(), more(len(r.Open))),
			"Other users of this computer may read or change what is yours alone.", "Run chmod 600 on it.")
		if first.Folder {
			v.next = "Run chmod 700 on it."
		}
		for _, o := range r.Open {
			if o.Fatal {
				v.state, v.means = Failed, "What lies there cannot be trusted, so Latchkey does not open it."
			}
		}
		return v
	case r.Seen == 0:
		return ok("Nothing is there yet.")
	}
	return ok("%d files and folders, for this user alone.", r.Seen)
}

func more(n int) string {
	if n > 1 {
		return fmt.Sprintf(", and %d more", n-1)
	}
	return ""
}

const (
	scarce = 100 << 20 // the journal alone may take 34 MB
	none   = 1 << 20
)

func space(_ *Facts, s Space) verdict {
	switch {
	case s.Err != nil:
		return warning(s.Err.Error()+".", "How much space is left is not known.", "Look whether the disk is there.")
	case !s.Known:
		return skipped("This system does not say it.")
	case s.Free < none:
		return failed(fmt.Sprintf("%d kB are left at %s.", s.Free>>10, s.Where), "Sessions cannot be saved; what was saved last is kept.", "Free some space on that disk.")
	case s.Free < scarce:
		return warning(fmt.Sprintf("%d MB are left at %s.", s.Free>>20, s.Where), "Soon sessions and the journal cannot be saved.", "Free some space on that disk.")
	case s.Free >= 10<<30:
		return ok("%d GB are left at %s.", s.Free>>30, s.Where)
	}
	return ok("%d MB are left at %s.", s.Free>>20, s.Where)
}

func writing(_ *Facts, t Trouble) verdict {
	if t.Err != nil {
		v := told(Failed, t.Err)
		v.seen = fmt.Sprintf("%s cannot be written: %s.", t.Where, reason(t.Err))
		return v
	}
	return ok("A file was written in %s and removed.", t.Where)
}

func stateFile(_ *Facts, s StateFile) verdict {
	switch {
	case s.Err != nil:
		v := told(Failed, s.Err)
		if fault.CodeOf(s.Err) == fault.StateCorrupt { // nothing was set aside: the doctor only looks
			v.next = "Log in again; the damaged file is set aside then."
		}
		return v
	case !s.There:
		return ok("Not written yet.")
	case s.Recovered != nil:
		return told(Warning, s.Recovered)
	}
	return ok("Version %d of %d, written %s, %s.", s.Version, session.StateVersion, times(s.Serial), count(len(s.Sessions), "session"))
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func journalWhole(_ *Facts, j Journal) verdict {
	switch {
	case j.Err != nil:
		return told(Failed, j.Err)
	case !j.There:
		return ok("Nothing was stamped yet.")
	}
	var found []string
	for _, f := range j.Findings {
		if f.Kind != journal.CutOff && f.Kind != journal.NotCovered {
			found = append(found, strings.ReplaceAll(string(f.Kind), "_", " "))
		}
	}
	switch j.Verdict {
	case journal.Damaged:
		v := told(Failed, j.Report.Err())
		v.seen = fmt.Sprintf("Not as it was written: %s.", strings.Join(found, ", "))
		v.next = "See which entries with latchkey journal verify, and ask who or what can write in the data folder."
		return v
	case journal.Unproven:
		if j.NoKey != "" {
			return skipped("%s; nothing contradicts itself, but without the key store nothing is proven: %s", count(j.Entries, "record"), j.NoKey)
		}
		v := told(Warning, j.Report.Err())
		v.seen = fmt.Sprintf("Nothing contradicts itself, but not all is proven: %s.", strings.Join(found, ", "))
		v.next = "See which entries with latchkey journal verify."
		return v
	case journal.Intact:
	}
	return ok("%s, as they were written.", count(j.Entries, "record"))
}

func locks(f *Facts, l Locks) verdict {
	if l.Err != nil {
		return told(Warning, l.Err)
	}
	if len(l.Held) == 0 {
		if f.Profile.Kind == profile.KindSandbox && f.Served {
			return ok("None is held but that of whoever serves the sandbox.")
		}
		return ok("None is held.")
	}
	held := l.Held[0]
	who := "a process that the system does not name"
	if held.Process != 0 {
		who = fmt.Sprintf("process %d (%s)", held.Process, held.Command)
	}
	next := "Wait until it has finished; if it does not, end it."
	if held.Stopped {
		who += ", which is stopped"
		next = fmt.Sprintf("Continue it with kill -CONT %d, or end it.", held.Process)
	}
	return warning(fmt.Sprintf("%s is held by %s%s.", held.Name, who, more(len(l.Held))), "Every other Latchkey waits for it.", next)
}
