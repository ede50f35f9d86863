package policy

import (
	"fmt"
	"math/big"
	"reflect"
	"time"
	"unicode/utf8"
)

// evaluation is one evaluation of one expression.
type evaluation struct {
	context value
	now     time.Time
	steps   *int
}

// bound is a name that stands for an element of a list.
type bound struct {
	name string
	to   value
	up   *bound
}

// spend takes n steps and one of the budget.
func (e *evaluation) spend(n int) error {
	if *e.steps -= n + 1; *e.steps < 0 {
		return fmt.Errorf("evaluation takes too long")
	}
	return nil
}

// eval is the value of n; names finds bound names. It evaluates every operand, whatever the others are.
func (e *evaluation) eval(n *node, names *bound) (value, error) {
	if err := e.spend(0); err != nil {
		return value{}, fail(n, "%v", err)
	}
	switch n.op {
	case opBool:
		return boolValue(n.yes), nil
	case opString:
		return value{kind: stringKind, text: n.text}, nil
	case opInt:
		if n.num.Cmp(maxInt) > 0 {
			return value{kind: uintKind, num: n.num}, nil
		}
		return value{kind: intKind, num: n.num}, nil
	case opTimestamp:
		return value{kind: timeKind, at: n.at}, nil
	case opCronSpan:
		if err := e.spend(n.span.minutes()); err != nil {
			return value{}, fail(n, "%v", err)
		}
		return boolValue(n.span.holds(e.now)), nil
	case opName:
		for b := names; b != nil; b = b.up {
			if b.name == n.text {
				return b.to, nil
			}
		}
		return e.field(n, e.context)
	case opAll, opAny, opFilter:
		return e.predicate(n, names)
	default: // an operator over operands
	}
	of := make([]value, len(n.kids))
	for i, kid := range n.kids {
		var err error
		if of[i], err = e.eval(kid, names); err != nil {
			return value{}, err
		}
	}
	switch n.op {
	case opAnd, opOr, opNot:
		return logic(n, of)
	case opEqual, opNotEqual:
		return e.same(n, of[0], of[1])
	case opLess, opLessEq, opMore, opMoreEq:
		return order(n, of[0], of[1])
	case opIn:
		return e.contains(n, of[1], of[0])
	case opContains:
		return e.contains(n, of[0], of[1])
	case opList:
		return value{kind: listKind, list: of}, nil
	case opCount:
		return length(n, of[0])
	case opIndex:
		return e.index(n, of[0], of[1])
	case opSlice:
		return e.slice(n, of)
	case opField:
		return e.field(n, of[0])
	default:
		return value{}, fail(n, "operator does not exist: %s", n.op)
	}
}

func logic(n *node, of []value) (value, error) {
	yes := n.op == opAnd
	for i, v := range of {
		if v.kind != boolKind {
			return value{}, fail(n.kids[i], "operand of %s is a %s, not a bool", n.op, v.kind)
		}
		switch n.op {
		case opAnd:
			yes = yes && v.yes
		case opOr:
			yes = yes || v.yes
		default: // opNot, of one operand
			yes = !v.yes
		}
	}
	return boolValue(yes), nil
}

// compare is equal at a price, with an error for different types.
func (e *evaluation) compare(n *node, a, b value) (bool, error) {
	if err := e.spend((len(a.text) + len(b.text)) / 64); err != nil {
		return false, fail(n, "%v", err)
	}
	same, ok := equal(a, b)
	if !ok {
		return false, fail(n, "cannot compare %s and %s", a.kind, b.kind)
	}
	return same, nil
}

func (e *evaluation) same(n *node, a, b value) (value, error) {
	same, err := e.compare(n, a, b)
	return boolValue(same == (n.op == opEqual)), err
}

func order(n *node, a, b value) (value, error) {
	var c int
	switch {
	case a.kind.number() && b.kind.number():
		c = a.num.Cmp(b.num)
	case a.kind == timeKind && b.kind == timeKind:
		c = a.at.Compare(b.at)
	default:
		return value{}, fail(n, "cannot compare %s %s %s", a.kind, n.op, b.kind)
	}
	switch n.op {
	case opLess:
		return boolValue(c < 0), nil
	case opLessEq:
		return boolValue(c <= 0), nil
	case opMore:
		return boolValue(c > 0), nil
	default:
		return boolValue(c >= 0), nil
	}
}

func (e *evaluation) contains(n *node, list, v value) (value, error) {
	if list.kind != listKind {
		return value{}, fail(n, "cannot look for a %s in a %s", v.kind, list.kind)
	}
	found := false
	for _, elem := range list.list {
		same, err := e.compare(n, elem, v)
		if err != nil {
			return value{}, err
		}
		found = found || same
	}
	return boolValue(found), nil
}

