package sandbox

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mr-tron/base58"
)

const tokenABI = `[{"type":"event","name":"Transfer","inputs":[]},{"type":"function","name":"transfer","inputs":[{"name":"dst","type":"address"},{"name":"wad","type":"uint256"}]}]`

// With an interface of the contract, conditions see the function and its arguments; without one they are errors.
func TestPoliciesReadContractCalls(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	address := b.root.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0)}}).result("createWalletResult").text("addresses", "0")
	one := b.root.member("one")
	id := b.root.policy("ALLOW", "", "eth.tx.function_name == 'transfer' && eth.tx.function_signature == '0xa9059cbb' && eth.tx.contract_call_args['wad'] <= 1000"+
		" && eth.tx.contract_call_args['dst'] == '0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265'", "")
	sign := func(amount string) answer {
		// A legacy transaction of chain 1 to 0xc02a…6cc2: transfer(0x7883…7265, amount).
		return one.submit("SIGN_TRANSACTION_V2", m{"signWith": address, "type": "TRANSACTION_TYPE_ETHEREUM",
			"unsignedTransaction": "f869" + "80" + "8504a817c800" + "825208" + "94c02aaa39b223fe8d0a0e5c4f27ead9083c756cc2" + "80" +
				"b844" + "a9059cbb" + "00000000000000000000000078839f6054d7ed13918bae0473ba31b1ca9d7265" + amount + "018080"})
	}
	const small, large = "00000000000000000000000000000000000000000000000000000000000003e8", "00000000000000000000000000000000000000000000000000000000000003e9"
	sign(small).deniedBy(id + " ERROR")
	store := func(change m) answer {
		p := m{"smartContractAddress": "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "smartContractInterface": tokenABI, "type": interfaceEthereum, "label": "WETH"}
		for k, v := range change {
			p[k] = v
		}
		return b.root.submit("CREATE_SMART_CONTRACT_INTERFACE", p)
	}
	store(m{"smartContractAddress": "0x78839f6054d7ed13918bae0473ba31b1ca9d7265", "label": "another's"}).result("createSmartContractInterfaceResult")
	sign(small).deniedBy(id + " ERROR")
	made := store(nil).result("createSmartContractInterfaceResult").text("smartContractInterfaceId")
	sign(small).is("COMPLETED")
	sign(large).deniedBy(id + " DENY_IMPLICIT")

	store(nil).refused(400, "REQUEST_INVALID", "label must be unique")
	store(m{"label": "x", "smartContractInterface": "{}"}).refused(400, "REQUEST_INVALID", "invalid smart contract interface")
	store(m{"label": "x", "smartContractAddress": "0xc02a"}).refused(400, "REQUEST_INVALID", "invalid smart contract address")
	store(m{"label": "x", "smartContractAddress": strings.Repeat("1", 33), "type": interfaceSolana}).refused(400, "REQUEST_INVALID", "invalid smart contract address")
	began := time.Now()
	store(m{"label": "x", "smartContractAddress": strings.Repeat("z", 1_000_000), "type": interfaceSolana}).refused(400, "REQUEST_INVALID", "invalid smart contract address")
	if took := time.Since(began); took > 5*time.Second { // decoded to the end it takes several times that
		t.Errorf("a long address takes %s", took)
	}
	store(m{"label": "x", "type": "X"}).refused(400, "REQUEST_INVALID", "invalid smart contract interface type")

	one.Close()
	b = newBox(t, Options{StateDir: dir, Now: b.time.now})
	b.time = one.time
	one.box = b
	one.submit("CREATE_WALLET", m{"walletName": "x", "accounts": []m{}}).deniedBy(id + " ERROR")
	sign(small).is("COMPLETED")
	if got := b.root.query("get_smart_contract_interface", m{"smartContractInterfaceId": made}).ok(); got.text("smartContractInterface", "smartContractInterface") != tokenABI {
		t.Errorf("%s", got.raw)
	}
	if got := b.root.query("list_smart_contract_interfaces", nil).ok().at("smartContractInterfaces").([]any); len(got) != 2 {
		t.Errorf("%d interfaces", len(got))
	}
	b.root.submit("DELETE_SMART_CONTRACT_INTERFACE", m{"smartContractInterfaceId": made}).result("deleteSmartContractInterfaceResult")
	sign(small).deniedBy(id + " ERROR")
	b.root.submit("DELETE_SMART_CONTRACT_INTERFACE", m{"smartContractInterfaceId": made}).refused(404, "REQUEST_INVALID", "no smart contract interface found")
}

// The same for programs of Solana, by their IDL.
func TestPoliciesReadProgramCalls(t *testing.T) {
	b := newBox(t, Options{StateDir: t.TempDir()})
	address := b.root.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{
		{"curve": "CURVE_ED25519", "pathFormat": "PATH_FORMAT_BIP32", "path": "m/44'/501'/0'/0'", "addressFormat": "ADDRESS_FORMAT_SOLANA"}}}).result("createWalletResult").text("addresses", "0")
	ours, err := base58.Decode(address)
	if err != nil {
		t.Fatal(err)
	}
	program := bytes.Repeat([]byte{5}, 32)
	one := b.root.member("one")
	sign := func(amount byte) answer {
		tx := slices.Concat([]byte{1}, make([]byte, 64), []byte{1, 0, 1, 2}, ours, program, bytes.Repeat([]byte{9}, 32), // one signature to come, two keys, a blockhash
			[]byte{1, 1, 1, 0, 9, 7}, []byte{amount, 0, 0, 0, 0, 0, 0, 0}) // one instruction of the program, with our account
		return one.submit("SIGN_TRANSACTION_V2", m{"signWith": address, "type": "TRANSACTION_TYPE_SOLANA", "unsignedTransaction": hex.EncodeToString(tx)})
	}
	id := b.root.policy("ALLOW", "", "solana.tx.instructions.count() == 1 && solana.tx.instructions.all(i, i.program_key == '"+base58.Encode(program)+"'"+
		" && i.parsed_instruction_data.instruction_name == 'pay' && i.parsed_instruction_data.program_call_args['amount'] <= 5"+
		" && i.parsed_instruction_data.named_accounts['owner'] == '"+address+"')", "")
	sign(5).deniedBy(id + " ERROR")
	b.root.submit("CREATE_SMART_CONTRACT_INTERFACE", m{"smartContractAddress": base58.Encode(program), "type": interfaceSolana, "label": "pay", "notes": "n",
		"smartContractInterface": `{"instructions":[{"name":"pay","discriminator":[7],"accounts":[{"name":"owner"}],"args":[{"name":"amount","type":"u64"}]}],"types":[]}`}).
		result("createSmartContractInterfaceResult")
	sign(5).is("COMPLETED")
	sign(6).deniedBy(id + " DENY_IMPLICIT")
	b.root.submit("CREATE_SMART_CONTRACT_INTERFACE", m{"smartContractAddress": "x", "type": interfaceSolana, "label": "x", "smartContractInterface": "{}"}).
		refused(400, "REQUEST_INVALID", "invalid smart contract address")
	b.root.submit("CREATE_SMART_CONTRACT_INTERFACE", m{"smartContractAddress": base58.Encode(program), "type": interfaceSolana, "label": "x", "smartContractInterface": "{}"}).
		refused(400, "REQUEST_INVALID", "invalid smart contract interface")
}
