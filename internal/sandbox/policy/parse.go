package policy

import (
	"fmt"
	"math/big"
	"slices"
	"time"
)

// op is what a node does.
type op string

const (
	opOr        op = "||"
	opAnd       op = "&&"
	opNot       op = "!"
	opEqual     op = "=="
	opNotEqual  op = "!="
	opLess      op = "<"
	opLessEq    op = "<="
	opMore      op = ">"
	opMoreEq    op = ">="
	opIn        op = "in"
	opIndex     op = "[]"
	opSlice     op = "[..]"
	opField     op = "."
	opAll       op = "all"
	opAny       op = "any"
	opFilter    op = "filter"
	opContains  op = "contains"
	opCount     op = "count"
	opInt       op = "integer"
	opString    op = "string"
	opBool      op = "bool"
	opName      op = "name"
	opList      op = "list"
	opTimestamp op = "Timestamp"
	opCronSpan  op = "CronSpan"
)

// node is an operator with its operands. && and || take all terms of a chain at once.
type node struct {
	op   op
	pos  int
	kids []*node
	text string    // a name, a field, the bound name of all, any and filter, or a string
	num  *big.Int  // of an integer
	yes  bool      // of a bool
	at   time.Time // of a Timestamp
	span *cronSpan // of a CronSpan
}

var (
	maxUint = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	maxInt  = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 127), big.NewInt(1))
	minInt  = new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 127))
)

// parser reads tokens by the grammar:
//
//	expr    = and { "||" and }
//	and     = cmp { "&&" cmp }
//	cmp     = unary [ ("==" | "!=" | "<" | "<=" | ">" | ">=" | "in") unary ]
//	unary   = "!" unary | postfix
//	postfix = primary { "." name [ "(" [ name "," expr | expr ] ")" ] | "[" expr [ ".." expr ] "]" }
//	primary = number | string | "true" | "false" | name | "(" expr ")" | "[" [ expr { "," expr } ] "]"
//	        | ("Timestamp" | "CronSpan") "(" string { "," string } ")"
type parser struct {
	tokens []token
	depth  int
}

// parse reads a whole expression.
func parse(source string) (*node, error) {
	tokens, err := lex(source)
	if err != nil {
		return nil, err
	}
	p := parser{tokens: tokens}
	n, err := p.expr()
	if err != nil {
		return nil, err
	}
	if p.peek().kind != endToken {
		return nil, p.unexpected()
	}
	return n, nil
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) take() token {
	t := p.tokens[0]
	if t.kind != endToken {
		p.tokens = p.tokens[1:]
	}
	return t
}

// accept takes the sign s if it is next.
func (p *parser) accept(s string) bool {
	if t := p.peek(); t.kind != signToken || t.text != s {
		return false
	}
	p.take()
	return true
}

func (p *parser) expect(s string) error {
	if !p.accept(s) {
		return p.unexpected()
	}
	return nil
}

func (p *parser) unexpected() error {
	t := p.peek()
	if t.kind == endToken {
		return &Error{Pos: t.pos, Reason: "unexpected end", Syntax: true}
	}
	return &Error{Pos: t.pos, Reason: fmt.Sprintf("unexpected %.40q", t.text), Syntax: true}
}

func (p *parser) expr() (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, &Error{Pos: p.peek().pos, Reason: "expression is too deep", Syntax: true}
	}
	defer func() { p.depth-- }()
	return p.chain(opOr, func() (*node, error) { return p.chain(opAnd, p.comparison) })
}

// chain reads terms between equal operators; one term alone is itself.
func (p *parser) chain(o op, term func() (*node, error)) (*node, error) {
	first, err := term()
	if err != nil {
		return nil, err
	}
	n := &node{op: o, pos: first.pos, kids: []*node{first}}
	for p.accept(string(o)) {
		kid, err := term()
		if err != nil {
			return nil, err
		}
		n.kids = append(n.kids, kid)
	}
	if len(n.kids) == 1 {
		return first, nil
	}
	return n, nil
}

var comparisons = []op{opEqual, opNotEqual, opLess, opLessEq, opMore, opMoreEq}

func (p *parser) comparison() (*node, error) {
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	t := p.peek()
	o := op(t.text)
	if !(t.kind == signToken && slices.Contains(comparisons, o)) && !(t.kind == nameToken && o == opIn) {
		return left, nil
	}
	p.take()
	right, err := p.unary()
	if err != nil {
		return nil, err
	}
	return &node{op: o, pos: t.pos, kids: []*node{left, right}}, nil
}

func (p *parser) unary() (*node, error) {
	t := p.peek()
	if !p.accept("!") {
		return p.postfix()
	}
	if p.depth++; p.depth > maxDepth {
		return nil, &Error{Pos: t.pos, Reason: "expression is too deep", Syntax: true}
	}
	defer func() { p.depth-- }()
	kid, err := p.unary()
	if err != nil {
		return nil, err
	}
	return &node{op: opNot, pos: t.pos, kids: []*node{kid}}, nil
}

