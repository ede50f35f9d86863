package doctor

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/journal"
	"latchkey/internal/keystore"
	"latchkey/internal/session"
	"latchkey/internal/store"
)

// keysLook looks into the key store. One call at a time: it is a keychain's own rule.
type keysLook struct {
	client.Patient
	known  chan struct{} // closed when it is known whether the store can be used
	usable string        // why not, or ""; read after known
}

func (k *keysLook) look(ctx context.Context, tell func(found)) {
	k.usable = "the key store did not answer"
	settled := false
	settle := func(why string) {
		if !settled {
			k.usable, settled = why, true
			close(k.known)
		}
	}
	defer settle("the key store did not answer")
	if k.Keys == nil {
		settle("no key store is chosen")
		return
	}
	first, cancel := part(ctx, 0.4)
	defer cancel()
	h := k.Keys.Health(first)
	tell(func(f *Facts) { f.Keys = &h })
	why := k.closed(h)
	settle(why)
	second, cancel := part(ctx, k.share())
	defer cancel()
	t := Trial{Skipped: why}
	if why == "" {
		t = k.try(second)
	}
	if fault.CodeOf(t.Err) == fault.KeychainTimeout {
		why = "It did not answer in time: see Write and read."
		if k.KeyStore == client.Passphrase {
			why = "Opening the file takes longer here than a doctor waits, which is no fault."
			t = Trial{Skipped: why}
		}
	}
	tell(func(f *Facts) { f.Trial = &t })
	kept := k.compare(ctx, why)
	tell(func(f *Facts) { f.Kept = &kept })
}

// closed says why nothing may be asked of the store, or "": a locked one would ask a person.
func (k *keysLook) closed(h keystore.Health) string {
	switch h.State {
	case keystore.Protected, keystore.InMemory:
		return ""
	case keystore.Passphrase:
		if file, is := k.Keys.(interface{ Exists() bool }); is && !file.Exists() {
			return "No key was ever made in it."
		}
		return ""
	case keystore.Locked:
		return "It is locked, and nobody is asked."
	case keystore.Absent:
	}
	return "There is no key store to look into: see Key store."
}

// share is the part of the time that a trial may take. A passphrase is slow on purpose, and afterwards nothing is.
func (k *keysLook) share() float64 {
	if k.KeyStore == client.Passphrase {
		return 0.9
	}
	return 0.6
}

const (
	trialName = "doctor" // of the secret
	trialLock = "doctor.lock"
)

// try writes a secret, reads it back and deletes it. Of a passphrase file it only reads: its every change costs the
// generation before.
func (k *keysLook) try(ctx context.Context) Trial {
	if k.KeyStore == client.Passphrase {
		_, err := k.Keys.Secret(ctx, trialName)
		if fault.CodeOf(err) == fault.KeyMissing {
			err = nil // it was opened, and holds no such thing
		}
		return Trial{Err: err}
	}
	if _, err := os.Stat(k.Dir.Path); err == nil {
		unlock, free, err := k.Dir.TryLock(trialLock)
		if err == nil && !free {
			return Trial{Skipped: "Another latchkey doctor is trying it now."}
		}
		if err == nil {
			defer unlock()
		}
	} else if k.KeyStore == client.TPM {
		return Trial{Skipped: "Its folder is not there yet."}
	}
	value := make([]byte, 16)
	rand.Read(value) // never fails
	if err := k.Keys.PutSecret(ctx, trialName, value); err != nil {
		if fault.CodeOf(err) == fault.KeychainMismatch { // something else may lie there now
			_ = k.Keys.DeleteSecret(ctx, trialName)
		}
		return Trial{Err: err}
	}
	kept, err := k.Keys.Secret(ctx, trialName)
	if err == nil && subtle.ConstantTimeCompare(kept, value) != 1 {
		err = fault.New(fault.KeychainMismatch, errors.New("saved, but something else came back"))
	}
	if gone := k.Keys.DeleteSecret(ctx, trialName); err == nil {
		err = gone
	}
	return Trial{Err: err}
}

