package backend

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/internal/fault"
)

// This file is the relay for Apple, which sends a browser back to a registered https page alone, by a form, and never to
// this machine. The page takes the form and leads the browser on to the device that began the round:
//
//	device  POST /oauth/relay/begin  where it listens, its state, the hash of a secret → the state for Apple
//	browser POST /oauth/relay        Apple's form → a page that leads to the device with a ticket
//	device  POST /oauth/relay/token  the ticket and the secret → the id token
//
// So no token stands in an address, a page that was led elsewhere is worth nothing without the secret, and no state is
// begun by anybody but a device that listens on loopback. Apple's id token comes with the form, bound to the device's key
// by its nonce; the code beside it is not used, so that no backend needs Apple's signing key.
//
// What must be remembered is sealed into state and ticket, for any replica to read. That a state counts once is noted in
// what replicas share. A ticket may be traded again while it lasts, by the device that has the secret: the answer of the
// first time may have been lost.

// relayLife is how long a round, and then its ticket, lasts.
const relayLife = 5 * time.Minute

// relayRound is sealed in the state of a round.
type relayRound struct {
	ReturnTo  string `json:"to"`
	State     string `json:"state"`
	Challenge string `json:"challenge"` // base64url of the SHA-256 of the device's secret
	Ends      int64  `json:"ends"`      // Unix seconds
}

// relayTicket is sealed in what the browser takes to the device. It holds the token itself: a mere name of it would need
// a place that all replicas share.
type relayTicket struct {
	IDToken   string `json:"idToken"`
	Challenge string `json:"challenge"`
	Ends      int64  `json:"ends"`
}

type relayBeginIn struct {
	ReturnTo  string `json:"returnTo" need:"yes"`  // http://127.0.0.1:PORT/…, of the device's own listener
	State     string `json:"state" need:"yes"`     // what the listener waits for
	Challenge string `json:"challenge" need:"yes"` // S256, as PKCE has it
}

type relayBeginOut struct {
	State string `json:"state"` // for the provider
}

func (b *Backend) relayBegin(_ context.Context, c *call, in relayBeginIn) (relayBeginOut, error) {
	c.hide(in.State)
	switch {
	case !comesHome(in.ReturnTo):
		return relayBeginOut{}, bad("returnTo: want http, a loopback address with its port, and a path")
	case len(in.State) < 16 || len(in.State) > 128 || !urlSafe(in.State):
		return relayBeginOut{}, bad("state: want 16 to 128 letters and digits")
	case len(in.Challenge) != 43 || !urlSafe(in.Challenge):
		return relayBeginOut{}, bad("challenge: want the SHA-256 of a secret in base64url")
	}
	state, err := b.seal("relay round", relayRound{in.ReturnTo, in.State, in.Challenge, b.c.Now().Add(relayLife).Unix()})
	return relayBeginOut{state}, err
}

// comesHome reports whether an address is a listener's on the machine of whoever follows it.
func comesHome(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= 256 && u.Scheme == "http" && u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" &&
		slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname()) && u.Port() != "" && u.Port() != "0" && len(u.Path) > 1 &&
		u.RawPath == "" && urlSafe(strings.ReplaceAll(u.Path, "/", ""))
}

func urlSafe(text string) bool {
	return strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// relayForm is what the provider sends; only these are looked at.
type relayForm struct {
	State   string `json:"state" need:"yes"`
	IDToken string `json:"id_token"`
	Error   string `json:"error"`
}

// relay takes the provider's form and returns the page that leads to the device.
func (b *Backend) relay(ctx context.Context, c *call) (webPage, error) {
	if kind, _, err := mime.ParseMediaType(c.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return webPage{}, refuse(http.StatusUnsupportedMediaType, "want a form")
	}
	if err := c.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return webPage{}, refuse(http.StatusRequestEntityTooLarge, "the form is too long")
		}
		return webPage{}, bad("the form cannot be read")
	}
	for name, v := range c.PostForm {
		if len(v) != 1 && slices.Contains([]string{"state", "id_token", "error"}, name) {
			return webPage{}, bad("%s: there more than once", name)
		}
	}
	form := c.PostForm
	c.hide(form.Get("state"), form.Get("code"), form.Get("id_token"), form.Get("user"))
	var r relayRound
	if err := b.unseal("relay round", form.Get("state"), &r); err != nil || b.c.Now().Unix() >= r.Ends {
		return webPage{}, fault.New(fault.BrowserLate, show("state: no log-in waits for this answer"))
	}
	if err := b.onceOnly(ctx, "relay round", form.Get("state")); err != nil {
		return webPage{}, err
	}
	back := url.Values{"state": {r.State}}
	switch token := form.Get("id_token"); {
	case form.Get("error") != "":
		back.Set("error", clean(form.Get("error")))
	case token == "" || len(token) > relayTokenMost:
		back.Set("error", "server_error")
	default:
		ticket, err := b.seal("relay ticket", relayTicket{token, r.Challenge, b.c.Now().Add(relayLife).Unix()})
		if err != nil {
			return webPage{}, err
		}
		back.Set("code", ticket)
	}
	return ahead(r.ReturnTo + "?" + back.Encode()), nil
}

// relayTokenMost is the longest id token that fits into the address of a listener, sealed.
const relayTokenMost = 3 << 10

// clean keeps of an error's code what such codes are made of.
func clean(code string) string {
	if len(code) > 64 || !urlSafe(code) {
		return "server_error"
	}
	return code
}

type relayTokenIn struct {
	Ticket   string `json:"ticket" need:"yes"`
	Verifier string `json:"verifier" need:"yes"`
}

func (b *Backend) relayToken(ctx context.Context, c *call, in relayTokenIn) (proxyOAuth2Out, error) {
	c.hide(in.Ticket, in.Verifier)
	var t relayTicket
	if err := b.unseal("relay ticket", in.Ticket, &t); err != nil || b.c.Now().Unix() >= t.Ends {
		return proxyOAuth2Out{}, fault.New(fault.LoginRefused, show("ticket: unknown or over"))
	}
	if !answers256(t.Challenge, in.Verifier) {
		return proxyOAuth2Out{}, fault.New(fault.LoginRefused, show("verifier: not of the device that began"))
	}
	c.hide(t.IDToken)
	return proxyOAuth2Out{t.IDToken}, nil
}

// onceOnly refuses what was used before. Errors: fault.BrowserLate.
func (b *Backend) onceOnly(ctx context.Context, purpose, value string) error {
	name := b.hash(purpose+" used", value)
	turn, err := b.kept.joining.take(ctx, name)
	if err != nil {
		return err
	}
	defer turn.done()
	used, err := b.kept.familiar.marked(ctx, name)
	switch {
	case err != nil:
		return err
	case used:
		return fault.New(fault.BrowserLate, show("state: used before"))
	}
	return b.kept.familiar.mark(ctx, name, relayLife)
}

// sealer encrypts for a purpose, under a key that all replicas derive.
func (b *Backend) sealer(purpose string) (cipher.AEAD, error) {
	key := sha256.Sum256(append([]byte("latchkey backend seal v1\x00"+purpose+"\x00"), b.salt...))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (b *Backend) seal(purpose string, what any) (string, error) {
	plain, err := json.Marshal(what)
	if err != nil {
		return "", err
	}
	aead, err := b.sealer(purpose)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nil, nil, plain, nil)), nil
}

func (b *Backend) unseal(purpose, text string, to any) error {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return err
	}
	aead, err := b.sealer(purpose)
	if err != nil {
		return err
	}
	plain, err := aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, to)
}
