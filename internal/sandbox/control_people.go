package sandbox

import (
	"net/http"
	"strings"
)

// This file is what the owner sees of organizations, users and keys: all but what is secret, which only a dump has.

// ownerView is one organization.
type ownerView struct {
	OrganizationID   string            `json:"organizationId"`
	OrganizationName string            `json:"organizationName"`
	Parent           bool              `json:"parent,omitempty"` // the one above all others
	CreatedAt        int64             `json:"createdAt"`        // unix ms, as all here
	Threshold        int32             `json:"threshold"`
	Users            []ownerUserView   `json:"users"`
	Wallets          []ownerWalletView `json:"wallets"`
	PrivateKeys      []ownerSecretView `json:"privateKeys"`    // their public halves
	More             int               `json:"more,omitempty"` // private keys that are not listed
}

type ownerSecretView struct {
	Name      string             `json:"name"`
	PublicKey string             `json:"publicKey"`
	Curve     string             `json:"curve"`
	Addresses []ownerAccountView `json:"addresses"`
}

type ownerUserView struct {
	UserID        string              `json:"userId"`
	UserName      string              `json:"userName"`
	Email         string              `json:"email,omitempty"`
	EmailVerified bool                `json:"emailVerified,omitempty"`
	Phone         string              `json:"phone,omitempty"`
	PhoneVerified bool                `json:"phoneVerified,omitempty"`
	Root          bool                `json:"root,omitempty"`
	APIKeys       []ownerKeyView      `json:"apiKeys"`
	Passkeys      []ownerPasskeyView  `json:"passkeys"`
	Providers     []ownerProviderView `json:"providers"`
}

type ownerKeyView struct {
	Name      string `json:"name"`
	PublicKey string `json:"publicKey"`
	Type      string `json:"type"`
	CreatedAt int64  `json:"createdAt"`
	ExpiresAt int64  `json:"expiresAt,omitempty"`
	Expired   bool   `json:"expired,omitempty"`
}

type ownerPasskeyView struct {
	Name         string `json:"name"`
	CredentialID string `json:"credentialId"`
}

