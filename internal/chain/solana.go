package chain

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// maxSolana is what fits into one packet of the network, and so the length of the longest transaction before version 1.
const maxSolana = 1232

// SolanaLegacy is the version of messages that name none.
const SolanaLegacy = -1

// SolanaTransaction is a transaction whose signatures may be missing, which means zero.
type SolanaTransaction struct {
	Signatures   [][64]byte // as many as the message requires
	Message      []byte     // what is signed
	Version      int        // SolanaLegacy, 0 or 1
	Keys         [][32]byte // the accounts that the message spells out; the signers come first
	Blockhash    [32]byte
	Instructions []SolanaInstruction
	Lookups      []SolanaLookup // of version 0 alone
	Config       SolanaConfig   // of version 1 alone

	readonlySigned, readonlyUnsigned int
}

// SolanaInstruction is a call of a program. The numbers of accounts may be given to [SolanaTransaction.Account].
type SolanaInstruction struct {
	Program  [32]byte
	Accounts []byte
	Data     []byte
}

// SolanaLookup takes accounts from a table that stands on the chain.
type SolanaLookup struct {
	Table              [32]byte
	Writable, Readonly []byte // places in the table
}

// SolanaAccount is an account that an instruction names. Nobody but the chain knows the key of one from a table.
type SolanaAccount struct {
	Key              [32]byte // zero if from a table
	Signer, Writable bool
	FromTable        bool
	Table            [32]byte // where it comes from
	Place            byte
}

// ParseSolanaTransaction reads a whole transaction: signatures, then the message, or in version 1 the message first.
// Numbers must be spelt as short as they can be, there must be as many signatures as the message requires, every account
// that is mentioned must exist, a program must be spelt out and cannot pay for the transaction, and nothing may follow.
// Source: Solana's documentation, "Transactions", and the rules by which validators sanitize messages.
func ParseSolanaTransaction(raw []byte) (*SolanaTransaction, error) {
	t, err := readSolana(raw)
	if err != nil {
		return nil, invalid("solana transaction: %w", err)
	}
	return t, nil
}

func readSolana(raw []byte) (*SolanaTransaction, error) {
	if len(raw) > 0 && raw[0] == 0x80|1 {
		return readSolanaV1(raw)
	}
	if len(raw) > maxSolana {
		return nil, fmt.Errorf("over %d bytes", maxSolana)
	}
	t := &SolanaTransaction{}
	r := &compactReader{rest: slices.Clone(raw)}
	for range r.count() {
		t.Signatures = append(t.Signatures, [64]byte(r.take(64)))
	}
	t.Message = r.rest
	if err := t.readMessage(r); err != nil {
		return nil, err
	}
	return t, t.check()
}

func (t *SolanaTransaction) readMessage(r *compactReader) error {
	required := int(r.take(1)[0])
	t.Version = SolanaLegacy
	if required >= 0x80 {
		if t.Version = required - 0x80; t.Version != 0 {
			return fmt.Errorf("no message version %d in this form", t.Version)
		}
		required = int(r.take(1)[0])
	}
	t.readonlySigned, t.readonlyUnsigned = int(r.take(1)[0]), int(r.take(1)[0])
	for range r.count() {
		t.Keys = append(t.Keys, [32]byte(r.take(32)))
	}
	t.Blockhash = [32]byte(r.take(32))
	programs := make([]int, r.count())
	for i := range programs {
		programs[i] = int(r.take(1)[0])
		t.Instructions = append(t.Instructions, SolanaInstruction{Accounts: r.take(r.count()), Data: r.take(r.count())})
		if r.err != nil {
			return r.err
		}
	}
	if t.Version == 0 {
		for range r.count() {
			t.Lookups = append(t.Lookups, SolanaLookup{Table: [32]byte(r.take(32)), Writable: r.take(r.count()), Readonly: r.take(r.count())})
		}
	}
	switch {
	case r.err != nil:
		return r.err
	case len(r.rest) > 0:
		return errors.New("bytes after the transaction")
	case required == 0 || required != len(t.Signatures):
		return fmt.Errorf("%d signatures where %d are required", len(t.Signatures), required)
	}
	return t.setPrograms(programs)
}

