// Package fault is the vocabulary of failure: kinds that decide what a program does next, codes that decide what a
// person is told, and the catalogue that turns a code into words.
//
// It owns no recovery and no logging, and depends on the standard library alone, so that every package may use it.
// A failure is wrapped once, where it arises, by [Error]; it is mapped once to HTTP (backend) and once to words
// (window and terminal, through [Tell]).
package fault

import (
	"errors"
	"time"
)

// Kind says what a caller can do about a failure. A Kind is itself an error, so errors.Is(err, fault.Locked) works
// on anything that wraps an [Error] of that kind.
type Kind string

// The kinds. No other exists: what has none is internal.
const (
	Invalid     Kind = "invalid"     // the input is wrong; asking again changes nothing
	NotFound    Kind = "not found"   // no such key, session or credential
	Conflict    Kind = "conflict"    // it exists already, or changed meanwhile
	Denied      Kind = "denied"      // the user or the vendor said no
	Cancelled   Kind = "cancelled"   // the user turned away; not an error to show
	Expired     Kind = "expired"     // was valid; log in again
	Pending     Kind = "pending"     // people must act: consensus, second factor
	Limited     Kind = "limited"     // too often; carries RetryAfter
	Locked      Kind = "locked"      // the keychain or a file waits to be unlocked
	Unavailable Kind = "unavailable" // network or service down; retry later
	Corrupt     Kind = "corrupt"     // what we stored cannot be read
)

// Kinds lists every kind, for tests that range over all of them.
var Kinds = []Kind{Invalid, NotFound, Conflict, Denied, Cancelled, Expired, Pending, Limited, Locked, Unavailable, Corrupt}

func (k Kind) Error() string { return string(k) }

// Error is a failure with a stable code, such as "keychain.prompt_dismissed". Err is the cause: it may be logged
// where it holds no secret, and is never shown to a user.
type Error struct {
	Kind       Kind
	Code       Code
	RetryAfter time.Duration // only with Limited
	TriesLeft  int           // only with OTPWrong: how many guesses remain
	Err        error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return string(e.Code)
	}
	return string(e.Code) + ": " + e.Err.Error()
}

// Unwrap yields the kind and the cause, so that errors.Is finds both.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// New returns an [Error] of the kind that the catalogue gives to code, around cause, which may be nil.
func New(code Code, cause error) error {
	return &Error{Kind: code.Kind(), Code: code, Err: cause}
}

// KindOf returns the kind of err, or "" when it has none (an internal failure).
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	if k, ok := errors.AsType[Kind](err); ok {
		return k
	}
	return ""
}

// CodeOf returns the outermost code of err, or [Internal] when it has none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok && e.Code != "" {
		return e.Code
	}
	return Internal
}
