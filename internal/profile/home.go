package profile

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"

	"latchkey/internal/fault"
)

// HomeVariable is the environment variable that puts all of Latchkey's folders below one.
const HomeVariable = "LATCHKEY_HOME"

// Home says where Latchkey keeps what. Nothing exists until it is needed; [Home.Make] makes the folders at once.
type Home struct {
	Config string // settings that a person edits
	State  string // sessions and what else this program must remember, by profile
	Data   string // what is worth a backup: the sandbox's organizations
}

// DefaultHome returns the folders of this user: below LATCHKEY_HOME if that is set, else where the system keeps such
// things (XDG on Linux and their equals on macOS and Windows). A LATCHKEY_HOME that is not absolute is
// fault.ProfileBad: it would mean another folder in every terminal.
func DefaultHome() (Home, error) {
	if top := os.Getenv(HomeVariable); top != "" {
		if !filepath.IsAbs(top) {
			return Home{}, bad("%s %q is not absolute", HomeVariable, top)
		}
		return At(top), nil
	}
	for _, dir := range []string{xdg.ConfigHome, xdg.StateHome, xdg.DataHome} {
		if !filepath.IsAbs(dir) {
			return Home{}, bad("no home folder: %q", dir)
		}
	}
	return Home{
		Config: filepath.Join(xdg.ConfigHome, "latchkey"),
		State:  filepath.Join(xdg.StateHome, "latchkey"),
		Data:   filepath.Join(xdg.DataHome, "latchkey"),
	}, nil
}

// At returns the folders below top.
func At(top string) Home {
	return Home{Config: filepath.Join(top, "config"), State: filepath.Join(top, "state"), Data: filepath.Join(top, "data")}
}

// Make makes the folders for this user alone (mode 0700). One that exists stays as it is: the state store refuses what
// others can read. Errors: fault.DiskReadOnly, fault.DiskFailed.
func (h Home) Make() error {
	for _, dir := range []string{h.Config, h.State, h.Data} {
		if err := os.MkdirAll(dir, 0o700); errors.Is(err, os.ErrPermission) {
			return fault.New(fault.DiskReadOnly, err)
		} else if err != nil {
			return fault.New(fault.DiskFailed, err)
		}
	}
	return nil
}
