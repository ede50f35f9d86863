package sandbox

import (
	"encoding/json"
	"maps"
	"reflect"
	"testing"
)

// present makes a request say every field of parameters, with the least that a field can say: false, 0, an empty list.
func present(t reflect.Type) any {
	switch t {
	case reflect.TypeFor[numeral]():
		return "1"
	case reflect.TypeFor[json.RawMessage]():
		return m{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return present(t.Elem())
	case reflect.Bool:
		return false
	case reflect.Int32, reflect.Int64:
		return 0
	case reflect.Slice:
		return []any{}
	case reflect.Struct:
		said := m{}
		for i := range t.NumField() {
			if f := t.Field(i); f.Anonymous {
				for name, v := range present(f.Type).(m) {
					said[name] = v
				}
			} else if f.IsExported() {
				name := f.Tag.Get("json")
				for i := range name {
					if name[i] == ',' {
						name = name[:i]
						break
					}
				}
				if said[name] = present(f.Type); f.Tag.Get("only") != "" {
					said[name] = f.Tag.Get("only")
				}
			}
		}
		return said
	default:
		return "x"
	}
}

// same compares parameters but for what prepare finds out; a list of nothing is no list.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Pointer:
		return a.IsNil() == b.IsNil() && (a.IsNil() || same(a.Elem(), b.Elem()))
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range a.NumField() {
			if f := a.Type().Field(i); (f.IsExported() || f.Anonymous) && !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	default:
		return a.Equal(b)
	}
}

// An activity that waits for approvals runs from its intent. Whatever its request said must stand there, and mean the same.
func TestWhatRunsLaterIsWhatWasAsked(t *testing.T) {
	ids := m{"userId": nowhere, "walletId": nowhere, "address": "0x", "apiKeyId": nowhere, "privateKeyId": nowhere, "authenticatorId": nowhere}
	for name, k := range kinds() {
		if k.read == nil {
			continue
		}
		usual, err := k.read(mustJSON(parametersFor(name, ids)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		all := m{} // what the parameters know, and each of it once with the least that it can say
		fields := present(reflect.TypeOf(usual).Elem()).(m)
		for field, v := range fields {
			if all[field] = v; parametersFor(name, ids)[field] != nil {
				all[field] = parametersFor(name, ids)[field]
			}
		}
		requests := []m{all}
		for field, v := range fields {
			less := maps.Clone(all)
			less[field] = v
			requests = append(requests, less)
		}
		for i, request := range requests {
			asked, err := k.read(mustJSON(request))
			if err != nil && i > 0 {
				continue // too little
			} else if err != nil {
				t.Errorf("%s with every field: %v", name, err)
				continue
			}
			intent, err := encode(asked)
			if err != nil {
				t.Fatal(err)
			}
			later, err := k.read(intent)
			if err != nil {
				t.Errorf("%s: its intent %s cannot be read: %v", name, intent, err)
				continue
			}
			if !same(reflect.ValueOf(asked), reflect.ValueOf(later)) {
				t.Errorf("%s: its intent %s is not what was asked", name, intent)
			}
		}
	}
}
