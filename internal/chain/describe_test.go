package chain

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/mr-tron/base58"
)

// inWords puts a description into one text.
func inWords(d Description) string {
	var b strings.Builder
	b.WriteString(d.Title + "\n")
	for _, l := range d.Lines {
		b.WriteString(l.Label + ": " + l.Text + "\n")
	}
	return b.String()
}

// saying fails unless every wanted text is there.
func saying(t *testing.T, d Description, want ...string) {
	t.Helper()
	text := inWords(d)
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in\n%s", w, text)
		}
	}
}

func describedEthereum(t *testing.T, raw []byte) Description {
	t.Helper()
	tx, err := ParseEthereumTransaction(raw)
	if err != nil {
		t.Fatal(err)
	}
	return tx.Describe()
}

// unsigned1559 writes a transaction of type 2 on a chain.
func unsigned1559(chainID, nonce, gas uint64, price, value *big.Int, to, data []byte) []byte {
	number := func(n uint64) []byte { return new(big.Int).SetUint64(n).Bytes() }
	var items []byte
	for _, item := range [][]byte{number(chainID), number(nonce), number(1), price.Bytes(), number(gas), to, value.Bytes(), data} {
		items = appendRLP(items, item)
	}
	return appendRLPList([]byte{2}, appendRLPList(items, nil))
}

var somebody = []byte{0x78, 0x83, 0x9f, 0x60, 0x54, 0xd7, 0xed, 0x13, 0x91, 0x8b, 0xae, 0x04, 0x73, 0xba, 0x31, 0xb1, 0xca, 0x9d, 0x72, 0x65}

const somebodysAddress = "0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265"

// Source of the bytes: the protocol dossier, section 15.2.
func TestEthereumTransactionsInWords(t *testing.T) {
	saying(t, describedEthereum(t, unhex(t, ethereumVectors()["legacy"][0])),
		"Send 0.001 ETH\n", "to: "+somebodysAddress, "value: 0.001 ETH", "network: Ethereum (chain id 1)", "fee: at most 0.00042 ETH\n", "nonce: 0")
	saying(t, describedEthereum(t, unhex(t, ethereumVectors()["type 1"][0])), "Send 0.000000000000000001 test ETH", "network: Sepolia (chain id 11155111)", "nonce: 1")
	saying(t, describedEthereum(t, unhex(t, "02f87083aa36a709843b9aca008506fc23ac0082ea609478839f6054d7ed13918bae0473ba31b1ca9d726580b844a9059cbb00000000000000000000000078839f6054d7ed13918bae0473ba31b1ca9d72650000000000000000000000000000000000000000000000000000000000000001c0")),
		"Send tokens\n", "token: contract "+somebodysAddress, "recipient: "+somebodysAddress, "amount: 1 smallest units", "nonce: 9", "fee: at most 0.0018 test ETH")

	// Beyond 64 bits, and on a chain without a name, no digit is lost.
	value, _ := new(big.Int).SetString("123456789012345678901234567890123456789", 10)
	saying(t, describedEthereum(t, unsigned1559(987654321, 3, 21000, big.NewInt(7), value, somebody, nil)),
		"Send 123456789012345678901.234567890123456789 of the network's coin", "unknown network (chain id 987654321)", "fee: at most 0.000000000000147 of the network's coin for gas; whether")
	saying(t, describedEthereum(t, unsigned1559(8453, 0, 900000, big.NewInt(1), new(big.Int), nil, make([]byte, 50))),
		"Create a contract", "code: 50 bytes", "Base (chain id 8453)", "fee: at most 0.0000000000009 ETH for gas, and what the network takes for its data")
	saying(t, describedEthereum(t, unsigned1559(1, 0, 900000, big.NewInt(1), big.NewInt(1e18), somebody, unhex(t, "deadbeef00ff"))),
		"Call a contract", "warning: what the call does cannot be told", "value: 1 ETH", "function 0xdeadbeef, 6 bytes: 0xdeadbeef00ff")
}

