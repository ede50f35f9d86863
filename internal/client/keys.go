package client

import (
	"context"
	"fmt"
	"slices"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/session"
)

// Presence says whether a key store still has a key that the state names.
type Presence string

// The answers.
const (
	Here    Presence = "here"
	Missing Presence = "missing"
	Unasked Presence = "unasked" // the store is locked, absent, of another process, or would ask a person
)

// RoleOrphan is that of a key which is in a store and which no state names.
const RoleOrphan session.Role = "orphan"

// KeyLine is one key of the profile.
type KeyLine struct {
	session.HeldKey
	Label    string // of its session; "" where none is known
	Active   bool   // it is the key of the active session
	Presence Presence
}

// Unlisted is a key store that would not say which keys it holds, so that orphans in it are not known.
type Unlisted struct {
	Backend string
	Err     error
}

// others returns the stores where the keys of earlier sessions may be.
func (c *Client) others(keys keystore.Store) []keystore.Store {
	var others []keystore.Store
	for _, backend := range KeyStores {
		if s := c.stores[backend]; s != keys {
			others = append(others, s)
		}
	}
	return others
}

// KeyLines returns every key that the state names, and the orphans of every store that can be looked through. Nobody is
// asked for it but by the key store in use. Errors: fault.ProfileShut; those of the file.
func (c *Client) KeyLines(ctx context.Context) ([]KeyLine, []Unlisted, error) {
	r, err := c.opened()
	if err != nil {
		return nil, nil, err
	}
	stored, unlisted := c.stored(ctx, r)
	// Only now, so that what was made meanwhile is named: a key's name is in the file before the key exists.
	if _, err := r.sessions.Find(""); err != nil && fault.CodeOf(err) != fault.SessionNone {
		return nil, nil, err
	}
	var lines []KeyLine
	for _, k := range r.sessions.Held() {
		l := KeyLine{HeldKey: k, Presence: c.presence(ctx, r, k, stored)}
		if s, err := r.sessions.Get(k.SessionID); err == nil {
			l.Label, l.Active = s.Label, s.Active && k.Role == session.RoleSession
		}
		lines = append(lines, l)
		for _, keys := range stored {
			delete(keys, k.PublicKey)
		}
	}
	for _, backend := range KeyStores {
		for _, publicKey := range sorted(stored[backend]) {
			lines = append(lines, KeyLine{HeldKey: session.HeldKey{PublicKey: publicKey, Backend: backend, Role: RoleOrphan}, Presence: Here})
		}
	}
	return lines, unlisted, nil
}

// stored lists the keys of every store that can be looked through.
func (c *Client) stored(ctx context.Context, r *running) (map[string]map[string]bool, []Unlisted) {
	stored, unlisted := map[string]map[string]bool{}, []Unlisted(nil)
	for _, backend := range KeyStores {
		err := r.sessions.Quiet(ctx, backend)
		var names []string
		if lister, ok := c.stores[backend].(keystore.Lister); ok && err == nil {
			names, err = lister.List(ctx)
		}
		if err != nil {
			unlisted = append(unlisted, Unlisted{backend, err})
			continue
		}
		stored[backend] = map[string]bool{}
		for _, name := range names {
			stored[backend][name] = true
		}
	}
	return stored, unlisted
}

func sorted(names map[string]bool) []string {
	var list []string
	for name := range names {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func (c *Client) presence(ctx context.Context, r *running, k session.HeldKey, stored map[string]map[string]bool) Presence {
	names, listed := stored[k.Backend]
	switch {
	case k.Role == session.RoleRevoke:
		return Missing // which is what that role says
	case listed && names[k.PublicKey]:
		return Here
	case k.Backend == Memory: // of another process, perhaps
		return Unasked
	case r.sessions.Quiet(ctx, k.Backend) != nil:
		return Unasked
	}
	switch _, err := c.stores[k.Backend].Open(ctx, k.PublicKey); {
	case err == nil:
		return Here
	case fault.CodeOf(err) == fault.KeyMissing:
		return Missing
	}
	return Unasked
}

// MoveKey moves a session into another key store: a refresh whose next key is made there, because keys are never copied.
// New keys are made there from the next start on. Errors: fault.ProfileBad for a word that is none, and for memory;
// those of session.Manager.Move.
func (c *Client) MoveKey(ctx context.Context, id, backend string) (session.Session, error) {
	r, err := c.opened()
	if err != nil {
		return session.Session{}, err
	}
	to, ok := c.stores[backend]
	if !ok || backend == Memory {
		return session.Session{}, fault.New(fault.ProfileBad, fmt.Errorf("keys cannot be moved to %q", backend))
	}
	if h := health(ctx, to); h.State == keystore.Absent || fault.CodeOf(h.Err) == fault.PassphraseNeeded {
		return session.Session{}, h.Err
	}
	s, err := r.sessions.Move(ctx, id, to)
	if err != nil {
		return session.Session{}, err
	}
	return s, c.writeChoice(backend)
}

// DeleteOrphan deletes a key that no state names. Errors: fault.KeyInUse for one that is named; fault.KeyUnknown when no
// store that can be asked holds it; those of the store.
func (c *Client) DeleteOrphan(ctx context.Context, publicKey string) (backend string, err error) {
	lines, _, err := c.KeyLines(ctx)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(lines, func(l KeyLine) bool { return l.PublicKey == publicKey })
	switch {
	case i < 0:
		return "", fault.New(fault.KeyUnknown, nil)
	case lines[i].Role != RoleOrphan:
		return "", fault.New(fault.KeyInUse, fmt.Errorf("it is the %s key of session %q", lines[i].Role, lines[i].SessionID))
	}
	return lines[i].Backend, c.stores[lines[i].Backend].Delete(ctx, publicKey)
}
