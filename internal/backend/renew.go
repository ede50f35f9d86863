package backend

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

// ownKey stamps with the parent's key, which may be changed while requests are under way: each is stamped by the key
// that was in force when it was sent first.
type ownKey struct{ now atomic.Pointer[p256.Key] }

func (o *ownKey) set(key *ecdsa.PrivateKey) { o.now.Store(p256.NewKey(key)) }

// Stamp implements stamp.Stamper.
func (o *ownKey) Stamp(ctx context.Context, body []byte) (*stamp.Stamp, error) {
	return stamp.APIKey{Signer: o.now.Load()}.Stamp(ctx, body)
}

// Renew puts the API key of c in the place of the present one, once the service has said that it knows it as one of
// the parent's. Nothing else of c is taken. With an error the present key stays: fault.BackendConfig for settings that
// cannot be used or another organization's, else what the service answered.
//
// Hashes of contacts, which follow from the key that the backend started with, stay as they are until a restart, so that
// no attempt under way is lost.
func (b *Backend) Renew(ctx context.Context, c Config) error {
	k, err := c.keys()
	if err != nil {
		return err
	}
	if c.OrganizationID != b.c.OrganizationID || c.APIURL != b.c.APIURL {
		return wrong("TURNKEY_ORGANIZATION_ID", "another organization or API wants a restart")
	}
	next := &ownKey{}
	next.set(k.own)
	client := &turnkey.Client{BaseURL: b.api.BaseURL, Stamper: next, HTTP: b.c.HTTP, Now: b.c.Now}
	me, err := client.Whoami(ctx, c.OrganizationID)
	if err == nil && me.OrganizationID != c.OrganizationID {
		err = notParents()
	}
	if err != nil {
		return fmt.Errorf("try the key %s: %w", shortKey(c.APIPublicKey), err)
	}
	b.own.set(k.own)
	done, err := b.probes.take(ctx, "")
	if err != nil {
		return nil // the key is in force; only the next probe may still tell of the old one
	}
	defer done()
	b.ready = readiness{}
	return nil
}

// KeyInUse is the public key by which the backend stamps now.
func (b *Backend) KeyInUse() string { return b.own.now.Load().PublicKey() }

func notParents() error {
	return fault.New(fault.APIRefused, errors.New("the key is not one of the parent organization"))
}

// shortKey tells one public key from another in a message.
func shortKey(hex string) string { return strings.ToLower(hex[:10]) + "…" }
