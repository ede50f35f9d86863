package logintest

import (
	"encoding/hex"
	"net/http"

	"latchkey/internal/stamp"
)

// Wallet is a person with a wallet of Ethereum in the browser, before the backend's page: what its script and the wallet
// do, by plain HTTP.
type Wallet struct {
	Client  *http.Client             // nil is http.DefaultClient
	Sign    func(body []byte) []byte // the 65 bytes of personal_sign
	Address string                   // "" is what Sign signs with
	Match   string                   // the number that the page last showed
}

// Go opens a link and signs there. It returns the page at the very end, or a Refusal.
func (w *Wallet) Go(link string) (Page, error) {
	a := &Authenticator{Client: w.Client}
	at, page, err := a.open(link)
	w.Match = page.Match
	if err != nil {
		return Page{}, err
	}
	body := []byte(page.Options.Message)
	signature := w.Sign(body)
	address := w.Address
	if signed, err := stamp.OfEthereum(body, signature); err == nil && address == "" {
		address = "0x" + hex.EncodeToString(signed.Address[:])
	}
	return a.answer(at, map[string]any{"page": page.Page, "answer": map[string]string{"chain": "ethereum", "address": address, "signature": "0x" + hex.EncodeToString(signature)}})
}
