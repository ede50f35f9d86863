package approve

import "time"

// Patience is how long an answer counts after the question was put.
const Patience = 60 * time.Second

// Question is what a person is asked: whether one request may be stamped.
type Question struct {
	Summary Summary
	Asked   time.Time
}

// By says how a person consented.
type By string

// The ways.
const (
	Typed By = "yes"   // answered to the question
	Flag  By = "--yes" // said before, with the command, for what is not asked always
)

// Answer is a person's. It counts for the request whose digest it names, and for no other.
type Answer struct {
	Yes    bool
	By     By     // with Yes
	Digest string // of the request that was shown
}

// Counts reports whether an answer is a yes to the question that counts at a time: for this request, by a way that is
// good for its class, in time. late is true when time alone is missing.
func (q Question) Counts(a Answer, now time.Time) (yes, late bool) {
	yes = a.Yes && a.Digest == q.Summary.Digest && a.Digest != "" &&
		(a.By == Typed || a.By == Flag && q.Summary.Class == Ask)
	if waited := now.Sub(q.Asked); yes && (waited < 0 || waited > Patience) {
		return false, true
	}
	return yes, false
}

// FlagSuffices reports whether it is enough that the person said yes with the command.
func (q Question) FlagSuffices() bool { return q.Summary.Class == Ask }

// Consent is a yes to the question, by a way.
func (q Question) Consent(by By) Answer { return Answer{Yes: true, By: by, Digest: q.Summary.Digest} }

// EachTime reports whether no rule will ever answer such a question.
func (q Question) EachTime() bool { return q.Summary.Class == Always || q.Summary.Blind }
