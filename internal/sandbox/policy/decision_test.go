package policy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/sandbox/policy"
)

func compiled(t testing.TB, place policy.Place, source string) *policy.Expression {
	t.Helper()
	e, err := policy.Compile(place, source)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return e
}

func rule(t testing.TB, effect policy.Effect, consensus, condition string) policy.Policy {
	t.Helper()
	return policy.Policy{ID: "p", Effect: effect, Consensus: compiled(t, policy.Consensus, consensus), Condition: compiled(t, policy.Condition, condition)}
}

// voters are users with the given ids; a colon gives tags.
func voters(names ...string) []policy.Voter {
	var all []policy.Voter
	for _, name := range names {
		id, tags, _ := strings.Cut(name, ":")
		v := policy.Voter{User: policy.User{ID: id}, Credentials: []policy.Credential{{ID: "c" + id, UserID: id, Type: "CREDENTIAL_TYPE_API_KEY_P256"}}}
		if tags != "" {
			v.User.Tags = strings.Split(tags, ",")
		}
		all = append(all, v)
	}
	return all
}

// Operators by effects: what each kind of outcome makes of a request, over every combination of two policies.
func TestR15_PolicyCombinations(t *testing.T) {
	type part struct {
		effect               policy.Effect
		consensus, condition string
		outcome              policy.Outcome
	}
	parts := []part{
		{policy.Allow, "", "true", policy.OutcomeAllow},
		{policy.Allow, "", "false", policy.OutcomeDenyImplicit},
		{policy.Allow, "", "private_key.id == ''", policy.OutcomeError},
		{policy.Allow, "approvers.count() == 2", "", policy.OutcomeConsensus},
		{policy.Allow, "approvers.any(u, u.id == 'x')", "", policy.OutcomeDenyImplicit},
		{policy.Allow, "approvers[3].id == 'x'", "", policy.OutcomeError},
		{policy.Deny, "", "true", policy.OutcomeDenyExplicit},
		{policy.Deny, "", "false", policy.OutcomeDenyImplicit},
		{policy.Deny, "approvers.count() == 2", "", policy.OutcomeDenyImplicit},
		{policy.Deny, "", "private_key.id == ''", policy.OutcomeError},
	}
	cases := 0
	for _, a := range parts {
		for _, b := range parts {
			for _, builtIn := range []bool{false, true} {
				for _, root := range []string{"nobody", "other", "u1,u2", "u1"} {
					cases++
					r := policy.Request{Context: *example(), Approved: voters("u1"), Others: voters("u2", "other"), BuiltIn: builtIn,
						Root: policy.Quorum{Threshold: 2, Users: strings.Split(root, ",")}}
					if root == "u1" {
						r.Root.Threshold = 1
					}
					got := policy.Decide([]policy.Policy{rule(t, a.effect, a.consensus, a.condition), rule(t, b.effect, b.consensus, b.condition)}, r)
					has := func(o policy.Outcome) bool { return a.outcome == o || b.outcome == o }
					want := policy.Denied
					switch {
					case root == "u1":
						want = policy.Allowed
					case has(policy.OutcomeDenyExplicit):
						want = policy.DeniedExplicitly
					case has(policy.OutcomeAllow), builtIn:
						want = policy.Allowed
					case has(policy.OutcomeConsensus), root == "u1,u2":
						want = policy.Pending
					}
					if got.Verdict != want {
						t.Errorf("%v, %v, built in %v, root %s: %v, want %v", a, b, builtIn, root, got.Verdict, want)
					}
					if root == "u1" {
						if got.Evaluations != nil {
							t.Errorf("a root quorum asked policies: %v", got.Evaluations)
						}
						continue
					}
					if e := got.Evaluations; len(e) != 2 || e[0].Outcome != a.outcome || e[1].Outcome != b.outcome {
						t.Errorf("%v, %v: %v", a, b, e)
					}
				}
			}
		}
	}
	t.Logf("%d combinations", cases)
}

