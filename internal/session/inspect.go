package session

import "time"

// Inspection is what a state file says, to those who only look at it.
type Inspection struct {
	Version  int          // of its form
	Serial   int64        // how often it was written
	Sessions []SessionKey // of the sessions that have not ended
	Named    map[string]bool
}

// SessionKey is the key of a session.
type SessionKey struct {
	PublicKey, Backend string
	Expires            time.Time
}

// StateFile is the name of the state file in the profile's folder, and StateVersion the version of the form that this
// program writes. MemoryLock is the one lock that is held for as long as a process lives, and that nobody waits for.
const (
	StateFile    = stateFile
	StateVersion = fileVersion
	MemoryLock   = memoryLock
)

// Inspect reads a state file. Named are all public keys that it accounts for, those of log-ins and of keys that are to
// go among them. Errors: fault.StateTooNew, fault.StateCorrupt.
func Inspect(data []byte) (Inspection, error) {
	s, err := decode(data)
	if err != nil {
		return Inspection{}, err
	}
	i := Inspection{Version: s.Version, Serial: s.Serial, Named: map[string]bool{}}
	for _, name := range s.names() {
		i.Named[name] = true
	}
	for _, r := range s.Sessions {
		if r.Ended == nil {
			i.Sessions = append(i.Sessions, SessionKey{r.Key.PublicKey, r.Key.Backend, r.Key.Expires.time()})
		}
	}
	return i, nil
}
