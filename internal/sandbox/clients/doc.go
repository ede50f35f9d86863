// Package clients runs Turnkey's own npm clients, as the registry has them, against the sandbox and the backend: the
// proof that what we imitate is imitated well enough for those who never heard of us. Nothing of theirs is changed;
// they are given other URLs and, where they pin an enclave's key, their own argument for another one.
//
// It holds tests and their scripts alone. The scripts (*.mjs) say what a client does and what it must see; the Go
// files start the program, stand between client and sandbox, and hold every answer against the published API
// description. What is pinned stands in package-lock.json; npm ci fetches it. Where node or the packages are missing
// the tests are skipped by name. viem is pinned with them because Turnkey's wallet stamper, which calls it optional,
// does not load without it; it serves as a judge of Ethereum signatures besides.
package clients
