package contract_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/sandbox/contract"
)

const program = `{"address":"x","instructions":[
 {"name":"initialize","accounts":[],"args":[]},
 {"name":"swapAll","accounts":[{"name":"owner","isMut":true,"isSigner":true},{"name":"vault"}],"args":[
  {"name":"small","type":"u8"},{"name":"amount","type":"u64"},{"name":"least","type":"i64"},{"name":"wide","type":"u128"},{"name":"on","type":"bool"},
  {"name":"memo","type":"string"},{"name":"raw","type":"bytes"},{"name":"who","type":"pubkey"},{"name":"route","type":{"vec":{"defined":"Step"}}},
  {"name":"pair","type":{"array":["u16",2]}},{"name":"none","type":{"option":"u8"}},{"name":"some","type":{"option":"u8"}},{"name":"mode","type":{"defined":{"name":"Mode"}}},
  {"name":"other","type":{"defined":"Mode"}},{"name":"third","type":{"defined":"Mode"}},{"name":"rate","type":"f32"},{"name":"id","type":{"defined":"Id"}}]},
 {"name":"own","discriminator":[7],"accounts":[],"args":[{"name":"n","type":"i8"}]}],
"types":[{"name":"Step","type":{"kind":"struct","fields":[{"name":"pool","type":"publicKey"},{"name":"share","type":"u32"}]}},
 {"name":"Mode","type":{"kind":"enum","variants":[{"name":"Exact"},{"name":"Up","fields":[{"name":"by","type":"u8"}]},{"name":"Pair","fields":["u8",{"defined":"Id"}]}]}},
 {"name":"Id","type":{"kind":"type","alias":"u16"}}]}`

