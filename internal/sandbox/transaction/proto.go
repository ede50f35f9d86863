package transaction

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// The ways in which a field may stand in a message.
type shape int

const (
	varint   shape = iota + 1
	octets         // bytes, text or a message, once at most
	repeated       // bytes or messages, any number of times
)

// message holds the fields of a protobuf message. A field that is absent is zero.
type message struct {
	numbers map[protowire.Number]uint64
	octets  map[protowire.Number][][]byte
}

var errProto = errors.New("not the expected protobuf message")

// readProto reads a message that may have the fields of schema and no others. Stricter than protobuf, it wants numbers
// spelt as short as they can be, and none twice, so that no two readers understand the same bytes differently.
// Groups and fixed numbers do not occur in what is read here.
func readProto(raw []byte, schema map[protowire.Number]shape) (message, error) {
	m := message{map[protowire.Number]uint64{}, map[protowire.Number][][]byte{}}
	for len(raw) > 0 {
		tag, n := consume(raw)
		field, kind := protowire.DecodeTag(tag)
		if n < 0 || !field.IsValid() {
			return m, errProto
		}
		raw = raw[n:]
		value, n := consume(raw)
		if n < 0 {
			return m, errProto
		}
		raw = raw[n:]
		want := schema[field]
		_, doubled := m.numbers[field]
		switch {
		case kind == protowire.VarintType && want == varint && !doubled:
			m.numbers[field] = value
		case kind == protowire.BytesType && (want == repeated || want == octets && m.octets[field] == nil):
			if value > uint64(len(raw)) {
				return m, errProto
			}
			m.octets[field] = append(m.octets[field], raw[:value:value])
			raw = raw[value:]
		default:
			return m, errProto
		}
	}
	return m, nil
}

// consume reads a varint of its shortest spelling; n is negative if there is none.
func consume(raw []byte) (value uint64, n int) {
	value, n = protowire.ConsumeVarint(raw)
	if n >= 0 && n != protowire.SizeVarint(value) {
		return 0, -1
	}
	return value, n
}

// bytes returns a field that stands once at most.
func (m message) bytes(field protowire.Number) []byte {
	if all := m.octets[field]; len(all) > 0 {
		return all[0]
	}
	return nil
}
