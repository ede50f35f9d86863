package sandbox

import (
	"crypto/ecdh"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"latchkey/internal/bundle"
	"latchkey/internal/p256"
	"latchkey/internal/sandbox/hd"
)

// opened is what an export bundle holds.
func (w *who) opened(key *ecdh.PrivateKey, text string) []byte {
	w.t.Helper()
	signer, err := p256.ParsePublic(w.Facts().SignerPublicKey)
	if err != nil {
		w.t.Fatal(err)
	}
	secret, err := bundle.OpenExport(key, text, signer, w.org)
	if err != nil {
		w.t.Fatal(err)
	}
	return secret
}

// sealedTo seals secret to the import target of a bundle, as w's user.
func (w *who) sealedTo(target string, secret []byte) string {
	w.t.Helper()
	signer, err := p256.ParsePublic(w.Facts().SignerPublicKey)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := bundle.SealImport(target, signer, w.org, w.user, secret)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// exchange is a fresh target key and its uncompressed public half.
func exchange() (*ecdh.PrivateKey, string) {
	key := p256.Generate()
	private, err := key.ECDH()
	if err != nil {
		panic(err)
	}
	return private, p256.Uncompressed(&key.PublicKey)
}

const phraseOfZeros = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

func (w *who) importWallet(name, phrase string, accounts ...m) answer {
	w.t.Helper()
	target := w.submit("INIT_IMPORT_WALLET", m{"userId": w.user}).result("initImportWalletResult").text("importBundle")
	return w.submit("IMPORT_WALLET", m{"userId": w.user, "walletName": name, "encryptedBundle": w.sealedTo(target, []byte(phrase)),
		"accounts": append([]m{}, accounts...)})
}

func TestAWalletIsImportedAndExported(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	jane := b.logIn("jane@doe.test")
	made := jane.importWallet("mine", " "+phraseOfZeros+"\n", ethereum(0)).result("importWalletResult")
	if got := made.text("addresses", "0"); got != "0x9858EfFD232B4033E47d90003D41EC34EcaEda94" {
		t.Errorf("address %s", got)
	}
	id := made.text("walletId")
	jane.importWallet("mine again", phraseOfZeros).refused(409, "REQUEST_INVALID", "seed for wallet "+id+" already imported in this organization")

	key, target := exchange()
	export := m{"walletId": id, "targetPublicKey": target}
	out := jane.submit("EXPORT_WALLET", export).result("exportWalletResult")
	if got := string(jane.opened(key, out.text("exportBundle"))); got != phraseOfZeros {
		t.Errorf("exported %q", got)
	}
	export["language"] = "MNEMONIC_LANGUAGE_SPANISH"
	out = jane.submit("EXPORT_WALLET", export).result("exportWalletResult")
	if got := string(jane.opened(key, out.text("exportBundle"))); !strings.HasSuffix(got, "ábaco abierto") && !strings.Contains(got, "a\u0301baco") {
		t.Errorf("exported in Spanish: %q", got)
	}
	export["language"] = "MNEMONIC_LANGUAGE_KLINGON"
	jane.submit("EXPORT_WALLET", export).refused(400, "REQUEST_INVALID", "invalid mnemonic language")

	check := func(when string, jane *who) {
		t.Helper()
		w := jane.query("get_wallet", m{"walletId": id}).ok()
		if w.at("wallet", "exported") != true || w.at("wallet", "imported") != true {
			t.Errorf("%s: %s", when, w.raw)
		}
	}
	check("at once", jane)
	b.Close()
	again := newBox(t, Options{StateDir: dir, Now: b.time.now})
	check("after a restart", &who{box: again, org: jane.org, user: jane.user, key: jane.key})
}

func TestImportsThatAreRefused(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	jane.importWallet("w", strings.Replace(phraseOfZeros, "about", "zoo", 1)).refused(400, "REQUEST_INVALID", "invalid mnemonic")

	target := jane.submit("INIT_IMPORT_WALLET", m{"userId": jane.user}).result("initImportWalletResult").text("importBundle")
	sealed := m{"userId": jane.user, "walletName": "once", "encryptedBundle": jane.sealedTo(target, []byte(phraseOfZeros)), "accounts": []m{}}
	id := jane.submit("IMPORT_WALLET", sealed).result("importWalletResult").text("walletId")
	jane.submit("DELETE_WALLETS", m{"walletIds": []string{id}, "deleteWithoutExport": true}).result("deleteWalletsResult")
	jane.submit("IMPORT_WALLET", sealed).refused(400, "REQUEST_INVALID", "failed to decrypt the encrypted bundle") // the target is spent

	old := jane.submit("INIT_IMPORT_WALLET", m{"userId": jane.user}).result("initImportWalletResult").text("importBundle")
	sealed["encryptedBundle"] = jane.sealedTo(old, []byte(phraseOfZeros))
	for range importTargetsMax {
		jane.submit("INIT_IMPORT_WALLET", m{"userId": jane.user}).result("initImportWalletResult")
	}
	jane.submit("IMPORT_WALLET", sealed).refused(400, "REQUEST_INVALID", "failed to decrypt the encrypted bundle") // pushed out

	jane.submit("INIT_IMPORT_WALLET", m{"userId": nowhere}).denied()
	jane.submit("IMPORT_PRIVATE_KEY", m{"userId": jane.user, "privateKeyName": "k", "encryptedBundle": "{}", "curve": "CURVE_P256", "addressFormats": []string{}}).
		refused(400, "REQUEST_INVALID", "failed to decrypt the encrypted bundle")
	key := jane.submit("INIT_IMPORT_PRIVATE_KEY", m{"userId": jane.user}).result("initImportPrivateKeyResult").text("importBundle")
	jane.submit("IMPORT_PRIVATE_KEY", m{"userId": jane.user, "privateKeyName": "k", "encryptedBundle": jane.sealedTo(key, make([]byte, 32)), "curve": "CURVE_P256",
		"addressFormats": []string{}}).refused(400, "REQUEST_INVALID", "invalid private key")
	b.time.advance(25 * time.Hour)
}

// denied fails the test unless the answer is the refusal that clients know a denial by.
func (a answer) denied() {
	a.t.Helper()
	if a.status != 403 || a.at("code") != 7.0 || a.text("details", "0", "@type") != "type.googleapis.com/errors.v1.PolicyEnginePermissionError" {
		a.t.Fatalf("no denial: %d %s", a.status, a.raw)
	}
}

func TestPrivateKeysAreMadeImportedExportedAndDeleted(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	jane := b.logIn("jane@doe.test")
	made := jane.submit("CREATE_PRIVATE_KEYS_V2", m{"privateKeys": []m{
		{"privateKeyName": "eth", "curve": hd.Secp256k1, "privateKeyTags": []string{}, "addressFormats": []string{"ADDRESS_FORMAT_ETHEREUM", "ADDRESS_FORMAT_TRON"}},
		{"privateKeyName": "sol", "curve": hd.Ed25519, "privateKeyTags": []string{}, "addressFormats": []string{"ADDRESS_FORMAT_SOLANA"}},
	}}).result("createPrivateKeysResultV2")
	id := made.text("privateKeys", "0", "privateKeyId")
	if got := made.text("privateKeys", "0", "addresses", "1", "address"); got[0] != 'T' {
		t.Errorf("Tron address %s", got)
	}
	jane.submit("CREATE_PRIVATE_KEYS", m{"privateKeys": []m{{"privateKeyName": "eth", "curve": hd.P256, "privateKeyTags": []string{}, "addressFormats": []string{}}}}).
		refused(400, "REQUEST_INVALID", "private key label must be unique")
	jane.submit("CREATE_PRIVATE_KEYS", m{"privateKeys": []m{{"privateKeyName": "n", "curve": "CURVE_X", "privateKeyTags": []string{}, "addressFormats": []string{}}}}).
		refused(400, "REQUEST_INVALID", "invalid curve")
	jane.submit("CREATE_PRIVATE_KEYS", m{"privateKeys": []m{{"privateKeyName": "n", "curve": hd.Ed25519, "privateKeyTags": []string{}, "addressFormats": []string{"ADDRESS_FORMAT_ETHEREUM"}}}}).
		refused(400, "REQUEST_INVALID", "invalid")

	jane.submit("DELETE_PRIVATE_KEYS", m{"privateKeyIds": []string{id}}).refused(400, "REQUEST_INVALID", "private key has not been exported")
	key, target := exchange()
	out := jane.submit("EXPORT_PRIVATE_KEY", m{"privateKeyId": id, "targetPublicKey": target}).result("exportPrivateKeyResult")
	secret := jane.opened(key, out.text("exportBundle"))
	shown := jane.query("get_private_key", m{"privateKeyId": id}).ok()
	if k, err := hd.NewKey(hd.Secp256k1, secret); err != nil || shown.text("privateKey", "publicKey") != hex.EncodeToString(k.Public) || shown.at("privateKey", "exported") != true {
		t.Errorf("exported %x for %s", secret, shown.raw)
	}

	bundle := jane.submit("INIT_IMPORT_PRIVATE_KEY", m{"userId": jane.user}).result("initImportPrivateKeyResult").text("importBundle")
	again := m{"userId": jane.user, "privateKeyName": "again", "encryptedBundle": jane.sealedTo(bundle, secret), "curve": hd.Secp256k1, "addressFormats": []string{"ADDRESS_FORMAT_ETHEREUM"}}
	jane.submit("IMPORT_PRIVATE_KEY", again).refused(409, "REQUEST_INVALID", "private key with ID "+id+" has already been imported in this organization")
	jane.submit("DELETE_PRIVATE_KEYS", m{"privateKeyIds": []string{id}}).result("deletePrivateKeysResult")
	back := jane.submit("IMPORT_PRIVATE_KEY", again).result("importPrivateKeyResult")
	if got, want := back.text("addresses", "0", "address"), made.text("privateKeys", "0", "addresses", "0", "address"); got != want {
		t.Errorf("imported %s, want %s", got, want)
	}
	before := jane.query("list_private_keys", nil).ok()
	b.Close()
	restarted := newBox(t, Options{StateDir: dir, Now: b.time.now})
	if after := (&who{box: restarted, org: jane.org, key: jane.key}).query("list_private_keys", nil).ok(); string(after.raw) != string(before.raw) {
		t.Errorf("before %s\nafter %s", before.raw, after.raw)
	}
}

func TestAccountsAndWalletsAreDeletedAfterExport(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	jane := b.logIn("jane@doe.test")
	wallet := jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0), ethereum(1)}}).result("createWalletResult")
	id, address := wallet.text("walletId"), wallet.text("addresses", "0")
	first := jane.query("get_wallet_account", m{"walletId": id, "address": address}).ok().text("account", "walletAccountId")

	jane.submit("DELETE_WALLET_ACCOUNTS", m{"walletAccountIds": []string{first}}).refused(400, "WALLET_ACCOUNT_NOT_EXPORTED", "wallet account has not been exported")
	jane.submit("DELETE_WALLET_ACCOUNTS", m{"walletAccountIds": []string{"x"}}).refused(400, "REQUEST_INVALID", "invalid wallet account UUID")
	jane.submit("DELETE_WALLET_ACCOUNTS", m{"walletAccountIds": []string{nowhere}}).refused(400, "REQUEST_INVALID", "wallet account not part of your organization")
	key, target := exchange()
	out := jane.submit("EXPORT_WALLET_ACCOUNT", m{"address": strings.ToLower(address), "targetPublicKey": target}).result("exportWalletAccountResult")
	if k, err := hd.NewKey(hd.Secp256k1, jane.opened(key, out.text("exportBundle"))); err != nil {
		t.Error(err)
	} else if got, _ := hd.Address("ADDRESS_FORMAT_ETHEREUM", k); got != address {
		t.Errorf("exported the key of %s, want %s", got, address)
	}
	jane.submit("DELETE_WALLET_ACCOUNTS", m{"walletAccountIds": []string{first}}).result("deleteWalletAccountsResult")
	if got := len(jane.query("list_wallet_accounts", nil).ok().at("accounts").([]any)); got != 1 {
		t.Errorf("%d accounts", got)
	}
	jane.submit("SIGN_RAW_PAYLOAD_V2", m{"signWith": address, "payload": "00", "encoding": "PAYLOAD_ENCODING_HEXADECIMAL", "hashFunction": "HASH_FUNCTION_SHA256"}).
		refused(404, "REQUEST_INVALID", "could not find any resource to sign with")

	jane.submit("UPDATE_WALLET", m{"walletId": id, "walletName": "renamed"}).result("updateWalletResult")
	jane.submit("DELETE_WALLETS", m{"walletIds": []string{id}}).refused(400, "REQUEST_INVALID", "wallet has not been exported")
	b.Close()
	b = newBox(t, Options{StateDir: dir, Now: b.time.now})
	jane = &who{box: b, org: jane.org, user: jane.user, key: jane.key}
	if got := jane.query("get_wallet", m{"walletId": id}).ok().text("wallet", "walletName"); got != "renamed" {
		t.Errorf("after a restart it is called %s", got)
	}
	jane.submit("DELETE_WALLETS", m{"walletIds": []string{id}, "deleteWithoutExport": true}).result("deleteWalletsResult")
	jane.submit("CREATE_WALLET", m{"walletName": "renamed", "accounts": []m{}}).result("createWalletResult") // the name is free
	b.Close()
	b = newBox(t, Options{StateDir: dir, Now: b.time.now})
	jane = &who{box: b, org: jane.org, user: jane.user, key: jane.key}
	jane.query("get_wallet", m{"walletId": id}).refused(404, "REQUEST_INVALID", "no wallet found")
	if got := len(jane.query("list_wallet_accounts", nil).ok().at("accounts").([]any)); got != 0 {
		t.Errorf("%d accounts of a wallet that is gone", got)
	}
}
