package backend

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/fault"
)

// This file is the backend's half of a ceremony: what only a browser can do for a device, by a passkey or a wallet of its own, is done on
// a page of the backend's own origin, and what comes of it goes to the device that asked for it and to nobody else:
//
//	device  POST /ceremony/begin   what is to be done, where it listens, its state, the hash of a secret → the ceremony
//	browser GET  /ceremony#…       the page; the ceremony stands in its fragment, which reaches no server and no log
//	browser POST /ceremony/open    the ceremony, once → what the page shows and asks the browser for
//	browser POST /ceremony/answer  what came of it, checked here → where the browser goes: to the device, with a ticket
//	device  POST /ceremony/token   the ticket and the secret → the result
//
// Nothing is remembered but that a ceremony was opened and answered: it is sealed in what the device and the page carry,
// for any replica to read, as in the relay. A page that is opened on somebody else's word gives its result to whoever holds
// the secret alone, and shows two digits that stand on the device too, against mixed-up windows.

// ceremonyLife is how long a ceremony, and then its ticket, lasts.
const ceremonyLife = 5 * time.Minute

// ceremonyRound is sealed in a ceremony.
type ceremonyRound struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	ReturnTo  string `json:"to"`
	State     string `json:"state"`
	Challenge string `json:"challenge"` // base64url of the SHA-256 of the device's secret
	Match     string `json:"match"`
	Ends      int64  `json:"ends"` // Unix seconds

	// what a kind needs
	Name  string `json:"name,omitempty"`  // of whom a passkey is for
	Nonce string `json:"nonce,omitempty"` // WebAuthn's challenge, in base64url
	Body  string `json:"body,omitempty"`  // of the request that is to be stamped
}

// ceremonyTicket is sealed in what the browser takes to the device.
type ceremonyTicket struct {
	Result    json.RawMessage `json:"result"`
	Challenge string          `json:"challenge"`
	Ends      int64           `json:"ends"`
}

// ceremonyKind is something that a browser can do for a device.
type ceremonyKind struct {
	// begin completes a round, and refuses what the page could not show.
	begin func(r *ceremonyRound) error
	// ask is what the page needs to do it: facts to show, and options for the browser.
	ask func(b *Backend, r ceremonyRound, at site) (ceremonyPage, error)
	// check makes the result of what the page answers.
	check func(ctx context.Context, b *Backend, r ceremonyRound, at site, answer json.RawMessage) (any, error)
}

var ceremonyKinds = map[string]ceremonyKind{
	"passkey-create": {beginPasskey, askPasskey, checkPasskey},
	"passkey-stamp":  {beginStamp, askStamp, checkStamp},
	"wallet-stamp":   {beginStamp, askWallet, checkWallet},
}

// site is where a page stands.
type site struct {
	origin string // as the browser names it
	rpID   string // of its passkeys: the host's name
}

type ceremonyBeginIn struct {
	Kind      string `json:"kind" need:"yes"`      // passkey-create, passkey-stamp, wallet-stamp
	ReturnTo  string `json:"returnTo" need:"yes"`  // http://127.0.0.1:PORT/…, of the device's own listener
	State     string `json:"state" need:"yes"`     // what the listener waits for
	Challenge string `json:"challenge" need:"yes"` // S256, as PKCE has it
	Name      string `json:"name"`                 // with passkey-create: what the passkey is called
	Body      string `json:"body"`                 // with the others: the request, to the byte
}

type ceremonyBeginOut struct {
	Ceremony  string `json:"ceremony"`  // for the fragment of the page's address
	Match     string `json:"match"`     // two digits that the page shows too
	ExpiresAt string `json:"expiresAt"` // RFC 3339
}

func (b *Backend) ceremonyBegin(_ context.Context, c *call, in ceremonyBeginIn) (ceremonyBeginOut, error) {
	c.hide(in.State, in.Name, in.Body)
	kind, known := ceremonyKinds[in.Kind]
	switch {
	case !known:
		return ceremonyBeginOut{}, bad("kind: nothing that a page here can do")
	case !comesHome(in.ReturnTo):
		return ceremonyBeginOut{}, bad("returnTo: want http, a loopback address with its port, and a path")
	case len(in.State) < 16 || len(in.State) > 128 || !urlSafe(in.State):
		return ceremonyBeginOut{}, bad("state: want 16 to 128 letters and digits")
	case len(in.Challenge) != 43 || !urlSafe(in.Challenge):
		return ceremonyBeginOut{}, bad("challenge: want the SHA-256 of a secret in base64url")
	}
	match, err := rand.Int(rand.Reader, big.NewInt(90))
	if err != nil {
		return ceremonyBeginOut{}, err
	}
	ends := b.c.Now().Add(ceremonyLife)
	r := ceremonyRound{
		ID: uuid.NewString(), Kind: in.Kind, ReturnTo: in.ReturnTo, State: in.State, Challenge: in.Challenge,
		Match: fmt.Sprint(10 + match.Int64()), Ends: ends.Unix(), Name: strings.TrimSpace(in.Name), Body: in.Body,
	}
	if err := kind.begin(&r); err != nil {
		return ceremonyBeginOut{}, err
	}
	sealed, err := b.seal("ceremony", r)
	return ceremonyBeginOut{sealed, r.Match, ends.UTC().Format(time.RFC3339)}, err
}

type ceremonyOpenIn struct {
	Ceremony string `json:"ceremony" need:"yes"`
}

