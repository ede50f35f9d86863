package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/token"
)

// refreshPatience is the longest that one refresh may hold its lock.
const refreshPatience = 30 * time.Second

// flight is one refresh in this process. Whoever comes while it flies waits for its answer.
type flight struct {
	done    chan struct{}
	cancel  context.CancelFunc
	special bool // somebody wanted more than a refresh, and its failure is theirs alone
	err     error
}

// wish says which refresh somebody wants. The zero value wants one if it is due.
type wish struct {
	seen       string         // one in any case, if this is still the key
	to         keystore.Store // the next key is made there; nil: where the present one is
	everywhere bool           // the service forgets every other key of the user
}

// special reports whether somebody else's refresh is not what w wants.
func (w wish) special() bool { return w.to != nil || w.everywhere }

func refreshName(id string) string { return "refresh " + id }

// RefreshNow refreshes the session called id, due or not, and returns what it became. When another goroutine or
// process refreshes it meanwhile, that refresh counts. Errors: fault.SessionNone, fault.SessionExpired,
// fault.SessionRejected, which mean that it is over; anything else leaves it as good as it was.
func (m *Manager) RefreshNow(ctx context.Context, id string) (Session, error) {
	m.prepare()
	if err := m.sync(); err != nil {
		return Session{}, err
	}
	st := m.snapshot()
	r, err := st.live(id)
	if err != nil {
		return Session{}, err
	}
	if err := m.refresh(ctx, id, wish{seen: r.Key.PublicKey}); err != nil {
		return Session{}, err
	}
	return m.Get(id)
}

// refresh refreshes the session called id as w says. Any number of callers in any number of processes make one refresh.
func (m *Manager) refresh(ctx context.Context, id string, w wish) error {
	for {
		m.mu.Lock()
		f := m.flights[id]
		if f == nil {
			ctx, cancel := context.WithTimeout(ctx, refreshPatience)
			f = &flight{done: make(chan struct{}), cancel: cancel, special: w.special()}
			m.flights[id] = f
			m.mu.Unlock()
			f.err = m.lead(ctx, id, w)
			cancel()
			m.mu.Lock()
			delete(m.flights, id)
			m.mu.Unlock()
			close(f.done)
			return f.err
		}
		m.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return ended(ctx)
		}
		if errors.Is(f.err, context.Canceled) || w.special() || f.special && f.err != nil {
			continue // a leader that was called off, or wanted something else, says nothing about us
		}
		if st := m.snapshot(); f.err != nil || w.seen == "" || st.session(id) == nil || st.session(id).Key.PublicKey != w.seen {
			return f.err
		} // the leader left it to another process, for which we wait
	}
}

// lead takes the lock of the session's refresh and, if there still is something to do then, does it.
func (m *Manager) lead(ctx context.Context, id string, w wish) error {
	lock := "refresh-" + id + ".lock"
	var unlock func()
	var err error
	if w.seen != "" || w.special() {
		unlock, err = m.Dir.Lock(ctx, lock)
	} else {
		var ok bool
		if unlock, ok, err = m.Dir.TryLock(lock); err == nil && !ok {
			return m.sync() // somebody refreshes it: go on with the present key
		}
	}
	if err != nil {
		return err
	}
	defer unlock()
	if err := m.sync(); err != nil { // the decision is made inside the lock
		return err
	}
	st := m.snapshot()
	r, err := st.live(id)
	switch now := m.now(); {
	case err != nil:
		return err
	case !m.reaches(r.Key):
		return elsewhere(r.Key)
	case w.to != nil && r.Key.Backend == w.to.Backend() && r.Next == nil:
		return nil // it is there
	case w.special():
	case w.seen != "" && r.Key.PublicKey != w.seen && r.Next == nil:
		return nil
	case w.seen == "" && r.Next == nil && !refreshDue(*r, now):
		return nil
	}
	if m.Refresh == nil || m.Notarizer == nil || w.everywhere && m.Everywhere == nil {
		return errors.New("session: no way to refresh")
	}
	switch err = m.renew(ctx, *r, w); {
	case err == nil:
		m.succeeded(refreshName(id))
	case !w.special(): // else the session may not be due at all
		m.refreshFailed(id, err)
	}
	return err
}