type ownerProviderView struct {
	Name    string `json:"name"`
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

type ownerWalletView struct {
	WalletID   string             `json:"walletId"`
	WalletName string             `json:"walletName"`
	Accounts   []ownerAccountView `json:"accounts"`
	More       int                `json:"more,omitempty"` // accounts that are not listed
}

type ownerAccountView struct {
	Address string `json:"address"`
	Format  string `json:"format"`
	Path    string `json:"path,omitempty"`
}

const (
	ownerPage     = 20
	ownerPageMax  = 100
	ownerLooksMax = 20_000 // organizations that one request looks at; the next one goes on
	ownerAccounts = 50     // accounts of a wallet, or private keys, that are listed
)

// organizations answers with the parent first and then the others, newest first: those in which q stands, in a name, a
// contact, an id, a public key or an address. next names where the following page begins, and is absent at the end.
func (c *control) organizations(r *http.Request) (any, error) {
	query := r.URL.Query()
	limit, err := whole(query, "limit", ownerPage)
	if err != nil {
		return nil, err
	}
	limit = max(1, min(limit, ownerPageMax))
	after := query.Get("after")
	q := strings.ToLower(strings.TrimSpace(query.Get("q")))
	out := struct {
		Organizations []ownerView `json:"organizations"`
		Total         int         `json:"total"` // of all, whatever q is
		Next          string      `json:"next,omitempty"`
	}{Organizations: []ownerView{}}
	now := c.s.clock.now().UnixMilli()
	st := c.s.state.Load()
	version := st.reading(func() {
		all := st.parent.subs
		out.Total = len(all) + 1
		at := len(all) // the place of the one to look at; the parent's is behind the last
		if after != "" {
			id, _ := parseID(after)
			o := st.orgs[id]
			if o == nil {
				err = invalid("after: no organization has this id")
				return
			}
			if o != st.parent {
				at = o.place
			}
			at--
		}
		last := st.parent
		for looks := 0; at >= 0; at-- {
			if uint64(len(out.Organizations)) == limit || looks == ownerLooksMax {
				out.Next = last.id.String()
				return
			}
			looks++
			if last = st.parent; at < len(all) {
				last = all[at]
			}
			if last.mentions(q) {
				out.Organizations = append(out.Organizations, last.ownerView(now))
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return out, st.disk.flush(version)
}

// mentions reports whether q, in lower case, stands in something that o is known by. The caller holds the lock.
func (o *organization) mentions(q string) bool {
	has := func(texts ...string) bool {
		for _, text := range texts {
			if strings.Contains(strings.ToLower(text), q) {
				return true
			}
		}
		return false
	}
	if q == "" || has(o.name, o.id.String()) {
		return true
	}
	for _, u := range o.users {
		if has(u.name, u.email, u.phone, u.id.String()) {
			return true
		}
		for _, k := range u.keys {
			if has(k.name, k.public.String()) {
				return true
			}
		}
		for _, a := range u.authenticators {
			if has(a.Name, a.CredentialID) {
				return true
			}
		}
		for _, p := range u.providers {
			if has(p.Name, p.Issuer, p.Subject) {
				return true
			}
		}
	}
	for _, k := range o.shelved().keys.all {
		if has(k.name, k.id.String(), k.public) {
			return true
		}
		for _, a := range k.addresses {
			if has(a.Address) {
				return true
			}
		}
	}
	for _, w := range o.wallets {
		if has(w.name, w.id.String()) {
			return true
		}
		for _, a := range w.accounts {
			if has(a.address) {
				return true
			}
		}
	}
	return false
}

func (o *organization) ownerView(now int64) ownerView {
	v := ownerView{OrganizationID: o.id.String(), OrganizationName: o.name, Parent: o.parent == nil, CreatedAt: o.created,
		Threshold: o.threshold, Users: []ownerUserView{}, Wallets: []ownerWalletView{}, PrivateKeys: []ownerSecretView{}}
	for _, u := range o.users {
		v.Users = append(v.Users, u.ownerView(now))
	}
	for _, w := range o.wallets {
		shown := w.accounts[:min(len(w.accounts), ownerAccounts)]
		wv := ownerWalletView{WalletID: w.id.String(), WalletName: w.name, Accounts: make([]ownerAccountView, len(shown)), More: len(w.accounts) - len(shown)}
		for i, a := range shown {
			wv.Accounts[i] = ownerAccountView{a.address, a.format, a.path}
		}
		v.Wallets = append(v.Wallets, wv)
	}
	keys := o.shelved().keys.all
	v.More = max(0, len(keys)-ownerAccounts)
	for _, k := range keys[:len(keys)-v.More] {
		kv := ownerSecretView{Name: k.name, PublicKey: k.public, Curve: k.curve, Addresses: []ownerAccountView{}}
		for _, a := range k.addresses {
			kv.Addresses = append(kv.Addresses, ownerAccountView{Address: a.Address, Format: a.Format})
		}
		v.PrivateKeys = append(v.PrivateKeys, kv)
	}
	return v
}

func (u *user) ownerView(now int64) ownerUserView {
	v := ownerUserView{UserID: u.id.String(), UserName: u.name, Email: u.email, EmailVerified: u.emailVerified, Phone: u.phone,
		PhoneVerified: u.phoneVerified, Root: u.isRoot(), APIKeys: []ownerKeyView{}, Passkeys: []ownerPasskeyView{}, Providers: []ownerProviderView{}}
	for _, k := range u.keys {
		kv := ownerKeyView{Name: k.name, PublicKey: k.public.String(), Type: k.kind.String(), CreatedAt: k.created, Expired: k.expired(now)}
		if end, ok := k.expires(); ok {
			kv.ExpiresAt = end
		}
		v.APIKeys = append(v.APIKeys, kv)
	}
	for _, a := range u.authenticators {
		v.Passkeys = append(v.Passkeys, ownerPasskeyView{a.Name, a.CredentialID})
	}
	for _, p := range u.providers {
		v.Providers = append(v.Providers, ownerProviderView{p.Name, p.Issuer, p.Subject})
	}
	return v
}
