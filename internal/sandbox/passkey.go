package sandbox

import (
	"encoding/base64"
	"iter"
	"strings"

	"latchkey/internal/sandbox/passkey"
	"latchkey/internal/stamp"
)

// passkeyStamp is the stamp of an authenticator.
type passkeyStamp struct {
	stamp.WebAuthnStamp
	publicKey string // of the authenticator that it turned out to be
}

func (c *call) readPasskeyStamp(value string) (presented, error) {
	s, err := stamp.ParseWebAuthn(value)
	if err != nil {
		return nil, badStamp("webauthn", err.Error())
	}
	c.seen.Stamp = map[string]string{"header": stamp.HeaderWebAuthn, "credentialId": s.CredentialID, "clientData": string(s.ClientData)}
	return &passkeyStamp{WebAuthnStamp: s}, nil
}

func (p *passkeyStamp) users(s *state) iter.Seq[*user] { return s.byPasskey.all(p.CredentialID) }

func (p *passkeyStamp) of(u *user) (used, bool) {
	a := u.passkey(p.CredentialID)
	if a == nil {
		return used{}, false
	}
	p.publicKey = base64.RawURLEncoding.EncodeToString(a.PublicKey)
	return used{kind: credentialWebAuthn, id: a.ID, publicKey: p.publicKey, passkey: a, credentialID: a.CredentialID}, true
}

func (p *passkeyStamp) check(c *call, with used) error {
	key, err := passkey.ParseKey(with.passkey.PublicKey)
	if err != nil {
		return err // what was let in can be read
	}
	if err := key.Verify(p.WebAuthnStamp, c.body, c.origins()); err != nil {
		return badPasskeySignature(err.Error())
	}
	return nil
}

// origins are those from which passkeys may stamp in the organization: its own feature says so, or else its parent's.
// None means any.
func (c *call) origins() (origins []string) {
	c.state.reading(func() {
		value, on := c.org.feature(featureWebAuthnOrigins)
		if !on && c.org.parent != nil {
			value, _ = c.org.parent.feature(featureWebAuthnOrigins)
		}
		for origin := range strings.SplitSeq(value, ",") {
			if origin = strings.TrimSpace(origin); origin != "" {
				origins = append(origins, origin)
			}
		}
	})
	return origins
}

// vote leaves the authenticator's key and signature. No source names a scheme for them.
func (p *passkeyStamp) vote() (publicKey, signature, scheme string) {
	return p.publicKey, base64.RawURLEncoding.EncodeToString(p.Signature), ""
}

func (p *passkeyStamp) unknown(org string) *refusal { return unknownCredential(org, p.CredentialID) }
func (p *passkeyStamp) shared(org string) *refusal  { return sharedCredential(org, p.CredentialID) }
