package policy_test

import (
	"errors"
	"strings"
	"testing"

	"latchkey/internal/sandbox/policy"
)

// FuzzR15_PolicyExpression compiles any text for every place and evaluates what is accepted: nothing panics, everything
// ends, equal contexts give equal answers, and an error stands inside the text.
func FuzzR15_PolicyExpression(f *testing.F) {
	for _, seed := range []string{
		`eth.tx.data[0..10] == '0xa9059cbb' && eth.tx.value < 10 || !wallet.imported`,
		`approvers.filter(user, user.tags.contains('t1')).count() >= 2`,
		`CronSpan('0 9 * * 1-5', '8h', 'America/New_York') && time.now < Timestamp('2026-04-01T00:00:00Z')`,
		`activity.params.type in ['a', 'b'] && activity.params.list.all(x, x['k'][0] == 1)`,
		`solana.tx.instructions[0].accounts.any(a, a.signer)`, `[[1,2][0..1],[3]][1].any(x, x == 3)`, `'äöü'[1..2] == 'ö'`,
		`((((true))))`, `!!!!false`, `1 in [1, 340282366920938463463374607431768211456]`, `'`, `[`, `x.all(`, `a.b.c.d[1`, `CronSpan('`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		for _, place := range []policy.Place{policy.Consensus, policy.Condition, policy.Moment} {
			e, err := policy.Compile(place, source)
			if err != nil {
				refused, ok := errors.AsType[*policy.Error](err)
				if !ok || refused.Pos < 0 || refused.Pos > len(source) || refused.Reason == "" || refused.Column(source) < 1 {
					t.Fatalf("%q: %#v", source, err)
				}
				continue
			}
			first, err := e.Holds(example())
			again, err2 := e.Holds(example())
			if first != again || (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
				t.Fatalf("%q: %v %v, then %v %v", source, first, err, again, err2)
			}
			if err != nil && (first || strings.TrimSpace(err.Error()) == "") {
				t.Fatalf("%q: %v with %v", source, first, err)
			}
			policy.Decide([]policy.Policy{{ID: "p", Effect: policy.Allow, Consensus: e}}, policy.Request{Context: *example(), Approved: voters("u1"), Others: voters("u2:t1", "u3")})
		}
	})
}
