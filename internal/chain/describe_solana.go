package chain

import (
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/mr-tron/base58"
)

// The programs that are called by name. Source: Solana's documentation and the program library.
var solanaPrograms = map[string]string{
	solanaSystem:        "System",
	solanaToken:         "Token",
	solanaToken2022:     "Token-2022",
	solanaComputeBudget: "Compute Budget",
	"ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL": "Associated Token Account",
	"MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr":  "Memo",
	"Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo":  "Memo",
	"Stake11111111111111111111111111111111111111":  "Stake",
	"Vote111111111111111111111111111111111111111":  "Vote",
	"AddressLookupTab1e1111111111111111111111111":  "Address Lookup Table",
	"BPFLoaderUpgradeab1e11111111111111111111111":  "Upgradeable Loader",
}

const (
	solanaSystem        = "11111111111111111111111111111111"
	solanaToken         = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
	solanaToken2022     = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
	solanaComputeBudget = "ComputeBudget111111111111111111111111111111"

	lamportsPerSignature = 5000      // Source: Solana's documentation, "Fees"
	mostComputeUnits     = 1_400_000 // of one transaction, whatever it asks for
)

// SolanaTransfer is a transfer of SOL by the system program.
type SolanaTransfer struct {
	From, To SolanaAccount
	Lamports uint64
}

// Transfers returns the transfers of SOL that the transaction consists of. ok is false when it does anything else that
// changes an account; what it says of its own fee does not.
func (t *SolanaTransaction) Transfers() (transfers []SolanaTransfer, ok bool) {
	for _, in := range t.Instructions {
		switch base58.Encode(in.Program[:]) {
		case solanaComputeBudget:
			if len(in.Data) == 0 || in.Data[0] < 1 || in.Data[0] > 4 {
				return nil, false
			}
		case solanaSystem:
			x, isTransfer := t.transfer(in)
			if !isTransfer {
				return nil, false
			}
			transfers = append(transfers, x)
		default:
			return nil, false
		}
	}
	return transfers, len(transfers) > 0
}

// transfer reads instruction 2 of the system program.
func (t *SolanaTransaction) transfer(in SolanaInstruction) (SolanaTransfer, bool) {
	if len(in.Data) != 12 || binary.LittleEndian.Uint32(in.Data) != 2 || len(in.Accounts) < 2 {
		return SolanaTransfer{}, false
	}
	return SolanaTransfer{
		From: t.Account(int(in.Accounts[0])), To: t.Account(int(in.Accounts[1])), Lamports: binary.LittleEndian.Uint64(in.Data[4:]),
	}, true
}

// Fee returns the most that the transaction may cost besides what it does, in lamports: a signature each, and what it
// offers to be done sooner.
func (t *SolanaTransaction) Fee() *big.Int {
	fee := big.NewInt(int64(len(t.Signatures)) * lamportsPerSignature)
	fee.Add(fee, new(big.Int).SetUint64(t.Config.PriorityFee))
	price, units := new(big.Int), uint64(mostComputeUnits)
	for _, in := range t.Instructions {
		if base58.Encode(in.Program[:]) != solanaComputeBudget {
			continue
		}
		switch {
		case len(in.Data) == 9 && in.Data[0] == 3: // in millionths of a lamport
			price.SetUint64(binary.LittleEndian.Uint64(in.Data[1:]))
		case len(in.Data) == 5 && in.Data[0] == 2:
			units = min(mostComputeUnits, uint64(binary.LittleEndian.Uint32(in.Data[1:])))
		}
	}
	price.Mul(price, new(big.Int).SetUint64(units))
	price.Add(price, big.NewInt(999_999)) // a part of a lamport is a lamport
	return fee.Add(fee, price.Div(price, big.NewInt(1_000_000)))
}

// SOL spells an amount of lamports.
func SOL(lamports *big.Int) string { return Units(lamports, 9) + " SOL" }

func sol(lamports uint64) string { return SOL(new(big.Int).SetUint64(lamports)) }