func TestTokenCallsInWords(t *testing.T) {
	word := func(b []byte) string { return fmt.Sprintf("%064x", b) }
	one, most := []byte{1}, mostUint256.Bytes()
	for _, c := range []struct {
		data string
		want []string
	}{
		{"095ea7b3" + word(somebody) + word(most), []string{"Let somebody take tokens", "warning: UNLIMITED", "spender: " + somebodysAddress, "up to: UNLIMITED"}},
		{"095ea7b3" + word(somebody) + word(mostUint160.Bytes()), []string{"warning: UNLIMITED", "up to: UNLIMITED"}},
		{"095ea7b3" + word(somebody) + word(boundless.Bytes()), []string{"warning: UNLIMITED", "39614081257132168796771975168 (as good as UNLIMITED)"}},
		{"095ea7b3" + word(somebody) + word(one), []string{"Let somebody take tokens", "up to: 1 smallest units"}},
		{"095ea7b3" + word(somebody) + word(nil), []string{"Take back the right"}},
		{"39509351" + word(somebody) + word(most), []string{"Let somebody take more tokens", "warning: UNLIMITED", "more by: UNLIMITED"}},
		{"a22cb465" + word(somebody) + word(one), []string{"warning: UNLIMITED", "collection"}},
		{"a22cb465" + word(somebody) + word(nil), []string{"Take back the right"}},
		{"23b872dd" + word(somebody) + word(somebody) + word(one), []string{"Move tokens of an account", "from: " + somebodysAddress, "or the number of one token"}},
		// What is not exactly the standard's call is none: a byte more, a byte less, an address of 21 bytes.
		{"a9059cbb" + word(somebody) + word(one) + "00", []string{"Call a contract", "function 0xa9059cbb, 69 bytes"}},
		{"a9059cbb" + word(somebody) + word(one)[:62], []string{"Call a contract"}},
		{"a9059cbb" + word(append([]byte{1}, somebody...)) + word(one), []string{"Call a contract"}},
		{"a22cb465" + word(somebody) + word([]byte{2}), []string{"Call a contract"}},
		{"a905", []string{"Call a contract", "no function, 2 bytes"}},
	} {
		d := describedEthereum(t, unsigned1559(1, 0, 50000, big.NewInt(1), new(big.Int), somebody, unhex(t, c.data)))
		saying(t, d, c.want...)
		if bounded := !strings.Contains(strings.Join(c.want, ""), "UNLIMITED"); bounded && strings.Contains(inWords(d), "UNLIMITED") {
			t.Errorf("%s is called unlimited:\n%s", c.data, inWords(d))
		}
	}
	saying(t, describedEthereum(t, unsigned1559(1, 0, 50000, big.NewInt(1), big.NewInt(5), somebody, unhex(t, "a9059cbb"+word(somebody)+word(one)))),
		"warning: besides, 0.000000000000000005 ETH are sent to the contract")
}

func TestDelegationsInWords(t *testing.T) {
	a := Authorization{ChainID: new(big.Int), Address: [20]byte(somebody), Nonce: 7}
	saying(t, a.Describe(), "Let code of others act for your account", "warning: ", "code at: "+somebodysAddress, "on EVERY network", "nonce: 7")
	a.Address, a.ChainID = [20]byte{}, big.NewInt(10)
	saying(t, a.Describe(), "Take back", "on OP Mainnet (chain id 10)")
	tx := EthereumTransaction{Type: 4, ChainID: big.NewInt(1), MaxFeePerGas: big.NewInt(1), To: (*[20]byte)(somebody), Value: new(big.Int),
		Authorizations: make([]SignedAuthorization, 5)}
	for i := range tx.Authorizations {
		tx.Authorizations[i].Authorization = Authorization{ChainID: big.NewInt(1)}
	}
	saying(t, tx.Describe(), "warning: 5 delegations", "delegation: and 3 more")
	if tx.Plain() {
		t.Error("a delegation is called a plain transfer")
	}
}

// Source of the bytes: the protocol dossier, section 15.3.
const solanaTransfer = "010000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001000103f036276246a75b9de3349ed42b15e232f6518fc20f5fcd4f1d64e81f9bd258f7f8029acf5cbcbdd5ac46ec147f3b78a3df6e5022ef0411db2bab650d329a4cd40000000000000000000000000000000000000000000000000000000000000000395bf727f9aac5e80911591073fcf9c826f428804131ca089beba3869421749a01020200010c020000008813000000000000"

func TestASolanaTransferInWords(t *testing.T) {
	raw := unhex(t, solanaTransfer)
	tx, err := ParseSolanaTransaction(raw)
	if err != nil {
		t.Fatal(err)
	}
	from, to := base58.Encode(tx.Keys[0][:]), base58.Encode(tx.Keys[1][:])
	saying(t, tx.Describe(), "Send 0.000005 SOL\n", "step 1: send 0.000005 SOL from "+from+" to "+to, "network: Solana", "fee: at most 0.000005 SOL, paid by "+from)
	message, err := ParseSolanaMessage(tx.Message)
	if err != nil || inWords(message.Describe()) != inWords(tx.Describe()) {
		t.Errorf("the message alone: %v", err)
	}
	for _, bad := range []string{"", "80", "81", "8001", "01", "ff", "82ff"} {
		if _, err := ParseSolanaMessage(unhex(t, bad)); err == nil {
			t.Errorf("%q is a message", bad)
		}
	}
}