func (e *evaluation) predicate(n *node, names *bound) (value, error) {
	list, err := e.eval(n.kids[0], names)
	if err != nil {
		return value{}, err
	}
	if list.kind != listKind {
		return value{}, fail(n, "%s needs a list, not a %s", n.op, list.kind)
	}
	kept := []value{}
	for _, elem := range list.list {
		v, err := e.eval(n.kids[1], &bound{n.text, elem, names})
		if err != nil {
			return value{}, err
		}
		if v.kind != boolKind {
			return value{}, fail(n.kids[1], "predicate of %s is a %s, not a bool", n.op, v.kind)
		}
		if v.yes {
			kept = append(kept, elem)
		}
	}
	switch n.op {
	case opAll:
		return boolValue(len(kept) == len(list.list)), nil
	case opAny:
		return boolValue(len(kept) > 0), nil
	default:
		return value{kind: listKind, list: kept}, nil
	}
}

// field reads a field of a struct, or of parameters; the count of a list may be written as one.
func (e *evaluation) field(n *node, of value) (value, error) {
	switch of.kind {
	case listKind:
		if n.text == string(opCount) {
			return length(n, of)
		}
	case paramsKind:
		return e.key(n, of, n.text, "MissingField: %.40s")
	case structKind:
		f, ok := of.typ.fields[n.text]
		if !ok {
			break
		}
		v := of.of.Field(f.index)
		if f.optional && absent(v) {
			return value{}, fail(n, "value is absent: %.40s", n.text)
		}
		if v.Kind() == reflect.Pointer && f.typ.kind != intKind {
			v = v.Elem()
		}
		got, err := e.read(v, f.typ)
		if err != nil {
			return value{}, fail(n, "%v", err)
		}
		return got, nil
	default: // has no fields
	}
	return value{}, fail(n, "field does not exist: %.40s", n.text)
}

func length(n *node, of value) (value, error) {
	if of.kind != listKind {
		return value{}, fail(n, "count needs a list, not a %s", of.kind)
	}
	return value{kind: intKind, num: big.NewInt(int64(len(of.list)))}, nil
}

// index reads an element of a list, a character of a string, or an entry of a map.
func (e *evaluation) index(n *node, of, at value) (value, error) {
	if of.kind == mapKind {
		if at.kind != stringKind {
			return value{}, fail(n.kids[1], "key is a %s, not a string", at.kind)
		}
		return e.key(n, of, at.text, "key does not exist: %.40s")
	}
	i, err := position(n.kids[1], at)
	if err != nil {
		return value{}, err
	}
	switch of.kind {
	case listKind:
		if i >= len(of.list) {
			return value{}, fail(n, "index is out of range")
		}
		return of.list[i], nil
	case stringKind:
		return e.cut(n, of.text, i, i+1)
	default:
		return value{}, fail(n, "a %s has no elements", of.kind)
	}
}

func (e *evaluation) slice(n *node, of []value) (value, error) {
	from, err := position(n.kids[1], of[1])
	if err != nil {
		return value{}, err
	}
	to, err := position(n.kids[2], of[2])
	if err != nil {
		return value{}, err
	}
	switch of[0].kind {
	case listKind:
		if from > to || to > len(of[0].list) {
			return value{}, fail(n, "slice is out of range")
		}
		return value{kind: listKind, list: of[0].list[from:to]}, nil
	case stringKind:
		return e.cut(n, of[0].text, from, to)
	default:
		return value{}, fail(n, "a %s has no elements", of[0].kind)
	}
}

// cut takes the characters from from to to, which it does not include.
func (e *evaluation) cut(n *node, s string, from, to int) (value, error) {
	if err := e.spend(len(s) / 64); err != nil {
		return value{}, fail(n, "%v", err)
	}
	if from > to || to > len(s) {
		return value{}, fail(n, "slice is out of range")
	}
	if utf8.RuneCountInString(s) == len(s) {
		return value{kind: stringKind, text: s[from:to]}, nil
	}
	if err := e.spend(len(s)); err != nil {
		return value{}, fail(n, "%v", err)
	}
	runes := []rune(s)
	if to > len(runes) {
		return value{}, fail(n, "slice is out of range")
	}
	return value{kind: stringKind, text: string(runes[from:to])}, nil
}

// position is a number that may be an index; one too large for any list is as good as the largest.
func position(n *node, v value) (int, error) {
	if !v.kind.number() {
		return 0, fail(n, "index is a %s, not an int", v.kind)
	}
	const most = 1 << 30
	switch {
	case v.num.Sign() < 0:
		return 0, fail(n, "index is out of range")
	case !v.num.IsInt64() || v.num.Int64() > most:
		return most, nil
	}
	return int(v.num.Int64()), nil
}
