// Package journal is the record of every request of a profile that was stamped or refused: who asked what, when, by
// which key, by whose leave, and what came of it. It is what the inspector shows and what an auditor is given.
//
// It owns the form of the record, its chain and its proof. It does not own who tells it of requests (client), nor
// where the state key lies (session, keystore). It depends on store and fault.
//
// # On disk
//
// In the profile's folder stand journal-000001.log and its successors, and journal-head. A log is a header line,
//
//	latchkey journal 1 <number of the last entry that the head covered, 20 digits>
//
// and then one line of JSON an entry, in the order in which they were written; see [Entry]. Each holds the SHA-256 of
// the line before it. What a body may hold (verification tokens, codes, sealed bundles) never stands there in clear:
// the body is sealed (AES-256-GCM) under the profile's state key, for exactly this entry: the seal's context is the
// rest of the line, so that it also proves that we wrote it. A body of over [MaxBody] bytes is left out, and its hash
// and size remain. What stands in clear is only what has the form of an id, a path, a type or a code.
//
// The head is the count of entries and the hash of the last, sealed under the same key; it is written after the entries.
// So what comes after the head is either a crash in between, in which case the seals prove the entries, or a forgery.
// Whoever appends goes on from the head and not from what the file says: a chain that was tampered with stays broken.
//
// A log of over [SegmentSize] bytes is followed by the next; beyond [Segments] of them the oldest goes, and the head
// keeps the number and hash at which the chain now begins: at most 34 MB in all.
//
// # Without the state key
//
// Entries are written all the same, with neither body nor seal, and nothing is dropped. The head stays as it is until
// the key is back, and covers them then. Under a new key (the keychain was reset, or another key store is in use, memory
// among them: each has a state key of its own) a new head is made, which says from
// which entry on it proves anything. [Journal.Verify] says what is not proven.
//
// # Limits, stated plainly
//
//   - Logs and head put back together, as one older copy with the file store's own older generation, cannot be told
//     from the truth: nothing outside the folder counts along.
//   - Whoever can read the state key can forge all of it.
//   - The hash of a body that holds a short code would let somebody who knows all the rest of the body guess the code.
//   - A process that is killed between an answer and the next moment has not recorded that request.
//   - On file systems without locks between machines, two machines must not share a profile.
package journal
