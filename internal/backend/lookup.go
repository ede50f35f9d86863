package backend

import (
	"context"

	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// search is a look-up of an account by something that may be somebody's.
type search struct {
	kind, value string
	jwt         string // the verification token that proves a contact, "" for none
	idToken     string // Google's, which may vouch for an address instead; "" for none
}

// lookUp returns the accounts that a search finds: the step that every family takes. A contact is found by who has
// proven it, and names, which are no secrets and no identities, find nobody: whoever asks learns nothing about
// somebody else, and gets the same answer whether or not there is an account. Keys, credential ids and id tokens are
// found, because only who has them knows them. Errors: fault.RequestInvalid for a kind that nobody knows, and those of
// the token.
func (b *Backend) lookUp(ctx context.Context, c *call, s search) ([]string, error) {
	c.hide(s.value, s.jwt, s.idToken)
	if s.value == "" || len(s.value) > idTokenMost {
		return nil, bad("filterValue: missing or over %d bytes", idTokenMost)
	}
	switch s.kind {
	case "EMAIL", "PHONE_NUMBER":
		v, ok, err := b.proven(ctx, s)
		if err != nil || !ok {
			return nil, err
		}
		b.about(c, v.Contact)
		return b.verifiedAccounts(ctx, v)
	case "OIDC_TOKEN":
		return b.identified(ctx, s.value)
	case "PUBLIC_KEY", "CREDENTIAL_ID":
		ids, err := b.api.ListSubOrgs(ctx, b.c.OrganizationID, turnkey.SubOrgFilter{Type: s.kind, Value: s.value, Limit: pageOf})
		return ids, upstream(err)
	case "NAME", "USERNAME", "OIDC_CLAIMS", "OAUTH_CLAIM", "WALLET_ACCOUNT_ADDRESS":
		return nil, nil
	default:
		return nil, bad("filterType: nothing that accounts are found by")
	}
}

// proven reports whether the search's token proves the very contact that is searched for.
func (b *Backend) proven(ctx context.Context, s search) (token.Verification, bool, error) {
	switch {
	case s.jwt == "" && s.kind == "EMAIL":
		return b.vouched(ctx, s.idToken, s.value)
	case s.jwt == "":
		return token.Verification{}, false, nil
	}
	v, err := b.proof(s.jwt)
	if err != nil {
		return token.Verification{}, false, err
	}
	return v, filterFor(v.VerificationType) == s.kind && sameContact(v.Contact) == sameContact(s.value), nil
}
