package backend

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"latchkey/internal/fault"
)

const (
	bodyMax  = 64 << 10
	depthMax = 16
)

// shown is a text for the caller: what is wrong with the request, without anything secret in it.
type shown struct {
	text   string
	status int // 0 is the kind's; for refusals that HTTP itself has a word for
}

func (s shown) Error() string { return s.text }

// show is a text for the caller under the status of its kind.
func show(text string) shown { return shown{text: text} }

// bad says what is wrong with a request.
func bad(format string, args ...any) error {
	return fault.New(fault.RequestInvalid, show(fmt.Sprintf(format, args...)))
}

// refuse says what HTTP itself forbids.
func refuse(status int, text string) error {
	return fault.New(fault.RequestInvalid, shown{text, status})
}

// decode reads the body of r, one JSON object, into a struct. Fields that the struct lacks are ignored, since every
// family of clients sends its own; a name that stands twice, by whatever case, and anything after the object are
// refused, since two readers could see two requests. Errors: fault.RequestInvalid.
func decode(r *http.Request, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "want Content-Type application/json")
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is over %d bytes", bodyMax))
		}
		return bad("the body ended early")
	}
	if err := checkJSON(raw); err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return bad("%s: of the wrong type, %s", e.Field, strings.Fields(e.Value)[0])
		}
		return bad("the body cannot be read")
	}
	return nil
}

// checkJSON refuses what encoding/json would let pass.
func checkJSON(raw []byte) error {
	if !utf8.Valid(raw) {
		return bad("the body is not UTF-8")
	}
	if trimmed := bytes.TrimLeft(raw, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return bad("want one JSON object")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := checkValue(dec, 0); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return bad("something follows the JSON object")
	}
	return nil
}

func checkValue(dec *json.Decoder, depth int) error {
	t, err := dec.Token()
	if err != nil {
		return bad("the body is not JSON")
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	if depth == depthMax {
		return bad("the body is nested more than %d deep", depthMax)
	}
	seen := map[string]bool{}
	for dec.More() {
		if open == '{' {
			name, err := dec.Token()
			if err != nil {
				return bad("the body is not JSON")
			}
			folded := strings.ToLower(name.(string)) // encoding/json takes any case for a field
			if seen[folded] {
				return bad("a name stands twice in one object")
			}
			seen[folded] = true
		}
		if err := checkValue(dec, depth+1); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return bad("the body is not JSON")
	}
	return nil
}
