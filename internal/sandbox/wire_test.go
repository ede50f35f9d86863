package sandbox

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// wired has a field of every kind that requests have.
type wired struct {
	Text  string          `json:"text" need:"text"`
	Blank *string         `json:"blank"`
	Whole *integer        `json:"whole,omitempty"`
	Long  numeral         `json:"long,omitempty"`
	Yes   *bool           `json:"yes,omitempty"`
	Items []wiredItem     `json:"items" need:"yes"`
	Raw   json.RawMessage `json:"raw"`
	wiredEmbedded
	hidden string //nolint:unused // the codec must pass it by
}

type wiredItem struct {
	Name string `json:"name" need:"yes"`
}

type wiredEmbedded struct {
	Inner string `json:"inner"`
}

func TestDecodeReadsAsTheServiceDoes(t *testing.T) {
	whole, yes, blank := integer(7), true, ""
	full := wired{Text: "a\"é", Blank: &blank, Whole: &whole, Long: "12345678901234567890", Yes: &yes,
		Items: []wiredItem{{"x"}, {""}}, Raw: json.RawMessage(`{"a": [1, "]}"]}`), wiredEmbedded: wiredEmbedded{"in"}}
	for _, c := range []struct {
		name, text string
		want       wired
		refused    string
	}{
		{"everything", `{"text":"a\"\u00e9","blank":"","whole":7,"long":12345678901234567890,"yes":true,"items":[{"name":"x"},{"name":""}],"raw":{"a": [1, "]}"]},"inner":"in"}`, full, ""},
		{"integers as strings and strings as integers", " {\n\t\"inner\" : \"in\" , \"raw\":{\"a\": [1, \"]}\"]},\"text\":\"a\\\"é\",\"blank\":\"\",\"whole\":\"7\",\"long\":\"12345678901234567890\",\"yes\":true ,\"items\":[ {\"name\":\"x\"} , {\"name\":\"\"} ]\r\n}\n", full, ""},
		{"the least", `{"text":"t","items":[]}`, wired{Text: "t", Items: []wiredItem{}}, ""},
		{"nulls where nothing is needed", `{"text":"t","items":[],"blank":null,"whole":null,"yes":null,"inner":null}`, wired{Text: "t", Items: []wiredItem{}}, ""},
		{"unknown fields", `{"text":"t","items":[],"other":{"text":[{}]},"Text":"T","hidden":"h","wiredEmbedded":{"inner":"x"},"":1}`, wired{Text: "t", Items: []wiredItem{}}, ""},
		{"an escaped name", `{"te\u0078t":"t","items":[]}`, wired{Text: "t", Items: []wiredItem{}}, ""},
		{"a field missing", `{"items":[]}`, wired{}, "missing field `text`"},
		{"a field in other letters", `{"TEXT":"t","items":[]}`, wired{}, "missing field `text`"},
		{"a field null", `{"text":null,"items":[]}`, wired{}, "missing field `text`"},
		{"a field empty", `{"text":"","items":[]}`, wired{}, "missing field `text`"},
		{"a list missing", `{"text":"t"}`, wired{}, "missing field `items`"},
		{"a field of an item missing", `{"text":"t","items":[{"name":"x"},{}]}`, wired{}, "missing field `items[1].name`"},
		{"a null item", `{"text":"t","items":[null]}`, wired{}, "items: an item is null"},
		{"a field twice", `{"text":"t","items":[],"text":"u"}`, wired{}, "twice"},
		{"an unknown field twice", `{"text":"t","items":[],"o":1,"o":1}`, wired{}, "twice"},
		{"a number for a text", `{"text":1,"items":[]}`, wired{}, "text: want a string"},
		{"a text for a list", `{"text":"t","items":"x"}`, wired{}, "items: want a list"},
		{"a text for an item", `{"text":"t","items":["x"]}`, wired{}, "items[0]: want an object"},
		{"a fraction", `{"text":"t","items":[],"whole":1.5}`, wired{}, "whole: want an integer"},
		{"too large an integer", `{"text":"t","items":[],"whole":2147483648}`, wired{}, "whole: want an integer"},
		{"a list for an integer", `{"text":"t","items":[],"long":[]}`, wired{}, "long: want an integer"},
		{"a text for a flag", `{"text":"t","items":[],"yes":"true"}`, wired{}, "yes: want true or false"},
		{"a list", `[]`, wired{}, "want an object"},
		{"null", `null`, wired{}, "want an object"},
		{"nothing", ``, wired{}, "not JSON"},
		{"two objects", `{} {}`, wired{}, "not JSON"},
		{"no end", `{"text":"t"`, wired{}, "not JSON"},
		{"very deep", strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000), wired{}, "not JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got wired
			err := decode([]byte(c.text), &got)
			if c.refused == "" && (err != nil || !reflect.DeepEqual(got, c.want)) {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
			if c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
				t.Errorf("got %v, want %q", err, c.refused)
			}
		})
	}
	many := `{"text":"t","items":[]`
	for i := range 200 {
		many += `,"f` + strings.Repeat("x", i) + `":1`
	}
	if err := decode([]byte(many+"}"), new(wired)); err == nil || !strings.Contains(err.Error(), "too many fields") {
		t.Errorf("200 fields: %v", err)
	}
}

// What encoding/json makes of any object, decode must make too, where the two agree on the rules.
func FuzzDecode(f *testing.F) {
	f.Add(`{"text":"t","items":[{"name":"x"}],"raw":{"a":["}",{}]},"inner":"\u0000","long":"1"}`)
	f.Add(`{"text":"\ud800","items":[],"blank":"\\\""}`)
	f.Add(` [ {"a":1} ] `)
	f.Fuzz(func(t *testing.T, text string) {
		var got wired
		if decode([]byte(text), &got) != nil {
			return
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			t.Fatalf("took %q, which is not an object", text)
		}
		var want string
		if err := json.Unmarshal(fields["text"], &want); err != nil || got.Text != want {
			t.Fatalf("text %q, want %q", got.Text, want)
		}
		if raw := fields["raw"]; raw != nil && string(raw) != "null" && string(got.Raw) != strings.TrimSpace(string(raw)) {
			t.Fatalf("raw %q, want %q", got.Raw, raw)
		}
		var items []wiredItem
		if err := json.Unmarshal(fields["items"], &items); err == nil && len(items) != len(got.Items) {
			t.Fatalf("%d items, want %d", len(got.Items), len(items))
		}
	})
}
