package backend

import (
	"context"
	"slices"

	"latchkey/internal/fault"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// pageOf is how many organizations one look-up of proven contacts reads.
const pageOf = 100

// unprovenMost is how many organizations that merely name a contact are looked into. Anybody can make any number of
// them, and each costs two requests: a contact in more is nobody's in particular, and gets a new one.
const unprovenMost = 5

// accountOf returns the sub-organization of a proven contact, "" when there is none. See "No pre-hijack" in the
// package comment.
func (b *Backend) accountOf(ctx context.Context, v token.Verification) (string, error) {
	id, err := b.verifiedAccount(ctx, v)
	if err != nil || id != "" {
		return id, err
	}
	return b.untouchedAccount(ctx, v)
}

// mayEnter refuses a contact the organization that a caller named: whoever made it may only have written the contact
// into it. Errors: fault.LoginRefused.
func (b *Backend) mayEnter(ctx context.Context, v token.Verification, organizationID string) error {
	ids, err := b.verifiedAccounts(ctx, v)
	if err != nil || slices.Contains(ids, organizationID) {
		return err
	}
	if len(ids) == 0 {
		ids, err = b.api.ListSubOrgs(ctx, b.c.OrganizationID, turnkey.SubOrgFilter{
			Type: filterFor(v.VerificationType), Value: v.Contact, Limit: pageOf})
		if err == nil && slices.Contains(ids, organizationID) {
			var ok bool
			if ok, err = b.untouched(ctx, organizationID, v); ok {
				return nil
			}
		}
	}
	if err != nil {
		return upstream(err)
	}
	return fault.New(fault.LoginRefused, show("organizationId: the contact was not proven there"))
}

// verifiedAccount returns the organization in which the contact was proven. Where there are several, it is always
// the same one.
func (b *Backend) verifiedAccount(ctx context.Context, v token.Verification) (string, error) {
	ids, err := b.verifiedAccounts(ctx, v)
	if err != nil || len(ids) == 0 {
		return "", err
	}
	return ids[0], nil
}

func (b *Backend) verifiedAccounts(ctx context.Context, v token.Verification) ([]string, error) {
	ids, err := b.api.ListVerifiedSubOrgs(ctx, b.c.OrganizationID, turnkey.SubOrgFilter{
		Type: filterFor(v.VerificationType), Value: v.Contact, Limit: pageOf})
	return ids, upstream(err)
}

// untouchedAccount returns an organization that carries the contact, unproven, and that nobody can have entered.
func (b *Backend) untouchedAccount(ctx context.Context, v token.Verification) (string, error) {
	ids, err := b.api.ListSubOrgs(ctx, b.c.OrganizationID, turnkey.SubOrgFilter{
		Type: filterFor(v.VerificationType), Value: v.Contact, Limit: unprovenMost + 1})
	if err != nil || len(ids) > unprovenMost {
		return "", upstream(err)
	}
	for _, id := range ids {
		ok, err := b.untouched(ctx, id, v)
		if err != nil {
			return "", upstream(err)
		}
		if ok {
			return id, nil
		}
	}
	return "", nil
}

func (b *Backend) untouched(ctx context.Context, organizationID string, v token.Verification) (bool, error) {
	users, err := b.api.ListUsers(ctx, organizationID)
	if err != nil || len(users) != 1 { // a sole user is the root user
		return false, err
	}
	u := users[0]
	own, other := u.UserEmail, u.UserPhoneNumber
	if v.VerificationType == turnkey.OTPSMS {
		own, other = other, own
	}
	// A second contact is a second door: who proves that one would enter too.
	if sameContact(own) != sameContact(v.Contact) || other != "" ||
		len(u.APIKeys) > 0 || len(u.Authenticators) > 0 || len(u.OAuthProviders) > 0 {
		return false, nil
	}
	// A key that has expired is no longer listed. Whoever had it may have carried a phrase out or in.
	wallets, err := b.api.ListWallets(ctx, organizationID)
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(wallets, func(w turnkey.Wallet) bool { return w.Exported || w.Imported }), nil
}