func (p *parser) postfix() (*node, error) {
	n, err := p.primary()
	for steps := 0; err == nil; steps++ {
		if steps > maxDepth {
			return nil, &Error{Pos: p.peek().pos, Reason: "expression is too deep", Syntax: true}
		}
		switch {
		case p.accept("."):
			n, err = p.member(n)
		case p.accept("["):
			n, err = p.bracket(n)
		default:
			return n, nil
		}
	}
	return nil, err
}

// member reads what follows the dot behind of: a field or a function.
func (p *parser) member(of *node) (*node, error) {
	if p.peek().kind != nameToken {
		return nil, p.unexpected()
	}
	name := p.take()
	if !p.accept("(") {
		return &node{op: opField, pos: name.pos, text: name.text, kids: []*node{of}}, nil
	}
	n := &node{op: op(name.text), pos: name.pos, kids: []*node{of}}
	switch n.op {
	case opCount:
		return n, p.expect(")")
	case opContains:
	case opAll, opAny, opFilter:
		if p.peek().kind != nameToken {
			return nil, p.unexpected()
		}
		bound := p.take()
		if slices.Contains(reserved, bound.text) {
			return nil, &Error{Pos: bound.pos, Reason: fmt.Sprintf("name is reserved: %.40s", bound.text), Syntax: true}
		}
		n.text = bound.text
		if err := p.expect(","); err != nil {
			return nil, err
		}
	default:
		return nil, &Error{Pos: name.pos, Reason: fmt.Sprintf("function does not exist: %.40s", name.text)}
	}
	kid, err := p.expr()
	if err != nil {
		return nil, err
	}
	n.kids = append(n.kids, kid)
	return n, p.expect(")")
}

// reserved are the names nothing may be called.
var reserved = []string{"true", "false", "in"}

// bracket reads what follows the bracket behind of: an index or a slice.
func (p *parser) bracket(of *node) (*node, error) {
	first, err := p.expr()
	if err != nil {
		return nil, err
	}
	if !p.accept("..") {
		return &node{op: opIndex, pos: first.pos, kids: []*node{of, first}}, p.expect("]")
	}
	last, err := p.expr()
	if err != nil {
		return nil, err
	}
	return &node{op: opSlice, pos: first.pos, kids: []*node{of, first, last}}, p.expect("]")
}

func (p *parser) primary() (*node, error) {
	t := p.peek()
	switch {
	case t.kind == numberToken:
		p.take()
		// A number of the most digits fits long before its text is as long as this.
		n, ok := new(big.Int).SetString(t.text[:min(len(t.text), 512)], 10)
		if !ok || len(t.text) > 512 || n.Cmp(maxUint) > 0 {
			return nil, &Error{Pos: t.pos, Reason: "integer is out of range"}
		}
		return &node{op: opInt, pos: t.pos, num: n}, nil
	case t.kind == stringToken:
		p.take()
		return &node{op: opString, pos: t.pos, text: t.text}, nil
	case t.kind == nameToken:
		return p.name()
	case p.accept("("):
		n, err := p.expr()
		if err != nil {
			return nil, err
		}
		return n, p.expect(")")
	case p.accept("["):
		return p.list(t.pos)
	}
	return nil, p.unexpected()
}

// name reads a primary that begins with a name.
func (p *parser) name() (*node, error) {
	t := p.peek()
	switch t.text {
	case "true", "false":
		p.take()
		return &node{op: opBool, pos: t.pos, yes: t.text == "true"}, nil
	case "in":
		return nil, p.unexpected()
	}
	p.take()
	if !p.accept("(") {
		return &node{op: opName, pos: t.pos, text: t.text}, nil
	}
	n := &node{op: op(t.text), pos: t.pos}
	if n.op != opTimestamp && n.op != opCronSpan {
		return nil, &Error{Pos: t.pos, Reason: fmt.Sprintf("function does not exist: %.40s", t.text)}
	}
	var args []string
	for {
		if p.peek().kind != stringToken {
			return nil, p.unexpected()
		}
		args = append(args, p.take().text)
		if !p.accept(",") {
			break
		}
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	var err error
	switch {
	case n.op == opTimestamp && len(args) == 1:
		n.at, err = parseTimestamp(args[0])
	case n.op == opCronSpan && len(args) == 3:
		n.span, err = parseCronSpan(args[0], args[1], args[2])
	default:
		err = fmt.Errorf("wrong number of arguments: %d", len(args))
	}
	if err != nil {
		return nil, &Error{Pos: t.pos, Reason: fmt.Sprintf("%s: %v", t.text, err)}
	}
	return n, nil
}

// list reads the rest of a list whose bracket stood at pos.
func (p *parser) list(pos int) (*node, error) {
	n := &node{op: opList, pos: pos}
	if p.accept("]") {
		return n, nil
	}
	for {
		kid, err := p.expr()
		if err != nil {
			return nil, err
		}
		n.kids = append(n.kids, kid)
		if !p.accept(",") {
			return n, p.expect("]")
		}
	}
}