// compare compares the store's keys with those that the state names. The store is listed before and after the state is
// read, and each missing key looked for: other programs may log in meanwhile.
func (k *keysLook) compare(ctx context.Context, why string) Kept {
	if why != "" {
		return Kept{Skipped: why}
	}
	lister, is := k.Keys.(keystore.Lister)
	if !is {
		return Kept{Skipped: "This key store does not say what it holds."}
	}
	before, err := lister.List(ctx)
	if fault.CodeOf(err) == fault.KeychainUnlisted {
		return Kept{Skipped: "This keychain does not say what it holds."}
	}
	if err != nil {
		return Kept{Err: err}
	}
	state, err := readState(k.Dir)
	switch {
	case errors.Is(err, fault.NotFound) && fault.CodeOf(err) == fault.Internal:
	case err != nil:
		return Kept{Skipped: "The state file that names them cannot be read: see State file."}
	}
	after, err := lister.List(ctx)
	if err != nil {
		return Kept{Err: err}
	}
	kept := Kept{Keys: len(after)}
	for _, key := range after {
		if slices.Contains(before, key) && !state.Named[key] {
			kept.Orphans = append(kept.Orphans, key)
		}
	}
	for _, s := range state.Sessions {
		switch {
		case s.Backend != k.Keys.Backend():
			kept.Foreign++
		case !slices.Contains(after, s.PublicKey):
			if _, err := k.Keys.Open(ctx, s.PublicKey); fault.CodeOf(err) == fault.KeyMissing {
				kept.Missing = append(kept.Missing, s.PublicKey)
			}
		}
	}
	return kept
}

// readState reads the state file without touching it. What was never written is of kind NotFound, without a code.
func readState(dir *store.Dir) (session.Inspection, error) {
	data, err := dir.Read(session.StateFile)
	if err != nil {
		return session.Inspection{}, err
	}
	return session.Inspect(data)
}

// journal verifies the journal, once it is known whether its seal can be opened.
func (k *keysLook) journal(ctx context.Context, tell func(found)) {
	logs, err := filepath.Glob(filepath.Join(k.Dir.Path, "journal-*"))
	if err != nil || len(logs) == 0 {
		tell(func(f *Facts) { f.Journal = &Journal{} })
		return
	}
	j := Journal{There: true}
	select {
	case <-k.known:
		j.NoKey = k.usable
	case <-ctx.Done():
		return
	}
	whole := journal.Journal{Dir: k.Dir, Profile: k.Profile.Name}
	if j.NoKey == "" {
		opening, cancel := part(ctx, 0.8)
		defer cancel()
		sealer, err := session.ReadSealer(opening, k.Keys)
		if err != nil && fault.CodeOf(err) != fault.KeyMissing {
			j.NoKey = fault.Tell(err).Happened
		}
		whole.Sealer = func(context.Context) (*store.Sealer, error) { return sealer, err }
	}
	j.Report, j.Err = whole.Verify(ctx)
	tell(func(f *Facts) { f.Journal = &j })
}

func lookTPM(p client.Patient) look {
	return func(ctx context.Context, tell func(found)) {
		h := p.TPM.Health(ctx)
		tell(func(f *Facts) { f.TPM = &h })
	}
}

func lookBus(ctx context.Context, tell func(found)) {
	where, err := keystore.Bus(ctx)
	tell(func(f *Facts) { f.Bus = &Trouble{where, err} })
}

func lookPassphrase(p client.Patient) look {
	return func(_ context.Context, tell func(found)) {
		s := Secret{Path: p.PassphraseFile}
		if s.Path != "" {
			s.Mode, s.Err = readable(s.Path)
		}
		tell(func(f *Facts) { f.Passphrase = &s })
	}
}

// readable opens a file to read it, and returns its mode.
func readable(path string) (fs.FileMode, error) {
	info, err := os.Stat(path) // first: opening a pipe would wait for who writes to it
	if err != nil {
		return 0, err
	}
	if info.Mode().IsRegular() {
		f, err := os.Open(path)
		if err != nil {
			return 0, err
		}
		_ = f.Close() // nothing was written
	}
	return info.Mode(), nil
}
