package login

import (
	"errors"
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

func badContact(why string) error { return fault.New(fault.ContactInvalid, errors.New(why)) }