// setPrograms looks up the programs of the instructions by the numbers of their accounts.
func (t *SolanaTransaction) setPrograms(numbers []int) error {
	for i, p := range numbers {
		if p == 0 || p >= len(t.Keys) {
			return errors.New("a program that is not spelt out, or pays")
		}
		t.Instructions[i].Program = t.Keys[p]
	}
	return nil
}

// check makes sure that every number of an account can be trusted.
func (t *SolanaTransaction) check() error {
	if t.readonlySigned >= len(t.Signatures) || len(t.Signatures)+t.readonlyUnsigned > len(t.Keys) {
		return errors.New("a header that does not fit the accounts")
	}
	for _, l := range t.Lookups {
		if len(l.Writable)+len(l.Readonly) == 0 {
			return errors.New("a look-up of nothing")
		}
	}
	accounts := t.Accounts()
	if accounts > 256 {
		return errors.New("over 256 accounts")
	}
	for _, in := range t.Instructions {
		for _, a := range in.Accounts {
			if int(a) >= accounts {
				return errors.New("an account that does not exist")
			}
		}
	}
	return nil
}

// Accounts is the number of all accounts of the transaction, spelt out or from tables. It is at most 256.
func (t *SolanaTransaction) Accounts() int {
	n := len(t.Keys)
	for _, l := range t.Lookups {
		n += len(l.Writable) + len(l.Readonly)
	}
	return n
}

// Account returns the account of number n, from 0 to below [SolanaTransaction.Accounts]: first come the spelt ones,
// then the writable ones of all tables, then the others of all tables.
func (t *SolanaTransaction) Account(n int) SolanaAccount {
	if n < len(t.Keys) {
		signers := len(t.Signatures)
		if n < signers {
			return SolanaAccount{Key: t.Keys[n], Signer: true, Writable: n < signers-t.readonlySigned}
		}
		return SolanaAccount{Key: t.Keys[n], Writable: n < len(t.Keys)-t.readonlyUnsigned}
	}
	n -= len(t.Keys)
	for _, l := range t.Lookups {
		if n < len(l.Writable) {
			return SolanaAccount{FromTable: true, Table: l.Table, Place: l.Writable[n], Writable: true}
		}
		n -= len(l.Writable)
	}
	for _, l := range t.Lookups {
		if n < len(l.Readonly) {
			return SolanaAccount{FromTable: true, Table: l.Table, Place: l.Readonly[n]}
		}
		n -= len(l.Readonly)
	}
	return SolanaAccount{}
}

// Signed returns the transaction with signature (64 bytes) in the place of signer, an ed25519 key of 32 bytes; other
// signatures stay. A signer whom the message does not require is Invalid.
func (t *SolanaTransaction) Signed(signer, signature []byte) ([]byte, error) {
	slot := slices.IndexFunc(t.Keys[:len(t.Signatures)], func(k [32]byte) bool { return bytes.Equal(k[:], signer) })
	if slot < 0 || len(signature) != 64 {
		return nil, invalid("solana transaction: not one of its signers")
	}
	var all []byte
	for i, s := range t.Signatures {
		if i == slot {
			s = [64]byte(signature)
		}
		all = append(all, s[:]...)
	}
	if t.Version == 1 {
		return slices.Concat(t.Message, all), nil
	}
	return slices.Concat([]byte{byte(len(t.Signatures))}, all, t.Message), nil // a packet holds no more than 19
}

// compactReader reads Solana's short numbers and what they count. The first failure stays.
type compactReader struct {
	rest []byte
	err  error
}

// take returns exactly n bytes, zeros after a failure.
func (r *compactReader) take(n int) []byte {
	if r.err != nil || n > len(r.rest) {
		if r.err == nil {
			r.err = errors.New("cut off")
		}
		r.rest = nil
		return make([]byte, n)
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// count reads a number of up to 16 bits: seven bits in a byte, the lowest first, the top bit if more follow. It
// yields nothing that more bytes than there are would be needed for.
func (r *compactReader) count() int {
	n := 0
	for shift := 0; shift < 21; shift += 7 {
		b := int(r.take(1)[0])
		n |= b & 0x7f << shift
		if b&0x80 != 0 {
			continue
		}
		if shift > 0 && b == 0 || n > 0xffff || n > len(r.rest) {
			break
		}
		return n
	}
	if r.err == nil {
		r.err = errors.New("a number that is too large or not spelt as short as it could be")
	}
	return 0
}
