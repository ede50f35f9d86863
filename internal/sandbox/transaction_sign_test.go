package sandbox

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/uuid"

	"latchkey/internal/sandbox/hd"
	"latchkey/internal/sandbox/policy"
)

// signVector is a transaction with the account that signs it, of the phrase "abandon … about". The signed form was
// computed with the chain's own library.
type signVector struct{ kind, curve, path, format, unsigned, signed string }

func signVectors() []signVector {
	return []signVector{
		{"TRANSACTION_TYPE_ETHEREUM", hd.Secp256k1, "m/44'/60'/0'/0/0", "ADDRESS_FORMAT_ETHEREUM",
			"eb808504a817c8008252089478839f6054d7ed13918bae0473ba31b1ca9d726587038d7ea4c6800080018080",
			"f86b808504a817c8008252089478839f6054d7ed13918bae0473ba31b1ca9d726587038d7ea4c680008025a0927157909156f4cd67c59951ac494d94f29459ae61086071cf52b5fde84f0bb4a011389f8f4cd00c28c7f7a87e68b100c804fc15cf4972fc3f46e554d695dde7c4"},
		{"TRANSACTION_TYPE_ETHEREUM", hd.Secp256k1, "m/44'/60'/0'/0/0", "ADDRESS_FORMAT_ETHEREUM",
			"01e683aa36a7018504a817c8008252089478839f6054d7ed13918bae0473ba31b1ca9d72650180c0",
			"01f86983aa36a7018504a817c8008252089478839f6054d7ed13918bae0473ba31b1ca9d72650180c001a08d51b95bd49567c30d1976afe0a8b7211a7c810f21245b825e2378744f88073fa02704516c6f008dca6ccf24932762e3490bfaaa9c00dde808e50f968c1864500c"},
		{"TRANSACTION_TYPE_ETHEREUM", hd.Secp256k1, "m/44'/60'/0'/0/0", "ADDRESS_FORMAT_ETHEREUM",
			"02f87083aa36a709843b9aca008506fc23ac0082ea609478839f6054d7ed13918bae0473ba31b1ca9d726580b844a9059cbb00000000000000000000000078839f6054d7ed13918bae0473ba31b1ca9d72650000000000000000000000000000000000000000000000000000000000000001c0",
			"02f8b383aa36a709843b9aca008506fc23ac0082ea609478839f6054d7ed13918bae0473ba31b1ca9d726580b844a9059cbb00000000000000000000000078839f6054d7ed13918bae0473ba31b1ca9d72650000000000000000000000000000000000000000000000000000000000000001c080a085a47934981fbec2570dcfce73dcf064107ba0db0cd28befbca1bc29c4d39166a068695e6aac340d5c64585847cf9666385f5c4e3ff3f4c289e18c779e3ca3f170"},
		{"TRANSACTION_TYPE_SOLANA", hd.Ed25519, "m/44'/501'/0'/0'", "ADDRESS_FORMAT_SOLANA",
			"010000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001000103f036276246a75b9de3349ed42b15e232f6518fc20f5fcd4f1d64e81f9bd258f7f8029acf5cbcbdd5ac46ec147f3b78a3df6e5022ef0411db2bab650d329a4cd40000000000000000000000000000000000000000000000000000000000000000395bf727f9aac5e80911591073fcf9c826f428804131ca089beba3869421749a01020200010c020000008813000000000000",
			"01474f5a3f4c032f7a26ef4c10b0932b16bc807dbf49fdff7e434b97e241b8246fac1ff068f54349eaf33a4d1d5c6ae839611f26def00772a0a4601c7aa4bc2c0e01000103f036276246a75b9de3349ed42b15e232f6518fc20f5fcd4f1d64e81f9bd258f7f8029acf5cbcbdd5ac46ec147f3b78a3df6e5022ef0411db2bab650d329a4cd40000000000000000000000000000000000000000000000000000000000000000395bf727f9aac5e80911591073fcf9c826f428804131ca089beba3869421749a01020200010c020000008813000000000000"},
		{"TRANSACTION_TYPE_SOLANA", hd.Ed25519, "m/44'/501'/0'/0'", "ADDRESS_FORMAT_SOLANA",
			"01000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000008001000103f036276246a75b9de3349ed42b15e232f6518fc20f5fcd4f1d64e81f9bd258f7f8029acf5cbcbdd5ac46ec147f3b78a3df6e5022ef0411db2bab650d329a4cd40000000000000000000000000000000000000000000000000000000000000000395bf727f9aac5e80911591073fcf9c826f428804131ca089beba3869421749a01020200010c02000000881300000000000000",
			"01c0ce4b4f27bc4742d31f0200082f6508fc5ad040ba9bc3898f09a16135438b08b81a8aa3be83979a9e39757f21af4b1a8e5ba1a9e35c8594462095cfb685a5088001000103f036276246a75b9de3349ed42b15e232f6518fc20f5fcd4f1d64e81f9bd258f7f8029acf5cbcbdd5ac46ec147f3b78a3df6e5022ef0411db2bab650d329a4cd40000000000000000000000000000000000000000000000000000000000000000395bf727f9aac5e80911591073fcf9c826f428804131ca089beba3869421749a01020200010c02000000881300000000000000"},
		{"TRANSACTION_TYPE_TRON", hd.Secp256k1, "m/44'/195'/0'", "ADDRESS_FORMAT_TRON",
			"0a021a2b2208001122334455667740e0a4eeb6b7335a67080112630a2d747970652e676f6f676c65617069732e636f6d2f70726f746f636f6c2e5472616e73666572436f6e747261637412320a15414b7c80042579bbe4b467e90bf294b93568ab320012154178839f6054d7ed13918bae0473ba31b1ca9d726518c0843d7080d0eab6b733",
			"0a85010a021a2b2208001122334455667740e0a4eeb6b7335a67080112630a2d747970652e676f6f676c65617069732e636f6d2f70726f746f636f6c2e5472616e73666572436f6e747261637412320a15414b7c80042579bbe4b467e90bf294b93568ab320012154178839f6054d7ed13918bae0473ba31b1ca9d726518c0843d7080d0eab6b7331241e09180bc738068c1522a52141aebb06f689c90e3a06dfca614470666b6f0b36229f04bcfe4324cdaeab89f9a9d4b05573d2ff75508879b63445ed8a0bfd6a7a800"},
		{"TRANSACTION_TYPE_BITCOIN", hd.Secp256k1, "m/84'/0'/0'/0/0", "ADDRESS_FORMAT_BITCOIN_MAINNET_P2WPKH",
			"70736274ff0100520200000001751d33ae034a746f7fb44dd6778a408010ee1806b04e69193ce4d2953b5ef9170000000000ffffffff01905f010000000000160014c0cebcd6c3d3ca8c75dc5ec62ebe55330ef910e2000000000001011fa086010000000000160014c0cebcd6c3d3ca8c75dc5ec62ebe55330ef910e20000",
			"70736274ff0100520200000001751d33ae034a746f7fb44dd6778a408010ee1806b04e69193ce4d2953b5ef9170000000000ffffffff01905f010000000000160014c0cebcd6c3d3ca8c75dc5ec62ebe55330ef910e2000000000001011fa086010000000000160014c0cebcd6c3d3ca8c75dc5ec62ebe55330ef910e222020330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c483045022100d2399f91104685b459d1a76e056bfef64085acf887996391fa9ecbcd01541f14022005a32c3cdaf8da6b9e4e98104cf5a5a88dc23e26f80a2b8155a6b0861fe0c676010000"},
		{"TRANSACTION_TYPE_BITCOIN", hd.Secp256k1, "m/86'/0'/0'/0/0", "ADDRESS_FORMAT_BITCOIN_MAINNET_P2TR",
			"70736274ff0100520200000001751d33ae034a746f7fb44dd6778a408010ee1806b04e69193ce4d2953b5ef9170000000000ffffffff01905f010000000000160014c0cebcd6c3d3ca8c75dc5ec62ebe55330ef910e2000000000001012ba086010000000000225120a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c011720cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc1150000",
			"70736274ff0100520200000001751d33ae034a746f7fb44dd6778a408010ee1806b04e69193ce4d2953b5ef9170000000000ffffffff01905f010000000000160014c0cebcd6c3d3ca8c75dc5ec62ebe55330ef910e2000000000001012ba086010000000000225120a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c0113404fc99cf737ce827645a3a661e2574e4927a968cf753e2d3e452608fb82b29a71b29993bf39ca1f7e6f7527f5793d59b047606812fb98c11855dc365ff02407f0011720cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc1150000"},
		{"TRANSACTION_TYPE_TEMPO", hd.Secp256k1, "m/44'/60'/0'/0/0", "ADDRESS_FORMAT_ETHEREUM",
			"76f892821079808504a817c800830186a0f85ef85c9478839f6054d7ed13918bae0473ba31b1ca9d726580b844a9059cbb00000000000000000000000078839f6054d7ed13918bae0473ba31b1ca9d72650000000000000000000000000000000000000000000000000000000000000005c08003846b49d200846553f1009420c000000000000000000000000000000000000180c0",
			"76f8d5821079808504a817c800830186a0f85ef85c9478839f6054d7ed13918bae0473ba31b1ca9d726580b844a9059cbb00000000000000000000000078839f6054d7ed13918bae0473ba31b1ca9d72650000000000000000000000000000000000000000000000000000000000000005c08003846b49d200846553f1009420c000000000000000000000000000000000000180c0b841ca427683161add89b9f1b71249c1f362251e5faa5b3460726a3e9ab0e532af8910083c883055319d04d13ca31768616d5cabc5f2d2fbc4ba283067275bbda6f41b"},
	}
}

