package policy

import (
	"fmt"
	"math/big"
	"reflect"
	"time"
)

// value is a value while an expression is evaluated.
type value struct {
	kind kind
	yes  bool
	num  *big.Int
	text string
	at   time.Time
	list []value
	typ  *typ          // of a struct, and of what a map or list holds
	of   reflect.Value // of a struct, a map and Params
}

func boolValue(b bool) value { return value{kind: boolKind, yes: b} }

// contextValue is c as a struct whose fields are the keywords.
func contextValue(c *Context) value {
	return value{kind: structKind, typ: contextType(), of: reflect.ValueOf(c).Elem()}
}

// absent reports whether an optional field is not there.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return v.IsNil()
	default:
		return false
	}
}

// read turns a Go value of type t into a value. What holds a list costs steps for each element.
func (e *evaluation) read(v reflect.Value, t *typ) (value, error) {
	switch t.kind {
	case anyKind:
		return e.readAny(v)
	case intKind:
		n, _ := reflect.TypeAssert[*big.Int](v)
		return number(n, intKind)
	case uintKind:
		u, _ := reflect.TypeAssert[Uint](v)
		return number(u.Int, uintKind)
	case timeKind:
		at, _ := reflect.TypeAssert[time.Time](v)
		return value{kind: timeKind, at: at}, nil
	case paramsKind:
		return value{kind: paramsKind, of: v}, nil
	default: // may stand behind a pointer
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return value{}, fmt.Errorf("value is absent")
		}
		v = v.Elem()
	}
	switch t.kind {
	case boolKind:
		return boolValue(v.Bool()), nil
	case stringKind:
		return value{kind: stringKind, text: v.String()}, nil
	case listKind:
		return e.readList(v, t.elem)
	default:
		return value{kind: t.kind, typ: t, of: v}, nil // a map or a struct
	}
}

func (e *evaluation) readList(v reflect.Value, elem *typ) (value, error) {
	if err := e.spend(v.Len()); err != nil {
		return value{}, err
	}
	list := make([]value, v.Len())
	for i := range list {
		var err error
		if list[i], err = e.read(v.Index(i), elem); err != nil {
			return value{}, err
		}
	}
	return value{kind: listKind, list: list}, nil
}

// anyMap is the type of a map whose values are known at evaluation alone.
var anyMap = &typ{kind: mapKind, elem: anyType}

// readAny turns a Value into a value.
func (e *evaluation) readAny(v reflect.Value) (value, error) {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() {
		return value{}, fmt.Errorf("value is absent")
	}
	switch x := v.Interface().(type) {
	case bool:
		return boolValue(x), nil
	case string:
		return value{kind: stringKind, text: x}, nil
	case *big.Int:
		return number(x, intKind)
	case Uint:
		return number(x.Int, uintKind)
	case []Value:
		return e.readList(v, anyType)
	case map[string]Value:
		return value{kind: mapKind, typ: anyMap, of: v}, nil
	case Params:
		return value{kind: paramsKind, of: v}, nil
	}
	return value{}, fmt.Errorf("value has no type")
}

// number is n, 0 if nil, in the range of its kind.
func number(n *big.Int, k kind) (value, error) {
	if n == nil {
		n = new(big.Int)
	}
	low, high := minInt, maxInt
	if k == uintKind {
		low, high = new(big.Int), maxUint
	}
	if n.Cmp(low) < 0 || n.Cmp(high) > 0 {
		return value{}, fmt.Errorf("%s is out of range", k)
	}
	return value{kind: k, num: n}, nil
}

// equal compares two plain values of one type, or two numbers. It is false with ok false if they have different types.
func equal(a, b value) (same, ok bool) {
	switch {
	case a.kind.number() && b.kind.number():
		return a.num.Cmp(b.num) == 0, true
	case a.kind != b.kind:
		return false, false
	}
	switch a.kind {
	case boolKind:
		return a.yes == b.yes, true
	case stringKind:
		return equalText(a.text, b.text), true
	case timeKind:
		return a.at.Equal(b.at), true
	default:
		return false, false
	}
}

// equalText compares strings, and ignores case if both are 0x and hexadecimal digits: addresses are written in both
// ways, and mean the same.
func equalText(a, b string) bool {
	if a == b {
		return true
	}
	if len(a) != len(b) || !isHex(a) || !isHex(b) {
		return false
	}
	for i := range len(a) {
		if a[i]|0x20 != b[i]|0x20 {
			return false
		}
	}
	return true
}

func isHex(s string) bool {
	if len(s) < 3 || s[:2] != "0x" {
		return false
	}
	return span(s[2:], func(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }) == len(s)-2
}

// key reads an entry of a map or of parameters.
func (e *evaluation) key(n *node, of value, key, missing string) (value, error) {
	v := of.of.MapIndex(reflect.ValueOf(key))
	if !v.IsValid() {
		return value{}, fail(n, missing, key)
	}
	elem := anyType
	if of.typ != nil {
		elem = of.typ.elem
	}
	got, err := e.read(v, elem)
	if err != nil {
		return value{}, fail(n, "%v", err)
	}
	return got, nil
}
