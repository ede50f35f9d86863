package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

func TestWalletsAndAccounts(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	wallet := jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}, "mnemonicLength": "24"}).result("createWalletResult").text("walletId")
	if words := strings.Fields(b.state.Load().wallets[mustID(t, wallet)].phrase); len(words) != 24 {
		t.Errorf("a phrase of %d words", len(words))
	}
	tried := jane.submit("CREATE_WALLET_ACCOUNTS", m{"walletId": wallet, "accounts": []m{ethereum(0)}, "persist": false}).result("createWalletAccountsResult").text("addresses", "0")
	if got := len(jane.query("list_wallet_accounts", m{"walletId": wallet}).ok().at("accounts").([]any)); got != 0 {
		t.Errorf("persist false kept %d accounts", got)
	}
	named := ethereum(0)
	named["name"] = "savings"
	made := jane.submit("CREATE_WALLET_ACCOUNTS", m{"walletId": wallet, "accounts": []m{named, ethereum(1)}}).result("createWalletAccountsResult")
	if got := made.text("addresses", "0"); got != tried {
		t.Errorf("the same path gave %s and %s", tried, got)
	}
	account := jane.query("get_wallet_account", m{"walletId": wallet, "address": strings.ToLower(tried)}).ok()
	for name, want := range map[string]string{"address": tried, "name": "savings", "curve": "CURVE_SECP256K1", "path": "m/44'/60'/0'/0/0", "walletId": wallet, "organizationId": jane.org} {
		if got := account.text("account", name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	jane.query("get_wallet_account", m{"walletId": wallet, "path": "m/44'/60'/1'/0/0"}).ok()
	jane.query("get_wallet_account", m{"walletId": wallet, "path": "m/44'/60'/2'/0/0"}).refused(404, "REQUEST_INVALID", "no wallet account found")
	jane.query("get_wallet_account", m{"walletId": wallet}).refused(400, "REQUEST_INVALID", "an address or a path")
	jane.submit("CREATE_WALLET_ACCOUNTS", m{"walletId": wallet, "accounts": []m{ethereum(2), ethereum(1)}}).refused(409, "REQUEST_INVALID", "path already exists in wallet account "+wallet)
	jane.submit("CREATE_WALLET_ACCOUNTS", m{"walletId": wallet, "accounts": []m{ethereum(3), ethereum(3)}}).refused(409, "REQUEST_INVALID", "path already exists")
	again := ethereum(4)
	again["name"] = "savings"
	jane.submit("CREATE_WALLET_ACCOUNTS", m{"walletId": wallet, "accounts": []m{again}}).refused(400, "REQUEST_INVALID", "label must be unique")
	if got := len(jane.query("list_wallet_accounts", nil).ok().at("accounts").([]any)); got != 2 {
		t.Errorf("refusals made accounts: %d", got)
	}
	if got := jane.query("get_wallet", m{"walletId": wallet}).ok().text("wallet", "walletName"); got != "w" {
		t.Errorf("the wallet is %s", got)
	}
	jane.query("get_wallet", m{"walletId": nowhere}).refused(404, "REQUEST_INVALID", "no wallet found")
	jane.query("get_wallet", m{"walletId": "x"}).refused(400, "REQUEST_INVALID", "malformed wallet ID")
	jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).refused(400, "REQUEST_INVALID", "wallet label must be unique")
}

// One path serves several formats, as the defaults of Turnkey's kits ask for.
func TestOnePathMayHaveSeveralFormats(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	at := func(format string) m {
		return m{"curve": "CURVE_SECP256K1", "pathFormat": "PATH_FORMAT_BIP32", "path": "m/44'/0'/0'/0/0", "addressFormat": format}
	}
	r := jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{at("ADDRESS_FORMAT_BITCOIN_MAINNET_P2PKH"), at("ADDRESS_FORMAT_BITCOIN_MAINNET_P2SH")}}).result("createWalletResult")
	if r.text("addresses", "0") == r.text("addresses", "1") {
		t.Error("two formats gave one address")
	}
}

func TestWalletParametersAreCheckedInTheServicesWords(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	account := func(field string, value any) m {
		a := ethereum(0)
		a[field] = value
		return a
	}
	many := make([]m, accountsMax+1)
	for i := range many {
		many[i] = ethereum(i)
	}
	long := make([]m, 100)
	for i := range long {
		long[i] = account("path", "m/1"+strings.Repeat("/1", 100))
	}
	for _, c := range []struct {
		params  m
		message string
	}{
		{m{"walletName": "x", "accounts": []m{account("curve", "CURVE_X")}}, "invalid curve"},
		{m{"walletName": "x", "accounts": []m{account("curve", "CURVE_ED25519")}}, "invalid"},
		{m{"walletName": "x", "accounts": []m{account("path", "m/x")}}, "invalid path"},
		{m{"walletName": "x", "accounts": []m{account("path", "m/99999999999")}}, "invalid path"},
		{m{"walletName": "x", "accounts": []m{account("pathFormat", "PATH_FORMAT_X")}}, "invalid path format"},
		{m{"walletName": "x", "accounts": []m{account("addressFormat", "ADDRESS_FORMAT_X")}}, "invalid address format"},
		{m{"walletName": "x", "accounts": []m{account("path", nil)}}, "missing field `accounts[0].path`"},
		{m{"walletName": "x", "accounts": []m{}, "mnemonicLength": 13}, "mnemonic"},
		{m{"walletName": "x", "accounts": many}, "too many wallet accounts"},
		{m{"walletName": "x", "accounts": long}, "too many steps"},
		{m{"walletName": "x"}, "missing field `accounts`"},
		{m{"accounts": []m{}}, "missing field `walletName`"},
	} {
		t.Run(c.message, func(t *testing.T) { jane.submit("CREATE_WALLET", c.params).refused(400, "REQUEST_INVALID", c.message) })
	}
}