// abandon gives w a wallet of the public test phrase, with the accounts of the vectors.
func (w *who) abandon() (wallet string, addresses map[string]string) {
	w.t.Helper()
	wallet = w.submit("CREATE_WALLET", m{"walletName": "abandon", "accounts": []m{}}).result("createWalletResult").text("walletId")
	known := w.state.Load().wallets[mustID(w.t, wallet)]
	known.phrase = strings.Repeat("abandon ", 11) + "about"
	known.seed = hd.Seed(known.phrase)
	addresses = map[string]string{}
	for _, v := range signVectors() {
		if addresses[v.format] != "" {
			continue
		}
		r := w.submit("CREATE_WALLET_ACCOUNTS", m{"walletId": wallet, "accounts": []m{{"curve": v.curve, "pathFormat": "PATH_FORMAT_BIP32", "path": v.path, "addressFormat": v.format}}})
		addresses[v.format] = r.result("createWalletAccountsResult").text("addresses", "0")
	}
	return wallet, addresses
}

// lone gives w a private key, that of a path under that phrase.
func (w *who) lone(path string, formats ...string) (id string, addresses []string) {
	w.t.Helper()
	s := w.state.Load()
	key, err := hd.Derive(hd.Seed(strings.Repeat("abandon ", 11)+"about"), hd.Secp256k1, path)
	if err != nil {
		w.t.Fatal(err)
	}
	k, err := drawPrivateKey("lone", hd.Secp256k1, key.Private, formats)
	if err != nil {
		w.t.Fatal(err)
	}
	k.id, k.org = uuid.New(), s.orgs[mustID(w.t, w.org)]
	s.mu.Lock()
	s.commit([]record{k})
	s.mu.Unlock()
	for _, a := range k.addresses {
		addresses = append(addresses, a.Address)
	}
	return k.id.String(), addresses
}

