package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of one expression and one evaluation. No source names the service's own.
const (
	maxSize  = 64 << 10  // bytes of an expression
	maxDepth = 64        // brackets within brackets, and fields behind one value
	maxSteps = 1_000_000 // of an evaluation: about one per operator and element, one per minute of a CronSpan
)

// Place is where an expression stands; it decides which keywords the expression may use.
type Place string

// The places. MFA policies have a condition, session profiles a scope; both see what a condition sees.
const (
	Consensus Place = "consensus" // approvers, credentials
	Condition Place = "condition" // the request
	Moment    Place = "time"      // time.now, Timestamp and CronSpan
)

// keywords are the names each place may use.
var keywords = map[Place][]string{
	Consensus: {"approvers", "credentials"},
	Condition: {"activity", "wallet", "wallet_account", "wallets", "private_key", "eth", "solana", "tron", "bitcoin", "tempo", "secret"},
	Moment:    {"time"},
}

// Expression is an expression that has passed every check that needs no request. It never changes.
type Expression struct {
	source string
	root   *node // nil when empty
}

// Compile reads and checks an expression. An empty one always holds. The error is an *Error.
func Compile(place Place, source string) (*Expression, error) {
	if strings.TrimSpace(source) == "" {
		return &Expression{source: source}, nil
	}
	root, err := parse(source)
	if err != nil {
		return nil, err
	}
	c := checker{place: place}
	t, err := c.check(root)
	if err != nil {
		return nil, err
	}
	if t.kind != boolKind && t.kind != anyKind {
		return nil, refuse(root, "expression is a %s, not a bool", t)
	}
	return &Expression{source: source, root: root}, nil
}

// Stored reads an expression that was compiled before, perhaps by a version that took more. One that is refused now
// keeps its source and is an error whenever it is evaluated, so that a decision goes on without it.
func Stored(place Place, source string) *Expression {
	if e, err := Compile(place, source); err == nil {
		return e
	}
	return &Expression{source: source, root: failing()}
}

// failing reads an expression that cannot be evaluated.
func failing() *node {
	root, err := parse("[true][1]")
	if err != nil {
		panic("policy: " + err.Error())
	}
	return root
}

// String is the source, unchanged.
func (e *Expression) String() string { return e.source }

// Holds evaluates the expression. Nothing is left out: both sides of every operator and every element of a list are
// evaluated, and one error anywhere is the answer. Equal contexts give equal answers. The error is an *Error.
func (e *Expression) Holds(c *Context) (bool, error) {
	steps := maxSteps
	return e.holds(c, &steps)
}

// Budget is what the evaluations of one request may take together. The zero Budget has all of it left.
type Budget struct{ spent int }

// First returns the place of the first condition that holds, or -1. One that cannot be evaluated does not hold. One that
// finds nothing left of the budget does, unseen: what it is there to ask for must not be missed because others cost much.
func (b *Budget) First(conditions []*Expression, c *Context) int {
	for i, e := range conditions {
		left := maxDecision - b.spent
		if left <= 0 {
			return i
		}
		holds, err := share(e, c, &left)
		b.spent = maxDecision - left
		if err == nil && holds {
			return i
		}
	}
	return -1
}

// holds is Holds with a budget of steps, which it lowers.
func (e *Expression) holds(c *Context, steps *int) (bool, error) {
	if e == nil || e.root == nil {
		return true, nil
	}
	ev := evaluation{context: contextValue(c), now: c.Time.Now, steps: steps}
	v, err := ev.eval(e.root, nil)
	if err != nil {
		return false, err
	}
	if v.kind != boolKind {
		return false, fail(e.root, "expression is a %s, not a bool", v.kind)
	}
	return v.yes, nil
}

// Error says why an expression cannot be stored or evaluated.
type Error struct {
	Pos    int    // the byte where the trouble begins, from 0
	Reason string // such as "field does not exist: path"
	Syntax bool   // the text is no expression at all
}

// Error is the reason as the service words it. It names the place only where the text cannot be read at all: what the
// service says of a field is known to the letter.
func (e *Error) Error() string {
	if e.Syntax {
		return fmt.Sprintf("Expression cannot be parsed: %s at position %d", e.Reason, e.Pos)
	}
	return "Expression cannot be evaluated: " + e.Reason
}

// Column is the number of the character at Pos in source, from 1.
func (e *Error) Column(source string) int {
	return utf8.RuneCountInString(source[:min(max(e.Pos, 0), len(source))]) + 1
}

// refuse is an error of the check, fail one of an evaluation; they read alike.
func refuse(n *node, format string, args ...any) *Error {
	return &Error{Pos: n.pos, Reason: fmt.Sprintf(format, args...)}
}

func fail(n *node, format string, args ...any) *Error { return refuse(n, format, args...) }
