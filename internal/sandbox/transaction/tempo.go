package transaction

import (
	"encoding/hex"
	"strings"

	"latchkey/internal/chain"
	"latchkey/internal/sandbox/policy"
)

// tempo is a transaction of Tempo, whose accounts are Ethereum's.
type tempo struct {
	*chain.TempoTransaction
	by   Signer
	from string
}

func readTempo(raw []byte, by Signer) (Transaction, error) {
	t, err := chain.ParseTempoTransaction(raw)
	if err != nil {
		return nil, bad("%s", reason(err))
	}
	from, err := chain.EthereumAddress(by.Key.Public)
	if err != nil {
		return nil, bad("%s", reason(err))
	}
	return tempo{t, by, strings.ToLower(from)}, nil
}

func (t tempo) Sign() (string, error) {
	r, s, v, err := signECDSA(t.by.Key, t.Digest())
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(t.Signed(r, s, v&1)), nil
}

// Tell spells addresses and data in lower case.
func (t tempo) Tell(c *policy.Context) {
	told := &policy.TempoTransaction{
		ChainID: t.ChainID, From: t.from, Nonce: number(t.Nonce), GasLimit: number(t.Gas), MaxFeePerGas: t.MaxFeePerGas, MaxPriorityFeePerGas: t.MaxPriorityFeePerGas,
		ValidBefore: number(t.ValidBefore), ValidAfter: number(t.ValidAfter),
	}
	if t.FeeToken != nil {
		told.FeeToken = address(*t.FeeToken)
	}
	for _, call := range t.Calls {
		one := policy.TempoCall{Input: "0x" + hex.EncodeToString(call.Data)}
		if call.To != nil {
			one.To = address(*call.To)
		}
		if len(call.Data) >= 4 {
			one.FunctionSignature = one.Input[:10]
		}
		told.Calls = append(told.Calls, one)
	}
	c.Tempo.Tx = told
}
