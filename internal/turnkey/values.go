package turnkey

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Seconds is a length of time on the wire: a 64-bit number, written as a JSON string. A plain number is read too.
// Zero is left out by the fields that use it, and means the service's default.
type Seconds int64

// MarshalJSON writes the number as a string.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(strconv.FormatInt(int64(s), 10))
}

// UnmarshalJSON reads a string or a number, whole in both cases.
func (s *Seconds) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if text == "null" || text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("seconds %.40q: not a whole number", text)
	}
	*s = Seconds(n)
	return nil
}

// Timestamp is a moment on the wire.
type Timestamp struct {
	Seconds string `json:"seconds"`
	Nanos   string `json:"nanos"`
}

// Time returns the moment, or the zero time when it cannot be read.
func (t Timestamp) Time() time.Time {
	s, err := strconv.ParseInt(t.Seconds, 10, 64)
	if err != nil {
		return time.Time{}
	}
	n, _ := strconv.ParseInt(t.Nanos, 10, 64) // absent is zero
	return time.Unix(s, n).UTC()
}
