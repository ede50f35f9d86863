package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/keystore"
)

func tpmHealth(f *Facts) *keystore.Health { return f.TPM }

func bus(f *Facts, b Trouble) verdict {
	switch {
	case f.System != "linux":
		return skipped("Only Linux asks its keychain over a bus.")
	case b.Err == nil:
		return ok("Answers at %s.", b.Where)
	case f.KeyStore != "" && f.KeyStore != client.Keychain:
		return skipped("There is none, and keys are not in a keychain.")
	}
	return told(Failed, b.Err)
}

func health(f *Facts) verdict {
	switch {
	case f.KeyStoreErr != nil:
		return unlooked(f)
	case f.Keys == nil:
		return late
	}
	h := *f.Keys
	switch h.State {
	case keystore.Protected:
		return ok("%s, unlocked.", h.Name)
	case keystore.Passphrase:
		return ok("%s.", h.Name)
	case keystore.InMemory:
		return warning("Memory: keys end with each program.", "A session lasts as long as the program that made it.",
			"Choose another key store with --keystore, or leave it if that is what you want.")
	case keystore.Locked:
		if f.KeyStore == client.Passphrase {
			return ok("%s; its passphrase is asked for when a key is needed.", h.Name)
		}
		v := told(Warning, h.Err)
		v.seen = h.Name + " is locked."
		v.next = "Unlock it in your passwords program, or answer its question at the next command."
		if fault.CodeOf(h.Err) != fault.KeychainLocked {
			v.state = Failed
		}
		return v
	case keystore.Absent:
	}
	if fault.CodeOf(h.Err) == fault.KeychainNoBus && f.Bus != nil && f.Bus.Err != nil {
		return skipped("It is asked over the session bus, and there is none: see Session bus.")
	}
	if h.Err == nil {
		return failed("There is no key store.", "Latchkey has nowhere safe to keep a key.", "Name one in LATCHKEY_KEYSTORE or with --keystore.")
	}
	return told(Failed, h.Err)
}

// unlooked is what is said of a store that could not be looked into.
func unlooked(f *Facts) verdict {
	if f.KeyStoreErr != nil {
		return skipped("No key store is chosen: see Settings.")
	}
	return skipped("The key store did not answer in time: see Key store.")
}

func trial(f *Facts) verdict {
	switch t := f.Trial; {
	case t == nil && f.Keys == nil:
		return unlooked(f)
	case t == nil:
		return late
	case t.Skipped != "":
		return skipped("%s", t.Skipped)
	case t.Err != nil:
		return told(Failed, t.Err)
	}
	if f.KeyStore == client.Passphrase {
		return ok("The passphrase opens the file with your keys.")
	}
	return ok("A secret was written, read back and deleted.")
}

func tpm(f *Facts, h keystore.Health) verdict {
	chosen := f.KeyStore == client.TPM
	switch code := fault.CodeOf(h.Err); {
	case h.State == keystore.Protected:
		return ok("%s.", h.Name)
	case chosen:
		return told(Failed, h.Err)
	case code == fault.TPMAbsent:
		return skipped("There is none, and no key is kept in it.")
	case code == fault.TPMDenied:
		return skipped("There is one that this user may not open, and no key is kept in it.")
	default:
		return told(Warning, h.Err)
	}
}

func passphrase(f *Facts, s Secret) verdict {
	needed := f.KeyStore == client.Passphrase
	switch {
	case s.Path == "" && needed:
		return ok("No setting names one: the terminal asks.")
	case s.Path == "":
		return skipped("No setting names one.")
	case errors.Is(s.Err, fs.ErrNotExist):
		return secretTrouble(needed, fmt.Sprintf("%s does not exist.", s.Path))
	case s.Err != nil:
		return secretTrouble(needed, fmt.Sprintf("%s cannot be read.", s.Path))
	case runtime.GOOS != "windows" && s.Mode.Perm()&0o077 != 0:
		return failed(fmt.Sprintf("%s may be used by others: mode %04o.", s.Path, s.Mode.Perm()), "Whoever reads the passphrase and the file with your keys has your keys.",
			"Run chmod 600 "+s.Path+".")
	}
	return ok("%s, for this user alone.", s.Path)
}

func secretTrouble(needed bool, seen string) verdict {
	v := failed(seen, "Keys cannot be opened without a person at a terminal.", "Correct LATCHKEY_PASSPHRASE_FILE, or unset it.")
	if !needed {
		v.state, v.means = Warning, "It is not needed now: keys are in another key store."
	}
	return v
}

// compared returns what is to be said where the keys could not be compared, or ok.
func compared(f *Facts) (verdict, bool) {
	switch k := f.Kept; {
	case k == nil && f.Keys == nil:
		return unlooked(f), false
	case k == nil:
		return late, false
	case k.Skipped != "":
		return skipped("%s", k.Skipped), false
	case k.Err != nil:
		return told(Warning, k.Err), false
	}
	return verdict{}, true
}

func orphans(f *Facts) verdict {
	if v, ok := compared(f); !ok {
		return v
	}
	if k := f.Kept; len(k.Orphans) > 0 {
		return warning(fmt.Sprintf("%s that no session and no log-in knows: %s.", count(len(k.Orphans), "key"), short(k.Orphans)),
			"They sign nothing any more. Their sessions' records were lost, or made by a state that was put back.",
			"See them with latchkey keys list, and delete them with latchkey keys delete, once you are sure that no backup of the state names them.")
	}
	return ok("%s, each known.", count(f.Kept.Keys, "key"))
}

func missing(f *Facts) verdict {
	if v, ok := compared(f); !ok {
		return v
	}
	k := f.Kept
	if len(k.Missing) > 0 {
		return failed(fmt.Sprintf("%s of a session that the key store has not: %s.", count(len(k.Missing), "key"), short(k.Missing)),
			"The session cannot sign any more; it ends when it is next used. Wallets are safe.", "Log in again.")
	}
	if k.Foreign > 0 {
		return ok("None of this store; %s in another one.", count(k.Foreign, "session"))
	}
	return ok("None.")
}

// short names keys by their beginnings.
func short(keys []string) string {
	const most = 3
	var names []string
	for i, key := range keys {
		if i == most {
			names = append(names, "…")
			break
		}
		names = append(names, key[:min(len(key), 12)]+"…")
	}
	return strings.Join(names, ", ")
}
