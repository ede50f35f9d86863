package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/session"
	"latchkey/internal/turnkey"
)

// Sessions returns the profile's sessions, or nil before Open.
func (c *Client) Sessions() *session.Manager {
	r, err := c.opened()
	if err != nil {
		return nil
	}
	return r.sessions
}

// Login returns the ways in, or nil before Open.
func (c *Client) Login() *login.Ways {
	r, err := c.opened()
	if err != nil {
		return nil
	}
	return r.ways
}

// heldKey is where a context keeps the session that inSession chose.
type heldKey struct{}

// inSession does f for the active session, and ends the session when the failure of f shows that it is over. Its key
// stamps what f asks for even if another session becomes active meanwhile, in this process or in another.
func inSession[T any](ctx context.Context, c *Client, f func(context.Context, *running, session.Session) (T, error)) (out T, err error) {
	r, err := c.opened()
	if err != nil {
		return out, err
	}
	s, ok := r.sessions.Active()
	if !ok {
		if _, err := r.sessions.Signer(ctx, ""); err != nil { // it knows why there is none
			return out, err
		}
		return out, fault.New(fault.SessionNone, nil)
	}
	if err := r.place.heal(ctx); err != nil {
		c.log.Debug("nobody serves the sandbox", "err", err)
	}
	out, err = f(context.WithValue(ctx, heldKey{}, s), r, s)
	if err != nil {
		c.doubt(context.WithoutCancel(ctx), r, s, err)
	}
	return out, err
}

// doubt ends the session when a failure means that it is over: Turnkey knows neither its key nor its organization any
// more, or its key is gone from the key store. A refusal may concern another organization that a request named, so
// Turnkey is asked about the session itself first.
func (c *Client) doubt(ctx context.Context, r *running, s session.Session, err error) {
	reason := session.Rejected
	refusal, refused := errors.AsType[*turnkey.VendorError](err)
	switch code := fault.CodeOf(err); {
	case code == fault.KeyMissing && s.Reachable, code == fault.KeyCorrupt:
		reason = session.Revoked
	case refused && (errors.Is(err, fault.Expired) || gone(refusal)):
		signer, err := r.sessions.Signer(ctx, s.ID)
		if err != nil {
			return
		}
		s.Key.PublicKey = signer.PublicKey()
		err = r.probe(ctx, s, signer)
		if refusal, refused := errors.AsType[*turnkey.VendorError](err); !refused || !errors.Is(err, fault.Expired) && !gone(refusal) {
			return
		}
	default:
		return
	}
	if err := r.sessions.End(ctx, s.ID, s.Key.PublicKey, reason); err != nil {
		c.log.Warn("cannot note that the session is over", "err", err)
	}
}

// gone reports whether Turnkey says that the organization does not exist.
func gone(e *turnkey.VendorError) bool { return e.TurnkeyCode == "ORGANIZATION_NOT_FOUND" }

// Whoami asks Turnkey who the active session is.
func (c *Client) Whoami(ctx context.Context) (turnkey.Whoami, error) {
	return inSession(ctx, c, func(ctx context.Context, r *running, s session.Session) (turnkey.Whoami, error) {
		return r.api.Whoami(ctx, s.OrganizationID)
	})
}

// Request stamps body with the active session's key, posts it byte for byte and returns the answer.
func (c *Client) Request(ctx context.Context, path string, body []byte) ([]byte, error) {
	return inSession(ctx, c, func(ctx context.Context, r *running, _ session.Session) ([]byte, error) {
		return r.api.Post(ctx, path, body)
	})
}

// RequestOrTouch is [Client.Request] while there is a session that is good. When there is none, a passkey stamps, in the
// browser: show is told where the page is. What must be asked about is asked about either way. Errors: those of
// [Client.Request] and of the stamps of [login.Passkey.Stamper].
func (c *Client) RequestOrTouch(ctx context.Context, path string, body []byte, show func(login.Attempt)) ([]byte, error) {
	r, err := c.opened()
	if err != nil {
		return nil, err
	}
	if _, good := r.sessions.Active(); good {
		return c.Request(ctx, path, body)
	}
	if err := r.place.heal(ctx); err != nil {
		c.log.Debug("nobody serves the sandbox", "err", err)
	}
	return r.api.Post(turnkey.StampedBy(ctx, r.ways.Passkey.Stamper(show)), path, body)
}

// LogOut ends the active session: its key and token are gone here at once, and Turnkey is told if it can be reached.
func (c *Client) LogOut(ctx context.Context) (session.LogOutResult, error) {
	r, err := c.opened()
	if err != nil {
		return session.LogOutResult{}, err
	}
	return r.sessions.LogOut(ctx, "")
}

// InboxURL returns where the sandbox's messages are; "" for a profile that has no sandbox, and before Open.
func (c *Client) InboxURL() string {
	r, err := c.opened()
	if err != nil {
		return ""
	}
	return r.place.inbox()
}

// SandboxCode returns the newest code that the sandbox sent to contact, waiting up to five seconds for one.
// Errors: fault.InboxEmpty if there is none; fault.SandboxOnly for a profile without a sandbox; fault.APIDown.
func (c *Client) SandboxCode(ctx context.Context, contact string) (string, error) {
	return c.inbox(ctx, contact, func(m message) string { return m.Code })
}

// SandboxKey is SandboxCode for a key that comes sealed by e-mail.
func (c *Client) SandboxKey(ctx context.Context, contact string) (string, error) {
	return c.inbox(ctx, contact, func(m message) string { return m.Bundle })
}

// message is what of a message in the sandbox's inbox is used.
type message struct{ Code, Bundle string }

// inbox returns what pick finds in the newest message to contact that has it.
func (c *Client) inbox(ctx context.Context, contact string, pick func(message) string) (string, error) {
	inbox := c.InboxURL()
	if inbox == "" {
		return "", notHere(c.Profile())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, inbox+"?wait=5&to="+url.QueryEscape(contact), nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fault.New(fault.APIDown, err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	if resp.StatusCode != http.StatusOK {
		return "", fault.New(fault.APIDown, fmt.Errorf("the inbox answered %d", resp.StatusCode))
	}
	var answer struct {
		Messages []message
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer); err != nil {
		return "", fault.New(fault.APIDown, fmt.Errorf("the inbox's answer: %w", err))
	}
	for _, m := range answer.Messages {
		if text := pick(m); text != "" {
			return text, nil
		}
	}
	return "", fault.New(fault.InboxEmpty, nil)
}
