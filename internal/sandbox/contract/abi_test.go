package contract_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"latchkey/internal/sandbox/contract"
	"latchkey/internal/sandbox/policy"
)

// text spells values the same whatever they are.
func text(v policy.Value) string {
	switch v := v.(type) {
	case []policy.Value:
		var parts []string
		for _, e := range v {
			parts = append(parts, text(e))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case map[string]policy.Value:
		parts := map[string]string{}
		for k, e := range v {
			parts[k] = text(e)
		}
		return fmt.Sprint(parts)
	case policy.Uint:
		return v.Int.String()
	case *big.Int:
		return v.String()
	}
	return fmt.Sprint(v)
}

// abi is an ABI of one function whose arguments are named a, b, c and so on.
func abi(t testing.TB, name string, inputs ...string) *contract.ABI {
	t.Helper()
	type parameter struct {
		Name       string      `json:"name"`
		Type       string      `json:"type"`
		Components []parameter `json:"components,omitempty"`
	}
	var list []parameter
	for i, in := range inputs {
		typ, components, _ := strings.Cut(in, ":")
		p := parameter{Name: string(rune('a' + i)), Type: typ}
		for c := range strings.FieldsFuncSeq(components, func(r rune) bool { return r == ',' }) {
			p.Components = append(p.Components, parameter{Name: "x", Type: c})
		}
		list = append(list, p)
	}
	raw, err := json.Marshal([]any{map[string]any{"type": "event", "name": name}, map[string]any{"type": "function", "name": name, "inputs": list}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := contract.ParseABI(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func word(n int64) string { return fmt.Sprintf("%064x", n) }

func right(ascii string) string {
	raw := hex.EncodeToString([]byte(ascii))
	return raw + strings.Repeat("0", 64-len(raw))
}

// calls are the examples of the specification of the ABI (docs.soliditylang.org, abi-spec, examples), and a batch.
var calls = []struct {
	name   string
	inputs []string
	data   string
	want   string
}{
	{"baz", []string{"uint32", "bool"}, "cdcd77c0" + word(69) + word(1), "map[a:69 b:true]"},
	{"bar", []string{"bytes3[2]"}, "fce353f6" + right("abc") + right("def"), "map[a:[0x616263 0x646566]]"},
	{"sam", []string{"bytes", "bool", "uint[]"}, "a5643bf2" + word(0x60) + word(1) + word(0xa0) + word(4) + right("dave") + word(3) + word(1) + word(2) + word(3),
		"map[a:0x64617665 b:true c:[1 2 3]]"},
	{"f", []string{"uint256", "uint32[]", "bytes10", "bytes"}, "8be65246" + word(0x123) + word(0x80) + right("1234567890") + word(0xe0) + word(2) + word(0x456) + word(0x789) +
		word(13) + right("Hello, world!"), "map[a:291 b:[1110 1929] c:0x31323334353637383930 d:0x48656c6c6f2c20776f726c6421]"},
	{"g", []string{"uint256[][]", "string[]"}, "2289b18c" + word(0x40) + word(0x140) + word(2) + word(0x40) + word(0xa0) + word(2) + word(1) + word(2) + word(1) + word(3) +
		word(3) + word(0x60) + word(0xa0) + word(0xe0) + word(3) + right("one") + word(3) + right("two") + word(5) + right("three"), "map[a:[[1 2] [3]] b:[one two three]]"},
	{"transfer", []string{"address", "uint256"}, "a9059cbb" + "00000000000000000000000078839f6054d7ed13918bae0473ba31b1ca9d7265" + strings.Repeat("f", 64),
		"map[a:0x78839f6054d7ed13918bae0473ba31b1ca9d7265 b:115792089237316195423570985008687907853269984665640564039457584007913129639935]"},
	{"executeBatch", []string{"tuple[]:address,uint256,bytes"}, "34fcd5be" + word(0x20) + word(1) + word(0x20) + "00000000000000000000000078839f6054d7ed13918bae0473ba31b1ca9d7265" + word(7) +
		word(0x60) + word(2) + "abcd" + strings.Repeat("0", 60), "map[a:[[0x78839f6054d7ed13918bae0473ba31b1ca9d7265 7 0xabcd]]]"},
	{"x", []string{"int8", "int256"}, contract.SelectorForTest("x(int8,int256)") + strings.Repeat("f", 64) + "8" + strings.Repeat("0", 63),
		"map[a:-1 b:-57896044618658097711785492504343953926634992332820282019728792003956564819968]"},
}

func TestCallsAreRead(t *testing.T) {
	for _, c := range calls {
		data, err := hex.DecodeString(c.data)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := abi(t, c.name, c.inputs...).Read(data)
		if !ok || got.Name != c.name || text(got.Args) != c.want || hex.EncodeToString(got.Selector) != c.data[:8] {
			t.Errorf("%s: %v %s, want %s", c.name, ok, text(got.Args), c.want)
		}
	}
}

// What does not fit is not read at all.
func TestCallsThatDoNotFit(t *testing.T) {
	for _, c := range calls {
		data, _ := hex.DecodeString(c.data)
		a := abi(t, c.name, c.inputs...)
		for n := range len(data) {
			if got, ok := a.Read(data[:n]); ok {
				t.Errorf("%s: the first %d bytes are a call: %v", c.name, n, got)
			}
		}
	}
	for what, c := range map[string]struct{ input, words string }{
		"a bool of two":                  {"bool", word(2)},
		"an address of 32 bytes":         {"address", strings.Repeat("1", 64)},
		"more bits than the type":        {"uint8", word(256)},
		"a number below the type":        {"int8", strings.Repeat("f", 61) + "000"},
		"more bytes than the type":       {"bytes3", right("abcd")},
		"an offset beyond the end":       {"bytes", word(1 << 40)},
		"an offset of 256 bits":          {"bytes", strings.Repeat("f", 64)},
		"a length beyond the end":        {"uint8[]", word(32) + word(5)},
		"a text that is none":            {"string", word(32) + word(1) + "ff" + strings.Repeat("0", 62)},
		"padding that is none":           {"bytes", word(32) + word(1) + "ffff" + strings.Repeat("0", 60)},
		"a list of very many nothings":   {"tuple[]:", word(32) + word(1000000)},
		"lists that all are the same":    {"uint8[][][][][][][][][][][][][][][]", word(32) + strings.Repeat(word(2)+word(0x40)+word(0x40), 12)},
		"arrays of arrays, all the same": {"string[1000][1000]", word(32) + strings.Repeat(word(0), 3000)},
	} {
		a := abi(t, "n", c.input)
		sig := strings.NewReplacer("tuple", "()", ":", "").Replace(c.input)
		data, err := hex.DecodeString(contract.SelectorForTest("n("+sig+")") + c.words)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := a.Read(data); ok {
			t.Errorf("%s: %s", what, text(got.Args))
		}
	}
}

func TestInterfacesThatAreNone(t *testing.T) {
	for _, source := range []string{
		``, `{}`, `[1]`, `null x`, `[{"type":"function","name":"f","inputs":[{"name":"a","type":"uint7"}]}]`,
		`[{"type":"function","name":"f","inputs":[{"name":"a","type":"uint08"}]}]`, `[{"type":"function","name":"f","inputs":[{"name":"a","type":"bytes33"}]}]`,
		`[{"type":"function","name":"f","inputs":[{"name":"a","type":"uint8[0]"}]}]`, `[{"type":"function","name":"f","inputs":[{"name":"a","type":"uint8[-1]"}]}]`,
		`[{"type":"function","name":"f","inputs":[{"name":"a","type":"uint8[+1]"}]}]`, `[{"type":"function","name":"f","inputs":[{"name":"a","type":"[]"}]}]`,
		`[{"type":"function","name":"f","inputs":[{"name":"a","type":"uint8` + strings.Repeat("[]", 20) + `"}]}]`,
		`[{"type":"function","name":"f","inputs":[{"name":"a","type":"uint8` + strings.Repeat("[10000]", 4) + `"}]}]`,
		`[` + strings.Repeat(" ", 400<<10) + `]`,
	} {
		if _, err := contract.ParseABI(source); err == nil {
			t.Errorf("%.80s is an ABI", source)
		}
	}
	if _, err := contract.ParseABI(`[{"type":"fallback"},{"type":"constructor","inputs":[{"type":"nonsense"}]}]`); err != nil {
		t.Errorf("what is no function matters: %v", err)
	}
}

// FuzzR15_ContractCall reads any data by any ABI: nothing panics, and everything ends.
func FuzzR15_ContractCall(f *testing.F) {
	for _, c := range calls {
		data, _ := hex.DecodeString(c.data)
		f.Add(`[{"name":"`+c.name+`","inputs":[{"name":"a","type":"`+strings.Split(c.inputs[0], ":")[0]+`"}]}]`, data)
	}
	f.Fuzz(func(t *testing.T, source string, data []byte) {
		a, err := contract.ParseABI(source)
		if err != nil {
			return
		}
		first, ok := a.Read(data)
		again, ok2 := a.Read(data)
		if ok != ok2 || text(first.Args) != text(again.Args) {
			t.Fatalf("%s: %v, then %v", source, first, again)
		}
	})
}