// Describe says what the transaction does, one line an instruction.
func (t *SolanaTransaction) Describe() Description {
	d := Description{Title: plural(len(t.Instructions), "instruction") + " on Solana"}
	if transfers, only := t.Transfers(); only && len(transfers) == 1 {
		d.Title = "Send " + sol(transfers[0].Lamports)
	}
	unread := 0
	var lines []Line
	for i, in := range t.Instructions {
		what, read := t.describe(in)
		if !read {
			unread++
		}
		if what != "" {
			lines = append(lines, Line{fmt.Sprintf("step %d", i+1), what})
		}
	}
	if unread > 0 {
		d.say(Warning, "what %s of %d do cannot be told from their bytes", plural(unread, "step"), len(t.Instructions))
	}
	d.Lines = append(d.Lines, lines...)
	d.say("network", "Solana (which of its clusters does not stand in the bytes)")
	d.say("fee", "at most %s, paid by %s", SOL(t.Fee()), base58.Encode(t.Keys[0][:]))
	if n := len(t.Signatures); n > 1 {
		d.say("signers", "%d", n)
	}
	return d
}

// describe says what one instruction does; nothing of one that only concerns the fee. read is false when its bytes do
// not tell.
func (t *SolanaTransaction) describe(in SolanaInstruction) (what string, read bool) {
	id := base58.Encode(in.Program[:])
	switch id {
	case solanaComputeBudget:
		if len(in.Data) > 0 && in.Data[0] >= 1 && in.Data[0] <= 4 {
			return "", true
		}
	case solanaSystem:
		if what, ok := t.describeSystem(in); ok {
			return what, true
		}
	case solanaToken, solanaToken2022:
		if what, ok := t.describeToken(in); ok {
			return what, true
		}
	case "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL":
		if len(in.Data) == 0 || len(in.Data) == 1 && in.Data[0] <= 1 {
			return fmt.Sprintf("open token account %s of %s for the token %s", t.name(in, 1), t.name(in, 2), t.name(in, 3)), true
		}
	case "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr", "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo":
		return fmt.Sprintf("memo “%s”", Visible(string(in.Data), maxShown)), true
	}
	name, known := solanaPrograms[id]
	if !known {
		name = id
	} else {
		name += " (" + id + ")"
	}
	return fmt.Sprintf("program %s with %s and %d bytes: %s", name, plural(len(in.Accounts), "account"), len(in.Data), shown(in.Data)), false
}

// name spells the nth account of an instruction.
func (t *SolanaTransaction) name(in SolanaInstruction, n int) string {
	if n >= len(in.Accounts) {
		return "nobody"
	}
	return t.Account(int(in.Accounts[n])).String()
}

// String spells the account's address, or where it comes from.
func (a SolanaAccount) String() string {
	if a.FromTable {
		return fmt.Sprintf("an account of table %s at %d", base58.Encode(a.Table[:]), a.Place)
	}
	return base58.Encode(a.Key[:])
}

// describeSystem reads instructions of the system program. Source: the crate solana-system-interface.
func (t *SolanaTransaction) describeSystem(in SolanaInstruction) (string, bool) {
	if x, ok := t.transfer(in); ok {
		return fmt.Sprintf("send %s from %s to %s", sol(x.Lamports), x.From, x.To), true
	}
	if len(in.Data) < 4 {
		return "", false
	}
	switch kind := binary.LittleEndian.Uint32(in.Data); {
	case kind == 0 && len(in.Data) == 52 && len(in.Accounts) >= 2:
		return fmt.Sprintf("open account %s with %s of %s, for the program %s", t.name(in, 1),
			sol(binary.LittleEndian.Uint64(in.Data[4:])), t.name(in, 0), base58.Encode(in.Data[20:])), true
	case kind == 1 && len(in.Data) == 36 && len(in.Accounts) >= 1:
		return fmt.Sprintf("GIVE account %s to the program %s", t.name(in, 0), base58.Encode(in.Data[4:])), true
	case kind == 4 && len(in.Data) == 4 && len(in.Accounts) >= 3:
		return fmt.Sprintf("use up the durable nonce %s: this transaction has no end", t.name(in, 0)), true
	}
	return "", false
}

