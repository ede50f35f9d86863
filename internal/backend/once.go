package backend

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/fault"
	"latchkey/internal/turnkey"
)

// This file makes an organization once, however often and wherever the sign-up is repeated.

// signUp is what is remembered of a sign-up, so that it is done once: under which name, and what came of it.
type signUp struct {
	body string
	name string
	made made // zero while nobody knows
}

// For how long an equal sign-up without Idempotency-Key or token is taken for the same: a double click, or a second
// try after a failure that left open what became of the first.
const (
	twice  = time.Minute
	unsure = time.Hour
)

// turnOf names what may be done only once at a time: anything for one contact that was proven or one identity, else one
// sign-up.
func (b *Backend) turnOf(n newcomer) string {
	switch {
	case n.proof != nil:
		return b.hash("join", sameContact(n.proof.Contact))
	case len(n.user.OAuthProviders) > 0:
		return b.turnOfIdentity(n.user.OAuthProviders[0].OIDCToken)
	default:
		return b.slot(n)
	}
}

// slot names the sign-up itself: two requests with the same slot are one.
func (b *Backend) slot(n newcomer) string {
	switch {
	case n.proof != nil:
		return b.hash("sign-up by token", n.proof.ID)
	case n.key != "":
		return b.hash("sign-up by key", n.key)
	default:
		return b.hash("sign-up by body", n.body)
	}
}

// title is what a sign-up by token or key is found by at the service. It names the body besides the key: after a restart
// nobody remembers whose key it was, and two people may have thought of the same one.
func (b *Backend) title(n newcomer) string {
	if n.proof != nil {
		return b.slot(n)
	}
	return b.hash("sign-up by key and body", n.key+"\x00"+n.body)
}

// alreadyIn returns the organization that a proven contact has, if it is one that this sign-up could have made. One
// with other ways in is a conflict: what was asked for would not be there.
func (b *Backend) alreadyIn(ctx context.Context, n newcomer) (made, error) {
	id, err := b.verifiedAccount(ctx, *n.proof)
	bare := len(n.user.APIKeys)+len(n.user.Authenticators)+len(n.user.OAuthProviders) == 0
	if err == nil && id == "" && bare && !n.attested {
		id, err = b.untouchedAccount(ctx, *n.proof)
	}
	if err != nil || id == "" {
		return made{}, err
	}
	u, sole, err := b.userOf(ctx, id)
	if err != nil {
		return made{}, err
	}
	if !bare && !(sole && hasAll(u, n.user)) {
		return made{}, &fault.Error{Kind: fault.Conflict, Code: fault.SignUpRefused, Err: show("this contact has an account with other ways in")}
	}
	return b.withWallet(ctx, n, made{OrganizationID: id, UserID: u.UserID})
}

// withWallet adds to an organization that was made before the wallet that the sign-up asks for, as it was made then.
func (b *Backend) withWallet(ctx context.Context, n newcomer, m made) (made, error) {
	if n.wallet == nil || m.OrganizationID == "" || m.Wallet != nil {
		return m, nil
	}
	wallets, err := b.api.ListWallets(ctx, m.OrganizationID)
	if err != nil {
		return made{}, upstream(err)
	}
	at := slices.IndexFunc(wallets, func(w turnkey.Wallet) bool { return w.WalletName == n.wallet.WalletName })
	if at < 0 {
		return m, nil
	}
	accounts, err := b.api.ListWalletAccounts(ctx, m.OrganizationID, wallets[at].WalletID)
	if err != nil {
		return made{}, upstream(err)
	}
	m.Wallet = &wallet{WalletID: wallets[at].WalletID, Addresses: []string{}}
	for _, wanted := range n.wallet.Accounts { // in the order in which they were asked for
		at := slices.IndexFunc(accounts, func(a turnkey.WalletAccount) bool {
			return a.Path == wanted.Path && a.AddressFormat == wanted.AddressFormat
		})
		if at >= 0 {
			m.Wallet.Addresses = append(m.Wallet.Addresses, accounts[at].Address)
		}
	}
	return m, nil
}

// join makes the organization of n once. Errors that leave open whether it was made keep its name in memory, and the
// next try looks for that name first.
func (b *Backend) join(ctx context.Context, c *call, n newcomer) (made, error) {
	slot := b.slot(n)
	named := n.proof != nil || n.key != ""
	past, again, err := b.kept.signUps.get(ctx, slot)
	switch {
	case err != nil:
		return made{}, err
	case again && n.proof == nil && past.body != n.body:
		return made{}, &fault.Error{Kind: fault.Conflict, Code: fault.RequestInvalid, Err: show("this Idempotency-Key was used for another sign-up")}
	case again && past.made.OrganizationID != "":
		return past.made, nil
	}
	name := past.name
	if named { // by what makes it unique, so that every replica finds it
		name = "Latchkey " + b.title(n)
	} else if !again {
		name = "Latchkey " + strings.ReplaceAll(uuid.NewString(), "-", "")
	}
	remember := func(m made, life time.Duration) error {
		if named {
			life = signUpLife
		}
		return b.kept.signUps.put(ctx, slot, signUp{body: n.body, name: name, made: m}, life)
	}
	var m made
	if named || again {
		m, err = b.find(ctx, turnkey.SubOrgFilter{Type: "NAME", Value: name}, nil)
	}
	if err == nil && m.OrganizationID == "" && !named { // another replica may have made it under another name
		m, err = b.twin(ctx, n.user)
	}
	if err == nil {
		m, err = b.withWallet(ctx, n, m)
	}
	if err == nil && m.OrganizationID == "" {
		err = b.identityFree(ctx, n.user)
	}
	if err != nil {
		return made{}, err
	}
	if m.OrganizationID == "" {
		if err := remember(made{}, unsure); err != nil {
			return made{}, err
		}
		if err := n.turn.still(ctx); err != nil {
			return made{}, err
		}
		if m, err = b.create(ctx, name, n); err != nil {
			if lost(err) {
				b.c.Log.Warn("sign-up without an answer", "id", c.id, "name", name)
			} else {
				_ = b.kept.signUps.drop(ctx, slot) // else the next try looks for a name that nobody has
			}
			return made{}, err
		}
	}
	_ = remember(m, twice) // it is made: what remembers no more than its name finds it by that
	return m, nil
}

