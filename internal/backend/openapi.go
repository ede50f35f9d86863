package backend

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"latchkey/internal/turnkey"
)

// This file describes the routes as OpenAPI 3, from the table and the types that serve them: what the description says
// and what is read cannot differ.

// openAPIPath is where the description is served, to whoever may call at all.
const openAPIPath = "/openapi.json"

// schema is a JSON schema as OpenAPI 3.0 has it.
type schema map[string]any

// families names them in the description, as tags.
var families = map[family]string{
	documents: "documents",
	swift:     "swift examples",
	web:       "web examples",
	proxied:   "auth proxy",
}

// describeRoutes returns the description of a table.
func describeRoutes(table map[string]endpoint) ([]byte, error) {
	paths := map[string]any{}
	for _, path := range slices.Sorted(maps.Keys(table)) {
		if table[path].page || table[path].own { // for browsers, which read no description
			continue
		}
		paths[path] = map[string]any{strings.ToLower(table[path].method): table[path].operation()}
	}
	return json.Marshal(map[string]any{
		"openapi": "3.0.3",
		"info": map[string]any{
			"title":   "Latchkey backend",
			"version": "1",
			"description": "The auth server between devices and a parent organization of Turnkey's. Unknown fields are ignored; a name that stands twice is refused. " +
				"Idempotency-Key is understood wherever an account is made.",
		},
		"paths": paths,
		"components": map[string]any{
			"schemas": map[string]any{
				"Failure": schemaOf(reflect.TypeFor[failure](), answers),
				"Status":  schemaOf(reflect.TypeFor[rpcStatus](), answers),
			},
			"securitySchemes": map[string]any{"session": map[string]any{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
		},
	})
}

// operation describes one route.
func (e endpoint) operation() map[string]any {
	refusal := "Failure"
	op := map[string]any{"summary": e.says, "tags": []string{families[e.family]}}
	if e.family == proxied {
		refusal = "Status"
		header := func(name string, required bool) map[string]any {
			return map[string]any{"name": name, "in": "header", "required": required, "schema": schema{"type": "string"}}
		}
		op["parameters"] = []any{header(ConfigHeader, true), header(CaptchaHeader, false)}
	}
	if e.rule != nil {
		op["security"] = []any{map[string][]string{"session": {}}}
	}
	if e.method == http.MethodPost {
		op["requestBody"] = map[string]any{"required": e.in.NumField() > 0, "content": content(schemaOf(e.in, asks))}
	}
	op["responses"] = map[string]any{
		"200":     map[string]any{"description": "Done.", "content": content(schemaOf(e.out, answers))},
		"default": map[string]any{"description": "Refused.", "content": content(schema{"$ref": "#/components/schemas/" + refusal})},
	}
	return op
}

func content(s schema) map[string]any {
	return map[string]any{"application/json": map[string]any{"schema": s}}
}

// direction says whether a type is read or written: a reader needs few fields and bears with more, an answer has all of
// its own and no others.
type direction int

const (
	asks direction = iota
	answers
)

var (
	typeSeconds = reflect.TypeFor[turnkey.Seconds]()
	typeRaw     = reflect.TypeFor[json.RawMessage]()
)

// schemaOf describes a type as encoding/json treats it.
func schemaOf(t reflect.Type, d direction) schema {
	switch t {
	case typeSeconds:
		if d == answers {
			return schema{"type": "string"}
		}
		return schema{"anyOf": []schema{{"type": "string", "pattern": "^[0-9]*$"}, {"type": "integer"}}}
	case typeRaw:
		return schema{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		s := schemaOf(t.Elem(), d)
		if len(s) > 0 && s["$ref"] == nil {
			s["nullable"] = true
		}
		return s
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return schema{"type": "integer"}
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Slice:
		s := schema{"type": "array", "items": schemaOf(t.Elem(), d)}
		if d == asks {
			s["nullable"] = true
		}
		return s
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": schemaOf(t.Elem(), d)}
	case reflect.Struct:
		o := fieldSet{d: d, properties: map[string]schema{}}
		o.add(t, false)
		return o.schema()
	default: // any
		return schema{}
	}
}

// fieldSet gathers the fields of a struct, those of what is embedded in it too.
type fieldSet struct {
	d          direction
	properties map[string]schema
	required   []string
}

func (o *fieldSet) add(t reflect.Type, maybe bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			if f.Type.Kind() == reflect.Pointer {
				o.add(f.Type.Elem(), true)
			} else {
				o.add(f.Type, maybe)
			}
			continue
		}
		if name == "-" || !f.IsExported() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		o.properties[name] = schemaOf(f.Type, o.d)
		switch {
		case o.d == asks && f.Tag.Get("need") == "yes", o.d == answers && !maybe && !strings.HasPrefix(options, "omit"):
			o.required = append(o.required, name)
		}
	}
}

func (o *fieldSet) schema() schema {
	s := schema{"type": "object", "properties": o.properties}
	if len(o.required) > 0 {
		slices.Sort(o.required)
		s["required"] = o.required
	}
	if o.d == answers {
		s["additionalProperties"] = false
	}
	return s
}
