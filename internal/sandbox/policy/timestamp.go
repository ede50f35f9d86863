package policy

import (
	"errors"
	"strings"
	"time"
)

// parseTimestamp reads an RFC 3339 time whose offset is zero: Z, z, +00:00 or -00:00.
func parseTimestamp(s string) (time.Time, error) {
	notTime := errors.New("not an RFC 3339 time")
	const shape = "0000-00-00T00:00:00"
	if len(s) <= len(shape) {
		return time.Time{}, notTime
	}
	for i := range len(shape) {
		if digit := shape[i] == '0'; digit != isDigit(s[i]) || !digit && shape[i] != s[i]&^('t'-'T') && shape[i] != s[i] {
			return time.Time{}, notTime
		}
	}
	fraction, offset := "", s[len(shape):]
	if offset[0] == '.' {
		n := 1 + span(offset[1:], isDigit)
		if n < 2 || n > 10 {
			return time.Time{}, notTime
		}
		fraction, offset = offset[:n], offset[n:]
	}
	switch offset {
	case "Z", "z", "+00:00", "-00:00":
	default:
		if _, err := time.Parse("Z07:00", strings.ToUpper(offset)); err == nil {
			return time.Time{}, errors.New("offset is not zero")
		}
		return time.Time{}, notTime
	}
	at, err := time.Parse("2006-01-02T15:04:05", strings.ToUpper(s[:len(shape)])+fraction)
	if err != nil {
		return time.Time{}, notTime
	}
	return at, nil
}