// When more approvals can complete a consensus in which the submitter's own counts.
func TestPolicyConsensusCanBeCompleted(t *testing.T) {
	crowd := make([]string, 60)
	for i := range crowd {
		crowd[i] = fmt.Sprintf("x%d:t1", i)
	}
	for _, c := range []struct {
		consensus string
		others    []string
		want      bool
	}{
		{"approvers.any(u, u.id == 'u1') && approvers.any(u, u.id == 'u2')", []string{"u2", "u3"}, true},
		{"approvers.any(u, u.id == 'u1') && approvers.any(u, u.id == 'u2')", []string{"u3"}, false},
		{"approvers.any(u, u.id == 'u3') && approvers.any(u, u.id == 'u2')", []string{"u2", "u3"}, false},
		{"(approvers.any(u, u.id == 'u1') && approvers.any(u, u.id == 'u2')) || approvers.any(u, u.id == 'u3')", []string{"u3", "u2"}, true},
		{"(approvers.any(u, u.id == 'u4') && approvers.any(u, u.id == 'u2')) || approvers.any(u, u.id == 'u3')", []string{"u3", "u2"}, false},
		{"approvers.filter(u, u.tags.contains('t1')).count() >= 2", []string{"u2:t1"}, true},
		{"approvers.filter(u, u.tags.contains('t1')).count() >= 2", []string{"u2"}, false},
		{"approvers.filter(u, u.tags.contains('t2')).count() >= 2", []string{"u2:t2", "u3:t2"}, false},
		{"approvers.filter(u, u.tags.contains('t1')).count() >= 2", crowd, true},
		{"approvers.filter(u, u.tags.contains('t1')).count() >= 40", crowd, true},
		{"approvers.filter(u, u.tags.contains('t1')).count() >= 62", crowd, false},
		{"approvers.filter(u, u.tags.contains('t2')).count() >= 2", crowd, false},
		{"approvers.count() >= 30", crowd, true},
		{"approvers.count() == 3", crowd, true},
		{"approvers.count() >= 3", []string{"u2"}, false},
		{"approvers.any(u, u.id == 'x59') && approvers.any(u, u.id == 'u1')", crowd, true},
		{"approvers.any(u, u.id == 'x59')", crowd, false},
		{"approvers.all(u, u.id != 'u1') && approvers.count() > 0", crowd, false},
		{"approvers.filter(u, u.id[0..1] == 'x').count() >= 1 && approvers.any(u, u.id == 'u1')", crowd, true},
		{"credentials.any(c, c.user_id == 'u2') && credentials.any(c, c.id == 'cu1')", []string{"u2"}, true},
		{"false", crowd, false},
		{"approvers.any(u, u.id == 'u1' || u.tags.contains('t9')) && approvers.any(u, u.id in ['x3', 'x4'])", crowd, true},
		{"approvers.any(u, u.id == 'u9' || u.tags.contains('t9')) && approvers.any(u, u.id in ['x3', 'x4'])", crowd, false},
		{"approvers.any(u, u.email == '') && approvers.any(u, u.id == 'x3')", nil, false},
		{"approvers.any(u, 'a' == 'a') && approvers.any(u, u.id == 'x3')", []string{"x3"}, false},
		{"approvers.any(u, u.id != 'x3') && approvers.any(u, u.id == 'x3')", []string{"x3"}, true},
		{"approvers.any(u, !(u.id == 'x3')) && approvers.any(u, u.id == 'x3')", []string{"x3"}, true},
		{"approvers.any(a, approvers.any(b, a.id == 'u1' && b.id == 'x3'))", []string{"x3"}, true},
		// Some are enough alone, and stand between those who complete the submitter's vote.
		{"(approvers.any(u, u.id == 'u1') && approvers.any(u, u.id == 'u2') && approvers.any(u, u.id == 'u3')) || approvers.any(u, u.id in ['x0','x1','x2','x3','x4','x5','x6','x7'])",
			[]string{"x0", "x1", "x2", "x3", "u2", "x4", "x5", "x6", "x7", "u3"}, true},
	} {
		r := policy.Request{Context: *example(), Approved: voters("u1:t1"), Others: voters(c.others...), Root: policy.Quorum{Threshold: 1}}
		got := policy.Decide([]policy.Policy{rule(t, policy.Allow, c.consensus, "")}, r)
		if (got.Verdict == policy.Pending) != c.want {
			t.Errorf("%s among %d others: %v, want pending %v", c.consensus, len(c.others), got, c.want)
		}
	}
}