// renew replaces the key of r. The caller holds the lock of its refresh.
func (m *Manager) renew(ctx context.Context, r record, w wish) error {
	next, err := m.leftover(ctx, &r)
	if err != nil {
		return err
	}
	keys := m.keysIn(r.Key.Backend)
	if w.to != nil {
		keys = w.to
	}
	if next != nil && w.to != nil && r.Next.Backend != keys.Backend() { // made for an ordinary refresh, or for another move
		if err := m.settle(ctx, &r, nextDropped{r.ID, next.PublicKey(), true, true}); err != nil {
			return err
		}
		next = nil
	}
	current, err := m.openKey(ctx, r.Key)
	if err != nil {
		return err
	}
	if err := m.clear(ctx, r, current); err != nil {
		return err
	}
	if next == nil {
		if next, err = m.makeNext(ctx, &r, keys); err != nil {
			return err
		}
	}
	ask := m.Refresh
	if w.everywhere {
		ask = m.Everywhere
	}
	m.reached("ask")
	jwt, err := ask(ctx, m.view(r, ""), current, next.PublicKey())
	if err != nil {
		return m.notRefreshed(ctx, r, next, err)
	}
	m.reached("answered")
	// From here on the service knows the next key: what follows is finished even if the caller has gone.
	ctx, cancel := finishing(ctx)
	defer cancel()
	m.clock.sure()
	want := token.Want{PublicKey: next.PublicKey(), OrganizationID: r.OrganizationID, UserID: r.UserID}
	claims, err := m.verify(jwt, want, m.now())
	if err != nil {
		return m.dropNext(ctx, r, next, true, fmt.Errorf("refresh: %w", err))
	}
	sealed := m.sealToken(ctx, r.ID, next.PublicKey(), jwt)
	if _, err := m.update(ctx, "swap", swapped{r.ID, next.PublicKey(), at(claims.Expires), sealed, kindOf(claims)}); err != nil {
		if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Expired) { // logged out meanwhile: the key left with it
			m.departKey(ctx, next.PublicKey(), departLocked)
		}
		return err
	}
	m.Log.Info("session refreshed", "session", r.ID, "expires", claims.Expires)
	m.nudge()
	return nil
}

// clear revokes what is still retiring, so that a session has at most two keys at a time. A service that does not answer
// holds the refresh up, which it would not answer either; near the end of the session it no longer does.
func (m *Manager) clear(ctx context.Context, r record, current keystore.Signer) error {
	for _, k := range r.Retiring {
		err := m.revokeKey(ctx, r, current, k.PublicKey)
		kind := fault.KindOf(err)
		silent := err != nil && (kind == fault.Unavailable || kind == "")
		if silent && r.Key.Expires.sub(m.now()) > margin(r.life())/3 {
			return fmt.Errorf("revoke a replaced key: %w", err)
		}
		if err != nil {
			m.Log.Debug("revoke a replaced key before a refresh", "session", r.ID, "error", err)
		}
	}
	return nil
}

// leftover looks at a next key that an earlier refresh left, because its process died or its answer was lost, and
// returns it if it is to be used. r becomes what the session becomes.
func (m *Manager) leftover(ctx context.Context, r *record) (keystore.Signer, error) {
	if r.Next == nil {
		return nil, nil
	}
	name := r.Next.PublicKey
	if err := m.bridged(ctx, *r); err != nil && r.standing(m.now()) != good {
		return nil, err // all depends on that key
	} else if err != nil {
		return nil, m.settle(ctx, r, nextDropped{r.ID, name, true, true})
	}
	next, err := m.openKey(ctx, *r.Next)
	switch {
	case fault.CodeOf(err) == fault.KeyMissing || fault.CodeOf(err) == fault.KeyCorrupt: // named, but never made
		return nil, m.settle(ctx, r, nextDropped{r.ID, name, false, false})
	case err != nil:
		return nil, err
	case m.Probe == nil:
		return next, m.settle(ctx, r, m.elapsed())
	}
	m.reached("probe")
	err = m.Probe(ctx, m.view(*r, ""), next)
	if err == nil || unknownKey(err) {
		m.clock.sure()
	}
	m.mu.Lock()
	m.asked[name] = true
	m.mu.Unlock()
	switch {
	case err == nil:
		return nil, m.settle(ctx, r, nextAdopted{r.ID, name})
	case !unknownKey(err):
		return nil, err // not an answer: keep everything
	case r.standing(m.now()) != good:
		return nil, m.settle(ctx, r, nextDropped{r.ID, name, false, false})
	}
	return next, nil // never arrived, or still on its way: asking again for the same key is right in both cases
}

// bridged returns why the next key of a move that did not come to its end cannot be used now, or nil: a session does
// not wait for another store, locked or gone, while its own key is good.
func (m *Manager) bridged(ctx context.Context, r record) error {
	switch {
	case r.Next.Backend == r.Key.Backend:
		return nil
	case r.Next.Backend == inMemory && !m.reaches(*r.Next):
		return elsewhere(*r.Next)
	}
	return m.Quiet(ctx, r.Next.Backend)
}

// settle writes e and what time made of the session, and makes r what it is then; the session may be over.
func (m *Manager) settle(ctx context.Context, r *record, e event) error {
	if _, err := m.update(ctx, "settle", e); err != nil {
		return err
	}
	st, err := m.update(ctx, "settled", m.elapsed())
	if err != nil {
		return err
	}
	left, err := st.live(r.ID)
	if err != nil {
		return err
	}
	*r = *left
	if r.standing(m.now()) != good {
		return fault.New(fault.SessionExpired, nil)
	}
	return nil
}

