package transaction

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"math/big"

	"github.com/mr-tron/base58"

	"latchkey/internal/chain"
	"latchkey/internal/sandbox/hd"
	"latchkey/internal/sandbox/policy"
)

// The programs whose transfers are told. Source: Solana's documentation, "Core programs", and the SPL.
const (
	systemProgram    = "11111111111111111111111111111111"
	tokenProgram     = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
	token2022Program = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
)

// fromTable stands where the chain alone knows the account.
const fromTable = "ADDRESS_TABLE_LOOKUP"

// solana is a transaction of which by is one signer.
type solana struct {
	*chain.SolanaTransaction
	by   Signer
	told *policy.SolanaTransaction
}

func readSolana(raw []byte, by Signer) (Transaction, error) {
	t, err := chain.ParseSolanaTransaction(raw)
	if err != nil {
		return nil, bad("%s", reason(err))
	}
	if _, err := t.Signed(by.Key.Public, make([]byte, ed25519.SignatureSize)); err != nil {
		return nil, bad("%s", reason(err))
	}
	told, err := tellSolana(t)
	return solana{t, by, told}, err
}

// Sign fills the signer's place and leaves the others as they are.
func (t solana) Sign() (string, error) {
	r, s, _, err := hd.SignDigest(t.by.Key, t.Message)
	if err != nil {
		return "", err
	}
	signature, err := hex.DecodeString(r + s)
	if err != nil {
		return "", err
	}
	signed, err := t.Signed(t.by.Key.Public, signature)
	return hex.EncodeToString(signed), err
}

func (t solana) Tell(c *policy.Context) { c.Solana.Tx = t.told }

func tellSolana(t *chain.SolanaTransaction) (*policy.SolanaTransaction, error) {
	told := &policy.SolanaTransaction{RecentBlockhash: base58.Encode(t.Blockhash[:])}
	for _, k := range t.Keys {
		told.AccountKeys = append(told.AccountKeys, base58.Encode(k[:]))
	}
	for _, l := range t.Lookups {
		told.AddressTableLookups = append(told.AddressTableLookups, policy.AddressTableLookup{
			AddressTableKey: base58.Encode(l.Table[:]), WritableIndexes: numbers(l.Writable), ReadonlyIndexes: numbers(l.Readonly),
		})
	}
	for n := len(t.Keys); n < t.Accounts(); n++ {
		told.AddressTableLookupReferences = append(told.AddressTableLookupReferences, reference(t.Account(n)))
	}
	called := map[[32]byte]bool{}
	for _, in := range t.Instructions {
		called[in.Program] = true
		i := policy.Instruction{ProgramKey: base58.Encode(in.Program[:]), InstructionDataHex: hex.EncodeToString(in.Data)}
		for _, n := range in.Accounts {
			a := t.Account(int(n))
			account := policy.Account{AccountKey: fromTable, Signer: a.Signer, Writable: a.Writable}
			if a.FromTable {
				i.AddressTableLookups = append(i.AddressTableLookups, reference(a))
			} else {
				account.AccountKey = base58.Encode(a.Key[:])
			}
			i.Accounts = append(i.Accounts, account)
		}
		told.Instructions = append(told.Instructions, i)
		if err := tellTransfer(told, i, in.Data); err != nil {
			return nil, err
		}
	}
	for _, k := range t.Keys { // in the order of the accounts, each once
		if called[k] {
			told.ProgramKeys = append(told.ProgramKeys, base58.Encode(k[:]))
			delete(called, k)
		}
	}
	return told, nil
}

func reference(a chain.SolanaAccount) policy.AddressTableLookupReference {
	return policy.AddressTableLookupReference{AddressTableKey: base58.Encode(a.Table[:]), Index: number(uint64(a.Place)), Writable: a.Writable}
}

func numbers(places []byte) []*big.Int {
	var out []*big.Int
	for _, p := range places {
		out = append(out, number(uint64(p)))
	}
	return out
}

// tellTransfer adds i to the transfers if it is one. A transfer that is cut short is refused: it would fail on the
// chain, and a policy could not see it. What follows the fields is ignored, as the programs do.
func tellTransfer(told *policy.SolanaTransaction, i policy.Instruction, data []byte) error {
	switch i.ProgramKey {
	case systemProgram:
		return tellLamports(told, i.Accounts, data)
	case tokenProgram, token2022Program:
		return tellTokens(told, i.Accounts, data)
	}
	return nil
}

// tellLamports knows the system program's Transfer, instruction 2.
func tellLamports(told *policy.SolanaTransaction, accounts []policy.Account, data []byte) error {
	rest, ok := bytes.CutPrefix(data, []byte{2, 0, 0, 0})
	if !ok {
		return nil
	}
	if len(accounts) < 2 || len(rest) < 8 {
		return bad("solana transaction: a transfer that is cut short")
	}
	told.Transfers = append(told.Transfers, policy.Transfer{From: accounts[0].AccountKey, To: accounts[1].AccountKey, Amount: number(binary.LittleEndian.Uint64(rest))})
	return nil
}

// tellTokens knows the token programs' Transfer (3), TransferChecked (12) and TransferCheckedWithFee (26, 1). The
// accounts are source, mint if it is checked, destination, owner, and the signers of an owner that is a multisig.
func tellTokens(told *policy.SolanaTransaction, accounts []policy.Account, data []byte) error {
	var rest []byte
	var ok, plain bool
	size := 8 // the amount, then decimals and fee
	if rest, plain = bytes.CutPrefix(data, []byte{3}); plain {
		ok = true
	} else if rest, ok = bytes.CutPrefix(data, []byte{12}); ok {
		size = 9
	} else if rest, ok = bytes.CutPrefix(data, []byte{26, 1}); ok {
		size = 17
	}
	if !ok {
		return nil
	}
	keys := make([]string, len(accounts))
	for i, a := range accounts {
		keys[i] = a.AccountKey
	}
	if plain && len(keys) > 0 { // it does not name the mint
		keys = append([]string{keys[0], ""}, keys[1:]...)
	}
	if len(keys) < 4 || len(rest) < size {
		return bad("solana transaction: a token transfer that is cut short")
	}
	told.SPLTransfers = append(told.SPLTransfers, policy.SPLTransfer{
		From: keys[0], TokenMint: keys[1], To: keys[2], Owner: keys[3], Signers: keys[4:], Amount: number(binary.LittleEndian.Uint64(rest)),
	})
	return nil
}
