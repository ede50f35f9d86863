package login

import (
	"strings"
	"unicode"
)

// tidy returns a code as it was meant: without the spaces and dashes that mail programs and people put in, in plain
// digits, and in upper case if it has letters.
func tidy(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Dash, r), unicode.Is(unicode.Cf, r), r == '_', r == '.':
			return -1
		case r >= '０' && r <= '９': // full width, as some keyboards type
			return r - '０' + '0'
		}
		return unicode.ToUpper(r)
	}, typed)
}

// plausible reports whether a tidy code could be one of this form. One that cannot is not worth a try.
func plausible(code string, length int, alphanumeric bool) bool {
	for _, c := range []byte(code) {
		if (c < '0' || c > '9') && (!alphanumeric || c < 'A' || c > 'Z') {
			return false
		}
	}
	return len(code) == length
}
