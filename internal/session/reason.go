package session

import "latchkey/internal/fault"

// Reason says why a session ended. No session ends without one.
type Reason string

// The reasons.
const (
	Clock     Reason = "clock"     // its time was over
	Rejected  Reason = "rejected"  // the service no longer knows its key
	Revoked   Reason = "revoked"   // somebody ended it elsewhere, on purpose
	Replaced  Reason = "replaced"  // another session took its place
	Startup   Reason = "startup"   // it was over before the program started
	LoggedOut Reason = "loggedOut" // the user ended it here
)

// fault is what somebody gets who wants to use a session that ended for this reason.
func (r Reason) fault() error {
	switch r {
	case Clock, Startup:
		return fault.New(fault.SessionExpired, nil)
	case Rejected, Revoked:
		return fault.New(fault.SessionRejected, nil)
	default:
		return fault.New(fault.SessionNone, nil)
	}
}

// byTime reports whether the end came without anybody's decision.
func (r Reason) byTime() bool { return r == Clock || r == Startup || r == Rejected }
