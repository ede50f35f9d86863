package cli

import (
	"encoding/json"
	"errors"

	"latchkey/internal/local"
	"latchkey/internal/profile"
)

// printPins writes one JSON object: each public key that Turnkey's own clients pin, and the key that has its place in
// the sandbox of these options. build/pins.mjs swaps them when a page is bundled. A sandbox with neither seed nor
// folder has other keys at every start, so there would be nothing to print.
func (t *terminal) printPins(o local.SandboxOptions) error {
	if o.Seed == 0 && o.StateDir == "" {
		return usage{errors.New("--print-pins needs --seed or --state: without them a sandbox has new keys at every start")}
	}
	o.Listen, o.Control, o.Log = "127.0.0.1:0", "127.0.0.1:0", t.log(false)
	s, err := local.StartSandbox(o)
	if err != nil {
		return err
	}
	theirs := profile.ProductionPins()
	pins := map[string]string{
		theirs.Notarizer:            s.Ready.NotarizerPublicKey,
		theirs.TLSFetcher:           s.Ready.TLSFetcherPublicKey,
		theirs.TLSFetcherEncryption: s.Ready.TLSFetcherEncryptionPublicKey,
		theirs.Signer:               s.Ready.SignerPublicKey,
		theirs.LegacyToken:          s.Ready.LegacyTokenPublicKey,
	}
	return errors.Join(json.NewEncoder(t.out).Encode(pins), s.Close())
}
