package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// claims reads named claims and keeps the first complaint, so that a reader is one line per claim.
type claims struct {
	all map[string]any
	err error
}

func readClaims(payload []byte) (*claims, error) {
	all, err := readObject(payload)
	if err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	return &claims{all: all}, nil
}

func (c *claims) fail(name, want string) {
	if c.err == nil {
		c.err = fmt.Errorf("%s: want %s", name, want)
	}
}

// text returns a claim that must be a string and not empty.
func (c *claims) text(name string) string {
	s, ok := c.all[name].(string)
	if !ok || s == "" {
		c.fail(name, "a string")
	}
	return s
}

// optional returns a claim that may be absent, but must be a string if it is there.
func (c *claims) optional(name string) string {
	if _, ok := c.all[name]; !ok {
		return ""
	}
	s, ok := c.all[name].(string)
	if !ok {
		c.fail(name, "a string")
	}
	return s
}

// id returns a claim that must be a UUID as Turnkey writes it.
func (c *claims) id(name string) string {
	s, _ := c.all[name].(string)
	if !isUUID(s) {
		c.fail(name, "a UUID")
	}
	return s
}

// key returns a claim that must be a compressed public key in lower-case hex. That it is a point is not checked.
func (c *claims) key(name string) string {
	s, _ := c.all[name].(string)
	if !isKey(s) {
		c.fail(name, "a compressed public key")
	}
	return s
}

// seconds returns a claim that must be a JSON number of whole Unix seconds.
func (c *claims) seconds(name string) time.Time {
	n, _ := c.all[name].(json.Number)
	v, err := wholeNumber(string(n))
	if err != nil || v > timeMax {
		c.fail(name, "a number of seconds")
		return time.Time{}
	}
	return time.Unix(v, 0)
}

// millis returns a claim that must be a JSON string of whole Unix milliseconds.
func (c *claims) millis(name string) time.Time {
	s, _ := c.all[name].(string)
	v, err := wholeNumber(s)
	if err != nil || v > timeMax*1000 {
		c.fail(name, "milliseconds in a string")
		return time.Time{}
	}
	return time.UnixMilli(v)
}

// timeMax is the end of the year 9999, beyond which a time has no RFC 3339 spelling.
const timeMax = 253402300799

// wholeNumber reads decimal digits and nothing else: no sign, no leading zero, no exponent.
func wholeNumber(s string) (int64, error) {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(v, 10) != s || v < 0 {
		return 0, errors.New("not a whole number")
	}
	return v, nil
}

// isUUID reports whether s is 8-4-4-4-12 lower-case hex characters.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if !isLowerHex(s[i]) {
				return false
			}
		}
	}
	return true
}

// isKey reports whether s has the form of a compressed public key.
func isKey(s string) bool {
	if len(s) != 66 || s[0] != '0' || s[1] != '2' && s[1] != '3' {
		return false
	}
	for i := range len(s) {
		if !isLowerHex(s[i]) {
			return false
		}
	}
	return true
}

func isLowerHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }

// object returns a claim that is an object, or nil when it is absent or null.
func (c *claims) object(name string) *claims {
	if c.all[name] == nil {
		return nil
	}
	o, ok := c.all[name].(map[string]any)
	if !ok {
		c.fail(name, "an object")
	}
	return &claims{all: o}
}

// list returns a claim that is a list; absent and null are empty.
func (c *claims) list(name string) []any {
	if c.all[name] == nil {
		return nil
	}
	l, ok := c.all[name].([]any)
	if !ok {
		c.fail(name, "a list")
	}
	return l
}

// join takes over the complaint of a part.
func (c *claims) join(part *claims) {
	if c.err == nil {
		c.err = part.err
	}
}
