package keystore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"unicode/utf8"

	"filippo.io/age"

	"latchkey/internal/fault"
	"latchkey/internal/store"
)

// The key file is JSON, kept by store with its generations:
//
//	{"version":1,"lock":<an age file under the passphrase>,"box":<the contents, AES-256-GCM>}
//
// The age file holds the 32 bytes under which the box is sealed. So a change costs no scrypt, and what another process
// wrote is read without asking again; the lock stays the same for the file's life.
const (
	keyFileName    = "keys.sealed"
	keyFileVersion = 1
)

const (
	// scryptWork is the logarithm of scrypt's cost: about a second, and 256 MB.
	scryptWork = 18
	// maxScryptWork is the most that a file may ask of us.
	maxScryptWork = 20
	// maxLock is far above an age file of 32 bytes.
	maxLock = 4096
	// minPassphrase is what a new passphrase must measure, in characters.
	minPassphrase = 8
	// maxTries is how often one call asks for the passphrase.
	maxTries = 3
)

// Question is what a person is asked.
type Question struct {
	New   bool // nothing is sealed yet: the answer becomes the passphrase
	Tries int  // answers of this call that were wrong
}

// Ask returns the passphrase. It may wait for a person until ctx ends. Its errors are faults.
type Ask func(ctx context.Context, q Question) (string, error)

// keyFile is the file on disk, and what opens it. One call uses it at a time, but for current.
type keyFile struct {
	dir     *store.Dir
	profile string
	ask     Ask
	work    int // logarithm of scrypt's cost, for new files

	mu   sync.Mutex
	open *opened
}

// opened is the key of a file whose passphrase was given.
type opened struct {
	lock   []byte
	sealer *store.Sealer
}

func (k *keyFile) current() *opened {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.open
}

// sealed is the file's form.
type sealed struct {
	Version int    `json:"version"`
	Lock    []byte `json:"lock"`
	Box     []byte `json:"box"`
}

// corrupt tells what is wrong with the file, and which file it is.
func (k *keyFile) corrupt(reason string) error {
	return fault.New(fault.KeysCorrupt, fmt.Errorf("%s in %q: %s", keyFileName, k.dir.Path, reason))
}

// load reads the file; what was never written is of kind NotFound, without a code.
func (k *keyFile) load() (sealed, error) {
	data, err := k.dir.Read(keyFileName)
	if err != nil {
		return sealed{}, err
	}
	var s sealed
	if err := json.Unmarshal(data, &s); err != nil {
		return sealed{}, k.corrupt("not in its form")
	}
	switch {
	case s.Version > keyFileVersion:
		return sealed{}, fault.New(fault.StateTooNew, fmt.Errorf("%s is of version %d", keyFileName, s.Version))
	case s.Version != keyFileVersion, len(s.Lock) == 0, len(s.Lock) > maxLock:
		return sealed{}, k.corrupt("not in its form")
	}
	return s, nil
}

// notWritten reports that there is no file yet.
func notWritten(err error) bool {
	return fault.CodeOf(err) == fault.Internal && errors.Is(err, fault.NotFound)
}

// read returns the contents; where there is no file, nothing is in it, and nobody is asked.
func (k *keyFile) read(ctx context.Context) (*contents, error) {
	s, err := k.load()
	if notWritten(err) {
		return &contents{}, nil
	}
	if err != nil {
		return nil, err
	}
	o, err := k.unlock(ctx, s.Lock)
	if err != nil {
		return nil, err
	}
	return k.contents(s, o)
}

// remove is change for what takes something away: afterwards no generation of the file has it.
func (k *keyFile) remove(ctx context.Context, decide func(*contents) error) error {
	if err := k.change(ctx, false, decide); err != nil {
		return err
	}
	return k.change(ctx, false, func(*contents) error { return nil })
}

// change reads the contents, lets decide change them and writes them, with no other process in between. Where there is
// no file, it makes one if it may, else it lets decide look at nothing and refuse.
func (k *keyFile) change(ctx context.Context, mayMake bool, decide func(*contents) error) error {
	for range maxTries {
		o, err := k.prepare(ctx, mayMake) // asks the person, so it comes before the lock
		if err != nil {
			return err
		}
		again, err := k.changeUnder(ctx, o, decide)
		if err != nil || !again {
			return err
		}
	}
	return fault.New(fault.StateBusy, errors.New("the key file is replaced by others again and again"))
}

// prepare returns what opens the file: of the file that is there, or of one that could be made.
func (k *keyFile) prepare(ctx context.Context, mayMake bool) (*opened, error) {
	s, err := k.load()
	switch {
	case err == nil:
		return k.unlock(ctx, s.Lock)
	case !notWritten(err):
		return nil, err
	}
	if o := k.current(); o != nil || !mayMake {
		return o, nil
	}
	return k.make(ctx)
}

