package login

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"latchkey/internal/fault"
)

// Email returns the address that a person typed, without the spaces around it. It has a name, an @ and a domain;
// whether mail arrives there, only mail can tell. Errors: fault.ContactInvalid.
func Email(typed string) (string, error) {
	address := strings.TrimSpace(typed)
	i := strings.LastIndexByte(address, '@')
	name, domain := address[:max(i, 0)], address[i+1:]
	odd := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`<>,;"()\`, r)
	}
	switch {
	case i < 1, domain == "":
		return "", badContact("no name, no @, or no domain")
	case len(name) > 64 || len(address) > 254: // RFC 5321, section 4.5.3.1
		return "", badContact("too long")
	case strings.ContainsFunc(address, odd) || strings.Contains(name, "@"):
		return "", badContact("a character that no address has")
	case strings.Contains(address, "..") || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") ||
		strings.HasPrefix(name, ".") || strings.HasSuffix(name, "."):
		return "", badContact("a dot where none may be")
	}
	return address, nil
}

// Phone returns the number that a person typed as ITU-T E.164 spells it: a plus, the country's code and the rest, 8 to 15
// digits in all. Spaces, dashes, dots, slashes and brackets are left out, and 00 stands for the plus. A number without a
// country is not guessed at. Errors: fault.PhoneInvalid.
func Phone(typed string) (string, error) {
	number := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Dash, r), unicode.Is(unicode.Cf, r), strings.ContainsRune("./()", r):
			return -1
		}
		return r
	}, typed)
	if rest, ok := strings.CutPrefix(number, "00"); ok {
		number = "+" + rest
	}
	digits, plus := strings.CutPrefix(number, "+")
	switch {
	case !plus:
		return "", fault.New(fault.PhoneInvalid, errors.New("no country code: want +, then the country's code"))
	case strings.Trim(digits, "0123456789") != "":
		return "", fault.New(fault.PhoneInvalid, errors.New("a character that is no digit"))
	case len(digits) < 8 || len(digits) > 15:
		return "", fault.New(fault.PhoneInvalid, fmt.Errorf("%d digits: want 8 to 15, the country's code included", len(digits)))
	case digits[0] == '0':
		return "", fault.New(fault.PhoneInvalid, errors.New("no country's code begins with 0"))
	}
	return number, nil
}

func badContact(why string) error { return fault.New(fault.ContactInvalid, errors.New(why)) }