// A name is one account's in its organization, in another wallet too; accounts without one are many.
func TestNamesOfAccountsAreUnique(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	named := func(i int, name string) m {
		a := ethereum(i)
		a["name"] = name
		return a
	}
	made := jane.submit("CREATE_WALLET", m{"walletName": "one", "accounts": []m{named(0, "a"), ethereum(1), ethereum(2)}}).result("createWalletResult")
	add := func(accounts ...m) answer {
		return jane.submit("CREATE_WALLET_ACCOUNTS", m{"walletId": made.text("walletId"), "accounts": accounts})
	}
	const taken = "wallet account label must be unique"
	add(named(3, "a")).refused(400, "REQUEST_INVALID", taken)
	add(named(3, "b"), named(4, "b")).refused(400, "REQUEST_INVALID", taken)
	jane.submit("CREATE_WALLET", m{"walletName": "two", "accounts": []m{named(0, "a")}}).refused(400, "REQUEST_INVALID", taken)
	add(named(3, "b"), ethereum(4), ethereum(5)).result("createWalletAccountsResult")
	b.logIn("john@doe.test").submit("CREATE_WALLET", m{"walletName": "one", "accounts": []m{named(0, "a")}}).result("createWalletResult")
}

func TestPagesOfAccounts(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	accounts := make([]m, 15)
	for i := range accounts {
		accounts[i] = ethereum(i)
	}
	made := jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": accounts}).result("createWalletResult")
	var seen []string
	after := ""
	for range 4 {
		page := jane.query("list_wallet_accounts", m{"walletId": made.text("walletId"), "includeWalletDetails": true, "paginationOptions": m{"limit": "6", "after": after}}).ok()
		list := page.at("accounts").([]any)
		for _, a := range list {
			seen = append(seen, a.(m)["address"].(string))
			after = a.(m)["walletAccountId"].(string)
			if a.(m)["walletDetails"].(m)["walletName"] != "w" {
				t.Error("the wallet's details are missing")
			}
		}
		if len(list) < 6 {
			break
		}
	}
	if fmt.Sprint(seen) != fmt.Sprint(made.at("addresses")) {
		t.Errorf("pages gave %v", seen)
	}
}

func TestWalletsOfAnOrganizationAreLimited(t *testing.T) {
	b := newBox(t, Options{})
	for i := range walletsMax + 1 {
		a := b.root.submit("CREATE_WALLET", m{"walletName": fmt.Sprint(i), "accounts": []m{}})
		if i < walletsMax {
			a.result("createWalletResult")
		} else {
			a.refused(429, "UNSPECIFIED", "maximum wallets")
		}
	}
}

// What the wallet engine signs is proven there; here only that the right account signs for the right people.
func TestSigningWithAnAccount(t *testing.T) {
	b := newBox(t, Options{})
	jane, mallory := b.logIn("jane@doe.test"), b.logIn("mallory@doe.test")
	solana := m{"curve": "CURVE_ED25519", "pathFormat": "PATH_FORMAT_BIP32", "path": "m/44'/501'/0'/0'", "addressFormat": "ADDRESS_FORMAT_SOLANA"}
	made := jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0), solana}}).result("createWalletResult")
	sign := func(w *who, with, hash string) answer {
		return w.submit("SIGN_RAW_PAYLOAD_V2", m{"signWith": with, "payload": "0x68656c6c6f", "encoding": "PAYLOAD_ENCODING_HEXADECIMAL", "hashFunction": hash})
	}
	one := sign(jane, made.text("addresses", "0"), "HASH_FUNCTION_KECCAK256").result("signRawPayloadResult")
	two := sign(jane, strings.ToLower(made.text("addresses", "0")), "HASH_FUNCTION_KECCAK256").result("signRawPayloadResult")
	if one.text("r") != two.text("r") || len(one.text("s")) != 64 || !strings.Contains("00 01", one.text("v")) {
		t.Errorf("signatures %v and %v", one.body, two.body)
	}
	sign(jane, made.text("addresses", "1"), "HASH_FUNCTION_NOT_APPLICABLE").result("signRawPayloadResult")
	sign(jane, made.text("addresses", "0"), "HASH_FUNCTION_NO_OP").refused(400, "REQUEST_INVALID", "expected a 32-bytes-long digest")
	sign(jane, made.text("addresses", "0"), "HASH_FUNCTION_X").refused(400, "REQUEST_INVALID", "invalid hash function")
	sign(mallory, made.text("addresses", "0"), "HASH_FUNCTION_KECCAK256").refused(404, "REQUEST_INVALID", "signWith")
	sign(b.root.in(jane.org), made.text("addresses", "0"), "HASH_FUNCTION_KECCAK256").refused(400, "ORGANIZATION_MISMATCH", "organization mismatch")
	several := jane.submit("SIGN_RAW_PAYLOADS", m{"signWith": made.text("addresses", "0"), "payloads": []string{"68656c6c6f", "00"}, "encoding": "PAYLOAD_ENCODING_HEXADECIMAL", "hashFunction": "HASH_FUNCTION_KECCAK256"}).
		result("signRawPayloadsResult")
	if several.text("signatures", "0", "r") != one.text("r") || several.text("signatures", "1", "r") == one.text("r") {
		t.Errorf("signatures %v", several.body)
	}
	jane.submit("SIGN_RAW_PAYLOADS", m{"signWith": made.text("addresses", "0"), "payloads": []string{}, "encoding": "x", "hashFunction": "x"}).refused(400, "REQUEST_INVALID", "payloads")
}
