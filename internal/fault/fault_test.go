package fault

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestErrorUnwrapsToKindAndCause(t *testing.T) {
	err := fmt.Errorf("open key %q: %w", "a", New(KeyMissing, io.ErrUnexpectedEOF))
	for _, want := range []error{NotFound, io.ErrUnexpectedEOF} {
		if !errors.Is(err, want) {
			t.Errorf("errors.Is(%v, %v) = false", err, want)
		}
	}
	if errors.Is(err, Denied) {
		t.Error("a missing key is also denied")
	}
	if got := KindOf(err); got != NotFound {
		t.Errorf("KindOf = %q, want %q", got, NotFound)
	}
	if got := CodeOf(err); got != KeyMissing {
		t.Errorf("CodeOf = %q, want %q", got, KeyMissing)
	}
}

func TestAForeignErrorIsInternal(t *testing.T) {
	if got := CodeOf(io.EOF); got != Internal {
		t.Errorf("CodeOf(io.EOF) = %q", got)
	}
	if got := KindOf(io.EOF); got != "" {
		t.Errorf("KindOf(io.EOF) = %q", got)
	}
	if got := Tell(io.EOF).Title; got != catalogue[Internal].Title {
		t.Errorf("Tell(io.EOF) = %q", got)
	}
}

// Every code that code.go declares has words, a known kind, and whole sentences.
func TestEveryCodeHasWords(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		code, _ := strconv.Unquote(lit.Value)
		declared++
		e, ok := catalogue[Code(code)]
		if !ok {
			t.Errorf("%s has no words", code)
			return true
		}
		if e.kind != "" && !slices.Contains(Kinds, e.kind) {
			t.Errorf("%s has the unknown kind %q", code, e.kind)
		}
		for part, s := range map[string]string{"happened": e.Happened, "means": e.Means, "next": e.Next} {
			if s == "" || !strings.HasSuffix(s, ".") {
				t.Errorf("%s: %s is not a sentence: %q", code, part, s)
			}
		}
		if e.Title == "" || strings.HasSuffix(e.Title, ".") {
			t.Errorf("%s: title %q", code, e.Title)
		}
		return true
	})
	if declared != len(catalogue) {
		t.Errorf("code.go declares %d codes, the catalogue has %d", declared, len(catalogue))
	}
}
