package chain

import (
	"fmt"
	"math/big"
	"strings"
)

// Line is one fact of a description: what it is, and its value. Both may be shown as they are: what came from outside
// went through [Visible].
type Line struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

// Warning is the label of what a person must not overlook.
const Warning = "warning"

// Description says in words what exact bytes do once they are signed.
type Description struct {
	Title string
	Lines []Line // the most important first
}

// maxShown is how many bytes of one text from outside are shown.
const maxShown = 200

func (d *Description) say(label, format string, args ...any) {
	d.Lines = append(d.Lines, Line{label, fmt.Sprintf(format, args...)})
}

// Units spells an amount of the smallest units in the whole ones that have decimals places, exactly: every digit that
// counts is there and none is rounded. A negative number of decimals is taken as none.
func Units(n *big.Int, decimals int) string {
	text := new(big.Int).Abs(n).String()
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	if decimals <= 0 {
		return sign + text
	}
	if missing := decimals + 1 - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	whole, rest := text[:len(text)-decimals], strings.TrimRight(text[len(text)-decimals:], "0")
	if rest == "" {
		return sign + whole
	}
	return sign + whole + "." + rest
}

// shown is bytes as hex, cut with how much is missing.
func shown(raw []byte) string {
	const most = 36
	if len(raw) > most {
		return fmt.Sprintf("0x%x… (%d more bytes)", raw[:most], len(raw)-most)
	}
	return fmt.Sprintf("0x%x", raw)
}

// plural is a count with its word.
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
