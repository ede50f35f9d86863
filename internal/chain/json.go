package chain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// Limits on a JSON text from outside.
const (
	maxJSON  = 256 << 10 // bytes
	maxDepth = 32        // objects and arrays within each other
)

// ReadJSON reads one JSON value of at most so many bytes, strictly, as typed data is read: no name twice in an object,
// nothing after the value, UTF-8 alone, no half of a surrogate pair. Objects are map[string]any, numbers json.Number.
func ReadJSON(raw []byte, most int) (any, error) {
	if len(raw) > most {
		return nil, invalid("JSON: over %d bytes", most)
	}
	v, err := readJSON(raw)
	if err != nil {
		return nil, invalid("JSON: %w", err)
	}
	return v, nil
}

// An object keeps its members by name; json.Number, string, bool, nil, []any and object are the values.
type object = map[string]any

// parseJSON reads one JSON value of a message.
func parseJSON(raw []byte) (any, error) {
	if len(raw) > maxJSON {
		return nil, fmt.Errorf("over %d bytes", maxJSON)
	}
	return readJSON(raw)
}

// readJSON reads one JSON value strictly. encoding/json alone lets pass what two readers may understand differently:
// doubled names, text after the value, broken UTF-8, half a surrogate pair, which it replaces. Nesting is limited
// because what is read here is walked recursively afterwards.
func readJSON(raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, fmt.Errorf("not UTF-8")
	}
	if !pairedSurrogates(raw) {
		return nil, fmt.Errorf("half a surrogate pair")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, err := readValue(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("text after the JSON value")
	}
	return v, nil
}

func readValue(dec *json.Decoder, depth int) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("not JSON")
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth == maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	if delim == '[' {
		list := []any{}
		for dec.More() {
			v, err := readValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, closeValue(dec)
	}
	members := object{}
	for dec.More() {
		token, err := dec.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, fmt.Errorf("not JSON")
		}
		if _, doubled := members[name]; doubled {
			return nil, fmt.Errorf("member %q is given twice", clip(name))
		}
		if members[name], err = readValue(dec, depth+1); err != nil {
			return nil, err
		}
	}
	return members, closeValue(dec)
}

// closeValue eats the bracket that ends an object or array.
func closeValue(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("not JSON")
	}
	return nil
}

// pairedSurrogates reports whether every escape of half a character in a JSON text stands beside its other half.
func pairedSurrogates(raw []byte) bool {
	unit := func(at int) (uint64, bool) { // of an escape that begins at at
		if at+6 > len(raw) || raw[at] != '\\' || raw[at+1] != 'u' {
			return 0, false
		}
		n, err := strconv.ParseUint(string(raw[at+2:at+6]), 16, 16)
		return n, err == nil
	}
	for at := 0; at < len(raw); at++ {
		if raw[at] != '\\' {
			continue
		}
		n, ok := unit(at)
		switch {
		case ok && n >= 0xdc00 && n < 0xe000:
			return false
		case ok && n >= 0xd800 && n < 0xdc00:
			low, ok := unit(at + 6)
			if !ok || low < 0xdc00 || low >= 0xe000 {
				return false
			}
			at += 6
		}
		at++ // what was escaped, a backslash among it
	}
	return true
}