// changeUnder changes the file under its lock, and asks to be called again when it is not the one that o opens.
func (k *keyFile) changeUnder(ctx context.Context, o *opened, decide func(*contents) error) (again bool, err error) {
	unlock, err := k.dir.Lock(ctx, keyFileName)
	if err != nil {
		return false, err
	}
	defer unlock()
	c := &contents{}
	switch s, err := k.load(); {
	case err == nil && (o == nil || !bytes.Equal(s.Lock, o.lock)): // another process made a file meanwhile
		return true, nil
	case err == nil:
		if c, err = k.contents(s, o); err != nil {
			return false, err
		}
	case !notWritten(err):
		return false, err
	}
	if c.Keys == nil {
		c.Keys = map[string]string{}
	}
	if c.Targets == nil {
		c.Targets = map[string]string{}
	}
	if c.Secrets == nil {
		c.Secrets = map[string][]byte{}
	}
	if err := decide(c); err != nil || o == nil {
		return false, err
	}
	return false, k.write(o, c)
}

// write seals and stores the contents, and reads them back.
func (k *keyFile) write(o *opened, c *contents) error {
	plain, err := c.encode()
	if err != nil {
		return err
	}
	defer clear(plain)
	data, err := json.Marshal(sealed{keyFileVersion, o.lock, o.sealer.Seal(plain, k.about())})
	if err != nil {
		return err
	}
	if err := k.dir.Write(keyFileName, data); err != nil {
		return err
	}
	k.mu.Lock()
	k.open = o
	k.mu.Unlock()
	s, err := k.load()
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	kept, err := k.contents(s, o)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if !maps.Equal(kept.Keys, c.Keys) || !maps.Equal(kept.Targets, c.Targets) || !maps.EqualFunc(kept.Secrets, c.Secrets, slices.Equal) {
		return fault.New(fault.KeychainMismatch, errors.New("saved, but something else came back"))
	}
	return nil
}

// contents opens the box.
func (k *keyFile) contents(s sealed, o *opened) (*contents, error) {
	plain, err := o.sealer.Open(s.Box, k.about())
	if err != nil {
		return nil, k.corrupt("its box belongs to another profile, or was changed")
	}
	defer clear(plain)
	var c contents
	if err := json.Unmarshal(plain, &c); err != nil {
		return nil, k.corrupt("its contents are not in their form")
	}
	return &c, nil
}

// about is the context of the box: it opens in no other profile.
func (k *keyFile) about() []byte { return []byte("latchkey keys\n" + k.profile) }

// unlock returns what opens the file with this lock, asking for the passphrase unless that was done.
func (k *keyFile) unlock(ctx context.Context, lock []byte) (*opened, error) {
	if o := k.current(); o != nil && bytes.Equal(o.lock, lock) {
		return o, nil
	}
	for tries := range maxTries {
		passphrase, err := k.answer(ctx, Question{Tries: tries})
		if err != nil {
			return nil, err
		}
		key, err := k.unwrap(lock, passphrase)
		switch {
		case fault.CodeOf(err) == fault.PassphraseWrong:
			continue
		case err != nil:
			return nil, err
		}
		return k.keep(lock, key)
	}
	return nil, fault.New(fault.PassphraseWrong, nil)
}

// answer asks for the passphrase.
func (k *keyFile) answer(ctx context.Context, q Question) (string, error) {
	if k.ask == nil {
		return "", fault.New(fault.PassphraseNeeded, nil)
	}
	passphrase, err := k.ask(ctx, q)
	switch {
	case ctx.Err() != nil:
		return "", ended(ctx)
	case err != nil:
		return "", err
	case q.New && utf8.RuneCountInString(passphrase) < minPassphrase:
		return "", fault.New(fault.PassphraseShort, nil)
	}
	return passphrase, nil
}

// unwrap opens the age file with the passphrase.
func (k *keyFile) unwrap(lock []byte, passphrase string) ([]byte, error) {
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil { // it is empty
		return nil, fault.New(fault.PassphraseWrong, nil)
	}
	identity.SetMaxWorkFactor(maxScryptWork)
	r, err := age.Decrypt(bytes.NewReader(lock), identity)
	if _, wrong := errors.AsType[*age.NoIdentityMatchError](err); wrong {
		return nil, fault.New(fault.PassphraseWrong, nil)
	}
	if err != nil {
		return nil, k.corrupt("its lock is not in its form")
	}
	key, err := io.ReadAll(io.LimitReader(r, store.KeySize+1))
	if err != nil || len(key) != store.KeySize {
		return nil, k.corrupt("its lock holds no key")
	}
	return key, nil
}

// make returns a new lock under a new passphrase. It counts once a file is written with it.
func (k *keyFile) make(ctx context.Context) (*opened, error) {
	passphrase, err := k.answer(ctx, Question{New: true})
	if err != nil {
		return nil, err
	}
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, fault.New(fault.PassphraseShort, nil)
	}
	recipient.SetWorkFactor(k.work)
	key := make([]byte, store.KeySize)
	rand.Read(key) // never fails
	var lock bytes.Buffer
	w, err := age.Encrypt(&lock, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(key); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	sealer, err := store.NewSealer(key)
	if err != nil {
		return nil, err
	}
	clear(key)
	return &opened{lock.Bytes(), sealer}, nil
}

// keep notes that the file with this lock is open.
func (k *keyFile) keep(lock, key []byte) (*opened, error) {
	sealer, err := store.NewSealer(key)
	if err != nil {
		return nil, err
	}
	clear(key)
	o := &opened{lock, sealer}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open = o
	return o, nil
}
