package client

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"

	"latchkey/internal/ceremony/browsertest"
	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/profile"
)

// injected is what two extensions put into every page: a wallet of Ethereum that announces itself by EIP-6963, and one of
// Solana by the Wallet Standard. Each asks the test to sign, and waits for its answer.
const injected = `(() => {
  window.__asked = null
  const ask = (what) => new Promise((resolve, reject) => { window.__asked = { ...what, resolve, reject } })
  const provider = { request: async ({ method, params }) => {
    if (method === 'eth_requestAccounts') return [window.__account ?? '%s']
    if (method === 'personal_sign') return ask({ chain: 'ethereum', message: params[0], account: params[1] })
    throw { code: 4200 }
  } }
  const announce = () => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: Object.freeze({
    info: { uuid: '350670db-19fa-4704-a166-e52e178b59d2', name: 'Test wallet <b>\u202e', icon: 'data:,', rdns: 'test.wallet' }, provider }) }))
  addEventListener('eip6963:requestProvider', announce)
  const key = Uint8Array.from(atob('%s'), (c) => c.charCodeAt(0))
  const account = { address: 'x', publicKey: key, chains: ['solana:mainnet'], features: ['solana:signMessage'] }
  const wallet = { version: '1.0.0', name: 'Sol wallet', icon: 'data:,', chains: ['solana:mainnet'], accounts: [account], features: {
    'standard:connect': { connect: async () => ({ accounts: [account] }) },
    'solana:signMessage': { signMessage: async ({ message }) => [{ signature: await ask({ chain: 'solana', message: Array.from(message).map((b) => b.toString(16).padStart(2, '0')).join('') }) }] },
  } }
  const register = ({ register }) => register(wallet)
  addEventListener('wallet-standard:app-ready', ({ detail }) => register(detail))
  dispatchEvent(new CustomEvent('wallet-standard:register-wallet', { detail: register }))
})()`

func messageOf(body []byte) []byte {
	h := sha3.NewLegacyKeccak256()
	h.Write([]byte("\x19Ethereum Signed Message:\n" + strconv.Itoa(len(body))))
	h.Write(body)
	return h.Sum(nil)
}

// numbers lists bytes as JavaScript does.
func numbers(raw []byte) string {
	all := make([]string, len(raw))
	for i, b := range raw {
		all[i] = strconv.Itoa(int(b))
	}
	return strings.Join(all, ",")
}

func addressOf(key *secp256k1.PrivateKey) string {
	h := sha3.NewLegacyKeccak256()
	h.Write(key.PubKey().SerializeUncompressed()[1:])
	return "0x" + hex.EncodeToString(h.Sum(nil)[12:])
}

// A wallet in a real browser, of either chain: it signs up, logs in to the same account again, and whatever it does
// instead of signing is said on the page and on the device.
func TestAWalletInTheBrowser(t *testing.T) {
	key := secp256k1.PrivKeyFromBytes([]byte{31: 7})
	other := secp256k1.PrivKeyFromBytes([]byte{31: 8})
	sol := ed25519.NewKeyFromSeed(make([]byte, 32))
	public, _ := sol.Public().(ed25519.PublicKey)

	tab := browsertest.Open(t)
	tab.Before(fmt.Sprintf(injected, addressOf(key), base64.StdEncoding.EncodeToString(public)))
	c := open(t, profile.At(t.TempDir()))
	begin := func(label string) login.Attempt {
		t.Helper()
		a, err := c.Login().WalletPage.Begin(t.Context(), login.Options{Label: label})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	// choose opens the page and has a wallet asked; asked is what it is to sign.
	choose := func(a login.Attempt, name string) (asked []byte) {
		t.Helper()
		tab.Go(a.URL)
		tab.Until(`document.querySelectorAll('#wallets input').length === 2`)
		if got := tab.Text("#match"); got != a.Match {
			t.Errorf("the page shows %q, the device %q", got, a.Match)
		}
		tab.Until(`[...document.querySelectorAll('#wallets label')].some((one) => one.textContent === '` + name + `' && (one.querySelector('input').checked = true))`)
		if folder := os.Getenv("LATCHKEY_PICTURES"); folder != "" {
			tab.Picture(filepath.Join(folder, "wallet.png"))
		}
		tab.Click("#go")
		tab.Until(`window.__asked !== null`)
		text := browsertest.Eval[string](tab, "window.__asked.message")
		asked, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
		if err != nil {
			t.Fatal(err)
		}
		return asked
	}
	sign := func(by *secp256k1.PrivateKey, asked []byte) {
		t.Helper()
		compact := k1ecdsa.SignCompact(by, messageOf(asked), true)
		browsertest.Eval[bool](tab, fmt.Sprintf("(() => { const a = window.__asked; window.__asked = null; a.resolve('0x%x%02x'); return true })()", compact[1:], compact[0]-4))
	}
	const eth, solana = "Test wallet b, Ethereum", "Sol wallet, Solana"

	a := begin("")
	first, err := inBrowser(t, c, a, func() { sign(key, choose(a, eth)) })
	if err != nil {
		t.Fatal(err)
	}
	if first.Contact != addressOf(key) || first.Method != "wallet-page" {
		t.Errorf("%+v", first)
	}
	again := begin("again")
	if s, err := inBrowser(t, c, again, func() { sign(key, choose(again, eth)) }); err != nil || s.OrganizationID != first.OrganizationID {
		t.Errorf("again: %+v, %v", s, err)
	}

	bySolana := begin("sol")
	s, err := inBrowser(t, c, bySolana, func() {
		asked := choose(bySolana, solana)
		browsertest.Eval[bool](tab, fmt.Sprintf("(() => { const a = window.__asked; window.__asked = null; a.resolve(Uint8Array.from([%s])); return true })()",
			numbers(ed25519.Sign(sol, asked))))
	})
	if err != nil || s.OrganizationID == first.OrganizationID {
		t.Errorf("Solana: %+v, %v", s, err)
	}

	// Another account than the one that was asked, a refusal, a wallet that fails; and then Cancel.
	bad := begin("bad")
	_, err = inBrowser(t, c, bad, func() {
		says := func(what string) {
			t.Helper()
			tab.Until(`document.getElementById('say').textContent.includes('` + what + `') && document.getElementById('go').getAttribute('aria-disabled') === 'false'`)
		}
		sign(other, choose(bad, eth))
		says("another account signed")
		for _, refusal := range []struct{ error, says string }{
			{"{ code: 4001 }", "You turned away in the wallet"}, {"{ code: -32002 }", "waits for you already"}, {"new Error('<img src=x>')", "The wallet did not sign"},
		} {
			tab.Click("#go")
			tab.Until(`window.__asked !== null`)
			browsertest.Eval[bool](tab, "(() => { const a = window.__asked; window.__asked = null; a.reject("+refusal.error+"); return true })()")
			says(refusal.says)
		}
		tab.Click("#no")
	})
	if fault.CodeOf(err) != fault.WalletDenied {
		t.Errorf("turned away: %v", err)
	}
	if _, ok, err := c.Login().Pending(t.Context()); !ok || err != nil { // it may be opened again
		t.Errorf("the attempt is gone: %v", err)
	}
}

// A browser without a wallet says so, and where to go.
func TestABrowserWithoutAWallet(t *testing.T) {
	tab := browsertest.Open(t)
	c := open(t, profile.At(t.TempDir()))
	a, err := c.Login().WalletPage.Begin(t.Context(), login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tab.Go(a.URL)
	tab.Until(`document.getElementById('say').textContent.includes('No extension here offers a wallet')`)
}
