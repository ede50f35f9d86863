package sandbox

import (
	"slices"

	"github.com/google/uuid"
)

// nothing is a query that has no filters.
type nothing struct{}

func whoami(c *call, _ *nothing) (any, error) {
	return struct {
		OrganizationID   string `json:"organizationId"`
		OrganizationName string `json:"organizationName"`
		UserID           string `json:"userId"`
		Username         string `json:"username"`
	}{c.user.org.id.String(), c.user.org.name, c.user.id.String(), c.user.name}, nil
}

type userFilter struct {
	UserID string `json:"userId" need:"text"`
}

func getUser(c *call, in *userFilter) (any, error) {
	u, err := c.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	return struct {
		User userView `json:"user"`
	}{u.view()}, nil
}

func listUsers(c *call, _ *nothing) (any, error) {
	users := make([]userView, len(c.org.users))
	for i, u := range c.org.users {
		users[i] = u.view()
	}
	return struct {
		Users []userView `json:"users"`
	}{users}, nil
}

type anyUserFilter struct {
	UserID string `json:"userId"`
}

// users are the one that is named, or all of the organization.
func (in *anyUserFilter) users(c *call) ([]*user, error) {
	if in.UserID == "" {
		return c.org.users, nil
	}
	u, err := c.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	return []*user{u}, nil
}

func getAPIKeys(c *call, in *anyUserFilter) (any, error) {
	users, err := in.users(c)
	if err != nil {
		return nil, err
	}
	keys := []apiKeyView{}
	for _, u := range users {
		for _, k := range u.keys {
			keys = append(keys, k.view())
		}
	}
	return struct {
		APIKeys []apiKeyView `json:"apiKeys"`
	}{keys}, nil
}

type apiKeyFilter struct {
	APIKeyID string `json:"apiKeyId" need:"text"`
}

func getAPIKey(c *call, in *apiKeyFilter) (any, error) {
	for _, u := range c.org.users {
		for _, k := range u.keys {
			if k.id.String() == in.APIKeyID {
				return struct {
					APIKey apiKeyView `json:"apiKey"`
				}{k.view()}, nil
			}
		}
	}
	return nil, notFound("no api key found with the given ID", "apiKeyId", in.APIKeyID)
}

func listWallets(c *call, _ *nothing) (any, error) {
	wallets := make([]walletView, len(c.org.wallets))
	for i, w := range c.org.wallets {
		wallets[i] = w.view()
	}
	return struct {
		Wallets []walletView `json:"wallets"`
	}{wallets}, nil
}

type walletFilter struct {
	WalletID string `json:"walletId" need:"text"`
}

func getWallet(c *call, in *walletFilter) (any, error) {
	w, err := c.wallet(in.WalletID)
	if err != nil {
		return nil, err
	}
	return struct {
		Wallet walletView `json:"wallet"`
	}{w.view()}, nil
}

type accountsFilter struct {
	WalletID             string      `json:"walletId"`
	IncludeWalletDetails bool        `json:"includeWalletDetails"`
	PaginationOptions    *pagination `json:"paginationOptions"`
}

func listWalletAccounts(c *call, in *accountsFilter) (any, error) {
	wallets := c.org.wallets
	if in.WalletID != "" {
		w, err := c.wallet(in.WalletID)
		if err != nil {
			return nil, err
		}
		wallets = []*wallet{w}
	}
	id := func(a *account) uuid.UUID { return a.id }
	page, err := paged(shuffled(c, accountsOf(wallets), id), in.PaginationOptions, id)
	if err != nil {
		return nil, err
	}
	views := make([]accountView, len(page))
	for i, a := range page {
		views[i] = a.view(in.IncludeWalletDetails)
	}
	return struct {
		Accounts []accountView `json:"accounts"`
	}{views}, nil
}

func accountsOf(wallets []*wallet) []*account {
	if len(wallets) == 1 {
		return wallets[0].accounts
	}
	var all []*account
	for _, w := range wallets {
		all = append(all, w.accounts...)
	}
	return all
}

type accountFilter struct {
	WalletID string `json:"walletId" need:"text"`
	Address  string `json:"address"`
	Path     string `json:"path"`
}

func getWalletAccount(c *call, in *accountFilter) (any, error) {
	w, err := c.wallet(in.WalletID)
	if err != nil {
		return nil, err
	}
	if in.Address == "" && in.Path == "" {
		return nil, invalid("an address or a path must be provided")
	}
	at := slices.IndexFunc(w.accounts, func(a *account) bool {
		return (in.Address == "" || sameAddress(a.address) == sameAddress(in.Address)) && (in.Path == "" || a.path == in.Path)
	})
	if at < 0 {
		return nil, notFound("no wallet account found", "walletId", in.WalletID)
	}
	return struct {
		Account accountView `json:"account"`
	}{w.accounts[at].view(false)}, nil
}

type activityFilter struct {
	ActivityID string `json:"activityId" need:"text"`
}

func getActivity(c *call, in *activityFilter) (any, error) {
	a, err := c.findActivity(in.ActivityID)
	if err != nil {
		return nil, err
	}
	return struct {
		Activity activityView `json:"activity"`
	}{c.view(a)}, nil
}

// findActivity returns the organization's activity of that id.
func (c *call) findActivity(id string) (*activity, error) {
	parsed, ok := parseID(id)
	if !ok {
		return nil, invalid("malformed activity ID provided")
	}
	a, err := c.state.history.find(c.org.id, parsed)
	if err == nil && a == nil {
		err = notFound("no activity found with the given ID", "activityId", id)
	}
	return a, err
}

type activitiesFilter struct {
	FilterByStatus    []string    `json:"filterByStatus"`
	FilterByType      []string    `json:"filterByType"`
	PaginationOptions *pagination `json:"paginationOptions"`
}

// listActivities answers newest first. With a cursor before, it looks from the newest down to the cursor.
func listActivities(c *call, in *activitiesFilter) (any, error) {
	p, err := in.PaginationOptions.read()
	if err != nil {
		return nil, err
	}
	page := []activityView{}
	begun := !p.hasAfter
	err = c.state.history.newest(c.org.id, func(a *activity) bool {
		switch {
		case p.hasBefore && a.ID == p.before:
			return false
		case !begun:
			begun = a.ID == p.after
			return true
		case len(in.FilterByStatus) > 0 && !slices.Contains(in.FilterByStatus, a.Status),
			len(in.FilterByType) > 0 && !slices.Contains(in.FilterByType, a.Type):
			return true
		}
		page = append(page, c.view(a))
		if p.hasBefore && len(page) > p.limit {
			page = page[1:] // the ones next to the cursor
		}
		return p.hasBefore || len(page) < p.limit
	})
	return struct {
		Activities []activityView `json:"activities"`
	}{page}, err
}

func getOrganizationConfigs(c *call, _ *nothing) (any, error) {
	type quorum struct {
		Threshold int32       `json:"threshold"`
		UserIDs   []uuid.UUID `json:"userIds"`
	}
	type configs struct {
		Features []feature `json:"features"`
		Quorum   quorum    `json:"quorum"`
	}
	return struct {
		Configs configs `json:"configs"`
	}{configs{append([]feature{}, c.org.features...), quorum{c.org.threshold, c.org.root}}}, nil
}