// solanaOf is a transaction of these instructions, whose accounts are 0 to 4, signed by 0.
func solanaOf(calls ...SolanaInstruction) *SolanaTransaction {
	t := &SolanaTransaction{Version: SolanaLegacy, Signatures: make([][64]byte, 1), Instructions: calls}
	for i := range 5 {
		t.Keys = append(t.Keys, [32]byte{31: byte(i + 1)})
	}
	return t
}

func program(t *testing.T, id string) [32]byte {
	t.Helper()
	raw, err := base58.Decode(id)
	if err != nil || len(raw) != 32 {
		t.Fatalf("%s: %d bytes, %v", id, len(raw), err)
	}
	return [32]byte(raw)
}

func TestSolanaInstructionsInWords(t *testing.T) {
	for id := range solanaPrograms {
		program(t, id)
	}
	number := func(kind byte, n uint64, more ...byte) []byte {
		return append(binary.LittleEndian.AppendUint64([]byte{kind}, n), more...)
	}
	key := func(n byte) string { return base58.Encode(append(make([]byte, 31), n)) }
	accounts := []byte{0, 1, 2, 3}
	for _, c := range []struct {
		program string
		data    []byte
		want    string
	}{
		{solanaToken, number(3, 1<<63), "send tokens from " + key(1) + " to " + key(2) + ": 9223372036854775808 smallest units"},
		{solanaToken2022, number(12, 1500000, 6), "send 1.5 of the token " + key(2) + " from " + key(1) + " to " + key(3)},
		{solanaToken, number(4, 1<<64-1), "LET " + key(2) + " take tokens from " + key(1) + ": up to UNLIMITED"},
		{solanaToken, number(13, 25, 1), "up to 2.5"},
		{solanaToken, append([]byte{6, 2, 1}, make([]byte, 32)...), "GIVE the rights over " + key(1)},
		{solanaToken, []byte{9}, "close token account"},
		{solanaSystem, append([]byte{1, 0, 0, 0}, make([]byte, 32)...), "GIVE account " + key(1)},
		{solanaSystem, []byte{4, 0, 0, 0}, "durable nonce"},
		{"MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr", []byte("a\u202eb"), `memo “a\u202eb”`},
		{"Stake11111111111111111111111111111111111111", []byte{1}, "program Stake (Stake1"},
	} {
		saying(t, solanaOf(SolanaInstruction{program(t, c.program), accounts, c.data}).Describe(), c.want)
	}
	// What does not have its form is not read, and is warned of.
	for _, data := range [][]byte{nil, {3}, number(3, 1, 9), {2, 0, 0, 0, 1}, number(12, 1)} {
		for _, id := range []string{solanaToken, solanaSystem, "Vote111111111111111111111111111111111111111"} {
			d := solanaOf(SolanaInstruction{program(t, id), accounts, data}).Describe()
			saying(t, d, "warning: what 1 step of 1 do cannot be told", " bytes: 0x"+hex.EncodeToString(data))
		}
	}
	lookup := solanaOf(SolanaInstruction{program(t, solanaSystem), []byte{0, 5}, []byte{2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}})
	lookup.Lookups = []SolanaLookup{{Table: [32]byte{31: 9}, Writable: []byte{7}}}
	saying(t, lookup.Describe(), "to an account of table "+key(9)+" at 7")
}

func TestWhatASolanaTransactionMayCost(t *testing.T) {
	send := SolanaInstruction{program(t, solanaSystem), []byte{0, 1}, []byte{2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}}
	budget := func(data ...byte) SolanaInstruction {
		return SolanaInstruction{program(t, solanaComputeBudget), nil, data}
	}
	price := budget(binary.LittleEndian.AppendUint64([]byte{3}, 1_000_001)...)
	for want, tx := range map[string]*SolanaTransaction{
		"5000":    solanaOf(send),
		"1405002": solanaOf(price, send), // whole lamports, upwards
		"5011":    solanaOf(price, budget(2, 10, 0, 0, 0), send),
	} {
		if got := tx.Fee(); got.String() != want {
			t.Errorf("%s, want %s", got, want)
		}
		if x, ok := tx.Transfers(); !ok || len(x) != 1 || x[0].Lamports != 1 {
			t.Errorf("%s: %v, %v", want, x, ok)
		}
	}
	for _, other := range []SolanaInstruction{{program(t, solanaToken), []byte{0, 1, 2}, []byte{9}}, {program(t, solanaSystem), []byte{0, 1, 2}, []byte{4, 0, 0, 0}}, budget(9)} {
		if _, ok := solanaOf(send, other).Transfers(); ok {
			t.Errorf("%x is passed over", other.Data)
		}
	}
	if _, ok := solanaOf(price).Transfers(); ok {
		t.Error("nothing at all is a transfer")
	}
}

