package client

import (
	"context"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

// stamper stamps with the key of the session that the context holds, or else of the active one. The key is looked up at
// stamp time, so that a request made just before a refresh is stamped by a key that still counts. A context made by
// [stampedBy] names another key.
type stamper struct{ sessions *session.Manager }

type (
	signerKey  struct{}
	sessionKey struct{}
)

// stampedBy returns a context whose requests are stamped by signer: a session refreshes and revokes with its own key,
// whichever session is active. In the journal they are requests of s.
func stampedBy(ctx context.Context, s session.Session, signer keystore.Signer) context.Context {
	return context.WithValue(context.WithValue(ctx, signerKey{}, signer), sessionKey{}, s)
}

func (s stamper) Stamp(ctx context.Context, body []byte) (*stamp.Stamp, error) {
	signer, ok := ctx.Value(signerKey{}).(keystore.Signer)
	if !ok {
		held, _ := ctx.Value(heldKey{}).(session.Session) // without one its id is "", the active one's
		var err error
		if signer, err = s.sessions.Signer(ctx, held.ID); err != nil {
			return nil, err
		}
	}
	return stamp.APIKey{Signer: signer}.Stamp(ctx, body)
}

// refresh asks Turnkey for a session of the next key, stamped by the current one, with the same session profile.
func (r *running) refresh(ctx context.Context, s session.Session, current keystore.Signer, next string) (string, error) {
	return r.api.StampLogin(stampedBy(ctx, s, current), s.OrganizationID, wanted(s, next))
}

// everywhere does the same, and Turnkey deletes every other key that a log-in of the user made.
func (r *running) everywhere(ctx context.Context, s session.Session, current keystore.Signer, next string) (string, error) {
	p := wanted(s, next)
	p.InvalidateExisting = true
	return r.api.StampLogin(stampedBy(ctx, s, current), s.OrganizationID, p)
}

func wanted(s session.Session, next string) turnkey.LoginParams {
	return turnkey.LoginParams{
		PublicKey: next, ExpirationSeconds: turnkey.Seconds(s.Length.Seconds()), SessionProfileID: s.ProfileID,
	}
}

// revoke deletes an API key of the session's user at Turnkey, stamped by by, which may be that key itself. A key that
// Turnkey does not know is of kind NotFound.
func (r *running) revoke(ctx context.Context, s session.Session, by keystore.Signer, publicKey string) error {
	ctx = stampedBy(ctx, s, by)
	if s.UserID == "" { // a log-in that was given up before anybody knew its user
		who, err := r.api.Whoami(ctx, s.OrganizationID)
		if err != nil {
			return err
		}
		s.OrganizationID, s.UserID = who.OrganizationID, who.UserID
	}
	keys, err := r.api.GetAPIKeys(ctx, s.OrganizationID, s.UserID)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.Credential.PublicKey == publicKey {
			_, err := r.api.DeleteAPIKeys(ctx, s.OrganizationID, s.UserID, k.APIKeyID)
			return err
		}
	}
	return fault.New(fault.KeyMissing, nil)
}

// probe asks Turnkey whether it still accepts a key.
func (r *running) probe(ctx context.Context, s session.Session, by keystore.Signer) error {
	_, err := r.api.Whoami(stampedBy(ctx, s, by), s.OrganizationID)
	return err
}
