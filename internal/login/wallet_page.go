package login

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"latchkey/internal/fault"
	"latchkey/internal/session"
	"latchkey/internal/stamp"
)

// WalletPage is the way in by a wallet that stands in the person's browser, of Ethereum or of Solana: a page of the
// backend's has it sign one log-in, for a session of a key that is made here. Who is new is signed up. What is said of
// [Wallet] and of accounts that others open too holds here as well. It is safe for parallel use.
type WalletPage struct{ *rounds }

const methodWalletPage = "wallet-page"

func newWalletPage(d *Desk) *WalletPage {
	w := &WalletPage{&rounds{Desk: d, method: methodWalletPage, what: "a wallet", denied: fault.WalletDenied}}
	w.rounds.ask, w.rounds.here = w.ask, w.here
	return w
}

// Begin listens for the browser and returns the link of the backend's page. Errors: fault.WayClosed, fault.PortsTaken; fault.ProfileBad
// when the profile does not know its organization, which a log-in must name; what the backend says; those of the key
// store and of the file. When it fails, its key is deleted.
func (w *WalletPage) Begin(ctx context.Context, options Options) (Attempt, error) {
	if _, err := w.offering(ctx, ByWallet); err != nil {
		return Attempt{}, err
	}
	a, err := w.open(ctx, rand.Text(), "", touch{Options: options, Idempotency: rand.Text()})
	if err != nil {
		return Attempt{}, err
	}
	w.supersede(ctx, a, func([]byte) bool { return true })
	w.homes.tidy(ctx, w.Sessions)
	return a, nil
}

// Resend opens another page; what comes back from the one before counts no more.
func (w *WalletPage) Resend(ctx context.Context, attemptID string) (Attempt, error) {
	return w.again(ctx, attemptID, func(k *touch) { k.OrganizationID, k.Address = "", "" }) // another wallet may sign now
}

// Continue waits for the browser, or takes the address that a person pasted, signs up who is new, logs in with what the
// wallet has signed, and stores the session. After a failure it may be called again: what was granted is not asked for
// twice. Errors: fault.BrowserLate when the round is over and Resend must open another page, fault.PasteWrong;
// fault.WalletDenied when the person turned away; fault.WalletShared when others could use the account too, and then the
// attempt is over; fault.AttemptOver; fault.LoginRefused, fault.SignUpRefused and what else the backend and Turnkey say;
// those of session.Manager.Store.
func (w *WalletPage) Continue(ctx context.Context, attemptID, typed string) (session.Session, error) {
	if err := w.answered(ctx, attemptID, typed); err != nil {
		return session.Session{}, err
	}
	defer w.homes.leave(attemptID)
	done, err := w.enter(ctx, attemptID)
	if err != nil {
		return session.Session{}, err
	}
	defer done()
	record, k, err := load[touch](ctx, w.Desk, methodWalletPage, attemptID)
	if err != nil {
		return session.Session{}, err
	}
	if err := w.fetch(ctx, record, &k); err != nil {
		return session.Session{}, w.over(ctx, record, &k, err)
	}
	if k.OrganizationID == "" {
		w.reached("sign up")
		if k.OrganizationID, err = w.Backend.signUpKey(ctx, k.Idempotency, k.PublicKey); err != nil {
			return session.Session{}, fmt.Errorf("sign up: %w", err)
		}
		w.reached("signed up")
	}
	// From here on the key may work there, whether or not we hear of it.
	w.maybe(&record, k.OrganizationID, k.Options)
	if err := w.keep(ctx, record, k); err != nil {
		return session.Session{}, err
	}
	w.reached("log in")
	jwt, err := w.stamped(ctx, &k, stamp.HeaderAPIKey)
	if err != nil {
		return session.Session{}, w.over(ctx, record, &k, err)
	}
	w.reached("logged in")
	if !k.Options.Shared {
		key, err := w.Keys.Open(ctx, record.PublicKey)
		if err != nil {
			return session.Session{}, fmt.Errorf("log in: %w", err)
		}
		if err := w.alone(ctx, stamp.APIKey{Signer: key}, k.OrganizationID, k.PublicKey, record.PublicKey); err != nil {
			if fault.CodeOf(err) == fault.WalletShared { // the key that was let in there goes with the attempt, and is revoked
				err = errors.Join(err, w.cancel(context.WithoutCancel(ctx), attemptID))
			}
			return session.Session{}, err
		}
	}
	return w.begun(ctx, record, asked{methodWalletPage, k.Address, k.OrganizationID, k.Options}, jwt)
}

// ask has the page find the person's wallets and one of them sign the log-in.
func (w *WalletPage) ask(publicKey string, k *touch) (q asking, err error) {
	k.Body, err = w.loginBody("", publicKey, k.Options)
	return asking{Kind: "wallet-stamp"}, err
}

func (w *WalletPage) here(_ string, k touch) bool { return k.Stamp != "" }

// fetch trades the ticket for what the wallet has signed, and keeps it.
func (w *WalletPage) fetch(ctx context.Context, record session.Attempt, k *touch) error {
	if k.Ticket == "" {
		return nil
	}
	w.reached("fetch")
	result, err := w.Backend.ceremonyResult(ctx, k.Ticket, k.Verifier)
	if err != nil {
		return fmt.Errorf("log in by a wallet: %w", err)
	}
	var signed struct {
		Stamp           string   `json:"stamp"`
		PublicKey       string   `json:"publicKey"`
		Address         string   `json:"address"`
		OrganizationIDs []string `json:"organizationIds"`
	}
	if err := json.Unmarshal(result, &signed); err != nil || signed.Stamp == "" || signed.PublicKey == "" {
		return incomplete(ceremonyPath + "/token")
	}
	if len(signed.OrganizationIDs) > 1 {
		return fault.New(fault.WalletShared, fmt.Errorf("%d accounts list its key", len(signed.OrganizationIDs)))
	}
	if k.PublicKey != signed.PublicKey { // one key makes one account
		k.Idempotency = rand.Text()
	}
	k.Ticket, k.Stamp, k.PublicKey, k.Address = "", signed.Stamp, signed.PublicKey, signed.Address
	if k.Address == "" {
		k.Address = "wallet " + k.PublicKey[:min(len(k.PublicKey), 8)]
	}
	for _, id := range signed.OrganizationIDs {
		k.OrganizationID = id
	}
	w.reached("fetched")
	return w.keep(context.WithoutCancel(ctx), record, *k)
}
