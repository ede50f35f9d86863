package policy_test

import (
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"latchkey/internal/sandbox/policy"
)

// statement is an expression about one field of a context that fill filled, and whether it holds.
type statement struct {
	place policy.Place
	text  string
	holds bool
}

// statements are what can be said with every operator about a value of some type at some path.
func statements(place policy.Place, path string, g reflect.Type) (all []statement) {
	say := func(holds bool, forms ...string) {
		for _, f := range forms {
			all = append(all, statement{place, strings.ReplaceAll(f, "$", path), holds})
		}
	}
	scalar := func(equal, less, more string) {
		say(true, "$ == "+equal, equal+" == $", "!($ != "+equal+")", "$ in ["+equal+"]", "["+equal+"].contains($)", "$ != "+more, "["+more+", "+equal+"].any(e, e == $)",
			"true && $ == "+equal, "false || $ == "+equal)
		say(false, "$ != "+equal, "$ == "+more, "$ in ["+more+"]", "["+more+"].contains($)", "["+more+", "+equal+"].all(e, e == $)", "["+more+"].filter(e, e == $).count() > 0",
			"false && $ == "+equal, "!($ == "+equal+")")
		if less == "" {
			return
		}
		say(true, "$ > "+less, "$ >= "+less, "$ >= "+equal, "$ <= "+equal, less+" < $", "["+less+"].all(e, e < $)")
		say(false, "$ < "+less, "$ <= "+less, "$ > "+equal, "$ < "+equal, less+" >= $")
	}
	switch {
	case g == reflect.TypeFor[*big.Int]():
		scalar("7", "6", "8")
	case g == reflect.TypeFor[policy.Uint]():
		const most = "11579208923731619542357098500868790785326998466564056403945758400791312963993"
		scalar(most+"5", most+"4", "8")
	case g == reflect.TypeFor[time.Time]():
		const at = "Timestamp('2026-01-02T03:04:0"
		scalar(at+"5Z')", at+"4Z')", at+"6Z')")
	case g == reflect.TypeFor[policy.Params](), g.Kind() == reflect.Map:
		of := ".some"
		if g != reflect.TypeFor[policy.Params]() {
			of = "['some']"
		}
		say(true, "$"+of+" == 'text'", "$"+of+"[1..3] == 'ex'", "$"+of+" in ['text']")
		say(false, "$"+of+" != 'text'", "$"+of+"[0] == 'x'")
	case g.Kind() == reflect.Pointer:
		return statements(place, path, g.Elem())
	case g.Kind() == reflect.Bool:
		scalar("true", "", "false")
		say(true, "$", "$ || false", "!!$")
		say(false, "!$", "$ && false")
	case g.Kind() == reflect.String:
		scalar("'text'", "", "'more'")
		say(true, "$[0] == 't'", "$[3] == 't'", "$[1..3] == 'ex'", "$[0..4] == 'text'", "$[2..2] == ''")
		say(false, "$[0] == 'x'", "$[0..3] == 'text'", "$ == 'TEXT'")
	case g.Kind() == reflect.Slice:
		say(true, "$.count() == 1", "$.count == 1", "$.all(e, true)", "$.any(e, true)", "$.filter(e, true).count() == 1", "$.filter(e, false).all(e, false)", "$[0..1].count() == 1", "$[1..1].count() == 0")
		say(false, "$.count() > 1", "$.any(e, false)", "$.all(e, false)", "$.filter(e, false).count() > 0", "$[0..0].any(e, true)")
		all = append(all, statements(place, path+"[0]", g.Elem())...)
	case g.Kind() == reflect.Struct:
		for i := range g.NumField() {
			f := g.Field(i)
			names, _, _ := strings.Cut(f.Tag.Get("policy"), ",")
			for name := range strings.SplitSeq(names, "|") {
				all = append(all, statements(place, path+"."+name, f.Type)...)
			}
		}
	}
	return all
}

// Every operator on every field of every struct, in policies that allow and that deny, with a consensus that is there,
// one that others can complete, and one that nobody can: the outcome of the policy and the verdict.
func TestR15_PolicyOperatorsOnEveryField(t *testing.T) {
	full := &policy.Context{}
	fill(reflect.ValueOf(full).Elem())
	var all []statement
	root := reflect.TypeFor[policy.Context]()
	for i := range root.NumField() {
		f := root.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("policy"), ",")
		place := map[string]policy.Place{"approvers": policy.Consensus, "credentials": policy.Consensus, "time": policy.Moment}[name]
		if place == "" {
			place = policy.Condition
		}
		all = append(all, statements(place, name, f.Type)...)
	}
	consensus := map[string]*policy.Expression{
		"there":     compiled(t, policy.Consensus, ""),
		"completed": compiled(t, policy.Consensus, "approvers.count() == 2"),
		"never":     compiled(t, policy.Consensus, "approvers.any(u, u.id == 'nobody')"),
	}
	request := policy.Request{
		Context: *full, Root: policy.Quorum{Threshold: 1},
		Approved: []policy.Voter{{User: full.Approvers[0], Credentials: full.Credentials}}, Others: voters("other"),
	}
	cases, outcomes := 0, map[policy.Outcome]int{}
	for _, s := range all {
		e := compiled(t, s.place, s.text)
		for _, effect := range []policy.Effect{policy.Allow, policy.Deny} {
			for agreed, c := range consensus {
				p := policy.Policy{ID: "p", Effect: effect, Consensus: c}
				r := request
				switch s.place {
				case policy.Condition:
					p.Condition = e
				case policy.Moment:
					p.Time = e
				default: // a consensus of its own: there is no other, and nobody else
					p.Consensus, r.Others = e, nil
					agreed = "there"
				}
				want, verdict := policy.OutcomeDenyImplicit, policy.Denied
				switch {
				case s.place == policy.Moment && !s.holds:
					want = policy.OutcomeTimeInactive
				case s.holds && agreed == "there" && effect == policy.Allow:
					want, verdict = policy.OutcomeAllow, policy.Allowed
				case s.holds && agreed == "there":
					want, verdict = policy.OutcomeDenyExplicit, policy.DeniedExplicitly
				case s.holds && agreed == "completed" && effect == policy.Allow:
					want, verdict = policy.OutcomeConsensus, policy.Pending
				}
				got := policy.Decide([]policy.Policy{p}, r)
				cases++
				outcomes[want]++
				if got.Verdict != verdict || got.Evaluations[0].Outcome != want {
					t.Errorf("%s, %s, consensus %s: %v, want %s", s.text, effect, agreed, got, want)
				}
			}
		}
	}
	t.Logf("%d statements, %d cases: %s", len(all), cases, fmt.Sprint(outcomes))
}
