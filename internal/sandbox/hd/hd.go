// Package hd is the wallet engine of the sandbox: phrases (BIP-39), keys from paths (BIP-32, SLIP-0010), addresses and
// raw signatures, as the vendor's enclave makes them.
//
// It owns no wallet and keeps nothing: who may sign, and which path is taken already, is the sandbox's business. It
// works in memory with keys in the clear and partly in variable time, which is right for an imitation and for nothing
// else.
//
// What it does not do, because the vendor's encoding is unknown or needs more than a key, and refuses as Invalid:
//   - addresses of TON (contract code cells), Spark (a payload of its own) and P2WSH (which witness script is unknown);
//   - phrases in other languages than English, and BIP-39 passphrases, which the vendor leaves empty;
//   - ed25519 paths with a step that is not hardened: SLIP-0010 has none.
//
// A P2SH address is the hash of the key's P2PKH script. The vendor signs bare P2SH inputs alone and says that wrapped
// SegWit is unsupported; whether its bare script is P2PKH or P2PK is not known, and the former is the more usual.
//
// Errors are of kind Invalid with the vendor's own text as the cause ("invalid path"), so that a server can pass it on:
// it is the Err of the [fault.Error].
//
// It depends on chain, fault, decred's secp256k1, x/crypto, mr-tron/base58 and, for its word list alone,
// tyler-smith/go-bip39.
package hd

import (
	"errors"

	"latchkey/internal/fault"
)

// The curves, spelt as requests spell them.
const (
	Secp256k1 = "CURVE_SECP256K1"
	Ed25519   = "CURVE_ED25519"
	P256      = "CURVE_P256"
)

// invalid is the one failure of this package. The text is the vendor's where one is known.
func invalid(text string) error { return fault.New(fault.RequestInvalid, errors.New(text)) }

// CheckAccount reports what the vendor would say about the parameters of a wallet account before anything is derived,
// or nil.
func CheckAccount(curve, pathFormat, path, addressFormat string) error {
	if curve == "" {
		return invalid("curve required")
	}
	if _, err := arithmetic(curve); err != nil {
		return err
	}
	if pathFormat != "PATH_FORMAT_BIP32" {
		return invalid("invalid path format")
	}
	steps, err := parsePath(path)
	if err != nil {
		return err
	}
	if curve == Ed25519 && !allHardened(steps) {
		return errPath()
	}
	_, err = encoding(addressFormat, curve)
	return err
}
