package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// readStrings reads text as one JSON object and returns its required members and those of the optional ones that are
// there; all must be strings. Other members are passed over, but no name may stand twice. encoding/json alone would
// take the last of two equal names, and names in any case; its tokens cost a tenth of what opening a bundle does.
func readStrings(text []byte, required []string, optional ...string) (map[string]string, error) {
	if len(text) > sizeMax {
		return nil, fmt.Errorf("%d bytes, at most %d", len(text), sizeMax)
	}
	if !utf8.Valid(text) || !json.Valid(text) { // one value, with nothing after it
		return nil, errors.New("not JSON")
	}
	rest := skipTo(text, 0)
	if rest[0] != '{' {
		return nil, errors.New("not a JSON object")
	}
	got, seen := map[string]string{}, map[string]bool{}
	for rest = skipTo(rest, 1); rest[0] != '}'; {
		end := valueEnd(rest)
		name := unquote(rest[:end])
		if seen[name] {
			return nil, fmt.Errorf("%.32q twice", name)
		}
		seen[name] = true
		rest = skipTo(skipTo(rest, end), 1) // past the colon
		end = valueEnd(rest)
		if slices.Contains(required, name) || slices.Contains(optional, name) {
			if rest[0] != '"' {
				return nil, fmt.Errorf("%s: want a string", name)
			}
			got[name] = unquote(rest[:end])
		}
		if rest = skipTo(rest, end); rest[0] == ',' {
			rest = skipTo(rest, 1)
		}
	}
	for _, name := range required {
		if !seen[name] {
			return nil, fmt.Errorf("%s: missing", name)
		}
	}
	return got, nil
}

// skipTo returns what follows the first n bytes of text and white space.
func skipTo(text []byte, n int) []byte {
	for text = text[n:]; len(text) > 0 && (text[0] == ' ' || text[0] == '\t' || text[0] == '\n' || text[0] == '\r'); {
		text = text[1:]
	}
	return text
}

// valueEnd returns the length of the value with which text, part of valid JSON, begins.
func valueEnd(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // the end of what a number or word stands in
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

// unquote reads a string of valid JSON.
func unquote(text []byte) string {
	if inner := text[1 : len(text)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		panic("bundle: " + err.Error()) // json.Valid said otherwise
	}
	return s
}
