// Package clients runs Turnkey's own npm clients, as the registry has them, against the sandbox and the backend: the
// proof that what we imitate is imitated well enough for those who never heard of us. Nothing of theirs is changed;
// they are given other URLs and, where they pin an enclave's key, their own argument for another one. Where they take
// no such argument, as @turnkey/core does not for encrypted codes, the bundler swaps the keys (build/pins.mjs); those
// rows of the table say "pins swapped".
//
// It holds tests and their scripts alone. The scripts (*.mjs) say what a client does and what it must see; the Go
// files start the program, stand between client and sandbox, and hold every answer against the published API
// description. The web packages run in Debian's Chromium with a virtual authenticator (browser.mjs, core*.mjs); the auth
// proxy that they call for codes, look-ups and sign-ups is our backend, and its answers are held against the
// description of Turnkey's. The example that the README points to (build/example) runs there too, served by Vite
// (example.mjs). The tests end with the table of client and flow, and with what was counted: replies, distinct paths,
// violations.
//
// What is pinned stands in package-lock.json; npm ci fetches it. Where node, Chromium or the packages are missing the
// tests are skipped by name. viem is pinned with them because Turnkey's wallet stamper, which calls it optional, does
// not load without it; it serves as a judge of Ethereum signatures besides, as @solana/web3.js does for Solana.
//
// Not run: WalletConnect, which needs a relay beyond this machine; the packages for React and React Native.
package clients
