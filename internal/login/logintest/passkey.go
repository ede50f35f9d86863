package logintest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/descope/virtualwebauthn"
)

// Authenticator is a person with one passkey before the backend's page: what its script and a browser do, by plain HTTP.
type Authenticator struct {
	Client *http.Client // nil is http.DefaultClient
	Match  string       // the number that the page last showed

	device     virtualwebauthn.Authenticator
	credential virtualwebauthn.Credential
}

// NewAuthenticator returns one with a passkey that no account has yet.
func NewAuthenticator(client *http.Client) *Authenticator {
	const whole = 77 // bytes of COSE with two coordinates of 32: the library writes a leading zero short
	credential := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	for len(credential.Key.AttestationData()) != whole {
		credential = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	return &Authenticator{Client: client, device: virtualwebauthn.NewAuthenticator(), credential: credential}
}

// Refusal is what the backend says to its page instead of leading on.
type Refusal struct {
	Status int
	Reason string
}

func (r *Refusal) Error() string { return fmt.Sprintf("%d %s", r.Status, r.Reason) }

// Go opens a link and does what its page asks for: makes the passkey, or uses it. It returns the page at the very end, or
// a Refusal.
func (a *Authenticator) Go(link string) (Page, error) {
	at, page, err := a.open(link)
	if err != nil {
		return Page{}, err
	}
	return a.answer(at, map[string]any{"page": page.Page, "answer": page.answer(a, at)})
}

// TurnAway opens a link and presses Cancel there.
func (a *Authenticator) TurnAway(link string) (Page, error) {
	at, page, err := a.open(link)
	if err != nil {
		return Page{}, err
	}
	return a.answer(at, map[string]any{"page": page.Page, "refused": true})
}

// Stop does what the page asks for but goes nowhere afterwards, and returns the address to which the browser was to go.
func (a *Authenticator) Stop(link string) (string, error) {
	at, page, err := a.open(link)
	if err != nil {
		return "", err
	}
	return a.onward(at, map[string]any{"page": page.Page, "answer": page.answer(a, at)})
}

type opened struct {
	Page, Kind, Match string
	Options           struct{ Challenge, Message string }
}

func (o opened) answer(a *Authenticator, at *url.URL) json.RawMessage {
	rp := virtualwebauthn.RelyingParty{ID: at.Hostname(), Name: "Latchkey", Origin: at.Scheme + "://" + at.Host}
	challenge, _ := base64.RawURLEncoding.DecodeString(o.Options.Challenge)
	if o.Kind == "passkey-create" {
		return json.RawMessage(virtualwebauthn.CreateAttestationResponse(rp, a.device, a.credential, virtualwebauthn.AttestationOptions{Challenge: challenge}))
	}
	return json.RawMessage(virtualwebauthn.CreateAssertionResponse(rp, a.device, a.credential, virtualwebauthn.AssertionOptions{Challenge: challenge}))
}

func (a *Authenticator) open(link string) (*url.URL, opened, error) {
	at, err := url.Parse(link)
	if err != nil {
		return nil, opened{}, err
	}
	var o opened
	err = a.post(at, "/open", map[string]any{"ceremony": at.Fragment}, &o)
	a.Match = o.Match
	return at, o, err
}

func (a *Authenticator) onward(at *url.URL, in any) (string, error) {
	var out struct{ Onward string }
	err := a.post(at, "/answer", in, &out)
	return out.Onward, err
}

func (a *Authenticator) answer(at *url.URL, in any) (Page, error) {
	to, err := a.onward(at, in)
	if err != nil {
		return Page{}, err
	}
	p := Person{Client: a.Client}
	return p.read(p.client().Get(to))
}

func (a *Authenticator) post(at *url.URL, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	q, err := http.NewRequest(http.MethodPost, at.Scheme+"://"+at.Host+strings.TrimSuffix(at.Path, "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Origin", at.Scheme+"://"+at.Host)
	reply, err := (Person{Client: a.Client}).client().Do(q)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	if err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK {
		var why struct{ Reason string }
		_ = json.Unmarshal(text, &why) // what says nothing has no reason
		return &Refusal{reply.StatusCode, why.Reason}
	}
	return json.Unmarshal(text, out)
}
