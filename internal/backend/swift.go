package backend

import (
	"cmp"
	"context"

	"latchkey/internal/fault"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// This file answers the clients of both example servers of Turnkey's Swift kit, /auth/…: the current one and the demo
// before it, which share paths and not shapes. Both use plain codes, take an answer for good by its status 200 alone, and
// read its one field.

type swiftSendIn struct {
	OTPType string `json:"otpType"`
	Contact string `json:"contact" need:"yes"`
}

// swiftSend ignores the client's userIdentifier: whom a limit is about is for the server to say.
func (b *Backend) swiftSend(ctx context.Context, c *call, in swiftSendIn) (proxyInitOut, error) {
	sent, err := b.send(ctx, c, wish{contact: in.Contact, kind: in.OTPType})
	return proxyInitOut{sent.OTPID}, err
}

// swiftVerifyIn are both shapes of verifyOtp: the demo's has a contact and a key, and wants a session at once.
// expirationSeconds is that session's length. The current one sends it as well and means the session that it asks for
// later; how long a token lives is not the client's to say.
type swiftVerifyIn struct {
	OTPID              string          `json:"otpId" need:"yes"`
	OTPCode            string          `json:"otpCode"`
	EncryptedOTPBundle string          `json:"encryptedOtpBundle"`
	OTPType            string          `json:"otpType"`
	Contact            string          `json:"contact"`
	PublicKey          string          `json:"publicKey"`
	ExpirationSeconds  turnkey.Seconds `json:"expirationSeconds"`
}

type swiftVerifyOut struct {
	VerificationToken string `json:"verificationToken,omitempty"`
	*session
}

func (b *Backend) swiftVerify(ctx context.Context, c *call, in swiftVerifyIn) (swiftVerifyOut, error) {
	g := guess{OTPID: in.OTPID, OTPCode: in.OTPCode, EncryptedOTPBundle: in.EncryptedOTPBundle}
	e := entry{publicKey: in.PublicKey, seconds: in.ExpirationSeconds}
	whole := in.Contact != "" && in.PublicKey != ""
	if whole {
		c.hide(in.Contact)
		if err := e.check(b.c); err != nil { // before the code is used up
			return swiftVerifyOut{}, err
		}
	}
	jwt, v, err := b.prove(ctx, c, g)
	if err != nil {
		return swiftVerifyOut{}, err
	}
	if !whole {
		return swiftVerifyOut{VerificationToken: jwt}, nil
	}
	if err := sameAsProven(v, in.Contact); err != nil {
		return swiftVerifyOut{}, err
	}
	s, err := b.enter(ctx, c, ticket{jwt: jwt, joins: true}, e)
	return swiftVerifyOut{session: &s}, err
}

// sameAsProven refuses a contact beside a token that proves another.
func sameAsProven(v token.Verification, contact string) error {
	said, _, err := contactOf(contact, v.VerificationType)
	if err != nil || sameContact(said) != sameContact(v.Contact) {
		return fault.New(fault.LoginRefused, show("contact: not the one that was proven"))
	}
	return nil
}

type swiftLoginIn struct {
	VerificationToken string          `json:"verificationToken" need:"yes"`
	OTPType           string          `json:"otpType"`
	Contact           string          `json:"contact"`
	PublicKey         string          `json:"publicKey" need:"yes"`
	ExpirationSeconds turnkey.Seconds `json:"expirationSeconds"`
}

// swiftLogin logs in whom the token proves; the contact beside it must be the same.
func (b *Backend) swiftLogin(ctx context.Context, c *call, in swiftLoginIn) (session, error) {
	if in.Contact != "" {
		c.hide(in.VerificationToken, in.Contact)
		v, err := b.proof(in.VerificationToken)
		if err == nil {
			err = sameAsProven(v, in.Contact)
		}
		if err != nil {
			return session{}, err
		}
	}
	return b.enter(ctx, c, ticket{jwt: in.VerificationToken, joins: true}, entry{publicKey: in.PublicKey, seconds: in.ExpirationSeconds})
}

type swiftOAuthIn struct {
	PublicKey         string          `json:"publicKey" need:"yes"`
	ProviderName      string          `json:"providerName"`
	OIDCToken         string          `json:"oidcToken" need:"yes"`
	ExpirationSeconds turnkey.Seconds `json:"expirationSeconds"`
}

func (b *Backend) swiftOAuth(ctx context.Context, c *call, in swiftOAuthIn) (session, error) {
	return b.enterByIdentity(ctx, c, identity{in.OIDCToken, cmp.Or(in.ProviderName, "OAuth")},
		entry{publicKey: in.PublicKey, seconds: in.ExpirationSeconds})
}

type swiftPasskey struct {
	Name        string              `json:"name"`
	Challenge   string              `json:"challenge"`
	Attestation turnkey.Attestation `json:"attestation"`
}

// swiftCreateIn is a sign-up. The server of the examples reads oauth; its client has oAuthProviders.
type swiftCreateIn struct {
	Email          string                        `json:"email"`
	Phone          string                        `json:"phone"`
	Passkey        *swiftPasskey                 `json:"passkey"`
	OAuth          *turnkey.OAuthProviderParams  `json:"oauth"`
	OAuthProviders []turnkey.OAuthProviderParams `json:"oAuthProviders"`
	APIKeys        []turnkey.APIKeyParams        `json:"apiKeys"`
}

// transportHere is the transport of a passkey that names none: a passkey of the device itself.
const transportHere = "AUTHENTICATOR_TRANSPORT_INTERNAL"

// passkeyOf reads a passkey as the examples send it; nil for none.
func passkeyOf(name, challenge string, a turnkey.Attestation) []turnkey.AuthenticatorParams {
	if len(a.Transports) == 0 {
		a.Transports = []string{transportHere}
	}
	return []turnkey.AuthenticatorParams{{AuthenticatorName: cmp.Or(name, "Passkey"), Challenge: challenge, Attestation: a}}
}

func (in swiftCreateIn) newcomer() newcomer {
	n := newcomer{
		user:   turnkey.RootUserParams{UserEmail: in.Email, UserPhoneNumber: in.Phone, APIKeys: in.APIKeys, OAuthProviders: in.OAuthProviders},
		wallet: &turnkey.SubOrgWallet{WalletName: "Default Wallet", Accounts: []turnkey.WalletAccountParams{firstEthereum}},
	}
	if in.OAuth != nil {
		n.user.OAuthProviders = append(n.user.OAuthProviders, *in.OAuth)
	}
	if in.Passkey != nil {
		n.user.Authenticators = passkeyOf(in.Passkey.Name, in.Passkey.Challenge, in.Passkey.Attestation)
	}
	return n
}

func (b *Backend) swiftCreate(ctx context.Context, c *call, in swiftCreateIn) (signupOut, error) {
	m, err := b.enrol(ctx, c, in.newcomer())
	return signupOut{m.OrganizationID, m.OrganizationID, m.UserID}, err
}

// The accounts that a new wallet of the examples has.
var (
	firstEthereum = turnkey.WalletAccountParams{Curve: "CURVE_SECP256K1", PathFormat: "PATH_FORMAT_BIP32", Path: "m/44'/60'/0'/0/0", AddressFormat: "ADDRESS_FORMAT_ETHEREUM"}
	firstSolana   = turnkey.WalletAccountParams{Curve: "CURVE_ED25519", PathFormat: "PATH_FORMAT_BIP32", Path: "m/44'/501'/0'/0'", AddressFormat: "ADDRESS_FORMAT_SOLANA"}
)

type swiftFindIn struct {
	FilterType        string `json:"filterType" need:"yes"`
	FilterValue       string `json:"filterValue" need:"yes"`
	VerificationToken string `json:"verificationToken"`
}

type swiftFindOut struct {
	OrganizationID string `json:"organizationId"`
}

// swiftFind answers with the parent's id where nothing is found, as the demo does: a passkey then logs in there, and the
// service looks for its organization by itself.
func (b *Backend) swiftFind(ctx context.Context, c *call, in swiftFindIn) (swiftFindOut, error) {
	ids, err := b.lookUp(ctx, c, search{kind: in.FilterType, value: in.FilterValue, jwt: in.VerificationToken})
	if err != nil || len(ids) == 0 {
		return swiftFindOut{b.c.OrganizationID}, err
	}
	return swiftFindOut{ids[0]}, nil
}
