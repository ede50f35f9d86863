package chain

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// domainType is the name EIP-712 keeps for the domain's own struct.
const domainType = "EIP712Domain"

// Limits on the types of one message. The digest hashes each type with all it refers to, so their product bounds the
// work.
const (
	maxTypes  = 128
	maxFields = 256 // of one type
	maxName   = 128 // characters of a type or field name
)

// Field is one member of a struct type.
type Field struct {
	Name string
	Type string // as written: "uint256", "Person[]", "bytes32[2][]"
}

// TypedData is an EIP-712 message whose types have been checked: every name is well formed and every type that is
// mentioned exists. Values are not checked before [TypedData.Digest]. Numbers are json.Number, structs map[string]any.
type TypedData struct {
	Types       map[string][]Field // with EIP712Domain, which is built when the text has none
	PrimaryType string
	Domain      map[string]any
	Message     map[string]any
}

// ParseTypedData reads the JSON that wallets pass as eth_signTypedData_v4: types, domain, primaryType and message, no
// other members. When types has no EIP712Domain it is built from the domain's members in the standard's order; a
// member that the standard does not know is then an error, because nobody could say where it goes.
// Source: EIP-712.
func ParseTypedData(raw []byte) (*TypedData, error) {
	t, err := readTypedData(raw)
	if err == nil {
		err = t.checkTypes()
	}
	if err != nil {
		return nil, invalid("typed data: %w", err)
	}
	return t, nil
}

func readTypedData(raw []byte) (*TypedData, error) {
	v, err := parseJSON(raw)
	if err != nil {
		return nil, err
	}
	top, ok := v.(object)
	if !ok {
		return nil, fmt.Errorf("not an object")
	}
	for name := range top {
		if !slices.Contains([]string{"types", "domain", "primaryType", "message"}, name) {
			return nil, fmt.Errorf("unknown member %q", clip(name))
		}
	}
	t := &TypedData{}
	if t.PrimaryType, ok = top["primaryType"].(string); !ok {
		return nil, fmt.Errorf("primaryType is missing")
	}
	if t.Domain, ok = top["domain"].(object); !ok {
		return nil, fmt.Errorf("domain is missing")
	}
	if t.Message, ok = top["message"].(object); !ok {
		// A message that signs its domain alone may leave it out, as some libraries do.
		if _, given := top["message"]; given || t.PrimaryType != domainType {
			return nil, fmt.Errorf("message is missing")
		}
		t.Message = object{}
	}
	types, ok := top["types"].(object)
	if !ok {
		return nil, fmt.Errorf("types are missing")
	}
	if t.Types, err = readTypes(types); err != nil {
		return nil, err
	}
	if _, given := t.Types[domainType]; !given {
		if t.Types[domainType], err = domainFields(t.Domain); err != nil {
			return nil, err
		}
	}
	if _, known := t.Types[t.PrimaryType]; !known {
		return nil, fmt.Errorf("primary type %q is not among the types", clip(t.PrimaryType))
	}
	return t, nil
}

func readTypes(types object) (map[string][]Field, error) {
	if len(types) > maxTypes {
		return nil, fmt.Errorf("over %d types", maxTypes)
	}
	out := make(map[string][]Field, len(types)+1)
	for name, v := range types {
		list, ok := v.([]any)
		if !ok || len(list) > maxFields {
			return nil, fmt.Errorf("type %q: want a list of at most %d fields", clip(name), maxFields)
		}
		fields := make([]Field, 0, len(list))
		for _, item := range list {
			member, _ := item.(object)
			n, okName := member["name"].(string)
			t, okType := member["type"].(string)
			if !okName || !okType || len(member) != 2 {
				return nil, fmt.Errorf("type %q: a field has a name and a type, no more", clip(name))
			}
			fields = append(fields, Field{n, t})
		}
		out[name] = fields
	}
	return out, nil
}

