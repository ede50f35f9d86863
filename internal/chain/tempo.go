package chain

import (
	"fmt"
	"math/big"
	"slices"
)

// tempoType is the first byte of a Tempo transaction.
const tempoType = 0x76

// TempoTransaction is an unsigned transaction of Tempo, a chain beside Ethereum: several calls done as one, paid for in
// a token. Times are Unix seconds and zero when unset.
type TempoTransaction struct {
	ChainID                            *big.Int // never zero
	MaxPriorityFeePerGas, MaxFeePerGas *big.Int
	Gas, Nonce                         uint64
	NonceKey                           *big.Int // which of the sender's nonces
	Calls                              []TempoCall
	AccessList                         []AccessEntry
	ValidBefore, ValidAfter            uint64
	FeeToken                           *[20]byte // nil for the account's own choice
	Sponsored                          bool      // somebody else will pay, and choose the token

	raw   []byte
	items []byte
}

// TempoCall is one call.
type TempoCall struct {
	To    *[20]byte // nil creates a contract
	Value *big.Int
	Data  []byte
}

// ParseTempoTransaction reads an unsigned transaction: 0x76 and RLP of thirteen items, as viem's serializer writes it
// for its sender to sign. One that a fee payer has signed before its sender is refused, and so are new keys and
// delegations (key authorization, authorization list), which nobody would be shown.
// Source: the npm package ox 0.14.45, tempo/TxEnvelopeTempo.
func ParseTempoTransaction(raw []byte) (*TempoTransaction, error) {
	t, err := readTempo(raw)
	if err != nil {
		return nil, invalid("tempo transaction: %w", err)
	}
	return t, nil
}

func readTempo(raw []byte) (*TempoTransaction, error) {
	if len(raw) == 0 || len(raw) > maxEthereum || raw[0] != tempoType {
		return nil, fmt.Errorf("want %#x and at most %d bytes", tempoType, maxEthereum)
	}
	t := &TempoTransaction{raw: slices.Clone(raw)}
	outer := &rlpReader{rest: t.raw[1:]}
	r := outer.list()
	t.items = r.rest
	t.ChainID = r.integer(8)
	t.MaxPriorityFeePerGas, t.MaxFeePerGas = r.integer(32), r.integer(32)
	t.Gas = r.integer(8).Uint64()
	t.readCalls(r)
	t.AccessList = readAccessList(r)
	t.NonceKey = r.integer(24) // Solidity's uint192
	t.Nonce = readNonce(r)
	t.ValidBefore, t.ValidAfter = r.integer(8).Uint64(), r.integer(8).Uint64()
	t.FeeToken = readMaybeAddress(r)
	switch payer := r.text(); {
	case len(payer) == 1 && payer[0] == 0:
		t.Sponsored = true
	case len(payer) > 0:
		r.fail("a fee payer before the sender")
	}
	if delegations := r.list(); delegations.more() {
		r.fail("delegations")
	}
	outer.join(r) // a key authorization would be a further item, and so would a signature
	outer.end()
	switch {
	case outer.err != nil:
		return nil, outer.err
	case t.ChainID.Sign() == 0:
		return nil, fmt.Errorf("no chain id")
	case len(t.Calls) == 0:
		return nil, fmt.Errorf("no calls")
	case t.Sponsored && t.FeeToken != nil:
		return nil, fmt.Errorf("a fee token that is the fee payer's to choose")
	}
	return t, nil
}

func (t *TempoTransaction) readCalls(r *rlpReader) {
	list := r.list()
	for list.more() {
		item := list.list()
		t.Calls = append(t.Calls, TempoCall{readMaybeAddress(item), item.integer(32), item.text()})
		list.join(item)
	}
	r.join(list)
}

// Digest returns the 32 bytes that are signed: Keccak-256 of the unsigned transaction.
func (t *TempoTransaction) Digest() []byte { return Keccak256(t.raw) }

// Signed returns the transaction with its sender's signature over the digest as the last item: r, s and 27 or 28, by
// the parity of the y coordinate.
func (t *TempoTransaction) Signed(r, s []byte, parity byte) []byte {
	signature := slices.Concat(r, s, []byte{27 + parity})
	return appendRLPList([]byte{tempoType}, appendRLP(slices.Clone(t.items), signature))
}
