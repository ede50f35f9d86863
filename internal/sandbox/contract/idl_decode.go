package contract

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"unicode/utf8"

	"github.com/mr-tron/base58"

	"latchkey/internal/sandbox/policy"
)

// Read reads one instruction: its data, and the accounts it names in order. It is false for an instruction that the IDL
// does not have, for arguments that do not fill the data exactly, and for too few accounts.
func (idl *IDL) Read(data []byte, accounts []string) (*policy.SolanaParsedInstructionData, bool) {
	for _, i := range idl.instructions {
		if !bytes.HasPrefix(data, i.discriminator) {
			continue
		}
		if len(accounts) < len(i.accounts) {
			return nil, false
		}
		out := &policy.SolanaParsedInstructionData{
			InstructionName: i.name, Discriminator: hex.EncodeToString(i.discriminator),
			NamedAccounts: map[string]string{}, ProgramCallArgs: map[string]policy.Value{},
		}
		for n, name := range i.accounts {
			out.NamedAccounts[name] = accounts[n]
		}
		d := borsh{data: data[len(i.discriminator):]}
		for _, a := range i.args {
			v, err := d.value(a.typ)
			if err != nil {
				return nil, false
			}
			out.ProgramCallArgs[a.name] = v
		}
		return out, len(d.data) == 0
	}
	return nil, false
}

// borsh reads values in Borsh's encoding.
type borsh struct {
	data   []byte // that is left
	values int    // read so far
}

var errIDL = errors.New("data does not fit the interface")

func (d *borsh) take(n int) ([]byte, error) {
	if n > len(d.data) {
		return nil, errIDL
	}
	b := d.data[:n]
	d.data = d.data[n:]
	return b, nil
}

// length reads the number of elements that follow.
func (d *borsh) length() (int, error) {
	b, err := d.take(4)
	if err != nil {
		return 0, err
	}
	n := binary.LittleEndian.Uint32(b)
	if n > maxInterface {
		return 0, errIDL
	}
	return int(n), nil
}

// value reads one value. An option that holds nothing, and numbers with a fraction, for which policies have no type, are
// nil, so that reading them is an error. Numbers of 128 bits are text, as the service's parser gives them.
func (d *borsh) value(t *idlType) (policy.Value, error) {
	if d.values++; d.values > maxValues {
		return nil, errIDL
	}
	switch t.kind {
	case idlNumber, idlFloat, idlKey, idlBool:
		return d.fixed(t)
	case idlBytes, idlString:
		n, err := d.length()
		if err != nil {
			return nil, err
		}
		b, err := d.take(n)
		switch {
		case err != nil:
			return nil, err
		case t.kind == idlBytes:
			return hex.EncodeToString(b), nil
		case !utf8.Valid(b):
			return nil, errIDL
		}
		return string(b), nil
	case idlVec:
		n, err := d.length()
		if err != nil {
			return nil, err
		}
		return d.list(t.elem, n)
	case idlArray:
		return d.list(t.elem, t.size)
	case idlOption:
		flag, err := d.take(1)
		if err != nil || flag[0] == 0 {
			return nil, err
		}
		return d.value(t.elem)
	case idlEnum:
		index, err := d.take(1)
		if err != nil || int(index[0]) >= len(t.fields) {
			return nil, errIDL
		}
		variant := t.fields[index[0]]
		if variant.typ == nil {
			return map[string]policy.Value{variant.name: nil}, nil
		}
		v, err := d.value(variant.typ)
		return map[string]policy.Value{variant.name: v}, err
	default: // a struct
		return d.structure(t)
	}
}

func (d *borsh) structure(t *idlType) (policy.Value, error) {
	named, list := map[string]policy.Value{}, []policy.Value{}
	for _, f := range t.fields {
		v, err := d.value(f.typ)
		if err != nil {
			return nil, err
		}
		named[f.name] = v
		list = append(list, v)
	}
	if t.tuple {
		return list, nil
	}
	return named, nil
}

func (d *borsh) list(elem *idlType, n int) (policy.Value, error) {
	if n > maxValues {
		return nil, errIDL
	}
	list := make([]policy.Value, 0, min(n, 64))
	for range n {
		v, err := d.value(elem)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// fixed reads what always takes the same number of bytes.
func (d *borsh) fixed(t *idlType) (policy.Value, error) {
	size := t.size
	switch t.kind {
	case idlKey:
		size = 32
	case idlBool:
		size = 1
	default: // a number, which says its size
	}
	b, err := d.take(size)
	switch {
	case err != nil:
		return nil, err
	case t.kind == idlKey:
		return base58.Encode(b), nil
	case t.kind == idlBool:
		return b[0] != 0, nil
	case t.kind == idlFloat:
		return nil, nil
	}
	backwards := slices.Clone(b)
	slices.Reverse(backwards)
	n := new(big.Int).SetBytes(backwards)
	if t.signed && n.Bit(8*size-1) == 1 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	if size == 16 {
		return n.String(), nil
	}
	return n, nil
}
