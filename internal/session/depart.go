package session

import (
	"context"
	"errors"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
)

// revokePatience is how long the service may take to forget a key whose deletion here waits for it.
const revokePatience = 3 * time.Second

// unlockPatience is how long a key store may take before that: a person may be typing a passphrase.
const unlockPatience = time.Minute

// departure is one key on its way out in this process.
type departure struct {
	done          chan struct{}
	gone, revoked bool
}

// departLocked says that the caller of departKey holds the lock of the key's refresh.
const departLocked = true

// departKey lets a leaving key go: revoked by itself where the service may know it, deleted here in any case, struck
// out, or put on the list for later. It reports whether it is gone here. What fails stays listed, and is tried again.
func (m *Manager) departKey(ctx context.Context, publicKey string, locked bool) (gone, revoked bool) {
	m.mu.Lock()
	d := m.leaving[publicKey]
	if d == nil {
		d = &departure{done: make(chan struct{})}
		m.leaving[publicKey] = d
		m.mu.Unlock()
		d.gone, d.revoked = m.depart(ctx, publicKey, locked)
		m.mu.Lock()
		delete(m.leaving, publicKey)
		m.mu.Unlock()
		close(d.done)
		return d.gone, d.revoked
	}
	m.mu.Unlock()
	select {
	case <-d.done:
		return d.gone, d.revoked
	case <-ctx.Done():
		return false, false
	}
}

func (m *Manager) depart(ctx context.Context, publicKey string, locked bool) (gone, revoked bool) {
	st := m.snapshot()
	var k *leavingKey
	for i := range st.Leaving {
		if st.Leaving[i].PublicKey == publicKey {
			k = &st.Leaving[i]
		}
	}
	if k == nil {
		return true, false
	}
	if k.Unsure && k.Session != "" && !locked { // its refresh may be running: it will see to the key itself
		unlock, ok, err := m.Dir.TryLock("refresh-" + k.Session + ".lock")
		if err != nil || !ok {
			return false, false
		}
		defer unlock()
	}
	if m.reaches(k.key) {
		if k.OrganizationID != "" && k.Expires > m.now() {
			revoked = m.revokeItself(ctx, *k)
		}
		// The key is deleted here whether or not there was an answer, and with time of its own.
		m.reached("delete key")
		if err := m.deleteKey(ctx, k.key); err != nil {
			m.failed("depart "+publicKey, err, 0)
			m.Log.Warn("delete a key", "key", publicKey, "error", err)
			return false, revoked
		}
		m.reached("deleted key")
	}
	if _, err := m.update(context.WithoutCancel(ctx), "departed", departed{publicKey, revoked}); err != nil {
		m.Log.Warn("strike out a deleted key", "key", publicKey, "error", err)
	}
	m.succeeded("depart " + publicKey)
	return true, revoked
}

// revokeItself makes the service forget a key, stamped by that key, and reports whether it surely has.
func (m *Manager) revokeItself(ctx context.Context, k leavingKey) bool {
	if m.Revoke == nil {
		return false
	}
	signer, err := m.unlock(ctx, k.key)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, revokePatience)
	defer cancel()
	m.reached("revoke")
	err = m.Revoke(ctx, m.leavingView(k), signer, k.PublicKey)
	m.reached("revoked")
	if unknownToService(err) {
		return !k.Unsure // its registration may still be on its way
	}
	if err != nil {
		m.Log.Info("a key was not revoked and goes on the list for later", "key", k.PublicKey, "error", err)
	}
	return err == nil
}

// unlock opens k, and waits for the person who is asked for it, not for ever.
func (m *Manager) unlock(ctx context.Context, k key) (keystore.Signer, error) {
	ctx, cancel := context.WithTimeout(ctx, unlockPatience)
	defer cancel()
	return m.openKey(ctx, k)
}

// leavingView is what Revoke gets to see of a key's session, which may never have been one.
func (m *Manager) leavingView(k leavingKey) Session {
	return Session{
		ID: k.Session, Profile: m.Profile, OrganizationID: k.OrganizationID, UserID: k.UserID,
		Key: Key{PublicKey: k.PublicKey, Backend: k.Backend, Made: k.Made.time()}, Expires: k.Expires.time(),
	}
}

// revokeKey makes the service forget publicKey, a retiring key or one of the list for later, stamped by the key of r.
func (m *Manager) revokeKey(ctx context.Context, r record, by keystore.Signer, publicKey string) error {
	if m.Revoke == nil {
		return errors.New("session: no way to revoke")
	}
	m.reached("revoke")
	if err := m.Revoke(ctx, m.view(r, ""), by, publicKey); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	m.reached("revoked")
	ctx, cancel := finishing(ctx)
	defer cancel()
	if _, err := m.update(ctx, "key revoked", keyRevoked{publicKey}); err != nil {
		return err
	}
	// Where the key lies in a store that would have to ask a person, it stays listed until that store is used anyway.
	if m.Quiet(ctx, m.backendOf(task{kind: taskDepart, publicKey: publicKey})) == nil {
		m.departKey(ctx, publicKey, false)
	}
	return nil
}

// unknownToService reports whether err says that there is no such key any more.
func unknownToService(err error) bool {
	return err != nil && (errors.Is(err, fault.NotFound) || unknownKey(err))
}