// Up to eight users the search is exact: it agrees with a plain definition over random expressions.
func TestPolicyConsensusSearchIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{"u1", "u2", "u3", "u4", "u5", "u6"}
	var term func(depth int) string
	term = func(depth int) string {
		switch n := random.IntN(7); {
		case n == 0 && depth > 0:
			return "!(" + term(depth-1) + ")"
		case n < 3 && depth > 0:
			return "(" + term(depth-1) + " && " + term(depth-1) + ")"
		case n < 5 && depth > 0:
			return "(" + term(depth-1) + " || " + term(depth-1) + ")"
		case n == 5:
			return fmt.Sprintf("approvers.count() >= %d", 1+random.IntN(4))
		}
		return "approvers.any(u, u.id == '" + names[random.IntN(len(names))] + "')"
	}
	pending := 0
	for range 400 {
		source := term(3)
		e := compiled(t, policy.Consensus, source)
		holds := func(set []policy.Voter) bool {
			c := &policy.Context{}
			for _, v := range set {
				c.Approvers = append(c.Approvers, v.User)
			}
			yes, err := e.Holds(c)
			if err != nil {
				t.Fatal(err)
			}
			return yes
		}
		me, others := voters("u1"), voters(names[1:]...)
		want := false
		for mask := range 1 << len(others) {
			var set []policy.Voter
			for i, v := range others {
				if mask>>i&1 == 1 {
					set = append(set, v)
				}
			}
			want = want || !holds(set) && holds(slices.Concat(me, set))
		}
		want = want && !holds(me)
		if want {
			pending++
		}
		p := policy.Policy{ID: "p", Effect: policy.Allow, Consensus: e}
		got := policy.Decide([]policy.Policy{p}, policy.Request{Approved: me, Others: others, Root: policy.Quorum{Threshold: 9}})
		if (got.Verdict == policy.Pending) != want {
			t.Errorf("%s: %v, want pending %v", source, got, want)
		}
	}
	if pending == 0 {
		t.Error("no expression was pending")
	}
}

func TestPolicyMayVote(t *testing.T) {
	p := []policy.Policy{rule(t, policy.Allow, "approvers.any(u, u.id == 'u1') && approvers.any(u, u.id == 'u2')", "")}
	r := policy.Request{Context: *example(), Approved: voters("u1"), Others: voters("u2", "u3", "r"), Root: policy.Quorum{Threshold: 2, Users: []string{"r"}}}
	for id, want := range map[string]bool{"u2": true, "u3": false, "r": true} {
		if got := policy.MayVote(p, r, voters(id)[0]); got != want {
			t.Errorf("%s may vote: %v", id, got)
		}
	}
	r.RootOnly = true
	if policy.MayVote(p, r, voters("u2")[0]) {
		t.Error("a policy lets somebody vote on what the root quorum alone decides")
	}
}

// Only the root quorum allows what is its own.
func TestPolicyRootOnly(t *testing.T) {
	p := []policy.Policy{rule(t, policy.Allow, "", "")}
	for approved, want := range map[string]policy.Verdict{"u1": policy.Pending, "u2": policy.Denied, "u1,u3": policy.Allowed} {
		r := policy.Request{Context: *example(), RootOnly: true, Approved: voters(strings.Split(approved, ",")...), Root: policy.Quorum{Threshold: 2, Users: []string{"u1", "u3"}}}
		if got := policy.Decide(p, r); got.Verdict != want || got.Evaluations != nil {
			t.Errorf("%s: %v", approved, got)
		}
	}
}

// A hundred policies at their dearest, asked by a user among a hundred, stay within a bound of work.
func TestPolicyDecisionIsBounded(t *testing.T) {
	crowd := make([]string, 100)
	for i := range crowd {
		crowd[i] = fmt.Sprintf("x%d:t1", i)
	}
	costly := rule(t, policy.Allow, "approvers.filter(u, u.tags.contains('t1')).count() >= 99 && approvers.all(a, approvers.all(b, a.id != 'q' && b.id != 'q'))",
		"[1"+strings.Repeat(",1", 3000)+"].all(x, [1"+strings.Repeat(",1", 3000)+"].contains(x))")
	var all []policy.Policy
	for range 100 {
		all = append(all, costly)
	}
	got := policy.Decide(all, policy.Request{Context: *example(), Approved: voters("u1:t1"), Others: voters(crowd...), Root: policy.Quorum{Threshold: 1}})
	if got.Verdict != policy.Denied || got.Evaluations[99].Outcome != policy.OutcomeError {
		t.Errorf("%v, the last %v", got.Verdict, got.Evaluations[99])
	}
}
