package session

import "slices"

// taskKind is a kind of work that follows from a state.
type taskKind string

const (
	taskRefresh taskKind = "refresh" // replace the key, or find out about a next key
	taskRetire  taskKind = "retire"  // revoke a retiring key
	taskDepart  taskKind = "depart"  // revoke a leaving key by itself if need be, and delete it here
	taskRevoke  taskKind = "revoke"  // revoke a key of the list for later
	taskAsk     taskKind = "ask"     // make the service answer, to know its time
)

// inMemory is the backend whose keys end with their process.
const inMemory = "memory"

// task is one piece of work. Doing it twice does no harm.
type task struct {
	kind      taskKind
	session   string // whose key does it; "" for taskDepart
	publicKey string // of the key in question; "" for taskRefresh
}

// plan lists what follows from s at an instant. At start it is the repair of whatever a dead process left undone. Keys
// that are out of reach are left alone: only their own store can do anything with them.
func plan(s state, reaches func(key) bool, now instant) []task {
	var tasks []task
	for _, r := range s.Sessions {
		if r.Ended != nil || !reaches(r.Key) {
			continue
		}
		if r.Next != nil || refreshDue(r, now) {
			tasks = append(tasks, task{kind: taskRefresh, session: r.ID})
		}
		for _, k := range r.Retiring {
			if !waiting(k.Revoke, now, retireGrace) && r.standing(now) == good {
				tasks = append(tasks, task{taskRetire, r.ID, k.PublicKey})
			}
		}
	}
	for _, k := range s.Leaving {
		if reaches(k.key) || k.Backend == inMemory && k.Expires <= now { // whoever held it in memory is gone
			tasks = append(tasks, task{kind: taskDepart, publicKey: k.PublicKey})
		}
	}
	for _, k := range s.Later {
		i := slices.IndexFunc(s.Sessions, func(r record) bool {
			return r.standing(now) == good && reaches(r.Key) && r.OrganizationID == k.OrganizationID &&
				(k.UserID == "" || k.UserID == r.UserID)
		})
		if i >= 0 {
			tasks = append(tasks, task{taskRevoke, s.Sessions[i].ID, k.PublicKey})
		}
	}
	return tasks
}

// planAsk is what to do while the service's time is in doubt: ask it with any key that may be good.
func planAsk(s state, reaches func(key) bool, now instant) []task {
	for _, r := range s.Sessions {
		if r.standing(now) == good && reaches(r.Key) {
			return []task{{kind: taskAsk, session: r.ID}}
		}
	}
	return nil
}

// nextLook is when the state should be looked at again although nothing happens: at the next refresh, end or
// revocation. Zero means never.
func nextLook(s state, now instant) instant {
	var look instant
	sooner := func(i instant) {
		if i > now && (look == 0 || i < look) {
			look = i
		}
	}
	for _, r := range s.Sessions {
		if r.Ended != nil {
			continue
		}
		sooner(refreshAt(r))
		sooner(r.Key.Expires)
		for _, k := range r.Retiring {
			sooner(k.Revoke)
		}
	}
	return look
}