// createLimit is how long making an organization may take, whether or not the caller still waits: a sign-up that was
// begun is brought to its end.
const createLimit = 20 * time.Second

func (b *Backend) create(ctx context.Context, name string, n newcomer) (made, error) {
	if n.proof != nil { // also for who comes by /otp-login, with a contact and nothing else
		if n.proof.VerificationType == turnkey.OTPSMS {
			n.user.UserPhoneNumber = n.proof.Contact
		} else if n.user.UserEmail == "" {
			n.user.UserEmail = n.proof.Contact
		}
	}
	if n.user.UserName == "" {
		n.user.UserName = n.user.UserEmail
	}
	if n.user.UserName == "" {
		n.user.UserName = n.user.UserPhoneNumber
	}
	if n.user.UserName == "" {
		n.user.UserName = "User"
	}
	create := b.api.CreateSubOrganization
	if n.older || n.proof != nil && n.proof.Legacy {
		create = b.api.CreateSubOrganizationV7
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), createLimit)
	defer cancel()
	o, err := create(ctx, b.c.OrganizationID, turnkey.SubOrganizationParams{
		Name: name, RootUsers: []turnkey.RootUserParams{n.user}, RootQuorumThreshold: 1,
		VerificationToken: n.jwt, ClientSignature: (*turnkey.ClientSignature)(n.sig), Wallet: n.wallet,
	})
	if err != nil {
		return made{}, refusedAs(fault.SignUpRefused, err)
	}
	m := made{OrganizationID: o.ID}
	if o.Wallet != nil {
		m.Wallet = &wallet{o.Wallet.WalletID, o.Wallet.Addresses}
	}
	if len(o.RootUserIDs) == 1 {
		m.UserID = o.RootUserIDs[0]
	} else if u, _, err := b.userOf(ctx, o.ID); err == nil {
		m.UserID = u.UserID
	}
	return m, nil
}

// twin returns the organization that an equal sign-up has made before: found by its credential, and with exactly the
// same contact and credentials. One with more in it might be a trap that somebody laid with a public key.
func (b *Backend) twin(ctx context.Context, user turnkey.RootUserParams) (made, error) {
	same := func(u turnkey.User) bool {
		return sameContact(u.UserEmail) == sameContact(user.UserEmail) && u.UserPhoneNumber == user.UserPhoneNumber && hasAll(u, user) &&
			len(u.APIKeys) == len(user.APIKeys) && len(u.Authenticators) == len(user.Authenticators) && len(u.OAuthProviders) == len(user.OAuthProviders)
	}
	switch {
	case len(user.APIKeys) > 0:
		return b.find(ctx, turnkey.SubOrgFilter{Type: "PUBLIC_KEY", Value: user.APIKeys[0].PublicKey}, same)
	case len(user.Authenticators) > 0:
		return b.find(ctx, turnkey.SubOrgFilter{Type: "CREDENTIAL_ID", Value: user.Authenticators[0].Attestation.CredentialID}, same)
	case len(user.OAuthProviders) > 0 && user.OAuthProviders[0].OIDCToken != "":
		return b.find(ctx, turnkey.SubOrgFilter{Type: "OIDC_TOKEN", Value: user.OAuthProviders[0].OIDCToken}, same)
	default:
		return made{}, nil
	}
}

// find returns the first organization by f whose only user is as wanted; a nil same wants nothing.
func (b *Backend) find(ctx context.Context, f turnkey.SubOrgFilter, same func(turnkey.User) bool) (made, error) {
	ids, err := b.api.ListSubOrgs(ctx, b.c.OrganizationID, f)
	if err != nil {
		return made{}, upstream(err)
	}
	for _, id := range ids {
		u, sole, err := b.userOf(ctx, id)
		if err != nil {
			return made{}, err
		}
		if same == nil || sole && same(u) {
			return made{OrganizationID: id, UserID: u.UserID}, nil
		}
	}
	return made{}, nil
}

// userOf returns the first user of an organization, and whether it is the only one.
func (b *Backend) userOf(ctx context.Context, organizationID string) (turnkey.User, bool, error) {
	users, err := b.api.ListUsers(ctx, organizationID)
	if err != nil || len(users) == 0 {
		return turnkey.User{}, false, upstream(err)
	}
	return users[0], len(users) == 1, nil
}

// hasAll reports whether u has every API key and authenticator of p, and as many providers.
func hasAll(u turnkey.User, p turnkey.RootUserParams) bool {
	for _, k := range p.APIKeys {
		if !slices.ContainsFunc(u.APIKeys, func(have turnkey.APIKey) bool { return strings.EqualFold(have.Credential.PublicKey, k.PublicKey) }) {
			return false
		}
	}
	for _, a := range p.Authenticators {
		if !slices.ContainsFunc(u.Authenticators, func(have turnkey.Authenticator) bool { return have.CredentialID == a.Attestation.CredentialID }) {
			return false
		}
	}
	return len(u.OAuthProviders) >= len(p.OAuthProviders)
}