// domainFields are the fields that domain has, in the order of the standard. A null counts as absent.
func domainFields(domain object) ([]Field, error) {
	known := []Field{{"name", "string"}, {"version", "string"}, {"chainId", "uint256"}, {"verifyingContract", "address"}, {"salt", "bytes32"}}
	var fields []Field
	present := 0
	for _, f := range known {
		v, ok := domain[f.Name]
		if ok {
			present++
		}
		if v != nil {
			fields = append(fields, f)
		}
	}
	if present != len(domain) {
		return nil, fmt.Errorf("domain: a member that is not of the standard, and no %s type", domainType)
	}
	return fields, nil
}

// checkTypes makes sure that every later step may trust names and references.
func (t *TypedData) checkTypes() error {
	for name, fields := range t.Types {
		if !isTypeName(name) {
			return fmt.Errorf("type name %q", clip(name))
		}
		seen := make(map[string]bool, len(fields))
		for _, f := range fields {
			if !isIdentifier(f.Name) || seen[f.Name] {
				return fmt.Errorf("type %q: field %q is badly named or doubled", clip(name), clip(f.Name))
			}
			seen[f.Name] = true
			base, err := baseType(f.Type)
			if err != nil {
				return err
			}
			if _, isStruct := t.Types[base]; !isStruct && !isAtomic(base) {
				return fmt.Errorf("type %q: field %q has the unknown type %q", clip(name), clip(f.Name), clip(f.Type))
			}
		}
	}
	return nil
}

// baseType strips every array suffix.
func baseType(name string) (string, error) {
	for strings.HasSuffix(name, "]") {
		element, _, err := splitArray(name)
		if err != nil {
			return "", err
		}
		name = element
	}
	return name, nil
}

// splitArray takes the last array suffix off: the element's type and the length, -1 for any.
func splitArray(name string) (element string, length int, err error) {
	open := strings.LastIndexByte(name, '[')
	if open < 1 || !strings.HasSuffix(name, "]") || len(name) > maxName {
		return "", 0, fmt.Errorf("type %q", clip(name))
	}
	size := name[open+1 : len(name)-1]
	if size == "" {
		return name[:open], -1, nil
	}
	n, err := strconv.ParseUint(size, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != size {
		return "", 0, fmt.Errorf("array size of %q", clip(name))
	}
	return name[:open], int(n), nil
}

// isTypeName allows what a Solidity identifier allows, and the colon that some applications put into their primary
// type. Nothing else may stand in a name, for the hash is taken over the types as text: a bracket, comma or blank
// could make two different lists of types read the same. The names of atomic types are taken.
func isTypeName(s string) bool {
	return isIdentifier(strings.ReplaceAll(s, ":", "_")) && s[0] != ':' && !isAtomic(s)
}

func isIdentifier(s string) bool {
	if s == "" || len(s) > maxName || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for _, c := range []byte(s) {
		if c != '_' && c != '$' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// isAtomic reports whether name is a type that a struct may not be called. "uint" and "int" are among them although
// they are refused as types: the standard has no aliases.
func isAtomic(name string) bool {
	switch name {
	case "bool", "address", "string", "bytes", "uint", "int":
		return true
	}
	if size, ok := bytesSize(name); ok {
		return size > 0
	}
	_, _, ok := integerSize(name)
	return ok
}

// bytesSize reads "bytes1" to "bytes32".
func bytesSize(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, "bytes")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || n > 32 || strconv.Itoa(n) != digits {
		return 0, false
	}
	return n, true
}

// integerSize reads "uint8" to "uint256" and "int8" to "int256".
func integerSize(name string) (bits int, signed, ok bool) {
	digits, unsigned := strings.CutPrefix(name, "uint")
	if !unsigned {
		if digits, ok = strings.CutPrefix(name, "int"); !ok {
			return 0, false, false
		}
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 8 || n > 256 || n%8 != 0 || strconv.Itoa(n) != digits {
		return 0, false, false
	}
	return n, !unsigned, true
}

// number is a value that may be a JSON number or a text.
func number(v any) (string, bool) {
	switch v := v.(type) {
	case json.Number:
		return v.String(), true
	case string:
		return v, true
	}
	return "", false
}
