package backend

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"latchkey/internal/fault"
)

func TestDecode(t *testing.T) {
	type inner struct {
		B string `json:"b"`
	}
	for body, want := range map[string]string{ // "" is accepted
		`{"a":"x"}`:                           "",
		" \r\n\t{\"a\":\"x\"} \n":             "",
		`{"a":"x","more":{"a":1,"b":[1,2]}}`:  "", // unknown fields are other clients' business
		`{"list":[{"a":1},{"a":2}]}`:          "",
		`{"n":1e400}`:                         "",
		`{}`:                                  "",
		``:                                    "want one JSON object",
		`null`:                                "want one JSON object",
		`[]`:                                  "want one JSON object",
		`"x"`:                                 "want one JSON object",
		`{"a":"x"}{}`:                         "something follows",
		`{"a":"x"} x`:                         "something follows",
		`{"a":"x"},`:                          "something follows",
		`{"a":"x","a":"y"}`:                   "twice",
		`{"a":"x","A":"y"}`:                   "twice",
		`{"a":"x","\u0061":"y"}`:              "twice",
		`{"deep":{"x":1,"y":{"z":1,"z":2}}}`:  "twice",
		`{"list":[{"q":1,"q":1}]}`:            "twice",
		`{"a":`:                               "not JSON",
		`{"a" "x"}`:                           "not JSON",
		`{"a":x}`:                             "not JSON",
		`{"a":'x'}`:                           "not JSON",
		`{a:1}`:                               "not JSON",
		`{"a":01}`:                            "not JSON",
		"{\"a\":\"\xff\"}":                    "UTF-8",
		`{"a":1}`:                             "a: of the wrong type, number",
		`{"a":["x"]}`:                         "a: of the wrong type, array",
		`{"in":{"b":true}}`:                   "in.b: of the wrong type, bool",
		`{"a":` + strings.Repeat("[", 40):     "nested",
		`{"a":` + strings.Repeat(`{"a":`, 40): "nested",
		strings.Repeat(`{"a":`, 12) + "1" + strings.Repeat("}", 12): "a: of the wrong type, object",
	} {
		var into struct {
			A  string `json:"a"`
			In inner  `json:"in"`
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		err := decode(r, &into)
		if want == "" {
			if err != nil {
				t.Errorf("%q: %v", body, err)
			}
			continue
		}
		if fault.CodeOf(err) != fault.RequestInvalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", body, err, want)
		}
	}
}

func TestDecodeWantsJSONBySaySo(t *testing.T) {
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", ";;"} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{}`))
		r.Header.Set("Content-Type", kind)
		var into struct{}
		if s, ok := errors.AsType[shown](decode(r, &into)); !ok || s.status != http.StatusUnsupportedMediaType {
			t.Errorf("%q: %v", kind, s)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `{"a":{"b":[1,"x",null,true]}}`, `{"a":1,"A":2}`, `{`, "\xff", `{"\u0061":1e9}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		var into struct{ A, B any }
		if err := decode(r, &into); err != nil && fault.CodeOf(err) != fault.RequestInvalid {
			t.Errorf("%q: %v", body, err)
		}
	})
}

func TestContacts(t *testing.T) {
	for in, want := range map[string]string{
		"a@example.com":          "a@example.com",
		"  a.b+c@ex-ample.com\n": "a.b+c@ex-ample.com",
		"a@localhost":            "a@localhost",
		"ü@exämple.com":          "ü@exämple.com",
		"+14155550100":           "+14155550100",
		"+1 (415) 555-01.00":     "+14155550100",
	} {
		if got, _, err := contactOf(in, ""); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "a", "@", "a@", "@b", "a@b@c", "A <a@b.c>", "a@b.c, d@e.f", "a b@c.d", "a@b.c\nBcc: d@e.f", `"a b"@c.d`, "<a@b.c>",
		strings.Repeat("a", 65) + "@b.c", "a@" + strings.Repeat("b", 254), "14155550100", "+0123456789", "+1", "+1234567890123456", "+1x345678", "++14155550100", "\x00"} {
		if got, kind, err := contactOf(in, ""); fault.CodeOf(err) != fault.ContactInvalid {
			t.Errorf("%q: %q %q, %v", in, got, kind, err)
		}
	}
	if _, _, err := contactOf("a@b.c", "OTP_TYPE_SMS"); fault.CodeOf(err) != fault.ContactInvalid {
		t.Error(err)
	}
	if _, _, err := contactOf("a@b.c", "OTP_TYPE_PIGEON"); fault.CodeOf(err) != fault.RequestInvalid {
		t.Error(err)
	}
}
