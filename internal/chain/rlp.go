package chain

import (
	"encoding/binary"
	"fmt"
	"math/big"
)

// rlpReader reads items of Ethereum's RLP one after the other. The first failure stays, and reading on after it yields
// zero values. Only the one shortest spelling of every item is accepted, so that what is written again from the values
// is what was read. Source: Ethereum yellow paper, appendix B.
type rlpReader struct {
	rest []byte
	err  error
}

func (r *rlpReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	r.rest = nil
}

// more reports whether another item follows.
func (r *rlpReader) more() bool { return r.err == nil && len(r.rest) > 0 }

// end fails if anything follows.
func (r *rlpReader) end() {
	if r.more() {
		r.fail("items that do not belong there")
	}
}

// item takes the next item off: its content, and whether that is a list of items.
func (r *rlpReader) item() (content []byte, list bool) {
	if !r.more() {
		r.fail("an item is missing")
		return nil, false
	}
	head := r.rest[0]
	if head < 0x80 {
		content, r.rest = r.rest[:1], r.rest[1:]
		return content, false
	}
	list = head >= 0xc0
	size := uint64(head & 0x3f)
	body := r.rest[1:]
	if size > 55 {
		width := int(size - 55) // 1 to 8
		if len(body) < width || body[0] == 0 {
			r.fail("a length that is cut off or begins with zero")
			return nil, false
		}
		var wide [8]byte
		copy(wide[8-width:], body)
		if size = binary.BigEndian.Uint64(wide[:]); size < 56 {
			r.fail("a length that is not spelt as short as it could be")
			return nil, false
		}
		body = body[width:]
	}
	if size > uint64(len(body)) {
		r.fail("an item that is cut off")
		return nil, false
	}
	content, r.rest = body[:size], body[size:]
	if !list && size == 1 && content[0] < 0x80 {
		r.fail("a byte that is not spelt as short as it could be")
		return nil, false
	}
	return content, list
}

// text reads bytes.
func (r *rlpReader) text() []byte {
	content, list := r.item()
	if list {
		r.fail("a list in place of bytes")
		return nil
	}
	return content
}

// list reads a list, whose failures are to be passed on with [rlpReader.join].
func (r *rlpReader) list() *rlpReader {
	content, list := r.item()
	if !list {
		r.fail("bytes in place of a list")
	}
	return &rlpReader{rest: content, err: r.err}
}

// join ends the reading of a list.
func (r *rlpReader) join(list *rlpReader) {
	if list.end(); list.err != nil && r.err == nil {
		r.fail("%w", list.err)
	}
}

// fixed reads exactly size bytes. The result is never shorter.
func (r *rlpReader) fixed(size int) []byte {
	b := r.text()
	if r.err == nil && len(b) != size {
		r.fail("%d bytes in place of %d", len(b), size)
	}
	if r.err != nil {
		return make([]byte, size)
	}
	return b
}

// integer reads a number of up to size bytes, big-endian and without leading zeros. The result is never nil.
func (r *rlpReader) integer(size int) *big.Int {
	b := r.text()
	if len(b) > size || len(b) > 0 && b[0] == 0 {
		r.fail("a number over %d bytes or with leading zeros", size)
		return new(big.Int)
	}
	return new(big.Int).SetBytes(b)
}

// appendRLP writes bytes as an item.
func appendRLP(to, b []byte) []byte {
	if len(b) == 1 && b[0] < 0x80 {
		return append(to, b[0])
	}
	return append(appendRLPHead(to, 0x80, len(b)), b...)
}

// appendRLPList writes items that are written already as a list.
func appendRLPList(to, items []byte) []byte {
	return append(appendRLPHead(to, 0xc0, len(items)), items...)
}

func appendRLPHead(to []byte, kind byte, size int) []byte {
	if size <= 55 {
		return append(to, kind+byte(size))
	}
	digits := new(big.Int).SetUint64(uint64(size)).Bytes()
	return append(append(to, kind+55+byte(len(digits))), digits...)
}
