package sandbox

import (
	"iter"
	"slices"
	"strconv"

	"github.com/google/uuid"
)

// pagination is a window of a list: after one id and before another, a few at a time.
type pagination struct {
	Limit  numeral `json:"limit"`
	Before string  `json:"before"`
	After  string  `json:"after"`
}

const (
	pageDefault = 10
	pageMax     = 100
)

type page struct {
	limit               int
	before, after       uuid.UUID
	hasBefore, hasAfter bool
}

func (p *pagination) read() (page, error) {
	out := page{limit: pageDefault}
	if p == nil {
		return out, nil
	}
	if p.Limit != "" {
		n, err := strconv.Atoi(string(p.Limit))
		if err != nil || n < 1 || n > pageMax {
			return out, invalid("invalid pagination limit: must be between 1 and %d", pageMax)
		}
		out.limit = n
	}
	for _, cursor := range []struct {
		text string
		id   *uuid.UUID
		has  *bool
	}{{p.Before, &out.before, &out.hasBefore}, {p.After, &out.after, &out.hasAfter}} {
		if cursor.text == "" {
			continue
		}
		if *cursor.id, *cursor.has = parseID(cursor.text); !*cursor.has {
			return out, invalid("invalid pagination cursor")
		}
	}
	return out, nil
}

// paged returns the part of all that p asks for: from the front, or what lies right before a cursor. A cursor that
// names nothing leaves nothing.
func paged[T any](all []T, p *pagination, id func(T) uuid.UUID) ([]T, error) {
	w, err := p.read()
	if err != nil {
		return nil, err
	}
	if w.hasAfter {
		at := slices.IndexFunc(all, func(v T) bool { return id(v) == w.after })
		if at < 0 {
			return nil, nil
		}
		all = all[at+1:]
	}
	if w.hasBefore {
		at := slices.IndexFunc(all, func(v T) bool { return id(v) == w.before })
		if at < 0 {
			return nil, nil
		}
		all = all[max(0, at-w.limit):at]
	}
	return all[:min(w.limit, len(all))], nil
}

type subOrgsFilter struct {
	FilterType        string      `json:"filterType"`
	FilterValue       string      `json:"filterValue"`
	PaginationOptions *pagination `json:"paginationOptions"`

	whose []identity // found out by ready
}

type organizationIDs struct {
	OrganizationIDs []string `json:"organizationIds"`
}

// listSubOrgs finds the organization's sub-organizations by what one of their users, wallets or their name is.
func listSubOrgs(c *call, in *subOrgsFilter) (any, error) {
	if in.FilterType == "" {
		return c.pageOfSubs(in.PaginationOptions)
	}
	if in.FilterValue == "" {
		return nil, missingField("filterValue")
	}
	s := c.state
	var found subs
	ofUsers := func(users iter.Seq[*user]) {
		for u := range users {
			found.add(c.org, u.org)
		}
	}
	switch in.FilterType {
	case "NAME":
		for o := range s.byName.all(in.FilterValue) {
			found.add(c.org, o)
		}
	case "USERNAME":
		ofUsers(s.byUserName.all(in.FilterValue))
	case "EMAIL":
		ofUsers(s.byEmail.all(sameEmail(in.FilterValue)))
	case "PHONE_NUMBER":
		ofUsers(s.byPhone.all(in.FilterValue))
	case "PUBLIC_KEY":
		if p, ok := hexPoint(in.FilterValue); ok {
			ofUsers(s.byKey.all(p))
		}
	case "WALLET_ACCOUNT_ADDRESS":
		for a := range s.byAddress.all(sameAddress(in.FilterValue)) {
			found.add(c.org, a.wallet.org)
		}
	case "CREDENTIAL_ID":
		ofUsers(s.byPasskey.all(in.FilterValue))
	case "OIDC_TOKEN", "OIDC_CLAIMS":
		for _, who := range in.whose {
			ofUsers(s.byIdentity.all(who))
		}
	default:
		return nil, invalid("invalid filter type")
	}
	return found.page(c, in.PaginationOptions)
}

// listVerifiedSubOrgs finds only those in which the contact was proven.
func listVerifiedSubOrgs(c *call, in *subOrgsFilter) (any, error) {
	users, verified := c.state.byEmail.all(sameEmail(in.FilterValue)), func(u *user) bool { return u.emailVerified }
	switch in.FilterType {
	case "EMAIL":
	case "PHONE_NUMBER":
		users, verified = c.state.byPhone.all(in.FilterValue), func(u *user) bool { return u.phoneVerified }
	default:
		return nil, invalid("invalid filter type")
	}
	if in.FilterValue == "" {
		return nil, missingField("filterValue")
	}
	var found subs
	for u := range users {
		if verified(u) {
			found.add(c.org, u.org)
		}
	}
	return found.page(c, in.PaginationOptions)
}

// subs collects sub-organizations of one parent, each once.
type subs struct {
	list []*organization
	seen map[*organization]bool
}

func (s *subs) add(parent, o *organization) {
	if o.parent != parent || s.seen[o] {
		return
	}
	if s.seen == nil {
		s.seen = map[*organization]bool{}
	}
	s.seen[o] = true
	s.list = append(s.list, o)
}

func (s *subs) page(c *call, p *pagination) (any, error) {
	id := func(o *organization) uuid.UUID { return o.id }
	found, err := paged(shuffled(c, s.list, id), p, id)
	return idsOf(found), err
}

func idsOf(orgs []*organization) organizationIDs {
	ids := make([]string, len(orgs))
	for i, o := range orgs {
		ids[i] = o.id.String()
	}
	return organizationIDs{ids}
}

// pageOfSubs answers without a filter, in the order of making unless that is shuffled. Cursors are found by their place, not by looking
// through the list, which may have a million.
func (c *call) pageOfSubs(p *pagination) (any, error) {
	s, org := c.state, c.org
	w, err := p.read()
	if err != nil {
		return nil, err
	}
	from, to := 0, len(org.subs)
	if w.hasAfter {
		o := s.orgs[w.after]
		if o == nil || o.parent != org {
			return idsOf(nil), nil
		}
		from = s.listedAt(o, c.s.shuffle) + 1
	}
	if w.hasBefore {
		o := s.orgs[w.before]
		if o == nil || o.parent != org {
			return idsOf(nil), nil
		}
		to = max(from, s.listedAt(o, c.s.shuffle))
		from = max(from, to-w.limit)
	}
	return idsOf(s.subsInOrder(org, from, min(to, from+w.limit), c.s.shuffle)), nil
}
