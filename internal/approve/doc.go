// Package approve says what a request would do, from the exact bytes that would be stamped, and decides whether it may
// be stamped without asking: by what it is, by a rule that a person made, or not at all.
//
// It owns the class of every activity (free, ask, always ask), the words of a request, the form and the words of rules,
// and the verdict, which is a pure function of request, rules and time. It does not own how a person is asked, nor
// where rules are kept (client). It depends on chain and fault.
//
// # What is shown is what is read
//
// A stamp covers the body alone, not the path, and the body is read by somebody else's program. So whatever two readers
// could understand differently is refused (fault.ApprovalUnclear), and not put into words: JSON with a name twice, under
// two spellings that a lenient reader takes for one (signWith, sign_with), with text after it, or broken UTF-8; a path that is not
// the one of the body's type; a query whose body has the members of an activity, because its stamp would be good for
// that activity, too.
//
// What cannot be read is said to be so. A bare digest, a transaction of a chain that chain does not know, bytes that are
// no text: those are blind signatures, which no rule covers.
package approve
