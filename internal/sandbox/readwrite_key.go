package sandbox

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"slices"

	"latchkey/internal/bundle"
	"latchkey/internal/p256"
)

// bundled asks for an expiring key that is made here and handed over sealed, as a credential bundle, to the target key
// that the client made for it.
type bundled struct {
	TargetPublicKey    string  `json:"targetPublicKey" need:"text"`
	APIKeyName         string  `json:"apiKeyName,omitempty"`
	ExpirationSeconds  numeral `json:"expirationSeconds,omitempty"`
	InvalidateExisting *bool   `json:"invalidateExisting,omitempty"`

	lasts  int64 // seconds
	public point
	sealed string // the bundle
}

// prepare makes the key and seals it, which costs as much as a signature.
func (in *bundled) prepare(c *call) error {
	receiver, err := p256.ParsePublic(in.TargetPublicKey)
	if err != nil {
		return invalid("invalid target public key")
	}
	target, err := receiver.ECDH()
	if err != nil {
		return invalid("invalid target public key")
	}
	var ok bool
	if in.lasts, ok = seconds(in.ExpirationSeconds, sessionDefault); !ok {
		return invalid("invalid api key expiration")
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), c.state.choices.key().Bytes())
	if err != nil {
		return err
	}
	in.public, _ = hexPoint(p256.Compressed(&key.PublicKey))
	in.sealed, err = bundle.SealCredential(target, key)
	return err
}

// hand gives the key to u, a version that may not be installed yet, and ends the older ones of its kind if that is
// asked for. title begins the name of a key that was not named.
func (in *bundled) hand(t *tx, u *user, kind credential, title string) *apiKey {
	next := *u
	next.updated = t.now
	next.keys = slices.DeleteFunc(slices.Clone(u.keys), func(k *apiKey) bool {
		return k.kind == kind && in.InvalidateExisting != nil && *in.InvalidateExisting
	})
	k := &apiKey{id: t.id(), name: cmp.Or(in.APIKeyName, title+" - "+isoTime(t.now)), public: in.public, kind: kind, seconds: in.lasts, created: t.now}
	next.addKey(k, t.now)
	t.stage(&next)
	return k
}

// mailbox returns the organization's one user with that e-mail address. The caller holds the lock.
func (c *call) mailbox(email string) (*user, error) {
	var found *user
	for _, u := range c.org.users {
		if sameEmail(u.email) != sameEmail(email) {
			continue
		}
		if found != nil {
			return nil, invalid("more than one user found with the given email organizationId=%s", c.org.id)
		}
		found = u
	}
	if found == nil || email == "" {
		return nil, notFound("no user found with the given email in organization", "organizationId", c.org.id.String())
	}
	return found, nil
}
