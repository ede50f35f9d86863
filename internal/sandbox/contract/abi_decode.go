package contract

import (
	"errors"
	"math/big"
	"unicode/utf8"

	"latchkey/internal/sandbox/policy"
)

// abiDecoder reads values out of the arguments of one call.
type abiDecoder struct {
	data   []byte
	values int // read so far
}

var errABI = errors.New("data does not fit the interface")

// word is the 32 bytes at at.
func (d *abiDecoder) word(at int) ([]byte, error) {
	if at < 0 || at > len(d.data)-32 {
		return nil, errABI
	}
	return d.data[at : at+32], nil
}

// number reads a length or an offset.
func (d *abiDecoder) number(at int) (int, error) {
	w, err := d.word(at)
	if err != nil {
		return 0, err
	}
	n := new(big.Int).SetBytes(w)
	if !n.IsInt64() || n.Int64() > int64(len(d.data)) {
		return 0, errABI
	}
	return int(n.Int64()), nil
}

// tuple reads values that stand one after the other from from on, some of them as offsets from there.
func (d *abiDecoder) tuple(fields []*abiType, from int) ([]policy.Value, error) {
	values := make([]policy.Value, 0, min(len(fields), 64))
	at := from
	for _, t := range fields {
		place := at
		if t.dynamic {
			offset, err := d.number(at)
			if err != nil {
				return nil, err
			}
			place = from + offset
		}
		v, err := d.value(t, place)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		at += t.head
	}
	return values, nil
}

// value reads one value at its place.
func (d *abiDecoder) value(t *abiType, at int) (policy.Value, error) {
	if d.values++; d.values > maxValues {
		return nil, errABI
	}
	switch t.kind {
	case abiTuple:
		return list(d.tuple(t.fields, at))
	case abiArray:
		n := t.size
		if n < 0 {
			var err error
			if n, err = d.number(at); err != nil {
				return nil, err
			}
			at += 32
		}
		if n > maxValues {
			return nil, errABI
		}
		fields := make([]*abiType, n)
		for i := range fields {
			fields[i] = t.elem
		}
		return list(d.tuple(fields, at))
	case abiBytes, abiString:
		b, err := d.bytes(at)
		switch {
		case err != nil:
			return nil, err
		case t.kind == abiBytes:
			return hexText(b), nil
		case !utf8.Valid(b):
			return nil, errABI
		}
		return string(b), nil
	default:
		w, err := d.word(at)
		if err != nil {
			return nil, err
		}
		return t.plain(w)
	}
}

func list(values []policy.Value, err error) (policy.Value, error) { return values, err }

// bytes reads a length and as many bytes, which are padded with zeros.
func (d *abiDecoder) bytes(at int) ([]byte, error) {
	n, err := d.number(at)
	if err != nil {
		return nil, err
	}
	at += 32
	if padded := (n + 31) / 32 * 32; at > len(d.data)-padded || !zeros(d.data[at+n:at+padded]) {
		return nil, errABI
	}
	return d.data[at : at+n], nil
}

// plain reads a word. Bits that the type does not have must not be set.
func (t *abiType) plain(w []byte) (policy.Value, error) {
	n := new(big.Int).SetBytes(w)
	switch t.kind {
	case abiUint:
		if n.BitLen() > t.size {
			return nil, errABI
		}
		return policy.Uint{Int: n}, nil
	case abiInt:
		if n.Bit(255) == 1 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), 256))
		}
		limit := new(big.Int).Lsh(big.NewInt(1), uint(t.size-1))
		if n.Cmp(limit) >= 0 || n.Cmp(new(big.Int).Neg(limit)) < 0 {
			return nil, errABI
		}
		return n, nil
	case abiBool:
		if n.BitLen() > 1 {
			return nil, errABI
		}
		return n.Sign() == 1, nil
	case abiAddress:
		if !zeros(w[:12]) {
			return nil, errABI
		}
		return hexText(w[12:]), nil
	default: // fixed bytes
		if !zeros(w[t.size:]) {
			return nil, errABI
		}
		return hexText(w[:t.size]), nil
	}
}

func zeros(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
