// Package policy is the language of Turnkey's policies and the decision they add up to: it reads an expression, checks
// it when a policy is stored, evaluates it for a request, and folds the outcomes of all policies into one verdict.
//
// It owns the grammar, the names and types an expression may use (fields.go) and the rules of the decision. It owns no
// policy and asks nobody: who approves, what a transaction says and what time it is arrive in a Context. Everything in
// it is a pure function, bounded in depth, size and steps, and never panics on any input.
package policy
