package login

import (
	"context"
	"encoding/json"

	"latchkey/internal/fault"
	"latchkey/internal/session"
)

// Way is a way in once it has begun. Errors of all: fault.AttemptOver; what the method says besides.
type Way interface {
	// Continue goes on with an attempt to its session: with what a person typed or pasted, or, where typed is "" and the
	// method goes through the browser, with what comes from there, for which it waits until ctx ends. After a failure it
	// may be called again: what was granted is not asked for twice.
	Continue(ctx context.Context, attemptID, typed string) (session.Session, error)

	// Resend begins the attempt anew under its id: another code, another round through the browser. What was sent or
	// opened before counts no more.
	Resend(ctx context.Context, attemptID string) (Attempt, error)

	// view is the attempt as it stands, of what is kept of it.
	view(record session.Attempt) (Attempt, error)
}

// Ways are the ways in. They are safe for parallel use.
type Ways struct {
	*Desk
	OTP        *OTP
	OAuth      *OAuth
	Passkey    *Passkey
	Wallet     *Wallet
	WalletPage *WalletPage
	Mail       *Mail
}

// New returns the ways in at a desk.
func New(d *Desk) *Ways {
	return &Ways{Desk: d, OTP: &OTP{d}, OAuth: &OAuth{Desk: d}, Passkey: newPasskey(d), Wallet: &Wallet{Desk: d}, WalletPage: newWalletPage(d), Mail: &Mail{d}}
}

// of returns the way of a method, or nil.
func (w *Ways) of(method string) Way {
	switch method {
	case methodOTP:
		return w.OTP
	case methodOAuth:
		return w.OAuth
	case methodPasskey:
		return w.Passkey
	case methodWallet:
		return w.Wallet
	case methodWalletPage:
		return w.WalletPage
	case methodMail:
		return w.Mail
	}
	return nil
}

// find returns the way of an attempt.
func (w *Ways) find(ctx context.Context, attemptID string) (Way, error) {
	record, err := w.Sessions.GetAttempt(ctx, attemptID)
	if err != nil {
		return nil, err
	}
	if way := w.of(record.Method); way != nil {
		return way, nil
	}
	return nil, fault.New(fault.AttemptOver, nil)
}

// Continue goes on with an attempt of any method; see [Way].
func (w *Ways) Continue(ctx context.Context, attemptID, typed string) (session.Session, error) {
	way, err := w.find(ctx, attemptID)
	if err != nil {
		return session.Session{}, err
	}
	return way.Continue(ctx, attemptID, typed)
}

// Resend begins an attempt of any method anew; see [Way].
func (w *Ways) Resend(ctx context.Context, attemptID string) (Attempt, error) {
	way, err := w.find(ctx, attemptID)
	if err != nil {
		return Attempt{}, err
	}
	return way.Resend(ctx, attemptID)
}

// Cancel ends an attempt of any method and deletes its key. One that is over is no error. Errors: those of the file.
func (w *Ways) Cancel(ctx context.Context, attemptID string) error {
	done, err := w.enter(ctx, attemptID)
	if err != nil {
		return err
	}
	defer done()
	defer w.OAuth.homes.leave(attemptID) // after it is gone, so that nobody who looks for it listens again
	defer w.Passkey.homes.leave(attemptID)
	defer w.WalletPage.homes.leave(attemptID)
	defer w.Wallet.hold(attemptID, nil)
	return w.cancel(ctx, attemptID)
}

// Close ends the wait for browsers. Attempts stay, and can be continued after a restart.
func (w *Ways) Close() {
	w.OAuth.homes.close()
	w.Passkey.homes.close()
	w.WalletPage.homes.close()
}

// Pending returns the newest attempt that can still be continued, after a restart for instance, and whether there is
// one. Errors: those of the key store and of the file.
func (w *Ways) Pending(ctx context.Context) (Attempt, bool, error) {
	return w.PendingFor(ctx, func(Attempt) bool { return true })
}

// PendingFor is Pending among those that a face of the program has a use for.
func (w *Ways) PendingFor(ctx context.Context, use func(Attempt) bool) (Attempt, bool, error) {
	list, err := w.Sessions.Attempts(ctx)
	if err != nil {
		return Attempt{}, false, err
	}
	for i := len(list) - 1; i >= 0; i-- {
		way := w.of(list[i].Method)
		if way == nil || list[i].Purpose != purpose {
			continue
		}
		a, err := way.view(list[i])
		a.By = begunBy(list[i].Data)
		if err == nil && use(a) {
			return a, true, nil
		}
	}
	return Attempt{}, false, nil
}

// begunBy reads the options that every method keeps under one name.
func begunBy(kept []byte) string {
	var k struct {
		Options struct{ By string } `json:"options"`
	}
	_ = json.Unmarshal(kept, &k) // what cannot be read was begun by nobody
	return k.Options.By
}
