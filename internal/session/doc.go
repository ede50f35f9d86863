// Package session keeps the sessions of one profile: many, one of them active, each restored at start, refreshed
// before its end, ended for a reason, and, on log-out, revoked.
//
// It owns the state file, the order in which keys are named, made, swapped, revoked and deleted, and every decision
// that depends on time. It does not own keys (keystore), tokens (token), files and locks (store), the wire (refresh,
// probe and revoke are functions that client supplies) or the ways in (login). It depends on those three, fault, and
// nothing else of ours.
//
// # The core and the shell
//
// What a session is and what becomes of it is decided by pure functions of a state, an event and an instant: see
// reduce, plan, refreshAt. [Manager] is the shell around them: it reads, lets the core decide under a lock, writes,
// and only then acts. Instants are Unix milliseconds of the service's time, so that no monotonic reading, which stands
// still while a laptop sleeps, can slip into a decision.
//
// # Why nothing is lost
//
// The name of a key is in the file before the key exists and until after it is deleted, and a step is written down
// before it is taken:
//
//	log-in    name the pending key → make it → (login talks) → session and key in one write
//	refresh   name the next key → make it → ask → verify the token → swap in one write → revoke the old key → delete it
//	log-out   ended, token gone, keys listed as leaving, in one write → revoke each by itself → delete → strike out
//	everywhere  a refresh at which the service forgets every other key of the user → a log-out of each of its sessions
//
// A process that dies in between leaves a file that says what is left to do, and plan says it again to the next one.
// A next key whose answer was lost is tried: accepted, it becomes the key, and an ordinary refresh from it brings a
// token; unknown to the service, it is used for the next try. A key that left without being revoked stays on a list of
// public keys that a later session of the same user works off.
//
// A session has at most two keys at the service: its own, and during a refresh the next one, or after it for a minute
// the last one. Before another is made the last one is revoked.
//
// Two locks: state.lock over read, decide and write, never over keychain or network; refresh-<id>.lock over one
// refresh, at most 30 seconds. Both end with their process. (A third, state-key.lock, is held while the key that seals
// tokens and attempts is made, once in the life of a profile.)
//
// # Several stores
//
// A key is used in the store that its record names, and nowhere else; a refresh makes the next key where the present one
// is. [Manager.Move] makes it in another, and is a refresh in all other respects: keys are never copied. A store that
// would have to ask a person (locked, or waiting for its passphrase) is never asked because time passed: what needs it
// waits, and a next key that a broken move left in it is given up as long as the session's own key is good. What is in
// the memory of another process is out of reach, and left alone.
//
// # Wrong clocks
//
// Decisions use the service's time: the wall clock and, when its answers show more than 30 seconds, the skew. The skew
// belongs to a setting of the clock, so it is stored with the state, and in doubt after a jump; see clockwork. A wrong
// clock of which nobody has told us yet is believed: a session that seems over by it ends, and is logged in to again.
package session
