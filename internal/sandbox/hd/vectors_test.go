package hd

import (
	"encoding/hex"
	"testing"
)

// The first mnemonics of Trezor's BIP-39 vectors, with empty passphrase; the addresses were computed with common
// libraries (Turnkey protocol dossier, sections 13.11 and 16).
const (
	abandon = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	legal   = "legal winner thank year wave sausage worth useful legal winner thank yellow"
)

func TestSeedsOfTheFirstPhrases(t *testing.T) {
	for phrase, want := range map[string]string{
		abandon: "5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc19a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4",
		legal:   "878386efb78845b3355bd15ea4d39ef97d179cb712b77d5c12b6be415fffeffe5f377ba02bf3f8544ab800b955e51fbff09828f682052a20faa6addbbddfb096",
	} {
		if got := hex.EncodeToString(Seed(phrase)); got != want {
			t.Errorf("Seed(%q) = %s", phrase, got)
		}
	}
}

func TestPhraseToAddress(t *testing.T) {
	for _, c := range []struct{ phrase, curve, format, path, address, private, public string }{
		{abandon, Secp256k1, "ETHEREUM", "m/44'/60'/0'/0/0", "0x9858EfFD232B4033E47d90003D41EC34EcaEda94", "1ab42cc412b618bdea3a599e3c9bae199ebf030895b039e9db1e30dafb12b727", "0237b0bb7a8288d38ed49a524b5dc98cff3eb5ca824c9f9dc0dfdb3d9cd600f299"},
		{abandon, Secp256k1, "ETHEREUM", "m/44'/60'/1'/0/0", "0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265", "318470c858f622e48a80120a1fc3c8460d67a7bf31b3273a6d27d4c013f2f8d3", "038ccc8186e5933e845afd096cc6d3f2fdb25fbe4db4864b944619afa8e4e8bd5e"},
		{abandon, Ed25519, "SOLANA", "m/44'/501'/0'/0'", "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk", "37df573b3ac4ad5b522e064e25b63ea16bcbe79d449e81a0268d1047948bb445", "f036276246a75b9de3349ed42b15e232f6518fc20f5fcd4f1d64e81f9bd258f7"},
		{abandon, Ed25519, "SOLANA", "m/44'/501'/1'/0'", "Hh8QwFUA6MtVu1qAoq12ucvFHNwCcVTV7hpWjeY1Hztb", "ba5e7b6e3680b4eb81db8e54c8e466b2e9a899355888403355d858ab985d2fc4", "f8029acf5cbcbdd5ac46ec147f3b78a3df6e5022ef0411db2bab650d329a4cd4"},
		{abandon, Secp256k1, "BITCOIN_MAINNET_P2PKH", "m/44'/0'/0'/0/0", "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA", "e284129cc0922579a535bbf4d1a3b25773090d28c909bc0fed73b5e0222cc372", "03aaeb52dd7494c361049de67cc680e83ebcbbbdbeb13637d92cd845f70308af5e"},
		{abandon, Secp256k1, "BITCOIN_MAINNET_P2WPKH", "m/84'/0'/0'/0/0", "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "4604b4b710fe91f584fff084e1a9159fe4f8408fff380596a604948474ce4fa3", "0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c"},
		{abandon, Secp256k1, "BITCOIN_MAINNET_P2TR", "m/86'/0'/0'/0/0", "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr", "41f41d69260df4cf277826a9b65a3717e4eeddbeedf637f212ca096576479361", "03cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115"},
		{abandon, Secp256k1, "BITCOIN_TESTNET_P2WPKH", "m/84'/1'/0'/0/0", "tb1q6rz28mcfaxtmd6v789l9rrlrusdprr9pqcpvkl", "a9c4134b73560f43fc5c081e5c1daa7ce068adc806d80e1f37cb658e0fea4c8d", "02e7ab2537b5d49e970309aae06e9e49f36ce1c9febbd44ec8e0d1cca0b4f9c319"},
		{abandon, Secp256k1, "COSMOS", "m/44'/118'/0'/0/0", "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4", "c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104", "024f4e2ad99c34d60b9ba6283c9431a8418af8673212961f97a77b6377fcd05b62"},
		{abandon, Secp256k1, "TRON", "m/44'/195'/0'", "TGrLpry8MNqMuMUTe2VXv5wYkRuFEsbKsE", "57f15173e2a6f281649ddf1b932f93d31274f8f5e7b892936bf0e9fe40a5ac11", "03a6f98c2eca25ea4ab84ac2802091770c5aca6f71a2f72745d9be66b337518c2f"},
		{legal, Secp256k1, "ETHEREUM", "m/44'/60'/0'/0/0", "0x58A57ed9d8d624cBD12e2C467D34787555bB1b25", "33fa40f84e854b941c2b0436dd4a256e1df1cb41b9c1c0ccc8446408c19b8bf9", "03a70d1ef368ad99e90d509496e9888ee7404e4f4d360376bf521d769cf0c4de46"},
		{legal, Secp256k1, "ETHEREUM", "m/44'/60'/1'/0/0", "0x44f649fc8Dc77694E6ABEF1aA966983Dd6ED7C64", "27a90cf98885ff2b32a953b3e3d07f5bd62009d3fbd816053daa30245f2429a4", "022f2c59992e1c4e6299fcd6f161e7ae7e8c48639a43df5a5a83f5fd9a8f62563a"},
		{legal, Ed25519, "SOLANA", "m/44'/501'/0'/0'", "BLeUXTx9thHGT7VJUtF9vHEmfMDgW1nnKZ9UVer2CoLX", "6987bdb06aa8a243a3019f41489ffa8e609c953a885a748d1849a8df760aa479", "999d46fb3d1256f7049c8ed09314d7268612e8a91b800e91934463848305c98c"},
		{legal, Ed25519, "SOLANA", "m/44'/501'/1'/0'", "EdjcxP8MmXP4yRHguEVoH75kbXVfZNFXPgNfL9NqcXXK", "c5a802888a31cc47f49d1f758b3314fedaf1a51d2b3f05f69cd25740d95f149b", "ca91079792eb53f9bd4e3108d74d250cbc15da8dcfa2086af5ff05aad938ab2e"},
		{legal, Secp256k1, "BITCOIN_MAINNET_P2PKH", "m/44'/0'/0'/0/0", "1EBuf21icKTE5m3HWVndKx2bTxvqrWCqV6", "0f688c5d4ba70afba86924114e9055823482580f8bad62d32eeb00be9f4c7b50", "026b6eadb10ad2b787e70fb8b29d270ac6a61d34e5a76b63bd953cbb9fa31d5e22"},
		{legal, Secp256k1, "BITCOIN_MAINNET_P2WPKH", "m/84'/0'/0'/0/0", "bc1qgkju4yvvtuz0s8vqn837q396jezu2h8ex7gk98", "f075d6ce23b4a8018708d1095ef43b622646d748ba70db7e29d50e6b1bb344b6", "02e1e839f771a9af60554e043de9a2c5af6dabc5bd1d32f33197097dca548e8957"},
		{legal, Secp256k1, "BITCOIN_MAINNET_P2TR", "m/86'/0'/0'/0/0", "bc1pgp80xvc97ssyphukzd5w6gmz2z45dzawl8sn3g6r9e95l90yvdfqa9879z", "adfb2a883a8fd142e55caad757cf1fce6d324240d2ed3f88c4c972892f777fd3", "02ee57d7981c8489be23cecdc96f30596c700d7f55090029e8a94aeca780a31170"},
		{legal, Secp256k1, "BITCOIN_TESTNET_P2WPKH", "m/84'/1'/0'/0/0", "tb1qjgx204hxfwuse548jc34fjzg6ffq8pvrqwlex4", "eec3678222d47e27a1ae0bc5c9be436ec6d29b73c825031673b6781d98507689", "026267b312b2ff30bfe30b6bcc4e521e965142547cf32bc45fad9bd70a7702338f"},
		{legal, Secp256k1, "COSMOS", "m/44'/118'/0'/0/0", "cosmos1avgyh77ycn997ja45q5q8ss8y9mr424jq6zn4p", "e0aff28c65d3d0dc3836e890414b99758a0a166291bdacd880cb1ca8a1a0e6bc", "03510c69e626043eda293ccd3aecf49a568a9aab62173e77540fe385a454e61513"},
		{legal, Secp256k1, "TRON", "m/44'/195'/0'", "TCc7PhZZ9Por46XLjikvTAuHd9WoZCVqCZ", "3e1c1d4c4c201fb390ee4cd68524b7798c7802e12763d49566fa036871e08269", "020b2886c058f2adda502056faf644a92385aa536795999b579348fb5a18a3ff66"},
		{abandon, Ed25519, "SUI", "m/44'/784'/0'/0'/0'", "0x5e93a736d04fbb25737aa40bee40171ef79f65fae833749e3c089fe7cc2161f1", "8869cb07178bf67e08d7c4abdf45487dbf379c9a452fcec2836854bf4a3d29b0", "900b4d81eecea3df2f74b14200c4f4cf3f49afaca7a634ffd2cf6ff82bdaecf2"},
		{abandon, Ed25519, "APTOS", "m/44'/637'/0'/0'/0'", "0xeb663b681209e7087d681c5d3eed12aaa8e1915e7c87794542c3f96e94b3d3bf", "cc92c0eaf80206d817f150e21917f797e49cf644a33ac514de3c316baa2f1bf5", "a686f0309ab80312979606cfccc10ea2740147ae6888351488d11c46f08fbf60"},
		{abandon, Ed25519, "XLM", "m/44'/148'/0'", "GB3JDWCQJCWMJ3IILWIGDTQJJC5567PGVEVXSCVPEQOTDN64VJBDQBYX", "695db2365365e06159f13cc752a5d3b0c7376c45012b2f695e3a4da2434948bc", "7691d85048acc4ed085d9061ce0948bbdf7de6a92b790aaf241d31b7dcaa4238"},
		{abandon, Secp256k1, "SEI", "m/44'/118'/0'/0'/0'", "sei16m0ql9u5y53kqla3uc3wfe87gwgqwdp3pswwyw", "b48c77a07bb0f0be12edd9245f84d8a67125e9f91ef054700e3668b13253e77b", "035fa6d9eb01d1c645aba2bcd668a75c0bf9c81bb2d7b5dbfce06a8aa7cea07013"},
		{abandon, Secp256k1, "DOGE_MAINNET", "m/44'/3'/0'/0/0", "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC", "21f5e16d57b9b70a1625020b59a85fa9342de9c103af3dd9f7b94393a4ac2f46", "02cc6b0dc33aabcf3a23643e5e2919a80c50fb3dd2129ce409bbc5f0d4643d05e0"},
		{abandon, Secp256k1, "XRP", "m/44'/144'/0'/0'/0'", "rBf4bFAbwf13E9A25GRkCYNaTj4G9z2WNL", "284eee3b91ca58ba19d5e38039aca41f8a2284ac53f3149bc4e7025d0170590f", "02a6298ef91e98cb95e892104590f833231cd0ee2fc1c048ccd6d3eb27669d3bf7"},
		// The dossier's value "if the script is P2PKH", and the choice made here.
		{abandon, Secp256k1, "BITCOIN_MAINNET_P2SH", "m/44'/0'/0'/0/0", "3Hggo5JYqytA5k5As5XuADi6TYGQmMZrND", "e284129cc0922579a535bbf4d1a3b25773090d28c909bc0fed73b5e0222cc372", "03aaeb52dd7494c361049de67cc680e83ebcbbbdbeb13637d92cd845f70308af5e"},
	} {
		key, err := Derive(Seed(c.phrase), c.curve, c.path)
		if err != nil {
			t.Fatal(c.format, err)
		}
		if got := hex.EncodeToString(key.Private); got != c.private {
			t.Errorf("%s %s: private key %s", c.format, c.path, got)
		}
		if got := hex.EncodeToString(key.Public); got != c.public {
			t.Errorf("%s %s: public key %s", c.format, c.path, got)
		}
		if got, err := Address("ADDRESS_FORMAT_"+c.format, key); err != nil || got != c.address {
			t.Errorf("%s %s: %s, %v; want %s", c.format, c.path, got, err, c.address)
		}
	}
}

const etherMail = `{"types":{"Person":[{"name":"name","type":"string"},{"name":"wallet","type":"address"}],"Mail":[{"name":"from","type":"Person"},{"name":"to","type":"Person"},{"name":"contents","type":"string"}],"EIP712Domain":[{"name":"name","type":"string"},{"name":"version","type":"string"},{"name":"chainId","type":"uint256"},{"name":"verifyingContract","type":"address"}]},"domain":{"name":"Ether Mail","version":"1","chainId":"0x1","verifyingContract":"0xcccccccccccccccccccccccccccccccccccccccc"},"primaryType":"Mail","message":{"from":{"name":"Cow","wallet":"0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826"},"to":{"name":"Bob","wallet":"0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},"contents":"Hello, Bob!"}}`

// Source: dossier, sections 13.12 and 15.7.
func TestRawSignatures(t *testing.T) {
	ethereum, solana, taproot := "m/44'/60'/0'/0/0", "m/44'/501'/0'/0'", "m/86'/0'/0'/0/0"
	for _, c := range []struct{ name, curve, path, format, payload, encoding, hash, r, s, v string }{
		{"text and SHA-256", Secp256k1, ethereum, "ETHEREUM", "hello", "TEXT_UTF8", "SHA256",
			"abd4a27db12e29705a60151e77873706c43840aa5ef47cafd01f9ab5cdade8f1", "34f996a6c0ea426a740efa7c14a69b8069dd4bfc832a16838b77a1e4e209638f", "01"},
		{"EIP-191 and Keccak-256", Secp256k1, ethereum, "ETHEREUM", "0x19457468657265756d205369676e6564204d6573736167653a0a3568656c6c6f", "HEXADECIMAL", "KECCAK256",
			"22f6b9cd7ff4f321e11181c4fe64adeea9469908fb514fbb6001fe022002dfda", "1f4ec9ea436bad14a7823806487d3aeb39b22e2556590922d6a8308971a17e99", "01"},
		{"the same digest, bare", Secp256k1, ethereum, "ETHEREUM", "50b2c43fd39106bafbba0da34fc430e1f91e3c96ea2acee2bc34119f92b37750", "HEXADECIMAL", "NO_OP",
			"22f6b9cd7ff4f321e11181c4fe64adeea9469908fb514fbb6001fe022002dfda", "1f4ec9ea436bad14a7823806487d3aeb39b22e2556590922d6a8308971a17e99", "01"},
		{"ed25519", Ed25519, solana, "SOLANA", "68656c6c6f", "HEXADECIMAL", "NOT_APPLICABLE",
			"86854909891a2cafb6289a1781b205c0903b3d1d117fe85775533ffe4864146a", "e67b6381ce931cd68f64df043f3a7c6f4eab326f93088b698449ca703e008606", "00"},
		{"EIP-712", Secp256k1, ethereum, "ETHEREUM", etherMail, "EIP712", "NO_OP",
			"5b9ee7ebad3acd6ca243732900203a8a9e59b871345cb9b229a1936e11f5ad89", "67c46a0d05027ccd880bcc49e18877a53b8e4813558a1fd165ebb875c4a447c2", "01"},
		{"EIP-7702", Secp256k1, ethereum, "ETHEREUM", `{"address":"0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265","chainId":1,"nonce":7}`, "EIP7702_AUTHORIZATION", "NO_OP",
			"f348cd6a11c9843869f1983a73c2a86d2936b93adc6d09c3d4e40018a6f6912d", "14962a3787c400a5660e2a769974645b5a325fb7f592ec1e1ee4491af56c2333", "00"},
		{"Schnorr of a taproot address", Secp256k1, taproot, "BITCOIN_MAINNET_P2TR", "hello", "TEXT_UTF8", "SHA256",
			"7443cab64ff72846558f6e397cee8c31e6f3fc2d61fab4ee9a52bcbdd23de97d", "5773b05c3da9c8b72877f95cc109485deaf985b473f1a296d873661d6cb75d44", "00"},
	} {
		key, err := Derive(Seed(abandon), c.curve, c.path)
		if err != nil {
			t.Fatal(err)
		}
		r, s, v, err := SignRawPayload(key, "ADDRESS_FORMAT_"+c.format, c.payload, "PAYLOAD_ENCODING_"+c.encoding, "HASH_FUNCTION_"+c.hash)
		if err != nil || r != c.r || s != c.s || v != c.v {
			t.Errorf("%s: %s %s %s, %v", c.name, r, s, v, err)
		}
	}
}
