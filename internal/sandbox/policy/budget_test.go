package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/internal/sandbox/policy"
)

// costly is a condition that takes all the steps that one evaluation has.
func costly(t testing.TB) *policy.Expression {
	var list []string
	for i := range 1000 {
		list = append(list, fmt.Sprint(i))
	}
	all := "[" + strings.Join(list, ",") + "]"
	return compiled(t, policy.Condition, all+".all(a, "+all+".all(b, a != b))")
}

// However many conditions there are, they take what one decision may take; those that are not reached are not missed.
func TestConditionsShareABudget(t *testing.T) {
	yes, no := compiled(t, policy.Condition, "true"), compiled(t, policy.Condition, "false")
	broken := compiled(t, policy.Condition, "activity.params.absent == 'x'")
	for _, c := range []struct {
		what string
		all  []*policy.Expression
		want int
	}{
		{"none", nil, -1},
		{"the first that holds", []*policy.Expression{no, broken, yes, yes}, 2},
		{"none holds", []*policy.Expression{no, broken, no}, -1},
		{"one costs all it may", []*policy.Expression{costly(t), no, yes}, 2},
		{"two cost all there is", []*policy.Expression{costly(t), costly(t), no, yes}, 2},
	} {
		var b policy.Budget
		if got := b.First(c.all, example()); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
	var b policy.Budget
	b.First([]*policy.Expression{costly(t), costly(t)}, example())
	if got := b.First([]*policy.Expression{no}, example()); got != 0 {
		t.Errorf("a second user's conditions have a budget of their own: %d", got)
	}
}

// A search among many users ends with its budget, and does not go on to copy them.
func TestSearchEndsWithItsBudget(t *testing.T) {
	var rules []policy.Policy
	for range 100 {
		rules = append(rules, rule(t, policy.Allow, "credentials[0].id == 'x'", "true"))
	}
	var others []string
	for i := range 99 {
		others = append(others, fmt.Sprint("user", i))
	}
	r := policy.Request{Context: *example(), Approved: voters("u1"), Root: policy.Quorum{Threshold: 1}, Others: voters(others...)}
	allocated := testing.AllocsPerRun(1, func() {
		if d := policy.Decide(rules, r); d.Verdict != policy.Denied {
			t.Errorf("verdict %v", d.Verdict)
		}
	})
	if allocated > 100_000 {
		t.Errorf("%.0f allocations", allocated)
	}
}
