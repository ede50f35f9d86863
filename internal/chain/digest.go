package chain

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Digest returns the 32 bytes that are signed: Keccak-256 of 0x1901, the domain's hash and the message's hash. A
// message whose primary type is EIP712Domain has no hash of its own.
//
// Every field of a type must be given and no other member may be, so that nothing is shown that is not signed. A null
// is not a value. Integers may be JSON numbers, decimal text or 0x text and must fit; bytes are 0x text.
func (t *TypedData) Digest() ([]byte, error) {
	digest, err := t.digest()
	if err != nil {
		return nil, invalid("typed data: %w", err)
	}
	return digest, nil
}

func (t *TypedData) digest() ([]byte, error) {
	h := hasher{types: t.Types, typeHashes: map[string][]byte{}}
	separator, err := h.structHash(domainType, withoutNulls(t.Domain), "domain")
	if err != nil {
		return nil, err
	}
	if t.PrimaryType == domainType {
		if len(t.Message) != 0 {
			return nil, fmt.Errorf("a message beside the domain")
		}
		return Keccak256([]byte{0x19, 0x01}, separator), nil
	}
	message, err := h.structHash(t.PrimaryType, t.Message, "message")
	if err != nil {
		return nil, err
	}
	return Keccak256([]byte{0x19, 0x01}, separator, message), nil
}

// EncodeType returns the text that a type is hashed as: the type itself, then those it refers to, sorted. The type
// must be one of t.
func (t *TypedData) EncodeType(name string) string {
	h := hasher{types: t.Types}
	return h.encodeType(name)
}

// withoutNulls drops the members that are null: libraries write an absent domain member either way.
func withoutNulls(domain object) object {
	out := make(object, len(domain))
	for name, v := range domain {
		if v != nil {
			out[name] = v
		}
	}
	return out
}

// hasher walks a message. Recursion follows the message, whose depth parseJSON limits; a type may refer to itself.
type hasher struct {
	types      map[string][]Field
	typeHashes map[string][]byte
}

func (h hasher) encodeType(name string) string {
	seen := map[string]bool{name: true}
	queue := []string{name}
	for i := 0; i < len(queue); i++ { // the queue grows while it is read
		for _, f := range h.types[queue[i]] {
			base, err := baseType(f.Type)
			if _, isStruct := h.types[base]; err == nil && isStruct && !seen[base] {
				seen[base] = true
				queue = append(queue, base)
			}
		}
	}
	slices.Sort(queue[1:])
	var b strings.Builder
	for _, n := range queue {
		b.WriteString(n + "(")
		for i, f := range h.types[n] {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(f.Type + " " + f.Name)
		}
		b.WriteByte(')')
	}
	return b.String()
}

func (h hasher) typeHash(name string) []byte {
	if h.typeHashes[name] == nil {
		h.typeHashes[name] = Keccak256([]byte(h.encodeType(name)))
	}
	return h.typeHashes[name]
}

func (h hasher) structHash(name string, members object, where string) ([]byte, error) {
	fields := h.types[name]
	data := slices.Clone(h.typeHash(name))
	for _, f := range fields {
		v, given := members[f.Name]
		if !given || v == nil {
			return nil, fmt.Errorf("%s: %q is missing", where, clip(f.Name))
		}
		word, err := h.encode(f.Type, v, f.Name)
		if err != nil {
			return nil, err
		}
		data = append(data, word...)
	}
	if len(members) != len(fields) {
		return nil, fmt.Errorf("%s: a member that type %q does not have", where, clip(name))
	}
	return Keccak256(data), nil
}

// encode returns the 32 bytes that stand for v; where names the field for errors.
func (h hasher) encode(kind string, v any, where string) ([]byte, error) {
	if strings.HasSuffix(kind, "]") {
		return h.encodeArray(kind, v, where)
	}
	if _, isStruct := h.types[kind]; isStruct {
		members, ok := v.(object)
		if !ok {
			return nil, fmt.Errorf("%q: want an object", clip(where))
		}
		return h.structHash(kind, members, where)
	}
	word, err := encodeAtomic(kind, v)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", clip(where), err)
	}
	return word, nil
}

func (h hasher) encodeArray(kind string, v any, where string) ([]byte, error) {
	element, length, err := splitArray(kind)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok || length >= 0 && len(list) != length {
		return nil, fmt.Errorf("%q: want a list as %s has it", clip(where), clip(kind))
	}
	data := make([]byte, 0, 32*len(list))
	for _, item := range list {
		word, err := h.encode(element, item, where)
		if err != nil {
			return nil, err
		}
		data = append(data, word...)
	}
	return Keccak256(data), nil
}

func encodeAtomic(kind string, v any) ([]byte, error) {
	word := make([]byte, 32)
	text, isText := v.(string)
	switch kind {
	case "string":
		if !isText {
			return nil, fmt.Errorf("want a text")
		}
		return Keccak256([]byte(text)), nil
	case "bytes":
		raw, err := parseHex(text)
		return Keccak256(raw), err
	case "bool":
		yes, ok := v.(bool)
		if !ok {
			return nil, fmt.Errorf("want true or false")
		}
		if yes {
			word[31] = 1
		}
		return word, nil
	case "address":
		address, err := readAddress(text)
		copy(word[12:], address[:])
		return word, err
	}
	if size, ok := bytesSize(kind); ok {
		raw, err := parseHex(text)
		if err != nil || len(raw) != size {
			return nil, fmt.Errorf("want 0x and %d bytes of hex", size)
		}
		copy(word, raw)
		return word, nil
	}
	bits, signed, ok := integerSize(kind)
	if !ok {
		return nil, fmt.Errorf("no type %q", clip(kind))
	}
	n, err := parseInteger(v)
	if err != nil {
		return nil, err
	}
	return integerWord(n, bits, signed)
}

// parseInteger reads a JSON number, decimal text or 0x text. Fractions and exponents are refused even where they name
// an integer, as 1e3 does: readers disagree on them.
func parseInteger(v any) (*big.Int, error) {
	text, ok := number(v)
	digits, negative := strings.CutPrefix(text, "-")
	base := 10
	if rest, isHex := strings.CutPrefix(digits, "0x"); isHex {
		digits, base = rest, 16
	}
	for _, c := range []byte(digits) {
		if (c < '0' || c > '9') && (base == 10 || (c < 'a' || c > 'f') && (c < 'A' || c > 'F')) {
			ok = false
		}
	}
	if !ok || digits == "" || len(digits) > 80 { // 2^256 has 78 digits
		return nil, fmt.Errorf("want an integer")
	}
	n, _ := new(big.Int).SetString(digits, base)
	if negative {
		n.Neg(n)
	}
	return n, nil
}

// integerWord is n as 32 bytes, two's complement, when it fits the type.
func integerWord(n *big.Int, bits int, signed bool) ([]byte, error) {
	fits := n.Sign() >= 0 && n.BitLen() <= bits
	if signed {
		low := new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), uint(bits-1)))
		fits = n.Cmp(low) >= 0 && n.Cmp(new(big.Int).Neg(low)) < 0
	}
	if !fits {
		return nil, fmt.Errorf("the integer does not fit %d bits", bits)
	}
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), 256))
	}
	return n.FillBytes(make([]byte, 32)), nil
}

// Integer reads a number of typed data or an authorization: a JSON number (json.Number), decimal text or 0x text.
func Integer(v any) (*big.Int, error) {
	n, err := parseInteger(v)
	if err != nil {
		return nil, invalid("%w", err)
	}
	return n, nil
}
