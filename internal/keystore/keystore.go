// Package keystore keeps private keys and small secrets: in the system's keychain, in the computer's TPM, in a file under
// a passphrase, or in memory until the program ends. A key never leaves it; what leaves is a [Signer], or a [Decapsulator]
// for what was encrypted to us.
//
// It owns how a key is stored, named, unlocked, cached and forgotten, and which words of a keychain mean which fault.
// It does not own what a key is for (session), nor what is signed (stamp, token), nor which store is chosen (client).
// It depends on fault, p256, on store for what lies in files, on google/go-tpm, on filippo.io/age for the
// passphrase file, and for the keychain on zalando/go-keyring, on Linux godbus, and on Windows wincred.
//
// What a store is, [latchkey/internal/keystore/keystoretest] defines; every backend runs it.
//
// # Limits, stated plainly
//
// Against other programs of the same user the system's keychains protect little: on macOS the item trusts
// /usr/bin/security, on Windows every program of the user may read it, on Linux every program on the session bus while
// the collection is unlocked. And a key in use stands in memory: [Store.Forget] drops it, but Go cannot promise that
// no copy remains. A passphrase file that was opened stays open to the process until it ends.
//
// KeePassXC 2.7.4, the one of Debian 12, runs the suite without a display and without saving by itself: 20 runs of 20
// passed, and as many of 20 with the machine overloaded. Saving after every change, which is its default, it crashed in
// its saving thread when changes came fast, and some runs hung (seen on 2026-11-21): whoever keeps keys in it should let
// it save on exit alone. While its database is locked it shows a window of its own at the first question, and goes on
// showing it when the database is opened elsewhere.
package keystore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"latchkey/internal/fault"
)

// Signer signs with one P-256 key. It is safe for parallel use.
type Signer interface {
	// PublicKey is the compressed public key in hex: 66 lower-case characters.
	PublicKey() string
	// Sign returns a DER signature over a digest of 32 bytes; another size is of kind Invalid. A key that was
	// forgotten meanwhile is opened again first, with the errors of Open; one that was deleted is fault.KeyMissing.
	Sign(ctx context.Context, digest []byte) ([]byte, error)
}

// Reader opens what is stored.
//
// A keychain may be asking the user and cannot be interrupted: when ctx ends first, the call goes on alone and its
// late answer is dropped. So every method here and in [Writer] may fail with fault.KeychainTimeout (the deadline
// passed, or an earlier call is still unanswered), fault.Cancel (ctx was cancelled) and the other keychain codes.
type Reader interface {
	// Open returns the key stored under publicKey. fault.KeyMissing if there is none, fault.KeyCorrupt if what is
	// stored is not that key.
	Open(ctx context.Context, publicKey string) (Signer, error)
	// Secret returns the secret stored under name; fault.KeyMissing if there is none.
	Secret(ctx context.Context, name string) ([]byte, error)
}

// Writer changes what is stored. When a method returns nil, the change was read back and compared.
type Writer interface {
	// Create makes a new key and stores it.
	Create(ctx context.Context) (Signer, error)
	// CreateNamed is Create for callers who must know of the key before it exists: name gets the public key first,
	// and its error is returned with nothing stored. So no crash leaves a key whose name nobody wrote down.
	CreateNamed(ctx context.Context, name func(publicKey string) error) (Signer, error)
	// Delete removes a key for good, here and from memory; fault.KeyMissing if there is none.
	Delete(ctx context.Context, publicKey string) error
	// PutSecret stores value, of at most MaxSecret bytes (fault.KeychainTooLarge), under name, over what was there.
	// After a timeout either value may be there.
	PutSecret(ctx context.Context, name string, value []byte) error
	// DeleteSecret removes a secret; fault.KeyMissing if there is none.
	DeleteSecret(ctx context.Context, name string) error
}

// Store keeps keys and secrets of one profile. It is safe for parallel use.
type Store interface {
	Reader
	Writer
	// Health says how keys are protected now, without asking the user anything.
	Health(ctx context.Context) Health
	// Backend is the word recorded with each key: "keychain", "tpm", "passphrase" or "memory".
	Backend() string
	// Forget drops every unlocked key from memory; the next signature opens its key again.
	Forget()
}

// State says how well a store protects what it keeps.
type State string

// The states.
const (
	Protected  State = "protected"  // by the system's keychain, unlocked, or by a TPM
	Passphrase State = "passphrase" // by a passphrase
	InMemory   State = "memory"     // not on disk at all
	Locked     State = "locked"     // by the system's keychain or a passphrase, and first it must be unlocked
	Absent     State = "absent"     // there is nothing that could keep a key
)

// Health is what a person should know about a store before trusting it.
type Health struct {
	State State
	Name  string // of the program that keeps the keys, such as "GNOME Keyring"
	Err   error  // with Locked and Absent: the reason, as a fault
}

// MaxSecret is the largest secret in bytes. Stored, it must fit into every system's keychain, of which the smallest
// hold 2,560 bytes (Windows) and a command line of 4,096 with everything encoded twice (macOS).
const MaxSecret = 1400

// CheckName reports whether name can name a secret: 1 to 100 of a-z, 0-9, dot, hyphen, underscore and slash, not
// beginning with a slash, or with "key/" or "target/", which is where keys are. Upper case is out because Windows ignores case. A
// bad name is a mistake of the program, of kind Invalid.
func CheckName(name string) error {
	ok := name != "" && len(name) <= 100 && name[0] != '/' && !strings.HasPrefix(name, "key/") && !strings.HasPrefix(name, "target/")
	for _, c := range []byte(name) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("._-/", c) >= 0)
	}
	if !ok {
		return fmt.Errorf("secret name %q: %w", name, fault.Invalid)
	}
	return nil
}

// checkPublicKey refuses what cannot be the name of a key, so that nothing odd ever reaches a keychain.
func checkPublicKey(publicKey string) error {
	ok := len(publicKey) == 66 && (publicKey[:2] == "02" || publicKey[:2] == "03")
	for _, c := range []byte(publicKey) {
		ok = ok && (c >= '0' && c <= '9' || c >= 'a' && c <= 'f')
	}
	if !ok {
		return fmt.Errorf("public key %q: %w", publicKey, fault.New(fault.KeyMissing, errors.New("not a compressed P-256 key in hex")))
	}
	return nil
}

// checkDigest refuses anything but a SHA-256 digest: ECDSA would quietly sign a part of it.
func checkDigest(digest []byte) error {
	if len(digest) != 32 {
		return fmt.Errorf("digest of %d bytes: %w", len(digest), fault.Invalid)
	}
	return nil
}

// ended gives the end of ctx its code.
func ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fault.New(fault.Cancel, ctx.Err())
	}
	return fault.New(fault.KeychainTimeout, ctx.Err())
}
