package policy_test

import (
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"latchkey/internal/sandbox/policy"
)

// walker visits every field below a Go value that it fills in as it goes.
type walker struct {
	t      *testing.T
	full   *policy.Context
	fields int
}

// Every field of every struct can be read where it is present, has its own type and no other, is an error where it may be
// absent, and has no neighbour of another name.
func TestR15_PolicyEveryFieldCanBeRead(t *testing.T) {
	w := walker{t: t, full: &policy.Context{}}
	fill(reflect.ValueOf(w.full).Elem())
	root := reflect.TypeFor[policy.Context]()
	for i := range root.NumField() {
		f := root.Field(i)
		place := policy.Condition
		switch f.Tag.Get("policy") {
		case "approvers", "credentials":
			place = policy.Consensus
		case "time":
			place = policy.Moment
		}
		w.field(place, "", f)
	}
	if w.fields < 150 {
		t.Errorf("only %d fields were found", w.fields)
	}
	t.Logf("%d fields", w.fields)
}

// field checks one field of the struct that the expression of spells.
func (w *walker) field(place policy.Place, of string, f reflect.StructField) {
	names, option, _ := strings.Cut(f.Tag.Get("policy"), ",")
	for name := range strings.SplitSeq(names, "|") {
		if name == "" || name != strings.ToLower(name) {
			w.t.Errorf("%s has no name", f.Name)
		}
		w.fields++
		path := name
		if of != "" {
			path = of + "." + name
			if got := result(w.t, place, path+"s.x == 1", w.full); got != not {
				w.t.Errorf("%ss: %s", path, got)
			}
		}
		w.value(place, path, f.Type)
		pointer := f.Type.Kind() == reflect.Pointer && f.Type != reflect.TypeFor[*big.Int]()
		if !strings.Contains(of, "[") && (option == "optional" || pointer) {
			if got := result(w.t, place, probe(path, f.Type), absentOf(f)); got != bad {
				w.t.Errorf("%s, absent: %s", path, got)
			}
		}
	}
}

// value checks what an expression of some type may do.
func (w *walker) value(place policy.Place, path string, g reflect.Type) {
	if got := result(w.t, place, probe(path, g), w.full); got != yes {
		w.t.Errorf("%s: %s", probe(path, g), got)
	}
	if wrong := path + " == Timestamp('2026-01-01T00:00:00Z')"; g != reflect.TypeFor[time.Time]() {
		if got := result(w.t, place, wrong, w.full); got != not {
			w.t.Errorf("%s: %s", wrong, got)
		}
	}
	switch {
	case g.Kind() == reflect.Pointer && g != reflect.TypeFor[*big.Int]():
		w.inside(place, path, g.Elem())
	case g.Kind() == reflect.Slice:
		w.inside(place, path+"[0]", g.Elem())
	default:
		w.inside(place, path, g)
	}
}

// inside checks the fields of a struct.
func (w *walker) inside(place policy.Place, path string, g reflect.Type) {
	if g.Kind() != reflect.Struct || g == reflect.TypeFor[policy.Uint]() || g == reflect.TypeFor[time.Time]() {
		return
	}
	if got := result(w.t, place, path+".no_such_field == 1", w.full); got != not {
		w.t.Errorf("%s.no_such_field: %s", path, got)
	}
	for i := range g.NumField() {
		w.field(place, path, g.Field(i))
	}
}

// probe is an expression that is true for what fill fills in, and types for this type alone.
func probe(path string, g reflect.Type) string {
	switch g {
	case reflect.TypeFor[*big.Int]():
		return path + " == 7"
	case reflect.TypeFor[policy.Uint]():
		return path + " == 115792089237316195423570985008687907853269984665640564039457584007913129639935"
	case reflect.TypeFor[time.Time]():
		return path + " == Timestamp('2026-01-02T03:04:05Z')"
	case reflect.TypeFor[policy.Params]():
		return path + ".some == 'text'"
	}
	switch g.Kind() {
	case reflect.Pointer:
		return probe(path, g.Elem())
	case reflect.Bool:
		return path
	case reflect.String:
		return path + " == 'text'"
	case reflect.Slice:
		return path + ".count() == 1"
	case reflect.Map:
		return path + "['some'] == 'text'"
	default: // a struct
	}
	f := g.Field(0)
	name, _, _ := strings.Cut(f.Tag.Get("policy"), ",")
	name, _, _ = strings.Cut(name, "|")
	return probe(path+"."+name, f.Type)
}

// fill makes every field present, with the values that probe looks for.
func fill(v reflect.Value) {
	switch v.Interface().(type) {
	case *big.Int:
		v.Set(reflect.ValueOf(big.NewInt(7)))
		return
	case policy.Uint:
		most := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
		v.Set(reflect.ValueOf(policy.Uint{Int: most}))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("text")
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("some"), reflect.ValueOf("text").Convert(v.Type().Elem()))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	default: // what the language has no type for
	}
}

// absentOf is a full context in which every field of f's name and type is nil.
func absentOf(f reflect.StructField) *policy.Context {
	c := &policy.Context{}
	fill(reflect.ValueOf(c).Elem())
	empty(reflect.ValueOf(c).Elem(), f)
	return c
}

func empty(v reflect.Value, f reflect.StructField) {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[time.Time]() || v.Type() == reflect.TypeFor[big.Int]() {
		return
	}
	for i := range v.NumField() {
		if t := v.Type().Field(i); t.Name == f.Name && t.Type == f.Type {
			v.Field(i).SetZero()
			continue
		}
		empty(v.Field(i), f)
	}
}

// A context with nothing in it has the zero value of every plain field.
func TestPolicyZeroValues(t *testing.T) {
	c := &policy.Context{Eth: policy.Eth{Tx: &policy.EthereumTransaction{}}, Wallet: &policy.Wallet{}}
	for _, source := range []string{
		`eth.tx.value == 0 && eth.tx.to == ''`, `wallet.id == '' && !wallet.imported`, `activity.type == ''`,
	} {
		if got := result(t, policy.Condition, source, c); got != yes {
			t.Errorf("%s: %s", source, got)
		}
	}
	if got := result(t, policy.Consensus, `approvers.count() == 0 && credentials.all(c, false)`, c); got != yes {
		t.Error(fmt.Sprint("empty lists: ", got))
	}
	c.Eth.Tx.Value = new(big.Int).Lsh(big.NewInt(1), 127)
	if got := result(t, policy.Condition, `eth.tx.value > 0`, c); got != bad {
		t.Errorf("a value beyond an int's range: %s", got)
	}
}
