package contract

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// IDL is the interface of a Solana program, as Anchor writes it. Where Anchor leaves a choice, it is read as the
// service's own parser reads it (github.com/tkhq/solana-parser).
type IDL struct {
	instructions []instruction
}

type instruction struct {
	name          string
	discriminator []byte
	accounts      []string
	args          []idlField
}

type idlField struct {
	name string
	typ  *idlType
}

// idlKind is the sort of an idlType.
type idlKind uint8

const (
	idlNumber idlKind = iota // whole, of size bytes
	idlFloat                 // of size bytes
	idlBool
	idlKey
	idlBytes
	idlString
	idlVec
	idlArray // of size elements
	idlOption
	idlStruct
	idlEnum
)

// idlType is a type of the IDL. Defined types are resolved.
type idlType struct {
	kind   idlKind
	size   int
	signed bool
	elem   *idlType
	fields []idlField // of a struct; the variants of an enum, whose types are structs, lists of fields or nil
	tuple  bool       // a struct whose fields have places and no names
}

// The parts of an IDL as they stand in JSON.
type (
	idlJSON struct {
		Instructions *[]instructionJSON `json:"instructions"`
		Types        *[]definedJSON     `json:"types"`
	}
	instructionJSON struct {
		Name          string      `json:"name"`
		Discriminator *[]int      `json:"discriminator"`
		Accounts      []namedJSON `json:"accounts"`
		Args          []namedJSON `json:"args"`
	}
	namedJSON struct {
		Name string          `json:"name"`
		Type json.RawMessage `json:"type"`
	}
	definedJSON struct {
		Name string `json:"name"`
		Type struct {
			Kind     string            `json:"kind"`
			Fields   []json.RawMessage `json:"fields"`
			Variants []struct {
				Name   string            `json:"name"`
				Fields []json.RawMessage `json:"fields"`
			} `json:"variants"`
			Alias json.RawMessage `json:"alias"`
			Value json.RawMessage `json:"value"`
		} `json:"type"`
	}
)

// ParseIDL reads an IDL in its JSON format.
func ParseIDL(text string) (*IDL, error) {
	if len(text) > maxInterface {
		return nil, errors.New("interface is too large")
	}
	var raw idlJSON
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, errors.New("IDL is not a JSON object with the parts of one")
	}
	if raw.Instructions == nil || raw.Types == nil {
		return nil, errors.New("IDL lacks instructions or types")
	}
	r := idlResolver{defined: map[string]definedJSON{}, done: map[string]*idlType{}, under: map[string]bool{}}
	for _, d := range *raw.Types {
		if _, twice := r.defined[d.Name]; twice {
			return nil, fmt.Errorf("type %.40q stands twice", d.Name)
		}
		r.defined[d.Name] = d
	}
	for _, d := range *raw.Types {
		if _, err := r.named(d.Name); err != nil {
			return nil, err
		}
	}
	idl := &IDL{}
	for _, in := range *raw.Instructions {
		i, err := r.instruction(in)
		if err != nil {
			return nil, fmt.Errorf("instruction %.40q: %w", in.Name, err)
		}
		idl.instructions = append(idl.instructions, i)
	}
	return idl, nil
}

// idlResolver finds defined types. A type that holds itself is an error.
type idlResolver struct {
	defined map[string]definedJSON
	done    map[string]*idlType
	under   map[string]bool // way: those that hold the one being read
	depth   int
}

func (r *idlResolver) instruction(in instructionJSON) (i instruction, err error) {
	if in.Name == "" {
		return i, errors.New("no name")
	}
	i.name = in.Name
	if in.Discriminator == nil {
		sum := sha256.Sum256([]byte("global:" + snake(in.Name)))
		i.discriminator = sum[:8]
	} else {
		for _, b := range *in.Discriminator {
			if b < 0 || b > 255 {
				return i, errors.New("discriminator is no bytes")
			}
			i.discriminator = append(i.discriminator, byte(b))
		}
	}
	for _, a := range in.Accounts {
		if a.Name == "" {
			return i, errors.New("account without a name")
		}
		i.accounts = append(i.accounts, a.Name)
	}
	for _, a := range in.Args {
		t, err := r.typ(a.Type)
		if err != nil {
			return i, err
		}
		i.args = append(i.args, idlField{a.Name, t})
	}
	return i, nil
}

