package app

import (
	"context"
	"errors"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/profile"
)

// Profiles returns every profile, the built-in one first.
func (a *App) Profiles() ([]ProfileRow, error) {
	return call(a, "Profiles", func(context.Context) ([]ProfileRow, error) {
		home, err := profile.DefaultHome()
		if err != nil {
			return nil, err
		}
		file, err := profile.ReadFile(home)
		if err != nil {
			return nil, err
		}
		from := profile.Sources{File: file}
		now := from.InUse().Text
		a.mu.Lock()
		if a.client != nil {
			now = a.client.Profile().Name
		}
		a.mu.Unlock()
		rows := []ProfileRow{}
		profiles, errs := from.All(home)
		for i, p := range profiles {
			row := ProfileRow{Name: p.Name, Kind: string(p.Kind), BackendURL: p.BackendURL, APIURL: p.APIURL, OrganizationID: p.OrganizationID, InUse: p.Name == now}
			if errs[i] != nil {
				row.Failure = failure(errs[i])
			}
			rows = append(rows, row)
		}
		return rows, nil
	})
}

// anyway is the argument by which a person saves what did not stand the trial.
const anyway = "anyway"

// SetUpProfile tries a new profile and saves it if nothing failed, or if save is "anyway". An empty text stands for the
// default. pins are lines NAME=value, as an environment file of a sandbox has them; one that holds a private key is
// refused. A setting that cannot be is fault.ProfileBad, a name that is taken fault.ProfileTaken.
func (a *App) SetUpProfile(kind, name, backendURL, apiURL, organizationID, sessionLength, pins, save string) (SetUp, error) {
	return call(a, "SetUpProfile", func(ctx context.Context) (SetUp, error) {
		home, err := profile.DefaultHome()
		if err != nil {
			return SetUp{}, err
		}
		if profile.HoldsPrivateKey(pins) {
			return SetUp{}, fault.New(fault.ProfileBad, errors.New("pinned keys: these lines hold a private key, which belongs in the backend's environment alone"))
		}
		d := profile.Draft{
			Name: name, Kind: kind, BackendURL: backendURL, APIURL: apiURL, OrganizationID: organizationID, SessionLength: sessionLength,
		}
		if kind == string(profile.KindDevelopment) {
			d.Pins = d.Import(pins).Pins
		}
		p, err := client.CheckDraft(home, d)
		if err != nil {
			return SetUp{}, err
		}
		out := SetUp{Checks: []CheckView{}}
		var checks []client.Check
		if save != anyway {
			trial := client.Trial{Profile: p, Now: a.now}
			checks = trial.Run(ctx, nil)
		}
		for _, c := range checks {
			out.Checks = append(out.Checks, checkView(c))
		}
		if client.Failed(checks) != nil {
			return out, nil //nolint:nilerr // the checks tell it, each with its words
		}
		if err := client.AddProfile(ctx, home, d); err != nil {
			return SetUp{}, err
		}
		out.Saved = true
		return out, nil
	}, kind, name, backendURL, apiURL, organizationID, sessionLength, pins, save)
}

func checkView(c client.Check) CheckView {
	v := CheckView{What: c.What, State: "ok", Says: c.Says}
	switch {
	case c.Err != nil:
		v.State, v.Next = "failed", fault.Tell(c.Err).Next
	case c.Skipped:
		v.State = "skipped"
	}
	return v
}

// UseProfile makes a profile the one in use, here and at the next start, and opens it in place of the one that is open.
// Sessions stay where they are.
func (a *App) UseProfile(name string) (State, error) {
	return call(a, "UseProfile", func(ctx context.Context) (State, error) {
		home, err := profile.DefaultHome()
		if err != nil {
			return State{}, err
		}
		if err := openable(home, name); err != nil {
			return State{}, err // the one that is open stays
		}
		if err := client.UseProfile(ctx, home, name); err != nil {
			return State{}, err
		}
		a.leave(name)
		a.changed()
		a.begin(ctx)
		return a.state(ctx), nil
	}, name)
}

// openable reports why a profile cannot be opened, as far as the settings say.
func openable(home profile.Home, name string) error {
	file, err := profile.ReadFile(home)
	if err != nil {
		return err
	}
	p, err := profile.Load(home, profile.Sources{Flags: profile.Flags{profile.SettingProfile: name}, File: file})
	if err == nil && p.Kind != profile.KindSandbox {
		err = p.Check()
	}
	return err
}

// leave closes the profile that is open, and says which one is opened next. What is under way with it ends first.
func (a *App) leave(next string) {
	a.opening.Lock()
	defer a.opening.Unlock()
	a.mu.Lock()
	c, stop, done := a.client, a.stop, a.done
	a.offers = login.Offers{}
	a.client, a.open, a.backend, a.stores, a.failure, a.stop, a.done = nil, false, "", nil, nil, nil, nil
	a.profile = next
	a.mu.Unlock()
	a.forgetAll()
	if stop != nil {
		stop()
		done.Wait()
	}
	if c == nil {
		return
	}
	if err := c.Close(); err != nil {
		a.log.Error("close", "err", err)
	}
}

// title is what the window is called: the sandbox is told there too.
func title(kind profile.Kind) string {
	if kind == profile.KindSandbox {
		return "Latchkey (SANDBOX)"
	}
	return "Latchkey"
}

// profileView names the profile for the page. Before it was read nobody knows its kind, and none is claimed.
func profileView(c *client.Client) ProfileView {
	if c == nil {
		return ProfileView{Kind: string(profile.KindLive)}
	}
	p := c.Profile()
	v := ProfileView{Name: p.Name, Kind: string(p.Kind)}
	if p.Kind == profile.KindDevelopment {
		v.BackendURL = p.BackendURL
	}
	return v
}
