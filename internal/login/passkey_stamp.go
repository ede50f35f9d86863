package login

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"golang.org/x/oauth2"

	"latchkey/internal/ceremony"
	"latchkey/internal/fault"
	"latchkey/internal/stamp"
)

// Stamper returns a stamper that has every body stamped by a passkey, on the backend's page, which says what the request
// does. show is told where the page is and which number it shows; the stamp is waited for until ctx of a request ends, or
// five minutes. Errors of its stamps: fault.PasskeyDenied when the person turned away, fault.BrowserLate,
// fault.PortsTaken; fault.RequestInvalid for a body that no page shows, such as one over 8 kB; what the backend says.
func (p *Passkey) Stamper(show func(Attempt)) stamp.Stamper { return touchEach{p, show} }

// touchEach asks for a touch for each stamp. Nothing of it is kept: who ends the program meanwhile asks again.
type touchEach struct {
	p    *Passkey
	show func(Attempt)
}

// Stamp waits for the page.
func (t touchEach) Stamp(ctx context.Context, body []byte) (*stamp.Stamp, error) {
	p := t.p
	k := touch{State: rand.Text(), Verifier: oauth2.GenerateVerifier(), Expires: p.now().Add(ceremony.Life), Body: string(body)}
	l, err := ceremony.Listen(ceremony.Expect{State: k.State, Expires: k.Expires, Now: p.now})
	if err != nil {
		return nil, fmt.Errorf("stamp by a passkey: %w", err)
	}
	defer l.Close()
	k.Home = l.RedirectURI()
	if err := p.pageOf(ctx, asking{Kind: "passkey-stamp"}, &k); err != nil {
		return nil, fmt.Errorf("stamp by a passkey: %w", err)
	}
	t.show(Attempt{Method: methodPasskey, Contact: p.what, Expires: k.Expires, URL: k.URL, Match: k.Match})
	answer, err := l.Wait(ctx)
	if err != nil {
		return nil, err
	}
	if answer.Get("code") == "" {
		return nil, fault.New(fault.PasskeyDenied, nil)
	}
	result, err := p.Backend.ceremonyResult(ctx, answer.Get("code"), k.Verifier)
	if err != nil {
		return nil, fmt.Errorf("stamp by a passkey: %w", err)
	}
	var stamped struct {
		Stamp string `json:"stamp"`
	}
	if err := json.Unmarshal(result, &stamped); err != nil || stamped.Stamp == "" {
		return nil, incomplete(ceremonyPath + "/token")
	}
	return &stamp.Stamp{HeaderName: stamp.HeaderWebAuthn, HeaderValue: stamped.Stamp}, nil
}
