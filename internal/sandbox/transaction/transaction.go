// Package transaction reads unsigned transactions as sign_transaction takes them, tells a policy what they do, and
// signs them: Ethereum, Solana, Tron, Bitcoin and Tempo, one file each.
//
// It owns how each chain is signed and what stands in the policy language's structs. It holds no keys, knows no
// organization and asks no node: whether the money is there, whether a nonce is right or a fee enough is not checked.
// The bytes of Ethereum, Solana and Tempo are read by chain, which the window shares, those of Bitcoin by btcd's psbt
// and txscript, and Tron's protobuf by protowire.
//
// Input comes from strangers. What cannot be read to the last byte is INVALID_TRANSACTION; nothing panics.
//
// What it does not do:
//   - Tempo: the half of a fee payer, access keys, delegations and signatures other than secp256k1. A sponsored
//     transaction comes back in its form of 0x76 with the sender's signature; what the service sends is not known.
//   - What a Solana message of version 1 asks of the network, its fee above all, is not told to policies.
//   - Tron contracts other than the seven that the policy language knows.
//   - Taproot scripts and SegWit wrapped in P2SH, which the service does not do either.
//   - Ethereum ABIs and Solana IDLs: function_name and its like stay unset.
package transaction

import (
	"encoding/hex"
	"fmt"
	"strings"

	"latchkey/internal/sandbox/hd"
	"latchkey/internal/sandbox/policy"
)

// Signer is the key that is asked to sign.
type Signer struct {
	Key hd.Key
	// Formats are the address formats (ADDRESS_FORMAT_...) that the key stands for: one for an account or an address,
	// all of its own for a lone key. Only Bitcoin asks, for what belongs to a key there depends on the address.
	Formats []string
}

// Transaction is one that was read to the end and can be signed by the signer it was read for.
type Transaction interface {
	// Tell writes into c what the transaction does.
	Tell(c *policy.Context)
	// Sign returns the signed transaction in the form of the input, lower hex.
	Sign() (string, error)
}

// Code is the service's own word for what is wrong.
type Code string

const (
	Invalid     Code = "INVALID_TRANSACTION"
	Unsupported Code = "UNSUPPORTED_TRANSACTION_TYPE"
)

// Error is a transaction that will not be signed. Text repeats nothing secret.
type Error struct {
	Code Code
	Text string
}

func (e *Error) Error() string { return e.Text }

func bad(format string, args ...any) error { return &Error{Invalid, fmt.Sprintf(format, args...)} }

// maxBytes bounds a transaction of any kind.
const maxBytes = 512 << 10

// Parse reads text, which is hex with or without 0x, as a transaction of kind (TRANSACTION_TYPE_...). Every error is an
// [*Error]. It keeps the signer's key.
func Parse(kind, text string, by Signer) (Transaction, error) {
	name, _ := strings.CutPrefix(kind, "TRANSACTION_TYPE_")
	curve := hd.Secp256k1
	switch name {
	case kind:
		return nil, &Error{Unsupported, "unsupported transaction type"}
	case "SOLANA":
		curve = hd.Ed25519
	}
	if by.Key.Curve != curve {
		return nil, bad("invalid curve for %s", clip(kind))
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil || len(raw) == 0 || len(raw) > maxBytes {
		return nil, bad("invalid transaction: want hex of 1 to %d bytes", maxBytes)
	}
	switch name {
	case "ETHEREUM":
		return readEthereum(raw, by)
	case "SOLANA":
		return readSolana(raw, by)
	case "TRON":
		return readTron(raw, by)
	case "BITCOIN":
		return readBitcoin(raw, by)
	case "TEMPO":
		return readTempo(raw, by)
	}
	return nil, &Error{Unsupported, "unsupported transaction type"}
}

// clip keeps what came from outside short enough for an error.
func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

// signECDSA returns the three parts of a signature over a digest: r and s of 32 bytes, s the lower of two, and the
// recovery id.
func signECDSA(k hd.Key, digest []byte) (r, s []byte, v byte, err error) {
	left, right, id, err := hd.SignDigest(k, digest)
	if err != nil {
		return nil, nil, 0, err
	}
	raw, err := hex.DecodeString(left + right + id)
	if err != nil {
		return nil, nil, 0, err
	}
	return raw[:32], raw[32:64], raw[64], nil
}
