package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"strconv"

	"github.com/google/uuid"
)

// This file is how users, keys, wallets and activities look from outside. The names are the service's.

type userView struct {
	UserID          string              `json:"userId"`
	UserName        string              `json:"userName"`
	UserEmail       string              `json:"userEmail,omitempty"`
	UserPhoneNumber string              `json:"userPhoneNumber,omitempty"`
	Authenticators  []authenticatorView `json:"authenticators"`
	APIKeys         []apiKeyView        `json:"apiKeys"`
	UserTags        []uuid.UUID         `json:"userTags"`
	OAuthProviders  []providerView      `json:"oauthProviders"`
	CreatedAt       timestamp           `json:"createdAt"`
	UpdatedAt       timestamp           `json:"updatedAt"`
	MFAPolicies     []any               `json:"mfaPolicies"`
}

// full gives lists that are absent their empty form, which the service always sends.
func (v userView) full() userView {
	v.Authenticators, v.OAuthProviders, v.MFAPolicies = []authenticatorView{}, []providerView{}, []any{}
	if v.APIKeys == nil {
		v.APIKeys = []apiKeyView{}
	}
	if v.UserTags == nil {
		v.UserTags = []uuid.UUID{}
	}
	return v
}

func (u *user) view() userView {
	v := userView{
		UserID: u.id.String(), UserName: u.name, UserEmail: u.email, UserPhoneNumber: u.phone, UserTags: u.tags,
		CreatedAt: stampTime(u.created), UpdatedAt: stampTime(u.updated),
	}.full()
	v.MFAPolicies = u.mfaPolicyViews()
	for _, k := range u.keys {
		v.APIKeys = append(v.APIKeys, k.view())
	}
	for _, a := range u.authenticators {
		v.Authenticators = append(v.Authenticators, a.view())
	}
	for _, p := range u.providers {
		v.OAuthProviders = append(v.OAuthProviders, p.view())
	}
	return v
}

type authenticatorView struct {
	Transports        []string       `json:"transports"`
	AttestationType   string         `json:"attestationType"`
	AAGUID            string         `json:"aaguid"`
	CredentialID      string         `json:"credentialId"`
	Model             string         `json:"model"`
	Credential        credentialView `json:"credential"`
	AuthenticatorID   string         `json:"authenticatorId"`
	AuthenticatorName string         `json:"authenticatorName"`
	CreatedAt         timestamp      `json:"createdAt"`
	UpdatedAt         timestamp      `json:"updatedAt"`
}

func (a *authenticator) view() authenticatorView {
	return authenticatorView{
		Transports: append([]string{}, a.Transports...), AttestationType: a.AttestationType, AAGUID: a.AAGUID, CredentialID: a.CredentialID,
		Model: a.Model, Credential: credentialView{PublicKey: base64.RawURLEncoding.EncodeToString(a.PublicKey), Type: credentialWebAuthn.String()},
		AuthenticatorID: a.ID.String(), AuthenticatorName: a.Name, CreatedAt: stampTime(a.Created), UpdatedAt: stampTime(a.Created),
	}
}

type providerView struct {
	ProviderID   string    `json:"providerId"`
	ProviderName string    `json:"providerName"`
	Issuer       string    `json:"issuer"`
	Audience     string    `json:"audience"`
	Subject      string    `json:"subject"`
	CreatedAt    timestamp `json:"createdAt"`
	UpdatedAt    timestamp `json:"updatedAt"`
}

func (p *oauthProvider) view() providerView {
	return providerView{
		ProviderID: p.ID.String(), ProviderName: p.Name, Issuer: p.Issuer, Audience: p.Audience, Subject: p.Subject,
		CreatedAt: stampTime(p.Created), UpdatedAt: stampTime(p.Created),
	}
}

type apiKeyView struct {
	Credential        credentialView `json:"credential"`
	APIKeyID          string         `json:"apiKeyId"`
	APIKeyName        string         `json:"apiKeyName"`
	CreatedAt         timestamp      `json:"createdAt"`
	UpdatedAt         timestamp      `json:"updatedAt"`
	ExpirationSeconds string         `json:"expirationSeconds,omitempty"`
}

type credentialView struct {
	PublicKey        string    `json:"publicKey"`
	Type             string    `json:"type"`
	SessionProfileID uuid.UUID `json:"sessionProfileId,omitzero"`
}

func (k *apiKey) view() apiKeyView {
	v := apiKeyView{
		Credential: credentialView{PublicKey: k.public.String(), Type: k.kind.String(), SessionProfileID: k.profile},
		APIKeyID:   k.id.String(), APIKeyName: k.name, CreatedAt: stampTime(k.created), UpdatedAt: stampTime(k.created),
	}
	if k.seconds > 0 {
		v.ExpirationSeconds = strconv.FormatInt(k.seconds, 10)
	}
	return v
}

