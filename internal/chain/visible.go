package chain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// blank are characters that print as nothing, or as a blank that is none, and are not of the tables of unicode that
// say so.
const blank = "\u2800\u3164\uffa0\u115f\u1160\u17b4\u17b5"

// Visible returns what came from outside in a form in which every character can be seen for what it is: control,
// direction and zero-width characters, blanks other than the usual one and broken UTF-8 are spelt as Go spells them
// (\n, \u202e, \xff), a backslash is doubled so that nothing else reads like one of them, and of a run of combining
// marks the first two alone stay marks. Beyond most bytes the rest is left out, and how many bytes that were is said.
func Visible(text string, most int) string {
	var b strings.Builder
	marks := 0
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if at+size > most {
			fmt.Fprintf(&b, "… (%d more bytes)", len(text)-at)
			break
		}
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[at])
		case r == '\\':
			b.WriteString(`\\`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case unicode.IsPrint(r) && marks <= 2 && !strings.ContainsRune(blank, r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		at += size
	}
	return b.String()
}

// Readable reports whether raw is a text that a person can read: UTF-8, not empty, without control characters but those
// of lines.
func Readable(raw []byte) bool {
	if len(raw) == 0 || !utf8.Valid(raw) {
		return false
	}
	for _, r := range string(raw) {
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
	}
	return true
}
