package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/token"
)

// defaultLength is what the service itself takes when nothing is asked for.
const defaultLength = 900 * time.Second

// StoreRequest is a log-in that succeeded.
type StoreRequest struct {
	JWT            string
	PublicKey      string        // a pending key, which becomes the session's
	OrganizationID string        // what the token must name; "" for any but the parent
	Label          string        // "" takes the contact; one that a live session has gets a number
	Contact        string        // who logged in
	Method         string        // how
	Length         time.Duration // what refreshes ask for; 0: 900 s
	Attempt        string        // id of the attempt that is over with this
	Select         bool          // make it the active session; otherwise the active one stays
	Replace        string        // id of a session whose place it takes; "" for none
}

// Store verifies the token and makes a session of it, in one write: the key stops being pending, the attempt is over.
// The token must be signed by the notarizer, for exactly this key and organization, and not be over. Errors: the token
// codes; fault.AttemptOver if the key is not pending; those of the key store and of the file. The pending key stays
// pending when it fails.
func (m *Manager) Store(ctx context.Context, q StoreRequest) (Session, error) {
	m.prepare()
	now := m.now()
	claims, err := m.verify(q.JWT, token.Want{PublicKey: q.PublicKey, OrganizationID: q.OrganizationID}, now)
	if err != nil {
		return Session{}, err
	}
	// A session whose key is gone would be a lie.
	k := key{PublicKey: q.PublicKey, Backend: m.Keys.Backend()}
	st := m.snapshot()
	if p := st.pending(q.PublicKey); p != nil {
		k = p.key
	}
	if _, err := m.openKey(ctx, k); err != nil {
		return Session{}, fmt.Errorf("store a session: %w", err)
	}
	if q.Length <= 0 {
		q.Length = defaultLength
	}
	if q.Label == "" {
		q.Label = q.Contact
	}
	id := newID()
	sealed := m.sealToken(ctx, id, q.PublicKey, q.JWT)
	s, err := m.update(ctx, "session", stored{
		record: record{
			ID: id, Label: q.Label, OrganizationID: claims.OrganizationID, UserID: claims.UserID,
			kind: kindOf(claims), Contact: q.Contact, Method: q.Method, LengthSeconds: int64(q.Length / time.Second),
			Key: key{PublicKey: q.PublicKey, Expires: at(claims.Expires)}, Token: sealed,
		},
		attempt: q.Attempt, active: q.Select, replace: q.Replace,
	})
	if err != nil {
		return Session{}, err
	}
	m.Log.Info("session stored", "session", id, "expires", claims.Expires)
	m.nudge()
	return m.view(*s.session(id), s.Active), nil
}

// verify believes a session token or says why not.
func (m *Manager) verify(jwt string, want token.Want, now instant) (token.Session, error) {
	if m.Notarizer == nil {
		return token.Session{}, fault.New(fault.ProfileBad, errors.New("no notarizer key"))
	}
	claims, err := token.VerifySession(jwt, m.Notarizer, want, now.time())
	switch {
	case err != nil:
		return token.Session{}, err
	case m.OrganizationParent != "" && claims.OrganizationID == m.OrganizationParent:
		return token.Session{}, fault.New(fault.TokenForeign, errors.New("for the parent organization"))
	case at(claims.Expires) <= now: // no leeway: it could not stamp
		return token.Session{}, fault.New(fault.TokenExpired, errors.New("over on arrival"))
	}
	return claims, nil
}

func newID() string {
	id := make([]byte, 8)
	rand.Read(id) // never fails
	return hex.EncodeToString(id)
}
