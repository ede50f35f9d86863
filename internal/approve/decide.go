package approve

import "time"

// Outcome says what becomes of a request.
type Outcome string

// The outcomes.
const (
	Allowed Outcome = "allowed"  // by its class
	ByRule  Outcome = "rule"     // by the rule that the verdict names
	MustAsk Outcome = "must ask" // a person decides
	Refused Outcome = "refused"  // it cannot be shown truthfully
)

// Request is what is about to be stamped, and the session whose key would stamp it.
type Request struct {
	Path    string
	Body    []byte
	Session string
}

// Verdict is what was decided. Summary is filled in as far as the bytes could be read.
type Verdict struct {
	Outcome Outcome
	Rule    string // id, with ByRule
	Summary Summary
	Err     error // with Refused: fault.ApprovalUnclear
}

// Decide says what becomes of a request under rules at a time. It depends on its arguments alone. The first rule that
// allows the request is named; rules that are none, or over, allow nothing, and none allows what is asked always or
// signed blindly.
func Decide(q Request, rules []Rule, now time.Time) Verdict {
	s, err := Describe(q.Path, q.Body)
	if err != nil {
		return Verdict{Outcome: Refused, Summary: s, Err: err}
	}
	return judge(q, s, rules, now)
}

// judge decides about a request that could be put into words.
func judge(q Request, s Summary, rules []Rule, now time.Time) Verdict {
	v := Verdict{Outcome: MustAsk, Summary: s}
	switch {
	case s.Class == Free:
		v.Outcome = Allowed
	case s.Class == Ask && !s.Blind:
		for _, r := range rules {
			if r.covers(q, s, now) {
				v.Outcome, v.Rule = ByRule, r.ID
				break
			}
		}
	}
	return v
}
