package client

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mr-tron/base58"

	onchain "latchkey/internal/chain"
	"latchkey/internal/fault"
	"latchkey/internal/session"
	"latchkey/internal/turnkey"
)

// Signature is a signature by an account: R and S are 64 hex characters each, V is two (the recovery id of ECDSA, "00"
// for ed25519). Text is the form in which the account's chain spells it: 0x, r, s and 27 or 28 for Ethereum, base58 for
// Solana, r and s in hex for others.
type Signature struct {
	R, S, V, Text string
}

// The words by which payloads are encoded and hashed, and transactions typed, with Turnkey's.
var (
	encodings = map[string]string{
		"hex": "PAYLOAD_ENCODING_HEXADECIMAL", "text": "PAYLOAD_ENCODING_TEXT_UTF8", "eip712": "PAYLOAD_ENCODING_EIP712", "eip7702": "PAYLOAD_ENCODING_EIP7702_AUTHORIZATION",
	}
	hashes = map[string]string{
		"none": "HASH_FUNCTION_NO_OP", "keccak256": "HASH_FUNCTION_KECCAK256", "sha256": "HASH_FUNCTION_SHA256", "ed25519": "HASH_FUNCTION_NOT_APPLICABLE",
	}
	transactions = map[string]string{
		"ethereum": "TRANSACTION_TYPE_ETHEREUM", "solana": "TRANSACTION_TYPE_SOLANA", "tron": "TRANSACTION_TYPE_TRON", "bitcoin": "TRANSACTION_TYPE_BITCOIN", "tempo": "TRANSACTION_TYPE_TEMPO",
	}
)

// Encodings, Hashes and TransactionTypes are those words, sorted.
func Encodings() []string        { return slices.Sorted(maps.Keys(encodings)) }
func Hashes() []string           { return slices.Sorted(maps.Keys(hashes)) }
func TransactionTypes() []string { return slices.Sorted(maps.Keys(transactions)) }

// FindAccount returns the account that word names: an address, or WALLET/ACCOUNT, where WALLET is a wallet's name or id
// and ACCOUNT a chain (ethereum, ETH), an account's name or path. Errors: fault.SignerUnknown, also when several fit.
func (c *Client) FindAccount(ctx context.Context, word string) (Account, error) {
	wallets, err := c.Wallets(ctx)
	if err != nil {
		return Account{}, err
	}
	var fit []Account
	for _, w := range wallets {
		for _, a := range w.Accounts {
			if a.Address == word || strings.HasPrefix(word, "0x") && strings.EqualFold(a.Address, word) {
				return a, nil
			}
			for _, name := range []string{w.ID, w.Name} {
				if rest, ok := strings.CutPrefix(word, name+"/"); ok && a.called(rest) {
					fit = append(fit, a)
					break
				}
			}
		}
	}
	switch len(fit) {
	case 1:
		return fit[0], nil
	case 0:
		return Account{}, fault.New(fault.SignerUnknown, fmt.Errorf("no account is %q", word))
	}
	return Account{}, fault.New(fault.SignerUnknown, fmt.Errorf("%d accounts are %q; name one by its address", len(fit), word))
}

// called reports whether word names the account within its wallet.
func (a Account) called(word string) bool {
	at := slices.IndexFunc(chains, func(known chain) bool { return known.id == strings.ToLower(word) })
	return word == a.Name || word == a.Path || strings.EqualFold(word, a.Chain) || at >= 0 && chains[at].tag == a.Chain
}

// SignMessage signs a text as the account's chain does: Ethereum's personal message, Solana's bare bytes. Errors:
// fault.RequestInvalid when the chain has no form for messages; those of approval.
func (c *Client) SignMessage(ctx context.Context, a Account, text []byte) (Signature, error) {
	switch a.Chain {
	case "ETH":
		return c.signRaw(ctx, a, hex.EncodeToString(onchain.PersonalMessage(text)), "hex", "keccak256")
	case "SOL":
		return c.signRaw(ctx, a, hex.EncodeToString(text), "hex", "ed25519")
	}
	return Signature{}, fault.New(fault.RequestInvalid, fmt.Errorf("%s has no form for messages here; sign the payload", a.Chain))
}

// SignPayload signs a payload as it is given, by the words of [Encodings] and [Hashes].
func (c *Client) SignPayload(ctx context.Context, a Account, payload, encoding, hash string) (Signature, error) {
	if encodings[encoding] == "" || hashes[hash] == "" {
		return Signature{}, fault.New(fault.RequestInvalid, fmt.Errorf("encoding %q or hash %q", encoding, hash))
	}
	return c.signRaw(ctx, a, payload, encoding, hash)
}

func (c *Client) signRaw(ctx context.Context, a Account, payload, encoding, hash string) (Signature, error) {
	raw, err := inSession(ctx, c, func(ctx context.Context, r *running, s session.Session) (turnkey.RawSignature, error) {
		return r.api.SignRawPayload(ctx, s.OrganizationID, turnkey.SignRawPayloadParams{
			SignWith: a.Address, Payload: payload, Encoding: encodings[encoding], HashFunction: hashes[hash],
		})
	})
	if err != nil {
		return Signature{}, err
	}
	out := Signature{R: raw.R, S: raw.S, V: raw.V, Text: raw.R + raw.S}
	both, err := hex.DecodeString(raw.R + raw.S)
	if err != nil || len(both) != 64 {
		return Signature{}, fault.New(fault.APIDown, errors.New("what was answered is no signature"))
	}
	switch a.Chain {
	case "ETH":
		parity, err := strconv.ParseUint(raw.V, 16, 8)
		if err != nil || parity > 1 {
			return Signature{}, fault.New(fault.APIDown, errors.New("what was answered is no signature of Ethereum's"))
		}
		out.Text = fmt.Sprintf("0x%s%s%02x", raw.R, raw.S, 27+parity)
	case "SOL":
		out.Text = base58.Encode(both)
	}
	return out, nil
}

// TransactionType returns the type of transactions that the account's chain has, or "".
func (a Account) TransactionType() string {
	for _, known := range chains {
		if known.tag == a.Chain && transactions[known.id] != "" {
			return known.id
		}
	}
	if name, ok := strings.CutPrefix(a.Chain, "ADDRESS_FORMAT_"); ok && transactions[strings.ToLower(name)] != "" {
		return strings.ToLower(name)
	}
	return ""
}

// SignTransaction signs an unsigned transaction, hex with or without 0x, of a type of [TransactionTypes], and returns the
// signed one as hex, with 0x where nodes want it.
func (c *Client) SignTransaction(ctx context.Context, a Account, unsigned, kind string) (string, error) {
	if transactions[kind] == "" {
		return "", fault.New(fault.RequestInvalid, fmt.Errorf("transactions of type %q", kind))
	}
	signed, err := inSession(ctx, c, func(ctx context.Context, r *running, s session.Session) (string, error) {
		return r.api.SignTransaction(ctx, s.OrganizationID, turnkey.SignTransactionParams{
			SignWith: a.Address, UnsignedTransaction: strings.TrimPrefix(unsigned, "0x"), Type: transactions[kind],
		})
	})
	if err != nil {
		return "", err
	}
	if kind == "ethereum" || kind == "tempo" {
		signed = "0x" + strings.TrimPrefix(signed, "0x")
	}
	return signed, nil
}