// snake spells a name as discriminators do.
func snake(name string) string {
	var b strings.Builder
	for i, c := range name {
		if unicode.IsUpper(c) && i != 0 {
			b.WriteByte('_')
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// named resolves a defined type.
func (r *idlResolver) named(name string) (*idlType, error) {
	if t := r.done[name]; t != nil {
		return t, nil
	}
	d, ok := r.defined[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("type %.40q is not defined", name)
	case r.under[name]:
		return nil, fmt.Errorf("type %.40q holds itself", name)
	}
	r.under[name] = true
	defer delete(r.under, name)
	t, err := r.define(d)
	if err != nil {
		return nil, err
	}
	r.done[name] = t
	return t, nil
}

func (r *idlResolver) define(d definedJSON) (*idlType, error) {
	switch d.Type.Kind {
	case "struct":
		return r.fields(d.Type.Fields)
	case "enum":
		t := &idlType{kind: idlEnum}
		for _, v := range d.Type.Variants {
			field := idlField{name: v.Name}
			if v.Fields != nil {
				var err error
				if field.typ, err = r.fields(v.Fields); err != nil {
					return nil, err
				}
			}
			t.fields = append(t.fields, field)
		}
		return t, nil
	case "type", "alias":
		if d.Type.Alias != nil {
			return r.typ(d.Type.Alias)
		}
		return r.typ(d.Type.Value)
	}
	return nil, fmt.Errorf("type %.40q is of no known kind", d.Name)
}

// fields reads a list of fields with names, or of types alone.
func (r *idlResolver) fields(raw []json.RawMessage) (*idlType, error) {
	t := &idlType{kind: idlStruct}
	for _, f := range raw {
		var n namedJSON
		if json.Unmarshal(f, &n) != nil || n.Type == nil {
			n, t.tuple = namedJSON{Type: f}, true
		}
		typ, err := r.typ(n.Type)
		if err != nil {
			return nil, err
		}
		t.fields = append(t.fields, idlField{n.Name, typ})
	}
	return t, nil
}

// plainTypes are those that hold no other.
var plainTypes = map[string]idlType{
	"bool": {kind: idlBool}, "bytes": {kind: idlBytes}, "string": {kind: idlString}, "publicKey": {kind: idlKey}, "pubkey": {kind: idlKey},
	"f32": {kind: idlFloat, size: 4}, "f64": {kind: idlFloat, size: 8},
	"u8": {size: 1}, "u16": {size: 2}, "u32": {size: 4}, "u64": {size: 8}, "u128": {size: 16},
	"i8": {size: 1, signed: true}, "i16": {size: 2, signed: true}, "i32": {size: 4, signed: true}, "i64": {size: 8, signed: true}, "i128": {size: 16, signed: true},
}

// typ reads a type: a name, or an object with one member.
func (r *idlResolver) typ(raw json.RawMessage) (*idlType, error) {
	if r.depth++; r.depth > maxDepth {
		return nil, errors.New("type is too deep")
	}
	defer func() { r.depth-- }()
	bad := fmt.Errorf("type is not understood: %.60s", raw)
	var name string
	if json.Unmarshal(raw, &name) == nil {
		if t, ok := plainTypes[name]; ok {
			return &t, nil
		}
		return nil, bad
	}
	var holds map[string]json.RawMessage
	if json.Unmarshal(raw, &holds) != nil || len(holds) != 1 {
		return nil, bad
	}
	for what, of := range holds {
		switch what {
		case "vec", "option":
			elem, err := r.typ(of)
			return &idlType{kind: map[string]idlKind{"vec": idlVec, "option": idlOption}[what], elem: elem}, err
		case "array":
			var pair []json.RawMessage
			var size int
			if json.Unmarshal(of, &pair) != nil || len(pair) != 2 || json.Unmarshal(pair[1], &size) != nil || size < 0 || size > maxValues {
				return nil, bad
			}
			elem, err := r.typ(pair[0])
			return &idlType{kind: idlArray, size: size, elem: elem}, err
		case "defined":
			var object struct {
				Name string `json:"name"`
			}
			if json.Unmarshal(of, &name) != nil {
				if json.Unmarshal(of, &object) != nil {
					return nil, bad
				}
				name = object.Name
			}
			return r.named(name)
		}
	}
	return nil, bad
}