type walletView struct {
	WalletID   string    `json:"walletId"`
	WalletName string    `json:"walletName"`
	CreatedAt  timestamp `json:"createdAt"`
	UpdatedAt  timestamp `json:"updatedAt"`
	Exported   bool      `json:"exported"`
	Imported   bool      `json:"imported"`
}

func (w *wallet) view() walletView {
	return walletView{WalletID: w.id.String(), WalletName: w.name, CreatedAt: stampTime(w.created), UpdatedAt: stampTime(w.updated),
		Exported: w.exported, Imported: w.imported}
}

type accountView struct {
	WalletAccountID string      `json:"walletAccountId"`
	OrganizationID  string      `json:"organizationId"`
	WalletID        string      `json:"walletId"`
	Curve           string      `json:"curve"`
	PathFormat      string      `json:"pathFormat"`
	Path            string      `json:"path"`
	AddressFormat   string      `json:"addressFormat"`
	Address         string      `json:"address"`
	CreatedAt       timestamp   `json:"createdAt"`
	UpdatedAt       timestamp   `json:"updatedAt"`
	PublicKey       string      `json:"publicKey,omitempty"`
	WalletDetails   *walletView `json:"walletDetails,omitempty"`
	Name            string      `json:"name,omitempty"`
}

func (a *account) view(withWallet bool) accountView {
	v := accountView{
		WalletAccountID: a.id.String(), OrganizationID: a.wallet.org.id.String(), WalletID: a.wallet.id.String(), Curve: a.curve,
		PathFormat: pathFormat, Path: a.path, AddressFormat: a.format, Address: a.address,
		CreatedAt: stampTime(a.created), UpdatedAt: stampTime(a.created), PublicKey: a.publicKey, Name: a.name,
	}
	if withWallet {
		w := a.wallet.view()
		v.WalletDetails = &w
	}
	return v
}

// activityView is an activity as the service shows it.
type activityView struct {
	ID             string                     `json:"id"`
	OrganizationID string                     `json:"organizationId"`
	Status         string                     `json:"status"`
	Type           string                     `json:"type"`
	Intent         map[string]json.RawMessage `json:"intent"`
	Result         map[string]json.RawMessage `json:"result"`
	Votes          []voteView                 `json:"votes"`
	Fingerprint    string                     `json:"fingerprint"`
	CanApprove     bool                       `json:"canApprove"`
	CanReject      bool                       `json:"canReject"`
	CreatedAt      timestamp                  `json:"createdAt"`
	UpdatedAt      timestamp                  `json:"updatedAt"`
	Failure        json.RawMessage            `json:"failure,omitempty"`
}

type voteView struct {
	ID         string    `json:"id"`
	UserID     string    `json:"userId"`
	User       userView  `json:"user"`
	ActivityID string    `json:"activityId"`
	Selection  string    `json:"selection"`
	Message    string    `json:"message"`
	PublicKey  string    `json:"publicKey"`
	Signature  string    `json:"signature"`
	Scheme     string    `json:"scheme"`
	CreatedAt  timestamp `json:"createdAt"`
}

// view shows a to the caller, who sits in c.org. The caller of this method holds the lock.
func (c *call) view(a *activity) activityView {
	v := activityView{
		ID: a.ID.String(), OrganizationID: a.Org.String(), Status: a.Status, Type: a.Type,
		Intent: map[string]json.RawMessage{a.Intent: a.Parameters}, Result: map[string]json.RawMessage{},
		Votes: []voteView{}, Fingerprint: a.Fingerprint.String(), CreatedAt: stampTime(a.Created), UpdatedAt: stampTime(max(a.Created, a.Updated)),
		Failure: a.Failure,
	}
	if a.Result != "" {
		v.Result[a.Result] = a.Outcome
	}
	voted := false
	for _, vote := range a.Votes {
		voter := userView{UserID: vote.User.String(), CreatedAt: stampTime(vote.Created), UpdatedAt: stampTime(vote.Created)}.full()
		if org := c.state.orgs[vote.Org]; org != nil {
			if u := org.user(vote.User); u != nil && (org == c.org || org == c.user.org) {
				voter = u.view()
			} else if u != nil {
				voter.UserName = u.name // who reads the vote of another organization's user need not know his keys
			}
		}
		voted = voted || c.votedBefore(vote)
		selection := "VOTE_SELECTION_APPROVED"
		if vote.Rejected {
			selection = "VOTE_SELECTION_REJECTED"
		}
		v.Votes = append(v.Votes, voteView{
			ID: vote.ID.String(), UserID: vote.User.String(), User: voter, ActivityID: v.ID, Selection: selection,
			Message: vote.Message, PublicKey: vote.PublicKey, Signature: vote.Signature, Scheme: vote.Scheme, CreatedAt: stampTime(vote.Created),
		})
	}
	v.CanApprove = a.Status == statusConsensus && !voted && c.user.org.id == a.Votes[0].Org && c.mayVote(a, c.user)
	v.CanReject = v.CanApprove
	v.CanApprove = v.CanApprove || a.Status == statusAuthenticators && a.lacks(c.user.id) != nil
	return v
}