func TestTypedDataInWords(t *testing.T) {
	typed, err := ParseTypedData([]byte(etherMail))
	if err != nil {
		t.Fatal(err)
	}
	d, err := typed.Describe()
	if err != nil {
		t.Fatal(err)
	}
	saying(t, d, "Sign typed data: Mail", "domain: “Ether Mail” version “1”", "network: Ethereum (chain id 1)", "contract: 0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
		"from.name: “Cow”", "to.wallet: 0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB", "contents: “Hello, Bob!”")
	if strings.Contains(inWords(d), Warning) {
		t.Errorf("a warning of nothing:\n%s", inWords(d))
	}
}

// A domain may give the standard's names to other types. All that is signed is said, and as what it is.
func TestADomainOfOtherTypesHidesNothing(t *testing.T) {
	typed, err := ParseTypedData([]byte(`{"types":{"EIP712Domain":[{"name":"name","type":"uint256"},{"name":"version","type":"Two"},{"name":"verifyingContract","type":"bytes32"}],
"Two":[{"name":"a","type":"string"}],"Mail":[{"name":"text","type":"string"}]},"primaryType":"Mail","message":{"text":"hello"},
"domain":{"name":77,"version":{"a":"hidden"},"verifyingContract":"0x` + strings.Repeat("ab", 32) + `"}}`))
	if err != nil {
		t.Fatal(err)
	}
	d, err := typed.Describe()
	if err != nil {
		t.Fatal(err)
	}
	saying(t, d, "domain.name: 77", "domain.version.a: “hidden”", "domain.verifyingContract: 0xabab", "text: “hello”")
}

func TestPermitsAreCalledSo(t *testing.T) {
	text := func(primary, value string) string {
		return `{"types":{"` + primary + `":[{"name":"spender","type":"address"},{"name":"value","type":"uint256"},{"name":"tags","type":"string[]"}]},
"domain":{"name":"US\u202eD"},"primaryType":"` + primary + `","message":{"spender":"` + strings.ToLower(somebodysAddress) + `","value":"` + value + `","tags":["a",""]}}`
	}
	for _, primary := range []string{"Permit", "PermitSingle", "Order"} {
		typed, err := ParseTypedData([]byte(text(primary, mostUint256.String())))
		if err != nil {
			t.Fatal(err)
		}
		d, err := typed.Describe()
		if err != nil {
			t.Fatal(err)
		}
		saying(t, d, "Let somebody take tokens: "+primary, "warning: whoever has this signature", "warning: UNLIMITED", "spender: "+somebodysAddress,
			"value: "+mostUint256.String()+" (UNLIMITED", `domain: “US\u202eD”`, "network: none named", "tags[0]: “a”", "tags[1]: “”")
	}
	typed, err := ParseTypedData([]byte(text("Permit", "12")))
	if err != nil {
		t.Fatal(err)
	}
	if d, err := typed.Describe(); err != nil || strings.Contains(inWords(d), "UNLIMITED") || !strings.Contains(inWords(d), "value: 12\n") {
		t.Errorf("%v\n%s", err, inWords(d))
	}
	typed.Message["more"] = "shown by nobody"
	if _, err := typed.Describe(); err == nil {
		t.Error("what has no digest has words")
	}
}

func TestTempoInWords(t *testing.T) {
	tx := &TempoTransaction{ChainID: big.NewInt(42431), MaxFeePerGas: big.NewInt(3), Gas: 9, Nonce: 4, NonceKey: big.NewInt(2), Sponsored: true,
		Calls: []TempoCall{{(*[20]byte)(somebody), new(big.Int), nil}, {nil, new(big.Int), []byte{1}}}}
	saying(t, tx.Describe(), "2 calls on Tempo", "call 1: Send 0 of", somebodysAddress, "call 2: Create a contract", "chain id 42431", "somebody else pays", "nonce: 4, of row 2")
	tx.Calls, tx.Sponsored, tx.FeeToken = tx.Calls[:1], false, (*[20]byte)(somebody)
	saying(t, tx.Describe(), "(Tempo)", "in the token "+somebodysAddress+"; at most 9 gas at 3 each")
}