// makeNext names the next key, and makes it in keys.
func (m *Manager) makeNext(ctx context.Context, r *record, keys keystore.Store) (keystore.Signer, error) {
	name := ""
	next, err := keys.CreateNamed(ctx, func(publicKey string) error {
		s, err := m.update(ctx, "next key", nextNamed{r.ID, r.Key.PublicKey, publicKey, keys.Backend()})
		if err != nil {
			return err
		}
		name, *r = publicKey, *s.session(r.ID)
		m.reached("make next key")
		return nil
	})
	if err != nil {
		if name != "" { // it may still have been stored
			err = m.drop(ctx, *r, name, false, err)
		}
		return nil, err
	}
	m.reached("made next key")
	return next, nil
}

// notRefreshed sorts out what a failed request for next means, and returns err.
func (m *Manager) notRefreshed(ctx context.Context, r record, next keystore.Signer, err error) error {
	ctx, cancel := finishing(ctx)
	defer cancel()
	err = fmt.Errorf("refresh: %w", err)
	switch kind := fault.KindOf(err); {
	case unknownKey(err):
		// The service does not know the present key, so it cannot have taken the next one from it.
		err = m.dropNext(ctx, r, next, false, err)
		if _, e := m.update(ctx, "rejected", refused{r.ID, r.Key.PublicKey, Rejected}); e != nil {
			m.Log.Warn("end a rejected session", "session", r.ID, "error", e)
		}
		return err
	case kind == fault.Denied || kind == fault.Invalid || kind == fault.NotFound || kind == fault.Limited:
		return m.dropNext(ctx, r, next, false, err)
	case kind == fault.Conflict:
		return m.dropNext(ctx, r, next, true, err)
	}
	// It may have arrived. The next key stays, and the next try asks about it; unless the session was ended meanwhile.
	if st := m.snapshot(); st.session(r.ID) == nil || st.session(r.ID).Ended != nil {
		m.departKey(ctx, next.PublicKey(), departLocked)
	}
	return err
}

// dropNext gives the next key up, deletes it, and returns err.
func (m *Manager) dropNext(ctx context.Context, r record, next keystore.Signer, registered bool, err error) error {
	return m.drop(ctx, r, next.PublicKey(), registered, err)
}

func (m *Manager) drop(ctx context.Context, r record, publicKey string, registered bool, err error) error {
	ctx, cancel := finishing(ctx)
	defer cancel()
	if _, e := m.update(ctx, "drop next key", nextDropped{r.ID, publicKey, registered, false}); e != nil {
		m.Log.Warn("give a next key up", "session", r.ID, "error", e)
		return err
	}
	m.departKey(ctx, publicKey, departLocked)
	return err
}

// refreshFailed notes the failure and says when it is tried again. The session is as good as it was.
func (m *Manager) refreshFailed(id string, err error) {
	st, now := m.snapshot(), m.now()
	r := st.session(id)
	if r == nil || r.Ended != nil || errors.Is(err, context.Canceled) {
		return
	}
	next := m.failed(refreshName(id), err, r.Key.Expires.sub(now))
	if r.Next != nil && r.standing(now) == unsure {
		// Nobody could ask about the next key: while that lasts, people are told that the session is over.
		m.mu.Lock()
		m.asked[r.Next.PublicKey] = true
		m.mu.Unlock()
		m.nudge()
	}
	m.Log.Warn("refresh a session", "session", id, "next", next.time(), "error", err)
	m.listeners.publish(Event{
		Type: RefreshFailed, SessionID: id, PublicKey: r.Key.PublicKey, At: now.time(), Next: next.time(), Err: err,
	})
}

// unknownKey reports whether err says that the service does not know the key that stamped.
func unknownKey(err error) bool {
	code := fault.CodeOf(err)
	return code == fault.SessionRejected || code == fault.SessionExpired
}

// ended gives the end of ctx its code.
func ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fault.New(fault.Cancel, ctx.Err())
	}
	return fault.New(fault.APIDown, ctx.Err())
}

// Reject says that the service refused publicKey, a key of the session called id, as unknown or over. If it is still
// the session's key, and no next key may live, the session ends for the reason Rejected. Errors: those of the file.
func (m *Manager) Reject(ctx context.Context, id, publicKey string) error {
	return m.End(ctx, id, publicKey, Rejected)
}

// End ends the session called id for reason if publicKey is still its key, as [Manager.Reject] does. Errors:
// fault.SessionNone; those of the file. A session that has ended already keeps its first reason.
func (m *Manager) End(ctx context.Context, id, publicKey string, reason Reason) error {
	m.prepare()
	_, err := m.update(ctx, "rejected", refused{id, publicKey, reason})
	if errors.Is(err, fault.Expired) {
		err = nil
	}
	m.nudge()
	return err
}
