package chain

import (
	"bytes"
	"strconv"
)

// personal begins every personal message of Ethereum, so that none is a transaction. Source: EIP-191, version 0x45.
//
// Stamps of that scheme spell it too: stamp knows no chains.
const personal = "\x19Ethereum Signed Message:\n"

// PersonalMessage is what Ethereum's accounts sign in place of a text. It counts the text's bytes in decimal.
func PersonalMessage(text []byte) []byte {
	return append(strconv.AppendInt([]byte(personal), int64(len(text)), 10), text...)
}

// PersonalText returns the text of a personal message, and whether raw is one.
func PersonalText(raw []byte) (text []byte, ok bool) {
	rest, ok := bytes.CutPrefix(raw, []byte(personal))
	if !ok {
		return nil, false
	}
	for digits := 1; digits <= 7 && digits <= len(rest); digits++ { // a text may begin with digits of its own
		text := rest[digits:]
		if string(rest[:digits]) == strconv.Itoa(len(text)) {
			return text, true
		}
	}
	return nil, false
}
