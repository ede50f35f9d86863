package stamp

import (
	"encoding/base64"
	"strings"
	"testing"

	"latchkey/internal/p256"
)

func TestMalformedStampsAreRefused(t *testing.T) {
	good := apiStamps[0]
	key, signature := good.json[14:80], strings.TrimSuffix(good.json[strings.LastIndex(good.json, ":")+2:], `"}`)
	object := func(publicKey, scheme, signature string) string {
		return `{"publicKey":"` + publicKey + `","scheme":"` + scheme + `","signature":"` + signature + `"}`
	}
	if object(key, SchemeP256, signature) != good.json {
		t.Fatal("the test takes its stamp apart wrongly")
	}
	swap := func(old, new string) string {
		if !strings.Contains(good.json, old) {
			t.Fatalf("%q is not in the stamp", old)
		}
		return strings.Replace(good.json, old, new, 1)
	}
	for name, text := range map[string]string{
		"empty":                     ``,
		"null":                      `null`,
		"a list":                    `[` + good.json + `]`,
		"a string":                  `"` + key + `"`,
		"an empty object":           `{}`,
		"data after it":             good.json + `{}`,
		"a second stamp after it":   good.json + good.json,
		"not closed":                strings.TrimSuffix(good.json, `}`),
		"a comma too many":          swap(`"}`, `",}`),
		"a comma too few":           swap(`","scheme`, `" "scheme`),
		"no colon":                  swap(`"scheme":`, `"scheme" `),
		"no key":                    swap(`"publicKey":"`+key+`",`, ``),
		"no scheme":                 swap(`"scheme":"`+SchemeP256+`",`, ``),
		"no signature":              swap(`,"signature":"`+signature+`"`, ``),
		"the key twice":             swap(`{`, `{"publicKey":"`+key+`",`),
		"another key twice":         swap(`{`, `{"publicKey":"03983818e66c3b431053083bc555b242979d9ac80634b1bb7ad94a5700e86ee77c",`),
		"key twice, no scheme":      `{"publicKey":"` + key + `","publicKey":"` + key + `","signature":"` + signature + `"}`,
		"an empty key first":        swap(`{`, `{"publicKey":"",`),
		"one field more":            swap(`{`, `{"kid":"1",`),
		"one field more at the end": swap(`"}`, `","kid":"1"}`),
		"a name in capitals":        swap(`publicKey`, `PublicKey`),
		"a name with an escape":     swap(`publicKey`, `\u0070ublicKey`),
		"a value with an escape":    swap(SchemeP256, strings.Replace(SchemeP256, "S", `\u0053`, 1)),
		"a key that is null":        swap(`"`+key+`"`, `null`),
		"a key that is a number":    swap(`"`+key+`"`, `3`),
		"a signature in a list":     swap(`"`+signature+`"`, `["`+signature+`"]`),
		"a control character":       swap(key, key[:65]+"\x01"),
		"an unknown scheme":         object(key, "SIGNATURE_SCHEME_TK_API_P384", signature),
		"a scheme in small letters": object(key, strings.ToLower(SchemeP256), signature),
		"a scheme with a space":     object(key, SchemeP256+" ", signature),
		"a short key":               object(key[:64], SchemeP256, signature),
		"a long key":                object(key+"00", SchemeP256, signature),
		"an uncompressed key":       object("04"+strings.Repeat(key[2:], 2), SchemeP256, signature),
		"a key with 0x":             object("0x"+key[:64], SchemeP256, signature),
		"a key that is not hex":     object(key[:65]+"g", SchemeP256, signature),
		"a short signature":         object(key, SchemeP256, signature[:14]),
		"a long signature":          object(key, SchemeP256, signature+"00"),
		"half a byte":               object(key, SchemeP256, signature[:len(signature)-1]),
		"a signature in base64":     object(key, SchemeP256, base64.StdEncoding.EncodeToString([]byte(signature))),
		"over the limit":            swap(`{`, `{`+strings.Repeat(" ", 800)),
	} {
		if s, err := ParseAPI(encodeHeader(text)); !isMalformed(err) || s != (APIStamp{}) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	last := good.header[len(good.header)-1:]
	for name, header := range map[string]string{
		"empty":              "",
		"plain JSON":         good.json,
		"padded":             base64.URLEncoding.EncodeToString([]byte(good.json + "  ")),
		"not url":            strings.Replace(good.header, "I", "/", 1),
		"a space before":     " " + good.header,
		"a line break in it": good.header[:40] + "\n" + good.header[40:],
		"a return after it":  good.header + "\r",
		"a stray bit":        good.header[:len(good.header)-1] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[strings.Index("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", last)+1]),
		"one character":      "e",
		"a megabyte":         strings.Repeat("A", 1<<20),
	} {
		if s, err := ParseAPI(header); !isMalformed(err) || s != (APIStamp{}) {
			t.Errorf("header %s: %+v, %v", name, s, err)
		}
	}
}