func TestTransactionsAreSignedToTheByte(t *testing.T) {
	b := newBox(t, Options{})
	jane, mallory := b.logIn("jane@doe.test"), b.logIn("mallory@doe.test")
	_, addresses := jane.abandon()
	for _, v := range signVectors() {
		with, in := addresses[v.format], m{"signWith": addresses[v.format], "unsignedTransaction": v.unsigned, "type": v.kind}
		a := jane.submit("SIGN_TRANSACTION_V2", in)
		if got := a.result("signTransactionResult").text("signedTransaction"); got != v.signed {
			t.Errorf("%s: got %s\nwant %s", v.kind, got, v.signed)
		}
		if got := a.text("activity", "intent", "signTransactionIntentV2", "signWith"); got != with {
			t.Errorf("%s: the intent says %s", v.kind, got)
		}
		in["unsignedTransaction"] = "0x" + v.unsigned
		if got := jane.submit("SIGN_TRANSACTION_V2", in).result("signTransactionResult").text("signedTransaction"); got != v.signed {
			t.Errorf("%s with 0x: %s", v.kind, got)
		}
		mallory.submit("SIGN_TRANSACTION_V2", in).refused(404, "REQUEST_INVALID", "could not find any resource to sign with")
		in["unsignedTransaction"] = v.unsigned + "00"
		jane.submit("SIGN_TRANSACTION_V2", in).refused(400, "INVALID_TRANSACTION", "")
	}
}

