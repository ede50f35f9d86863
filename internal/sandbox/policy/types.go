package policy

import (
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"time"
)

// kind is what sort of value something is.
type kind uint8

const (
	anyKind kind = iota // known only at evaluation
	boolKind
	intKind
	uintKind
	stringKind
	timeKind
	listKind
	mapKind
	paramsKind // of activity.params: fields nobody can know beforehand
	structKind
)

func (k kind) String() string {
	return [...]string{"value", "bool", "int", "uint", "string", "timestamp", "list", "map", "struct", "struct"}[k]
}

func (k kind) number() bool { return k == intKind || k == uintKind }

// typ is a type of the language.
type typ struct {
	kind   kind
	elem   *typ // of a list and a map
	name   string
	fields map[string]field // of a struct
}

// field is where a struct keeps a field. What is optional is absent while it is nil.
type field struct {
	index    int
	optional bool
	typ      *typ
}

func (t *typ) String() string {
	switch t.kind {
	case listKind, mapKind:
		return fmt.Sprintf("%s<%s>", t.kind, t.elem)
	case structKind:
		return t.name
	default:
		return t.kind.String()
	}
}

var (
	anyType    = &typ{kind: anyKind}
	boolType   = &typ{kind: boolKind}
	intType    = &typ{kind: intKind}
	uintType   = &typ{kind: uintKind}
	stringType = &typ{kind: stringKind}
	timeType   = &typ{kind: timeKind}
	paramsType = &typ{kind: paramsKind}
)

// contextType is the type of all keywords together, read once from Context and the structs below it.
var contextType = sync.OnceValue(func() *typ { return typeOf(reflect.TypeFor[Context]()) })

// typeOf reads a type of the language from a Go type. The types are a tree, so it ends.
func typeOf(g reflect.Type) *typ {
	switch g {
	case reflect.TypeFor[*big.Int]():
		return intType
	case reflect.TypeFor[Uint]():
		return uintType
	case reflect.TypeFor[time.Time]():
		return timeType
	case reflect.TypeFor[Params]():
		return paramsType
	case reflect.TypeFor[Value]():
		return anyType
	}
	switch g.Kind() {
	case reflect.Bool:
		return boolType
	case reflect.String:
		return stringType
	case reflect.Pointer:
		return typeOf(g.Elem())
	case reflect.Slice:
		return &typ{kind: listKind, elem: typeOf(g.Elem())}
	case reflect.Map:
		return &typ{kind: mapKind, elem: typeOf(g.Elem())}
	case reflect.Struct:
		t := &typ{kind: structKind, name: g.Name(), fields: map[string]field{}}
		for i := range g.NumField() {
			f := g.Field(i)
			names, option, _ := strings.Cut(f.Tag.Get("policy"), ",")
			absent := option == "optional" || f.Type.Kind() == reflect.Pointer && f.Type.Elem() != reflect.TypeFor[big.Int]()
			for name := range strings.SplitSeq(names, "|") {
				t.fields[name] = field{index: i, optional: absent, typ: typeOf(f.Type)}
			}
		}
		return t
	default:
		panic(fmt.Sprintf("policy: the language has no type for %s", g))
	}
}
