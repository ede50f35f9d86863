package chain

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"latchkey/internal/fault"
)

// Source: the hash of nothing, as Ethereum's empty code hash; and EIP-55's own examples.
func TestKeccakAndChecksum(t *testing.T) {
	if got := hex.EncodeToString(Keccak256()); got != "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470" {
		t.Errorf("Keccak256() = %s", got)
	}
	if !bytes.Equal(Keccak256([]byte("ab"), []byte("c")), Keccak256([]byte("abc"))) {
		t.Error("parts are not hashed as one text")
	}
	for _, want := range []string{
		"0x52908400098527886E0F7030069857D2E4169EE7", "0xde709f2102306220921060314715629080e2fb77",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
		"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
	} {
		address, err := ParseEthereumAddress(strings.ToLower(want))
		if got := Checksum(address); err != nil || got != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}

// The key is that of m/44'/60'/0'/0/0 of the phrase "abandon … about".
func TestEthereumAddressOfBothSpellings(t *testing.T) {
	const want = "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"
	short, _ := hex.DecodeString("0237b0bb7a8288d38ed49a524b5dc98cff3eb5ca824c9f9dc0dfdb3d9cd600f299")
	long, _ := hex.DecodeString("0437b0bb7a8288d38ed49a524b5dc98cff3eb5ca824c9f9dc0dfdb3d9cd600f299a6179912b7451c09896c4098eca7ce6b2e58330672795e847c4d6af44e024230")
	for _, pub := range [][]byte{short, long} {
		if got, err := EthereumAddress(pub); err != nil || got != want {
			t.Errorf("EthereumAddress(%x) = %s, %v", pub, got, err)
		}
	}
}

func TestBadKeysAndAddressesAreInvalid(t *testing.T) {
	for _, pub := range [][]byte{nil, {2}, make([]byte, 33), bytes.Repeat([]byte{4}, 65), bytes.Repeat([]byte{255}, 33)} {
		if _, err := EthereumAddress(pub); fault.KindOf(err) != fault.Invalid {
			t.Errorf("EthereumAddress(%x) = %v", pub, err)
		}
	}
	for _, size := range []int{0, 31, 33} {
		if _, err := SolanaAddress(make([]byte, size)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("SolanaAddress of %d bytes: %v", size, err)
		}
	}
	for _, text := range []string{"", "0x", "52908400098527886E0F7030069857D2E4169EE7", "0X52908400098527886E0F7030069857D2E4169EE7",
		"0x52908400098527886E0F7030069857D2E4169EE", "0x52908400098527886E0F7030069857D2E4169EE7 ", "0xg2908400098527886E0F7030069857D2E4169EE7"} {
		if _, err := ParseEthereumAddress(text); fault.KindOf(err) != fault.Invalid {
			t.Errorf("ParseEthereumAddress(%q) = %v", text, err)
		}
	}
	if got, err := SolanaAddress(make([]byte, 32)); err != nil || got != "11111111111111111111111111111111" {
		t.Errorf("the system program is %s, %v", got, err)
	}
}

const etherMail = `{"types":{"Person":[{"name":"name","type":"string"},{"name":"wallet","type":"address"}],"Mail":[{"name":"from","type":"Person"},{"name":"to","type":"Person"},{"name":"contents","type":"string"}],"EIP712Domain":[{"name":"name","type":"string"},{"name":"version","type":"string"},{"name":"chainId","type":"uint256"},{"name":"verifyingContract","type":"address"}]},"domain":{"name":"Ether Mail","version":"1","chainId":"0x1","verifyingContract":"0xcccccccccccccccccccccccccccccccccccccccc"},"primaryType":"Mail","message":{"from":{"name":"Cow","wallet":"0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826"},"to":{"name":"Bob","wallet":"0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},"contents":"Hello, Bob!"}}`

// Source: EIP-712, Example.js, and the protocol dossier, section 15.7.
const etherMailDigest = "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"

func digestOf(text string) (string, error) {
	typed, err := ParseTypedData([]byte(text))
	if err != nil {
		return "", err
	}
	digest, err := typed.Digest()
	return hex.EncodeToString(digest), err
}

func TestEtherMail(t *testing.T) {
	typed, err := ParseTypedData([]byte(etherMail))
	if err != nil {
		t.Fatal(err)
	}
	if got := typed.EncodeType("Mail"); got != "Mail(Person from,Person to,string contents)Person(string name,address wallet)" {
		t.Errorf("EncodeType = %s", got)
	}
	if got, err := digestOf(etherMail); err != nil || got != etherMailDigest {
		t.Errorf("digest %s, %v", got, err)
	}
}

func TestOneMessageHasManySpellings(t *testing.T) {
	domainTypes := etherMail[strings.Index(etherMail, `,"EIP712Domain":`):strings.Index(etherMail, `},"domain"`)]
	for name, text := range map[string]string{
		"chain id as a number":          strings.Replace(etherMail, `"0x1"`, `1`, 1),
		"chain id as decimal text":      strings.Replace(etherMail, `"0x1"`, `"1"`, 1),
		"chain id with leading zeros":   strings.Replace(etherMail, `"0x1"`, `"0x0001"`, 1),
		"an address in mixed case":      strings.Replace(etherMail, "0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826", "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826", 1),
		"the domain's type left out":    strings.Replace(etherMail, domainTypes, "", 1),
		"absent domain members as null": strings.Replace(strings.Replace(etherMail, domainTypes, "", 1), `"chainId"`, `"salt":null,"chainId"`, 1),
		"white space":                   strings.ReplaceAll(etherMail, ",", " ,\n\t"),
	} {
		if name == "white space" {
			text = strings.Replace(text, "Hello ,\n\t Bob!", "Hello, Bob!", 1)
		}
		if got, err := digestOf(text); err != nil || got != etherMailDigest {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

// The digests were made by ethers 6 from random types and values: nested and doubly nested arrays, every kind of
// atomic type, integers in all three spellings, domains with any of the five members, with and without their type.
func TestRandomTypedDataAgreesWithEthers(t *testing.T) {
	raw, err := os.ReadFile("testdata/typed-data.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Digest    string
		TypedData json.RawMessage
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for i, c := range cases {
		if got, err := digestOf(string(c.TypedData)); err != nil || got != c.Digest {
			t.Errorf("case %d: %s, %v; want %s\n%s", i, got, err, c.Digest, c.TypedData)
		}
	}
}

func TestRecursiveTypesEndWithTheMessage(t *testing.T) {
	const tree = `{"types":{"Node":[{"name":"id","type":"uint8"},{"name":"children","type":"Node[]"}]},"domain":{},"primaryType":"Node","message":%s}`
	if _, err := digestOf(fmt.Sprintf(tree, `{"id":1,"children":[{"id":2,"children":[]}]}`)); err != nil {
		t.Error(err)
	}
	deep := strings.Repeat(`{"id":1,"children":[`, 50_000) + strings.Repeat(`]}`, 50_000)
	if _, err := digestOf(fmt.Sprintf(tree, deep)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("too deep: %v", err)
	}
}

func TestAMessageMaySignItsDomainAlone(t *testing.T) {
	const text = `{"types":{"EIP712Domain":[{"name":"name","type":"string"}]},"domain":{"name":"x"},"primaryType":"EIP712Domain"%s}`
	first, err := digestOf(fmt.Sprintf(text, ""))
	if err != nil {
		t.Fatal(err)
	}
	if second, err := digestOf(fmt.Sprintf(text, `,"message":{}`)); err != nil || first != second {
		t.Errorf("%s, %v", second, err)
	}
	if _, err := digestOf(fmt.Sprintf(text, `,"message":{"name":"y"}`)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("with a message: %v", err)
	}
}

func TestWrongTypedDataIsInvalid(t *testing.T) {
	one := func(kind, value string) string {
		return fmt.Sprintf(`{"types":{"T":[{"name":"v","type":%q}]},"domain":{},"primaryType":"T","message":{"v":%s}}`, kind, value)
	}
	big256 := new(big.Int).Lsh(big.NewInt(1), 256).String()
	cases := map[string]string{
		"nothing": "", "not JSON": "{", "a list": "[]", "null": "null", "trailing text": etherMail + "{}", "no message": `{"types":{},"domain":{},"primaryType":"T"}`,
		"a doubled name":           strings.Replace(etherMail, `"contents":"Hello`, `"contents":"Bye","contents":"Hello`, 1),
		"an unknown member":        strings.Replace(etherMail, `"primaryType"`, `"more":1,"primaryType"`, 1),
		"unsigned content":         strings.Replace(etherMail, `"contents":"Hello`, `"more":1,"contents":"Hello`, 1),
		"unsigned in domain":       strings.Replace(etherMail, `"domain":{`, `"domain":{"salt":"0x00",`, 1),
		"a missing field":          strings.Replace(etherMail, `,"contents":"Hello, Bob!"`, ``, 1),
		"a null":                   strings.Replace(etherMail, `"Hello, Bob!"`, `null`, 1),
		"an unknown type":          one("Person", "{}"),
		"an unknown primary":       strings.Replace(etherMail, `"primaryType":"Mail"`, `"primaryType":"Post"`, 1),
		"a struct as text":         strings.Replace(etherMail, `{"name":"Bob","wallet":"0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}`, `"Bob"`, 1),
		"a type named uint256":     strings.ReplaceAll(etherMail, `"Person"`, `"uint256"`),
		"a type named string":      strings.ReplaceAll(etherMail, `"Person"`, `"string"`),
		"a bracket in a type":      strings.ReplaceAll(etherMail, `"Person"`, `"Per(son"`),
		"a comma in a name":        strings.ReplaceAll(etherMail, `"wallet"`, `"a,uint8 b"`),
		"a doubled field":          strings.Replace(etherMail, `{"name":"wallet"`, `{"name":"name","type":"string"},{"name":"wallet"`, 1),
		"an unknown domain member": `{"types":{"T":[]},"domain":{"more":1},"primaryType":"T","message":{}}`,
		"broken UTF-8":             strings.Replace(etherMail, "Cow", "C\xffw", 1),
		"too large":                strings.Replace(etherMail, "Cow", strings.Repeat("Cow", 1<<17), 1),
	}
	for _, c := range []struct{ kind, value string }{
		{"uint8", "256"}, {"uint8", "-1"}, {"uint8", `"-0x1"`}, {"int8", "128"}, {"int8", "-129"}, {"uint256", big256}, {"uint256", `"0x1` + strings.Repeat("0", 64) + `"`},
		{"uint8", "1.0"}, {"uint8", "1e1"}, {"uint8", `""`}, {"uint8", `"0x"`}, {"uint8", `"-"`}, {"uint8", `" 1"`}, {"uint8", `"1_0"`}, {"uint8", `"0b1"`}, {"uint8", `"+1"`}, {"uint8", "true"}, {"uint8", "[1]"},
		{"uint256", `"` + strings.Repeat("1", 200_000) + `"`},
		{"uint", "1"}, {"int", "1"}, {"uint7", "1"}, {"uint264", "1"}, {"uint08", "1"}, {"uint0", "0"}, {"fixed128x18", "1"}, {"function", `"0x"`}, {"byte", `"0x00"`},
		{"bytes0", `"0x"`}, {"bytes33", `"0x"`}, {"bytes2", `"0x01"`}, {"bytes2", `"0x010203"`}, {"bytes", `"01"`}, {"bytes", `"0x1"`}, {"bytes", "1"}, {"bytes", `"0xzz"`},
		{"bool", `"true"`}, {"bool", "1"}, {"string", "1"}, {"address", `"0x00"`}, {"address", "0"},
		{"uint8[]", "1"}, {"uint8[2]", "[1]"}, {"uint8[-1]", "[]"}, {"uint8[01]", "[1]"}, {"uint8[99999]", "[]"}, {"uint8]", "[]"}, {"[]", "[]"}, {"uint8[][", "[]"}, {"uint8[ ]", "[]"},
		{"uint8" + strings.Repeat("[]", 100), "[]"}, {" uint8", "1"}, {"", "1"},
	} {
		cases[c.kind+" "+clip(c.value)] = one(c.kind, c.value)
	}
	for name, text := range cases {
		_, err := digestOf(text)
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		} else if len(err.Error()) > 300 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
}

func TestTypesAreLimitedInNumber(t *testing.T) {
	var many []string
	for i := range maxTypes + 1 {
		many = append(many, fmt.Sprintf(`"T%d":[]`, i))
	}
	text := `{"types":{%s},"domain":{},"primaryType":"T0","message":{}}`
	if _, err := digestOf(fmt.Sprintf(text, strings.Join(many, ","))); fault.KindOf(err) != fault.Invalid {
		t.Errorf("%d types: %v", len(many), err)
	}
	if _, err := digestOf(fmt.Sprintf(text, strings.Join(many[:maxTypes], ","))); err != nil {
		t.Errorf("%d types: %v", maxTypes, err)
	}
}

// The first is the dossier's, section 15.7; the long chain id is the only case in which the list needs a long head.
func TestAuthorizationDigest(t *testing.T) {
	const want = "28fcf8e0a0cbbf965bb8ddef0c7a36b24844a3a02cf2a1c9b60f8cafca668059"
	for _, text := range []string{
		`{"address":"0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265","chainId":1,"nonce":7}`,
		`{"nonce":"0x7","chainId":"1","address":"0x78839f6054d7ed13918bae0473ba31b1ca9d7265"}`,
	} {
		a, err := ParseAuthorization([]byte(text))
		if got := hex.EncodeToString(a.Digest()); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	long := Authorization{ChainID: new(big.Int).Lsh(big.NewInt(1), 255), Nonce: 1 << 63}
	list, _ := hex.DecodeString("05f83fa08000000000000000000000000000000000000000000000000000000000000000940000000000000000000000000000000000000000888000000000000000")
	if !bytes.Equal(long.Digest(), Keccak256(list)) {
		t.Errorf("long chain id: %x", long.Digest())
	}
}

func TestWrongAuthorizationsAreInvalid(t *testing.T) {
	const address = `"address":"0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265"`
	for _, text := range []string{
		"", "null", "[]", "{}", `{` + address + `,"chainId":1}`, `{` + address + `,"chainId":1,"nonce":7,"v":1}`,
		`{"address":"0x00","chainId":1,"nonce":7}`, `{"address":null,"chainId":1,"nonce":7}`,
		`{` + address + `,"chainId":-1,"nonce":7}`, `{` + address + `,"chainId":1,"nonce":-7}`, `{` + address + `,"chainId":1.5,"nonce":7}`,
		`{` + address + `,"chainId":1,"nonce":18446744073709551615}`, `{` + address + `,"chainId":1,"nonce":18446744073709551616}`,
		`{` + address + `,"chainId":1,"nonce":7,"nonce":8}`, `{` + address + `,"chainId":"0x1` + strings.Repeat("0", 64) + `","nonce":7}`,
	} {
		if _, err := ParseAuthorization([]byte(text)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzTypedData holds that no input panics, that failures have a kind, and that a digest does not depend on the order
// of members or on white space.
func FuzzTypedData(f *testing.F) {
	f.Add([]byte(etherMail))
	f.Add([]byte(`{"types":{"Node":[{"name":"id","type":"int8"},{"name":"c","type":"Node[2][]"}]},"domain":{"chainId":1},"primaryType":"Node","message":{"id":"-0x1","c":[]}}`))
	f.Add([]byte(`{"types":{"A:b":[{"name":"x","type":"bytes32[][2]"}]},"domain":{},"primaryType":"A:b","message":{"x":[[],[]]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		first, err := digestOf(string(raw))
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("%v", err)
			}
			return
		}
		var v any
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(v) // sorts members
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > maxJSON { // escapes made it longer
			return
		}
		if second, err := digestOf(string(again)); err != nil || first != second {
			t.Errorf("%s, %v; in another order %s", first, err, second)
		}
	})
}