func TestTransactionsThatAreNotSigned(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	_, addresses := jane.abandon()
	ethereum := signVectors()[0]
	sign := func(with, kind, text string) answer {
		return jane.submit("SIGN_TRANSACTION_V2", m{"signWith": with, "unsignedTransaction": text, "type": kind})
	}
	mine := addresses["ADDRESS_FORMAT_ETHEREUM"]
	sign(mine, "TRANSACTION_TYPE_TEMPO", "76c0").refused(400, "INVALID_TRANSACTION", "tempo transaction")
	sign(mine, "TRANSACTION_TYPE_DOGE", "00").refused(400, "UNSUPPORTED_TRANSACTION_TYPE", "unsupported transaction type")
	sign(mine, "TRANSACTION_TYPE_ETHEREUM", "hello").refused(400, "INVALID_TRANSACTION", "hex")
	sign(mine, "TRANSACTION_TYPE_SOLANA", ethereum.unsigned).refused(400, "INVALID_TRANSACTION", "curve")
	sign(addresses["ADDRESS_FORMAT_SOLANA"], "TRANSACTION_TYPE_ETHEREUM", ethereum.unsigned).refused(400, "INVALID_TRANSACTION", "curve")
	sign(addresses["ADDRESS_FORMAT_BITCOIN_MAINNET_P2TR"], "TRANSACTION_TYPE_BITCOIN", strings.TrimSpace(p2wpkhVector().unsigned)).refused(400, "INVALID_TRANSACTION", "no input belongs")
	jane.submit("SIGN_TRANSACTION_V2", m{"signWith": mine, "type": "TRANSACTION_TYPE_ETHEREUM"}).refused(400, "REQUEST_INVALID", "missing field `unsignedTransaction`")
}

func p2wpkhVector() signVector {
	for _, v := range signVectors() {
		if v.format == "ADDRESS_FORMAT_BITCOIN_MAINNET_P2WPKH" {
			return v
		}
	}
	panic("no such vector")
}

// Whoever holds a private key signs with its id or one of its addresses, and in first versions with the id alone.
func TestSigningWithAPrivateKey(t *testing.T) {
	b := newBox(t, Options{})
	jane, mallory := b.logIn("jane@doe.test"), b.logIn("mallory@doe.test")
	id, own := jane.lone("m/44'/60'/0'/0/0", "ADDRESS_FORMAT_ETHEREUM", "ADDRESS_FORMAT_BITCOIN_TESTNET_P2TR")
	v := signVectors()[0]
	for _, with := range []string{id, own[0], strings.ToLower(own[0])} {
		r := jane.submit("SIGN_TRANSACTION_V2", m{"signWith": with, "unsignedTransaction": v.unsigned, "type": v.kind}).result("signTransactionResult")
		if got := r.text("signedTransaction"); got != v.signed {
			t.Errorf("signWith %s: %s", with, got)
		}
	}
	first := m{"privateKeyId": id, "unsignedTransaction": v.unsigned, "type": v.kind}
	if got := jane.submit("SIGN_TRANSACTION", first).result("signTransactionResult").text("signedTransaction"); got != v.signed {
		t.Errorf("version 1: %s", got)
	}
	mallory.submit("SIGN_TRANSACTION", first).refused(404, "REQUEST_INVALID", "privateKeyId="+id)
	jane.submit("SIGN_TRANSACTION", m{"privateKeyId": own[0], "unsignedTransaction": v.unsigned, "type": v.kind}).
		refused(400, "REQUEST_INVALID", "malformed private key ID")

	hello := m{"payload": "hello", "encoding": "PAYLOAD_ENCODING_TEXT_UTF8", "hashFunction": "HASH_FUNCTION_SHA256"}
	with := func(name, value string) m {
		p := m{name: value}
		for k, v := range hello {
			p[k] = v
		}
		return p
	}
	const r, s = "abd4a27db12e29705a60151e77873706c43840aa5ef47cafd01f9ab5cdade8f1", "34f996a6c0ea426a740efa7c14a69b8069dd4bfc832a16838b77a1e4e209638f"
	for kind, p := range map[string]m{"SIGN_RAW_PAYLOAD": with("privateKeyId", id), "SIGN_RAW_PAYLOAD_V2": with("signWith", id)} {
		if got := jane.submit(kind, p).result("signRawPayloadResult"); got.text("r") != r || got.text("s") != s || got.text("v") != "01" {
			t.Errorf("%s: %v", kind, got.body)
		}
	}
	// Under its taproot address the same key signs with Schnorr.
	if got := jane.submit("SIGN_RAW_PAYLOAD_V2", with("signWith", own[1])).result("signRawPayloadResult"); got.text("r") == r || got.text("v") != "00" {
		t.Errorf("taproot: %v", got.body)
	}
	jane.submit("SIGN_RAW_PAYLOADS", m{"signWith": id, "payloads": []string{"hello"}, "encoding": hello["encoding"], "hashFunction": hello["hashFunction"]}).result("signRawPayloadsResult")
	mallory.submit("SIGN_RAW_PAYLOAD_V2", with("signWith", id)).refused(404, "REQUEST_INVALID", "could not find any resource to sign with")
}

