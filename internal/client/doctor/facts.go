package doctor

import (
	"io/fs"
	"time"

	"latchkey/internal/journal"
	"latchkey/internal/keystore"
	"latchkey/internal/profile"
	"latchkey/internal/session"
)

// Facts is what was found out, without an opinion. A nil part was not known in time.
type Facts struct {
	Program Program
	System  string // GOOS
	Env     Environment

	Profile     profile.Profile
	ProfileErr  error // there is no profile; most other parts are then left out
	SandboxErr  error // of the file that says where the sandbox is
	Served      bool  // a process serves the sandbox profile now
	Process     int   // that one
	KeyStore    string
	KeyStoreErr error

	Core       *Core
	Bus        *Trouble
	Keys       *keystore.Health
	Trial      *Trial
	TPM        *keystore.Health
	Passphrase *Secret
	Kept       *Kept
	Rights     *Rights
	Space      *Space
	Write      *Trouble
	State      *StateFile
	Journal    *Journal
	Locks      *Locks
	API        *Service
	Backend    *Service
	Port       *Port
	Library    *Library
	Display    *Display
}

// Environment is what the environment's variables say.
type Environment struct {
	Home      string // LATCHKEY_HOME
	Inspector string // the name of a variable that opens the page's inspector
	ParentKey bool   // TURNKEY_API_PRIVATE_KEY is set
}

// Trouble is nil-able: whether something can be done at all, and with what name it answered.
type Trouble struct {
	Where string
	Err   error
}

// Core is what becomes of the memory of a crashed process.
type Core struct {
	Known   bool // the system can be asked
	Allowed bool
}

// Trial is an attempt to write a secret, read it and delete it.
type Trial struct {
	Skipped string // why it was not made
	Err     error
}

// Secret is a file with a secret in it.
type Secret struct {
	Path string // "" when no setting names one
	Mode fs.FileMode
	Err  error
}

// Kept compares the keys of the store with those that the state names.
type Kept struct {
	Skipped string // why it could not be compared
	Err     error
	Keys    int
	Orphans []string // keys that no session and no log-in names
	Missing []string // keys of sessions that the store has not
	Foreign int      // sessions whose keys are in other stores
}

// Rights are the files and folders whose rights are not as they should be.
type Rights struct {
	Known bool // the system has such rights
	Seen  int  // how many were looked at
	Open  []Opened
	Other []string // that belong to another user
	Err   error
}

// Opened is a file or folder that others may use.
type Opened struct {
	Path   string
	Mode   fs.FileMode
	Fatal  bool // it is one that the program refuses to use
	Folder bool
}

// Space is what is left on a disk.
type Space struct {
	Where string
	Known bool
	Free  uint64 // bytes
	Err   error
}

// StateFile is the file with the sessions.
type StateFile struct {
	There     bool
	Err       error
	Recovered error // why an older generation is in use
	session.Inspection
}

// Journal is what its verification said.
type Journal struct {
	There bool
	NoKey string // why nothing could be unsealed
	Err   error
	journal.Report
}

// Locks are the locks of the profile that somebody holds.
type Locks struct {
	Held []Lock
	Err  error
}

// Lock is a lock and who holds it, as far as the system tells.
type Lock struct {
	Name    string
	Process int
	Command string
	Stopped bool
}

// Service is a server that was called.
type Service struct {
	URL    string
	Err    error
	Status int
	// The service's clock minus ours lies between these two; both are zero without a Date.
	Least, Most time.Duration
	Dated       bool
}

// Port is the port that latchkey backend takes by itself.
type Port struct {
	Text   string // as it is set
	Valid  bool
	Any    bool // whichever is free
	Taken  bool
	Ours   bool // the profile's own backend is there
	Reason string
}

// Library is the library of the window's page.
type Library struct {
	Needed bool // on this system
	Path   string
}

// Display is where a window would be shown.
type Display struct {
	Needed bool   // on this system
	Name   string // of the variable's value, or ""
	Err    error  // it is named and does not answer
}