func TestJSONThatReadersUnderstandDifferentlyIsRefused(t *testing.T) {
	for _, bad := range []string{``, `{`, `{} {}`, `{"a":1,"a":1}`, `{"a":1,"\u0061":2}`, "{\"a\":\"\xff\"}", `["\ud800"]`, `["\udc00"]`, `["\ud800\u0041"]`, `["\udc00\ud800"]`, `[1]x`} {
		if v, err := ReadJSON([]byte(bad), 100); err == nil {
			t.Errorf("%s is %v", bad, v)
		}
	}
	for _, good := range []string{`{"a":{"a":1}}`, `["\ud83d\ude00"]`, `["\\ud800"]`, ` 7 `} {
		if _, err := ReadJSON([]byte(good), 100); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	if _, err := ReadJSON([]byte(`"`+strings.Repeat("a", 99)+`"`), 100); err == nil {
		t.Error("101 bytes are at most 100")
	}
}

func TestUnitsKeepEveryDigit(t *testing.T) {
	for _, c := range []struct {
		n, want string
		places  int
	}{
		{"0", "0", 18}, {"1", "0.000000000000000001", 18}, {"1000000000000000000", "1", 18}, {"1500000000000000000", "1.5", 18},
		{"-25", "-2.5", 1}, {"100", "100", 0}, {"100", "1", 2}, {"7", "7", -3},
		{mostUint256.String(), "115792089237316195423570985008687907853269984665640564039457.584007913129639935", 18},
	} {
		n, _ := new(big.Int).SetString(c.n, 10)
		if got := Units(n, c.places); got != c.want {
			t.Errorf("Units(%s, %d) = %s", c.n, c.places, got)
		}
	}
}

func TestEveryCharacterIsWhatItLooksLike(t *testing.T) {
	for text, want := range map[string]string{
		"Grüße, мир 世界 %s%n": "Grüße, мир 世界 %s%n", "a\nb\tc\r\x00\x1b[31m": `a\nb\tc\r\u0000\u001b[31m`,
		"\u202egnp.exe\u202c \u2066x\u2069 \u200e": `\u202egnp.exe\u202c \u2066x\u2069 \u200e`, "a\u200bb\u200dc\ufeffd\u00ad": `a\u200bb\u200dc\ufeffd\u00ad`,
		"a\u00a0b\u2003c\u3000": `a\u00a0b\u2003c\u3000`, `a\nb`: `a\\nb`, "a\xffb": `a\xffb`, "\u3164\u2800\ufe0f": `\u3164\u2800\ufe0f`,
		"\U000e0041": `\U000e0041`, "e\u0301\u0301\u0301\u0301": "e\u0301\u0301" + `\u0301\u0301`, "": "",
	} {
		if got := Visible(text, 1000); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Visible(strings.Repeat("é", 5000), 101); got != strings.Repeat("é", 50)+"… (9900 more bytes)" {
		t.Errorf("%q", got)
	}
}

func FuzzVisible(f *testing.F) {
	for _, seed := range []string{"", "a\u202eb", "\xff\\", strings.Repeat("é", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Visible(text, 100)
		if !utf8.ValidString(got) || len(got) > 1100 {
			t.Errorf("%q", got)
		}
		for _, r := range got {
			if !unicode.IsPrint(r) || unicode.In(r, unicode.Cf, unicode.Cc, unicode.Other_Default_Ignorable_Code_Point) {
				t.Errorf("%q has %U", got, r)
			}
		}
	})
}

// Whatever can be read can be put into words.
func FuzzDescribe(f *testing.F) {
	for _, v := range ethereumVectors() {
		raw, _ := hex.DecodeString(v[0])
		f.Add(raw)
	}
	raw, _ := hex.DecodeString(solanaTransfer)
	f.Add(raw)
	f.Add([]byte(etherMail))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if tx, err := ParseEthereumTransaction(raw); err == nil {
			_ = tx.Describe()
		}
		if tx, err := ParseTempoTransaction(raw); err == nil {
			_ = tx.Describe()
		}
		if tx, err := ParseSolanaTransaction(raw); err == nil {
			_ = tx.Describe()
		}
		if tx, err := ParseSolanaMessage(raw); err == nil {
			_ = tx.Describe()
		}
		if typed, err := ParseTypedData(raw); err == nil {
			_, _ = typed.Describe()
		}
	})
}
