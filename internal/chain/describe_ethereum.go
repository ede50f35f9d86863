package chain

import (
	"fmt"
	"math/big"
	"strconv"
)

// blobGas is what one blob costs, in gas of its own kind. Source: EIP-4844, GAS_PER_BLOB.
const blobGas = 1 << 17

// Fee returns the most that the transaction may cost for gas, besides its value, in wei.
func (t *EthereumTransaction) Fee() *big.Int {
	price := t.GasPrice
	if price == nil {
		price = t.MaxFeePerGas
	}
	fee := new(big.Int).Mul(new(big.Int).SetUint64(t.Gas), price)
	if t.MaxFeePerBlobGas != nil {
		blobs := big.NewInt(int64(len(t.BlobHashes)) * blobGas)
		fee.Add(fee, blobs.Mul(blobs, t.MaxFeePerBlobGas))
	}
	return fee
}

// Plain reports whether the transaction does nothing but send its value.
func (t *EthereumTransaction) Plain() bool {
	return t.To != nil && len(t.Data) == 0 && t.Type != 3 && t.Type != 4
}

// Describe says what the transaction does.
func (t *EthereumTransaction) Describe() Description {
	var d Description
	if n := len(t.Authorizations); n > 0 {
		d.say(Warning, "%s: code of others acts for accounts, until they take it back", plural(n, "delegation"))
		for i, a := range t.Authorizations {
			if i == 2 && n > 3 {
				d.say("delegation", "and %d more", n-i)
				break
			}
			d.say("delegation", "to the code at %s, %s, nonce %d", Checksum(a.Address), everywhere(a.ChainID), a.Nonce)
		}
	}
	d.describeCall(t.To, t.Value, t.Data, t.ChainID)
	d.say("network", "%s", Network(t.ChainID))
	d.say("fee", "%s", feeText(t.Fee(), t.ChainID))
	d.say("nonce", "%s", strconv.FormatUint(t.Nonce, 10))
	if n := len(t.BlobHashes); n > 0 {
		d.say("blobs", "%s, whose content is not in the transaction", plural(n, "blob"))
	}
	return d
}

// everywhere names the chain of an authorization, where zero is all of them.
func everywhere(chainID *big.Int) string {
	if chainID.Sign() == 0 {
		return "on EVERY network"
	}
	return "on " + Network(chainID)
}

// Describe says what the authorization does.
func (a Authorization) Describe() Description {
	d := Description{Title: "Let code of others act for your account"}
	if a.Address == ([20]byte{}) {
		d.Title = "Take back that code acts for your account"
	} else {
		d.say(Warning, "whoever wrote this code decides over all that the account holds, until you take it back")
	}
	d.say("code at", "%s", Checksum(a.Address))
	d.say("network", "%s", everywhere(a.ChainID))
	d.say("nonce", "%d", a.Nonce)
	return d
}

// Describe says what the transaction does.
func (t *TempoTransaction) Describe() Description {
	d := Description{Title: fmt.Sprintf("%s on Tempo, all or none", plural(len(t.Calls), "call"))}
	if len(t.Calls) == 1 {
		d.describeCall(t.Calls[0].To, t.Calls[0].Value, t.Calls[0].Data, t.ChainID)
		d.Title += " (Tempo)"
	} else {
		for i, c := range t.Calls {
			var one Description
			one.describeCall(c.To, c.Value, c.Data, t.ChainID)
			text := one.Title
			for _, l := range one.Lines {
				text += "; " + l.Label + " " + l.Text
			}
			d.say(fmt.Sprintf("call %d", i+1), "%s", text)
		}
	}
	d.say("network", "Tempo, %s", Network(t.ChainID))
	switch {
	case t.Sponsored:
		d.say("fee", "somebody else pays")
	case t.FeeToken != nil:
		d.say("fee", "in the token %s; at most %d gas at %s each", Checksum(*t.FeeToken), t.Gas, t.MaxFeePerGas)
	default:
		d.say("fee", "in the account's own choice of token; at most %d gas at %s each", t.Gas, t.MaxFeePerGas)
	}
	d.say("nonce", "%d, of row %s", t.Nonce, t.NonceKey)
	if t.ValidBefore != 0 || t.ValidAfter != 0 {
		d.say("valid", "Unix seconds %d to %d (0: no bound)", t.ValidAfter, t.ValidBefore)
	}
	return d
}