// For Bitcoin it matters by which of its addresses a key goes: only what belongs to that one is signed.
func TestAPrivateKeySignsForTheAddressItGoesBy(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	v := signVectors()[7]
	id, own := jane.lone(v.path, "ADDRESS_FORMAT_ETHEREUM", "ADDRESS_FORMAT_BITCOIN_MAINNET_P2WPKH", v.format)
	sign := func(with string) answer {
		return jane.submit("SIGN_TRANSACTION_V2", m{"signWith": with, "unsignedTransaction": v.unsigned, "type": v.kind})
	}
	for _, with := range []string{id, own[2]} {
		if got := sign(with).result("signTransactionResult").text("signedTransaction"); got != v.signed {
			t.Errorf("signWith %s: %s", with, got)
		}
	}
	sign(own[0]).refused(400, "INVALID_TRANSACTION", "not a bitcoin address")
	sign(own[1]).refused(400, "INVALID_TRANSACTION", "no input belongs to the signer")
}

// What policies see of a request to sign.
func TestSigningTellsPoliciesWhatItSigns(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	_, addresses := jane.abandon()
	id, _ := jane.lone("m/44'/60'/0'/0/0", "ADDRESS_FORMAT_ETHEREUM")
	c := &call{s: b.Sandbox}
	c.state, c.org = b.state.Load(), b.state.Load().orgs[mustID(t, jane.org)]
	seen := func(in params) matter {
		t.Helper()
		if err := in.prepare(c); err != nil {
			t.Fatal(err)
		}
		return in.(telling).matter(c)
	}
	v := signVectors()[0]
	tx := &signTransaction{SignWith: addresses[v.format], unsigned: unsigned{UnsignedTransaction: v.unsigned, Type: v.kind}}
	got := seen(tx)
	if e, ok := got.values["eth.tx"].(*policy.EthereumTransaction); !ok || e.ChainID.Int64() != 1 || got.account.address != addresses[v.format] || got.wallet == nil || got.key != nil ||
		got.params["type"] != "TRANSACTION_TYPE_ETHEREUM" {
		t.Errorf("%+v", got)
	}
	for i, keyword := range map[int]string{3: "solana.tx", 5: "tron.tx", 6: "bitcoin.tx", 8: "tempo.tx"} {
		v := signVectors()[i]
		got := seen(&signTransaction{SignWith: addresses[v.format], unsigned: unsigned{UnsignedTransaction: v.unsigned, Type: v.kind}})
		if got.values[keyword] == nil || len(got.values) != 1 {
			t.Errorf("%s: %v", keyword, got.values)
		}
	}
	if got := seen(&signTransactionByKey{PrivateKeyID: id, unsigned: unsigned{UnsignedTransaction: v.unsigned, Type: v.kind}}); got.key == nil || got.wallet != nil || got.params != nil || got.values["eth.tx"] == nil {
		t.Errorf("by key: %+v", got)
	}
	text := `{"address":"0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265","chainId":1,"nonce":7}`
	got = seen(&signRawPayload{SignWith: addresses[v.format], rawPayload: rawPayload{Payload: &text, Encoding: "PAYLOAD_ENCODING_EIP7702_AUTHORIZATION", HashFunction: "HASH_FUNCTION_NO_OP"}})
	if a, ok := got.values["eth.eip_7702_authorization"].(*policy.Eip7702Authorization); !ok || a.Nonce.Int64() != 7 || got.params["hash_function"] != "HASH_FUNCTION_NO_OP" {
		t.Errorf("authorization: %+v", got)
	}
	several := &signRawPayloads{SignWith: addresses[v.format], Payloads: []string{text}, Encoding: "PAYLOAD_ENCODING_EIP7702_AUTHORIZATION", HashFunction: "HASH_FUNCTION_NO_OP"}
	if got := seen(several); got.values != nil || got.params["encoding"] != "PAYLOAD_ENCODING_EIP7702_AUTHORIZATION" {
		t.Errorf("several: %+v", got)
	}
	if _, err := hex.DecodeString(tx.signed); err != nil {
		t.Error(err)
	}
}

