// Package chain knows what other people's chains write down: Keccak-256, Ethereum and Solana addresses, EIP-712 typed
// data, EIP-7702 authorizations, and the unsigned transactions of Ethereum, Solana and Tempo, each read strictly,
// reduced to what is signed, and put into words for the person who is to sign it. In words no amount is rounded and no
// character from outside is what it does not look like.
//
// It holds no keys and signs nothing, though it puts a signature into the transaction that it belongs to: the sandbox's
// wallets and the window's approval stand on it, so that what is shown and what is signed come from one reading. It does
// not talk to a node, and of contracts it knows the calls of the token standards and Solana's own programs alone.
//
// Input comes from strangers. Sizes, nesting and the number of types are limited; what breaks a limit or a rule is an
// error of kind Invalid (code request.invalid), never a panic. Where the standards leave a choice the stricter reading
// is taken, and it is named where it is made.
//
// It depends on fault, decred's secp256k1, x/crypto for the Keccak that is older than SHA-3, and mr-tron/base58.
package chain

import (
	"fmt"

	"latchkey/internal/fault"
)

// invalid is the one failure of this package: the input is wrong, and asking again changes nothing.
func invalid(format string, args ...any) error {
	return fault.New(fault.RequestInvalid, fmt.Errorf(format, args...))
}

// clip keeps what came from outside short enough for an error.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
