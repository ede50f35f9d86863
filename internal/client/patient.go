package client

import (
	"cmp"
	"log/slog"
	"path/filepath"
	"sync"

	"latchkey/internal/keystore"
	"latchkey/internal/local"
	"latchkey/internal/profile"
	"latchkey/internal/store"
)

// Patient is a profile that may not open, for those who only look at it: each part, or why it cannot be had. Nothing
// in it makes a folder, starts a server or asks a person.
type Patient struct {
	Home    profile.Home
	Profile profile.Profile
	Err     error // why there is no profile; then the rest is empty

	Dir            *store.Dir // which may not exist yet
	PassphraseFile string     // that a setting names, or ""

	KeyStore    string // that would be opened
	KeyStoreErr error  // why none would
	Keys        keystore.Store
	TPM         keystore.Store

	// Of the sandbox profile: where its servers were last, and whether a process serves them now.
	Sandbox    string // the folder, or "" for other profiles
	Served     bool
	Process    int // that serves them, or did last
	SandboxErr error
}

// Examine returns the profile that [New] would open, with the key store that would be chosen for it.
func Examine(o Options) Patient {
	loaded, from, err := load(o)
	if err != nil {
		return Patient{Home: o.Home, Err: err}
	}
	p := Patient{Home: o.Home, Profile: loaded, Dir: &store.Dir{Path: loaded.Dir, Untouched: true}}
	p.PassphraseFile = from.Lookup(profile.SettingPassphrase, loaded.Name).Text
	c := &Client{home: o.Home, log: slog.New(slog.DiscardHandler), profile: loaded, from: from, dir: p.Dir}
	c.recall = sync.OnceValues(c.readChoice)
	stores := c.newStores(Options{})
	p.TPM = stores[TPM]
	if p.KeyStore, p.KeyStoreErr = c.Choose(); p.KeyStoreErr == nil {
		p.KeyStore = cmp.Or(p.KeyStore, Keychain)
		p.Keys = stores[p.KeyStore]
	}
	if loaded.Kind == profile.KindSandbox {
		var at local.Endpoints
		p.Sandbox = filepath.Join(o.Home.Data, "sandbox")
		at, p.Served, p.SandboxErr = local.Peek(p.Sandbox)
		p.Profile, p.Process = located(loaded, at), at.Process
	}
	return p
}
