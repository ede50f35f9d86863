// Package backend is the auth server: it stands between the devices and the parent organization, whose key it alone
// holds, and does for a device what only the parent may do: send a code, check it, make a sub-organization, log in.
//
//	POST /otp/init    a contact                    -> the id of a code, and the bundle to seal the answer to
//	POST /otp/verify  a code, sealed or plain      -> a verification token
//	POST /otp-login   a verification token, a key  -> a session of that key
//	POST /signup      a contact, ways in           -> a sub-organization
//
// Several families of clients ask for the same in their own words: those of Turnkey's documents, as above, those of the
// Swift kit's example servers (/auth/…), the web examples' pages (/api/…), and the kits that speak to an auth proxy
// (/v1/…). Whatever may be asked for is one step that all of them take (send, prove, enter,
// enterByIdentity, enrol, lookUp); a route reads its family's names and writes its answer, and decides nothing.
//
// It owns the routes, what a request may look like, who may call, how often, and which organization a proven contact
// belongs to. It does not own the API's wire (turnkey), what makes a token genuine (token), or the address it listens
// on: it exports handlers. It depends on turnkey, stamp, token, fault and p256.
//
// # No pre-hijack
//
// Anybody can make a sub-organization that carries somebody else's e-mail address and his own key. So an address is
// an identity only once it was proven: a contact finds the organization in which it was verified. Where there is
// none, an unverified one is used only if nobody can have been in it: its only user has no API key, authenticator,
// OAuth provider or second contact, and none of its wallets has been seen outside. Otherwise a new one is made. No
// claim of a token is used before its signature and its organization are checked, and nobody is told whether an
// address has an account who has not proven that it is his. An organization that a caller names is entered only where
// the proof leads.
//
// A public key is an identity that the service does not ask proof of: whoever signs up somebody else's wallet key beside
// a way in of his own is found by that key first. Only the service can close that; here such a key is never taken for a
// proof of a contact.
//
// # State
//
// Attempts, limits, turns and sign-ups under way are kept in the memory of the process, each bounded in number and time,
// or, for any number of replicas, in one Redis (see state). A restart forgets the memory: codes that are on their way
// still work, because the service keeps its own count of guesses, and a sign-up that is repeated with its
// Idempotency-Key or verification token is found again by its name. In Redis what is not remembered never was: a code
// that it does not know is over.
//
// A Redis that cannot be asked, or says no, makes the backend stricter and never more generous: whatever needs the state,
// which is every route, is refused with 503 within seconds. Redis has to keep what it acknowledged (appendonly yes, and
// with replicas of its own RedisCopies); one that may evict keys, or is a replica, is not used. What is in it tells
// nobody a contact or an address: keys are HMACs under a secret derived from StateKey or else from the parent's API key,
// so all replicas need the same one, and another secret is another count.
//
// # Limits
//
// The address of a caller is that of the connection; forwarding headers are believed from trusted proxies alone. A
// contact's codes are counted for all strangers together, and apart for whoever has proven it from his address before, so
// that no stranger can keep him out. Tries are counted before they are judged. Waits after wrong guesses bind to the
// address that guessed, and only for a second and third guess at one code.
package backend
