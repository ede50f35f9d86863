package sandbox

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// This file reads requests the way the service does, which encoding/json alone does not: names match exactly, a
// required field that is absent is named, a name given twice is an error, integers may come as strings and strings of
// digits as numbers, and fields that are not known are ignored (Turnkey's own kits leave some in the parameters).

// numeral is an integer that travels as a string, because it may have 64 bits. A JSON number is taken too. The text is
// kept as it came, for what it means is for the activity to say.
type numeral string

// int64 returns the value; ok is false for anything but a decimal integer of 64 bits.
func (n numeral) int64() (v int64, ok bool) {
	v, err := strconv.ParseInt(string(n), 10, 64)
	return v, err == nil
}

// integer is a 32-bit integer, which travels as a number. A string of digits is taken too.
type integer int32

// wide is one of the few 64-bit integers that travel as numbers all the same.
type wide int64

// timestamp is how the service writes a time.
type timestamp struct {
	Seconds string `json:"seconds"`
	Nanos   string `json:"nanos"`
}

func stampTime(ms int64) timestamp {
	t := time.UnixMilli(ms)
	return timestamp{Seconds: strconv.FormatInt(t.Unix(), 10), Nanos: strconv.Itoa(t.Nanosecond())}
}

// member is one name and value of an object.
type member struct {
	name  string
	value []byte
}

// decode fills the struct behind into from a JSON object. Its fields carry the name in their json tag; `need:"yes"`
// marks those that must be there, `need:"text"` those that must also not be empty, and `only:"X"` those that may be X
// alone, where an unknown value has no words of its own. Errors are refusals.
func decode(raw []byte, into any) error {
	if !json.Valid(raw) {
		return badBody("not JSON")
	}
	if raw = bytes.TrimSpace(raw); raw[0] != '{' {
		return badBody("want an object")
	}
	if err := decodeStruct(split(raw), reflect.ValueOf(into).Elem(), ""); err != nil {
		return err
	}
	return nil
}

func decodeValue(raw []byte, to reflect.Value, name string) *refusal {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		return nil
	}
	switch p := to.Addr().Interface().(type) {
	case *json.RawMessage:
		*p = bytes.Clone(raw)
		return nil
	case *numeral:
		if raw[0] == '"' {
			*p = numeral(unquote(raw))
		} else if c := raw[0]; c == '-' || '0' <= c && c <= '9' {
			*p = numeral(raw)
		} else {
			return badBody(where(name) + "want an integer")
		}
		return nil
	case *integer:
		v, err := readInteger(raw, name, 32)
		*p = integer(v)
		return err
	case *wide:
		v, err := readInteger(raw, name, 64)
		*p = wide(v)
		return err
	}
	switch to.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		return decodeValue(raw, to.Elem(), name)
	case reflect.String:
		if raw[0] != '"' {
			return badBody(where(name) + "want a string")
		}
		to.SetString(unquote(raw))
	case reflect.Bool:
		if string(raw) != "true" && string(raw) != "false" {
			return badBody(where(name) + "want true or false")
		}
		to.SetBool(raw[0] == 't')
	case reflect.Slice:
		if raw[0] != '[' {
			return badBody(where(name) + "want a list")
		}
		items := split(raw)
		to.Set(reflect.MakeSlice(to.Type(), len(items), len(items)))
		for i, item := range items {
			if string(item.value) == "null" {
				return badBody(where(name) + "an item is null")
			}
			if err := decodeValue(item.value, to.Index(i), name+"["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
		}
	case reflect.Struct:
		if raw[0] != '{' {
			return badBody(where(name) + "want an object")
		}
		return decodeStruct(split(raw), to, name)
	default:
		panic("sandbox: no reading of " + to.Type().String())
	}
	return nil
}

func readInteger(raw []byte, name string, bits int) (int64, *refusal) {
	text := string(raw)
	if raw[0] == '"' {
		text = unquote(raw)
	}
	v, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return 0, badBody(where(name) + "want an integer")
	}
	return v, nil
}

func decodeStruct(members []member, to reflect.Value, name string) *refusal {
	for i := range members {
		for _, other := range members[:i] {
			if other.name == members[i].name {
				return badBody(where(name) + "a field stands twice")
			}
		}
		if i == fieldsMax {
			return badBody(where(name) + "too many fields")
		}
	}
	for field, slot := range to.Fields() {
		if field.Anonymous {
			if err := decodeStruct(members, slot, name); err != nil {
				return err
			}
			continue
		}
		if !field.IsExported() {
			continue // what prepare found out
		}
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		full := tag
		if name != "" {
			full = name + "." + tag
		}
		present := false
		for _, m := range members {
			if m.name != tag {
				continue
			}
			if err := decodeValue(m.value, slot, full); err != nil {
				return err
			}
			present = string(bytes.TrimSpace(m.value)) != "null"
		}
		need, only := field.Tag.Get("need"), field.Tag.Get("only")
		switch {
		case need != "" && !present, need == "text" && slot.Len() == 0:
			return missingField(full)
		case present && only != "" && slot.String() != only:
			return badBody(where(full) + "unknown value")
		}
	}
	return nil
}

// fieldsMax is the most fields that an object may have; the widest of the service has 13. It keeps the search for
// names given twice from growing with the square of a body.
const fieldsMax = 100

func where(name string) string {
	if name == "" {
		return ""
	}
	return clip(name) + ": "
}

func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return strings.ToValidUTF8(string(raw[1:len(raw)-1]), "\uFFFD")
	}
	var s string
	_ = json.Unmarshal(raw, &s) // a valid JSON string
	return s
}

// split takes a valid JSON object or list apart; the items of a list have no names.
func split(raw []byte) []member {
	var out []member
	object := raw[0] == '{'
	for i := skipSpace(raw, 1); raw[i] != '}' && raw[i] != ']'; {
		var m member
		if object {
			end := skipValue(raw, i)
			m.name = unquote(raw[i:end])
			i = skipSpace(raw, skipSpace(raw, end)+1) // over the colon
		}
		end := skipValue(raw, i)
		m.value = raw[i:end]
		out = append(out, m)
		if i = skipSpace(raw, end); raw[i] == ',' {
			i = skipSpace(raw, i+1)
		}
	}
	return out
}

func skipSpace(raw []byte, i int) int {
	for raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\n' || raw[i] == '\r' {
		i++
	}
	return i
}

// skipValue returns where the value that begins at i ends.
func skipValue(raw []byte, i int) int {
	for depth := 0; ; {
		switch raw[i] {
		case '"':
			for i++; raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
			i++
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		default:
			i++
			if depth > 0 {
				continue // commas, colons, blanks and scalars inside
			}
			for i < len(raw) && strings.IndexByte(" \t\r\n,}]", raw[i]) < 0 {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
}

// encode writes v as the service does: without escaping <, > and &.
func encode(v any) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}
