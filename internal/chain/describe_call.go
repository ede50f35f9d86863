package chain

import (
	"encoding/hex"
	"fmt"
	"math/big"
)

// call is a call of a contract that the token standards define, taken apart.
type call struct {
	title string
	lines []Line
}

var (
	mostUint256 = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	mostUint160 = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 160), big.NewInt(1))
	boundless   = new(big.Int).Lsh(big.NewInt(1), 95) // no token has as many of its smallest units
)

// unlimited says of a right to take tokens whether it has an end.
func unlimited(n *big.Int) bool { return n.Cmp(boundless) >= 0 }

// allowance spells how much may be taken.
func allowance(n *big.Int) string {
	switch {
	case n.Cmp(mostUint256) == 0 || n.Cmp(mostUint160) == 0:
		return "UNLIMITED"
	case unlimited(n):
		return n.String() + " (as good as UNLIMITED)"
	}
	return tokenAmount(n)
}

// tokenAmount spells an amount of which only the contract knows how many places it has.
func tokenAmount(n *big.Int) string {
	return n.String() + " smallest units (where the point goes, the contract alone knows)"
}

// words takes the arguments of a call apart: 32 bytes each, exactly as many as there should be.
func words(data []byte, n int) ([]*big.Int, bool) {
	if len(data) != 4+32*n {
		return nil, false
	}
	out := make([]*big.Int, n)
	for i := range out {
		out[i] = new(big.Int).SetBytes(data[4+32*i : 36+32*i])
	}
	return out, true
}

// addressWord spells an argument that is an address; one with anything in front of its 20 bytes is none.
func addressWord(n *big.Int) (string, bool) {
	if n.BitLen() > 160 {
		return "", false
	}
	return Checksum([20]byte(n.FillBytes(make([]byte, 20)))), true
}

// readCall takes apart a call of the token standards. Source: ERC-20, ERC-721, ERC-1155; increaseAllowance is
// OpenZeppelin's. The standards share selectors, so an amount may be the number of one token: both readings are named.
func readCall(data []byte) (call, bool) {
	if len(data) < 4 {
		return call{}, false
	}
	switch hex.EncodeToString(data[:4]) {
	case "a9059cbb":
		if w, ok := words(data, 2); ok {
			to, isAddress := addressWord(w[0])
			return call{"Send tokens", []Line{{"recipient", to}, {"amount", tokenAmount(w[1])}}}, isAddress
		}
	case "23b872dd":
		if w, ok := words(data, 3); ok {
			from, fromOK := addressWord(w[0])
			to, toOK := addressWord(w[1])
			return call{"Move tokens of an account", []Line{{"from", from}, {"recipient", to}, {"amount", tokenAmount(w[2]) + ", or the number of one token"}}}, fromOK && toOK
		}
	case "095ea7b3", "39509351":
		if w, ok := words(data, 2); ok {
			spender, isAddress := addressWord(w[0])
			c := call{"Let somebody take tokens", []Line{{"spender", spender}, {"up to", allowance(w[1]) + ", or the number of one token"}}}
			if hex.EncodeToString(data[:4]) == "39509351" {
				c = call{"Let somebody take more tokens", []Line{{"spender", spender}, {"more by", allowance(w[1])}}}
			}
			if w[1].Sign() == 0 {
				c.title = "Take back the right to take tokens"
			}
			if unlimited(w[1]) {
				c.lines = append([]Line{{Warning, "UNLIMITED: the spender may take all tokens of this kind, now and later"}}, c.lines...)
			}
			return c, isAddress
		}
	case "a22cb465":
		if w, ok := words(data, 2); ok && w[1].BitLen() <= 1 {
			operator, isAddress := addressWord(w[0])
			if w[1].Sign() == 0 {
				return call{"Take back the right to take tokens", []Line{{"spender", operator}}}, isAddress
			}
			return call{"Let somebody take tokens", []Line{{Warning, "UNLIMITED: the spender may take every token of this collection, now and later"}, {"spender", operator}}}, isAddress
		}
	}
	return call{}, false
}

// DescribeCall says what a call of to with data does, on a chain that speaks Ethereum's language; to is nil for a new
// contract.
func DescribeCall(to *[20]byte, value *big.Int, data []byte, chainID *big.Int) Description {
	var d Description
	d.describeCall(to, value, data, chainID)
	return d
}

// describeCall says what a call of to with data does, and its value where it has one.
func (d *Description) describeCall(to *[20]byte, value *big.Int, data []byte, chainID *big.Int) {
	c, known := readCall(data)
	switch {
	case to == nil:
		d.Title = "Create a contract"
		if value.Sign() != 0 {
			d.say("value", "%s", Coins(value, chainID))
		}
		d.say("code", "%d bytes, which nobody has read: %s", len(data), shown(data))
	case len(data) == 0:
		d.Title = "Send " + Coins(value, chainID)
		d.say("to", "%s", Checksum(*to))
		d.say("value", "%s", Coins(value, chainID))
	case known:
		d.Title = c.title
		for _, l := range c.lines {
			if l.Label == Warning {
				d.Lines = append(d.Lines, l)
			}
		}
		d.say("token", "contract %s", Checksum(*to))
		for _, l := range c.lines {
			if l.Label != Warning {
				d.Lines = append(d.Lines, l)
			}
		}
		if value.Sign() != 0 {
			d.say(Warning, "besides, %s are sent to the contract", Coins(value, chainID))
		}
	default:
		d.Title = "Call a contract"
		d.say(Warning, "what the call does cannot be told from its bytes")
		d.say("to", "contract %s", Checksum(*to))
		d.say("value", "%s", Coins(value, chainID))
		d.say("call", "%s, %d bytes: %s", selector(data), len(data), shown(data))
	}
}

func selector(data []byte) string {
	if len(data) < 4 {
		return "no function"
	}
	return fmt.Sprintf("function 0x%x", data[:4])
}
