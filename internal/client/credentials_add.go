package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/session"
	"latchkey/internal/turnkey"
)

// BeginEmail has a code sent to an address that is to log in to the account of the active session.
// [Client.FinishCredential] goes on; login.Ways resends and cancels. Errors: fault.SessionNone; those of login.OTP.Begin.
func (c *Client) BeginEmail(ctx context.Context, address string) (login.Attempt, error) {
	return c.beginLink(func(w *login.Ways, linked login.Options) (login.Attempt, error) {
		return w.OTP.Begin(ctx, address, linked)
	})
}

// BeginPhone does the same for a phone number. Errors: fault.SessionNone; those of login.OTP.BeginPhone.
func (c *Client) BeginPhone(ctx context.Context, number string) (login.Attempt, error) {
	return c.beginLink(func(w *login.Ways, linked login.Options) (login.Attempt, error) {
		return w.OTP.BeginPhone(ctx, number, linked)
	})
}

// BeginProvider does the same for a provider, whose page is at the attempt's URL. Errors: fault.SessionNone; those of
// login.OAuth.Begin.
func (c *Client) BeginProvider(ctx context.Context, name string) (login.Attempt, error) {
	return c.beginLink(func(w *login.Ways, linked login.Options) (login.Attempt, error) {
		return w.OAuth.Begin(ctx, name, linked)
	})
}

func (c *Client) beginLink(begin func(*login.Ways, login.Options) (login.Attempt, error)) (login.Attempt, error) {
	r, err := c.opened()
	if err != nil {
		return login.Attempt{}, err
	}
	s, ok := r.sessions.Active()
	if !ok {
		return login.Attempt{}, fault.New(fault.SessionNone, nil)
	}
	return begin(r.ways, login.Options{Link: s.UserID})
}

// FinishCredential goes on with an attempt of BeginEmail, BeginPhone or BeginProvider: with the code that was typed, the
// address that was pasted, or "" to wait for the browser. Then, after a person has consented, the account of the active
// session has the credential, and the attempt is over. An account has one address and one number: another takes the place
// of the one before only if replace says so. After a failure it may be called again; what was proven is not asked for twice.
//
// Errors: those of login.Ways.Prove; fault.CredentialTaken for what logs in to another account, and fault.CredentialHave
// for what the account has already, both of which end the attempt; fault.CredentialReplace; those of approval and of Turnkey.
func (c *Client) FinishCredential(ctx context.Context, attemptID, typed string, replace bool) (Credential, error) {
	r, err := c.opened()
	if err != nil {
		return Credential{}, err
	}
	proof, err := r.ways.Prove(ctx, attemptID, typed)
	if err != nil {
		return Credential{}, err
	}
	one, err := inSession(ctx, c, func(ctx context.Context, r *running, s session.Session) (Credential, error) {
		if proof.For != s.UserID { // another session became active meanwhile: what was meant for one account is not given to another
			return Credential{}, fault.New(fault.AttemptOver, errors.New("it was begun in another account"))
		}
		if proof.OrganizationID != "" && proof.OrganizationID != s.OrganizationID {
			return Credential{}, fault.New(fault.CredentialTaken, nil)
		}
		if proof.Contact == "" {
			return c.addProviders(ctx, r, s, proof)
		}
		return c.setContact(ctx, r, s, proof, replace)
	})
	if code := fault.CodeOf(err); err == nil || code == fault.CredentialTaken || code == fault.CredentialHave {
		err = errors.Join(err, r.ways.Cancel(context.WithoutCancel(ctx), attemptID))
	}
	return one, err
}

func (c *Client) setContact(ctx context.Context, r *running, s session.Session, proof login.Proof, replace bool) (Credential, error) {
	u, err := r.api.GetUser(ctx, s.OrganizationID, s.UserID)
	if err != nil {
		return Credential{}, err
	}
	kind, now, update := CredentialEmail, u.UserEmail, r.api.UpdateUserEmail
	if proof.Phone {
		kind, now, update = CredentialPhone, u.UserPhoneNumber, r.api.UpdateUserPhoneNumber
	}
	switch {
	case proof.OrganizationID != "" && now == proof.Contact: // and proven before
		return Credential{}, fault.New(fault.CredentialHave, nil)
	case now != "" && now != proof.Contact && !replace:
		return Credential{}, fault.New(fault.CredentialReplace, fmt.Errorf("it is %q", now))
	}
	err = update(ctx, s.OrganizationID, s.UserID, proof.Contact, proof.Verification)
	return Credential{Kind: kind, ID: string(kind), Name: proof.Contact}, err
}

