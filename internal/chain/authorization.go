package chain

import (
	"fmt"
	"math"
	"math/big"
)

// Authorization is an EIP-7702 tuple: an account lets the code at Address act for it.
type Authorization struct {
	ChainID *big.Int // zero means every chain
	Address [20]byte
	Nonce   uint64
}

// ParseAuthorization reads {"address","chainId","nonce"}; numbers may be JSON numbers, decimal text or 0x text. Other
// members are refused.
func ParseAuthorization(raw []byte) (Authorization, error) {
	a, err := readAuthorization(raw)
	if err != nil {
		return Authorization{}, invalid("authorization: %w", err)
	}
	return a, nil
}

func readAuthorization(raw []byte) (Authorization, error) {
	v, err := parseJSON(raw)
	if err != nil {
		return Authorization{}, err
	}
	members, _ := v.(object)
	text, _ := members["address"].(string)
	if len(members) != 3 {
		return Authorization{}, fmt.Errorf("want address, chainId and nonce")
	}
	address, err := readAddress(text)
	if err != nil {
		return Authorization{}, err
	}
	chainID, err := parseInteger(members["chainId"])
	if err != nil || chainID.Sign() < 0 || chainID.BitLen() > 256 {
		return Authorization{}, fmt.Errorf("chainId")
	}
	nonce, err := parseInteger(members["nonce"])
	if err != nil || !nonce.IsUint64() || nonce.Uint64() == math.MaxUint64 { // EIP-2681
		return Authorization{}, fmt.Errorf("nonce")
	}
	return Authorization{chainID, address, nonce.Uint64()}, nil
}

// Digest returns the 32 bytes that are signed: Keccak-256 of 0x05 and the RLP list of chain id, address and nonce.
// Source: EIP-7702.
func (a Authorization) Digest() []byte {
	items := appendRLP(nil, a.ChainID.Bytes())
	items = appendRLP(items, a.Address[:])
	items = appendRLP(items, new(big.Int).SetUint64(a.Nonce).Bytes())
	return Keccak256([]byte{5}, appendRLPList(nil, items))
}
