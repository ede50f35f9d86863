package chain

import (
	"fmt"
	"math"
	"math/big"
	"slices"
)

// maxEthereum is the length in bytes that nodes pass on. Source: go-ethereum, txMaxSize of its pool.
const maxEthereum = 128 << 10

// EthereumTransaction is an unsigned transaction. Numbers that its type does not have are nil.
type EthereumTransaction struct {
	Type                 int      // 0 for legacy, 1 to 4 as in EIP-2718
	ChainID              *big.Int // never zero in a legacy transaction
	Nonce, Gas           uint64
	GasPrice             *big.Int // legacy and type 1
	MaxPriorityFeePerGas *big.Int // types 2 to 4
	MaxFeePerGas         *big.Int // types 2 to 4
	MaxFeePerBlobGas     *big.Int // type 3
	To                   *[20]byte
	Value                *big.Int
	Data                 []byte
	AccessList           []AccessEntry
	BlobHashes           [][32]byte
	Authorizations       []SignedAuthorization

	raw   []byte
	items []byte // those that the signed transaction begins with
}

// AccessEntry names storage that a transaction will use. Source: EIP-2930.
type AccessEntry struct {
	Address     [20]byte
	StorageKeys [][32]byte
}

// SignedAuthorization is an authorization as a transaction of type 4 carries it; who signed it is not checked.
type SignedAuthorization struct {
	Authorization
	YParity byte
	R, S    *big.Int
}

// ParseEthereumTransaction reads an unsigned transaction: RLP for legacy, a byte of 1 to 4 and RLP for the later types.
//
// A legacy transaction must name its chain (EIP-155: chain id and two empty items at the end), for without it the
// signature would be good on every chain. One of type 3 is the bare transaction, without blobs, commitments and
// proofs. A transaction that has signature items is refused, as is anything after the transaction.
// Sources: EIP-155, EIP-2930, EIP-1559, EIP-4844, EIP-7702.
func ParseEthereumTransaction(raw []byte) (*EthereumTransaction, error) {
	t, err := readEthereum(raw)
	if err != nil {
		return nil, invalid("ethereum transaction: %w", err)
	}
	return t, nil
}

func readEthereum(raw []byte) (*EthereumTransaction, error) {
	if len(raw) == 0 || len(raw) > maxEthereum {
		return nil, fmt.Errorf("%d bytes: want 1 to %d", len(raw), maxEthereum)
	}
	raw = slices.Clone(raw)
	t := &EthereumTransaction{raw: raw}
	if raw[0] < 0x80 {
		if t.Type = int(raw[0]); t.Type < 1 || t.Type > 4 {
			return nil, fmt.Errorf("no type %d", t.Type)
		}
		raw = raw[1:]
	}
	outer := &rlpReader{rest: raw}
	r := outer.list()
	t.items = r.rest
	if t.Type == 0 {
		t.readLegacy(r)
	} else {
		t.readTyped(r)
	}
	outer.join(r)
	outer.end()
	return t, outer.err
}

func (t *EthereumTransaction) readLegacy(r *rlpReader) {
	all := r.rest
	t.Nonce = readNonce(r)
	t.GasPrice = r.integer(32)
	t.readCall(r)
	t.items = all[:len(all)-len(r.rest)]
	if r.err == nil && !r.more() {
		r.fail("no chain id")
	}
	t.ChainID = r.integer(32)
	first, second := r.text(), r.text()
	if r.err == nil && (len(first) > 0 || len(second) > 0) {
		r.fail("signed already")
	}
	if r.err == nil && t.ChainID.Sign() == 0 {
		r.fail("no chain id")
	}
}

func (t *EthereumTransaction) readTyped(r *rlpReader) {
	t.ChainID = r.integer(32)
	t.Nonce = readNonce(r)
	if t.Type == 1 {
		t.GasPrice = r.integer(32)
	} else {
		t.MaxPriorityFeePerGas = r.integer(32)
		t.MaxFeePerGas = r.integer(32)
	}
	t.readCall(r)
	t.AccessList = readAccessList(r)
	if t.Type >= 3 && t.To == nil && r.err == nil {
		r.fail("type %d cannot create a contract", t.Type)
	}
	switch t.Type {
	case 3:
		t.MaxFeePerBlobGas = r.integer(32)
		hashes := r.list()
		for hashes.more() {
			t.BlobHashes = append(t.BlobHashes, [32]byte(hashes.fixed(32)))
		}
		r.join(hashes)
	case 4:
		list := r.list()
		for list.more() {
			t.Authorizations = append(t.Authorizations, readSigned(list))
		}
		r.join(list)
	}
}

// readCall reads what all types have in the same order.
func (t *EthereumTransaction) readCall(r *rlpReader) {
	t.Gas = r.integer(8).Uint64()
	t.To = readMaybeAddress(r)
	t.Value = r.integer(32)
	t.Data = r.text()
}

// readMaybeAddress reads 20 bytes or none.
func readMaybeAddress(r *rlpReader) *[20]byte {
	switch b := r.text(); len(b) {
	case 20:
		return (*[20]byte)(b)
	case 0:
	default:
		r.fail("an address of %d bytes", len(b))
	}
	return nil
}

func readNonce(r *rlpReader) uint64 {
	n := r.integer(8).Uint64()
	if n == math.MaxUint64 { // EIP-2681
		r.fail("nonce")
	}
	return n
}

func readAccessList(r *rlpReader) []AccessEntry {
	var entries []AccessEntry
	list := r.list()
	for list.more() {
		item := list.list()
		e := AccessEntry{Address: [20]byte(item.fixed(20))}
		keys := item.list()
		for keys.more() {
			e.StorageKeys = append(e.StorageKeys, [32]byte(keys.fixed(32)))
		}
		item.join(keys)
		list.join(item)
		entries = append(entries, e)
	}
	r.join(list)
	return entries
}

func readSigned(list *rlpReader) SignedAuthorization {
	item := list.list()
	var a SignedAuthorization
	a.ChainID = item.integer(32)
	a.Address = [20]byte(item.fixed(20))
	a.Nonce = readNonce(item)
	a.YParity = byte(item.integer(1).Uint64())
	a.R, a.S = item.integer(32), item.integer(32)
	list.join(item)
	return a
}

// Digest returns the 32 bytes that are signed: Keccak-256 of the unsigned transaction.
func (t *EthereumTransaction) Digest() []byte { return Keccak256(t.raw) }

// Signed returns the transaction with a signature over its digest, as a node takes it. r and s are big-endian, parity
// is that of the y coordinate, 0 or 1.
func (t *EthereumTransaction) Signed(r, s []byte, parity byte) []byte {
	v := big.NewInt(int64(parity))
	if t.Type == 0 {
		v.Add(v, big.NewInt(35)).Add(v, new(big.Int).Lsh(t.ChainID, 1))
	}
	items := slices.Clone(t.items)
	for _, n := range []*big.Int{v, new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)} {
		items = appendRLP(items, n.Bytes())
	}
	if t.Type == 0 {
		return appendRLPList(nil, items)
	}
	return appendRLPList([]byte{byte(t.Type)}, items)
}
