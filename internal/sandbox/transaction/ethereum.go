package transaction

import (
	"encoding/hex"
	"math/big"
	"strconv"
	"strings"

	"latchkey/internal/chain"
	"latchkey/internal/sandbox/policy"
)

// ethereum is a transaction for Ethereum and everything like it.
type ethereum struct {
	*chain.EthereumTransaction
	by   Signer
	from string
}

func readEthereum(raw []byte, by Signer) (Transaction, error) {
	t, err := chain.ParseEthereumTransaction(raw)
	if err != nil {
		return nil, bad("%s", reason(err))
	}
	from, err := chain.EthereumAddress(by.Key.Public)
	if err != nil {
		return nil, bad("%s", reason(err))
	}
	return ethereum{t, by, strings.ToLower(from)}, nil
}

// Sign signs with low S, and nonces by RFC 6979.
func (t ethereum) Sign() (string, error) {
	r, s, v, err := signECDSA(t.by.Key, t.Digest())
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(t.Signed(r, s, v&1)), nil
}

// Tell spells addresses and data in lower case. The gas price of the types that have none is their fee cap.
func (t ethereum) Tell(c *policy.Context) {
	told := &policy.EthereumTransaction{
		From: t.from, Data: "0x" + hex.EncodeToString(t.Data), Value: t.Value, Gas: number(t.Gas), GasPrice: t.GasPrice, ChainID: t.ChainID, Nonce: number(t.Nonce),
		MaxFeePerGas: t.MaxFeePerGas, MaxPriorityFeePerGas: t.MaxPriorityFeePerGas, MaxFeePerBlobGas: t.MaxFeePerBlobGas, Type: "LEGACY",
	}
	if t.To != nil {
		told.To = address(*t.To)
	}
	if t.Type > 0 {
		told.Type = "TYPE_" + strconv.Itoa(t.Type)
	}
	if told.GasPrice == nil {
		told.GasPrice = t.MaxFeePerGas
	}
	c.Eth.Tx = told
}

func address(a [20]byte) string { return "0x" + hex.EncodeToString(a[:]) }

func number(n uint64) *big.Int { return new(big.Int).SetUint64(n) }
