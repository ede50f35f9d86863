package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// depthMax bounds how deep JSON may nest. What we read nests three deep.
const depthMax = 16

// readObject reads text as one JSON object and refuses what encoding/json forgives: a name that stands twice, at any
// depth (one reader would take the first, another the last), broken UTF-8, and anything after the object. Numbers are
// json.Number. Names are compared exactly, with no folding of case.
func readObject(text []byte) (map[string]any, error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, errors.New("not JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	value, err := readValue(dec, 0) // all of text, for json.Valid wants a single value
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	return object, nil
}

func readValue(dec *json.Decoder, depth int) (any, error) {
	if depth > depthMax {
		return nil, fmt.Errorf("nested deeper than %d", depthMax)
	}
	t, err := dec.Token()
	if err != nil {
		return nil, errors.New("not JSON")
	}
	switch t {
	case json.Delim('{'):
		object := map[string]any{}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return nil, errors.New("not JSON")
			}
			if _, ok := object[name.(string)]; ok {
				return nil, fmt.Errorf("%q twice", name)
			}
			if object[name.(string)], err = readValue(dec, depth+1); err != nil {
				return nil, err
			}
		}
		_, err = dec.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			value, err := readValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err = dec.Token()
		return list, err
	}
	return t, nil
}