// swap is one call of swapAll. Its discriminator is the first eight bytes of SHA-256 of global:swap_all.
func swap(t testing.TB) []byte {
	t.Helper()
	raw, err := hex.DecodeString(strings.Join([]string{
		contract.DiscriminatorForTest("global:swap_all"), "05", "b8a24e3b00000000", "feffffffffffffff", "00000000000000000100000000000000", "01",
		"02000000" + "6869", "03000000" + "abcdef", strings.Repeat("00", 32), "02000000" + strings.Repeat("00", 32) + "64000000" + strings.Repeat("00", 32) + "0a000000",
		"0100" + "0002", "00", "0109", "00", "0105", "02070300", "0000803f", "ff00",
	}, ""))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestInstructionsAreRead(t *testing.T) {
	idl, err := contract.ParseIDL(program)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := idl.Read(swap(t), []string{"A", "ADDRESS_TABLE_LOOKUP", "C"})
	if !ok || got.InstructionName != "swapAll" || got.Discriminator != contract.DiscriminatorForTest("global:swap_all") || len(got.NamedAccounts) != 2 ||
		got.NamedAccounts["owner"] != "A" || got.NamedAccounts["vault"] != "ADDRESS_TABLE_LOOKUP" {
		t.Fatalf("%v %+v", ok, got)
	}
	const system = "11111111111111111111111111111111"
	for name, want := range map[string]string{
		"small": "5", "amount": "995009208", "least": "-2", "wide": "18446744073709551616", "on": "true", "memo": "hi", "raw": "abcdef", "who": system,
		"route": "[map[pool:" + system + " share:100] map[pool:" + system + " share:10]]", "pair": "[1 512]", "none": "<nil>", "some": "9",
		"mode": "map[Exact:<nil>]", "other": "map[Up:map[by:5]]", "third": "map[Pair:[7 3]]", "rate": "<nil>", "id": "255",
	} {
		if v := text(got.ProgramCallArgs[name]); v != want {
			t.Errorf("%s is %s, want %s", name, v, want)
		}
	}
	if _, wide := got.ProgramCallArgs["wide"].(string); !wide {
		t.Error("a number of 128 bits is no text")
	}
	if got, ok := idl.Read([]byte{7, 0x80}, nil); !ok || got.InstructionName != "own" || text(got.ProgramCallArgs["n"]) != "-128" {
		t.Errorf("by its own discriminator: %v %v", ok, got)
	}
}

func TestInstructionsThatDoNotFit(t *testing.T) {
	idl, err := contract.ParseIDL(program)
	if err != nil {
		t.Fatal(err)
	}
	whole, accounts := swap(t), []string{"A", "B"}
	for n := range whole {
		if got, ok := idl.Read(whole[:n], accounts); ok {
			t.Errorf("the first %d bytes are an instruction: %v", n, got)
		}
	}
	if _, ok := idl.Read(append(slices.Clone(whole), 0), accounts); ok {
		t.Error("a byte more is no matter")
	}
	if _, ok := idl.Read(whole, accounts[:1]); ok {
		t.Error("one account is enough for two")
	}
	large, err := contract.ParseIDL(`{"instructions":[{"name":"x","discriminator":[],"args":[{"name":"a","type":{"array":[{"array":[{"defined":"E"},10000]},10000]}}]}],
		"types":[{"name":"E","type":{"kind":"struct","fields":[]}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := large.Read(nil, nil); ok {
		t.Error("a hundred million nothings were read")
	}
}

func TestIDLsThatAreNone(t *testing.T) {
	for _, source := range []string{
		``, `[]`, `{}`, `{"instructions":[]}`, `{"types":[]}`, `{"instructions":{},"types":[]}`,
		`{"instructions":[{"name":""}],"types":[]}`, `{"instructions":[{"name":"a","discriminator":[256]}],"types":[]}`,
		`{"instructions":[{"name":"a","args":[{"name":"b","type":"u7"}]}],"types":[]}`, `{"instructions":[{"name":"a","args":[{"name":"b","type":{"defined":"X"}}]}],"types":[]}`,
		`{"instructions":[{"name":"a","args":[{"name":"b"}]}],"types":[]}`, `{"instructions":[{"name":"a","args":[{"name":"b","type":{"vec":"u8","option":"u8"}}]}],"types":[]}`,
		`{"instructions":[],"types":[{"name":"A","type":{"kind":"struct","fields":[{"name":"a","type":{"option":{"defined":"A"}}}]}}]}`,
		`{"instructions":[],"types":[{"name":"A","type":{"kind":"type","alias":{"defined":"B"}}},{"name":"B","type":{"kind":"type","alias":{"defined":"A"}}}]}`,
		`{"instructions":[],"types":[{"name":"A","type":{"kind":"struct"}},{"name":"A","type":{"kind":"struct"}}]}`,
		`{"instructions":[],"types":[{"name":"A","type":{"kind":"union"}}]}`,
		`{"instructions":[{"name":"a","args":[{"name":"b","type":` + strings.Repeat(`{"vec":`, 30) + `"u8"` + strings.Repeat(`}`, 30) + `}]}],"types":[]}`,
	} {
		if _, err := contract.ParseIDL(source); err == nil {
			t.Errorf("%.100s is an IDL", source)
		}
	}
}

// FuzzR15_SolanaInstruction reads any data by any IDL: nothing panics, and everything ends.
func FuzzR15_SolanaInstruction(f *testing.F) {
	f.Add(program, swap(f))
	f.Add(`{"instructions":[{"name":"x","discriminator":[],"args":[{"name":"a","type":{"vec":{"option":"u8"}}}]}],"types":[]}`, []byte{1, 0, 0, 0, 1, 2})
	f.Fuzz(func(t *testing.T, source string, data []byte) {
		idl, err := contract.ParseIDL(source)
		if err != nil {
			return
		}
		first, ok := idl.Read(data, []string{"A", "B"})
		again, ok2 := idl.Read(data, []string{"A", "B"})
		if ok != ok2 || ok && text(first.ProgramCallArgs) != text(again.ProgramCallArgs) {
			t.Fatalf("%s: %v, then %v", source, first, again)
		}
	})
}
