package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/profile"
	"latchkey/internal/session"
	"latchkey/internal/store"
)

// CheckDraft returns the profile that a draft would be, before anything is tried. Errors: fault.ProfileTaken,
// fault.ProfileBad; those of profile.ReadFile.
func CheckDraft(home profile.Home, d profile.Draft) (profile.Profile, error) {
	p, err := d.Profile(home)
	if err != nil {
		return p, err
	}
	file, err := profile.ReadFile(home)
	if err == nil {
		_, err = file.With(d)
	}
	if err == nil {
		err = p.Check()
	}
	return p, err
}

// AddProfile saves a new profile. Errors: those of CheckDraft and of profile.Edit.
func AddProfile(ctx context.Context, home profile.Home, d profile.Draft) error {
	if _, err := CheckDraft(home, d); err != nil {
		return err
	}
	return profile.Edit(ctx, home, func(f *profile.File) (*profile.File, error) { return f.With(d) })
}

// UseProfile makes a profile the one that is opened when nothing else is said. Errors: fault.ProfileUnknown; those of
// profile.Edit.
func UseProfile(ctx context.Context, home profile.Home, name string) error {
	return profile.Edit(ctx, home, func(f *profile.File) (*profile.File, error) { return f.Using(name) })
}

// RemoveProfile takes a profile out of the settings. Its folder, with the journal and the keys that Turnkey must still be
// told of, stays. Errors: fault.ProfileInUse while it has sessions, whose keys nothing would find again;
// fault.ProfileUnknown, fault.ProfileBad; those of the disk.
func RemoveProfile(ctx context.Context, home profile.Home, name string) error {
	return profile.Edit(ctx, home, func(f *profile.File) (*profile.File, error) {
		after, err := f.Without(name)
		if err != nil {
			return nil, err
		}
		p, err := profile.Load(home, profile.Sources{
			Flags: profile.Flags{profile.SettingProfile: name}, File: f, Getenv: func(string) string { return "" },
		})
		if err != nil {
			return after, nil //nolint:nilerr // a profile that cannot be opened was never used as it is
		}
		in, err := loggedIn(ctx, p)
		if err == nil && in > 0 {
			err = fault.New(fault.ProfileInUse, fmt.Errorf("%q has %d", name, in))
		}
		return after, err
	})
}

// loggedIn counts the sessions of a profile that have not ended. It asks no key store.
func loggedIn(ctx context.Context, p profile.Profile) (int, error) {
	switch _, err := os.Stat(filepath.Join(p.Dir, session.StateFile)); {
	case errors.Is(err, fs.ErrNotExist): // it was never opened
		return 0, nil
	case err != nil:
		return 0, fault.New(fault.DiskFailed, err)
	}
	dir, err := store.Open(p.Dir)
	if err != nil {
		return 0, err
	}
	m := &session.Manager{Profile: p.Name, Dir: dir, Keys: keystore.NewKeychain(p.KeychainService, p.Name)}
	if err := m.Open(ctx); err != nil {
		return 0, err
	}
	n := 0
	for _, s := range m.List() {
		if s.Ended == nil && s.Key.Backend != Memory { // what was in memory is gone with its program
			n++
		}
	}
	return n, nil
}
