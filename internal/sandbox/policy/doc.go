// Package policy is the language of Turnkey's policies and the decision they add up to: it reads an expression, checks
// it when a policy is stored, evaluates it for a request, and folds the outcomes of all policies into one verdict.
//
// It owns the grammar, the names and types an expression may use (fields.go) and the rules of the decision. It owns no
// policy and asks nobody: who approves, what a transaction says and what time it is arrive in a Context. Everything in
// it is a pure function, bounded in depth, size and steps, and never panics on any input.
//
// # What no source says and this package chose
//
//   - An empty expression holds. && binds tighter than ||, ! tighter than comparisons, and comparisons do not chain.
//   - int and uint compare with each other. bool compares with == and !=. Numbers outside of their type's range are errors.
//   - Strings that are 0x and hexadecimal digits compare without regard to case, in ==, != , in and contains. All others
//     are compared as they are. An index counts characters; one beyond the end is an error.
//   - What an argument or a parameter is can only be known at evaluation, so its type is checked there.
//   - Timestamp and CronSpan stand in time alone, approvers and credentials in consensus alone. The name that all, any and
//     filter bind may be no keyword and no other bound name.
//   - A contract of a Tron transaction has the fields of its own kind; another kind's are absent, and reading them is an error.
//   - An expression has at most 64 KiB and 64 brackets within brackets, and an evaluation about a million steps.
//   - Firing times of CronSpan that a change of the clocks leaves out fire after the gap, those that come twice fire once.
//   - A policy whose time is over is inactive whatever its other parts say; else one error in any part is its outcome.
//   - A request waits for more approvals where the submitter's own can matter: see matters for the rule and its limits.
package policy
