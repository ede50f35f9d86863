package policy

import "slices"

// checker finds the type of every part of an expression, or why it has none.
type checker struct {
	place Place
	bound []binding
}

// binding is the name of an element inside all, any and filter.
type binding struct {
	name string
	typ  *typ
}

func (c *checker) check(n *node) (*typ, error) {
	switch n.op {
	case opBool:
		return boolType, nil
	case opString:
		return stringType, nil
	case opInt:
		if n.num.Cmp(maxInt) > 0 {
			return uintType, nil
		}
		return intType, nil
	case opName:
		return c.name(n)
	case opTimestamp, opCronSpan:
		if c.place != Moment {
			return nil, refuse(n, "%s is for time alone", n.op)
		}
		if n.op == opTimestamp {
			return timeType, nil
		}
		return boolType, nil
	case opAll, opAny, opFilter:
		return c.predicate(n)
	default: // an operator over operands of which each has its own type
	}
	kids := make([]*typ, len(n.kids))
	for i, kid := range n.kids {
		t, err := c.check(kid)
		if err != nil {
			return nil, err
		}
		kids[i] = t
	}
	return combine(n, kids)
}

// name finds what a name stands for: an element of a list, or a keyword of the place.
func (c *checker) name(n *node) (*typ, error) {
	for _, b := range slices.Backward(c.bound) {
		if b.name == n.text {
			return b.typ, nil
		}
	}
	if slices.Contains(keywords[c.place], n.text) {
		return contextType().fields[n.text].typ, nil
	}
	return nil, refuse(n, "keyword does not exist: %.40s", n.text)
}

// predicate checks all, any and filter. The name they bind may be nothing else's.
func (c *checker) predicate(n *node) (*typ, error) {
	list, err := c.check(n.kids[0])
	if err != nil {
		return nil, err
	}
	elem := anyType
	switch list.kind {
	case anyKind:
	case listKind:
		elem = list.elem
	default:
		return nil, refuse(n, "%s needs a list, not a %s", n.op, list)
	}
	taken := slices.Contains(keywords[c.place], n.text) ||
		slices.ContainsFunc(c.bound, func(b binding) bool { return b.name == n.text })
	if taken {
		return nil, refuse(n, "name is taken: %.40s", n.text)
	}
	c.bound = append(c.bound, binding{n.text, elem})
	p, err := c.check(n.kids[1])
	c.bound = c.bound[:len(c.bound)-1]
	if err != nil {
		return nil, err
	}
	if p.kind != boolKind && p.kind != anyKind {
		return nil, refuse(n.kids[1], "predicate of %s is a %s, not a bool", n.op, p)
	}
	if n.op != opFilter {
		return boolType, nil
	}
	return &typ{kind: listKind, elem: elem}, nil
}

// combine is the type of an operator over operands of the given types.
func combine(n *node, of []*typ) (*typ, error) {
	switch n.op {
	case opAnd, opOr, opNot:
		for i, t := range of {
			if t.kind != boolKind && t.kind != anyKind {
				return nil, refuse(n.kids[i], "operand of %s is a %s, not a bool", n.op, t)
			}
		}
		return boolType, nil
	case opEqual, opNotEqual:
		if !mayEqual(of[0], of[1]) {
			return nil, refuse(n, "cannot compare %s %s %s", of[0], n.op, of[1])
		}
		return boolType, nil
	case opLess, opLessEq, opMore, opMoreEq:
		if !mayEqual(of[0], of[1]) || !ordered(of[0]) || !ordered(of[1]) {
			return nil, refuse(n, "cannot compare %s %s %s", of[0], n.op, of[1])
		}
		return boolType, nil
	case opIn:
		return boolType, element(n, of[0], of[1])
	case opContains:
		return boolType, element(n, of[1], of[0])
	case opList:
		return listOf(n, of)
	case opCount:
		return count(n, of[0])
	case opIndex, opSlice:
		return access(n, of)
	case opField:
		return member(n, of[0])
	default:
		return nil, refuse(n, "operator does not exist: %s", n.op)
	}
}

// mayEqual reports whether values of the two types can be equal: both of one plain type, or both numbers.
func mayEqual(a, b *typ) bool {
	plain := func(t *typ) bool {
		return t.kind == anyKind || t.kind == boolKind || t.kind == stringKind || t.kind == timeKind || t.kind.number()
	}
	switch {
	case !plain(a) || !plain(b):
		return false
	case a.kind == anyKind || b.kind == anyKind:
		return true
	}
	return a.kind == b.kind || a.kind.number() && b.kind.number()
}

func ordered(t *typ) bool { return t.kind == anyKind || t.kind == timeKind || t.kind.number() }

// element checks that a value may be one of a list.
func element(n *node, value, list *typ) error {
	switch {
	case list.kind == anyKind && mayEqual(value, anyType):
		return nil
	case list.kind == listKind && mayEqual(value, list.elem):
		return nil
	}
	return refuse(n, "cannot look for a %s in a %s", value, list)
}

// listOf is the type of a literal list; its elements have one type, as far as it is known.
func listOf(n *node, of []*typ) (*typ, error) {
	elem := anyType
	for i, t := range of {
		switch {
		case elem.kind == anyKind, elem.kind == intKind && t.kind == uintKind:
			elem = t
		case t.kind == anyKind, mayEqual(elem, t):
		default:
			return nil, refuse(n.kids[i], "list of %s holds a %s", elem, t)
		}
	}
	return &typ{kind: listKind, elem: elem}, nil
}

func count(n *node, of *typ) (*typ, error) {
	if of.kind != listKind && of.kind != anyKind {
		return nil, refuse(n, "count needs a list, not a %s", of)
	}
	return intType, nil
}

// access checks an index or a slice.
func access(n *node, of []*typ) (*typ, error) {
	for i, t := range of[1:] {
		if t.kind == anyKind || t.kind.number() || of[0].kind == mapKind && n.op == opIndex {
			continue
		}
		if of[0].kind == anyKind && n.op == opIndex && t.kind == stringKind {
			continue // what is indexed may prove to be a map
		}
		return nil, refuse(n.kids[i+1], "index is a %s, not an int", t)
	}
	switch k := of[0].kind; {
	case k == anyKind, k == stringKind:
		return of[0], nil
	case k == listKind && n.op == opSlice:
		return of[0], nil
	case k == listKind:
		return of[0].elem, nil
	case k == mapKind && n.op == opIndex:
		if of[1].kind != stringKind && of[1].kind != anyKind {
			return nil, refuse(n.kids[1], "key is a %s, not a string", of[1])
		}
		return of[0].elem, nil
	}
	return nil, refuse(n, "a %s has no elements", of[0])
}

// member checks a field. The count of a list may be written without brackets.
func member(n *node, of *typ) (*typ, error) {
	switch of.kind {
	case anyKind, paramsKind:
		return anyType, nil
	case listKind:
		if n.text == string(opCount) {
			return intType, nil
		}
	case structKind:
		if f, ok := of.fields[n.text]; ok {
			return f.typ, nil
		}
	default: // has no fields
	}
	return nil, refuse(n, "field does not exist: %.40s", n.text)
}
