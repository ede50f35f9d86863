package client

import (
	"context"

	"latchkey/internal/fault"
	"latchkey/internal/journal"
	"latchkey/internal/login"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
	"latchkey/internal/store"
	"latchkey/internal/turnkey"
)

// What the journal speaks in, for those who must not know how it is kept.
type (
	JournalFilter = journal.Filter
	JournalEntry  = journal.Entry
	JournalReport = journal.Report
)

// JournalEntries returns the recorded requests, oldest first, without asking whether they can be believed:
// [Client.VerifyJournal] does. It works before Open, and asks the key store for bodies alone.
func (c *Client) JournalEntries(ctx context.Context, f JournalFilter) ([]JournalEntry, error) {
	return c.journal.Read(ctx, f)
}

// VerifyJournal compares the journal with its sealed head. It works before Open, and makes no state key.
func (c *Client) VerifyJournal(ctx context.Context) (JournalReport, error) {
	return c.journal.Verify(ctx)
}

// JournalTrouble returns why the journal cannot be written (fault.JournalFailed), or nil; each trouble is returned
// once. The requests themselves are not touched by it.
func (c *Client) JournalTrouble() error {
	if t := c.unrecorded.Swap(nil); t != nil {
		return *t
	}
	return nil
}

// newJournal returns the profile's journal and what writes it.
func (c *Client) newJournal() {
	c.journal = &journal.Journal{Dir: c.dir, Profile: c.profile.Name, Sealer: c.stateSealer}
	c.recorder = &journal.Recorder{Journal: c.journal, Trouble: func(err error) {
		if fault.CodeOf(err) != fault.JournalFailed {
			err = fault.New(fault.JournalFailed, err)
		}
		c.log.Error("the journal cannot be written; requests are sent all the same", "code", fault.CodeOf(err), "err", err)
		c.unrecorded.Store(&err)
	}}
}

// stateSealer returns what seals the journal: the open profile's, or, before Open, what the chosen key store has.
func (c *Client) stateSealer(ctx context.Context) (*store.Sealer, error) {
	if r := c.sealing.Load(); r != nil {
		return r.sessions.Sealer(ctx)
	}
	chosen, err := c.Chosen()
	if err != nil {
		return nil, err
	}
	keys, ok := c.stores[chosen]
	if !ok {
		return nil, fault.New(fault.KeyMissing, nil)
	}
	return session.ReadSealer(ctx, keys)
}

// record hands a request to the journal, with the verdict: one that was stamped, and one that was refused before. What
// was allowed and could not be stamped, because there is no session or no key, leaves no entry.
func (c *Client) record(ctx context.Context, r *running, x turnkey.Exchange) {
	if x.Stamp.HeaderName == "" && !refusal(x.Verdict) {
		return
	}
	e := journal.New(x.Started, x.Path, x.Body)
	e.Answer(x.Status, x.Response)
	e.Verdict, e.Tries, e.Duration = x.Verdict, x.Tries, x.Duration.Milliseconds()
	if x.Err != nil {
		e.Code = string(fault.CodeOf(x.Err))
	}
	if s, err := stamp.ParseAPI(x.Stamp.HeaderValue); err == nil {
		e.PublicKey = s.PublicKey
	}
	s, ok := ctx.Value(sessionKey{}).(session.Session)
	switch {
	case ok, login.Own(ctx): // which has no session yet
	case e.PublicKey == "":
		s, _ = r.sessions.Active()
	default:
		s = r.stampedFor(e.PublicKey)
	}
	e.Session, e.User = s.ID, s.UserID
	c.recorder.Add(e)
}

// stampedFor returns the session of a key, or an empty one. A key that was replaced while its request was under way is
// no session's key any more.
func (r *running) stampedFor(publicKey string) session.Session {
	for _, s := range r.sessions.List() {
		if s.Key.PublicKey == publicKey {
			return s
		}
	}
	return session.Session{}
}