// The reader's own promise, which no stamp of three fields can show: a name that stands twice does not stand for
// another.
func TestAFieldTwiceDoesNotReplaceAnother(t *testing.T) {
	var a, b string
	r := reader{[]byte(`{"a":"1","a":"2"}`)}
	if err := r.object(map[string]*string{"a": &a, "b": &b}); err == nil {
		t.Errorf("read a = %q, b = %q", a, b)
	}
}

// Clients in other languages order and space the JSON their own way, and may write hex in capitals.
func TestEverySpellingOfAStampIsRead(t *testing.T) {
	v := apiStamps[2]
	want, err := ParseAPI(v.header)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"the Go SDK's order": `{"publicKey":"` + want.PublicKey + `","signature":"` + want.Signature + `","scheme":"` + want.Scheme + `"}`,
		"white space":        "\n{ \"scheme\" :\t\"" + want.Scheme + "\",\r\n  \"publicKey\" : \"" + want.PublicKey + `" ,"signature":"` + want.Signature + `" } `,
		"capitals":           `{"publicKey":"` + strings.ToUpper(want.PublicKey) + `","scheme":"` + want.Scheme + `","signature":"` + strings.ToUpper(want.Signature) + `"}`,
	} {
		got, err := ParseAPI(encodeHeader(text))
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// Of the right form, yet no key or no signature: found out by Verify, and without a panic.
func TestBadKeysAndSignaturesAreInvalid(t *testing.T) {
	v := apiStamps[0]
	good, err := ParseAPI(v.header)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := p256.ParsePublic(good.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]string{
		"off the curve":   "02" + strings.Repeat("0", 63) + "1",
		"over the field":  "02" + strings.Repeat("f", 64),
		"no such prefix":  "05" + good.PublicKey[2:],
		"the other point": "02" + good.PublicKey[2:],
		"infinity":        strings.Repeat("0", 66),
	} {
		s := good
		s.PublicKey = key
		read, err := ParseAPI(encodeHeader(`{"publicKey":"` + s.PublicKey + `","scheme":"` + s.Scheme + `","signature":"` + s.Signature + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := read.Verify([]byte(v.body)); !isInvalid(err) {
			t.Errorf("key %s: %v", name, err)
		}
	}
	for name, signature := range map[string]string{
		"nothing":             "",
		"not hex":             "zz" + good.Signature[2:],
		"both zero":           "3006020100020100",
		"r zero":              "30250201000220" + strings.Repeat("11", 32),
		"both one":            "3006020101020101",
		"a byte after it":     good.Signature + "00",
		"negative":            "3006020181020181",
		"long form of length": "308146" + good.Signature[4:],
		"r||s":                v.raw,
	} {
		s := good
		s.Signature = signature
		if err := s.Verify([]byte(v.body)); !isInvalid(err) {
			t.Errorf("signature %s: %v", name, err)
		}
		if err := s.VerifyWith(pub, []byte(v.body)); !isInvalid(err) {
			t.Errorf("signature %s, key known: %v", name, err)
		}
	}
}
