package client

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	onchain "latchkey/internal/chain"
	"latchkey/internal/fault"
	"latchkey/internal/session"
	"latchkey/internal/turnkey"
)

// Credential is one of the things by which a person gets at the account of the active session.
type Credential struct {
	Kind CredentialKind
	ID   string // what [Client.RemoveCredential] takes: Turnkey's id, or "email" and "phone"
	Name string // an address, a number, or what it was called when it was added; foreign text

	Issuer, Subject string    // of a provider
	PublicKey       string    // of a wallet, a key and a device, as API keys spell it
	Made            time.Time // zero for e-mail and phone
	Expires         time.Time // zero for what has no end

	// Of a device:
	ThisDevice bool
	Session    string // id of the session here; "" for another device, and for a key that a refresh here has just replaced
}

// CredentialKind says what a credential is.
type CredentialKind string

// The kinds. Those up to Wallet log in; a key stamps and logs nobody in; a device is a session somewhere, which ends.
const (
	CredentialEmail    CredentialKind = "email"
	CredentialPhone    CredentialKind = "phone"
	CredentialProvider CredentialKind = "provider"
	CredentialPasskey  CredentialKind = "passkey"
	CredentialWallet   CredentialKind = "wallet"
	CredentialKey      CredentialKind = "key"
	CredentialDevice   CredentialKind = "device"
)

// Enters reports whether a credential logs a person in for good.
func (k CredentialKind) Enters() bool {
	switch k {
	case CredentialEmail, CredentialPhone, CredentialProvider, CredentialPasskey, CredentialWallet:
		return true
	case CredentialKey, CredentialDevice:
	}
	return false
}

// How Turnkey calls the types of API keys that are told apart here.
const (
	typeLogin     = "CREDENTIAL_TYPE_LOGIN"
	typeSecp256k1 = "CREDENTIAL_TYPE_API_KEY_SECP256K1"
	typeEd25519   = "CREDENTIAL_TYPE_API_KEY_ED25519"
)

// Credentials returns what gets at the account of the active session: contacts, providers, passkeys, wallets, keys, and
// the sessions of every device, in this order. What has expired is left out.
func (c *Client) Credentials(ctx context.Context) ([]Credential, error) {
	return inSession(ctx, c, func(ctx context.Context, r *running, s session.Session) ([]Credential, error) {
		u, err := r.api.GetUser(ctx, s.OrganizationID, s.UserID)
		if err != nil {
			return nil, err
		}
		return c.credentialsOf(r, u), nil
	})
}

func (c *Client) credentialsOf(r *running, u turnkey.User) []Credential {
	var list []Credential
	if u.UserEmail != "" {
		list = append(list, Credential{Kind: CredentialEmail, ID: string(CredentialEmail), Name: u.UserEmail})
	}
	if u.UserPhoneNumber != "" {
		list = append(list, Credential{Kind: CredentialPhone, ID: string(CredentialPhone), Name: u.UserPhoneNumber})
	}
	for _, p := range u.OAuthProviders {
		list = append(list, Credential{Kind: CredentialProvider, ID: p.ProviderID, Name: p.ProviderName, Issuer: p.Issuer, Subject: p.Subject, Made: p.CreatedAt.Time()})
	}
	for _, p := range u.Authenticators {
		list = append(list, Credential{Kind: CredentialPasskey, ID: p.AuthenticatorID, Name: p.AuthenticatorName, Made: p.CreatedAt.Time()})
	}
	var keys, devices []Credential
	now := c.now().Add(r.skew())
	for _, k := range u.APIKeys {
		one := c.keyCredential(r, k)
		switch {
		case !one.Expires.IsZero() && !now.Before(one.Expires):
		case one.Kind == CredentialWallet:
			list = append(list, one)
		case one.Kind == CredentialDevice:
			devices = append(devices, one)
		default:
			keys = append(keys, one)
		}
	}
	return append(append(list, keys...), devices...)
}

// keyCredential tells what an API key is.
func (c *Client) keyCredential(r *running, k turnkey.APIKey) Credential {
	one := Credential{Kind: CredentialKey, ID: k.APIKeyID, Name: k.APIKeyName, PublicKey: k.Credential.PublicKey, Made: k.CreatedAt.Time()}
	if k.ExpirationSeconds > 0 {
		one.Expires = one.Made.Add(time.Duration(k.ExpirationSeconds) * time.Second)
	}
	switch k.Credential.Type {
	case typeSecp256k1, typeEd25519:
		one.Kind = CredentialWallet
		if address, err := walletAddress(one.PublicKey); err == nil {
			one.Name = address
		}
	case typeLogin:
		one.Kind = CredentialDevice
		one.ThisDevice = slices.Contains(r.sessions.PublicKeys(), one.PublicKey)
		for _, s := range r.sessions.List() {
			if s.Key.PublicKey == one.PublicKey && s.Ended == nil {
				one.Session, one.Name = s.ID, s.Label
			}
		}
	}
	return one
}

// walletAddress returns the address of a wallet's public key, as API keys spell it, on its own network.
func walletAddress(publicKey string) (string, error) {
	raw, err := hex.DecodeString(publicKey)
	switch {
	case err != nil:
		return "", err
	case len(raw) == 32:
		return onchain.SolanaAddress(raw)
	}
	return onchain.EthereumAddress(raw)
}

// RemoveCredential takes the credential with an id away from the account, after a person has consented. Errors:
// fault.CredentialUnknown; fault.CredentialLast for what is the only way to log in; fault.CredentialHere for a session of
// this device, which is logged out of instead; those of approval and of Turnkey. What another device removes in the same
// moment is not seen: the account is looked at before the person is asked.
func (c *Client) RemoveCredential(ctx context.Context, id string) error {
	_, err := inSession(ctx, c, func(ctx context.Context, r *running, s session.Session) (struct{}, error) {
		none := struct{}{}
		u, err := r.api.GetUser(ctx, s.OrganizationID, s.UserID)
		if err != nil {
			return none, err
		}
		list := c.credentialsOf(r, u)
		at := slices.IndexFunc(list, func(one Credential) bool { return one.ID == id })
		if at < 0 {
			return none, fault.New(fault.CredentialUnknown, fmt.Errorf("%q", id))
		}
		one := list[at]
		if one.ThisDevice {
			return none, fault.New(fault.CredentialHere, nil)
		}
		others := func(o Credential) bool { return o.ID != id && o.Kind.Enters() }
		if one.Kind != CredentialDevice && !slices.ContainsFunc(list, others) {
			return none, fault.New(fault.CredentialLast, nil)
		}
		return none, remove(ctx, r.api, s, one)
	})
	return err
}

func remove(ctx context.Context, api *turnkey.Client, s session.Session, one Credential) error {
	switch one.Kind {
	case CredentialEmail:
		return api.UpdateUserEmail(ctx, s.OrganizationID, s.UserID, "", "")
	case CredentialPhone:
		return api.UpdateUserPhoneNumber(ctx, s.OrganizationID, s.UserID, "", "")
	case CredentialProvider:
		return api.DeleteOAuthProviders(ctx, s.OrganizationID, s.UserID, one.ID)
	case CredentialPasskey:
		return api.DeleteAuthenticators(ctx, s.OrganizationID, s.UserID, one.ID)
	case CredentialWallet, CredentialKey, CredentialDevice:
	}
	_, err := api.DeleteAPIKeys(ctx, s.OrganizationID, s.UserID, one.ID)
	return err
}
