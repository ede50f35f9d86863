package backend

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/internal/turnkey"
)

// This file answers who is logged in: the routes that a session token opens.

// meOut is who the caller is.
type meOut struct {
	OrganizationID  string `json:"organizationId"`
	UserID          string `json:"userId"`
	UserName        string `json:"userName"`
	UserEmail       string `json:"userEmail,omitempty"`
	UserPhoneNumber string `json:"userPhoneNumber,omitempty"`
	PublicKey       string `json:"publicKey"`
	SessionType     string `json:"sessionType"`
	ExpiresAt       string `json:"expiresAt"` // RFC 3339
}

func (b *Backend) me(_ context.Context, c *call, _ nothing) (meOut, error) {
	v := c.visitor
	return meOut{v.OrganizationID, v.UserID, v.UserName, v.Email, v.Phone, v.PublicKey, v.SessionType, v.Expires.UTC().Format(time.RFC3339)}, nil
}

// The headers by which a reverse proxy learns who a request is from.
const (
	organizationHeader = "X-Latchkey-Organization-Id"
	userHeader         = "X-Latchkey-User-Id"
)

// forwarded is [OwnOnly] for what a reverse proxy asks about: the address of the request that it holds, where it says
// that in one of the two headers that are in use.
func forwarded(r *http.Request, v Visitor) error {
	if err := OwnOnly(r, v); err != nil {
		return err
	}
	for _, name := range []string{"X-Forwarded-Uri", "X-Original-Uri"} {
		for _, address := range r.Header.Values(name) {
			u, err := url.ParseRequestURI(address)
			if err != nil {
				return bad("%s: cannot be read", name)
			}
			if err := OwnOnly(&http.Request{URL: u}, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// forwardAuth answers a reverse proxy that asks before it lets a request through.
func (b *Backend) forwardAuth(ctx context.Context, c *call, in nothing) (meOut, error) {
	c.reply.Set(organizationHeader, c.visitor.OrganizationID)
	c.reply.Set(userHeader, c.visitor.UserID)
	return b.me(ctx, c, in)
}

type walletsOut struct {
	Wallets []ownWallet `json:"wallets"`
}

// ownWallet is a wallet with its accounts, public as both are.
type ownWallet struct {
	WalletID   string                  `json:"walletId"`
	WalletName string                  `json:"walletName"`
	Exported   bool                    `json:"exported"`
	Imported   bool                    `json:"imported"`
	Accounts   []turnkey.WalletAccount `json:"accounts"`
}

func (b *Backend) wallets(ctx context.Context, c *call, _ nothing) (walletsOut, error) {
	out := walletsOut{Wallets: []ownWallet{}}
	all, err := b.api.ListWallets(ctx, c.visitor.OrganizationID)
	if err != nil {
		return out, upstream(err)
	}
	accounts, err := b.api.ListWalletAccounts(ctx, c.visitor.OrganizationID, "")
	if err != nil {
		return out, upstream(err)
	}
	of := map[string][]turnkey.WalletAccount{}
	for _, a := range accounts {
		of[a.WalletID] = append(of[a.WalletID], a)
	}
	for _, w := range all {
		one := ownWallet{w.WalletID, w.WalletName, w.Exported, w.Imported, of[w.WalletID]}
		if one.Accounts == nil {
			one.Accounts = []turnkey.WalletAccount{}
		}
		out.Wallets = append(out.Wallets, one)
	}
	return out, nil
}

// ofOrganization is what the web examples ask of one organization. They say which; here it must be the session's own.
type ofOrganization struct {
	OrganizationID string `json:"organizationId"`
}

// webWallet returns the first wallet, in the shape of the passkey example.
func (b *Backend) webWallet(ctx context.Context, c *call, in ofOrganization) (webMade, error) {
	if err := c.visitor.own(in.OrganizationID); err != nil {
		return webMade{}, err
	}
	all, err := b.wallets(ctx, c, nothing{})
	if err != nil {
		return webMade{}, err
	}
	out := webMade{Accounts: []webAccount{}}
	if len(all.Wallets) > 0 {
		out.ID, out.Name = all.Wallets[0].WalletID, all.Wallets[0].WalletName
		for _, a := range all.Wallets[0].Accounts {
			out.Accounts = append(out.Accounts, webAccount{a.Address, a.Path})
		}
	}
	return out, nil
}

type webUsersOut struct {
	Users []turnkey.User `json:"users"`
}

func (b *Backend) webUsers(ctx context.Context, c *call, in ofOrganization) (webUsersOut, error) {
	if err := c.visitor.own(in.OrganizationID); err != nil {
		return webUsersOut{}, err
	}
	users, err := b.api.ListUsers(ctx, c.visitor.OrganizationID)
	return webUsersOut{users}, upstream(err)
}

type webActivityIn struct {
	ofOrganization
	ActivityID string `json:"activityId" need:"yes"`
}

// webActivity answers with the activity as the service tells it.
func (b *Backend) webActivity(ctx context.Context, c *call, in webActivityIn) (json.RawMessage, error) {
	if err := c.visitor.own(in.OrganizationID); err != nil {
		return nil, err
	}
	if !isUUID(in.ActivityID) {
		return nil, bad("activityId: want a UUID")
	}
	var out struct {
		Activity json.RawMessage `json:"activity"`
	}
	err := b.api.Query(ctx, "/public/v1/query/get_activity", map[string]string{
		"organizationId": c.visitor.OrganizationID, "activityId": strings.ToLower(in.ActivityID)}, &out)
	return out.Activity, upstream(err)
}
