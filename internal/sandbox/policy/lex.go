package policy

import (
	"strings"
	"unicode/utf8"
)

// token is one word of an expression. Its text is the operator, the name, the digits, or what stands between quotes.
type token struct {
	kind tokenKind
	text string
	pos  int
}

type tokenKind uint8

const (
	endToken tokenKind = iota
	nameToken
	numberToken
	stringToken
	signToken
)

// signs are the operators and brackets, longer ones before their beginnings.
var signs = []string{"&&", "||", "==", "!=", "<=", ">=", "..", "<", ">", "!", ".", ",", "(", ")", "[", "]"}

// lex cuts source into tokens, an end token last.
func lex(source string) ([]token, error) {
	if len(source) > maxSize {
		return nil, &Error{Pos: maxSize, Reason: "expression is too long", Syntax: true}
	}
	var tokens []token
	for at := 0; ; {
		for at < len(source) && strings.IndexByte(" \t\r\n", source[at]) >= 0 {
			at++
		}
		if at == len(source) {
			return append(tokens, token{kind: endToken, pos: at}), nil
		}
		t, length, err := next(source, at)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		at += length
	}
}

// next is the token at at, and how many bytes it takes.
func next(source string, at int) (token, int, error) {
	rest := source[at:]
	switch c := rest[0]; {
	case c == '\'':
		end := strings.IndexByte(rest[1:], '\'')
		if end < 0 {
			return token{}, 0, &Error{Pos: at, Reason: "string without end", Syntax: true}
		}
		text := rest[1 : 1+end]
		if !utf8.ValidString(text) {
			return token{}, 0, &Error{Pos: at, Reason: "string is not UTF-8", Syntax: true}
		}
		return token{stringToken, text, at}, end + 2, nil
	case isDigit(c):
		n := span(rest, isDigit)
		if n < len(rest) && isLetter(rest[n]) {
			return token{}, 0, &Error{Pos: at + n, Reason: "letter in a number", Syntax: true}
		}
		return token{numberToken, rest[:n], at}, n, nil
	case isLetter(c):
		n := span(rest, func(c byte) bool { return isLetter(c) || isDigit(c) })
		return token{nameToken, rest[:n], at}, n, nil
	}
	for _, s := range signs {
		if strings.HasPrefix(rest, s) {
			return token{signToken, s, at}, len(s), nil
		}
	}
	return token{}, 0, &Error{Pos: at, Reason: "unexpected character", Syntax: true}
}

func span(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }
