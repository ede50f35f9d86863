package contract

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/sha3"

	"latchkey/internal/sandbox/policy"
)

// Bounds of interfaces and calls. The first is the service's own.
const (
	maxInterface = 400 << 10 // bytes of JSON
	maxDepth     = 16        // arrays and tuples within each other
	maxValues    = 10_000    // of one call
	maxHead      = 1 << 24   // bytes that a value takes without its tail
)

// ABI is the interface of an Ethereum contract.
type ABI struct {
	functions map[[4]byte]function
}

type function struct {
	name   string
	inputs []input
}

type input struct {
	name string
	typ  *abiType
}

// Call is what a transaction asks of a contract. Selector are the bytes that chose the function.
type Call struct {
	Name     string
	Selector []byte
	Args     map[string]policy.Value // by name; arguments without one are left out
}

// entry is a function, an event or something else of an ABI; parameter is one of its inputs.
type entry struct {
	Type   string      `json:"type"`
	Name   string      `json:"name"`
	Inputs []parameter `json:"inputs"`
}

type parameter struct {
	Name       string      `json:"name"`
	Type       string      `json:"type"`
	Components []parameter `json:"components"`
}

// ParseABI reads an ABI in its JSON format.
func ParseABI(text string) (*ABI, error) {
	if len(text) > maxInterface {
		return nil, errors.New("interface is too large")
	}
	var entries []entry
	if err := json.Unmarshal([]byte(text), &entries); err != nil {
		return nil, errors.New("ABI is not a JSON array of objects")
	}
	a := &ABI{functions: map[[4]byte]function{}}
	for _, e := range entries {
		if e.Type != "function" && e.Type != "" {
			continue
		}
		f := function{name: e.Name}
		var types []string
		for _, p := range e.Inputs {
			t, err := parseType(p.Type, p.Components, 0)
			if err != nil {
				return nil, fmt.Errorf("function %.40q: %w", e.Name, err)
			}
			f.inputs = append(f.inputs, input{p.Name, t})
			types = append(types, t.text)
		}
		hash := sha3.NewLegacyKeccak256()
		hash.Write([]byte(e.Name + "(" + strings.Join(types, ",") + ")"))
		a.functions[[4]byte(hash.Sum(nil)[:4])] = f
	}
	return a, nil
}

// Read reads call data. It is false for a function that the ABI does not have, and for arguments that do not fit.
func (a *ABI) Read(data []byte) (Call, bool) {
	if len(data) < 4 {
		return Call{}, false
	}
	f, ok := a.functions[[4]byte(data[:4])]
	if !ok {
		return Call{}, false
	}
	d := abiDecoder{data: data[4:]}
	fields := make([]*abiType, len(f.inputs))
	for i, in := range f.inputs {
		fields[i] = in.typ
	}
	values, err := d.tuple(fields, 0)
	if err != nil {
		return Call{}, false
	}
	c := Call{Name: f.name, Selector: data[:4], Args: map[string]policy.Value{}}
	for i, in := range f.inputs {
		if in.name != "" {
			c.Args[in.name] = values[i]
		}
	}
	return c, true
}

// abiKind is the sort of an abiType.
type abiKind uint8

const (
	abiUint abiKind = iota
	abiInt
	abiBool
	abiAddress
	abiFixedBytes
	abiBytes
	abiString
	abiArray // of a fixed or any length
	abiTuple
)

// abiType is a type of the ABI.
type abiType struct {
	kind    abiKind
	text    string // as selectors spell it
	size    int    // bits of a number, bytes of fixed bytes, or an array's length, -1 for any
	elem    *abiType
	fields  []*abiType
	dynamic bool // it stands in the tail
	head    int  // bytes
}

// parseType reads a type such as uint256[2][] or tuple[].
func parseType(s string, components []parameter, depth int) (*abiType, error) {
	if depth > maxDepth {
		return nil, errors.New("type is too deep")
	}
	if inner, length, ok := cutArray(s); ok {
		elem, err := parseType(inner, components, depth+1)
		if err != nil {
			return nil, err
		}
		t := &abiType{kind: abiArray, size: -1, elem: elem, text: elem.text + "[" + length + "]", dynamic: true, head: 32}
		if length == "" {
			return t, nil
		}
		n, err := strconv.Atoi(length)
		if err != nil || n < 1 || n > maxValues || strconv.Itoa(n) != length {
			return nil, fmt.Errorf("type is not understood: %.40q", s)
		}
		if t.size, t.dynamic = n, elem.dynamic; !t.dynamic {
			t.head = n * elem.head
		}
		return t, t.fits()
	}
	if s == "tuple" {
		t := &abiType{kind: abiTuple}
		var types []string
		for _, c := range components {
			f, err := parseType(c.Type, c.Components, depth+1)
			if err != nil {
				return nil, err
			}
			t.fields, types = append(t.fields, f), append(types, f.text)
			t.dynamic, t.head = t.dynamic || f.dynamic, t.head+f.head
			if err := t.fits(); err != nil {
				return nil, err
			}
		}
		if t.text = "(" + strings.Join(types, ",") + ")"; t.dynamic {
			t.head = 32
		}
		return t, nil
	}
	return parsePlain(s)
}

func (t *abiType) fits() error {
	if t.head > maxHead {
		return errors.New("type is too large")
	}
	return nil
}

// cutArray takes the last pair of brackets off a type.
func cutArray(s string) (inner, length string, ok bool) {
	at := strings.LastIndexByte(s, '[')
	if at < 0 || !strings.HasSuffix(s, "]") {
		return "", "", false
	}
	return s[:at], s[at+1 : len(s)-1], true
}

// parsePlain reads a type that holds no other.
func parsePlain(s string) (*abiType, error) {
	t := &abiType{text: s, head: 32}
	switch s {
	case "bool":
		t.kind = abiBool
		return t, nil
	case "address":
		t.kind = abiAddress
		return t, nil
	case "function":
		t.kind, t.size = abiFixedBytes, 24
		return t, nil
	case "bytes":
		t.kind, t.dynamic = abiBytes, true
		return t, nil
	case "string":
		t.kind, t.dynamic = abiString, true
		return t, nil
	case "uint", "int":
		s += "256"
		t.text = s
	}
	for prefix, kind := range map[string]abiKind{"uint": abiUint, "int": abiInt, "bytes": abiFixedBytes} {
		digits, ok := strings.CutPrefix(s, prefix)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(digits)
		whole := kind == abiFixedBytes && n <= 32 || kind != abiFixedBytes && n <= 256 && n%8 == 0
		if err == nil && n > 0 && whole && strconv.Itoa(n) == digits {
			t.kind, t.size = kind, n
			return t, nil
		}
	}
	return nil, fmt.Errorf("type is not understood: %.40q", s)
}

// hexText is bytes as policies spell them.
func hexText(b []byte) string { return "0x" + hex.EncodeToString(b) }
