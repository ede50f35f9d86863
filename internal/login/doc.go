// Package login holds the ways in, one file per method: from a contact that a person types to a session that is
// stored.
//
// It owns the order of a log-in, what of it is kept so that it survives a restart, and the checks of everything that a
// backend says: bundles and verification tokens by the pinned TLS fetcher key, and that they name our key, contact and
// organization. It does not own keys (keystore), the session token and what follows (session), or the backend. It
// depends on session, keystore, token, bundle, profile and p256.
//
// A log-in can be broken off at any step: its attempt is sealed in the profile's state, its key named there before it
// exists. What the backend already granted is kept, so that neither a lost answer nor a restart asks for a second code
// or makes a second account.
package login