// A signature that was made while its key went away is not given out.
func TestNothingIsSignedWithWhatIsGone(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	_, addresses := jane.abandon()
	id, _ := jane.lone("m/44'/60'/0'/0/0", "ADDRESS_FORMAT_ETHEREUM")
	s := b.state.Load()
	c := &call{s: b.Sandbox, state: s, org: s.orgs[mustID(t, jane.org)]}
	v := signVectors()[0]
	payload := rawPayload{Payload: &v.unsigned, Encoding: "PAYLOAD_ENCODING_HEXADECIMAL", HashFunction: "HASH_FUNCTION_KECCAK256"}
	requests := []params{
		&signTransaction{SignWith: id, unsigned: unsigned{UnsignedTransaction: v.unsigned, Type: v.kind}},
		&signTransactionByKey{PrivateKeyID: id, unsigned: unsigned{UnsignedTransaction: v.unsigned, Type: v.kind}},
		&signRawPayload{SignWith: id, rawPayload: payload},
		&signRawPayloadByKey{PrivateKeyID: id, rawPayload: payload},
		&signRawPayloads{SignWith: id, Payloads: []string{v.unsigned}, Encoding: payload.Encoding, HashFunction: payload.HashFunction},
		&signTransaction{SignWith: addresses[v.format], unsigned: unsigned{UnsignedTransaction: v.unsigned, Type: v.kind}},
	}
	for _, in := range requests {
		if err := in.prepare(c); err != nil {
			t.Fatal(err)
		}
		if _, err := in.run(&tx{call: c}); err != nil {
			t.Fatal(err)
		}
	}
	key, err := c.findPrivateKey(id)
	if err != nil {
		t.Fatal(err)
	}
	account := s.account(c.org, addresses[v.format])
	s.mu.Lock()
	s.commit([]record{gone{key}, gone{account}})
	s.mu.Unlock()
	for _, in := range requests {
		if _, err := in.run(&tx{call: c}); err == nil {
			t.Errorf("%T is answered", in)
		}
	}
}

// A transaction that needs two approvals is signed by the second, and by nobody before.
func TestATransactionWaitsForItsApprovals(t *testing.T) {
	b := newBox(t, Options{})
	team := b.team(2, 2)
	made := team[0].submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0)}}).ok()
	address := team[1].submit("APPROVE_ACTIVITY", m{"fingerprint": made.text("activity", "fingerprint")}).result("createWalletResult").text("addresses", "0")
	v := signVectors()[0]
	asked := team[0].submit("SIGN_TRANSACTION_V2", m{"signWith": address, "unsignedTransaction": v.unsigned, "type": v.kind}).ok()
	if got := asked.text("activity", "status"); got != statusConsensus || strings.Contains(string(asked.raw), `"signedTransaction"`) {
		t.Fatalf("before the second approval: %s", asked.raw)
	}
	signed := team[1].submit("APPROVE_ACTIVITY", m{"fingerprint": asked.text("activity", "fingerprint")}).result("signTransactionResult").text("signedTransaction")
	if !strings.HasPrefix(signed, "f86b") || signed == v.signed {
		t.Errorf("signed %s", signed)
	}
}
