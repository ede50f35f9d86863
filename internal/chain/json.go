package chain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Limits on a JSON text from outside.
const (
	maxJSON  = 256 << 10 // bytes
	maxDepth = 32        // objects and arrays within each other
)

// An object keeps its members by name; json.Number, string, bool, nil, []any and object are the values.
type object = map[string]any

// parseJSON reads one JSON value strictly. encoding/json alone lets pass what two readers may understand
// differently: doubled names, text after the value, broken UTF-8. Nesting is limited because what is read here is
// walked recursively afterwards.
func parseJSON(raw []byte) (any, error) {
	if len(raw) > maxJSON {
		return nil, fmt.Errorf("over %d bytes", maxJSON)
	}
	if !utf8.Valid(raw) {
		return nil, fmt.Errorf("not UTF-8")
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
