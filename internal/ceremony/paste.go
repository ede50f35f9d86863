package ceremony

import (
	"crypto/sha256"
	"errors"
	"net/url"
	"strings"

	"latchkey/internal/fault"
)

// pasteMost is the longest address that is looked at.
const pasteMost = headerMost

// Pasted reads the address that a person copied out of a browser that could not reach this machine: the answer to a
// round that was to come back to redirectURI with state. It is checked as what comes by the listener is. Errors:
// fault.PasteWrong, for anything but that address.
func Pasted(text, redirectURI, state string) (url.Values, error) {
	text = strings.TrimSpace(text)
	want, err := url.Parse(redirectURI)
	if err != nil || len(text) > pasteMost {
		return nil, fault.New(fault.PasteWrong, errors.New("too long"))
	}
	got, err := url.Parse(text)
	switch {
	case err != nil: // never the cause, which quotes the address
		return nil, fault.New(fault.PasteWrong, errors.New("not an address"))
	case got.Scheme != want.Scheme || !strings.EqualFold(got.Host, want.Host) || got.User != nil || !same(got.Path, want.Path):
		return nil, fault.New(fault.PasteWrong, errors.New("the address is not of this log-in"))
	}
	answer, ok := read(got.RawQuery, sha256.Sum256([]byte(state)))
	if !ok {
		return nil, fault.New(fault.PasteWrong, errors.New("the address holds no answer to this log-in"))
	}
	return answer, nil
}
