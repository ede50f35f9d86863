package session

import "time"

// Role is what a key is to its session.
type Role string

// The roles.
const (
	RoleSession  Role = "session"  // it stamps
	RoleNext     Role = "next"     // it is to replace the session's
	RoleRetiring Role = "retiring" // it was replaced, and works until it is revoked
	RolePending  Role = "pending"  // made for a log-in under way
	RoleLeaving  Role = "leaving"  // to be revoked and deleted
	RoleRevoke   Role = "revoke"   // deleted here; to be revoked by another session of its user
)

// HeldKey is one key that the state names. With RoleRevoke its private half is gone, and Backend is "".
type HeldKey struct {
	PublicKey string
	Backend   string
	Role      Role
	SessionID string // "" where none is known
	Made      time.Time
	Expires   time.Time // when the service forgets it by itself, as far as is known
}

// Held returns every key that is accounted for, session by session, and then those of no session.
func (m *Manager) Held() []HeldKey {
	var list []HeldKey
	add := func(k key, role Role, session string) {
		list = append(list, HeldKey{k.PublicKey, k.Backend, role, session, k.Made.time(), k.Expires.time()})
	}
	st := m.snapshot()
	for _, r := range st.Sessions {
		if r.Ended == nil {
			add(r.Key, RoleSession, r.ID)
		}
		if r.Next != nil {
			add(*r.Next, RoleNext, r.ID)
		}
		for _, k := range r.Retiring {
			add(k.key, RoleRetiring, r.ID)
		}
	}
	for _, k := range st.Pending {
		add(k.key, RolePending, "")
	}
	for _, k := range st.Leaving {
		add(k.key, RoleLeaving, k.Session)
	}
	for _, k := range st.Later {
		add(key{PublicKey: k.PublicKey, Expires: k.Ends}, RoleRevoke, "")
	}
	return list
}
