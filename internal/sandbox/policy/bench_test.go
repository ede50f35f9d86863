package policy_test

import (
	"testing"

	"latchkey/internal/sandbox/policy"
)

const typical = `eth.tx.to == '0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265' && eth.tx.data[0..10] == '0xa9059cbb' && eth.tx.value == 0 && eth.tx.chain_id in [1, 8453, 11155111]`

func BenchmarkPolicyCompile(b *testing.B) {
	for b.Loop() {
		if _, err := policy.Compile(policy.Condition, typical); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPolicyHolds(b *testing.B) {
	e, c := compiled(b, policy.Condition, typical), example()
	for b.Loop() {
		if holds, err := e.Holds(c); !holds || err != nil {
			b.Fatal(holds, err)
		}
	}
}

// Ten policies, of which the last allows, for a user of an organization of twenty.
func BenchmarkPolicyDecide(b *testing.B) {
	var all []policy.Policy
	for range 9 {
		all = append(all, rule(b, policy.Allow, "approvers.any(u, u.id == 'u7') && approvers.any(u, u.id == 'u8')", typical))
	}
	all = append(all, rule(b, policy.Allow, "approvers.any(u, u.id == 'u1')", typical))
	r := policy.Request{Context: *example(), Approved: voters("u1"), Root: policy.Quorum{Threshold: 1}, Others: voters("u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9",
		"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k")}
	for b.Loop() {
		if d := policy.Decide(all, r); d.Verdict != policy.Allowed {
			b.Fatal(d)
		}
	}
}