// describeToken reads instructions of the token programs. Source: the crate spl-token-interface.
func (t *SolanaTransaction) describeToken(in SolanaInstruction) (string, bool) {
	if len(in.Data) == 0 {
		return "", false
	}
	amount := func() *big.Int { return new(big.Int).SetUint64(binary.LittleEndian.Uint64(in.Data[1:])) }
	checked := func() string { return Units(amount(), int(in.Data[9])) }
	bare := func() string { return tokenAmount(amount()) }
	n := len(in.Accounts)
	switch kind := in.Data[0]; {
	case kind == 3 && len(in.Data) == 9 && n >= 3:
		return fmt.Sprintf("send tokens from %s to %s: %s", t.name(in, 0), t.name(in, 1), bare()), true
	case kind == 12 && len(in.Data) == 10 && n >= 4:
		return fmt.Sprintf("send %s of the token %s from %s to %s", checked(), t.name(in, 1), t.name(in, 0), t.name(in, 2)), true
	case kind == 4 && len(in.Data) == 9 && n >= 3:
		return fmt.Sprintf("LET %s take tokens from %s: up to %s", t.name(in, 1), t.name(in, 0), endless(amount(), bare())), true
	case kind == 13 && len(in.Data) == 10 && n >= 4:
		return fmt.Sprintf("LET %s take of the token %s from %s: up to %s", t.name(in, 2), t.name(in, 1), t.name(in, 0), endless(amount(), checked())), true
	case kind == 5 && len(in.Data) == 1 && n >= 2:
		return fmt.Sprintf("take back who may take tokens from %s", t.name(in, 0)), true
	case kind == 6 && len(in.Data) == 35 && in.Data[2] == 1 && n >= 2:
		return fmt.Sprintf("GIVE the rights over %s to %s", t.name(in, 0), base58.Encode(in.Data[3:])), true
	case kind == 6 && len(in.Data) == 3 && in.Data[2] == 0 && n >= 2:
		return fmt.Sprintf("end the rights over %s for good", t.name(in, 0)), true
	case kind == 8 && len(in.Data) == 9 && n >= 3:
		return fmt.Sprintf("burn tokens of %s: %s", t.name(in, 0), bare()), true
	case kind == 15 && len(in.Data) == 10 && n >= 3:
		return fmt.Sprintf("burn %s of the token %s from %s", checked(), t.name(in, 1), t.name(in, 0)), true
	case kind == 9 && len(in.Data) == 1 && n >= 3:
		return fmt.Sprintf("close token account %s, and its SOL goes to %s", t.name(in, 0), t.name(in, 1)), true
	case kind == 17 && len(in.Data) == 1 && n >= 1:
		return fmt.Sprintf("bring the wrapped SOL of %s up to date", t.name(in, 0)), true
	}
	return "", false
}

func endless(n *big.Int, text string) string {
	if n.IsUint64() && n.Uint64() == 1<<64-1 {
		return "UNLIMITED"
	}
	return text
}

// ParseSolanaMessage reads a message as it is signed, without its signatures, which count as missing.
func ParseSolanaMessage(message []byte) (*SolanaTransaction, error) {
	at := 0
	if len(message) > 0 && message[0] >= 0x80 {
		at = 1
	}
	if at >= len(message) {
		return nil, invalid("solana message: cut off")
	}
	missing := make([]byte, 64*int(message[at]))
	if message[0] == 0x80|1 {
		return ParseSolanaTransaction(append(append([]byte{}, message...), missing...))
	}
	if message[at] >= 0x80 {
		return nil, invalid("solana message: too many signatures")
	}
	raw := append([]byte{message[at]}, missing...)
	return ParseSolanaTransaction(append(raw, message...))
}
