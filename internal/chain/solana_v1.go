package chain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The limits of version 1.
const (
	maxSolanaV1             = 4096
	maxSolanaV1Signatures   = 12
	maxSolanaV1Addresses    = 64
	maxSolanaV1Instructions = 64
)

// SolanaConfig is what a message of version 1 asks of the network. Nil is what the message does not say.
type SolanaConfig struct {
	PriorityFee                 uint64 // in lamports, for the whole transaction; zero when unsaid
	ComputeUnitLimit            *uint32
	LoadedAccountsDataSizeLimit *uint32
	HeapSize                    *uint32
}

// readSolanaV1 reads a transaction of version 1: the byte 0x81, the message without look-up tables, and the
// signatures. The message ends with the heads of all instructions and then their contents.
// Source: SIMD-0385, and the crate solana-message 4.
func readSolanaV1(raw []byte) (*SolanaTransaction, error) {
	if len(raw) > maxSolanaV1 {
		return nil, fmt.Errorf("over %d bytes", maxSolanaV1)
	}
	raw = slices.Clone(raw)
	t := &SolanaTransaction{Version: 1}
	r := &compactReader{rest: raw[1:]}
	head := r.take(3)
	required := int(head[0])
	t.readonlySigned, t.readonlyUnsigned = int(head[1]), int(head[2])
	mask := r.uint32()
	t.Blockhash = [32]byte(r.take(32))
	calls, addresses := int(r.take(1)[0]), int(r.take(1)[0])
	switch {
	case r.err != nil:
		return nil, r.err
	case required == 0 || required > maxSolanaV1Signatures || addresses > maxSolanaV1Addresses || calls > maxSolanaV1Instructions:
		return nil, errors.New("too many signatures, addresses or instructions, or no signature")
	}
	seen := map[[32]byte]bool{}
	for range addresses {
		key := [32]byte(r.take(32))
		if seen[key] && r.err == nil {
			return nil, errors.New("an address that is there twice")
		}
		seen[key] = true
		t.Keys = append(t.Keys, key)
	}
	if err := t.readConfig(r, mask); err != nil {
		return nil, err
	}
	heads := r.take(4 * calls)
	programs := make([]int, calls)
	for i := range programs {
		h := heads[4*i:]
		programs[i] = int(h[0])
		t.Instructions = append(t.Instructions, SolanaInstruction{Accounts: r.take(int(h[1])), Data: r.take(int(binary.LittleEndian.Uint16(h[2:])))})
		if r.err != nil {
			return nil, r.err
		}
	}
	t.Message = raw[: len(raw)-len(r.rest) : len(raw)-len(r.rest)]
	for range required {
		t.Signatures = append(t.Signatures, [64]byte(r.take(64)))
	}
	if r.err != nil {
		return nil, r.err
	}
	if len(r.rest) > 0 {
		return nil, errors.New("bytes after the transaction")
	}
	if err := t.setPrograms(programs); err != nil {
		return nil, err
	}
	return t, t.check()
}

// readConfig reads the values that mask announces: its two lowest bits together the fee, the next three a limit each.
func (t *SolanaTransaction) readConfig(r *compactReader, mask uint32) error {
	if mask > 0b11111 || mask&0b11 == 0b01 || mask&0b11 == 0b10 {
		return errors.New("a configuration that does not exist")
	}
	if mask&0b11 != 0 {
		t.Config.PriorityFee = binary.LittleEndian.Uint64(r.take(8))
	}
	for i, to := range []**uint32{&t.Config.ComputeUnitLimit, &t.Config.LoadedAccountsDataSizeLimit, &t.Config.HeapSize} {
		if mask>>(2+i)&1 == 1 {
			*to = new(r.uint32())
		}
	}
	if heap := t.Config.HeapSize; heap != nil && *heap%1024 != 0 {
		return errors.New("a heap that is not of whole kilobytes")
	}
	return nil
}

func (r *compactReader) uint32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