func (c *Client) addProviders(ctx context.Context, r *running, s session.Session, proof login.Proof) (Credential, error) {
	if proof.OrganizationID != "" {
		return Credential{}, fault.New(fault.CredentialHave, nil)
	}
	ids, err := r.api.CreateOAuthProviders(ctx, s.OrganizationID, s.UserID, proof.Providers...)
	return c.added(ctx, r, s, Credential{Kind: CredentialProvider, Name: proof.Title}, ids, err)
}

// AddWallet lets the wallet with a public key, as API keys spell it, log in to the account of the active session, after
// a person has consented. Nothing proves whose the key is: it is the caller's to have it from the wallet itself. Errors:
// fault.WalletFile for what is no public key of Ethereum or Solana; fault.CredentialHave; those of approval and of Turnkey.
func (c *Client) AddWallet(ctx context.Context, publicKey string) (Credential, error) {
	address, err := walletAddress(publicKey)
	if err != nil {
		return Credential{}, fault.New(fault.WalletFile, err)
	}
	curve := "API_KEY_CURVE_SECP256K1"
	if len(publicKey) == 64 {
		curve = "API_KEY_CURVE_ED25519"
	}
	return c.addKey(ctx, CredentialWallet, turnkey.APIKeyParams{APIKeyName: address, PublicKey: publicKey, CurveType: curve})
}

// AddKey lets a P-256 key that is elsewhere stamp for the account of the active session: a program's, for instance. Its
// private half is never seen. It ends after life; 0 is a key without an end. Errors: fault.CredentialHave; those of
// approval and of Turnkey.
func (c *Client) AddKey(ctx context.Context, name, publicKey string, life time.Duration) (Credential, error) {
	return c.addKey(ctx, CredentialKey, turnkey.APIKeyParams{
		APIKeyName: name, PublicKey: publicKey, CurveType: turnkey.CurveAPIKeyP256, ExpirationSeconds: turnkey.Seconds(life / time.Second),
	})
}

func (c *Client) addKey(ctx context.Context, kind CredentialKind, p turnkey.APIKeyParams) (Credential, error) {
	return inSession(ctx, c, func(ctx context.Context, r *running, s session.Session) (Credential, error) {
		u, err := r.api.GetUser(ctx, s.OrganizationID, s.UserID)
		if err != nil {
			return Credential{}, err
		}
		if slices.ContainsFunc(u.APIKeys, func(k turnkey.APIKey) bool { return k.Credential.PublicKey == p.PublicKey }) {
			return Credential{}, fault.New(fault.CredentialHave, nil)
		}
		ids, err := r.api.CreateAPIKeys(ctx, s.OrganizationID, s.UserID, p)
		return c.added(ctx, r, s, Credential{Kind: kind, Name: p.APIKeyName, PublicKey: p.PublicKey}, ids, err)
	})
}

// AddPasskey lets a passkey that was made in a ceremony log in to the account of the active session, after a person has
// consented. Errors: those of approval and of Turnkey.
func (c *Client) AddPasskey(ctx context.Context, made turnkey.AuthenticatorParams) (Credential, error) {
	return inSession(ctx, c, func(ctx context.Context, r *running, s session.Session) (Credential, error) {
		ids, err := r.api.CreateAuthenticators(ctx, s.OrganizationID, s.UserID, made)
		return c.added(ctx, r, s, Credential{Kind: CredentialPasskey, Name: made.AuthenticatorName}, ids, err)
	})
}

// added returns a credential that was added as the account lists it, or, when the list cannot be had, as it was asked for.
func (c *Client) added(ctx context.Context, r *running, s session.Session, one Credential, ids []string, err error) (Credential, error) {
	if err != nil {
		return Credential{}, err
	}
	if len(ids) == 0 {
		return one, nil
	}
	one.ID, one.Made = ids[0], c.now().Add(r.skew())
	u, err := r.api.GetUser(ctx, s.OrganizationID, s.UserID)
	if err != nil { // it is added all the same, and adding it again would fail
		c.log.Warn("a credential was added but cannot be listed", "credential", one.ID, "err", err)
		return one, nil
	}
	list := c.credentialsOf(r, u)
	if at := slices.IndexFunc(list, func(o Credential) bool { return o.ID == one.ID }); at >= 0 {
		one = list[at]
	}
	return one, nil
}