// ceremonyPage is what the page shows and asks the browser for.
type ceremonyPage struct {
	Page    string         `json:"page"` // what its answer must carry
	Kind    string         `json:"kind"`
	App     string         `json:"app"`
	Match   string         `json:"match"`
	Title   string         `json:"title"`
	Facts   []ceremonyFact `json:"facts"`
	Options any            `json:"options"` // for navigator.credentials, bytes in base64url; for a wallet, the message
}

// ceremonyFact is one line of what is approved.
type ceremonyFact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (b *Backend) ceremonyOpen(ctx context.Context, c *call, in ceremonyOpenIn) (ceremonyPage, error) {
	at, err := siteOf(c.Request)
	if err != nil {
		return ceremonyPage{}, err
	}
	c.hide(in.Ceremony)
	var r ceremonyRound
	if err := b.unseal("ceremony", in.Ceremony, &r); err != nil || b.c.Now().Unix() >= r.Ends {
		return ceremonyPage{}, fault.New(fault.BrowserLate, show("ceremony: unknown or over"))
	}
	if err := b.onceOnly(ctx, "ceremony opened", r.ID); err != nil {
		return ceremonyPage{}, err
	}
	page, err := ceremonyKinds[r.Kind].ask(b, r, at)
	if err != nil {
		return ceremonyPage{}, err
	}
	page.Kind, page.App, page.Match = r.Kind, b.c.AppName, r.Match
	page.Page, err = b.seal("ceremony page", r)
	return page, err
}

type ceremonyAnswerIn struct {
	Page    string          `json:"page" need:"yes"`
	Answer  json.RawMessage `json:"answer"`  // of the browser; absent when the person turned away
	Refused bool            `json:"refused"` // the person turned away
}

type ceremonyAnswerOut struct {
	Onward string `json:"onward"` // where the browser goes now
}

func (b *Backend) ceremonyAnswer(ctx context.Context, c *call, in ceremonyAnswerIn) (ceremonyAnswerOut, error) {
	at, err := siteOf(c.Request)
	if err != nil {
		return ceremonyAnswerOut{}, err
	}
	c.hide(in.Page, string(in.Answer))
	var r ceremonyRound
	if err := b.unseal("ceremony page", in.Page, &r); err != nil || b.c.Now().Unix() >= r.Ends {
		return ceremonyAnswerOut{}, fault.New(fault.BrowserLate, show("page: unknown or over"))
	}
	onward := url.Values{"state": {r.State}}
	if in.Refused {
		if err := b.onceOnly(ctx, "ceremony answered", r.ID); err != nil {
			return ceremonyAnswerOut{}, err
		}
		onward.Set("error", "access_denied")
		return ceremonyAnswerOut{r.ReturnTo + "?" + onward.Encode()}, nil
	}
	result, err := ceremonyKinds[r.Kind].check(ctx, b, r, at, in.Answer)
	if err != nil {
		return ceremonyAnswerOut{}, err
	}
	if err := b.onceOnly(ctx, "ceremony answered", r.ID); err != nil {
		return ceremonyAnswerOut{}, err
	}
	raw, err := json.Marshal(result)
	if err != nil {
		return ceremonyAnswerOut{}, err
	}
	ticket, err := b.seal("ceremony ticket", ceremonyTicket{raw, r.Challenge, b.c.Now().Add(ceremonyLife).Unix()})
	if err != nil {
		return ceremonyAnswerOut{}, err
	}
	c.hide(ticket)
	onward.Set("code", ticket)
	return ceremonyAnswerOut{r.ReturnTo + "?" + onward.Encode()}, nil
}

type ceremonyTokenIn struct {
	Ticket   string `json:"ticket" need:"yes"`
	Verifier string `json:"verifier" need:"yes"`
}

type ceremonyTokenOut struct {
	Result json.RawMessage `json:"result"` // by the kind
}

// ceremonyToken may be asked again with the same ticket: an answer that was lost loses nothing.
func (b *Backend) ceremonyToken(_ context.Context, c *call, in ceremonyTokenIn) (ceremonyTokenOut, error) {
	c.hide(in.Ticket, in.Verifier)
	var t ceremonyTicket
	if err := b.unseal("ceremony ticket", in.Ticket, &t); err != nil || b.c.Now().Unix() >= t.Ends {
		return ceremonyTokenOut{}, fault.New(fault.BrowserLate, show("ticket: unknown or over"))
	}
	if !answers256(t.Challenge, in.Verifier) {
		return ceremonyTokenOut{}, fault.New(fault.LoginRefused, show("verifier: not of the device that began"))
	}
	return ceremonyTokenOut{t.Result}, nil
}

// answers256 reports whether a challenge is the SHA-256 of verifier in base64url, as PKCE's S256 has it.
func answers256(challenge, verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// siteOf is where the page of a request stands, by its Origin, which a browser always sends with what these pages send.
// Only the backend's own page may call. Errors: fault.BackendRefused.
func siteOf(r *http.Request) (site, error) {
	origin := r.Header.Get("Origin")
	u, err := url.Parse(origin)
	if err != nil || origin == "" || !strings.EqualFold(u.Host, r.Host) {
		return site{}, fault.New(fault.BackendRefused, show("only the backend's own page may call this"))
	}
	if u.Scheme != "https" && !loopback(u.Host) {
		return site{}, fault.New(fault.BackendRefused, show("browsers have passkeys on https pages alone, and on localhost"))
	}
	return site{origin, strings.ToLower(u.Hostname())}, nil
}
